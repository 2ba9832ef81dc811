"""Faulty servers whose etags lock too little or too much."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

from contracts.broken import Asked, GivenAnswer, Item, Right, broken
from contracts.stage.ledger import ORDER


def _with_current(asked: Asked, right: Right) -> GivenAnswer:
    """The response to a patch with the current etag."""
    found = right.entity(asked)
    return right(asked.having(if_match=found["etag"]) if found else asked)


def _renamed(asked: Asked, right: Right, name: Callable[[Item], str]) -> GivenAnswer:
    """The response of a server whose etags are derived by `name` from the correct server's entity."""
    found = right.entity(asked) if asked.patches or asked.acts else {}
    if found and "if-match" in asked.headers:
        current = asked.headers["if-match"] == name(found)
        asked = asked.having(if_match=found["etag"] if current else '"stale"')
    given = right(asked)
    if found and given.code == "1404-412":
        raw, shown = (json.dumps(etag.strip('"'))[1:-1].encode() for etag in (found["etag"], name(found)))
        return replace(given, body=given.body.replace(raw, shown))
    if given.receipt and given.done:
        found = right.entity(asked.instead("GET", f"/{asked.kind}/{given.receipt['id']}"))
        etag = name(found) if found else given.receipt["etag"]
        return given.telling(etag=etag).having("ETag", etag)
    if given.items and asked.kind in ORDER and all("etag" in item for item in given.items):
        given = given.showing(lambda item: {**item, "etag": name(item), "version": name(item)})
        return given.having("ETag", given.items[0]["etag"]) if given.header("etag") else given
    return given


