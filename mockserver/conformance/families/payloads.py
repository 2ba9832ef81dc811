"""Rules for request bodies: JSON, required members, types, unknown members, specs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.refusals import because
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic, texts
from mockserver.conformance.unfilled import has_placeholder
from mockserver.exchange import DRAFT, MISSING, NO_MEMBER, UNKNOWN_ID, Violation

_IDS = re.compile(r"(?<!\w)\w+: \[[^\[\]]*\] ")
"""Ids of inlet and organisation in the messages of inlets."""
_EVENTS = frozenset({"sendMessage", "postBatchOfStreamingMessages"})
_REFERENCE = "Flow Service API reference, request bodies"
_CATALOGUE = "Flow Service error catalogue"
_NOT_A_VALUE = frozenset({"required", "unknown", "empty", "json", "size", "unknown_spec", "unknown_auth_spec"})
_LISTS = frozenset({"/limit", "/orderby", "/queryString"})
"""Members of a search, which are judged by the rules for lists."""


def _complaints(traffic: Traffic, *keywords: str) -> Iterator[tuple[Exchange, Violation]]:
    """Violations in bodies, without patches and auth params, which have their own rules."""
    for call in traffic.calls:
        for violation in call.violations("body", *keywords):
            elsewhere = violation.pointer.startswith("/auth/params/") or violation.pointer in _LISTS
            if call.method != "PATCH" and not elsewhere:
                yield call, violation


@rule(
    "payload.not-json",
    Level.FAIL,
    "A body that is not valid JSON",
    source=f"{_REFERENCE}; RFC 8259",
    hint="Use a JSON library to write the body. Send each member once, in UTF-8, without NaN.",
)
def not_json(traffic: Traffic) -> Iterator[Sighting]:
    """The body cannot be parsed as JSON, or different parsers would interpret it differently."""
    for call in traffic.calls:
        for violation in call.violations("body", "json"):
            why = because(call) or f": {violation.came}"
            yield call.seen(f"{call.method} {call.template} sent a body that is not JSON{why}")


@rule(
    "payload.empty",
    Level.FAIL,
    "A missing body",
    source=f"{_CATALOGUE}: 1405-400",
    hint="Send the JSON body that the operation requires.",
)
def empty(traffic: Traffic) -> Iterator[Sighting]:
    """The operation requires a body that is neither null nor empty."""
    for call in traffic.calls:
        for _ in call.violations("body", "empty"):
            yield call.seen(f"{call.method} {call.template} was sent without a body")


@rule(
    "payload.too-large",
    Level.FAIL,
    "A body that is too large",
    source="No limit is published (the limit of this server is assumed)",
    hint="Send less in one call.",
)
def too_large(traffic: Traffic) -> Iterator[Sighting]:
    """No connection or flow requires a body of this size."""
    for call in traffic.calls:
        for _ in call.violations("body", "size"):
            yield call.seen(f"{call.method} {call.template} sent a body that is too large")


@rule(
    "payload.on-lookup",
    Level.WARN,
    "A lookup or deletion with a body",
    source="RFC 9110, 9.3.1: a body of GET has no meaning, and some servers refuse it",
    hint="Move the content of the body into the query, or omit it.",
)
def on_lookup(traffic: Traffic) -> Iterator[Sighting]:
    """GET and DELETE have no body. Proxies remove it or close the connection."""
    for call in traffic.calls:
        if call.method in ("GET", "DELETE", "HEAD") and call.entry.body:
            yield call.seen(f"{call.method} {call.template} was sent with a body")


@rule(
    "payload.member-missing",
    Level.FAIL,
    "A required member is missing",
    source=_REFERENCE,
    hint="Add the named member. `/openapi.yaml` shows a complete example.",
)
def member_missing(traffic: Traffic) -> Iterator[Sighting]:
    """The service cannot create an entity without its required members."""
    for call, violation in _complaints(traffic):
        if violation.keyword == "required" or (violation.came == MISSING and violation.keyword not in _NOT_A_VALUE):
            yield call.seen(f"{call.method} {call.template} lacks {violation.pointer}")


@rule(
    "payload.value",
    Level.FAIL,
    "A member with a wrong type or value",
    source=_REFERENCE,
    hint="Send what is expected. Numbers in quotes in Adobe's samples are strings. A string in place of an object is "
    "often JSON that was encoded twice.",
)
def value(traffic: Traffic) -> Iterator[Sighting]:
    """The member does not match the contract."""
    for call, violation in _complaints(traffic):
        told_elsewhere = violation.keyword in _NOT_A_VALUE or violation.came in (MISSING, UNKNOWN_ID)
        where = f"{call.method} {call.template} {violation.pointer or 'body'}"
        if violation.expected == NO_MEMBER:
            yield call.seen(f"{where} is not allowed here, got {violation.came}")
        elif not told_elsewhere and violation.expected:
            yield call.seen(f"{where}: expected {violation.expected}, got {violation.came}")


@rule(
    "payload.event",
    Level.FAIL,
    "An event that the inlet refuses",
    source="Streaming ingestion: pages on HTTP API connections, multiple messages and streaming validation",
    hint="Read report.message or, for several messages, statusCode and message of each: a 207 may contain errors.",
)
def event(traffic: Traffic) -> Iterator[Sighting]:
    """An inlet accepts messages of its data type for a flow that reads from it. Refused messages are lost."""
    for call in traffic.calls:
        if call.entry.operation not in _EVENTS:
            continue
        if call.refused and call.status != 401:
            why = _IDS.sub("", f"{call.status}{because(call)}")
            yield call.seen(f"{call.method} {call.template} sent an event that was refused with {why}")
        elif causes := list(dict.fromkeys(_refused_messages(call))):
            yield call.seen(f"{call.method} {call.template} sent messages, some of which were refused: {causes[0]}")


def _refused_messages(call: Exchange) -> Iterator[str]:
    """The reason for each refused message of several."""
    answer = call.answer if isinstance(call.answer, dict) else {}
    each = answer.get("responses")
    for one in each if isinstance(each, list) else ():
        if isinstance(one, dict) and "statusCode" in one:
            yield _IDS.sub("", f"{one['statusCode']}: {one.get('message', '')}").rstrip(" :")


@rule(
    "payload.not-carried-out",
    Level.FAIL,
    "A request that the flow provider refuses",
    source=f"{_CATALOGUE}: 1100-400, 1101-404, Error from flow provider",
    hint="Correct what the provider's message names. It is also in errorMessage of the response.",
)
def not_carried_out(traffic: Traffic) -> Iterator[Sighting]:
    """The request keeps the contract, but the provider refuses it, for its credentials, tables, times or states."""
    for call in traffic.calls:
        departures = (one for one in call.entry.violations if one.keyword != "unknown" or one.pointer == call.blamed)
        explained = (
            any(one.expected and one.came != UNKNOWN_ID for one in departures)
            or call.entry.number in traffic.from_elsewhere
            or call.blamed in call.unfilled_members
            or call.entry.traces.sent_mask
        )
        if call.entry.error in ("1100-400", "1101-404") and not explained:
            yield call.seen(f"{call.method} {call.template} was refused by the provider{because(call)}")


@rule(
    "payload.mapping-id-missing",
    Level.WARN,
    "A Mapping without a mapping set",
    source="Dataflow tutorials: mappingId is the id of the mapping set; no page says what a flow does without it",
    hint="Create a mapping set with POST /data/foundation/conversion/mappingSets and send its id as params.mappingId.",
)
def mapping_id_missing(traffic: Traffic) -> Iterator[Sighting]:
    """Params of transformations are not checked by their names, so a misspelt or missing mappingId is accepted."""
    for call in traffic.calls:
        steps = call.members.get("transformations")
        complete = call.collection == "flows" and call.made and call.argument("mode") != DRAFT
        for step in steps if complete and isinstance(steps, list) else ():
            params = step.get("params") if isinstance(step, dict) else None
            named = isinstance(params, dict) and params.get("mappingId")
            if isinstance(step, dict) and step.get("name") == "Mapping" and not named:
                yield call.seen(f"{call.method} {call.template} sent the transformation Mapping without mappingId")


@rule(
    "payload.unknown-member",
    Level.WARN,
    "A member that is not in the schema",
    source=f"{_REFERENCE}; as far as is known, the service ignores them",
    hint="Correct its spelling or omit it. It has no effect.",
)
def unknown_member(traffic: Traffic) -> Iterator[Sighting]:
    """Unknown members are silently ignored, so that a misspelt member has no effect."""
    for call in traffic.calls:
        for violation in call.violations("body", "unknown"):
            yield call.seen(f"{call.method} {call.template} sent {violation.pointer[:120]}, which is not in the schema")


@rule(
    "payload.unknown-spec",
    Level.FAIL,
    "An unknown connection spec or flow spec",
    source=f"{_CATALOGUE}: 1413-400",
    hint="Look up ids with GET /connectionSpecs or /flowSpecs. `mockserver connectors` lists them.",
)
def unknown_spec(traffic: Traffic) -> Iterator[Sighting]:
    """Each connector has one connection spec id, which is the same in every sandbox."""
    for call in traffic.calls:
        if call.entry.error == "1413-400" and call.blamed not in call.unfilled_members:
            yield call.seen(f"{call.method} {call.template} referred to an unknown spec")


@rule(
    "payload.version-missing",
    Level.WARN,
    "A connection spec without its version",
    source="Flow Service reference: the newest is used; destinations reference: 422, version is required",
    hint='Send "connectionSpec": {"id": ..., "version": "1.0"}.',
)
def version_missing(traffic: Traffic) -> Iterator[Sighting]:
    """Adobe's documents disagree on what happens without a version."""
    for call in traffic.calls:
        spec = call.members.get("connectionSpec")
        if call.creates and isinstance(spec, dict) and "id" in spec and "version" not in spec:
            yield call.seen(f"{call.method} {call.template} sent connectionSpec without version")


