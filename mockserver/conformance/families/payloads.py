"""Rules for request bodies: JSON, required members, types, unknown members, specs."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic, texts
from mockserver.conformance.unfilled import has_placeholder
from mockserver.exchange import MISSING, UNKNOWN_ID, Violation

_EVENTS = frozenset({"sendMessage", "postBatchOfStreamingMessages"})
_REFERENCE = "Flow Service API reference, request bodies"
_CATALOGUE = "Flow Service error catalogue"
_NOT_A_VALUE = frozenset({"required", "unknown", "empty", "json", "size", "unknown_spec", "unknown_auth_spec"})
_LISTS = frozenset({"/limit", "/orderby", "/queryString"})
"""Members of a search, which the rules for lists judge."""


def _complaints(traffic: Traffic, *keywords: str) -> Iterator[tuple[Exchange, Violation]]:
    """Violations by bodies other than patches, which have rules of their own, and outside auth params."""
    for call in traffic.calls:
        for violation in call.violations("body", *keywords):
            elsewhere = violation.pointer.startswith("/auth/params/") or violation.pointer in _LISTS
            if call.method != "PATCH" and not elsewhere:
                yield call, violation


@rule(
    "payload.not-json",
    Level.FAIL,
    "A body that is not one JSON document",
    source=f"{_REFERENCE}; RFC 8259",
    hint="Let a JSON library write the body; send each member once, in UTF-8, without NaN.",
)
def not_json(traffic: Traffic) -> Iterator[Sighting]:
    """The body cannot be read as JSON, or would be read differently by different readers."""
    for call in traffic.calls:
        for violation in call.violations("body", "json"):
            yield call.seen(f"{call.method} {call.template} sent a body with {violation.came}")


@rule(
    "payload.empty",
    Level.FAIL,
    "A body is missing",
    source=f"{_CATALOGUE}: 1405-400",
    hint="Send the JSON body the operation asks for.",
)
def empty(traffic: Traffic) -> Iterator[Sighting]:
    """The operation needs a body that is neither null nor empty."""
    for call in traffic.calls:
        for _ in call.violations("body", "empty"):
            yield call.seen(f"{call.method} {call.template} came without a body")


@rule(
    "payload.too-large",
    Level.FAIL,
    "A body larger than the service takes",
    source="No limit is published (the limit of this server is assumed)",
    hint="Send less in one call.",
)
def too_large(traffic: Traffic) -> Iterator[Sighting]:
    """No connection or flow needs a body of this size."""
    for call in traffic.calls:
        for _ in call.violations("body", "size"):
            yield call.seen(f"{call.method} {call.template} sent a body that is too large")


@rule(
    "payload.on-lookup",
    Level.WARN,
    "A lookup or deletion with a body",
    source="RFC 9110, 9.3.1: a body of GET has no meaning, and some servers refuse it",
    hint="Move what the body says into the query, or leave it out.",
)
def on_lookup(traffic: Traffic) -> Iterator[Sighting]:
    """GET and DELETE take no body; proxies on the way drop it or close the connection."""
    for call in traffic.calls:
        if call.method in ("GET", "DELETE", "HEAD") and call.entry.body:
            yield call.seen(f"{call.method} {call.template} came with a body")


@rule(
    "payload.member-missing",
    Level.FAIL,
    "A required member is missing",
    source=_REFERENCE,
    hint="Add the member named; `/openapi.yaml` shows a complete example.",
)
def member_missing(traffic: Traffic) -> Iterator[Sighting]:
    """The service cannot create what is not fully described."""
    for call, violation in _complaints(traffic):
        if violation.keyword == "required" or (violation.came == MISSING and violation.keyword not in _NOT_A_VALUE):
            yield call.seen(f"{call.method} {call.template} lacks {violation.pointer}")


@rule(
    "payload.value",
    Level.FAIL,
    "A member of the wrong type or value",
    source=_REFERENCE,
    hint="Send what is expected; numbers that Adobe's samples quote are texts.",
)
def value(traffic: Traffic) -> Iterator[Sighting]:
    """The member is there, but not as the contract has it."""
    for call, violation in _complaints(traffic):
        told_elsewhere = violation.keyword in _NOT_A_VALUE or violation.came in (MISSING, UNKNOWN_ID)
        if not told_elsewhere and violation.expected:
            where = f"{call.method} {call.template} {violation.pointer or '/'}"
            yield call.seen(f"{where}: expected {violation.expected}, got {violation.came}")


@rule(
    "payload.event",
    Level.FAIL,
    "An event that its inlet refuses",
    source="Streaming ingestion: pages on HTTP API connections, multiple messages and streaming validation",
    hint="Read report.message, or statusCode and message of each of several messages: 207 may hold refusals.",
)
def event(traffic: Traffic) -> Iterator[Sighting]:
    """An inlet takes messages in the form of its data type, for a flow that reads it; what it refuses is lost."""
    for call in traffic.calls:
        if call.entry.operation not in _EVENTS:
            continue
        answer = call.answer if isinstance(call.answer, dict) else {}
        each = answer.get("responses")
        refused = (
            [one for one in each if isinstance(one, dict) and "statusCode" in one] if isinstance(each, list) else []
        )
        if call.refused and call.status != 401:
            yield call.seen(f"{call.method} {call.template} sent an event that was refused with {call.status}")
        elif refused:
            yield call.seen(f"{call.method} {call.template} sent messages of which some were refused")


@rule(
    "payload.not-carried-out",
    Level.FAIL,
    "A request that what stands behind the service refuses",
    source=f"{_CATALOGUE}: 1100-400, 1101-404, Error from flow provider",
    hint="Read errorMessage of the answer: it holds the provider's own words.",
)
def not_carried_out(traffic: Traffic) -> Iterator[Sighting]:
    """The request keeps the contract, and the provider refuses it all the same: credentials, tables, times, states."""
    for call in traffic.calls:
        departures = (one for one in call.entry.violations if one.keyword != "unknown" or one.pointer == call.blamed)
        explained = (
            any(one.expected and one.came != UNKNOWN_ID for one in departures)
            or call.entry.number in traffic.from_elsewhere
            or call.blamed in call.unfilled_members
        )
        if call.entry.error in ("1100-400", "1101-404") and not explained:
            yield call.seen(f"{call.method} {call.template} was refused by the provider ({call.entry.error})")


@rule(
    "payload.unknown-member",
    Level.WARN,
    "A member that no schema names",
    source=f"{_REFERENCE}; the service tolerates them as far as is known",
    hint="Correct its spelling or leave it out: it has no effect.",
)
def unknown_member(traffic: Traffic) -> Iterator[Sighting]:
    """Unknown members are dropped in silence, so that a misspelt one is a setting never made."""
    for call in traffic.calls:
        for violation in call.violations("body", "unknown"):
            yield call.seen(f"{call.method} {call.template} sent {violation.pointer[:120]}, which no schema names")


@rule(
    "payload.unknown-spec",
    Level.FAIL,
    "An id that is no connection spec or flow spec",
    source=f"{_CATALOGUE}: 1413-400",
    hint="Look ids up by GET /connectionSpecs or /flowSpecs; `mockserver connectors` lists them.",
)
def unknown_spec(traffic: Traffic) -> Iterator[Sighting]:
    """Each connector has one connection spec id, the same everywhere."""
    for call in traffic.calls:
        if call.entry.error == "1413-400":
            yield call.seen(f"{call.method} {call.template} named an unknown spec")


@rule(
    "payload.version-missing",
    Level.WARN,
    "A connection spec without its version",
    source="Flow Service reference: the newest is taken; destinations reference: 422, version is required",
    hint='Send "connectionSpec": {"id": ..., "version": "1.0"}.',
)
def version_missing(traffic: Traffic) -> Iterator[Sighting]:
    """Adobe's documents disagree on what happens without a version; with it nobody has to guess."""
    for call in traffic.calls:
        spec = call.members.get("connectionSpec")
        if call.creates and isinstance(spec, dict) and "id" in spec and "version" not in spec:
            yield call.seen(f"{call.method} {call.template} sent connectionSpec without version")


@rule(
    "payload.placeholder",
    Level.FAIL,
    "A body still holds the documentation's placeholder",
    source="Adobe's samples write {TENANT_ID}, {SERVER}, {PASSWORD} for values of yours",
    hint="Replace the text in braces, braces included, by your own value.",
)
def placeholder(traffic: Traffic) -> Iterator[Sighting]:
    """Values in braces are to be filled in: stored as they are, nothing can be reached with them."""
    for call in traffic.calls:
        for at, text in texts(call.body):
            if has_placeholder(text) and not call.sample and at not in call.unfilled_members:
                yield call.seen(f"{call.method} {call.template} sent a placeholder in {at}")


@rule(
    "payload.unfilled",
    Level.FAIL,
    "A body with undefined, null as text or an unresolved variable in the place of a value",
    source=f"{_REFERENCE}: a text is stored as it stands",
    hint="Look where the client takes this value from: it reads the wrong member, or the variable is not set.",
)
def unfilled(traffic: Traffic) -> Iterator[Sighting]:
    """The service stores `${DB_PASSWORD}` as the password, and the source refuses it when the first flow runs."""
    for call in traffic.calls:
        for at, what in call.unfilled_members.items():
            yield call.seen(f"{call.method} {call.template} sent {what} in {at}")
