"""Faulty servers that are correct in each request and wrong across requests: caches, lost states, rows of others."""

from __future__ import annotations

import itertools
import re
from typing import Any

from contracts.broken import Asked, GivenAnswer, Item, Right, broken

_NUMBERS = itertools.count()


def _again(given: GivenAnswer) -> GivenAnswer:
    """A cached response, sent again."""
    return given.having("x-request-id", f"stored-{next(_NUMBERS)}")


def _cached(asked: Asked, right: Right) -> GivenAnswer:
    """The response that the same request got before, unless it is refused now."""
    if not (given := right(asked)).done:
        return given
    stored = right.memory.setdefault("stored", {})
    key = (asked.method, asked.path, asked.query, asked.body, asked.headers.get("x-sandbox-name"))
    return _again(stored.setdefault(key, given))


@broken("list.fresh", kinds=["targetConnections"])
def caches_lists_across_patches(asked: Asked, right: Right) -> GivenAnswer:
    """Caches a list until an entity is created or deleted."""
    if asked.lists and asked.kind != "runs":
        return _cached(asked, right)
    if asked.creates or asked.method == "DELETE":
        right.memory.clear()
    return right(asked)


@broken("list.fresh")
def caches_counts_until_a_deletion(asked: Asked, right: Right) -> GivenAnswer:
    """Caches a count until an entity is deleted."""
    if asked.lists and asked.parameter("count") == "true":
        return _cached(asked, right)
    if asked.method == "DELETE":
        right.memory.clear()
    return right(asked)


@broken("list.fresh", kinds=["flows"])
def searches_one_write_behind(asked: Asked, right: Right) -> GivenAnswer:
    """A repeated search shows the state before the last action."""
    if asked.path.endswith("/search"):
        return _cached(asked, right)
    if asked.method in ("PATCH", "DELETE") or asked.creates:
        right.memory.clear()
    return right(asked)


@broken("list.every-state")
def lists_lack_the_disabled(asked: Asked, right: Right) -> GivenAnswer:
    """A list without a filter on states omits disabled entities."""
    given = right(asked)
    if not asked.lists or not given.items or any(text.startswith("state") for text in asked.filters):
        return given
    return given.telling(items=[item for item in given.items if item.get("state") != "disabled"])


@broken("list.every-state", kinds=["flows"])
def counts_lack_drafts(asked: Asked, right: Right) -> GivenAnswer:
    """A count omits drafts."""
    return right(
        asked.asking([*asked.parameters, ("property", "state!=draft")])
        if asked.lists and asked.parameter("count") == "true"
        else asked
    )


@broken("action.stamps", kinds=["flows"])
def does_not_stamp_actions(asked: Asked, right: Right) -> GivenAnswer:
    """After an action, updatedClient names the former writer."""
    entity = right.entity(asked) if asked.acts and len(asked.parts) > 1 else {}
    given = right(asked)
    if given.done and entity:
        right.memory[entity["id"]] = entity.get("updatedClient")

    def shown(item: Item) -> Item:
        stamp = {"updatedClient": right.memory.get(str(item.get("id")), item.get("updatedClient"))}
        return {**item, **stamp} if "updatedClient" in item else item

    return given.showing(shown)


@broken("action.stamps")
def publishing_loses_the_description(asked: Asked, right: Right) -> GivenAnswer:
    """A published draft loses its description."""
    given = right(asked)
    if asked.acts and given.done:
        right.memory[asked.parts[1]] = True
    kept = given.showing(lambda item: {n: v for n, v in item.items() if n != "description" or not _known(item, right)})
    return kept if given.items else given


def _known(item: Item, right: Right) -> bool:
    return item.get("id") in right.memory


@broken("list.orderby-updated", kinds=["flows"])
def orders_updates_by_creation(asked: Asked, right: Right) -> GivenAnswer:
    """Ordering by updatedAt orders by createdAt."""
    pairs = [(n, v.replace("updatedAt", "createdAt") if n == "orderby" else v) for n, v in asked.parameters]
    return right(asked.asking(pairs) if asked.parameter("orderby") else asked)


@broken("list.projection", kinds=["flows"])
def searches_show_all_members(asked: Asked, right: Right) -> GivenAnswer:
    """A search ignores the requested members."""
    query = asked.object.get("queryString")
    if not asked.path.endswith("/search") or not isinstance(query, str):
        return right(asked)
    kept = [part for part in query.split("&") if set(part.partition("=")[2]) & set("=<>!")]
    return right(asked.sending({**asked.object, "queryString": "&".join(kept)}))


@broken("tenant.search", kinds=["flows"])
def searches_all_sandboxes(asked: Asked, right: Right) -> GivenAnswer:
    """A search also finds entities of the other sandbox."""
    given = right(asked)
    if not asked.path.endswith("/search") or not given.done or "items" not in given.json:
        return given
    others = [right(asked.having(x_sandbox_name=name)).items for name in ("prod", "contract-suite-other")]
    return given.telling(items=max(others, key=len))


@broken("tenant.organisation")
def organisations_share_sandboxes(asked: Asked, right: Right) -> GivenAnswer:
    """Sandboxes of the same name are shared by all organisations."""
    own = right.memory.setdefault("organisation", asked.headers.get("x-gw-ims-org-id", ""))
    return right(asked.having(x_gw_ims_org_id=own) if asked.kind == "connections" and len(asked.parts) > 1 else asked)