@rule(
    "payload.placeholder",
    Level.FAIL,
    "A placeholder of the documentation in a body",
    source="Adobe's samples write {TENANT_ID}, {SERVER}, {PASSWORD} for your values",
    hint="Replace the placeholder, including its braces, with your own value.",
)
def placeholder(traffic: Traffic) -> Iterator[Sighting]:
    """Values in braces must be replaced. They are stored as sent, and nothing can be reached with them."""
    for call in traffic.calls:
        for at, text in texts(call.body):
            if has_placeholder(text) and not call.sample and at not in call.unfilled_members:
                yield call.seen(f"{call.method} {call.template} sent a placeholder in {at}")


@rule(
    "payload.unfilled",
    Level.FAIL,
    "A body with undefined, the string null or an unresolved variable instead of a value",
    source=f"{_REFERENCE}: strings are stored as sent",
    hint="Check where the client gets this value: it reads the wrong member, or a variable is not set.",
)
def unfilled(traffic: Traffic) -> Iterator[Sighting]:
    """The service stores `${DB_PASSWORD}` as the password, and the source refuses it when the first flow runs.

    The form of a token request counts too.
    """
    for call in (*traffic.tokens, *traffic.calls):
        for at, what in call.unfilled_members.items():
            yield call.seen(f"{call.method} {call.template} sent {what} in {at}")
