"""Reads records for the console. Secrets are shown as kind and length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mockserver import listing
from mockserver.emulator import Emulator
from mockserver.exchange import Tenant
from mockserver.flows import progress
from mockserver.journal.redaction import Redaction
from mockserver.json_input import Json
from mockserver.listing import Cursor, ListQuery
from mockserver.resources import flow_specs
from mockserver.resources._crud import Collection
from mockserver.resources.connections import CONNECTIONS
from mockserver.resources.flows import FLOWS
from mockserver.resources.runs import RUNS
from mockserver.resources.source_connections import SOURCE_CONNECTIONS
from mockserver.resources.target_connections import TARGET_CONNECTIONS
from mockserver.specs.connectors import Access
from mockserver.state.records import Doc

SIZE = 50
"""Records per page."""


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """One kind of record."""

    collection: Collection
    title: str
    one: str
    lookup: str
    """The operation whose response schema decides which members are harmless."""

    @property
    def name(self) -> str:
        """Its name in paths."""
        return self.collection.kind


_SOURCES, _TARGETS = SOURCE_CONNECTIONS.collection, TARGET_CONNECTIONS.collection

KINDS = {
    kind.name: kind
    for kind in (
        ResourceKind(CONNECTIONS, "Connections", "Connection", "retrieveConnection"),
        ResourceKind(_SOURCES, "Source connections", "Source connection", "retrieveSourceConnection"),
        ResourceKind(_TARGETS, "Target connections", "Target connection", "retrieveTargetConnection"),
        ResourceKind(FLOWS, "Flows", "Flow", "retrieveFlow"),
        ResourceKind(RUNS, "Runs", "Run", "retrieveFlowRun"),
    )
}


class RecordPage(NamedTuple):
    """A page of records, latest write first."""

    items: list[dict[str, Any]]
    after: str | None
    """Start of the next page."""


class Records:
    """Reads one tenant's records. Like any read, this creates overdue runs."""

    def __init__(self, emulator: Emulator, tenant: Tenant) -> None:
        self._world = emulator.world
        self._tenant = tenant
        self.connectors = emulator.world.connectors_of(tenant)
        self._redaction = Redaction(emulator.contract, self.connectors.auth_place)

    def count(self, kind: ResourceKind) -> int:
        """Number of records."""
        return self._world.store.count(self._tenant, kind.name)

    def page(self, kind: ResourceKind, text: str = "", after: str = "", size: int = SIZE) -> RecordPage:
        """A page of records that contain `text` or, if it is a filter, match it. Raises ApiError for a wrong filter."""
        if kind.name == progress.RUNS:
            progress.catch_up_all(self._world, self._tenant)
        query, matches = self._wanted(kind, text)
        query = replace(query, limit=size, after=_cursor(after))
        docs, following = self._world.store.page(self._tenant, kind.name, query, matches)
        return RecordPage([self.shown(kind, doc) for doc in docs], _written(following))

    def get(self, kind: ResourceKind, entity_id: str) -> dict[str, Any] | None:
        """A record, or None."""
        if kind.name == progress.RUNS:
            progress.catch_up_all(self._world, self._tenant)
        doc = self._world.store.get(self._tenant, kind.name, entity_id)
        return None if doc is None else self.shown(kind, doc)

    def runs_of(self, flow_id: str, limit: int) -> list[dict[str, Any]]:
        """The latest runs of a flow, latest write first."""
        progress.catch_up(self._world, self._tenant, [flow_id])
        query = ListQuery(limit=limit)
        docs, _ = self._world.store.page(self._tenant, RUNS.kind, query, lambda doc: doc["flowId"] == flow_id)
        return [self.shown(KINDS[RUNS.kind], doc) for doc in docs]

    def access(self, connection_id: str) -> Access:
        """The credentials and address of a connection's source. Raises LookupError if there is no such connection."""
        doc = self._world.store.get(self._tenant, CONNECTIONS.kind, connection_id)
        if doc is None:
            raise LookupError(connection_id)
        return self.connectors.access(doc)

    def answering(self, connection_id: str) -> str:
        """A description of the source behind a connection."""
        try:
            return self._world.sources.answering(self.access(connection_id))
        except LookupError:
            return "none: the connection was deleted"

    def shown(self, kind: ResourceKind, doc: Doc) -> dict[str, Any]:
        """A record as the API shows it, with kind and length in place of secrets."""
        if kind.collection is CONNECTIONS:
            whole = {key: value for key, value in self.connectors.complete(doc).items() if key != "passwordFor"}
        else:
            whole = kind.collection.show(self._world, doc)
        answer: Any = self._redaction.shown({"items": [whole]}, kind.lookup, 200)
        shown: dict[str, Any] = answer["items"][0]
        if kind.name == progress.RUNS:  # the API does not show it
            shown["state"] = doc["state"]
        return shown

    def shown_spec(self, spec: Mapping[str, Any], lookup: str) -> Json:
        """A written spec as the API shows it, except for values not known to be harmless."""
        masked: Any = self._redaction.shown({"items": [dict(spec)]}, lookup, 200)
        shown: Json = masked["items"][0]
        return shown

    def label(self, spec: Any) -> str:
        """The label of a connection spec."""
        spec_id = spec.get("id") if isinstance(spec, Mapping) else None
        connector = self.connectors.get(spec_id)
        return connector.label if connector else "custom spec"

    def flow_spec(self, spec: Any) -> str:
        """The name of a flow spec."""
        found = flow_specs.find(self._world, self._tenant, str(spec.get("id"))) if isinstance(spec, Mapping) else None
        return found.name if found else "custom spec"

    def _wanted(self, kind: ResourceKind, text: str) -> tuple[ListQuery, Callable[[Doc], bool] | None]:
        if not text:
            return ListQuery(), None
        if not any(character in "=<>!" for character in text):
            wanted = text.lower()
            return ListQuery(), lambda doc: any(wanted in part for part in _searched(doc))
        query = listing.parse({"property": [text]}, kind.collection.listable, self._world.quirks)
        if any(condition.path[0] in kind.collection.masked for condition in query.conditions):
            return query, lambda doc: query.matches(self.shown(kind, doc))
        return query, query.matches


def _searched(doc: Doc) -> Iterator[str]:
    """The texts that a search without operators covers. None of them can be secret."""
    for member in ("id", "name", "state", "flowId", "baseConnectionId"):
        value = doc.get(member)
        if isinstance(value, str):
            yield value.lower()
    params = doc.get("params")
    if isinstance(params, Mapping):
        yield from (str(params[key]).lower() for key in ("tableName", "path") if key in params)


def _cursor(text: str) -> Cursor | None:
    ceiling, _, revision = text.partition(".")
    if not (ceiling.isascii() and ceiling.isdecimal() and revision.isascii() and revision.isdecimal()):
        return None
    reached = int(ceiling[:18])
    return Cursor(reached, min(int(revision[:18]), reached), ())


def _written(cursor: Cursor | None) -> str | None:
    return None if cursor is None else f"{cursor.ceiling}.{cursor.revision}"
