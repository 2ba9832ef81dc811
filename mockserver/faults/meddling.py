"""What somebody else does to the records while the client is not looking."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mockserver.exchange import Call, Request
from mockserver.listing import ListQuery
from mockserver.state.store import Missing, Stale
from mockserver.world import World

KINDS = ("connections", "sourceConnections", "targetConnections", "flows", "runs")
"""Collections with records in the store."""

SOMEBODY = "someone-else@AdobeID"
_CONNECTION: Mapping[str, Any] = {
    "createdClient": "someone-else",
    "updatedClient": "someone-else",
    "name": "",
    "connectionSpec": {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"},
    "state": "enabled",
    "auth": {
        "specName": "Basic Authentication",
        "params": {
            "server": "db.example.com",
            "port": "5432",
            "database": "shop",
            "username": "reader",
            "password": "not-a-secret",
        },
    },
}
"""A PostgreSQL base connection, without what is stamped on it."""


def names_an_entity(call: Call) -> bool:
    """Whether the path names one stored record."""
    parts = call.path.strip("/").split("/")
    return len(parts) > 1 and parts[0] in KINDS


def begins_a_list(call: Call) -> bool:
    """Whether this asks for the first page of a list."""
    listed = call.method == "GET" and call.path.strip("/") in KINDS
    return listed and "continuationToken=" not in call.query and "count=true" not in call.query.lower()


def overtake(strike: object, world: World, request: Request) -> Request:
    """Write the record without changing it: its etag is a new one."""
    kind, entity_id = _named(request)
    doc = world.store.get(request.tenant, kind, entity_id)
    if doc is not None:
        changed = {**doc, "updatedAt": world.runtime.clock.now_ms(), "updatedBy": SOMEBODY}
        with contextlib.suppress(Missing, Stale):  # somebody was faster still
            world.store.replace(request.tenant, kind, entity_id, changed, doc["etag"])
    return request


def delete(strike: object, world: World, request: Request) -> Request:
    """Remove the record."""
    with contextlib.suppress(Missing):
        world.store.delete(request.tenant, *_named(request))
    return request


def shorten_pages(strike: Any, world: World, request: Request) -> Request:
    """Ask for so few items that the list has as many pages as the fault's argument says."""
    pages: int = strike.argument
    kind = request.call.path.strip("/")
    there = world.store.count(request.tenant, kind)
    for number in range(there, pages):
        _add(world, request, kind, number + 1)
    query = tuple(pair for pair in request.query if pair[0] != "limit")
    return replace(request, query=(*query, ("limit", str(max(1, there // pages)))))


def _named(request: Request) -> tuple[str, str]:
    return request.call.path.strip("/").split("/")[0], next(iter(request.path.values()))


def _add(world: World, request: Request, kind: str, number: int) -> None:
    """Another record: like the newest of its kind, or where there is none, and one can do without others, made up."""
    newest, _ = world.store.page(request.tenant, kind, ListQuery(limit=1))
    pattern = newest[0] if newest else _CONNECTION if kind == "connections" else None
    if pattern is None:
        return
    now, (org, sandbox) = world.runtime.clock.now_ms(), request.tenant
    members = {
        **pattern,
        "id": world.runtime.new_id(),
        "createdAt": now,
        "updatedAt": now,
        "createdBy": SOMEBODY,
        "updatedBy": SOMEBODY,
        "sandboxId": request.tenant.sandbox_id,
        "sandboxName": sandbox,
        "imsOrgId": org,
    }
    if "name" in pattern:
        members["name"] = f"Somebody else's no. {number}"
    world.store.insert(request.tenant, kind, members)
