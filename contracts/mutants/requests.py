"""Faults in reading a request: a parameter ignored, partly applied, on the first page only, read in another case."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from contracts.broken.wrapping import Asked, GivenAnswer, Right
from contracts.mutants import promises
from contracts.mutants.mutant import Mutant, unharmful
from contracts.mutants.session import Said, Session, operation_of
from contracts.schema.document import Document

Pairs = list[tuple[str, str]]
SIGNS = ("==", "!=", "<=", ">=", "<", ">", "=")


UPPER = "in upper case"


def _dropped(values: list[str]) -> list[str]:
    return []


def _longer(text: str, by: int) -> str:
    return str(int(text) + by) if text.isdigit() else text


ANY: Mapping[str, Callable[[list[str]], list[str]]] = {
    "ignored": _dropped,
    "its first value only": lambda values: values[:1],
    "its last value only": lambda values: values[-1:],
    UPPER: lambda values: [value.upper() for value in values],
    "cut by a letter": lambda values: [value[:-1] for value in values],
}
OWN: Mapping[str, Mapping[str, Callable[[list[str]], list[str]]]] = {
    "property": {
        "the first of its values": lambda values: [_first_of(value) for value in values],
        "the last of its values": lambda values: [_last_of(value) for value in values],
        "as equality": lambda values: [_signed(value, "==") for value in values],
        "as inequality": lambda values: [_signed(value, "!=") for value in values],
        "including the bound": lambda values: [_bound(value, "=") for value in values],
        "without the bound": lambda values: [_bound(value, "") for value in values],
    },
    "orderby": {
        "its first member": lambda values: [value.split(",")[0] for value in values],
        "its last member": lambda values: [value.split(",")[-1] for value in values],
        "always ascending": lambda values: [value.replace("-", "") for value in values],
        "the second ascending": lambda values: [_second(value, "") for value in values],
        "the second descending": lambda values: [_second(value, "-") for value in values],
        "members in turn": lambda values: [",".join(reversed(value.split(","))) for value in values],
    },
    "limit": {
        "one more": lambda values: [_longer(value, 1) for value in values],
        "one less": lambda values: [_longer(value, -1) if value != "1" else value for value in values],
        "at most two": lambda values: ["2" if value.isdigit() and int(value) > 2 else value for value in values],
    },
}
"""Parameter -> faults that apply only to it."""


def mutants(session: Session) -> Iterator[Mutant]:
    """Every fault in every parameter that was sent, in the query and in search bodies."""
    for operation in session.operations:
        next_door = session.next_door(operation)
        seen: dict[str, list[list[str]]] = {}
        for exchange in session.of(operation):
            for name, values in _grouped(_parameters(exchange.asked)).items():
                seen.setdefault(name, []).append(values)
        for name, samples in seen.items():
            for lie, change in {**ANY, **OWN.get(name, {})}.items():
                breaks = promises.NEXT_DOOR if next_door else promises.PARAMETERS.get(name, ())
                if not breaks or not any(change(list(values)) != values for values in samples):
                    continue
                if lie == UPPER and name in promises.CASELESS:
                    yield unharmful(f"{operation} ?{name}: {lie}", "its values have no case")
                else:
                    yield _changed(session.document, operation, name, lie, change, breaks)
        if "continuationToken" in seen:
            for name in ("property", "orderby"):
                if name in seen:
                    yield _first_page_only(session.document, operation, name)


def _parameters(asked: Asked) -> Pairs:
    """The parameters of the query and of a search body."""
    body = asked.json if asked.path.endswith("/search") else None
    found = list(asked.parameters)
    if isinstance(body, dict):
        query = body.get("queryString")
        for pair in query.split("&") if isinstance(query, str) and query else ():
            name, _, value = pair.partition("=")
            found.append((name, value))
        found += [(name, _said(body[name])) for name in ("orderby", "limit", "count") if name in body]
    return found


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _grouped(pairs: Pairs) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _asking(asked: Asked, name: str, change: Callable[[list[str]], list[str]]) -> Asked:
    """The request with other values of a parameter, wherever it is."""
    values = _grouped(list(asked.parameters)).get(name)
    if values is not None and change(list(values)) != values:
        kept = [pair for pair in asked.parameters if pair[0] != name]
        asked = asked.asking([*kept, *((name, value) for value in change(list(values)))])
    body = asked.json if asked.path.endswith("/search") else None
    if not isinstance(body, dict):
        return asked
    if name in body and name != "queryString":
        changed = change([_said(body[name])])
        value = changed[0] if changed and isinstance(body[name], str) else (_parsed(changed[0]) if changed else None)
        body = {**body, name: value} if changed else {key: kept for key, kept in body.items() if key != name}
    query = body.get("queryString")
    if isinstance(query, str) and query:
        pairs = [(pair.partition("=")[0], pair.partition("=")[2]) for pair in query.split("&")]
        values = _grouped(pairs).get(name)
        if values is not None:
            others = [f"{key}={value}" for key, value in pairs if key != name]
            body = {**body, "queryString": "&".join([*others, *(f"{name}={value}" for value in change(list(values)))])}
    return asked.sending(body) if body != asked.json else asked


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _changed(
    document: Document,
    operation: str,
    name: str,
    lie: str,
    change: Callable[[list[str]], list[str]],
    breaks: tuple[str, ...],
) -> Mutant:
    def fault(asked: Asked, right: Right) -> GivenAnswer:
        return right(_asking(asked, name, change) if operation_of(document, asked) == operation else asked)

    def touches(exchange: Said) -> bool:
        return exchange.operation == operation and _asking(exchange.asked, name, change) != exchange.asked

    return Mutant(f"{operation} ?{name}: {lie}", fault, breaks, touches)


def _first_page_only(document: Document, operation: str, name: str) -> Mutant:
    """The next page is a page of the list without the parameter."""

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        if operation_of(document, asked) != operation:
            return right(asked)
        token = asked.parameter("continuationToken")
        if token is None:
            given = right(asked)
            without = right(_asking(asked, name, _dropped)) if given.done else given
            links, others = (one.json.get("_links") if one.done and one.json else None for one in (given, without))
            return given.telling(_links=others) if links and others else given
        return right(asked)

    def touches(exchange: Said) -> bool:
        has = name in _grouped(_parameters(exchange.asked))
        return exchange.operation == operation and has and b'"next"' in exchange.given.body

    return Mutant(f"{operation} ?{name}: on the first page only", fault, promises.PARAMETERS[name], touches)


def _condition(text: str) -> tuple[str, str, str]:
    """Member, operator and value of a filter; no operator for a projection."""
    places = [(text.index(sign), -len(sign), sign) for sign in SIGNS if sign in text]
    if not places:
        return text, "", ""
    at, _, sign = min(places)
    return text[:at], sign, text[at + len(sign) :]


def _first_of(text: str) -> str:
    member, sign, value = _condition(text)
    return f"{member}{sign}{value.split(',')[0]}" if sign else text.split(",")[0]


def _last_of(text: str) -> str:
    member, sign, value = _condition(text)
    return f"{member}{sign}{value.split(',')[-1]}" if sign else text.split(",")[-1]


def _signed(text: str, sign: str) -> str:
    member, found, value = _condition(text)
    return f"{member}{sign}{value}" if found in ("==", "!=", "=") else text


def _bound(text: str, equal: str) -> str:
    member, sign, value = _condition(text)
    return f"{member}{sign[0]}{equal}{value}" if sign[:1] in ("<", ">") else text


def _second(text: str, sign: str) -> str:
    first, *others = text.split(",")
    return ",".join([first, *(sign + other.lstrip("+-") for other in others)])
