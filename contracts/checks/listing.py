"""Checks of lists: envelope, complete and stable pages, order, limit and count."""

from __future__ import annotations

import re
from typing import Any

from contracts.findings.verdicts import Broken, expect, same
from contracts.registry import any_kind, check, deleted, patched
from contracts.stage import Made, Stage, filters
from contracts.stage.expectations import (
    deletion,
    ids,
    names_are,
    ours,
    projected,
    receipt,
    refused,
    replacing,
    succeeded,
)
from contracts.stage.kinds import Kind

TOKEN = re.compile(r"/[A-Za-z]+\?continuationToken=[A-Za-z0-9_~.-]+")


@check("list.envelope", each=any_kind, writes=False)
def items_and_links(stage: Stage, kind: Kind) -> None:
    """A page has `items` and `_links`, which is empty on the last page."""
    *_, last = stage.pages(f"{kind.path}?limit=100")
    names_are(last.json, ("_links", "items"), "members of a page")
    same(last.json["_links"], {}, "_links of the last page")


@check("list.paging", each=any_kind)
def pages_are_everything_once(stage: Stage, kind: Kind) -> None:
    """Pages of every size have the same entities in the same order, each once."""
    pairs = [(stage.make(kind), stage.make(kind)) for _ in range(5)]
    made = [first for first, _ in pairs]  # entities of others must not be on a page
    only = filters("id==" + ",".join(entity.id for entity in made))
    whole = ids(stage.listed(f"{kind.path}?{only}"))
    same(sorted(whole), sorted(entity.id for entity in made), "entities of an unpaged list")
    for limit in (1, 2, 3, 5):
        pages = [ids(page.json["items"]) for page in stage.pages(f"{kind.path}?{only}&limit={limit}")]
        paged = [entity_id for page in pages for entity_id in page]
        same(paged, whole, f"entities in pages of {limit}")
        same([len(page) for page in pages[:-1]], [limit] * (len(pages) - 1), f"sizes of pages of {limit} but the last")
        expect(pages[-1] or len(pages) == 1, "the last page is empty")


