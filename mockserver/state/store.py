"""Records by (tenant, kind, id): who may see them, which write wins, in which order they are listed.

Reads are served from memory and take no lock; a `Log` may put every change on disk before it shows.
Several servers may share one log: see `shared.py`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from mockserver.exchange import Tenant
from mockserver.listing import Cursor, ListQuery, ordering
from mockserver.runtime import Runtime, etag
from mockserver.state import exports
from mockserver.state.records import Change, Doc, Key, View, first_in_order

_NOTHING: Doc = MappingProxyType({})
_NO_OTHERS = nullcontext()


class Missing(LookupError):
    """There is no such record, or it is another tenant's, which looks the same."""


class Stale(Exception):
    """The etag given is not the current one, which is `current`."""

    def __init__(self, current: str) -> None:
        self.current = current


class Taken(ValueError):
    """The id of a new record is another's."""


class StorageUnavailable(Exception):
    """The store cannot be read or written now; a later try may succeed.

    Nothing was changed, unless the outcome is `unknown`: then the change may have been made.
    `full` says that space ran out. The text is fit for clients.
    """

    def __init__(self, why: str = "the store cannot be reached", *, full: bool = False, unknown: bool = False) -> None:
        super().__init__("the disk is full" if full else why)
        self.full = full
        self.unknown = unknown


class Put(NamedTuple):
    """A record to write, with `id` and `updatedAt` (ms), and the etag of the one it replaces: None if it is new."""

    kind: str
    doc: Doc
    if_match: str | None = None


class StateError(ValueError):
    """The place named for the state cannot be used; the message says what to do."""


class Log(Protocol):
    """Where changes are put on disk. The store never makes two calls at a time."""

    def load(self) -> tuple[int | None, list[Change]]:
        """The revision last used (None: never used) and all records."""

    def append(self, changes: Sequence[Change]) -> None:
        """Put all changes or none on disk. Raises StorageUnavailable."""

    def rewrite(self, changes: Sequence[Change], revision: int) -> None:
        """Put these records in the place of all others. Raises StorageUnavailable."""

    def close(self) -> None:
        """Let go of the file."""


def open_store(state: str | None, runtime: Runtime) -> Store:
    """The store named by `--state`: None is memory; a path or `sqlite:///path` is an SQLite file.

    `postgresql://…` is a database that several servers may share. Raises StateError.
    """
    if state is None:
        return Store(runtime)
    if state.startswith(("postgresql://", "postgres://")):
        from mockserver.state.postgres import open_postgres  # here, because it needs an optional package

        return open_postgres(state, runtime)
    from mockserver.state.durable import open_durable  # here, because without it a start saves importing sqlite3

    return open_durable(state, runtime)