@broken(
    "if-match.stale etag.a-b-a if-match.foreign if-match.concurrent if-match.unquoted if-match.compared"
    " journey.change-credentials"
)
def ignores_if_match(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts any etag as the current one."""
    return _with_current(asked, right) if asked.patches and asked.headers.get("if-match") else right(asked)


@broken("if-match.missing if-match.in-query")
def needs_no_if_match(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts patches without If-Match."""
    return _with_current(asked, right) if asked.patches and "if-match" not in asked.headers else right(asked)


@broken("if-match.in-query")
def finds_if_match_in_the_query(asked: Asked, right: Right) -> GivenAnswer:
    """Also accepts an etag from the query."""
    etag = asked.parameter("if-match")
    return _with_current(asked.not_asking("if-match"), right) if asked.patches and etag else right(asked)


@broken("if-match.foreign", kinds=["targetConnections"])
def takes_any_etag_it_made(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts the current etag of another entity."""
    if asked.patches and asked.headers.get("if-match") in [item.get("etag", "") for item in right.everything(asked)]:
        return _with_current(asked, right)
    return right(asked)


@broken("if-match.stale if-match.concurrent", kinds=["connections", "flows"])
def reads_etags_from_a_lagging_copy(asked: Asked, right: Right) -> GivenAnswer:
    """Compares with the etag before the last write."""
    if asked.patches and (found := right.entity(asked)):
        if asked.headers.get("if-match") == right.memory.get(found["id"], "none"):
            asked = asked.having(if_match=found["etag"])
        given = right(asked)
        if given.done:
            right.memory[found["id"]] = found["etag"]
        return given
    return right(asked)


@broken("if-match.unquoted", quirk={"unquoted-etag": "accept"})
def takes_etags_without_quotes(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts an etag without its quotes."""
    return right(asked)


@broken("if-match.stale")
def names_no_version(asked: Asked, right: Right) -> GivenAnswer:
    """A refused patch does not name the current version."""
    given = right(asked)
    if given.code == "1404-412":
        text = given.json["title"]
        report = {**given.json["report"], "detailed-message": text, "entity": ""}
        return given.telling(report=report, errorMessage=text, errorDetails=text)
    return given


@broken("etag.quoted etag.shape", by_way_of="etag.quoted")
def unquoted_etag(asked: Asked, right: Right) -> GivenAnswer:
    """Shows etags without their quotes."""
    given = right(asked)
    return given.telling(etag=given.receipt["etag"].strip('"')) if given.receipt else given


@broken("etag.shape etag.quoted", by_way_of="etag.one-value")
def weak_etags(asked: Asked, right: Right) -> GivenAnswer:
    """Etags begin with W/."""
    return _renamed(asked, right, lambda item: f"W/{item['etag']}")


@broken("etag.a-b-a etag.never-repeated etag.changes-on-write", by_way_of="etag.a-b-a")
def etag_of_the_content(asked: Asked, right: Right) -> GivenAnswer:
    """An etag is a digest of the content, so it returns with the content."""

    def digest(item: Item) -> str:
        content = {name: item.get(name) for name in ("id", "name", "description", "auth", "state")}
        made = f"{item.get('createdAt', 0) // 1000:08x}"
        return _etag(hashlib.sha256(json.dumps(content).encode()).hexdigest(), made)

    return _renamed(asked, right, digest)


@broken("etag.never-repeated if-match.foreign", by_way_of="etag.not-shared")
def etag_counts_writes(asked: Asked, right: Right) -> GivenAnswer:
    """An etag is the number of writes, so all new entities have the same."""

    def number(item: Item) -> str:
        seen = right.memory.setdefault(item["id"], [])
        if item["etag"] not in seen:
            seen.append(item["etag"])
        return _etag(f"{len(seen):032x}")

    return _renamed(asked, right, number)


@broken("time.etag-second", by_way_of="lookup.wrapped")
def etag_without_a_time(asked: Asked, right: Right) -> GivenAnswer:
    """Etags are completely random."""
    return _renamed(asked, right, lambda item: _etag(hashlib.sha256(item["etag"].encode()).hexdigest(), "00000000"))


@broken("etag.changes-on-write etag.never-repeated", by_way_of="etag.changes-on-write")
def keeps_etag_on_write(asked: Asked, right: Right) -> GivenAnswer:
    """Returns the sent etag from a patch."""
    given = right(asked)
    return given.telling(etag=asked.headers["if-match"]) if asked.patches and given.receipt else given


@broken("etag.changes-on-write")
def writes_the_same_without_an_etag(asked: Asked, right: Right) -> GivenAnswer:
    """A patch that changes nothing keeps the etag."""
    if asked.patches and (found := right.entity(asked)) and found["etag"] == asked.headers.get("if-match"):
        same = [step for step in asked.instructions if found.get(str(step.get("path"))[1:], 0) == step.get("value", 1)]
        if same and same == asked.instructions:
            return right(asked.instead("GET", asked.path)).saying({"id": found["id"], "etag": found["etag"]})
    return right(asked)


@broken("etag.one-value etag.unchanged journey.change-credentials", kinds=["connections", "flows"])
def lookup_has_an_etag_of_its_own(asked: Asked, right: Right) -> GivenAnswer:
    """The etag of a look-up differs from the receipt's."""

    def another(item: Item) -> Item:
        etag = item.get("etag", "")
        return {**item, "etag": _etag(etag.replace('"', "").replace("-", "")[::-1])} if etag else item

    return right(asked).showing(another) if asked.looks_up else right(asked)


@broken("etag.one-value")
def version_is_a_number(asked: Asked, right: Right) -> GivenAnswer:
    """`version` is not the etag."""
    return right(asked).showing(lambda item: {**item, "version": '"1"'} if {"etag", "version"} <= item.keys() else item)


@broken("etag.one-value answer.documented-headers", by_way_of="etag.one-value")
def no_etag_header(asked: Asked, right: Right) -> GivenAnswer:
    """Etags are only in bodies."""
    return right(asked).having("etag", None)


@broken("etag.one-value list.same-as-lookup")
def lists_without_etags(asked: Asked, right: Right) -> GivenAnswer:
    """A list omits etags."""
    given = right(asked)
    if asked.lists:
        return given.showing(lambda item: {name: item[name] for name in item if name != "etag"})
    return given


@broken("etag.not-shared", kinds=["sourceConnections"])
def one_version_for_all(asked: Asked, right: Right) -> GivenAnswer:
    """A write to one entity changes the etags of its whole collection."""
    given = right(asked)
    if asked.patches and given.done:
        for item in right.everything(asked):
            if item["id"] != asked.parts[1]:
                step = [{"op": "add", "path": "/description", "value": item.get("description", "")}]
                path = f"/{asked.kind}/{item['id']}"
                right(asked.instead("PATCH", path, step).having(if_match=item["etag"]))
    return given


def _etag(digits: str, last: str = "") -> str:
    """32 digits in the form of an etag."""
    return f'"{digits[:8]}-0000-{digits[12:16]}-0000-{last or digits[24:32]}0000"'
