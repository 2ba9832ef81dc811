"""The store in a database, SQLite or PostgreSQL.

One row counts revisions. Every write begins by updating it, which locks it until the commit: so revisions are in the
order of commits, whichever server writes. Every read queries the database; unchanged rows are not parsed again.
Superseded revisions are kept for a while, so that the pages of a list fit together while others write.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Connection, Dialect, delete, select, update

from mockserver.exchange import Tenant
from mockserver.json_input import dumps, weight
from mockserver.listing import Cursor, ListQuery
from mockserver.runtime import Runtime
from mockserver.state import exports, tables
from mockserver.state.records import Change, Doc, Listed, examined, page_of, stamped
from mockserver.state.rows import Rows
from mockserver.state.shapes import Shapes
from mockserver.state.statements import DOC, SHOWN, Lock, exceeds, key, prepared
from mockserver.state.store import Missing, Put, Snapshot, StorageUnavailable, Store, check
from mockserver.state.tables import HISTORY, META, RECORDS

MAX_HISTORY = 50_000
"""Maximum superseded revisions kept, of all tenants. A list that began earlier may miss updated records."""

MAX_EXPORTS = 8
"""Maximum exports that are read at once. Each holds one of 16 connections, for as long as its client takes."""

_PRUNED_EVERY = 1_000
_BATCH, _MAX_BATCH = 100, 2_000

_LAST = 1 << 62

T = TypeVar("T")
Fetch: TypeAlias = Callable[[], list[Any]]

log = logging.getLogger("mockserver")


class Database(Protocol):
    """A database that contains the tables. `read` and `write` raise StorageUnavailable; errors of `work` propagate."""

    place: str
    remote: bool
    """See `Store`."""
    dialect: Dialect
    escaped: bool
    """Whether it cannot store every character, so that records are written with escapes. Known once it is prepared."""
    transaction: ColumnElement[int]
    """SQL expression of the current transaction's id, to look up its outcome if that is lost."""

    def prepare(self, work: Callable[[Connection, int], T]) -> T:
        """Run `work` with the schema version, in one transaction and exclusively; afterwards it is `SCHEMA_VERSION`.

        Raises StateError, also for a ValueError of `work`, whose text is appended to the name of the place.
        """

    def read(self, work: Callable[[Connection], T], *, long: bool = False) -> T:
        """Run `work`, which only reads. It is repeated on a new connection if the first one is lost."""

    def snapshot(self) -> AbstractContextManager[Callable[[Callable[[Connection], Any]], Any]]:
        """A function like `read`, all of whose calls see the database at one moment. Its threads may differ."""

    def write(self, work: Callable[[Connection], tuple[T, Lock]], *, long: bool = False) -> T:
        """Run `work` and commit to disk. `work` returns its result and the write lock that it held."""

    def close(self) -> None:
        """Release every connection."""


