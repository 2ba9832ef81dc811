"""Rules for unknown paths, methods and query parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Sighting, Traffic
from mockserver.conformance.unfilled import unfilled, unfilled_segment, unfilled_text

_REFERENCE = "Flow Service API reference"
_JUDGED_ELSEWHERE = frozenset({"limit", "property", "orderby", "continuationToken"})


@rule(
    "path.unknown",
    Level.FAIL,
    "A path that Flow Service does not have",
    source=f"{_REFERENCE}, list of operations",
    hint="`mockserver operations` lists the paths; an empty id makes another path too.",
)
def unknown(traffic: Traffic) -> Iterator[Sighting]:
    """No operation has this path: often a doubled slash, an empty id or a base path given twice."""
    for call in traffic.calls:
        for _ in call.violations("route", "path"):
            yield call.seen(f"{call.method} {_shortened(call.entry.path)} is no path of the service")


@rule(
    "path.base-missing",
    Level.FAIL,
    "A path without the base path of Flow Service",
    source=f"{_REFERENCE}, servers: https://platform.adobe.io/data/foundation/flowservice",
    hint="Put /data/foundation/flowservice before the path.",
)
def base_missing(traffic: Traffic) -> Iterator[Sighting]:
    """Many services share Adobe's host: a path that begins with /connections leads to none of them."""
    for call in traffic.calls:
        for violation in call.violations("route", "base"):
            yield call.seen(f"{call.method} {_shortened(call.entry.path)}: expected {violation.expected}")


@rule(
    "path.method",
    Level.FAIL,
    "A method that the path does not take",
    source=f"{_REFERENCE}, list of operations",
    hint="Updates are PATCH with If-Match, for runs and specs PUT; `mockserver operations` lists the methods.",
)
def method(traffic: Traffic) -> Iterator[Sighting]:
    """The path exists, with other methods."""
    for call in traffic.calls:
        for violation in call.violations("route", "method"):
            yield call.seen(f"{call.method} {_shortened(call.entry.path)}: the path takes {violation.expected}")


@rule(
    "path.placeholder",
    Level.FAIL,
    "A placeholder where an id belongs",
    source="Adobe's samples write {BASE_CONNECTION_ID} and the like for ids of yours",
    hint="Put the id an earlier answer gave in its place; undefined means that the client reads the wrong member.",
)
def placeholder(traffic: Traffic) -> Iterator[Sighting]:
    """The path holds the documentation's braces, a variable, `undefined` or `null`, and no entity has such an id."""
    for call in traffic.calls:
        if any(map(unfilled_segment, call.segments)):
            yield call.seen(f"{call.method} {call.template} was sent with a placeholder for an id")


@rule(
    "query.unfilled",
    Level.FAIL,
    "A query parameter with undefined, null or an unresolved variable in the place of a value",
    source=f"{_REFERENCE}, parameters: a value is taken as it stands",
    hint="Leave the parameter out where there is no value; look where the client takes it from.",
)
def unfilled_parameter(traffic: Traffic) -> Iterator[Sighting]:
    """The client had no value and sent the parameter all the same: it filters for a name that nobody has."""
    for call in traffic.calls:
        for name, value in call.query:
            what = unfilled_text(re.split("[=<>!]", value)[-1]) if name == "property" else unfilled(value)
            if what:
                yield call.seen(f"{call.method} {call.template} sent {what} in the parameter {name[:40]}")


@rule(
    "query.unknown-parameter",
    Level.WARN,
    "A query parameter that nobody knows",
    source="Flow Service error catalogue: 1451-400 Unknown query parameters",
    hint="Leave it out: it has no effect at best. Lists page by continuationToken and filter by property.",
)
def unknown_parameter(traffic: Traffic) -> Iterator[Sighting]:
    """The catalogue has an error for unknown parameters, yet clients that send `start` or `state` live: by luck."""
    for call in traffic.calls:
        for violation in call.violations("query", "unknown"):
            name = violation.pointer
            if name.lower() != "if-match" and name not in call.secret_parameters:
                yield call.seen(f"{call.method} {call.template} sent the unknown parameter {name}")


@rule(
    "query.value",
    Level.FAIL,
    "A query parameter that is missing or cannot have this value",
    source=f"{_REFERENCE}, parameters; error catalogue: 1452-400, 2119-400",
    hint="`/openapi.yaml` lists each operation's parameters with their values.",
)
def value(traffic: Traffic) -> Iterator[Sighting]:
    """The contract demands another value, or demands the parameter at all."""
    for call in traffic.calls:
        for violation in call.violations("query"):
            filled_in = not unfilled(call.argument(violation.pointer) or "")
            if violation.keyword != "unknown" and violation.pointer not in _JUDGED_ELSEWHERE and filled_in:
                where = f"{call.method} {call.template}, parameter {violation.pointer}"
                wanted = f"expected {violation.expected}" if violation.expected else "not taken"
                yield call.seen(f"{where}: {wanted}, got {violation.came}")


def _shortened(path: str) -> str:
    return path if len(path) <= 80 else path[:80] + "…"
