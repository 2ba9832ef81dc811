"""Concurrent changes by another client, simulated."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import parse_qsl

from mockserver.errors import ApiError
from mockserver.exchange import Call, Request, Tenant
from mockserver.faults.somebody import KINDS, RUN_STATES, SOMEBODY, STATES, insert, made_up
from mockserver.listing import ListQuery, property_filter
from mockserver.listing.property_filter import Condition
from mockserver.state.store import Missing, Stale
from mockserver.world import World


def names_an_entity(call: Call) -> bool:
    """Whether the path addresses a single record."""
    parts = call.path.strip("/").split("/")
    return len(parts) > 1 and parts[0] in KINDS


def begins_a_list(call: Call) -> bool:
    """Whether the request is for the first page of a list."""
    parts = call.path.strip("/").split("/")
    listed = (call.method == "GET" and len(parts) == 1) or (call.method == "POST" and parts[1:] == ["search"])
    paged = "continuationToken=" in call.query or "count=true" in call.query.lower()
    return listed and parts[0] in KINDS and not paged


def overtake(strike: object, world: World, request: Request) -> Request:
    """Rewrite the record unchanged, which gives it a new etag."""
    kind, entity_id = _named(request)
    doc = world.store.get(request.tenant, kind, entity_id)
    if doc is not None:
        changed = {**doc, "updatedAt": world.runtime.clock.now_ms(), "updatedBy": SOMEBODY}
        with contextlib.suppress(Missing, Stale):  # another request was faster
            world.store.replace(request.tenant, kind, entity_id, changed, doc["etag"])
    return request


def delete(strike: object, world: World, request: Request) -> Request:
    """Delete the record."""
    with contextlib.suppress(Missing):
        world.store.delete(request.tenant, *_named(request))
    return request


def shorten_pages(strike: Any, world: World, request: Request) -> Request:
    """Lower `limit` so that the list has the number of pages given by the fault's argument."""
    pages: int = strike.argument
    kind = request.call.path.strip("/").split("/")[0]
    asked = _conditions(request)
    there = world.store.count(request.tenant, kind, lambda doc: all(one.matches(doc) for one in asked))
    if there < pages:
        _fill(world, request.tenant, kind, asked, pages - there)
    limit = max(1, max(there, pages) // pages)
    if isinstance(request.body, dict):
        return request._replace(body={**request.body, "limit": limit})
    return request._replace(arguments={**request.arguments, "limit": limit})


def _conditions(request: Request) -> tuple[Condition, ...]:
    """The filters of a list that apply to stored members; none if the service refuses them."""
    filters = list(request.arguments.get("property", ()))
    text = request.body.get("queryString") if isinstance(request.body, dict) else None
    if isinstance(text, str):
        filters += [value for name, value in parse_qsl(text.lstrip("?")) if name == "property"]
    with contextlib.suppress(ApiError):
        return property_filter.parse(tuple(filters), _ANY_MEMBER, "filter_field").conditions
    return ()


class _Everything(frozenset[str]):
    """A set that contains every name: the service itself decides which members can be filtered."""

    def __contains__(self, name: object) -> bool:
        return True


_ANY_MEMBER = _Everything()


def _fill(world: World, tenant: Tenant, kind: str, asked: tuple[Condition, ...], wanted: int) -> None:
    """Add records that match the filters: copies of the newest one or, if there is none, invented ones."""
    newest, _ = world.store.page(tenant, kind, ListQuery(limit=1))
    pattern = dict(newest[0] if newest else made_up(world, tenant, kind))
    for condition in asked:
        if condition.operator in ("=", "==") and len(condition.path) <= 2:
            _set(pattern, condition.path, next(iter(condition.values)).text)
    named = "name" in pattern and ("name",) not in {condition.path for condition in asked}
    for number in range(wanted):
        insert(world, tenant, kind, {**pattern, "name": f"Another client's no. {number + 1}"} if named else pattern)


def _set(doc: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    """Set a member, or a nested one, to the text that a filter demands, if it holds text or a list of texts."""
    name, *rest = path
    inner = doc.get(name)
    if path == ("state",) and value not in (RUN_STATES if "flowId" in doc else STATES):
        return
    if not rest and isinstance(inner, str):
        doc[name] = value
    elif rest == [property_filter.EACH] and isinstance(inner, list) and all(isinstance(one, str) for one in inner):
        doc[name] = [value]
    elif rest and isinstance(inner, dict) and isinstance(inner.get(rest[0]), str):
        doc[name] = {**inner, rest[0]: value}


def _named(request: Request) -> tuple[str, str]:
    return request.call.path.strip("/").split("/")[0], next(iter(request.path.values()))