class SqlStore(Store):
    """Records in a database."""

    def __init__(self, runtime: Runtime, database: Database, shapes: Shapes | None = None) -> None:
        """Create or upgrade the tables. Raises StateError. `shapes` are those that records must have."""
        self.place, self.remote = database.place, database.remote
        self._runtime, self._database = runtime, database
        self._read, self._exports = Rows(database.place, shapes), threading.Semaphore(MAX_EXPORTS)
        self._statements = prepared(database.dialect, database.transaction, remote=database.remote)
        try:
            self.page_key = database.prepare(
                lambda db, version: tables.prepare(db, version, runtime, escaped=database.escaped)
            )
        except BaseException:
            database.close()
            raise

    def get(self, tenant: Tenant, kind: str, entity_id: str) -> Doc | None:
        """See `Store`."""
        rows = self._rows("get", key(tenant, kind, entity_id)) if _can_be_stored(entity_id) else ()
        return self._read.doc(tenant, kind, rows[0]) if rows else None

    def delete(self, tenant: Tenant, kind: str, entity_id: str, unless: Callable[[], None] | None = None) -> None:
        """See `Store`."""
        if not _can_be_stored(entity_id):
            raise Missing

        def work(db: Connection) -> tuple[None, Lock]:
            asked, deleted = self._ask_lock(db, 1), self._send(db, "delete", key(tenant, kind, entity_id))
            lock = self._locked(asked)
            if not deleted():
                raise Missing
            if unless is not None:
                unless()
            return None, lock

        self._database.write(work)
        self._runtime.clock.tick()

    def transact(self, tenant: Tenant, puts: Sequence[Put]) -> list[Doc]:
        """See `Store`."""

        def work(db: Connection) -> tuple[list[Doc], Lock]:
            asked = self._ask_lock(db, len(puts))
            present = [self._send(db, "get", key(tenant, put.kind, put.doc["id"])) for put in puts]
            lock = self._locked(asked)
            found = [rows() for rows in present]
            del present  # its cursors keep what they received
            first = lock[0] - len(puts) + 1
            return [self._put(db, tenant, put, found.pop(0), first + number) for number, put in enumerate(puts)], lock

        if not puts:
            return []
        stored = self._database.write(work, long=len(puts) > _BATCH)
        self._runtime.clock.tick()
        return stored

    def all(self, tenant: Tenant, kind: str) -> Iterator[Doc]:
        """See `Store`."""
        return (row.doc for row in self._listed(tenant, kind, None, None, _BATCH))

    def mentioning(self, tenant: Tenant, kind: str, text: str) -> Iterator[Doc]:
        """See `Store`. A text that is not ASCII is not searched for, because JSON can write it in two ways."""
        if not text.isascii():
            yield from self.all(tenant, kind)
            return
        asked = {**key(tenant, kind), "text": dumps(text)[1:-1].decode(), "size": _BATCH}
        below = _LAST
        while rows := self._rows("mentioning", {**asked, "below": below}):
            yield from (self._read.doc(tenant, kind, row) for row in rows)
            below = rows[-1][len(SHOWN)]

    def listed(self, tenant: Tenant, kind: str) -> Iterator[Doc]:
        """See `Store`."""
        return (row.doc for row in examined(self._listed(tenant, kind, None, None, _BATCH)))

    def page(
        self, tenant: Tenant, kind: str, query: ListQuery, matches: Callable[[Doc], bool] | None = None
    ) -> tuple[list[Doc], Cursor | None]:
        """See `Store`."""
        after = query.after
        ceiling = None if after is None else after.ceiling
        below = None if after is None or query.order else after.revision
        rows = self._listed(tenant, kind, ceiling, below, _BATCH if query.order else query.limit + 1)
        return page_of(rows, query, matches, lambda entity_id: self.get(tenant, kind, entity_id))

    def count(self, tenant: Tenant, kind: str, matches: Callable[[Doc], bool] | None = None) -> int:
        """See `Store`."""
        if matches is not None:
            return sum(1 for doc in self.listed(tenant, kind) if matches(doc))
        ((number,),) = self._rows("count", key(tenant, kind))
        return int(number)

    def tenants(self) -> list[Tenant]:
        """See `Store`. Each query finds the next tenant in the index, which skips the records of the one before."""

        def following(last: Tenant) -> Tenant | None:
            rows = self._rows("tenant", {"org": last.org, "sandbox": last.sandbox})
            if rows and not all(isinstance(name, str) for name in rows[0]):  # SQLite keeps any type in any column
                log.error("State %s: the organisation or sandbox of a record is not a text", self.place)
                raise StorageUnavailable("a record is damaged")
            return Tenant(*rows[0]) if rows else None

        return sorted(each_once(following))

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See `Store`. Raises StorageUnavailable at once, without waiting, if too many exports are being read."""
        if not self._exports.acquire(blocking=False):
            raise StorageUnavailable(f"{MAX_EXPORTS} exports are being read already")
        try:
            with self._database.snapshot() as read:
                revision = read(lambda db: db.execute(select(META.c.revision)).scalar_one())
                yield Snapshot(revision, self._changes(read))
        finally:
            self._exports.release()

    def _changes(self, read: Callable[[Callable[[Connection], list[Any]]], list[Any]]) -> Iterator[Change]:
        last = {"org": "", "sandbox": "", "kind": "", "below": -1, "size": _MAX_BATCH}
        while rows := read(partial(self._statements["following"].rows, parameters=last)):
            rows.reverse()
            while rows:
                change = self._read.change(rows.pop())
                tenant, kind, _, revision, _ = change
                last |= {"org": tenant.org, "sandbox": tenant.sandbox, "kind": kind, "below": revision}
                yield change

    def restore(self, data: Mapping[str, Any]) -> None:
        """See `Store`."""
        used, records = exports.parse(data)
        self._replace_all(records, lambda present: {"revision": max(present, used)})

    def clear(self) -> None:
        """See `Store`."""
        restarted = {"revision": self._runtime.first_revision(), "drawn": None}
        self._replace_all([], lambda present: {} if self._runtime.seed is None else restarted)

    def close(self) -> None:
        """See `Store`."""
        self._database.close()

    def _send(self, db: Connection, name: str, parameters: Mapping[str, Any]) -> Fetch:
        return self._statements[name].send(db, parameters)

    def _ask_lock(self, db: Connection, writes: int) -> Fetch:
        """Request the write lock, which reserves a number of revisions until the transaction ends."""
        return self._send(db, "lock", {"writes": writes, "so_far": self._runtime.drawn()})

    def _locked(self, asked: Fetch) -> Lock:
        """Wait for the write lock."""
        for revision, transaction in asked():
            return int(revision), transaction
        log.error("State %s: mockserver_meta lacks the row that counts revisions", self.place)
        raise StorageUnavailable("the state is damaged")

    def _put(self, db: Connection, tenant: Tenant, put: Put, present: list[Any], revision: int) -> Doc:
        """Write a record under the write lock, in place of the current one, which is freed first."""
        left = self._left(tenant, put, present.pop() if present else None, revision)
        doc = stamped(put.doc, revision)
        row = tables.row(Change(tenant, put.kind, doc["id"], revision, doc), escaped=self._database.escaped)
        if left is None:
            self._send(db, "insert", row)
        else:
            self._send(db, "replace", {**key(tenant, put.kind, doc["id"]), **row})
            self._send(db, "supersede", left)
        if revision % _PRUNED_EVERY == 0:
            self._send(db, "prune", {"horizon": revision - MAX_HISTORY})
        return doc

    def _left(self, tenant: Tenant, put: Put, present: Any, revision: int) -> dict[str, Any] | None:
        """Check a write; returns the row of `HISTORY` for the current record, or None for a new one."""
        head = None if present is None else self._read.head(tenant, put.kind, present)
        check(put, head)
        if head is None:
            return None
        place = dict(zip(tables.KEY, (*tenant, put.kind, put.doc["id"]), strict=True))
        return {**place, "superseded": revision, "revision": present[1], "ordered": json.dumps(head)}

    def _replace_all(self, records: Sequence[Change], counters: Callable[[int], Mapping[str, Any]]) -> None:
        """Replace all records. `counters` returns the new values of `META`, given the last revision."""

        def work(db: Connection) -> tuple[None, Lock]:
            last, transaction = self._locked(self._ask_lock(db, 0))
            new = {"revision": last, **counters(last)}
            db.execute(delete(RECORDS))
            db.execute(delete(HISTORY))
            tables.insert_all(db, records, escaped=self._database.escaped)
            db.execute(update(META).values(new))
            return None, (new["revision"], transaction)

        self._database.write(work, long=True)

    def _rows(self, name: str, parameters: Mapping[str, Any]) -> list[Any]:
        statement = self._statements[name]
        return self._database.read(lambda db: statement.rows(db, parameters))

    def _listed(self, tenant: Tenant, kind: str, ceiling: int | None, below: int | None, size: int) -> Iterator[Listed]:
        """The records as of revision `ceiling` (None: now) with a revision below `below`, latest write first."""
        scope = key(tenant, kind)
        below = (_LAST if ceiling is None else ceiling + 1) if below is None else below
        while True:
            as_of = {} if ceiling is None else {"ceiling": ceiling}
            rows = self._rows("next" if as_of else "first", {**scope, **as_of, "below": below, "size": size})
            cut, found = exceeds(rows), len(rows)
            if rows:
                ceiling = rows[0][len(SHOWN)] if ceiling is None else ceiling
                below = rows[-1][len(SHOWN)]
            rows.reverse()
            while rows:
                yield self._listed_row(tenant, kind, rows.pop())  # each is freed before the next is parsed
            if found < size and not cut:
                return
            size = found if cut else min(4 * size, _MAX_BATCH)

    def _listed_row(self, tenant: Tenant, kind: str, row: Any) -> Listed:
        doc = self._read.doc(tenant, kind, row)
        listed_at, ordered = row[len(SHOWN) :]
        place = doc if ordered is None else self._read.ordered(listed_at, ordered)
        return Listed(listed_at, doc, place, len(row[DOC]), weight(row[DOC]))


def each_once(following: Callable[[Tenant], Tenant | None]) -> list[Tenant]:
    """Collect all tenants, each found from the one before; `Tenant("", "")` leads to the first.

    Raises StorageUnavailable if a tenant comes twice: a damaged index could lead in a circle. The order of the
    tenants is not checked, because each database sorts texts by its own collation.
    """
    found: dict[Tenant, None] = {}
    last = following(Tenant("", ""))
    while last is not None:
        if last in found:
            raise StorageUnavailable("the index of tenants is damaged")
        found[last] = None
        last = following(last)
    return list(found)


def _can_be_stored(entity_id: str) -> bool:
    """Whether a text can be the id of a record. Databases accept neither NUL nor half a surrogate pair."""
    try:
        return b"\0" not in entity_id.encode()
    except UnicodeEncodeError:
        return False
