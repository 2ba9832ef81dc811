"""Faults in headers and statuses: missing, stale, duplicated, wrong; a neighbouring status; another error code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from contracts.broken.wrapping import Asked, GivenAnswer, Right
from contracts.mutants import promises
from contracts.mutants.mutant import Mutant, unharmful
from contracts.mutants.session import Run, Said, Session, operation_of
from contracts.schema.document import Document

HEADER_LIES: Mapping[str, Callable[[str], str | None]] = {
    "missing": lambda value: None,
    "empty": lambda value: "",
    "doubled": lambda value: f"{value}, {value}",
    "cut by a letter": lambda value: value[:-1],
    "unquoted": lambda value: value.strip('"'),
}
NEIGHBOURS: Mapping[int, tuple[int, ...]] = {
    200: (201, 202, 204, 206),
    201: (200, 202),
    204: (200, 205),
    400: (401, 404, 422),
    401: (400, 403),
    403: (400, 401, 404),
    404: (400, 403, 410),
    405: (404, 501),
    412: (400, 409, 428),
}
"""Status -> statuses that a server may confuse with it."""

ERROR_LIES: Mapping[str, Callable[[GivenAnswer], GivenAnswer]] = {
    "without the code": lambda given: given.telling(type="about:blank"),
    "with a code nearby": lambda given: given.telling(type=given.json["type"][:-8] + "1499-400"),
    "without report": lambda given: given.saying({k: v for k, v in given.json.items() if k != "report"}),
    "with texts that differ": lambda given: given.telling(errorDetails="other words"),
    "with another status inside": lambda given: given.telling(status=given.status + 1),
    "without status": lambda given: given.saying({k: v for k, v in given.json.items() if k != "status"}),
    "with members in another order": lambda given: given.saying(dict(reversed(given.json.items()))),
}


def mutants(session: Session) -> Iterator[Mutant]:
    """Every fault in every header and status that was seen, by operation."""
    for operation in session.operations:
        exchanges = list(session.of(operation))
        yield from _headers(session, operation, exchanges)
        counts = Counter(exchange.given.status for exchange in exchanges)
        for status in counts:
            for other in NEIGHBOURS.get(status, ()):
                yield _status(session.document, operation, status, other)
        if any(exchange.given.code for exchange in exchanges):
            for lie, change in ERROR_LIES.items():
                yield _error(session.document, operation, lie, change)


def _headers(session: Session, operation: str, exchanges: list[Said]) -> Iterator[Mutant]:
    document, more = session.document, promises.NEXT_DOOR if session.next_door(operation) else ()
    names = {name.lower() for exchange in exchanges for name, _ in exchange.given.headers if exchange.given.done}
    for name in sorted(names & promises.HEADERS.keys()):
        values = [value for exchange in exchanges if (value := exchange.given.header(name)) is not None]
        breaks = (*promises.HEADERS[name], *more)
        for lie, change in HEADER_LIES.items():
            if name == "content-type" and lie != "missing":
                continue
            if name == "x-request-id" and lie == "cut by a letter":
                yield unharmful(f"{operation} {name}: {lie}", "an id of any length names the exchange")
            elif any(change(value) != value for value in values):
                yield _header(document, f"{operation} {name}: {lie}", breaks, name, change)
        if len(set(values)) > 1:
            yield _stale(document, operation, name, session.repeating(operation), breaks)


def _header(
    document: Document, title: str, breaks: tuple[str, ...], name: str, change: Callable[[str], str | None]
) -> Mutant:
    def tell(given: GivenAnswer) -> GivenAnswer:
        value = given.header(name)
        return given if value is None or not given.done else given.having(name, change(value))

    return _answering(document, title.partition(" ")[0], title, breaks, tell)


def _stale(document: Document, operation: str, name: str, repeating: frozenset[Run], breaks: tuple[str, ...]) -> Mutant:
    """The value of the previous response."""

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        value = given.header(name)
        if operation_of(document, asked) != operation or value is None:
            return given
        before = right.memory.get(name, value)
        right.memory[name] = value
        return given.having(name, before)

    def touches(exchange: Said) -> bool:
        return exchange.operation == operation and exchange.run in repeating

    return Mutant(f"{operation} {name}: of the answer before", fault, breaks, touches)


def _status(document: Document, operation: str, status: int, other: int) -> Mutant:
    def tell(given: GivenAnswer) -> GivenAnswer:
        return replace(given, status=other) if given.status == status else given

    # any check of this operation may notice the wrong status
    return _answering(document, operation, f"{operation} {status}: answered as {other}", ("*",), tell)


def _error(document: Document, operation: str, lie: str, change: Callable[[GivenAnswer], GivenAnswer]) -> Mutant:
    def tell(given: GivenAnswer) -> GivenAnswer:
        return change(given) if given.code else given

    return _answering(document, operation, f"{operation} errors: {lie}", ("*",), tell)


def _answering(
    document: Document, operation: str, name: str, breaks: tuple[str, ...], tell: Callable[[GivenAnswer], GivenAnswer]
) -> Mutant:
    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        return tell(given) if operation_of(document, asked) == operation else given

    def touches(exchange: Said) -> bool:
        return exchange.operation == operation and tell(exchange.given) != exchange.given

    return Mutant(name, fault, breaks, touches)
