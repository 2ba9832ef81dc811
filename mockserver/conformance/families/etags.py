"""Rules for If-Match: it must be sent, quoted, taken from a response, and current."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic
from mockserver.conformance.unfilled import has_placeholder

_REFERENCE = "Flow Service API reference, If-Match"
_CATALOGUE = "Flow Service error catalogue"
_QUOTED = re.compile(r'"[^"]+"')


def _updates(traffic: Traffic) -> Iterator[Exchange]:
    """Calls that require If-Match, except those whose header is not recorded or was not filled in."""
    for call in traffic.calls:
        filled_in = call.recorded("if-match") and "if-match" not in call.unfilled_headers
        if call.updates and filled_in:
            yield call


def _sent(call: Exchange) -> str:
    return call.headers.get("if-match", "").strip()


def _shown_before(traffic: Traffic, call: Exchange) -> Iterator[Exchange]:
    """Earlier responses that contain the etag of a call."""
    shown = traffic.etags_shown.get(_sent(call), ())
    return (earlier for earlier in shown if earlier.entry.number < call.entry.number)


def _complete(traffic: Traffic, call: Exchange) -> bool:
    """Whether the record must contain every etag that the entity ever had."""
    return traffic.whole or (call.entity in traffic.made and not traffic.partial)


def _unseen(traffic: Traffic) -> Iterator[Exchange]:
    """Updates with a well-formed etag that no response in a complete record contains."""
    for call in _updates(traffic):
        an_etag = _QUOTED.fullmatch(_sent(call)) and not has_placeholder(_sent(call))
        if an_etag and _complete(traffic, call) and not any(_shown_before(traffic, call)):
            yield call


@rule(
    "etag.missing",
    Level.FAIL,
    "An update without If-Match",
    source=f"{_CATALOGUE}: 1403-400 Header is missing",
    hint="Read the entity and send its etag, including the quotes, as If-Match.",
)
def missing(traffic: Traffic) -> Iterator[Sighting]:
    """The service refuses an update without If-Match, which names the version to update.

    If a recording shows that it succeeded, the header was sent and is missing in the file.
    """
    for call in _updates(traffic):
        if not _sent(call) and not call.succeeded and "if-match" not in {name.lower() for name, _ in call.query}:
            yield call.seen(f"{call.method} {call.template} was sent without If-Match")


@rule(
    "etag.in-query",
    Level.FAIL,
    "The etag in the query, where it is ignored",
    source=f"{_REFERENCE} is a header; Adobe's Postman collection has it in the query by mistake",
    hint="Send it in the header If-Match.",
)
def in_query(traffic: Traffic) -> Iterator[Sighting]:
    """The query parameter `if-match` has no effect, and the update is refused because the header is missing."""
    for call in _updates(traffic):
        if not _sent(call) and "if-match" in {name.lower() for name, _ in call.query}:
            yield call.seen(f"{call.method} {call.template} sent if-match as a query parameter")


@rule(
    "etag.unquoted",
    Level.FAIL,
    "An etag without its double quotes",
    source="Destinations reference: an etag without double quotes gives 412; documentation issue 83 says the same",
    hint="The quotes are part of the etag. Send the member etag unchanged.",
)
def unquoted(traffic: Traffic) -> Iterator[Sighting]:
    """The value of the member etag contains quotes. Parsing the JSON removes only the outer quotes of the string."""
    for call in _updates(traffic):
        sent = _sent(call)
        if sent and sent != "*" and '"' not in sent and not has_placeholder(sent):
            yield call.seen(f"{call.method} {call.template} sent If-Match without its double quotes")


@rule(
    "etag.malformed",
    Level.FAIL,
    "An If-Match that is not a single etag",
    source=f"{_REFERENCE}: the entity's etag; * and weak etags occur in no sample (assumed)",
    hint="Send exactly one etag, as in the last response.",
)
def malformed(traffic: Traffic) -> Iterator[Sighting]:
    """A star, a weak etag, a list or an etag with JSON escapes does not match any version."""
    for call in _updates(traffic):
        form = _malformed(_sent(call))
        if form:
            yield call.seen(f"{call.method} {call.template} sent {form} as If-Match")


def _malformed(sent: str) -> str:
    """Describe an If-Match that is not a single etag, with or without quotes; "" for others."""
    if sent == "*":
        return "a star"
    if '"' not in sent or _QUOTED.fullmatch(sent):
        return ""
    if "\\" in sent:
        return "an etag with the backslashes of JSON"
    if "," in sent:
        return "a list of etags"
    return "a weak etag" if sent.startswith("W/") else "more than one etag in quotes"


@rule(
    "etag.invented",
    Level.FAIL,
    "An etag that no response contained",
    source=f"{_CATALOGUE}: 1404-412 Version not matching",
    hint="Read the entity and send its etag.",
)
def invented(traffic: Traffic) -> Iterator[Sighting]:
    """The service never returned this etag to the client, and refused it."""
    for call in _unseen(traffic):
        if call.status == 412:
            yield call.seen(f"{call.method} {call.template} sent an etag that no response contained")


@rule(
    "etag.other-entity",
    Level.FAIL,
    "The etag of another entity",
    source=f"{_REFERENCE}: the entity's etag; {_CATALOGUE}: 1404-412 Version not matching",
    hint="Send the etag of the latest response about the same entity.",
)
def other_entity(traffic: Traffic) -> Iterator[Sighting]:
    """Every entity has etags of its own. The client mixes up the responses about two entities."""
    for call in _updates(traffic):
        shown = list(_shown_before(traffic, call)) if call.status == 412 else []
        if shown and all(_owner(earlier, _sent(call)) not in ("", call.entity) for earlier in shown):
            yield call.seen(f"{call.method} {call.template} sent the etag of another entity", shown[-1])


def _owner(earlier: Exchange, etag: str) -> str:
    """The id beside an etag in a response; empty if the response does not assign it to one."""
    facts = earlier.entry.traces.response
    return facts.ids[facts.etags.index(etag)] if len(facts.ids) == len(facts.etags) else ""


@rule(
    "etag.unread",
    Level.WARN,
    "An update of an entity that was not read",
    source=f"{_REFERENCE}: read the entity, then send its etag",
    hint="Read the entity just before the update. An etag from an earlier run is only valid until the next write.",
)
def unread(traffic: Traffic) -> Iterator[Sighting]:
    """The etag is from an earlier session. It is current only by chance."""
    for call in _unseen(traffic):
        if call.succeeded:
            yield call.seen(f"{call.method} {call.template} used an etag from before this session")


@rule(
    "etag.outdated-by-itself",
    Level.FAIL,
    "An etag that the client's own update had replaced",
    source=f"{_REFERENCE}: every write returns the new etag",
    hint="After an update, use the etag in its response.",
)
def outdated_by_itself(traffic: Traffic) -> Iterator[Sighting]:
    """PATCH returns {id, etag} with the new etag. The old one is no longer valid."""
    for call in _updates(traffic):
        if call.status != 412:
            continue
        shown = [earlier.entry.number for earlier in _shown_before(traffic, call)]
        for own in traffic.by_entity[call.entity or ""]:
            written = own.method == "PATCH" and own.succeeded
            if written and shown and max(shown) < own.entry.number < call.entry.number:
                yield call.seen(f"{call.method} {call.template} sent an etag from before its own last update", own)
                break


@rule(
    "etag.stale-repeated",
    Level.FAIL,
    "The same stale etag sent again",
    source=f"{_CATALOGUE}: 1404-412, read it again and retry",
    hint="On 412, read the entity again, apply the change to its new state, and send its new etag.",
)
def stale_repeated(traffic: Traffic) -> Iterator[Sighting]:
    """An etag that was refused with 412 never becomes valid again."""
    refused: dict[tuple[str | None, str], Exchange] = {}
    for call in _updates(traffic):
        key = (call.entity, _sent(call))
        if key in refused and call.status == 412:
            yield call.seen(f"{call.method} {call.template} repeated an etag after a 412", refused[key])
        elif call.status == 412 and any(_shown_before(traffic, call)):
            refused[key] = call
