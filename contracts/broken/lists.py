"""Faulty servers with incomplete, unordered or wrongly linked lists."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from contracts.broken import Asked, GivenAnswer, Right, broken
from contracts.stage.ledger import ORDER

TOKEN = "continuationToken"


def _next(given: GivenAnswer) -> str:
    body = given.json
    links: Any = body.get("_links") if isinstance(body, dict) else None
    following = links.get("next") if isinstance(links, dict) else None
    return str(following.get("href", "")) if isinstance(following, dict) else ""


def _linking(given: GivenAnswer, href: str) -> GivenAnswer:
    return given.telling(_links={"next": {"href": href}}) if _next(given) else given


@broken("list.different-entities", kinds=["connections", "sourceConnections", "targetConnections", "flows"])
def the_first_entity_lends_its_spec(asked: Asked, right: Right) -> GivenAnswer:
    """All items of a list show the spec of the first one."""
    given = right(asked)
    items = given.items
    specs = {name: items[0][name] for name in ("connectionSpec", "flowSpec") if items and name in items[0]}
    return given.telling(items=[{**item, **specs} for item in items]) if asked.lists and len(items) > 1 else given


@broken("list.envelope", kinds=["connections", "flows"])
def last_page_without_links(asked: Asked, right: Right) -> GivenAnswer:
    """Omits `_links` on the last page."""
    given = right(asked)
    body = given.json
    if asked.lists and isinstance(body, dict) and body.get("_links") == {}:
        return given.saying({"items": body["items"]})
    return given


@broken("list.envelope create.listed answer.schema", by_way_of="list.envelope")
def list_without_envelope(asked: Asked, right: Right) -> GivenAnswer:
    """A list is an array."""
    given = right(asked)
    return given.saying(given.items) if asked.lists and given.done and "items" in given.json else given


@broken("list.paging list.every-page-linked", kinds=["connections", "flows"])
def page_skips(asked: Asked, right: Right) -> GivenAnswer:
    """Each further page lacks its first entity."""
    given = right(asked)
    return given.telling(items=given.items[1:]) if asked.parameter(TOKEN) and given.items else given


@broken("list.paging list.every-page-linked list.pages-apart")
def page_repeats(asked: Asked, right: Right) -> GivenAnswer:
    """Each page begins with the last entity of the previous one."""
    given = right(asked)
    if asked.lists and given.items:
        before = right.memory.get("last")
        right.memory["last"] = given.items[-1]
        if asked.parameter(TOKEN) and before:
            return given.telling(items=[before, *given.items])
    return given


@broken("list.paging")
def pages_in_another_order(asked: Asked, right: Right) -> GivenAnswer:
    """Each page is sorted separately."""
    given = right(asked)
    return given.telling(items=given.items[::-1]) if asked.lists and given.items else given


@broken("list.paging")
def last_page_is_empty(asked: Asked, right: Right) -> GivenAnswer:
    """Links to an empty last page."""
    given = right(asked)
    if asked.parameter(TOKEN) == "end":
        return right(asked.instead("GET", asked.path, query="property=name==nobody"))
    ours = asked.kind in ORDER and asked.lists and bool(given.items)
    if ours and not _next(given) and asked.parameter("limit") != "100":
        return given.telling(_links={"next": {"href": f"/{asked.kind}?{TOKEN}=end"}})
    return given


@broken("list.paging list.every-page-linked journey.page-like-aepp")
def token_ignored(asked: Asked, right: Right) -> GivenAnswer:
    """Every page is the first one."""
    if asked.parameter(TOKEN) and "first" in right.memory:
        return right(replace(asked, query=right.memory["first"]))
    right.memory["first"] = asked.query
    return right(asked)


@broken("list.every-page-linked list.paging journey.page-like-aepp", kinds=["connections", "targetConnections"])
def one_page_is_all(asked: Asked, right: Right) -> GivenAnswer:
    """Ends after the first page."""
    given = right(asked)
    return given.telling(_links={}) if _next(given) else given


@broken("list.every-page-linked")
def hides_pages_of_others(asked: Asked, right: Right) -> GivenAnswer:
    """A list without conditions ends after its first page."""
    given = right(asked)
    plain = asked.lists and not asked.filters and not asked.parameter(TOKEN)
    return given.telling(_links={}) if plain and given.items else given


@broken("list.next-href journey.page-like-aepp list.token-repeatable")
def next_link_absolute(asked: Asked, right: Right) -> GivenAnswer:
    """The link begins with scheme and host."""
    given = right(asked)
    return _linking(given, f"http://127.0.0.1/data/foundation/flowservice{_next(given)}")


@broken("list.next-href")
def next_link_with_limit(asked: Asked, right: Right) -> GivenAnswer:
    """The link has a second parameter."""
    given = right(asked)
    return _linking(given, f"{_next(given)}&limit={asked.parameter('limit') or 20}")


@broken("list.next-href journey.page-like-aepp")
def token_padded(asked: Asked, right: Right) -> GivenAnswer:
    """Tokens are padded Base64, whose `=` public clients cut off."""
    token = asked.parameter(TOKEN)
    if token:
        try:
            plain = base64.b64decode(token, validate=True).decode()
        except ValueError:
            plain = "made-up"
        asked = asked.asking([*asked.not_asking(TOKEN).parameters, (TOKEN, plain)])
    given = right(asked)
    path, _, token = _next(given).partition(f"?{TOKEN}=")
    padded = base64.b64encode(token.ljust(len(token) // 3 * 3 + 4).encode()).decode()
    return _linking(given, f"{path}?{TOKEN}={padded}")


@broken("list.next-href")
def next_link_to_another_path(asked: Asked, right: Right) -> GivenAnswer:
    """The link leads to an internal path."""
    given = right(asked)
    return _linking(given, f"/entities{_next(given)}")


@broken("list.token-repeatable", kinds=["connections", "flows"])
def token_used_once(asked: Asked, right: Right) -> GivenAnswer:
    """A token can be used only once."""
    used = right.memory.setdefault("used", set())
    token = asked.parameter(TOKEN)
    if token and token in used:
        return right(asked.asking([(TOKEN, "used")]))
    used.add(token)
    return right(asked)


@broken("list.token-foreign")
def foreign_token_is_the_first_page(asked: Asked, right: Right) -> GivenAnswer:
    """An unknown token returns the first page."""
    given = right(asked)
    return right(asked.not_asking(TOKEN)) if given.status == 400 and asked.parameter(TOKEN) is not None else given


@broken("list.while-writing list.while-deleting", kinds=["connections", "sourceConnections"])
def pages_by_offset(asked: Asked, right: Right) -> GivenAnswer:
    """A token is an offset, so a write in between shifts all pages."""
    token = asked.parameter(TOKEN)
    known = token is None or token in right.memory
    if not asked.lists or asked.kind.endswith("Specs") or asked.parameter("count") or not known:
        return right(asked)
    given = right(asked if token is None else asked.instead("GET", asked.path))
    if not given.done:
        return given
    seen, limit, query = 0, int(asked.parameter("limit") or 20), asked.not_asking("limit", TOKEN).query
    if token:
        seen, limit, query = right.memory[token]
    every = right.everything(asked, query)
    given = given.telling(items=every[seen : seen + limit], _links={})
    if seen + limit < len(every):
        token = f"offset{len(right.memory)}"
        right.memory[token] = (seen + limit, limit, query)
        return given.telling(_links={"next": {"href": f"{asked.path}?{TOKEN}={token}"}})
    return given


@broken("list.newest-first journey.page-like-aepp")
def oldest_first(asked: Asked, right: Right) -> GivenAnswer:
    """By default the oldest entity comes first."""
    plain = asked.lists and asked.parameter("orderby") is None and asked.parameter(TOKEN) is None
    counted = (asked.parameter("count") or "").lower() == "true"
    return right(asked.asking([*asked.parameters, ("orderby", "createdAt")]) if plain and not counted else asked)


@broken("list.newest-first", kinds=["targetConnections"])
def writes_move_nothing_up(asked: Asked, right: Right) -> GivenAnswer:
    """The default order is by creation, not by last write."""
    plain = asked.lists and asked.parameter("orderby") is None and asked.filters
    return right(asked.asking([*asked.parameters, ("orderby", "-createdAt")]) if plain else asked)


@broken("list.orderby list.orderby-wrong list.keeps-order", kinds=["connections", "flows"])
def orderby_ignored(asked: Asked, right: Right) -> GivenAnswer:
    """Ignores orderby."""
    return right(asked.not_asking("orderby") if asked.kind in (*ORDER, "runs") else asked)


@broken("list.orderby", kinds=["sourceConnections"])
def orderby_reversed(asked: Asked, right: Right) -> GivenAnswer:
    """Ascending is descending."""
    order = asked.parameter("orderby")
    if order is None or asked.kind not in ORDER or order.lstrip(" +-") not in ("name", "createdAt", "updatedAt"):
        return right(asked)
    turned = order[1:] if order[0] == "-" else f"-{order.lstrip(' +')}"
    return right(asked.asking([*asked.not_asking("orderby").parameters, ("orderby", turned)]))


@broken("list.orderby-wrong secret.not-sortable")
def wrong_orders_ignored(asked: Asked, right: Right) -> GivenAnswer:
    """Ignores an invalid order."""
    given = right(asked)
    return right(asked.not_asking("orderby")) if given.code in ("1432-400", "1433-400") else given


@broken("list.limit list.keeps-limit", kinds=["connections", "flows"])
def limit_ignored(asked: Asked, right: Right) -> GivenAnswer:
    """Ignores limit."""
    return right(asked.not_asking("limit") if asked.lists and asked.parameter("count") is None else asked)


@broken("list.limit-wrong")
def wrong_limits_ignored(asked: Asked, right: Right) -> GivenAnswer:
    """Replaces an invalid limit by the default."""
    limit = asked.parameter("limit")
    return right(asked.not_asking("limit") if limit and not limit.strip("0").isdigit() else asked)


@broken("list.count filter.counted delete.count list.whole", kinds=["connections", "flows"])
def count_off_by_one(asked: Asked, right: Right) -> GivenAnswer:
    """Counts one too many."""
    given = right(asked)
    body = given.json
    return given.telling(count=body["count"] + 1) if isinstance(body, dict) and set(body) == {"count"} else given


@broken("list.count filter.counted tenant.list", kinds=["targetConnections"])
def count_ignores_filters(asked: Asked, right: Right) -> GivenAnswer:
    """A count ignores filters."""
    return right(asked.filtering() if (asked.parameter("count") or "").lower() == "true" else asked)


@broken("list.count")
def count_beside_the_items(asked: Asked, right: Right) -> GivenAnswer:
    """`count=true` returns a list with a count."""
    given = right(asked)
    body = given.json
    if asked.lists and isinstance(body, dict) and "count" in body:
        return given.saying({**body, "items": [], "_links": {}})
    return given


@broken("list.count-with-limit")
def count_with_limit(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts count with limit."""
    return right(asked.not_asking("limit") if asked.parameter("count") == "true" else asked)


