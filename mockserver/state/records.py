"""Records as stored, and pages of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from mockserver.errors import ApiError
from mockserver.exchange import Tenant
from mockserver.listing import Cursor, ListQuery, ordering
from mockserver.runtime import etag

Doc: TypeAlias = Mapping[str, Any]
"""A record as stored. Neither the store nor its readers change it in place."""

Key: TypeAlias = tuple[Tenant, str, str]
"""Tenant, kind, id."""


MAX_PAGE_BYTES = 4 * 1_048_576
"""Maximum size of a page's records, in memory once they are read and as items in JSON. A larger page ends earlier
(assumed)."""


MAX_EXAMINED = 100_000
"""Maximum records that a filter or an order looks at in one request: 0.4 s of CPU time in memory."""

MAX_EXAMINED_BYTES = 16 * 1_048_576
"""Maximum bytes of records that are read for a filter or an order: 20,000 ordinary ones."""


class Change(NamedTuple):
    """One write: the new record, or None for a deletion."""

    tenant: Tenant
    kind: str
    entity_id: str
    revision: int
    doc: Doc | None


class Listed(NamedTuple):
    """A record in a list."""

    revision: int
    """Its revision when the list began."""
    doc: Doc
    """The current record."""
    ordered: Doc
    """The members it is sorted by, as they were when the list began."""
    size: int = 0
    """Bytes that were read for it; 0 if it was in memory already."""
    weight: int = 0
    """Bytes of memory that it takes then."""


def stamped(doc: Doc, revision: int) -> Doc:
    """A record with the `version` and `etag` of a revision as its last members."""
    members = {name: value for name, value in doc.items() if name not in ("version", "etag")}
    tag = etag(revision, doc["updatedAt"])
    return {**members, "version": tag, "etag": tag}


def page_of(
    rows: Iterable[Listed],
    query: ListQuery,
    matches: Callable[[Doc], bool] | None,
    reread: Callable[[str], Doc | None] | None = None,
) -> tuple[list[Doc], Cursor | None]:
    """One page of `rows` (latest write first), and the cursor of the next page if there is one.

    A list is as of the revision of its newest record, not of the store, so that writes to other lists do not change
    its links. With `reread`, sorting does not keep records in memory: those of the page are read again by their ids.
    """
    rows, after = iter(rows), query.after
    if after is None:
        newest = next(rows, None)
        if newest is None:
            return [], None
        ceiling, rows = newest.revision, chain([newest], rows)
    else:
        ceiling = after.ceiling
    if matches is not None or query.order:
        rows = examined(rows, "orderby" if query.order else "property")
    if matches is not None:
        rows = (row for row in rows if matches(row.doc))
    if query.order:
        rows = _first_in_order((_without_record(row, query) for row in rows) if reread else rows, query)
    docs: list[Doc] = []
    last, size = None, 0
    for number, row in enumerate(rows):
        size += row.weight
        if last is not None and (number == query.limit or size > MAX_PAGE_BYTES):
            return docs, Cursor(ceiling, last.revision, ordering.place(last.ordered, query.order))
        doc = reread(row.doc["id"]) if reread and query.order else row.doc
        docs += [] if doc is None else [doc]
        last = row
    return docs, None


def examined(rows: Iterable[Listed], parameter: str = "property") -> Iterator[Listed]:
    """The rows that a filter or an order looks at. Raises ApiError if they are more than one request may look at."""
    size = 0
    for number, row in enumerate(rows):
        size += row.size
        if number == MAX_EXAMINED or size > MAX_EXAMINED_BYTES:
            expected = f"a list of at most {MAX_EXAMINED} records and, in a file, {MAX_EXAMINED_BYTES} bytes"
            raise ApiError(
                "parameter_value", value="‹too much›", field=parameter, pointer=parameter,
                expected=f"{expected}, or a list without filter and order",
            )  # fmt: skip
        yield row


def _without_record(row: Listed, query: ListQuery) -> Listed:
    names = [sort.field for sort in query.order]
    return row._replace(
        doc={"id": row.doc["id"]}, ordered=ordering.excerpt({name: row.ordered.get(name) for name in names})
    )


def _first_in_order(rows: Iterable[Listed], query: ListQuery) -> Iterator[Listed]:
    """The rows of one page in the query's order, and one row more if there is one."""

    def key(row: Listed) -> tuple[Any, ...]:
        return ordering.key(query.order, ordering.place(row.ordered, query.order), row.revision)

    keyed = ((key(row), row) for row in rows)
    after = query.after
    if after is not None:
        start = ordering.key(query.order, after.place, after.revision)
        keyed = (pair for pair in keyed if start < pair[0])
    return (row for _, row in heapq.nsmallest(query.limit + 1, keyed))
