"""Faults in the server's work: writes lost, duplicated, late, partial; lists out of order, counts capped."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from contracts.broken.wrapping import Asked, GivenAnswer, Item, Right
from contracts.mutants import promises
from contracts.mutants.mutant import Mutant, unharmful
from contracts.mutants.session import Said, Session, operation_of
from contracts.schema.document import Document

Lie = Callable[[Asked, Right], GivenAnswer]


def mutants(session: Session) -> Iterator[Mutant]:
    """Every fault in every write, list and count of the session."""
    document = session.document
    for operation in session.operations:
        exchanges = [exchange for exchange in session.of(operation) if exchange.given.done]
        asked = exchanges[0].asked if exchanges else None
        if asked is None:
            continue
        if session.next_door(operation):
            if asked.method == "DELETE":
                yield _undeleted(document, operation, exchanges[0].given)
            continue
        if asked.creates and asked.kind in ("connections", "sourceConnections", "targetConnections", "flows", "runs"):
            yield from _told(document, operation, "create", RUN_CREATIONS if asked.kind == "runs" else CREATIONS)
        elif asked.patches:
            yield from _told(document, operation, "patch", PATCHES)
            yield from _told(document, operation, "patch", STAMPS)
        elif asked.method == "DELETE":
            yield from _told(document, operation, "delete", DELETIONS)
        elif asked.acts:
            yield from _told(document, operation, "action", ACTIONS)
        if any(exchange.given.items for exchange in exchanges) and (asked.lists or asked.path.endswith("/search")):
            yield from _lists(document, operation, asked)
        if any(isinstance(exchange.given.json, dict) and "count" in exchange.given.json for exchange in exchanges):
            yield from (_capped(document, operation, most) for most in (1, 2, 20, 100))


def _undeleted(document: Document, operation: str, given: GivenAnswer) -> Mutant:
    """A neighbouring service acknowledges a deletion and keeps the entity."""
    numbers = itertools.count()

    def lie(asked: Asked, right: Right) -> GivenAnswer:
        one = asked.having(accept="application/vnd.adobe.xed+json; version=1")  # as the schema registry requires
        there = right(replace(one, method="GET", body=b"")).done
        return given.having("x-request-id", f"undeleted-{next(numbers)}") if there else right(asked)

    return _mutant(document, operation, f"{operation}: not done", promises.NEXT_DOOR, lie)


def _told(document: Document, operation: str, write: str, lies: Mapping[str, Lie]) -> Iterator[Mutant]:
    for name, lie in lies.items():
        yield _mutant(document, operation, f"{operation}: {name}", promises.WRITES[write], lie)


def _mutant(document: Document, operation: str, name: str, breaks: tuple[str, ...], lie: Lie) -> Mutant:
    """A fault in the requests of one operation; postponed work is done at the next request."""

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        if operation_of(document, asked) == operation:
            return lie(asked, right)
        answered = right(asked)
        for later in right.memory.pop("later", ()):
            right(later)
        return _restamped(asked, answered, right)

    def touches(exchange: Said) -> bool:
        return exchange.operation == operation and exchange.given.done

    return Mutant(name, fault, breaks, touches)


def _lost(asked: Asked, right: Right) -> GivenAnswer:
    """Done, visible in the response, and undone before the next request."""
    given = right(asked)
    if given.done and given.receipt:
        right(asked.instead("DELETE", f"/{asked.kind}/{given.receipt['id']}"))
    return given


def _twice(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return right(asked) if given.done else given


def _twice_silently(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    if given.done:
        right(asked)
    return given


def _late(asked: Asked, right: Right) -> GivenAnswer:
    """The response comes at once; the work is done after the next request."""
    shadow = right.entity(asked)
    if not shadow:
        return right(asked)
    right.memory.setdefault("later", []).append(asked)
    etag = str(shadow.get("etag"))[:-6] + 'ffff"'
    status = 204 if asked.method == "DELETE" else 200
    body = GivenAnswer.without_body(status)
    return body if status == 204 else body.saying({"id": shadow["id"], "etag": etag}).having("ETag", etag)


def _without_description(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked.sending({k: v for k, v in asked.object.items() if k != "description"}))


def _only(steps: slice) -> Lie:
    """Some of the instructions of a patch."""

    def lie(asked: Asked, right: Right) -> GivenAnswer:
        several = len(asked.instructions) > 1 and isinstance(asked.json, list)
        return right(asked.sending(asked.json[steps]) if several else asked)

    return lie


def _without_writing(asked: Asked, right: Right) -> GivenAnswer:
    """The receipt of a write that is not done, with the old etag."""
    entity = right.entity(asked)
    given = right(asked.sending([])) if not entity else None
    if given is not None or asked.headers.get("if-match") != entity.get("etag"):
        return given or right(asked)
    shown = GivenAnswer.without_body(200)
    return shown.saying({"id": entity["id"], "etag": entity["etag"]}).having("ETag", entity["etag"])


def _whatever_etag(asked: Asked, right: Right) -> GivenAnswer:
    entity = right.entity(asked)
    return right(asked.having(if_match=str(entity["etag"])) if entity and "if-match" in asked.headers else asked)


def _keeping(*members: str) -> Lie:
    """Members that the write does not update, in every view."""

    def lie(asked: Asked, right: Right) -> GivenAnswer:
        before = right.entity(asked)
        given = right(asked)
        if given.done and before:
            kept = right.memory.setdefault("kept", {}).setdefault(before["id"], {})
            kept.update({name: kept.get(name, before.get(name)) for name in members})
        return given

    return lie


def _restamped(asked: Asked, given: GivenAnswer, right: Right) -> GivenAnswer:
    kept: dict[str, Item] = right.memory.get("kept", {})
    if not kept or not given.items:
        return given
    return given.showing(lambda item: {**item, **kept.get(str(item.get("id")), {})})


CREATIONS: Mapping[str, Lie] = {
    "lost": _lost,
    "done twice, the first one told": _twice_silently,
    "done twice, the second one told": _twice,
    "without its description": _without_description,
}
RUN_CREATIONS: Mapping[str, Lie] = {name: lie for name, lie in CREATIONS.items() if name.startswith("done twice")}
PATCHES: Mapping[str, Lie] = {
    "not done": _without_writing,
    "late": _late,
    "the first instruction only": _only(slice(0, 1)),
    "the last instruction only": _only(slice(-1, None)),
    "all but the last instruction": _only(slice(0, -1)),
    "instructions in turn": _only(slice(None, None, -1)),
    "whatever the etag": _whatever_etag,
}
STAMPS: Mapping[str, Lie] = {
    f"{' and '.join(names)} not advanced": _keeping(*names)
    for names in (
        ("updatedAt",),
        ("updatedBy",),
        ("updatedClient",),
        ("etag",),
        ("version",),
        ("etag", "version"),
        ("updatedBy", "updatedClient"),
    )
}
DELETIONS: Mapping[str, Lie] = {
    "not done": lambda asked, right: _done(asked, right) if right.entity(asked) else right(asked),
    "late": _late,
}
ACTIONS: Mapping[str, Lie] = {
    "not done": lambda asked, right: (
        _without_writing(asked.having(if_match=str(right.entity(asked).get("etag"))), right)
        if asked.parameter("op")
        else right(asked)
    ),
    "late": _late,
}


def _done(asked: Asked, right: Right) -> GivenAnswer:
    return GivenAnswer.without_body(204)


def _lists(document: Document, operation: str, asked: Asked) -> Iterator[Mutant]:
    promised = ("list.*", "spec.*", "run.*", "filter.*", "path.*")
    for name, change in ORDERS.items():
        if asked.kind.endswith("Specs") and name in UNORDERED:
            yield unharmful(f"{operation}: {name}", "specs have no promised order")
        else:
            yield _listing(document, operation, name, promised, change)
    turning = "items in another order on each look"
    if operation == "searchFlowSpecs":
        yield unharmful(f"{operation}: {turning}", "specs have no promised order")
    else:
        yield _listing(document, operation, turning, ("*",), None)


def _listing(
    document: Document,
    operation: str,
    name: str,
    breaks: tuple[str, ...],
    change: Callable[[list[Any]], list[Any]] | None,
) -> Mutant:
    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        if operation_of(document, asked) != operation or not given.items:
            return given
        if change is not None:
            return given.telling(items=change(given.json["items"]))
        right.memory["looks"] = right.memory.get("looks", 0) + 1
        turn = right.memory["looks"] % len(given.items)
        return given.telling(items=[*given.json["items"][turn:], *given.json["items"][:turn]])

    def touches(exchange: Said) -> bool:
        if exchange.operation != operation:
            return False
        return len(exchange.given.items) > 1 or (bool(exchange.given.items) and "twice" in name)

    return Mutant(f"{operation}: {name}", fault, breaks, touches)


ORDERS: Mapping[str, Callable[[list[Any]], list[Any]]] = {
    "items in reverse": lambda items: items[::-1],
    "the first two items changed": lambda items: [*items[1:2], *items[:1], *items[2:]],
    "the last two items changed": lambda items: [*items[:-2], *items[-1:], *items[-2:-1]],
    "items by id": lambda items: sorted(items, key=lambda item: str(item.get("id"))),
    "without the last item": lambda items: items[:-1],
    "without the first item": lambda items: items[1:],
    "the last item twice": lambda items: [*items, items[-1]],
    "equal names by id": lambda items: sorted(items, key=lambda item: (str(item.get("name")), str(item.get("id")))),
}


UNORDERED = (
    "items in reverse",
    "the first two items changed",
    "the last two items changed",
    "items by id",
    "equal names by id",
)


def _capped(document: Document, operation: str, most: int) -> Mutant:
    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        count = given.json.get("count") if isinstance(given.json, dict) else None
        if operation_of(document, asked) != operation or not isinstance(count, int) or "items" in given.json:
            return given
        return given.telling(count=min(count, most))

    def touches(exchange: Said) -> bool:
        body = exchange.given.json
        return exchange.operation == operation and isinstance(body, dict) and "count" in body

    return Mutant(f"{operation} count: at most {most}", fault, promises.PARAMETERS["count"], touches)
