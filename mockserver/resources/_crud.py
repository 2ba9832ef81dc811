"""Create, look up, list, update, delete: the operations shared by all stored resources.

A `Collection` holds the differences: the names of its members and how a record is shown.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

from mockserver import listing
from mockserver.errors import ApiError
from mockserver.exchange import BASE_PATH, Request, Result, Tenant
from mockserver.json_input import Json, dumps
from mockserver.resources import _patching
from mockserver.secrecy import http, repeatable
from mockserver.state.records import MAX_PAGE_BYTES, Doc
from mockserver.state.store import Missing, Stale
from mockserver.world import Shown, World

Show = Callable[[World, Doc], dict[str, Any]]

_MAX_SHOWN, _MAX_SHOWN_BYTES = 2_048, 4_096
"""Maximum number of cached shown records, and of the bytes of each as JSON: at most 8 MiB together."""

_VALUE_BYTES = 20
"""Bytes that each value of a page counts besides its JSON: `{}` has two bytes there, but takes 70 in memory."""

STAMPS = (
    "id",
    "createdAt",
    "updatedAt",
    "createdBy",
    "updatedBy",
    "createdClient",
    "updatedClient",
    "sandboxId",
    "sandboxName",
    "imsOrgId",
)
"""Members the service sets on every record, in the order it prints them (facts §6.4)."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A kind of stored resource."""

    listable: listing.Listable
    changeable: frozenset[str]
    show: Show
    masked: frozenset[str] = frozenset()
    """Top-level members that `show` masks or adds. Filters apply to the shown form."""
    lasting: Callable[[World, Doc], bool] = lambda world, doc: False
    """Whether the result of `show` depends on the record only."""
    showing: int = 150
    """Visits that a filter pays for a record whose shown form it needs: 30 µs of CPU time."""
    prepare: Callable[[World, Tenant, Sequence[Doc]], None] = lambda world, tenant, docs: None
    """Prepares all records of a page before they are shown."""

    @property
    def kind(self) -> str:
        """The name of the collection in paths."""
        return self.listable.kind


def create(world: World, request: Request, collection: Collection, members: Mapping[str, Any]) -> Result:
    """Store a new record: 201 with its receipt, `Location` and `ETag` (facts §5, §6)."""
    doc = insert(world, request, collection.kind, members)
    location = f"{request.call.origin}{BASE_PATH}/{collection.kind}/{doc['id']}"
    return receipt(doc, 201, ("Location", location))


def insert(world: World, request: Request, kind: str, members: Mapping[str, Any]) -> Doc:
    """Store a new record under the next free id."""

    def draw() -> Doc:
        return {"id": world.runtime.new_id(kind), **stamps(world, request), **members}

    return world.store.create(request.tenant, kind, draw)


def find(world: World, request: Request, collection: Collection) -> Doc:
    """The record named by the path. Raises ApiError `not_found`, also for another tenant's record."""
    entity_id = next(iter(request.path.values()))
    doc = world.store.get(request.tenant, collection.kind, entity_id)
    if doc is None:
        raise _not_found(collection, entity_id)
    return doc


def lookup(world: World, request: Request, collection: Collection) -> Result:
    """One record, wrapped in `items` (facts §5)."""
    doc = find(world, request, collection)
    shown = _shown(world, collection, doc)
    whole = b'{"items":[%b]}' % shown.encoded
    return Result(200, {"items": [shown.item]}, (("ETag", doc["etag"]),)).encoded_as(whole)


def asked(world: World, request: Request, collection: Collection) -> listing.ListQuery:
    """Parse the query of a list request. Raises ApiError."""
    return listing.parse(request.arguments, collection.listable, world.quirks, key=world.page_key)


def searched(world: World, request: Request, collection: Collection) -> listing.ListQuery:
    """Parse the body of a search request. Raises ApiError."""
    body = request.body if isinstance(request.body, dict) else {}
    return listing.parse_search(body, request.arguments, collection.listable, world.quirks, key=world.page_key)


def page(world: World, request: Request, collection: Collection, query: listing.ListQuery) -> Result:
    """A page of records with `_links`, or just their count (facts §6.1)."""
    matches = _matcher(world, collection, query)
    if query.count:
        return Result(200, {"count": world.store.count(request.tenant, collection.kind, matches)})
    docs, after = world.store.page(request.tenant, collection.kind, query, matches)
    collection.prepare(world, request.tenant, docs)
    items: list[Json] = []
    size, whole = 0, BytesIO()  # which hands over its bytes without a copy: they may be 4 MiB
    whole.write(b'{"items":[')
    for doc in docs:
        _, item, text = _shown(world, collection, doc)
        if query.projection:
            item = query.project(item)
            text = dumps(item)
        size += len(text) + _VALUE_BYTES * text.count(b",")
        if size > MAX_PAGE_BYTES and items:  # the page ends here; the store finds the start of the next one
            _, after = world.store.page(request.tenant, collection.kind, replace(query, limit=len(items)), matches)
            break
        whole.write(b"," if items else b"")
        whole.write(text)
        items.append(item)
    links: Json = {}
    if after is not None:
        links = {"next": {"href": listing.next_href(collection.listable, query, after, key=world.page_key)}}
    whole.write(b'],"_links":%b}' % dumps(links))
    return Result(200, {"items": items, "_links": links}).encoded_as(whole.getvalue())


def _shown(world: World, collection: Collection, doc: Doc) -> Shown:
    """A record as responses show it, cached if it depends on the record only."""
    lasting = collection.lasting(world, doc)
    known = world.shown.get(doc["etag"]) if lasting else None
    if known is not None and known.doc is doc:
        return known
    item = collection.show(world, doc)
    shown = Shown(doc, item, dumps(item))
    if lasting and len(shown.encoded) <= _MAX_SHOWN_BYTES:
        if len(world.shown) >= _MAX_SHOWN:
            world.shown.clear()
        world.shown[doc["etag"]] = shown
    return shown


