"""The store in memory. One thread writes at a time; readers take no lock.

This is safe because a reader ignores revisions above the one it started at, and a change raises the revision
of the view only when it is complete.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from mockserver.exchange import Tenant
from mockserver.listing import Cursor, ListQuery, ordering
from mockserver.runtime import Runtime, release
from mockserver.state import exports
from mockserver.state.records import Change, Doc, Key, Listed, examined, page_of, stamped
from mockserver.state.store import Missing, Put, Snapshot, Store, check

_LIVE = 1 << 63
"""Higher than every revision. Marks an entry that is not superseded."""

_COMPACT_MARGIN = 1000
_NOTHING: Doc = MappingProxyType({})


class MemoryStore(Store):
    """Keeps the records of one server until it ends."""

    place = "memory"

    def __init__(self, runtime: Runtime) -> None:
        self.page_key, self.remote = runtime.key(), False
        self._runtime = runtime
        self._writing = threading.Lock()
        self._view = _View([], runtime.first_revision())

    def get(self, tenant: Tenant, kind: str, entity_id: str) -> Doc | None:
        """See `Store`."""
        return self._view.get((tenant, kind, entity_id))

    def delete(self, tenant: Tenant, kind: str, entity_id: str, unless: Callable[[], None] | None = None) -> None:
        """See `Store`."""
        with self._writing:
            if self.get(tenant, kind, entity_id) is None:
                raise Missing
            if unless is not None:
                unless()
            self._view.apply(Change(tenant, kind, entity_id, self._view.revision + 1, None))
            self._runtime.clock.tick()

    def transact(self, tenant: Tenant, puts: Sequence[Put]) -> list[Doc]:
        """See `Store`."""
        with self._writing:
            for put in puts:
                check(put, self.get(tenant, put.kind, put.doc["id"]))
            revision = self._view.revision
            stored = [stamped(put.doc, revision + number) for number, put in enumerate(puts, 1)]
            for number, (put, doc) in enumerate(zip(puts, stored, strict=True), 1):
                self._view.apply(Change(tenant, put.kind, doc["id"], revision + number, doc))
            self._runtime.clock.tick()
            return stored

    def all(self, tenant: Tenant, kind: str) -> Iterator[Doc]:
        """See `Store`."""
        view = self._view
        return (row.doc for row in view.collection(tenant, kind).snapshot(view.revision))

    def mentioning(self, tenant: Tenant, kind: str, text: str) -> Iterator[Doc]:
        """See `Store`. Records in memory are looked at faster than written as JSON."""
        return self.all(tenant, kind)

    def listed(self, tenant: Tenant, kind: str) -> Iterator[Doc]:
        """See `Store`."""
        view = self._view
        return (row.doc for row in examined(view.collection(tenant, kind).snapshot(view.revision)))

    def page(
        self, tenant: Tenant, kind: str, query: ListQuery, matches: Callable[[Doc], bool] | None = None
    ) -> tuple[list[Doc], Cursor | None]:
        """See `Store`."""
        view, after = self._view, query.after
        ceiling = view.revision if after is None else after.ceiling
        below = None if after is None or query.order else after.revision
        return page_of(view.collection(tenant, kind).snapshot(ceiling, below), query, matches)

    def count(self, tenant: Tenant, kind: str, matches: Callable[[Doc], bool] | None = None) -> int:
        """See `Store`."""
        if matches is None:
            return len(self._view.collection(tenant, kind).records)
        return sum(1 for doc in self.listed(tenant, kind) if matches(doc))

    def tenants(self) -> list[Tenant]:
        """See `Store`."""
        with self._writing:
            return self._view.tenants()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See `Store`."""
        with self._writing:
            revision, records = self._view.revision, list(self._view.changes())
        records.sort(key=lambda change: change.revision)
        yield Snapshot(revision, iter(records))

    def restore(self, data: Mapping[str, Any]) -> None:
        """See `Store`."""
        used, records = exports.parse(data)
        with self._writing:
            old, self._view = self._view.parts(), _View(records, max(used, self._view.revision))
        release(old)

    def clear(self) -> None:
        """See `Store`."""
        with self._writing:
            seeded = self._runtime.seed is not None
            first = self._runtime.first_revision() if seeded else self._view.revision
            old, self._view = self._view.parts(), _View([], first)
        release(old)

    def close(self) -> None:
        """See `Store`."""