class Store:
    """All records of one server. Safe for any number of threads."""

    place: str
    """Where the records are kept, in words that hold no credentials."""

    def __init__(self, runtime: Runtime, log: Log | None = None, place: str = "memory") -> None:
        """Start with what the log holds. Raises StateError where that cannot be used."""
        self.place = place
        self._runtime = runtime
        self._log: Log = log or _NoLog()
        self._writing = threading.Lock()
        self._showing = threading.Lock()
        """Held while the view changes. Who waits for the log never holds it."""
        self._waiting: deque[PendingWrite] = deque()
        used, records = self._log.load()
        self._revision = runtime.first_revision() if used is None else used
        self._view = View(records, self._revision)

    def refresh(self) -> None:
        """See to it that reads from now on show all that was acknowledged before, by other servers too.

        Does nothing where no other server writes. Raises StorageUnavailable.
        """

    def insert(self, tenant: Tenant, kind: str, doc: Doc) -> Doc:
        """Store a new record, which has `id` and `updatedAt` (ms); returns it with `version` and `etag`.

        Raises Taken and StorageUnavailable.
        """
        return self._write(PendingWrite((tenant, kind, doc["id"]), _decider(doc, None)))

    def get(self, tenant: Tenant, kind: str, entity_id: str) -> Doc | None:
        """The record, or None."""
        return self._view.get((tenant, kind, entity_id))

    def replace(self, tenant: Tenant, kind: str, entity_id: str, doc: Doc, if_match: str) -> Doc:
        """Compare and swap: store `doc` if the record's etag still is `if_match`; returns it with its new etag.

        Raises Missing, Stale and StorageUnavailable.
        """
        return self._write(PendingWrite((tenant, kind, entity_id), _decider(doc, if_match)))

    def delete(self, tenant: Tenant, kind: str, entity_id: str, unless: Callable[[], None] | None = None) -> None:
        """Remove a record. `unless` may raise to forbid it: no write happens between it and the removal.

        `unless` may read the store, not write to it. Raises Missing and StorageUnavailable.
        """

        def decide(current: Doc | None) -> None:
            if current is None:
                raise Missing
            if unless is not None:
                unless()

        self._write(PendingWrite((tenant, kind, entity_id), decide), alone=unless is not None)

    def transact(self, tenant: Tenant, puts: Sequence[Put]) -> list[Doc]:
        """Several writes or none, in one commit and in this order; each record may be written once.

        Returns the records as stored. Raises Missing, Stale, Taken and StorageUnavailable.
        """
        writes = [PendingWrite((tenant, put.kind, put.doc["id"]), _decider(put.doc, put.if_match)) for put in puts]
        with self._sole(), self._turn():
            if all(self._decide(write) for write in writes):
                self._settle(writes)
        failed = next((write.error for write in writes if write.error), None)
        if failed is not None:
            raise failed
        return [write.stored for write in writes]

    def all(self, tenant: Tenant, kind: str) -> Iterator[Doc]:
        """Every record as it is now, last written first."""
        view = self._view
        return (row.doc for row in view.collection(tenant, kind).snapshot(view.revision))

    def page(
        self, tenant: Tenant, kind: str, query: ListQuery, matches: Callable[[Doc], bool] | None = None
    ) -> tuple[list[Doc], Cursor | None]:
        """One page of the records that match, and where the next one begins if more follow.

        All pages of one listing show the records that existed when the first was read, as they are
        now but in the order they had then: none twice, none left out, whatever is written
        meanwhile. One limit: a listing that is overtaken by more than a thousand updates (and as
        many as there are records) may miss some of the updated ones; so may one that is continued
        after a restart. A page in the default order costs what is on it and what it passes over;
        in any other order, a look at every record.
        """
        view, after = self._view, query.after
        ceiling = view.revision if after is None else after.ceiling
        collection = view.collection(tenant, kind)
        rows = collection.snapshot(ceiling, None if after is None or query.order else after.revision)
        if matches is not None:
            rows = (row for row in rows if matches(row.doc))
        if query.order:
            rows = first_in_order(rows, query)
        page = list(islice(rows, query.limit + 1))
        docs = [row.doc for row in page[: query.limit]]
        if len(page) <= query.limit:
            return docs, None
        last = page[query.limit - 1]
        return docs, Cursor(ceiling, last.revision, ordering.place(last.then, query.order))

    def count(self, tenant: Tenant, kind: str, matches: Callable[[Doc], bool] | None = None) -> int:
        """How many records there are, or how many match."""
        view = self._view
        collection = view.collection(tenant, kind)
        if matches is None:
            return len(collection.records)
        return sum(1 for row in collection.snapshot(view.revision) if matches(row.doc))

    def export(self) -> dict[str, Any]:
        """Everything, at one moment, as JSON. Credentials are in it as stored: `Emulator.export` masks them."""
        self.refresh()
        with self._showing:
            return exports.write(self._view.changes(), self._view.revision)

    def restore(self, data: Mapping[str, Any]) -> None:
        """Put an export in the place of everything; etags come back with their records, the counter goes on.

        Raises ValueError that names what is wrong, and StorageUnavailable; nothing has changed then.
        """
        used, records = exports.parse(data)
        with self._sole(), self._turn():
            self._swap(records, max(used, self._revision))

    def clear(self) -> None:
        """Forget all records. The counter goes on, except under a seed: there everything repeats."""
        with self._sole(), self._turn():
            self._swap([], self._revision if self._runtime.seed is None else self._runtime.first_revision())

    def close(self) -> None:
        """Let go of the file, once the writes that have begun are through."""
        with self._sole():
            self._log.close()

    def _swap(self, records: list[Change], revision: int) -> None:
        view = View(records, revision)
        self._log.rewrite(records, revision)
        with self._showing:
            self._revision, self._view = revision, view

    def _turn(self) -> AbstractContextManager[None]:
        """The turn to decide and to commit once, before which every earlier commit shows. Called by the sole writer."""
        return _NO_OTHERS

    def _write(self, write: PendingWrite, *, alone: bool = False) -> Doc:
        """Carry a write through: one of those who wait does it for all of them, in one commit.

        `alone` keeps the write in its own thread and commit, after which every earlier one shows.
        """
        if alone:
            with self._sole():
                self._serve([write])
        else:
            self._waiting.append(write)
            while not write.settled:
                if self._writing.acquire(blocking=False):
                    try:
                        while not write.settled:
                            self._serve(self._next_waiting())
                    finally:
                        self._hand_over()
                elif write.woken is None:
                    write.woken = threading.Event()  # then look once more: from here on nobody overlooks it
                else:
                    write.woken.wait(1)  # no longer, should the thread it waits for be interrupted
                    write.woken.clear()
        if write.error is not None:
            raise write.error
        return write.stored

    @contextmanager
    def _sole(self) -> Iterator[None]:
        """Let no other thread write."""
        self._writing.acquire()
        try:
            yield
        finally:
            self._hand_over()

    def _hand_over(self) -> None:
        """Stop writing; the first of those who came meanwhile goes on."""
        self._writing.release()
        with suppress(IndexError):
            if (woken := self._waiting[0].woken) is not None:
                woken.set()

    def _next_waiting(self) -> list[PendingWrite]:
        """Those that wait, up to the second one for the same record: it must see what the first one does."""
        batch: dict[Key, PendingWrite] = {}
        while self._waiting and self._waiting[0].key not in batch:
            write = self._waiting.popleft()
            batch[write.key] = write
        return list(batch.values())

    def _serve(self, writes: list[PendingWrite]) -> None:
        error = StorageUnavailable()  # for those whom an interruption leaves behind
        try:
            with self._turn():
                self._settle([write for write in writes if self._decide(write)])
        except StorageUnavailable as trouble:
            error = trouble
        finally:
            for write in writes:
                if not write.settled:
                    write.settle(error)

    def _decide(self, write: PendingWrite) -> bool:
        """Let the caller accept or refuse; an accepted write gets its revision."""
        try:
            doc = write.decide(self._view.get(write.key))
        except Exception as error:  # for the thread that asked, which may be another one
            write.settle(error)
            return False
        self._revision += 1
        if doc is not None:
            write.stored = doc = _stamp(doc, self._revision)
        write.change = Change(*write.key, self._revision, doc)
        return True

    def _settle(self, writes: Sequence[PendingWrite]) -> None:
        """Put accepted writes on disk, then show them in the order of their revisions."""
        if not writes:
            return
        changes = [write.change for write in writes]
        try:
            self._log.append(changes)
        except Exception as error:
            for write in writes:
                write.settle(error)
            return
        with self._showing:
            self._show(changes)
        for write in writes:
            write.settle(None)

    def _show(self, changes: Iterable[Change]) -> None:
        """Take changes into the view, once each: what it has reached it has. Called under `_showing`."""
        for change in changes:
            if change.revision > self._view.revision:
                self._view.apply(change)


