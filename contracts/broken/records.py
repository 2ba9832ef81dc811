"""Faulty servers that lose, keep or change data."""

from __future__ import annotations

import html
from dataclasses import replace

from contracts.broken import Asked, GivenAnswer, Item, Right, broken


@broken("create.listed create.kept lookup.wrapped")
def lost_post(asked: Asked, right: Right) -> GivenAnswer:
    """Acknowledges a creation and loses it."""
    given = right(asked)
    if asked.creates and given.receipt:
        right(asked.instead("DELETE", f"{asked.path}/{given.receipt['id']}"))
    return given


@broken("create.listed tenant.same-names", kinds=["targetConnections"])
def new_entities_are_not_listed(asked: Asked, right: Right) -> GivenAnswer:
    """Lists use an index that lacks new entities."""
    if asked.creates:
        right.memory.setdefault("known", {item["id"] for item in right.everything(asked)})
    given = right(asked)
    if asked.lists and given.items and "known" in right.memory:
        return given.telling(items=[item for item in given.items if item["id"] in right.memory["known"]])
    return given


@broken("delete.gone delete.count entity.gone")
def phantom_after_delete(asked: Asked, right: Right) -> GivenAnswer:
    """Acknowledges a deletion and keeps the entity."""
    if asked.method == "DELETE" and len(asked.parts) == 2 and right.entity(asked):
        return GivenAnswer.without_body(204)
    return right(asked)


@broken("delete.gone delete.count", kinds=["sourceConnections"])
def deleted_but_still_listed(asked: Asked, right: Right) -> GivenAnswer:
    """Lists and counts still contain deleted entities."""
    gone = right.memory.setdefault("gone", set())
    if asked.method == "DELETE" and len(asked.parts) == 2 and asked.parts[1] not in gone and right.entity(asked):
        gone.add(asked.parts[1])
        return GivenAnswer.without_body(204)
    if not asked.lists and gone & set(asked.parts):
        return right(replace(asked, path=asked.path.replace(asked.parts[1], "00000000-0000-4000-8000-000000000000")))
    return right(asked)


@broken("delete.only-that")
def deletion_takes_the_next(asked: Asked, right: Right) -> GivenAnswer:
    """A deletion also deletes a neighbouring entity."""
    if asked.method == "DELETE" and len(asked.parts) == 2 and right.entity(asked):
        ids = [item["id"] for item in right.everything(asked)]
        after = ids[ids.index(asked.parts[1]) :][1:2]
        for neighbour in after:
            right(asked.instead("DELETE", f"/{asked.kind}/{neighbour}"))
    return right(asked)


@broken("lookup.unknown delete.gone explore.unknown-connection entity.gone")
def unknown_is_empty(asked: Asked, right: Right) -> GivenAnswer:
    """An unknown id is an empty list."""
    given = right(asked)
    return given.saying({"items": []}, 200) if asked.method == "GET" and given.code == "1439-404" else given


@broken("lookup.wrapped answer.schema", by_way_of="lookup.wrapped")
def lookup_unwrapped(asked: Asked, right: Right) -> GivenAnswer:
    """A look-up returns the bare entity."""
    given = right(asked)
    return given.saying(given.items[0]) if asked.looks_up and given.items else given


@broken("lookup.wrapped answer.schema", by_way_of="lookup.wrapped")
def lookup_wrapped_twice(asked: Asked, right: Right) -> GivenAnswer:
    """A look-up returns a list of lists."""
    given = right(asked)
    return given.saying({"items": [{"items": given.items}]}) if asked.looks_up and given.items else given


@broken("lookup.wrapped")
def lookup_with_links(asked: Asked, right: Right) -> GivenAnswer:
    """A look-up returns the envelope of a list."""
    given = right(asked)
    return given.telling(_links={}) if asked.looks_up and given.items else given


@broken("create.kept list.same-as-lookup", kinds=["connections", "flows"])
def drops_description(asked: Asked, right: Right) -> GivenAnswer:
    """A look-up omits the description."""
    given = right(asked)
    return given.showing(lambda item: _without(item, "description")) if asked.looks_up else given


@broken("create.description-optional")
def makes_up_descriptions(asked: Asked, right: Right) -> GivenAnswer:
    """Invents descriptions."""
    return right(asked).showing(lambda item: {"description": "No description", **item})


@broken("create.unicode")
def trims_names(asked: Asked, right: Right) -> GivenAnswer:
    """Removes white space and quotes from names."""
    return right(asked).showing(lambda item: {**item, "name": str(item.get("name")).replace("\t", " ")})


@broken("create.unicode")
def escapes_names(asked: Asked, right: Right) -> GivenAnswer:
    """Escapes names for HTML before storing them."""
    return right(asked).showing(lambda item: {**item, "name": html.escape(str(item.get("name")))})


@broken("create.unicode")
def names_in_ascii(asked: Asked, right: Right) -> GivenAnswer:
    """Stores names in ASCII."""
    return right(asked).showing(
        lambda item: {**item, "name": str(item.get("name")).encode("ascii", "replace").decode()}
    )


@broken("create.kept")
def lower_cases_values(asked: Asked, right: Right) -> GivenAnswer:
    """Stores values of params in lower case."""

    def change(item: Item) -> Item:
        auth = item.get("auth") or {}
        return {**item, "auth": {**auth, "specName": auth["specName"].lower()}} if "specName" in auth else item

    return right(asked).showing(change)