class _Write:
    """One write of a record in the order of writes. A later write of the record supersedes it."""

    __slots__ = ("entity_id", "ordered", "revision", "superseded")

    def __init__(self, entity_id: str, revision: int) -> None:
        self.entity_id = entity_id
        self.revision = revision
        self.superseded = _LIVE
        self.ordered: Doc = _NOTHING
        """The members that the record was sorted by. Set once the entry is superseded."""


def _revision_of(entry: _Write) -> int:
    return entry.revision


class _TenantRecords:
    """One tenant's records of one kind, with the order in which they were written."""

    __slots__ = ("_horizon", "_superseded", "entries", "records")

    def __init__(self) -> None:
        self.records: dict[str, tuple[Doc, _Write]] = {}
        self.entries: list[_Write] = []
        """By revision, ascending. Only appended to, or replaced by a shorter list: readers iterate without a lock."""
        self._superseded = 0
        self._horizon = 0

    def apply(self, change: Change) -> None:
        """Apply one write. Called by one thread at a time."""
        known = self.records.get(change.entity_id)
        if change.doc is None:
            self.records.pop(change.entity_id, None)
        else:
            if known is not None:  # before the record is replaced, because readers look at the record first
                known[1].ordered = ordering.excerpt(known[0])
            entry = _Write(change.entity_id, change.revision)
            self.records[change.entity_id] = change.doc, entry
            self.entries.append(entry)
        if known is not None:
            known[1].superseded = change.revision
            self._superseded += 1
            if self._superseded > len(self.records) + _COMPACT_MARGIN:
                self._compact(change.revision)

    def snapshot(self, ceiling: int, below: int | None = None) -> Iterator[Listed]:
        """The records that existed at revision `ceiling` and still exist, latest write first.

        `below` skips those written at this revision or later.
        """
        entries = self.entries
        start = bisect_left(entries, ceiling + 1 if below is None else below, key=_revision_of)
        for place in range(start - 1, -1, -1):
            entry = entries[place]
            if entry.superseded > ceiling and (record := self.records.get(entry.entity_id)) is not None:
                yield Listed(entry.revision, record[0], record[0] if record[1] is entry else entry.ordered)

    def _compact(self, revision: int) -> None:
        """Remove the entries superseded before the last compaction. Lists that began since then need the others."""
        self.entries = [entry for entry in self.entries if entry.superseded > self._horizon]
        self._horizon, self._superseded = revision, 0


class _View:
    """The records that readers see. `revision` is raised only when a change is complete."""

    def __init__(self, records: Iterable[Change], revision: int) -> None:
        self._collections: dict[tuple[Tenant, str], _TenantRecords] = {}
        for change in sorted(records, key=lambda change: change.revision):
            self.apply(change)
        self.revision = revision

    def get(self, key: Key) -> Doc | None:
        """The record, or None."""
        tenant, kind, entity_id = key
        record = self.collection(tenant, kind).records.get(entity_id)
        return None if record is None else record[0]

    def collection(self, tenant: Tenant, kind: str) -> _TenantRecords:
        """One tenant's records of one kind, possibly empty."""
        return self._collections.get((tenant, kind)) or _EMPTY

    def apply(self, change: Change) -> None:
        """Make one write visible to later readers. A collection without records is removed, to free its memory."""
        place = change.tenant, change.kind
        collection = self._collections.get(place) or self._collections.setdefault(place, _TenantRecords())
        collection.apply(change)
        if not collection.records:
            del self._collections[place]
        self.revision = change.revision

    def parts(self) -> list[Any]:
        """What takes long to free."""
        every = list(self._collections.values())
        return [part for each in every for parts in (each.entries, each.records.values()) for part in parts]

    def tenants(self) -> list[Tenant]:
        """Tenants with records, in alphabetical order."""
        return sorted({tenant for tenant, _ in self._collections})

    def changes(self) -> Iterator[Change]:
        """The latest write of every record."""
        for (tenant, kind), collection in self._collections.items():
            for entity_id, (doc, entry) in collection.records.items():
                yield Change(tenant, kind, entity_id, entry.revision, doc)


_EMPTY = _TenantRecords()
