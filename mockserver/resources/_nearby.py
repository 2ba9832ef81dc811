"""Records of the neighbouring services: a body under an id, in a tenant's sandbox. Each service formats them itself.

These services have no etags on the wire: concurrent writes are applied one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

from mockserver.exchange import Request
from mockserver.json_input import dumps, weight
from mockserver.resources import _crud
from mockserver.resources._forms import NeighbourError
from mockserver.state.records import MAX_PAGE_BYTES, Doc
from mockserver.state.store import Missing, Stale, Taken
from mockserver.world import World

T = TypeVar("T")
Body: TypeAlias = Mapping[str, Any]

_MAX_BYTES = MAX_PAGE_BYTES // 2
"""Maximum size of a page's entries in memory. Half of `MAX_PAGE_BYTES`, because these pages are encoded as a whole."""


def create(world: World, request: Request, kind: str, draw: Callable[[], tuple[str, Body]]) -> Doc:
    """Store a new record with the id and body that `draw` returns, which is called again while its id is taken."""
    return world.store.create(request.tenant, kind, lambda: _made(world, request, *draw()))


def keep(world: World, request: Request, kind: str, record_id: str, body: Callable[[Doc | None], Body]) -> Doc:
    """Store the only record with this id: a new one, or a replacement of its body."""
    while (doc := find(world, request, kind, record_id)) is None:
        with suppress(Taken):
            return world.store.insert(request.tenant, kind, _made(world, request, record_id, body(None)))
    return change(world, request, kind, doc, body)


def _made(world: World, request: Request, record_id: str, body: Body) -> Doc:
    return {**_crud.stamps(world, request), "id": record_id, "body": dict(body)}


def find(world: World, request: Request, kind: str, record_id: str) -> Doc | None:
    """The record, or None."""
    return world.store.get(request.tenant, kind, record_id)


def every(world: World, request: Request, kind: str) -> Iterator[Doc]:
    """All records of the sandbox, latest write first. Raises ApiError if they are too many for one request."""
    return world.store.listed(request.tenant, kind)


def fitting(shown: Iterable[T]) -> list[T]:
    """The entries of a page up to its maximum size. A larger page ends earlier (assumed), after one entry at least."""
    page: list[T] = []
    size = 0
    for one in shown:
        size += weight(dumps(list(one) if isinstance(one, tuple) else one))  # type: ignore[arg-type]
        if size > _MAX_BYTES and page:
            break
        page.append(one)
    return page


def change(world: World, request: Request, kind: str, doc: Doc, body: Callable[[Doc], Body]) -> Doc:
    """Replace a record's body by `body(record)`, recomputed if another write came first."""
    while True:
        stamps = _crud.stamps(world, request)
        kept = {name: stamps[name] for name in ("updatedAt", "updatedBy", "updatedClient")}
        doc = {**doc, **kept, "body": dict(body(doc))}  # frees the old texts, which the store reads again
        try:
            return world.store.replace(request.tenant, kind, doc["id"], doc, doc["etag"])
        except Stale:
            current = world.store.get(request.tenant, kind, doc["id"])
        except Missing:
            current = None
        if current is None:
            raise NeighbourError(404, "Not found", f"{doc['id']} is gone")
        doc = current


def drop(world: World, request: Request, kind: str, doc: Doc) -> None:
    """Delete a record."""
    with suppress(Missing):
        world.store.delete(request.tenant, kind, doc["id"])
