"""Reads records from rows of a database, where anybody with access to it may have changed them."""

from __future__ import annotations

import functools
import logging
import threading
from contextlib import suppress
from typing import Any

from mockserver import json_input
from mockserver.exchange import Tenant
from mockserver.listing import ordering
from mockserver.state import tables
from mockserver.state.records import Change, Doc
from mockserver.state.shapes import Shapes
from mockserver.state.statements import DOC, SHOWN
from mockserver.state.store import StorageUnavailable

MAX_DEPTH = json_input.MAX_DEPTH + 4
"""Maximum nesting of a record: a body is up to four levels deeper in its record."""

_MAX_REMEMBERED, _REMEMBERED = 4_096, 2_048
"""Maximum bytes of a record whose parsed form is cached, and their number: at most 8 MiB of them in total."""

log = logging.getLogger("mockserver")


class Rows:
    """Converts rows to records of the given shapes."""

    def __init__(self, place: str, shapes: Shapes | None) -> None:
        self._place, self._shapes = place, shapes
        # cached by record, so that the shown form can be cached by the record's identity
        self._latest = threading.local()
        """Place and head of the large record that this thread read last."""
        self._cached = functools.lru_cache(maxsize=_REMEMBERED)(self._read)

    def doc(self, tenant: Tenant, kind: str, row: Any) -> Doc:
        """The record in a row that starts with `SHOWN`. Raises StorageUnavailable if it is damaged."""
        shown = row[: len(SHOWN)]
        if not (tuple(map(type, shown)) == _TYPES and type(tenant.org) is type(tenant.sandbox) is type(kind) is str):
            raise self._damaged(tenant, kind, row[0], "a column has another type")
        read = self._cached if len(row[DOC]) <= _MAX_REMEMBERED else self._read
        found = read(tenant, kind, *shown)
        if isinstance(found, str):
            raise self._damaged(tenant, kind, row[0], found)
        if read == self._read:
            self._latest.head = (_place(tenant, kind, row), ordering.excerpt(found))
        return found

    def head(self, tenant: Tenant, kind: str, row: Any) -> Doc:
        """The members of a record that lists can be sorted by, its etag among them. Raises StorageUnavailable.

        Whoever replaces a record has just read it. A large one is not parsed again, which would double its memory.
        """
        place, head = getattr(self._latest, "head", (None, None))
        return head if head and place == _place(tenant, kind, row) else ordering.excerpt(self.doc(tenant, kind, row))

    def change(self, row: Any) -> Change:
        """The record in a row of `SHOWN` and `PLACE`. Raises StorageUnavailable if it is damaged."""
        org, sandbox, kind = row[len(SHOWN) :]
        tenant = Tenant(org, sandbox)
        return Change(tenant, kind, row[0], row[1], self.doc(tenant, kind, row))

    def ordered(self, listed_at: Any, written: Any) -> Doc:
        """The members by which a superseded record was sorted. Raises StorageUnavailable if they are damaged."""
        with suppress(ValueError):
            if (type(listed_at), type(written)) == (int, str) and isinstance(
                found := _parsed(written.encode("utf-8", "replace")), dict
            ):
                return found
        log.error("State %s: the history of updates is damaged", self._place)
        raise StorageUnavailable("the history is damaged")

    def _read(
        self, tenant: Tenant, kind: str, entity_id: str, revision: int, written: bytes, checksum: int
    ) -> Doc | str:
        """Parse a record; returns what is wrong with it, if anything."""
        if tables.checksum(tenant, kind, entity_id, revision, written) != checksum:
            return "its checksum is wrong"
        if self._shapes and len(written) > self._shapes.max_bytes:
            return f"it has more than {self._shapes.max_bytes} bytes"
        try:
            doc = _parsed(written)
        except json_input.JsonProblem as problem:
            return problem.reason
        if not isinstance(doc, dict):
            return "it is not an object"
        return (self._shapes and self._shapes.fault(Change(tenant, kind, entity_id, revision, doc))) or doc

    def _damaged(self, tenant: Tenant, kind: Any, entity_id: Any, why: str) -> StorageUnavailable:
        named = f"{kind}/{entity_id} of {'/'.join(map(str, tenant))}"
        log.error("State %s: the record %s is damaged: %s", self._place, ascii(named)[1:-1], why)
        return StorageUnavailable("a record is damaged")


_TYPES = (str, int, bytes, int)
"""Types of the columns `SHOWN`. SQLite keeps any type in any column."""


def _place(tenant: Tenant, kind: str, row: Any) -> tuple[Any, ...]:
    """Identify one version of a record. It includes the checksum, because other programs may write to the database."""
    entity_id, revision, _, checksum = row[: len(SHOWN)]
    return (tenant, kind, entity_id, revision, checksum)


def _parsed(written: bytes) -> json_input.Json:
    return json_input.parse_written(written, max_depth=MAX_DEPTH)
