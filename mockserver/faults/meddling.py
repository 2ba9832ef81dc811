"""Concurrent changes by another client, simulated."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
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
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STATUS_OF_A_RUN = ("metrics", "statusSummary", "status")
"""Where a run shows its state."""


def _fill(world: World, tenant: Tenant, kind: str, asked: tuple[Condition, ...], wanted: int) -> None:
    """Add records that match the filters: copies of the newest one or, if there is none, invented ones."""
    newest, _ = world.store.page(tenant, kind, ListQuery(limit=1))
    pattern = dict(newest[0] if newest else made_up(world, tenant, kind))
    for condition in asked:
        if condition.operator in ("=", "=="):
            path = ("state",) if kind == "runs" and condition.path == _STATUS_OF_A_RUN else condition.path
            pattern = _matching(pattern, path, next(iter(condition.values)).text)
    named = "name" in pattern and ("name",) not in {condition.path for condition in asked}
    for number in range(wanted):
        insert(world, tenant, kind, {**pattern, "name": f"Another client's no. {number + 1}"} if named else pattern)


def _matching(doc: dict[str, Any], path: tuple[str, ...], value: str) -> dict[str, Any]:
    """The record with the text that a filter demands, if it has a text at this path; otherwise unchanged."""
    if path == ("state",) and value not in (RUN_STATES if "flowId" in doc else STATES):
        return doc
    changed: dict[str, Any] | None = _with_text(doc, path, value)
    return doc if changed is None else changed


def _with_text(there: Any, path: Sequence[str], value: str) -> Any:
    """A JSON value with another text at a path; None if it has no text there, or an id that the text cannot be.

    Of a list only the first item stays.
    """
    if not path:
        fits = isinstance(there, str) and bool(_UUID.fullmatch(value) or not _UUID.fullmatch(there))
        return value if fits else None
    name, *rest = path
    if name == property_filter.EACH:
        inner = _with_text(there[0], rest, value) if isinstance(there, list) and there else None
        return None if inner is None else [inner]
    inner = _with_text(there.get(name), rest, value) if isinstance(there, dict) else None
    return None if inner is None else {**there, name: inner}


def _named(request: Request) -> tuple[str, str]:
    return request.call.path.strip("/").split("/")[0], next(iter(request.path.values()))
