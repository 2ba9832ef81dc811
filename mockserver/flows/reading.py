"""What a flow reads: the objects behind its source connection, or why they cannot be read."""

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
    """What a flow reads, or why it cannot."""

    objects: tuple[Tabular | File, ...]
    trouble: RunRule | None
    outcome: Callable[[int], RunRule | None]

    @classmethod
    def open(cls, world: World, tenant: Tenant, provided: Mapping[str, Any]) -> FlowSource:
        """Open what `provider` of a flow names."""
        name = provided["object"]
        base = provided["baseConnectionId"]
        connection = world.store.get(tenant, "connections", base) if base else provided
        try:
            if connection is None:
                raise ApiError("rejected", message="the base connection was deleted")
            access: Access = world.connectors_of(tenant).access(connection)
            objects = world.sources.objects(access, name) if isinstance(name, str) else ()
        except ApiError as error:
            return cls((), _trouble(error), lambda number: None)
        return cls(objects, None, lambda number: world.sources.outcome(access, name or "", number))

    def foreseeing(self, column: str, moments: Sequence[int | None]) -> FlowSource:
        """The source, told which windows will be asked for: those between neighbouring moments."""
        try:
            for item in self.objects:
                item.foresee(column, moments)
        except ApiError as error:
            return FlowSource((), _trouble(error), self.outcome)
        return self

    def read(self, span: Span, number: int) -> tuple[Load, RunRule | None]:
        """What run `number` finds, and how it ends; None: well."""
        if self.trouble is not None:
            return Load(), self.trouble
        try:
            return Load.of(self.objects, span), self.outcome(number)
        except ApiError as error:
            return Load(), _trouble(error)


def _trouble(error: ApiError) -> RunRule:
    from mockserver.sources.source import RunRule

    return RunRule(FAILED, rows=1.0, message=error.variables.get("message", str(error)))