@check("list.every-page-linked", each=any_kind)
def the_whole_list_is_reached(stage: Stage, kind: Kind) -> None:
    """Without a filter, each new entity is on one page, and no id is on two."""
    made = [stage.make(kind) for _ in range(3)]
    count = succeeded(stage.call("GET", f"{kind.path}?count=true"))["count"]
    limit = min(100, max(2, count // 20))  # several pages, but not hundreds
    found = ids(stage.listed(f"{kind.path}?limit={limit}"))
    expect(len(set(found)) == len(found), "an entity is on two pages")
    same(len(ours(found, made)), 3, "new entities found page by page")


@check("list.next-href", each=any_kind)
def the_link_is_what_clients_can_follow(stage: Stage, kind: Kind) -> None:
    """`next.href` is relative to the base path; the token is its only parameter and has no second `=`."""
    for _ in range(2):
        stage.make(kind)
    href = succeeded(stage.call("GET", f"{kind.path}?limit=1"))["_links"]["next"]["href"]
    expect(TOKEN.fullmatch(href), f"next.href is {href!r}, expected {kind.path}?continuationToken=… and nothing else")
    expect(href.startswith(f"{kind.path}?"), f"next.href leads to {href.partition('?')[0]}, expected {kind.path}")


@check("list.token-repeatable", each=any_kind)
def a_token_can_be_used_again(stage: Stage, kind: Kind) -> None:
    """Following a link twice returns the same page, also with the client's own parameters."""
    made = [stage.make(kind) for _ in range(4)]
    only = filters("id==" + ",".join(entity.id for entity in made))
    href = succeeded(stage.call("GET", f"{kind.path}?{only}&limit=2"))["_links"]["next"]["href"]
    first = succeeded(stage.call("GET", href))
    same(succeeded(stage.call("GET", href)), first, "the same page again")
    same(
        ids(succeeded(stage.call("GET", f"{href}&limit=2&{only}"))["items"]), ids(first["items"]), "with limit repeated"
    )


@check("list.token-foreign", each=any_kind, writes=False)
def a_token_that_is_not_the_servers_is_refused(stage: Stage, kind: Kind) -> None:
    """An invented, cut or empty token does not return the first page, which would loop a client."""
    for token in ("made-up", "abcdefghijkLMNOPqrstupWXKYZ", "1", ""):
        refused(stage.call("GET", f"{kind.path}?continuationToken={token}"), 400)


@check("list.while-writing", each=any_kind)
def others_may_write_meanwhile(stage: Stage, kind: Kind) -> None:
    """Entities created between two pages neither displace nor repeat others."""
    made = [stage.make(kind) for _ in range(4)]
    found: list[str] = []
    for number, page in enumerate(stage.pages(f"{kind.path}?limit=2")):
        found += ids(page.json["items"])
        if number < 2:
            stage.make(kind)
    same(sorted(ours(found, made)), sorted(entity.id for entity in made), "entities that were there at the beginning")


@check("list.while-deleting", each=deleted)
def others_may_delete_meanwhile(stage: Stage, kind: Kind) -> None:
    """Deleting an entity of an earlier page does not skip another one."""
    made = [stage.make(kind) for _ in range(5)]
    pages = stage.pages(f"{kind.path}?limit=2")
    found = ids(next(pages).json["items"])
    mine = ours(found, made)
    expect(mine, "the newest entities are not on the first page")
    deletion(stage.call("DELETE", f"{kind.path}/{mine[0]}"))
    for page in pages:
        found += ids(page.json["items"])
    same(sorted(ours(found, made)), sorted(entity.id for entity in made), "entities seen page by page")


@check("list.newest-first", each=patched)
def the_last_written_comes_first(stage: Stage, kind: Kind) -> None:
    """The default order is by last write, newest first."""
    made = [stage.make(kind) for _ in range(3)]
    only = filters("id==" + ",".join(entity.id for entity in made))
    listed = ids(stage.listed(f"{kind.path}?{only}"))
    same(listed, [entity.id for entity in reversed(made)], "order after creation")
    receipt(stage.patch(made[0], replacing("description", "touched")))
    listed = ids(stage.listed(f"{kind.path}?{only}"))
    same(listed, [made[0].id, made[2].id, made[1].id], "order after a write to the oldest")


@check("list.orderby", each=any_kind)
def sorted_as_asked(stage: Stage, kind: Kind) -> None:
    """`orderby` sorts ascending, or by `+` and `-`, encoded or as a space, also over pages."""
    made = [stage.make(kind, name=stage.name(letter)) for letter in ("b", "a", "c")]
    ascending = [entity.id for entity in sorted(made, key=lambda entity: str(entity.body["name"]))]
    only = filters("id==" + ",".join(entity.id for entity in made))
    for orderby, expected in (
        ("name", ascending),
        ("%2Bname", ascending),
        ("+name", ascending),
        ("-name", ascending[::-1]),
        ("-name,createdAt", ascending[::-1]),
        ("createdAt,name", None),
    ):
        for limit in ("", "&limit=2"):
            listed = ids(stage.listed(f"{kind.path}?{only}&orderby={orderby}{limit}"))
            if expected is None:
                same(sorted(listed), sorted(ascending), f"entities with orderby={orderby}")
            else:
                same(listed, expected, f"order with orderby={orderby}{limit}")


@check("list.orderby-wrong", each=any_kind, writes=False)
def a_wrong_order_is_refused(stage: Stage, kind: Kind) -> None:
    """An unknown sign gets 1432, an unknown member 1433."""
    refused(stage.call("GET", f"{kind.path}?orderby=*name"), 400, "1432-400")
    refused(stage.call("GET", f"{kind.path}?orderby=colour"), 400, "1433-400")
    refused(stage.call("GET", f"{kind.path}?orderby=name:desc"), 400, "1433-400")


@check("list.limit", each=any_kind)
def limit_is_kept(stage: Stage, kind: Kind) -> None:
    """A page has at most the requested number of entities, and never more than 100."""
    for _ in range(3):
        stage.make(kind)
    for limit, most in ((1, 1), (2, 2), (100, 100), (5000, 100)):
        answer = stage.call("GET", f"{kind.path}?limit={limit}")
        if limit <= 100 or answer.status == 200:
            count = len(succeeded(answer)["items"])
            expect(1 <= count <= most, f"{count} entities with limit={limit}")


@check("list.limit-wrong", each=any_kind, writes=False)
def a_wrong_limit_is_refused(stage: Stage, kind: Kind) -> None:
    """Zero, negative numbers and other text are refused."""
    for limit in ("0", "-1", "many", "1.5"):
        refused(stage.call("GET", f"{kind.path}?limit={limit}"), 400)


@check("list.count", each=any_kind)
def count_is_the_number_of_items(stage: Stage, kind: Kind) -> None:
    """`count=true` returns only `{"count": n}`, the number of entities in the list."""
    made, _ = [stage.make(kind) for _ in range(3)], stage.make(kind)
    only = filters("id==" + ",".join(entity.id for entity in made))
    same(succeeded(stage.call("GET", f"{kind.path}?count=true&{only}")), {"count": 3}, "count with a filter")
    same(succeeded(stage.call("GET", f"{kind.path}?count=True&{only}")), {"count": 3}, "count=True")
    for _ in range(3):
        before = succeeded(stage.call("GET", f"{kind.path}?count=true"))
        items = stage.listed(f"{kind.path}?limit=100")
        if before == succeeded(stage.call("GET", f"{kind.path}?count=true")):
            same(before, {"count": len(items)}, "count of the whole list")
            return
    raise Broken("the count changed during each of three attempts to compare it with the list")


@check("list.count-with-limit", each=any_kind, writes=False)
def count_does_not_go_with_limit(stage: Stage, kind: Kind) -> None:
    """`count=true` with limit gets 1401; `count=False`, as public clients send it, is accepted."""
    refused(stage.call("GET", f"{kind.path}?count=true&limit=1"), 400, "1401-400")
    for word in ("false", "False"):
        expect(
            "items" in succeeded(stage.call("GET", f"{kind.path}?count={word}&limit=1")), f"no items with count={word}"
        )


@check("list.unknown-parameters", each=any_kind, writes=False)
def unknown_parameters_are_tolerated(stage: Stage, kind: Kind) -> None:
    """Unknown query parameters are accepted, since public clients send them."""
    succeeded(stage.call("GET", f"{kind.path}?limit=1&start=0&colour=blue"))


@check("list.same-as-lookup", each=any_kind)
def a_list_shows_what_a_lookup_shows(stage: Stage, kind: Kind) -> None:
    """Lists show entities like look-ups, member by member, for several different entities."""
    made = [stage.make(kind, **_own_members(stage, kind, number)) for number in range(3)]
    if kind.patched:
        _patch_as_another(stage, made[1])
    text = "id==" + ",".join(entity.id for entity in made)
    listed = {item.get("id"): item for item in stage.listed(f"{kind.path}?{filters(text)}")}
    same(len(listed), len(made), "number of entities in a list")
    for entity in [*made, *made]:
        item = stage.read(entity)
        same(listed.get(entity.id), item, "an entity in a list")
        for member in ("params", "scheduleParams", "transformations", "sourceConnectionIds", "baseConnectionId"):
            same(item.get(member), entity.body.get(member), f"{member} as it was sent")
    if kind.searched:
        found = succeeded(stage.call("POST", f"{kind.path}/search", {"queryString": f"property={text}"}))["items"]
        same({item.get("id"): item for item in found}, listed, "entities of a search")


def _own_members(stage: Stage, kind: Kind, number: int) -> dict[str, Any]:
    """Members that differ between entities of a kind."""
    own: dict[str, Any] = {"description": f"number {number}"}
    body = stage.body(kind)
    if kind.name == "sourceConnections":
        own |= {"baseConnectionId": stage.make("connections").id, "params": {**body["params"], "own": {"n": number}}}
    elif kind.name == "targetConnections":
        own["params"] = {**body["params"], "own": {"n": number}}
    elif kind.name == "flows":
        first, *others = body["transformations"]
        own["sourceConnectionIds"] = [stage.make("sourceConnections").id]
        own["targetConnectionIds"] = [stage.make("targetConnections").id]
        delta = {"name": "created_at", "dateFormat": "YYYY-MM-DD", "timezone": "UTC"}
        copy = {"name": "Copy", "params": {"deltaColumn": delta}}
        mapping = {**first, "params": {**first["params"], "mappingVersion": str(number)}}
        own["transformations"] = [copy, mapping, *others]
        intervals = {"frequency": "minute", "interval": str(15 * (number + 1)), "backfill": "true"}
        own["scheduleParams"] = {**body["scheduleParams"], **intervals}
    return own


def _patch_as_another(stage: Stage, made: Made) -> None:
    """Patch the name with another API key if the suite may invent one."""
    key = {} if "x-api-key" in stage.settings.given else {"x-api-key": "contract-suite-2"}
    receipt(stage.patch(made, replacing("name", stage.name("renamed")), **key))


@check("list.projection", each=any_kind)
def only_the_members_asked_for(stage: Stage, kind: Kind) -> None:
    """`property=id,name` returns only these members, on every page and in a search."""
    made = [stage.make(kind, name=stage.name(letter)) for letter in "ab"]
    expected = [{"id": entity.id, "name": entity.body["name"]} for entity in made]
    only, whole = "id==" + ",".join(entity.id for entity in made), stage.read(made[0])
    for limit in ("", "&limit=1"):
        listed = stage.listed(f"{kind.path}?property=id,name&{filters(only)}&orderby=name{limit}")
        projected(listed, expected, whole, f"entities of which two members were asked for{limit}")
    if kind.searched:
        body = {"queryString": f"property=id,name&property={only}", "orderby": "name"}
        found = succeeded(stage.call("POST", f"{kind.path}/search", body))["items"]
        projected(found, expected, whole, "entities of which a search asked for two members")


@check("list.search", each=lambda kind: kind.searched)
def search_is_the_same_list(stage: Stage, kind: Kind) -> None:
    """A search supports filters, order, limit, count and pages like the list."""
    made, _ = [stage.make(kind) for _ in range(3)], stage.make(kind)
    only = "id==" + ",".join(entity.id for entity in made)
    target = f"{kind.path}/search"
    listed = stage.listed(f"{kind.path}?{filters(only)}&orderby=name")
    body: dict[str, Any] = {"queryString": f"property={only}", "orderby": "name"}
    same(succeeded(stage.call("POST", target, body))["items"], listed, "entities found by a search")
    same(succeeded(stage.call("POST", target, {**body, "count": True})), {"count": 3}, "count of a search")
    same(ids(_searched(stage, target, {**body, "limit": 1}, made)), ids(listed), "entities of a paged search")


def _searched(stage: Stage, target: str, body: dict[str, Any], made: list[Made]) -> list[dict[str, Any]]:
    """All pages of a search: the same body, with the token of the previous page in the query."""
    found: list[dict[str, Any]] = []
    query = ""
    for _ in range(len(made) + 1):
        page = succeeded(stage.call("POST", target + query, body))
        found += page["items"]
        href = page["_links"].get("next", {}).get("href")
        if not href:
            return found
        query = "?" + href.partition("?")[2]
    raise Broken("a search did not end after as many pages as there are entities")
