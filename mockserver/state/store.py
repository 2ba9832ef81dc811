"""The `Store` protocol and its errors. `memory` and `sql` implement it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, NamedTuple, Protocol

from mockserver.exchange import Tenant
from mockserver.listing import Cursor, ListQuery
from mockserver.state import exports
from mockserver.state.records import Change, Doc


class Missing(LookupError):
    """The tenant has no such record."""


class Stale(Exception):
    """The given etag is not the current one (`current`)."""

    def __init__(self, current: str) -> None:
        self.current = current


class Taken(ValueError):
    """The id of a new record already exists."""


class StateError(ValueError):
    """The state cannot be used; the message says why and what to do."""


class StorageUnavailable(Exception):
    """The store is temporarily unavailable. The message can be shown to clients.

    Nothing was changed, unless `unknown` is set: then the change may have been made. `full`: the disk is full.
    """

    def __init__(self, why: str = "the store cannot be reached", *, full: bool = False, unknown: bool = False) -> None:
        super().__init__("the disk is full" if full else why)
        self.full = full
        self.unknown = unknown


class Snapshot(NamedTuple):
    """The state of a store at one moment."""

    revision: int
    """The counter of revisions."""
    records: Iterator[Change]


class Put(NamedTuple):
    """A record to write. It has `id` and `updatedAt` (ms). `if_match` is the etag of the replaced one, None for new."""

    kind: str
    doc: Doc
    if_match: str | None = None


class Store(Protocol):
    """Stores records by tenant, kind and id. Thread-safe; writes are atomic.

    Every method raises StorageUnavailable if the records cannot be reached.
    """

    place: str
    """Where the records are kept, without credentials."""
    remote: bool
    """Whether a server keeps the records, which may let every call wait."""
    page_key: bytes
    """Key that seals links to next pages. Servers that share records share it."""

    def insert(self, tenant: Tenant, kind: str, doc: Doc) -> Doc:
        """Store a new record with `id` and `updatedAt` (ms); returns it with `version` and `etag`.

        Raises Taken.
        """
        return self.transact(tenant, [Put(kind, doc)])[0]

    def create(self, tenant: Tenant, kind: str, draw: Callable[[], Doc]) -> Doc:
        """Store the new record that `draw` returns, which is called again while its id is taken.

        With a seed, another server may already have used an id.
        """
        while True:
            with suppress(Taken):
                return self.insert(tenant, kind, draw())

    def get(self, tenant: Tenant, kind: str, entity_id: str) -> Doc | None:
        """The record, or None."""

    def replace(self, tenant: Tenant, kind: str, entity_id: str, doc: Doc, if_match: str) -> Doc:
        """Replace a record if its etag is still `if_match`; returns it with its new etag. Raises Missing and Stale."""
        return self.transact(tenant, [Put(kind, doc, if_match)])[0]

    def delete(self, tenant: Tenant, kind: str, entity_id: str, unless: Callable[[], None] | None = None) -> None:
        """Delete a record. Raises Missing.

        `unless` may raise to prevent it. It may read from the store; no other write happens until the deletion.
        """

    def transact(self, tenant: Tenant, puts: Sequence[Put]) -> list[Doc]:
        """Write several records, all or none, in this order; returns them as stored.

        No record may occur twice. Raises Missing, Stale and Taken.
        """

    def all(self, tenant: Tenant, kind: str) -> Iterator[Doc]:
        """Every record, latest write first."""

    def mentioning(self, tenant: Tenant, kind: str, text: str) -> Iterator[Doc]:
        """Records that may contain a text, latest write first. A database reads only those that contain it in JSON.

        A record that is damaged within this text is skipped here. Reading it raises StorageUnavailable.
        """

    def listed(self, tenant: Tenant, kind: str) -> Iterator[Doc]:
        """Every record for a list requested by a client. Raises ApiError if there are more than it may look at."""

    def page(
        self, tenant: Tenant, kind: str, query: ListQuery, matches: Callable[[Doc], bool] | None = None
    ) -> tuple[list[Doc], Cursor | None]:
        """One page of the matching records, and the cursor of the next page if there is one.

        All pages of a list show the records that existed when its first page was read, with their current content but
        in their order at that time: each once, whatever is written meanwhile. The history for this is limited: a list
        that stays open during more than a thousand updates (and more than there are records) may miss updated records.
        In the default order, a page reads the records up to its end; in any other order, all records.
        """

    def count(self, tenant: Tenant, kind: str, matches: Callable[[Doc], bool] | None = None) -> int:
        """Number of records, or of those that match."""

    def tenants(self) -> list[Tenant]:
        """Tenants with records, in alphabetical order."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """The complete state at one moment. Records are read while they are iterated over."""

    def export(self) -> dict[str, Any]:
        """A consistent copy of everything as JSON. It contains credentials; `Emulator.export` masks them."""
        with self.snapshot() as (revision, records):
            return exports.write(sorted(records, key=lambda change: change.revision), revision)

    def restore(self, data: Mapping[str, Any]) -> None:
        """Replace everything with an export. Records keep their etags; the revision counter is never lowered.

        Raises ValueError that names the mistake; then nothing has changed.
        """

    def clear(self) -> None:
        """Remove all records. The revision counter continues, except with a seed, where it restarts."""

    def close(self) -> None:
        """Close the store after the current writes."""


def check(put: Put, current: Doc | None) -> None:
    """Check a write against the current record. Raises Taken, Missing or Stale."""
    if put.if_match is None:
        if current is not None:
            raise Taken
    elif current is None:
        raise Missing
    elif current["etag"] != put.if_match:
        raise Stale(current["etag"])
