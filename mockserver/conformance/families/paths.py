"""Rules for unknown paths, methods and query parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Sighting, Traffic
from mockserver.conformance.unfilled import unfilled, unfilled_segment, unfilled_text

_REFERENCE = "Flow Service API reference"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_JUDGED_ELSEWHERE = frozenset({"limit", "property", "orderby", "continuationToken"})


@rule(
    "path.unknown",
    Level.FAIL,
    "A path that Flow Service does not have",
    source=f"{_REFERENCE}, list of operations",
    hint="`mockserver operations` lists the paths. Check for an empty id. Join links of responses to the base URL.",
)
def unknown(traffic: Traffic) -> Iterator[Sighting]:
    """No operation has this path. Frequent causes are a double slash, an empty id and a repeated base path or name."""
    for call in traffic.calls:
        if any(call.violations("route", "path")) or traffic.misjoined(call):
            yield call.seen(f"{call.method} {_shortened(call.entry.path)} is not a path of the service")


@rule(
    "path.base-missing",
    Level.FAIL,
    "A path without the base path of Flow Service",
    source=f"{_REFERENCE}, servers: https://platform.adobe.io/data/foundation/flowservice",
    hint="Add /data/foundation/flowservice before the path.",
)
def base_missing(traffic: Traffic) -> Iterator[Sighting]:
    """Many services share Adobe's host. A path that begins with /connections belongs to none of them."""
    for call in traffic.calls:
        for violation in call.violations("route", "base"):
            yield call.seen(f"{call.method} {_shortened(call.entry.path)}: expected {violation.expected}")


@rule(
    "path.method",
    Level.FAIL,
    "A method that the path does not support",
    source=f"{_REFERENCE}, list of operations",
    hint="Use PATCH with If-Match for updates, PUT for runs and specs. `mockserver operations` lists the methods.",
)
def method(traffic: Traffic) -> Iterator[Sighting]:
    """The path exists, but only with other methods."""
    for call in traffic.calls:
        for violation in call.violations("route", "method"):
            yield call.seen(f"{call.method} {_shortened(call.entry.path)}: the path supports {violation.expected}")


@rule(
    "path.placeholder",
    Level.FAIL,
    "A placeholder instead of an id",
    source="Adobe's samples write {BASE_CONNECTION_ID} and the like for your ids",
    hint="Send the id from an earlier response. If it is undefined, the client reads the wrong member.",
)
def placeholder(traffic: Traffic) -> Iterator[Sighting]:
    """The path contains a placeholder of the documentation, a variable, `undefined` or `null` instead of an id."""
    for call in traffic.calls:
        if any(map(unfilled_segment, call.segments)):
            yield call.seen(f"{call.method} {call.template} was sent with a placeholder instead of an id")


@rule(
    "query.unfilled",
    Level.FAIL,
    "A query parameter with undefined, null or an unresolved variable instead of a value",
    source=f"{_REFERENCE}, parameters: values are not interpreted",
    hint="Omit the parameter if there is no value. Check where the client gets it.",
)
def unfilled_parameter(traffic: Traffic) -> Iterator[Sighting]:
    """The client sent the parameter without a value, for example a filter for a name that does not exist."""
    for call in traffic.calls:
        for name, value in call.query:
            what = unfilled_text(re.split("[=<>!]", value)[-1]) if name == "property" else unfilled(value)
            if what:
                yield call.seen(f"{call.method} {call.template} sent {what} in the parameter {name[:40]}")


@rule(
    "query.unknown-parameter",
    Level.WARN,
    "An unknown query parameter",
    source="Flow Service error catalogue: 1451-400 Unknown query parameters",
    hint="Omit it: at best it has no effect. Lists use continuationToken for pages and property for filters.",
)
def unknown_parameter(traffic: Traffic) -> Iterator[Sighting]:
    """The catalogue has an error for unknown parameters. Clients that send `start` or `state` work only by chance."""
    for call in traffic.calls:
        for violation in call.violations("query", "unknown"):
            name = violation.pointer
            known = name.lower() == "if-match" or name in traffic.secret_parameters(call)
            if not known and not traffic.misjoined(call):
                yield call.seen(f"{call.method} {call.template} sent the unknown parameter {name}")


@rule(
    "query.value",
    Level.FAIL,
    "A query parameter that is missing or has an invalid value",
    source=f"{_REFERENCE}, parameters; error catalogue: 1452-400, 2119-400",
    hint="`/openapi.yaml` lists the parameters of each operation and their values.",
)
def value(traffic: Traffic) -> Iterator[Sighting]:
    """The contract requires another value, or the operation requires the parameter."""
    for call in traffic.calls:
        for violation in call.violations("query"):
            filled_in = not unfilled(call.argument(violation.pointer) or "")
            if violation.keyword != "unknown" and violation.pointer not in _JUDGED_ELSEWHERE and filled_in:
                where = f"{call.method} {call.template}, parameter {violation.pointer}"
                expected = f"expected {violation.expected}" if violation.expected else "not supported"
                yield call.seen(f"{where}: {expected}, got {violation.came}")


def _shortened(path: str) -> str:
    """A path without ids, so that the same mistake with other entities is one finding."""
    path = _ID.sub("{id}", path)
    return path if len(path) <= 80 else path[:80] + "…"
