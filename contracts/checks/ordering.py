"""Checks of orders by several members, of equal values in them, and of counts beyond one page."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from contracts.bounded import LOOPBACK
from contracts.findings.verdicts import Broken, expect, same, untestable
from contracts.registry import any_kind, check, patched
from contracts.stage import Stage, filters
from contracts.stage.expectations import ids, receipt, replacing, succeeded
from contracts.stage.kinds import Kind
from contracts.stage.ledger import Made

MAX_PAGE = 100
"""Maximum entities per page; a local server gets one more to count."""


@check("list.orderby-several", each=any_kind)
def several_members_order_one_after_the_other(stage: Stage, kind: Kind) -> None:
    """Equal first members are ordered by the second, in each direction, over pages too."""
    made = _pairs(stage, kind)
    only = filters("id==" + ",".join(entity.id for entity in made))
    third = "name,imsOrgId,-createdAt"
    for orderby in ("name,createdAt", third, "-name,createdAt", "-name,-createdAt", "createdAt,name"):
        for limit in ("", "&limit=3"):
            target = f"{kind.path}?{only}&orderby={orderby}{limit}"
            items = stage.listed(target)
            same(sorted(ids(items)), sorted(entity.id for entity in made), f"entities of {target}")
            _in_order(items, orderby, target)


@check("list.orderby-updated", each=patched)
def the_time_of_the_last_write_orders(stage: Stage, kind: Kind) -> None:
    """By `updatedAt`, the entity written last comes last, or first with a minus."""
    made = [stage.make(kind) for _ in range(3)]
    only = filters("id==" + ",".join(entity.id for entity in made))
    etag = made[0].etag
    for number in range(200):
        etag = receipt(stage.patch(made[0], replacing("description", str(number)), etag=etag))["etag"]
        if stage.read(made[0])["updatedAt"] > stage.read(made[2])["updatedAt"]:
            break
    else:
        untestable("200 patches in one millisecond: the server's clock stands still")
    for orderby, at in (("updatedAt", -1), ("-updatedAt", 0)):
        items = stage.listed(f"{kind.path}?{only}&orderby={orderby}")
        _in_order(items, orderby, f"a list with orderby={orderby}")
        same(ids(items)[at], made[0].id, f"the entity at the end of orderby={orderby}")
        items = stage.listed(f"{kind.path}?{only}&orderby={orderby}&limit=2")
        same(ids(items)[at], made[0].id, f"the entity at the end of pages with orderby={orderby}")


@check("list.equal-keys", each=any_kind)
def equal_values_keep_their_places(stage: Stage, kind: Kind) -> None:
    """Entities equal in the order appear once over all pages, in the same order each time."""
    name = stage.name("equal")
    made = [stage.make(kind, name=name) for _ in range(5)]
    only = filters("id==" + ",".join(entity.id for entity in made))
    for orderby in ("name", "-state", "imsOrgId,name"):
        whole = ids(stage.listed(f"{kind.path}?{only}&orderby={orderby}"))
        same(sorted(whole), sorted(entity.id for entity in made), f"entities with orderby={orderby}")
        for limit in (2, 3):
            paged = ids(stage.listed(f"{kind.path}?{only}&orderby={orderby}&limit={limit}"))
            same(paged, whole, f"order in pages of {limit} with orderby={orderby}, all equal by it")


@check("list.count-beyond-a-page", each=any_kind)
def counts_have_no_end(stage: Stage, kind: Kind) -> None:
    """`count=true` also counts entities beyond one page, in a list and in a search."""
    many = kind.name == "targetConnections" and urlsplit(stage.settings.url).hostname in LOOPBACK
    made = [stage.make(kind) for _ in range(MAX_PAGE + 1 if many else 21)]
    texts = [f"createdAt>={stage.read(made[0])['createdAt']}", "id!=" + made[0].id]
    for chosen in (texts[:1], texts):
        for _ in range(3):
            before = _counts(stage, kind, chosen)
            found = ids(stage.listed(f"{kind.path}?limit={MAX_PAGE}&{filters(*chosen)}"))
            if before == _counts(stage, kind, chosen):
                break
        else:
            raise Broken("the count changed during each of three attempts to compare it with the list")
        for where, count in before.items():
            same(count, {"count": len(found)}, f"count of {len(found)} entities in a {where}")
        expect(len(found) >= len(made) - len(chosen) + 1, f"{len(found)} of {len(made)} entities are listed")


def _counts(stage: Stage, kind: Kind, texts: list[str]) -> dict[str, Any]:
    counts = {"list": succeeded(stage.call("GET", f"{kind.path}?count=true&{filters(*texts)}"))}
    if kind.searched:
        body = {"queryString": "&".join(f"property={text}" for text in texts), "count": True}
        counts["search"] = succeeded(stage.call("POST", f"{kind.path}/search", body))
    return counts


@check("list.search-several", each=lambda kind: kind.searched)
def a_search_takes_several_filters(stage: Stage, kind: Kind) -> None:
    """All filters must hold, in any order, and several members of `orderby` apply on every page."""
    made = _pairs(stage, kind)
    every = "id==" + ",".join(entity.id for entity in made)
    name = str(made[0].body["name"])
    target = f"{kind.path}/search"
    for texts, expected in (
        ((f"name=={name}", f"id=={made[0].id}"), 1),
        ((f"id=={made[0].id}", f"name=={name}"), 1),
        ((f"id=={made[-1].id}", f"name=={name}"), 0),
        ((every, f"name=={name}"), 2),
        ((every, f"name!={name}"), 2),
        ((every, f"name=={name}", f"id=={made[2].id}"), 1),
    ):
        query = "&".join(f"property={text}" for text in texts)
        body: dict[str, Any] = {"queryString": query}
        listed = stage.listed(f"{kind.path}?{filters(*texts)}")
        same(len(listed), expected, f"entities of a list with {' and '.join(texts)}")
        same(succeeded(stage.call("POST", target, body))["items"], listed, f"a search with {' and '.join(texts)}")
        counted = succeeded(stage.call("POST", target, {**body, "count": True}))
        same(counted, {"count": expected}, f"count of a search with {' and '.join(texts)}")
    for orderby in ("name,-createdAt", "-name,createdAt"):
        body = {"queryString": f"property={every}", "orderby": orderby}
        whole = succeeded(stage.call("POST", target, body))["items"]
        _in_order(whole, orderby, f"a search with orderby {orderby}")
        first = succeeded(stage.call("POST", target, {**body, "limit": 3}))
        same(first["items"], whole[:3], "the first page of a search in that order")
        query = "?" + str(first["_links"]["next"]["href"]).partition("?")[2]
        rest = succeeded(stage.call("POST", target + query, {**body, "limit": 3}))
        same(rest["items"], whole[3:], "the second page of a search in that order")


def _pairs(stage: Stage, kind: Kind) -> list[Made]:
    """Four entities with two names, alternating."""
    one, two = stage.name("a"), stage.name("b")
    return [stage.make(kind, name=name) for name in (one, two, one, two)]


def _in_order(items: list[dict[str, Any]], orderby: str, what: str) -> None:
    """Expect that each entity is in order relative to the one before it."""
    for before, after in pairwise(items):
        for key in orderby.split(","):
            member, down = key.lstrip("-"), key[0] == "-"
            first, second = (after, before) if down else (before, after)
            if first[member] != second[member]:
                expect(first[member] < second[member], f"{what}: {member} {before[member]!r}, then {after[member]!r}")
                break
