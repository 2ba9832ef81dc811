"""The records in memory and the order they were written in.

One thread writes while others read without a lock. That works because a reader looks only at
revisions up to the one its view had reached, and a change moves the view on when it is wholly in.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from mockserver.exchange import Tenant
from mockserver.listing import ordering

if TYPE_CHECKING:
    from mockserver.listing import ListQuery

Doc: TypeAlias = Mapping[str, Any]
"""A record as stored. It is never mutated, and those who get it must not either."""

Key: TypeAlias = tuple[Tenant, str, str]
"""Tenant, kind, id."""

_LIVE = 1 << 63
"""Above every revision: nothing has superseded this entry."""

_COMPACT_MARGIN = 1000
_NOTHING: Doc = MappingProxyType({})


class Change(NamedTuple):
    """One write: the record it leaves behind, or None for a deletion."""

    tenant: Tenant
    kind: str
    entity_id: str
    revision: int
    doc: Doc | None


class Stood(NamedTuple):
    """A record that an earlier moment knew: the revision it had then, and what it is now."""

    revision: int
    doc: Doc
    then: Doc
    """At least the members it was ordered by then."""


class _Entry:
    """A place in the order of writing: taken by one write, given up when a later one supersedes it."""

    __slots__ = ("entity_id", "left", "revision", "superseded")

    def __init__(self, entity_id: str, revision: int) -> None:
        self.entity_id = entity_id
        self.revision = revision
        self.superseded = _LIVE
        self.left: Doc = _NOTHING
        """Once superseded: what the record that stood here is ordered by."""


def _revision_of(entry: _Entry) -> int:
    return entry.revision


class Collection:
    """One tenant's records of one kind and the order they were written in.

    One thread writes while others read without a lock, which works because a reader looks only at
    revisions up to the one that its view had already reached.
    """

    __slots__ = ("_horizon", "_superseded", "entries", "records")

    def __init__(self) -> None:
        self.records: dict[str, tuple[Doc, _Entry]] = {}
        self.entries: list[_Entry] = []
        """By revision, ascending. Only ever appended to, or exchanged for a shorter list."""
        self._superseded = 0
        self._horizon = 0

    def apply(self, change: Change) -> None:
        """Take in one write. The caller sees to it that only one thread does."""
        known = self.records.get(change.entity_id)
        if change.doc is None:
            self.records.pop(change.entity_id, None)
        else:
            if known is not None:  # before the record is exchanged: a reader looks in the opposite order
                known[1].left = ordering.excerpt(known[0])
            entry = _Entry(change.entity_id, change.revision)
            self.records[change.entity_id] = change.doc, entry
            self.entries.append(entry)
        if known is not None:
            known[1].superseded = change.revision
            self._superseded += 1
            if self._superseded > len(self.records) + _COMPACT_MARGIN:
                self._compact(change.revision)

    def snapshot(self, ceiling: int, below: int | None = None) -> Iterator[Stood]:
        """The records that existed at revision `ceiling` and still do, last written first, from before `below`."""
        entries = self.entries
        start = bisect_left(entries, ceiling + 1 if below is None else below, key=_revision_of)
        for place in range(start - 1, -1, -1):
            entry = entries[place]
            if entry.superseded > ceiling and (record := self.records.get(entry.entity_id)) is not None:
                yield Stood(entry.revision, record[0], record[0] if record[1] is entry else entry.left)

    def _compact(self, revision: int) -> None:
        """Forget the entries superseded before the last compaction: listings begun since then need the others."""
        self.entries = [entry for entry in self.entries if entry.superseded > self._horizon]
        self._horizon, self._superseded = revision, 0


class View:
    """What readers see. `revision` moves on only when a change is wholly in."""

    def __init__(self, records: Iterable[Change], revision: int) -> None:
        self._collections: dict[tuple[Tenant, str], Collection] = {}
        for change in sorted(records, key=lambda change: change.revision):
            self.apply(change)
        self.revision = revision

    def get(self, key: Key) -> Doc | None:
        """The record, or None."""
        tenant, kind, entity_id = key
        record = self.collection(tenant, kind).records.get(entity_id)
        return None if record is None else record[0]

    def collection(self, tenant: Tenant, kind: str) -> Collection:
        """One tenant's records of one kind; an empty collection where there are none."""
        return self._collections.get((tenant, kind)) or Collection()

    def apply(self, change: Change) -> None:
        """Show one write to every reader that comes from now on."""
        place = change.tenant, change.kind
        if place not in self._collections:
            self._collections[place] = Collection()
        self._collections[place].apply(change)
        self.revision = change.revision

    def changes(self) -> Iterator[Change]:
        """The write behind every record."""
        for (tenant, kind), collection in self._collections.items():
            for entity_id, (doc, entry) in collection.records.items():
                yield Change(tenant, kind, entity_id, entry.revision, doc)


def first_in_order(rows: Iterable[Stood], query: ListQuery) -> Iterator[Stood]:
    """The first rows after the query's cursor in its order, enough for one page and to see whether more follow."""

    def key(row: Stood) -> tuple[Any, ...]:
        return ordering.key(query.order, ordering.place(row.then, query.order), row.revision)

    keyed = ((key(row), row) for row in rows)
    after = query.after
    if after is not None:
        start = ordering.key(query.order, after.place, after.revision)
        keyed = (pair for pair in keyed if start < pair[0])
    return (row for _, row in heapq.nsmallest(query.limit + 1, keyed))