@broken("delete.below entity.gone")
def tests_what_is_deleted(asked: Asked, right: Right) -> GivenAnswer:
    """The test of a deleted connection responds as before."""
    given, key = right(asked), (asked.path, asked.headers.get("x-sandbox-name"))
    if asked.parts[-1:] != ["test"] or not (given.done or given.code == "1439-404"):
        return given
    tested = right.memory.setdefault("tested", {})
    tested |= {key: given} if given.done else {}
    return given if given.done or key not in tested else _again(tested[key])


@broken("delete.only-that", kinds=["targetConnections"])
def deletes_by_name(asked: Asked, right: Right) -> GivenAnswer:
    """A deletion deletes all entities of the same name."""
    name = right.entity(asked).get("name") if asked.method == "DELETE" else None
    given = right(asked)
    if name is not None and given.done:
        for item in right.everything(asked.instead("GET", f"/{asked.kind}")):
            if item.get("name") == name:
                right(asked.instead("DELETE", f"/{asked.kind}/{item['id']}"))
    return given


@broken("delete.gone", kinds=["flows"])
def searches_find_the_deleted(asked: Asked, right: Right) -> GivenAnswer:
    """A search still finds deleted entities."""
    lost: list[Item] = right.memory.setdefault("lost", [])
    if asked.method == "DELETE":
        lost.append(right.entity(asked))
    given = right(asked)
    if not asked.path.endswith("/search") or not given.done or "items" not in given.json:
        return given
    found = [item for item in lost if str(item.get("id")) in str(asked.object.get("queryString"))]
    return given.telling(items=[*given.items, *found])


@broken("if-match.weak")
def takes_weak_etags(asked: Asked, right: Right) -> GivenAnswer:
    """Ignores W/ before an etag."""
    etag = asked.headers.get("if-match", "")
    return right(asked.having(if_match=etag.removeprefix("W/")) if etag else asked)


@broken("patch.inside-content", kinds=["targetConnections"])
def reads_no_escapes_in_pointers(asked: Asked, right: Right) -> GivenAnswer:
    """Treats ~1 in a pointer as a slash between steps."""
    if not asked.patches or not any("~1" in str(step.get("path")) for step in asked.instructions):
        return right(asked)
    return right(
        asked.sending([{**step, "path": str(step.get("path")).replace("~1", "/")} for step in asked.instructions])
    )


@broken("patch.inside-content", kinds=["sourceConnections"])
def merges_objects_that_replace(asked: Asked, right: Right) -> GivenAnswer:
    """Replacing an object keeps members that the new one lacks."""
    if not asked.patches or len(asked.instructions) != 1:
        return right(asked)
    step = asked.instructions[0]
    found: Any = right.entity(asked)
    for name in str(step.get("path")).strip("/").split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    if step.get("op") == "replace" and isinstance(step.get("value"), dict) and isinstance(found, dict):
        return right(asked.sending([{**step, "value": {**found, **step["value"]}}]))
    return right(asked)


@broken("patch.inside-content", kinds=["flows"])
def null_removes(asked: Asked, right: Right) -> GivenAnswer:
    """Replacing by null removes the member."""
    steps = [
        {"op": "remove", "path": step.get("path")}
        if step.get("value", 0) is None and step.get("op") == "replace"
        else step
        for step in asked.instructions
    ]
    return right(asked.sending(steps) if asked.patches and steps != asked.instructions else asked)


@broken("filter.documented-members", kinds=["sourceConnections"])
def ignores_filters_by_base(asked: Asked, right: Right) -> GivenAnswer:
    """Ignores a filter on baseConnectionId."""
    return right(without_filters(asked, r"baseConnectionId"))


@broken("filter.documented-members")
def ignores_filters_by_spec(asked: Asked, right: Right) -> GivenAnswer:
    """Ignores a filter on connectionSpec.id."""
    return right(without_filters(asked, r"connectionSpec\."))


@broken("filter.several-values")
def obeys_two_values(asked: Asked, right: Right) -> GivenAnswer:
    """Ignores the last of three values of a filter."""

    def cut(text: str) -> str:
        return ",".join(text.split(",")[:2]) if text.startswith("name") else text

    return right(asked.asking([(n, cut(v) if n == "property" else v) for n, v in asked.parameters]))


@broken("filter.several-values", kinds=["flows"])
def obeys_two_filters(asked: Asked, right: Right) -> GivenAnswer:
    """Ignores the last of three filters."""
    return right(asked.filtering(*asked.filters[:2]) if asked.lists else asked)


@broken("filter.exact-text")
def filters_by_letters_that_look_alike(asked: Asked, right: Right) -> GivenAnswer:
    """A filter ignores spaces at the ends of names."""
    given = right(asked)
    name = re.fullmatch(r'name=="(.*)"', asked.filters[0]) if asked.lists and asked.filters else None
    if name is None or given.items:
        return given
    found = [i for i in right.everything(asked.instead("GET", f"/{asked.kind}")) if _alike(i.get("name"), name[1])]
    return given.telling(items=found) if given.done and "items" in given.json else given


def _alike(one: Any, two: str) -> bool:
    return isinstance(one, str) and " ".join(one.split()) == " ".join(two.split())


def without_filters(asked: Asked, pattern: str) -> Asked:
    """The list without filters on members with this prefix."""
    return asked.filtering(*(text for text in asked.filters if not re.match(pattern, text))) if asked.lists else asked
