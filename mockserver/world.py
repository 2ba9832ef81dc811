"""The parts that resource handlers work with, in one object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mockserver.config import Config
from mockserver.contract import Contract
from mockserver.exchange import Tenant
from mockserver.quirks import Quirks
from mockserver.runtime import Runtime
from mockserver.sources import Sources
from mockserver.specs.connectors import Connectors
from mockserver.specs.flow_specs import FlowSpecs
from mockserver.specs.written import OwnConnectors
from mockserver.state.records import Doc
from mockserver.state.store import Store


class Shown(NamedTuple):
    """A record as responses show it."""

    doc: Doc
    item: dict[str, Any]
    """Do not change it: other responses share it."""
    encoded: bytes
    """The item as JSON."""


MAX_RUNS, MAX_LANDED_RUNS = 3_000, 750
"""Maximum runs that one request creates: a month of them every 15 minutes; with `--lake`, fewer."""
MAX_LANDED_WORK = 12_000_000
"""Maximum work of a request that writes rows of runs to `--lake`: 0.3 s of CPU time. The rest is done afterwards."""

MAX_FLOWS = 2_000
"""Maximum flows whose overdue runs a list of all runs creates: those written last. Others' are, when they are named."""


@dataclass(slots=True)
class RunBudget:
    """How many runs a request may still create."""

    left: int
    settled: bool = False
    """Whether all flows of the tenant have been brought up to date."""
    landed: list[int] = field(default_factory=lambda: [MAX_LANDED_WORK])
    """The remaining work for rows of runs."""


class World(NamedTuple):
    """Everything behind the operations. Handlers receive it instead of using globals."""

    config: Config
    quirks: Quirks
    runtime: Runtime
    contract: Contract
    connectors: Connectors
    flow_specs: FlowSpecs
    sources: Sources
    store: Store
    shown: dict[str, Shown]
    """Etag -> shown record; a cache of `resources._crud`."""
    run_budget: RunBudget | None = None
    """The budget of the current request; None outside of requests."""
    own_connectors: dict[Tenant, Connectors] | None = None
    """Connectors that the request asked for, so that each written spec is read once; None outside of requests."""

    def for_request(self) -> World:
        """The same parts, with the budget of a new request."""
        return self._replace(run_budget=RunBudget(self.run_limit), own_connectors={})

    @property
    def slowness(self) -> int:
        """How many times longer it takes to read a record of this store than one in memory."""
        return 1 if self.config.state is None else 2

    @property
    def run_limit(self) -> int:
        """Maximum runs that one request creates."""
        return MAX_RUNS // self.slowness if self.config.lake is None else MAX_LANDED_RUNS

    @property
    def flow_limit(self) -> int:
        """Maximum flows that a request brings up to date without naming them."""
        return MAX_FLOWS // self.slowness

    @property
    def page_key(self) -> bytes:
        """The key that seals continuation tokens."""
        return self.store.page_key

    def connectors_of(self, tenant: Tenant) -> Connectors:
        """The connectors of a tenant: those of the catalogue and the specs it wrote."""
        known = None if self.own_connectors is None else self.own_connectors.get(tenant)
        if known is None:
            known = OwnConnectors(self.connectors, self.store, tenant)
            if self.own_connectors is not None:
                self.own_connectors[tenant] = known
        return known
