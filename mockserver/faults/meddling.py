"""Concurrent changes by another client, simulated."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from mockserver.errors import ApiError
from mockserver.exchange import Call, Request, Tenant
from mockserver.faults.somebody import KINDS, RUN_STATES, SOMEBODY, STATES, made_up, stamps
from mockserver.listing import ListQuery, property_filter
from mockserver.listing.property_filter import Condition
from mockserver.state.records import Doc
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
    there = world.store.count(request.tenant, kind, lambda doc: _meets(asked, doc))
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
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STATUS_OF_A_RUN = ("metrics", "statusSummary", "status")
"""The members in which a run shows its state."""


def _meets(asked: tuple[Condition, ...], doc: Mapping[str, Any]) -> bool:
    return all(one.matches(doc) for one in asked)


def _fill(world: World, tenant: Tenant, kind: str, asked: tuple[Condition, ...], wanted: int) -> None:
    """Add records that match the filters: copies of the newest that does, or else of one that is changed to match."""
    matching, _ = world.store.page(tenant, kind, ListQuery(limit=1), lambda doc: _meets(asked, doc))
    newest = matching or world.store.page(tenant, kind, ListQuery(limit=1))[0]
    pattern = {**stamps(world, tenant, kind), **(newest[0] if newest else made_up(world, tenant, kind))}
    for condition in () if matching else asked:
        path = ("state",) if kind == "runs" and condition.path == _STATUS_OF_A_RUN else condition.path
        pattern = _matching(pattern, path, condition)
    asked_for = {condition.path[0] for condition in asked}

    def draw(number: int) -> Doc:
        new = stamps(world, tenant, kind) | ({"name": f"Another client's no. {number}"} if "name" in pattern else {})
        kept = {name: value for name, value in pattern.items() if name in asked_for or name not in new}
        return {**new, **kept, "id": new["id"]}

    for number in range(1, wanted + 1):
        world.store.create(tenant, kind, partial(draw, number))


def _matching(doc: dict[str, Any], path: tuple[str, ...], asked: Condition) -> dict[str, Any]:
    """The record with a value that a filter accepts, if it has a value of this type there; otherwise unchanged."""
    states = RUN_STATES if "flowId" in doc else STATES
    if asked.operator == "!=":
        values = [property_filter.Value.of(state) for state in sorted(states) if state.casefold() not in asked.texts]
        values = values if path == ("state",) else []
    else:
        values = list(asked.values) if asked.operator in ("=", "==") else []
    if not values or (path == ("state",) and values[0].text not in states):
        return doc
    changed: dict[str, Any] | None = _with_value(doc, path, values[0])
    return doc if changed is None else changed


def _with_value(there: Any, path: Sequence[str], value: property_filter.Value) -> Any:
    """A JSON value with another text or boolean at a path; None if it has none there, or an id that cannot be changed.

    Of a list, only the first item is kept.
    """
    if not path:
        if isinstance(there, bool):
            return value.truth
        fits = isinstance(there, str) and bool(_UUID.fullmatch(value.text) or not _UUID.fullmatch(there))
        return value.text if fits else None
    name, *rest = path
    if name == property_filter.EACH:
        inner = _with_value(there[0], rest, value) if isinstance(there, list) and there else None
        return None if inner is None else [inner]
    inner = _with_value(there.get(name), rest, value) if isinstance(there, dict) else None
    return None if inner is None else {**there, name: inner}


def _named(request: Request) -> tuple[str, str]:
    return request.call.path.strip("/").split("/")[0], next(iter(request.path.values()))