@broken("create.kept", kinds=["sourceConnections", "targetConnections"])
def drops_params(asked: Asked, right: Right) -> GivenAnswer:
    """Loses the params of source and target connections."""
    return right(asked).showing(lambda item: {**item, **({"params": {}} if "params" in item else {})})


@broken("create.stamped")
def shows_another_organisation(asked: Asked, right: Right) -> GivenAnswer:
    """Shows the operator's organisation as owner."""
    return right(asked).showing(lambda item: {**item, **({"imsOrgId": "operator@AdobeOrg"} if "etag" in item else {})})


@broken("create.stamped")
def new_entities_were_never_updated(asked: Asked, right: Right) -> GivenAnswer:
    """`updatedAt` is 0 until the first write."""

    def change(item: Item) -> Item:
        seen = right.memory.setdefault(str(item.get("id")), item.get("etag"))
        return {**item, "updatedAt": 0} if "etag" in item and seen == item["etag"] else item

    return right(asked).showing(change)


@broken("create.stamps-not-taken")
def takes_stamps_from_the_client(asked: Asked, right: Right) -> GivenAnswer:
    """Stores createdAt and owner as sent."""
    given = right(asked)
    if asked.creates and given.receipt:
        sent = {name: value for name, value in asked.object.items() if name in ("createdAt", "imsOrgId")}
        right.memory[given.receipt["id"]] = sent
    return given.showing(lambda item: {**item, **right.memory.get(str(item.get("id")), {})})


@broken("create.enabled")
def new_connections_initialize(asked: Asked, right: Right) -> GivenAnswer:
    """A new connection stays `initializing`."""
    given = right(asked)
    new = asked.kind == "connections"
    return given.showing(lambda i: {**i, "state": "initializing"} if new and i.get("state") == "enabled" else i)


@broken("entity.asked-for list.different-entities")
def looks_up_the_entity_before(asked: Asked, right: Right) -> GivenAnswer:
    """A look-up shows the entity that was looked up before, if it is still there."""
    given = right(asked)
    if not asked.looks_up or not given.done or asked.kind != "connections":
        return given
    before = right.memory.get("before", asked.path)
    right.memory["before"] = asked.path
    other = right(asked.instead("GET", before))
    return other if other.done else given


@broken("entity.as-written patch.replaces patch.params-as-a-whole")
def patches_change_nothing(asked: Asked, right: Right) -> GivenAnswer:
    """A patch is checked and acknowledged with a new etag, and changes nothing else."""
    if not asked.patches or not (before := right.entity(asked)):
        return right(asked)
    given = right(asked)
    if not given.receipt:
        return given
    kept = {"description": "", **before}
    names = [name for name in ("name", "description", "state", "auth") if name in kept]
    back = [{"op": "add", "path": f"/{name}", "value": kept[name]} for name in names]
    restored = right(asked.having(if_match=given.receipt["etag"]).sending(back))
    return restored if restored.done else given


@broken("lookup.idempotent etag.stable-on-read")
def reading_writes(asked: Asked, right: Right) -> GivenAnswer:
    """Each look-up creates a new etag."""
    if asked.looks_up and (found := right.entity(asked)):
        touch = [{"op": "add", "path": "/description", "value": found.get("description", "")}]
        right(asked.instead("PATCH", asked.path, touch).having(if_match=found["etag"]))
    return right(asked)


@broken("time.milliseconds")
def times_in_seconds(asked: Asked, right: Right) -> GivenAnswer:
    """Times are in seconds."""
    return right(asked).showing(lambda item: {**item, **{n: item[n] // 1000 for n in _TIMES if n in item}})


@broken("time.milliseconds answer.schema", by_way_of="time.milliseconds")
def times_as_text(asked: Asked, right: Right) -> GivenAnswer:
    """Times are texts."""
    return right(asked).showing(lambda item: {**item, **{n: f"{item[n]}" for n in _TIMES if n in item}})


@broken("time.update-moves")
def updates_leave_no_time(asked: Asked, right: Right) -> GivenAnswer:
    """`updatedAt` stays at the creation."""
    return right(asked).showing(lambda item: {**item, "updatedAt": item["createdAt"]} if "createdAt" in item else item)


@broken("time.order patch.replaces")
def updates_move_the_creation(asked: Asked, right: Right) -> GivenAnswer:
    """`createdAt` is the time of the last write."""

    def change(item: Item) -> Item:
        first = right.memory.setdefault(str(item.get("id")), item.get("etag"))
        written = "updatedAt" in item and first != item.get("etag")
        return {**item, "createdAt": item["updatedAt"] + 1} if written else item

    return right(asked).showing(change)


@broken("time.created-first create.stamped", by_way_of="lookup.wrapped")
def creates_in_the_future(asked: Asked, right: Right) -> GivenAnswer:
    """`createdAt` is ten years ahead."""
    ten_years = 10 * 365 * 86_400_000
    return right(asked).showing(
        lambda item: {**item, "createdAt": item["createdAt"] + ten_years} if "createdAt" in item else item
    )


def _without(item: Item, name: str) -> Item:
    return {member: value for member, value in item.items() if member != name}


_TIMES = ("createdAt", "updatedAt")
