"""Reads the source of a flow: the tables or files of its source connection, or the error that prevents it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.exchange import Tenant
from mockserver.flows.outcome import FAILED, Load, Span
from mockserver.specs.connectors import Access
from mockserver.world import World

if TYPE_CHECKING:
    from mockserver.sources.files import File
    from mockserver.sources.source import RunRule
    from mockserver.sources.tables import Tabular


@dataclass(frozen=True, slots=True)
class FlowSource:
    """The source of a flow, or the error that prevents reading it."""

    objects: tuple[Tabular | File, ...]
    failure: RunRule | None
    outcome: Callable[[int], RunRule | None]

    @classmethod
    def open(cls, world: World, tenant: Tenant, provided: Mapping[str, Any]) -> FlowSource:
        """Open the source that a flow's `provider` member names."""
        name = provided["object"]
        base = provided["baseConnectionId"]
        connection = world.store.get(tenant, "connections", base) if base else provided
        try:
            if connection is None:
                raise ApiError("rejected", message="the base connection was deleted")
            access: Access = world.connectors_of(tenant).access(connection)
            objects = world.sources.objects(access, name if isinstance(name, str) else None)
        except ApiError as error:
            return cls((), trouble(error), lambda number: None)
        return cls(objects, None, lambda number: world.sources.outcome(access, name or "", number))

    def foreseeing(self, column: str, moments: Sequence[int | None]) -> FlowSource:
        """The source, prepared to answer the windows between neighbouring moments in one query."""
        try:
            for item in self.objects:
                item.foresee(column, moments)
        except ApiError as error:
            return FlowSource((), trouble(error), self.outcome)
        return self

    def read(self, span: Span, number: int) -> tuple[Load, RunRule | None]:
        """What run `number` finds, and the rule by which it fails (None: it succeeds)."""
        if self.failure is not None:
            return Load(), self.failure
        try:
            return Load.of(self.objects, span), self.outcome(number)
        except ApiError as error:
            return Load(), trouble(error)


def trouble(error: ApiError) -> RunRule:
    """The rule for a run whose source failed."""
    from mockserver.sources.source import RunRule

    return RunRule(FAILED, rows=1.0, message=error.variables.get("message", str(error)))