@broken("list.count-with-limit journey.page-like-aepp")
def any_count_is_true(asked: Asked, right: Right) -> GivenAnswer:
    """Treats count=False as true."""
    if asked.lists and asked.parameter("count"):
        return right(asked.asking([*asked.not_asking("count").parameters, ("count", "true")]))
    return right(asked)


@broken("list.same-as-lookup", kinds=["connections", "flows"])
def lists_are_summaries(asked: Asked, right: Right) -> GivenAnswer:
    """A list shows fewer members than a look-up."""
    given = right(asked)
    heavy = ("auth", "inheritedAttributes")
    return given.showing(lambda i: {name: i[name] for name in i if name not in heavy}) if asked.lists else given


@broken("list.projection")
def projection_ignored(asked: Asked, right: Right) -> GivenAnswer:
    """Shows all members, whichever were requested."""
    kept = [pair for pair in asked.parameters if pair[0] != "property" or pair[1] in asked.filters]
    return right(asked.asking(kept))


@broken("list.search", kinds=["connections", "flows"])
def search_finds_everything(asked: Asked, right: Right) -> GivenAnswer:
    """A search ignores its conditions."""
    if asked.parts[-1:] == ["search"]:
        return right(asked.sending({name: asked.object[name] for name in asked.object if name != "queryString"}))
    return right(asked)


@broken("list.search")
def search_on_one_page(asked: Asked, right: Right) -> GivenAnswer:
    """A search ends after its first page."""
    given = right(asked)
    return given.telling(_links={}) if asked.parts[-1:] == ["search"] and _next(given) else given
