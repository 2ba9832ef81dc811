"""Rules for lists: pages, limits, filters and order."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic, listed, means_page
from mockserver.conformance.unfilled import unfilled

_REFERENCE = "Flow Service API reference, lists"
_CATALOGUE = "Flow Service error catalogue"
_FILTER_CODES = frozenset(f"{code}-400" for code in (1423, 1440, 1443, 1448, 1449, 1450, 1452, 1453, 1454))
_MAX_LIMIT = 100
_TIMES = re.compile(
    r"\b(createdAt|updatedAt|lastOperation\.(?:started|updated)|\w+AtUTC)(?:[=!<>]=?|==)\"?([0-9][0-9T:.Z+-]*)"
)
"""Members that hold a time, and what they are compared with."""

_MILLISECONDS = re.compile(r"[0-9]{12,14}(?:\.[0-9]*)?|0")


@rule(
    "paging.limit-above-maximum",
    Level.WARN,
    "A limit above the maximum",
    source="Destinations reference: limit is at most 100; what happens above is not said",
    hint="Ask for at most 100 and follow _links.next.",
)
def limit_above_maximum(traffic: Traffic) -> Iterator[Sighting]:
    """A page never holds more than 100: the limit is lowered in silence or refused, and entities seem to be missing."""
    for call in traffic.calls:
        limit = call.argument("limit") or ""
        if call.lists and call.method == "GET" and limit.isdecimal() and len(limit) < 12 and int(limit) > _MAX_LIMIT:
            yield call.seen(f"{call.method} {call.template} asked for more than {_MAX_LIMIT} entities on one page")


@rule(
    "paging.limit-invalid",
    Level.FAIL,
    "A limit that is no number from 1",
    source=f"{_REFERENCE}: limit is an integer",
    hint="Send a number from 1 to 100, or no limit.",
)
def limit_invalid(traffic: Traffic) -> Iterator[Sighting]:
    """Zero, negative numbers and words are no page size."""
    for call in traffic.calls:
        for violation in (*call.violations("query"), *call.violations("body")):
            a_limit = violation.pointer in ("limit", "/limit") and violation.keyword != "unknown"
            if a_limit and violation.expected and not unfilled(call.argument("limit") or ""):
                yield call.seen(f"{call.method} {call.template}: limit must be {violation.expected}")


@rule(
    "paging.count-with-limit",
    Level.FAIL,
    "count=true together with limit",
    source=f"{_CATALOGUE}: 1401-400",
    hint="Send count=true alone: the answer is the number, without a page.",
)
def count_with_limit(traffic: Traffic) -> Iterator[Sighting]:
    """A count has no pages; count=false beside a limit is harmless."""
    for call in traffic.calls:
        if (call.argument("count") or "").lower() == "true" and call.argument("limit") is not None:
            yield call.seen(f"{call.method} {call.template} sent count=true with limit")


@rule(
    "paging.token-altered",
    Level.FAIL,
    "A continuation token that was changed on its way",
    source=f"{_REFERENCE}: continuationToken is opaque",
    hint="Take the token out of _links.next.href as it stands and send it back unchanged.",
)
def token_altered(traffic: Traffic) -> Iterator[Sighting]:
    """The token resembles one the service gave: it was decoded, shortened or lengthened."""
    for call, offer in _foreign_tokens(traffic):
        if offer is not None:
            yield call.seen(f"{call.method} {call.template} sent a changed continuationToken", offer)


@rule(
    "paging.token-invented",
    Level.FAIL,
    "A continuation token that the service never gave",
    source=f"{_REFERENCE}: continuationToken is made by the system",
    hint="Ask for the first page without one, then follow _links.next.href.",
)
def token_invented(traffic: Traffic) -> Iterator[Sighting]:
    """A token made by hand, a page number for instance, leads nowhere or to the wrong page."""
    for call, offer in _foreign_tokens(traffic):
        if offer is None and traffic.whole:
            yield call.seen(f"{call.method} {call.template} sent a continuationToken that no answer had given")


def _foreign_tokens(traffic: Traffic) -> Iterator[tuple[Exchange, Exchange | None]]:
    """Calls with a token that was not given, each with the answer whose token it resembles."""
    for call in traffic.calls:
        sent = call.argument("continuationToken")
        if sent is None or unfilled(sent):
            continue
        offers = (traffic.pages_given.get(sent), traffic.pages_given.get(unquote(sent)))
        if any(offer and offer.entry.number < call.entry.number for offer in offers):
            continue
        yield call, next((offer for token, offer in traffic.pages_given.items() if _resembles(sent, token)), None)


def _resembles(sent: str, given: str) -> bool:
    if len(sent) >= 6 and (given.startswith(sent[:6]) or sent in given):
        return True
    try:
        decoded = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
    except ValueError:
        return False
    return len(sent) >= 4 and sent.encode("utf-8", "replace")[:12] in decoded


@rule(
    "paging.page-repeated",
    Level.WARN,
    "The same page fetched again and again",
    source=f"{_REFERENCE}: each answer links the next page",
    hint="Follow _links.next.href of the last answer as it stands, and stop when _links is empty.",
)
def page_repeated(traffic: Traffic) -> Iterator[Sighting]:
    """A client that keeps sending one token, or sends it under another name, sees some entities often, others never."""
    fetched: dict[tuple[str, str], Exchange] = {}
    first_pages: dict[tuple[str, object], Exchange] = {}
    for call in traffic.calls:
        if not call.lists or not call.succeeded:
            continue
        token = call.argument("continuationToken")
        if token is not None:
            before = fetched.setdefault((call.entry.path, token), call)
            if before is not call:
                yield call.seen(f"{call.method} {call.template} fetched one page more than once", before)
            continue
        # begins anew, and may meet the same tokens
        fetched = {key: other for key, other in fetched.items() if key[0] != call.entry.path}
        place = (call.entry.path, call.entry.tenant)
        first = first_pages.get(place)
        sent = sorted(_beyond(call) - _beyond(first)) if first else []
        if first and sent and _same_page(first, call):
            names = listed(dict.fromkeys(name for name, _ in sent))
            yield call.seen(f"{call.method} {call.template} sent {names} and was given the first page again", first)
        else:
            first_pages[place] = call


def _beyond(call: Exchange) -> set[tuple[str, str]]:
    """What a call sent that the operation does not know, by which a client may mean another page."""
    unknown = {violation.pointer for violation in call.violations("query", "unknown")}
    unknown |= {violation.pointer.lstrip("/") for violation in call.violations("body", "unknown")}
    sent = [*call.query, *((name, json.dumps(value)) for name, value in call.members.items())]
    named = {(name[:80], value) for name, value in sent if name[:80] in unknown}
    return named | {(name, value) for name, value in call.headers.items() if means_page(name)}


def _same_page(first: Exchange, call: Exchange) -> bool:
    offered, ids = first.entry.traces.told.next_page, first.entry.traces.told.ids
    return bool(offered and ids) and ids == call.entry.traces.told.ids


@rule(
    "paging.first-page-only",
    Level.INFO,
    "A list read to the end of its first page only",
    source=f"{_REFERENCE}: without limit a page holds at most 100 entities",
    hint="Follow _links.next.href until _links is empty, or send the limit you mean.",
)
def first_page_only(traffic: Traffic) -> Iterator[Sighting]:
    """The client asked for everything, the answer linked a next page, and it was never fetched."""
    followed = {call.argument("continuationToken") for call in traffic.calls}
    for call in traffic.calls:
        offered = call.entry.traces.told.next_page
        if call.lists and offered and offered not in followed and call.argument("limit") is None:
            asked_in_body = isinstance(call.body, dict) and "limit" in call.body
            if not asked_in_body:
                yield call.seen(f"{call.method} {call.template} linked a next page that was never fetched")


@rule(
    "filter.refused",
    Level.FAIL,
    "A property filter the service cannot read",
    source=f"{_CATALOGUE}: 1423 and 1440 to 1454; filtering tutorial",
    hint="Write property=path==value; repeat the parameter to demand several; a comma between values means or.",
)
def filter_refused(traffic: Traffic) -> Iterator[Sighting]:
    """An operator, field or value of the filter is not one the service takes."""
    for call in traffic.calls:
        filters = call.argument("property") is not None or "queryString" in call.members
        elsewhere = any(violation.pointer != "property" for violation in call.violations("query"))
        if filters and call.entry.error in _FILTER_CODES and not elsewhere:
            yield call.seen(f"{call.method} {call.template} sent a filter that was refused with {call.entry.error}")


@rule(
    "filter.time-unit",
    Level.WARN,
    "A time in a filter that is not in milliseconds",
    source=f"{_REFERENCE}: createdAt and updatedAt are milliseconds since 1970",
    hint="Write milliseconds, as answers have them: createdAt>=1767225600000.",
)
def time_unit(traffic: Traffic) -> Iterator[Sighting]:
    """Compared with seconds or with a date, every record is newer or none is: the filter passes all, or nothing."""
    for call in traffic.calls:
        if not call.lists or not call.succeeded:
            continue
        for path, value in _TIMES.findall(" ".join(_filters(call))):
            if not _MILLISECONDS.fullmatch(value):
                yield call.seen(
                    f"{call.method} {call.template} compared {path} with a time that is not in milliseconds"
                )


def _filters(call: Exchange) -> Iterator[str]:
    """The property filters of a call, those in a search's body too."""
    text = call.members.get("queryString")
    searched = parse_qsl(text.lstrip("?")) if isinstance(text, str) else []
    yield from (value for name, value in (*call.query, *searched) if name == "property")


@rule(
    "orderby.refused",
    Level.FAIL,
    "An order the service does not know",
    source=f"{_CATALOGUE}: 1432-400, 1433-400",
    hint="Write orderby=name, +name or -name, encoded as %2Bname; `:desc` is not taken.",
)
def orderby_refused(traffic: Traffic) -> Iterator[Sighting]:
    """The direction is a sign before the field, and the field one that can be sorted by."""
    for call in traffic.calls:
        if call.entry.error in ("1432-400", "1433-400"):
            yield call.seen(f"{call.method} {call.template} sent an orderby that was refused with {call.entry.error}")