def update(
    world: World, request: Request, collection: Collection, accept: Callable[[Doc, dict[str, Any]], dict[str, Any]]
) -> Result:
    """Patch a record if its etag matches. `accept(old, new)` checks the result and may complete it."""
    doc = current(world, request, collection)
    changed = accept(doc, _patching.apply(doc, request.body, collection.changeable))
    del doc  # its texts may be as large as the new ones, and the store reads it again
    return save(world, request, collection, changed)


def current(world: World, request: Request, collection: Collection) -> Doc:
    """The record named by the path, in the version named by If-Match. Raises ApiError if it differs or is missing."""
    sent = if_match(world, request)
    if not sent:
        raise ApiError(
            "if_match_missing", header="If-Match", hint="read the entity and send its etag, including the double quotes"
        )
    doc = find(world, request, collection)
    _demand_version(doc, sent)
    return doc


def save(world: World, request: Request, collection: Collection, changed: Doc) -> Result:
    """Write a new version of a record, which still contains the old etag. Raises ApiError if another writer was faster.

    Returns a receipt with the new etag.
    """
    stamps = {"updatedAt": world.runtime.clock.now_ms(), **_actor(world, request, "updated")}
    try:
        doc = world.store.replace(
            request.tenant, collection.kind, changed["id"], {**changed, **stamps}, changed["etag"]
        )
    except Stale as stale:
        raise _mismatch(changed["etag"], stale.current) from None
    except Missing:
        raise _not_found(collection, changed["id"]) from None
    return receipt(doc, 200)


def remove(world: World, request: Request, collection: Collection, unless: Callable[[], None]) -> Result:
    """Delete a record, unless the check `unless` raises."""
    doc = find(world, request, collection)
    try:
        world.store.delete(request.tenant, collection.kind, doc["id"], unless)
    except Missing:
        raise _not_found(collection, doc["id"]) from None
    return Result(int(world.quirks["delete-status"]))


def receipt(doc: Doc, status: int, *headers: tuple[str, str]) -> Result:
    """`{"id", "etag"}`: the response to every write."""
    return Result(status, {"id": doc["id"], "etag": doc["etag"]}, (*headers, ("ETag", doc["etag"])))


def if_match(world: World, request: Request) -> str:
    """The etag of If-Match in its stored form; empty if the header is missing."""
    sent = request.call.headers.get("if-match", "").strip()
    if sent and not sent.startswith('"') and world.quirks["unquoted-etag"] == "accept":
        return f'"{sent}"'
    return sent


def demand_version(world: World, request: Request, doc: Doc) -> None:
    """Refuse a stale If-Match, for operations where the header is optional."""
    sent = if_match(world, request)
    if sent:
        _demand_version(doc, sent)


def _demand_version(doc: Doc, sent: str) -> None:
    if sent != doc["etag"]:
        raise _mismatch(sent, doc["etag"])


def _mismatch(sent: str, current: str) -> ApiError:
    shown = http.headers({"if-match": sent}, limit=80)["if-match"]
    return ApiError("version_mismatch", version=shown, entity=current, hint=_etag_hint(sent))


def _etag_hint(sent: str) -> str:
    """Advice for a wrong If-Match."""
    if sent == "*":
        return "If-Match: * is not supported: send the etag of the entity"
    if sent.startswith("W/"):
        return "weak etags are not supported: send the etag as you received it, without W/"
    if not (sent.startswith('"') and sent.endswith('"')):
        return "the double quotes are part of the etag: send it exactly as you received it"
    if '",' in sent:
        return "send one etag, not a list"
    return "read the entity again, apply the change to it and retry"


def _not_found(collection: Collection, entity_id: str) -> ApiError:
    return ApiError("not_found", type=collection.kind, id=repeatable(entity_id))


def _matcher(world: World, collection: Collection, query: listing.ListQuery) -> Callable[[Doc], bool] | None:
    if not query.conditions:
        return None
    masked = [condition for condition in query.conditions if condition.path[0] in collection.masked]
    if not masked:
        return query.matches
    stored = replace(query, conditions=tuple(condition for condition in query.conditions if condition not in masked))

    def matches(doc: Doc) -> bool:
        if not stored.matches(doc):
            return False
        query.budget.spend(collection.showing * world.slowness)
        return query.matches(collection.show(world, doc))

    return matches


def stamps(world: World, request: Request) -> dict[str, Any]:
    """The members of `STAMPS`, except `id`, for a record created now."""
    now = world.runtime.clock.now_ms()
    values = {
        "createdAt": now,
        "updatedAt": now,
        **_actor(world, request, "created"),
        **_actor(world, request, "updated"),
        "sandboxId": request.tenant.sandbox_id,
        "sandboxName": request.tenant.sandbox,
        "imsOrgId": request.tenant.org,
    }
    return {name: values[name] for name in STAMPS if name != "id"}


def service_token(world: World, request: Request) -> bool:
    """Whether the caller has a service token: its API key is configured as a service client."""
    return request.call.headers["x-api-key"] in world.config.service_clients


def _actor(world: World, request: Request, verb: str) -> dict[str, str]:
    """The ids of the acting user and client, derived from the API key, which is all that is known (assumed).

    With a service token both members are the client (facts §5).
    """
    key = sys.intern(request.call.headers["x-api-key"])  # stored once for all of a client's records
    return {f"{verb}By": key if service_token(world, request) else _account(key), f"{verb}Client": key}


@functools.lru_cache(maxsize=1024)  # used twice by every write, and stored once for all of a client's records
def _account(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:24].upper() + "@AdobeID"