class PendingWrite:
    """A write on its way. `decide` gets the present record and returns the new one, None to delete, or raises."""

    __slots__ = ("change", "decide", "error", "key", "settled", "stored", "woken")
    change: Change

    def __init__(self, key: Key, decide: Callable[[Doc | None], Doc | None]) -> None:
        self.key = key
        self.decide = decide
        self.settled = False
        self.stored = _NOTHING
        self.error: Exception | None = None
        self.woken: threading.Event | None = None
        """To wait for another thread: it has settled this write, or leaves it to this one to go on."""

    def settle(self, error: Exception | None) -> None:
        """Say how it ended to the thread that waits."""
        self.error, self.settled = error, True
        if self.woken is not None:
            self.woken.set()


def _decider(doc: Doc, if_match: str | None) -> Callable[[Doc | None], Doc]:
    """Takes the present record; accepts the new one or raises Taken, Missing or Stale."""

    def decide(current: Doc | None) -> Doc:
        if if_match is None:
            if current is not None:
                raise Taken
        elif current is None:
            raise Missing
        elif current["etag"] != if_match:
            raise Stale(current["etag"])
        return doc

    return decide


class _NoLog:
    """Memory only: nothing to read, nothing to keep."""

    def load(self) -> tuple[int | None, list[Change]]:
        return None, []

    def append(self, changes: Sequence[Change]) -> None: ...

    def rewrite(self, changes: Sequence[Change], revision: int) -> None: ...

    def close(self) -> None: ...


def _stamp(doc: Doc, revision: int) -> Doc:
    members = {name: value for name, value in doc.items() if name not in ("version", "etag")}
    tag = etag(revision, doc["updatedAt"])
    return {**members, "version": tag, "etag": tag}
