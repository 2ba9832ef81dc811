"""What every store does, and what it raises. `memory` and `sql` are the stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from mockserver.exchange import Tenant
from mockserver.listing import Cursor, ListQuery
from mockserver.state.records import Doc


class Missing(LookupError):
    """There is no such record, or it is another tenant's, which looks the same."""


class Stale(Exception):
    """The etag given is not the current one, which is `current`."""

    def __init__(self, current: str) -> None:
        self.current = current


class Taken(ValueError):
    """The id of a new record is in use."""


class StateError(ValueError):
    """The place named for the state cannot be used; the message says what to do."""


class StorageUnavailable(Exception):
    """The store cannot be read or written now; a later try may succeed.

    Nothing was changed, unless the outcome is `unknown`: then the change may have been made.
    `full` means that the disk is full. The text is fit for clients.
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


class Store(Protocol):
    """Records by tenant, kind and id. Safe for any number of threads; a write is atomic.

    Every method raises StorageUnavailable when the place of the records cannot be reached.
    """

    place: str
    """Where the records are, in words without credentials."""
    page_key: bytes
    """Seals the links to next pages; servers that share records share it."""

    def insert(self, tenant: Tenant, kind: str, doc: Doc) -> Doc:
        """Store a new record, which has `id` and `updatedAt` (ms); returns it with `version` and `etag`.

        Raises Taken.
        """

    def get(self, tenant: Tenant, kind: str, entity_id: str) -> Doc | None:
        """The record, or None."""

    def replace(self, tenant: Tenant, kind: str, entity_id: str, doc: Doc, if_match: str) -> Doc:
        """Compare and swap: store `doc` if the record's etag still is `if_match`; returns it with its new etag.

        Raises Missing and Stale.
        """

    def delete(self, tenant: Tenant, kind: str, entity_id: str, unless: Callable[[], None] | None = None) -> None:
        """Remove a record. `unless` may raise to forbid it: no write happens between it and the removal.

        `unless` may read the store, not write to it. Raises Missing.
        """

    def transact(self, tenant: Tenant, puts: Sequence[Put]) -> list[Doc]:
        """Write several records or none, in this order; each record may be written once.

        Returns the records as stored. Raises Missing, Stale and Taken.
        """

    def all(self, tenant: Tenant, kind: str) -> Iterator[Doc]:
        """Every record, last written first."""

    def page(
        self, tenant: Tenant, kind: str, query: ListQuery, matches: Callable[[Doc], bool] | None = None
    ) -> tuple[list[Doc], Cursor | None]:
        """One page of the records that match, and where the next one begins if more follow.

        All pages of one list show the records that existed when the first page was read, as they are
        now but in the order they had then: none twice, none left out, whatever is written meanwhile.
        The history behind this is bounded: a list that stays open during more than a thousand updates
        (and as many as there are records) may miss some of the updated records. A page in the default
        order costs what is on it and what it passes over; in any other order, a look at every record.
        """

    def count(self, tenant: Tenant, kind: str, matches: Callable[[Doc], bool] | None = None) -> int:
        """How many records there are, or how many match."""

    def tenants(self) -> list[Tenant]:
        """Those that have records, in alphabetical order."""

    def export(self) -> dict[str, Any]:
        """Everything, at one moment, as JSON. It holds credentials as stored: `Emulator.export` masks them."""

    def restore(self, data: Mapping[str, Any]) -> None:
        """Replace everything by an export. Etags come back with their records; the counter goes on.

        Raises ValueError that names what is wrong; then nothing has changed.
        """

    def clear(self) -> None:
        """Remove all records. The counter goes on, except under a seed: there everything repeats."""

    def close(self) -> None:
        """Release the place, after the writes that have begun."""


def accept(put: Put, current: Doc | None) -> None:
    """Check a write against the present record. Raises Taken, Missing or Stale."""
    if put.if_match is None:
        if current is not None:
            raise Taken
    elif current is None:
        raise Missing
    elif current["etag"] != put.if_match:
        raise Stale(current["etag"])
