"""Faults in one member of a response: dropped, cut, trimmed, rounded, swapped, stale, of another entity, and so on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.broken.wrapping import Asked, GivenAnswer, Right
from contracts.mutants import promises
from contracts.mutants.mutant import Mutant, unharmful
from contracts.mutants.session import Run, Said, Session, operation_of
from contracts.schema.document import Document

Path = tuple[str, ...]
DROPPED = object()
DEPTH = 3
"""Maximum depth, without arrays. Deeper content belongs to the client or the connector."""

CLIENTS_OWN = ("own", "extra", "properties")
"""Members with free content of the client: the fault concerns the whole value."""

PREVIEW = ("getByConnectionId", "data")
"""Operation and member with the rows of a preview. The source defines them: the fault concerns all rows."""
ANY_ID = "{}"
"""The step to every member that is named by an id."""
_BY_ID = re.compile("[0-9a-f]{24}|[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_LIST, _LOOKUP, _SEARCH = "list", "lookup", "search"


def _text(change: Callable[[str], str]) -> Callable[[Any], Any]:
    return lambda value: change(value) if isinstance(value, str) else value


def _number(change: Callable[[int], Any]) -> Callable[[Any], Any]:
    return lambda value: change(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _deep(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The change of a value and of everything inside it."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            members = {name: changed(inner) for name, inner in value.items()}
            return members if any(members[name] is not inner for name, inner in value.items()) else value
        if isinstance(value, list):
            return _items(value, changed)
        return change(value)

    return changed


def _items(value: list[Any], change: Callable[[Any], Any]) -> list[Any]:
    """The list with each item changed; the list itself if none changes."""
    items = [change(inner) for inner in value]
    return items if any(new is not old for new, old in zip(items, value, strict=True)) else value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict) and None in value.values():
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return value


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_empty(inner) for name, inner in value.items() if inner not in ("", [], {})}
    return DROPPED if value in ("", [], {}) else value


def _emptied(value: Any) -> Any:
    return type(value)() if isinstance(value, list | dict) else value


ALONE: Mapping[str, Callable[[Any], Any]] = {
    "dropped": lambda value: DROPPED,
    "nulled": lambda value: None if isinstance(value, int) else value,
    "emptied": _emptied,
    "truncated": _text(lambda text: text[:-1]),
    "cut at 255": _text(lambda text: text[:255]),
    "trimmed": _deep(_text(str.strip)),
    "composed": _deep(_text(lambda text: unicodedata.normalize("NFC", text))),
    "in lower case": _text(str.lower),
    "rounded to seconds": _number(lambda number: number // 1000 * 1000),
    "through a double": _deep(_number(lambda number: int(float(number)))),
    "as text": _number(str),
    "reversed": lambda value: value[::-1] if isinstance(value, list) else value,
    "without nulls": _without_nulls,
    "without empty values": _without_empty,
}
"""Faults that need only the value."""

SPEC_LIES = ("dropped", "nulled", "truncated", "reversed")
PHASED = ("dropped", "truncated")
"""Faults that are also applied only to entities that were written again, and only to others."""


UNWRITTEN = ("connectionSpecs", "flowSpecs", "runs")
"""Collections whose entities clients cannot change."""
LASTING = (
    "createdAt",
    "createdBy",
    "createdClient",
    "imsOrgId",
    "sandboxId",
    "sandboxName",
    "connectionSpec",
    "flowSpec",
    "baseConnectionId",
    "sourceConnectionIds",
    "targetConnectionIds",
    "inheritedAttributes",
    "flowId",
    "typeInfo",
    "providerRefId",
    "runs",
    "options",
)
"""Members that writes do not change."""


@dataclass(slots=True)
class _SeenValues:
    """The values of one member at one operation."""

    values: list[Any] = field(default_factory=list)
    varies: bool = False
    """Whether one check saw several values."""


def mutants(session: Session) -> Iterator[Mutant]:
    """Every fault in every member that was seen."""
    for operation in session.operations:
        collection, view = _view(session, operation)
        found = _samples(session, operation)
        for path, sample in found.items():
            broken = promises.NEXT_DOOR if session.next_door(operation) else _promises(collection, view, path)
            names = SPEC_LIES if collection.endswith("Specs") else tuple(ALONE)
            for lie in names:
                if lie == "reversed" and path == ("items",) and collection.endswith("Specs"):
                    yield unharmful(_name(operation, path, lie), "specs have no promised order")
                elif any(_differs(ALONE[lie](value), value) for value in sample.values):
                    yield _alone(session.document, operation, path, lie, broken)
                    if lie in PHASED and view and collection not in UNWRITTEN and path[0] == "items" and len(path) == 3:
                        yield _phased(session.document, operation, path, lie, broken, written=True)
            if view and collection not in ("connectionSpecs", "flowSpecs") and path[:2] == ("items", "[]"):
                yield from _from_elsewhere(session, operation, path, sample, found, broken)


def _view(session: Session, operation: str) -> tuple[str, str]:
    """The collection and its view; an empty view if no entities are shown."""
    row = next(o for o in (*session.document.operations, *session.document.neighbours) if o.id == operation)
    steps = row.path.strip("/").split("/")
    collection = steps[0]
    if row.method == "GET" and len(steps) == 1:
        return collection, _LIST
    if row.method == "POST" and steps[-1] == "search":
        return collection, _SEARCH
    return collection, _LOOKUP if row.method == "GET" and len(steps) == 2 and "servers" not in steps else ""


def _promises(collection: str, view: str, path: Path) -> tuple[str, ...]:
    if view and (path[0] != "items" or len(path) == 1):
        whole = ("answer.schema", "list.*", "filter.*", "delete.*", "tenant.*", "spec.*", "journey.*", "run.*")
        return (*whole, *promises.of_member(collection, path))
    if view:
        return promises.of_member(collection, path)
    explored = (*promises.EXPLORED, "explore.configs")
    return (*promises.RECEIPTS, *explored, "answer.*", "spec.*", "tenant.*", "run.*")


def _samples(session: Session, operation: str) -> dict[Path, _SeenValues]:
    """Path -> the values seen there."""
    found: dict[Path, _SeenValues] = {}
    first: dict[tuple[Run, Path], str] = {}
    for exchange in session.of(operation):
        if exchange.given.done:
            for path, value in _walk(exchange.given.json, (), DEPTH):
                if (operation, path[0]) == PREVIEW and len(path) > 1:
                    continue
                sample, text = found.setdefault(path, _SeenValues()), repr(value)
                sample.varies = sample.varies or first.setdefault((exchange.run, path), text) != text
                if len(sample.values) < 400 and value not in sample.values[-3:]:
                    sample.values.append(value)
    return found


def _walk(value: Any, path: Path, depth: int) -> Iterator[tuple[Path, Any]]:
    if path and path[-1] not in ("[]", ANY_ID):
        yield path, value
    if depth == 0 or (path and path[-1] in CLIENTS_OWN):
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(inner, (*path, ANY_ID if _BY_ID.fullmatch(name) else name), depth - 1)
    elif isinstance(value, list):
        for inner in value[:5]:
            yield from _walk(inner, (*path, "[]"), depth)


def edited(value: Any, path: Path, change: Callable[[Any, Any], Any], holder: Any = None) -> Any:
    """A copy with a change at every place of a path, or the value itself if nothing changes.

    The change gets the value and its entity.
    """
    if not path:
        changed = change(value, holder)
        return changed if _differs(changed, value) else value
    step, rest = path[0], path[1:]
    if step == "[]":
        if not isinstance(value, list):
            return value
        inside = isinstance(holder, dict) and "id" in holder
        return _items(value, lambda inner: edited(inner, rest, change, holder if inside else inner))
    if not isinstance(value, dict):
        return value
    names = [name for name in value if _BY_ID.fullmatch(name)] if step == ANY_ID else [step] if step in value else []
    for name in names:
        inner = edited(value[name], rest, change, holder if holder is not None else value)
        if inner is DROPPED:
            value = {key: kept for key, kept in value.items() if key != name}
        elif inner is not value[name]:
            value = {**value, name: inner}
    return value


def _name(operation: str, path: Path, lie: str) -> str:
    shown = "/".join(path).replace("/[]", "[]")
    return f"{operation} /{shown}: {lie}"


def _editing(given: GivenAnswer, path: Path, change: Callable[[Any, Any], Any]) -> GivenAnswer:
    """The response with a change at every place of a path, or the response itself if nothing changes."""
    body = given.json
    changed = edited(body, path, change)
    return given if changed is body else given.saying(changed)


def _differs(one: Any, two: Any) -> bool:
    """Whether two values differ, also in type."""
    return one is not two and (one is DROPPED or repr(one) != repr(two))


def _alone(document: Document, operation: str, path: Path, lie: str, broken: tuple[str, ...]) -> Mutant:
    change = ALONE[lie]

    def tell(asked: Asked, given: GivenAnswer) -> GivenAnswer:
        return _editing(given, path, lambda value, _: change(value)) if given.done else given

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        return tell(asked, given) if operation_of(document, asked) == operation else given

    def touches(exchange: Said) -> bool:
        return exchange.operation == operation and tell(exchange.asked, exchange.given) != exchange.given

    return Mutant(_name(operation, path, lie), fault, broken, touches)


def _phased(
    document: Document, operation: str, path: Path, lie: str, broken: tuple[str, ...], *, written: bool
) -> Mutant:
    """Applied only to entities that were patched or acted on."""
    change = ALONE[lie]

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        if given.done and (asked.patches or asked.acts) and len(asked.parts) > 1:
            right.memory[asked.parts[1]] = True
        if operation_of(document, asked) != operation or not given.done:
            return given

        def changed(value: Any, entity: Any) -> Any:
            known = isinstance(entity, dict) and entity.get("id") in right.memory
            return change(value) if known == written else value

        return _editing(given, path, changed)

    def touches(exchange: Said) -> bool:
        return exchange.operation == operation and exchange.given.done

    return Mutant(_name(operation, path, f"{lie} after a later write"), fault, broken, touches)


def _from_elsewhere(
    session: Session,
    operation: str,
    path: Path,
    sample: _SeenValues,
    found: Mapping[Path, _SeenValues],
    broken: tuple[str, ...],
) -> Iterator[Mutant]:
    """A stale value, that of another entity, and that of the neighbour in the list."""
    if sample.varies and path[-1] != "id" and path[0] == "items":
        if path[2] in LASTING:
            yield unharmful(_name(operation, path, "stale"), "no write changes the member")
        else:
            yield _remembered(session, operation, path, "stale", broken)
        yield _remembered(session, operation, path, "of another entity", broken)
    kind = type(sample.values[0])
    beside = [
        other
        for other, values in found.items()
        if other[:-1] == path[:-1]
        and other != path
        and type(values.values[0]) is kind
        and isinstance(values.values[0], str | int)
    ]
    swapped = [_swapped(session.document, operation, path, other, broken) for other in beside[:1]]
    yield from (mutant for mutant in swapped if any(map(mutant.touches, session.of(operation))))


def _remembered(session: Session, operation: str, path: Path, lie: str, broken: tuple[str, ...]) -> Mutant:
    """The entity's first value, or the value of the entity seen before."""
    document, repeating = session.document, session.repeating(operation)

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        if operation_of(document, asked) != operation or not given.done:
            return given

        def changed(value: Any, entity: Any) -> Any:
            own = str(entity.get("id")) if isinstance(entity, dict) else ""
            if lie == "stale":
                return right.memory.setdefault(own, value)
            last_id, last = right.memory.get("last", (own, value))
            right.memory["last"] = (own, value)
            return value if last_id == own else last

        return _editing(given, path, changed)

    def touches(exchange: Said) -> bool:
        return exchange.operation == operation and exchange.run in repeating

    return Mutant(_name(operation, path, lie), fault, broken, touches)


def _swapped(document: Document, operation: str, path: Path, other: Path, broken: tuple[str, ...]) -> Mutant:
    """The value of the neighbouring member."""
    name = other[-1]

    def tell(asked: Asked, given: GivenAnswer) -> GivenAnswer:
        def beside(holder: Any, _: Any) -> Any:
            if isinstance(holder, dict) and name in holder and path[-1] in holder:
                return {**holder, path[-1]: holder[name]}
            return holder

        return _editing(given, path[:-1], beside) if given.done else given

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        return tell(asked, given) if operation_of(document, asked) == operation else given

    def touches(exchange: Said) -> bool:
        return exchange.operation == operation and tell(exchange.asked, exchange.given) != exchange.given

    return Mutant(_name(operation, path, f"the value of {name}"), fault, broken, touches)
