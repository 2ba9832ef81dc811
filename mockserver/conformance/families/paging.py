"""Rules for lists: pages, limits, filters and order."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

from mockserver.conformance.findings import Level, listed
from mockserver.conformance.refusals import because
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic
from mockserver.conformance.unfilled import unfilled
from mockserver.json_input import Json

_REFERENCE = "Flow Service API reference, lists"
_CATALOGUE = "Flow Service error catalogue"
_FILTER_CODES = frozenset(f"{code}-400" for code in (1423, 1440, 1443, 1448, 1449, 1450, 1452, 1453, 1454))
_MAX_LIMIT = 100
_TIMES = re.compile(
    r"\b(createdAt|updatedAt|lastOperation\.(?:started|updated)|\w+AtUTC)\s*[=!<>]=?\s*\"?([0-9][0-9T:.Z+-]*)"
)
"""Members that contain a time, and the value they are compared with."""

_COLLECTIONS = frozenset({"connections", "sourceConnections", "targetConnections", "flows", "runs"})
_NESTED = re.compile(r"\s*(\w+(?:\[\])?(?:\.\w+(?:\[\])?)+)\s*[=!<>]")
"""A filter by a member below another."""

_VALUE = r"\A[^=]*+=++\s*+"
_QUOTES = re.compile(rf"{_VALUE}(?:'.*'|[`“”„‘’].*)\s*\Z", re.DOTALL)
_WILDCARD = re.compile(rf"{_VALUE}\"?(?:[*%].*|.*(?:\*|(?<![0-9 ])%))\"?\s*\Z", re.DOTALL)
"""Filters whose value looks like a quoted text, or like a pattern. A number with % is a percentage."""
_ENCODED_TWICE = re.compile(r"%(?:2[0-9A-F]|3[A-F]|40|5[BD]|C[23]%)")
"""A character that is still encoded after the query was decoded."""
_JOINED = re.compile(r"[=<>][^\"=<>]{0,256}?(?:[,;&|]|\s)\s*(?:property=)?[A-Za-z][\w.\[\]]{0,64}\s*(?:[=!<>]=|[<>])")
"""A filter with a second member and operator. The service reads a comma as "or", and only between values."""
_TAKEN_LITERALLY = (
    (_JOINED, "several conditions in one parameter"),
    (_QUOTES, "quotes that are not double quotes"),
    (_ENCODED_TWICE, "a value that was encoded twice"),
    (_WILDCARD, "a wildcard"),
)
"""Forms of a filter, and what a client means by them. All but the first may be right if the filter finds something."""

_MILLISECONDS = re.compile(r"[0-9]{12,14}(?:\.[0-9]*)?|0")

_NO_LETTER = re.compile(r"[^a-z]")
_PAGES = frozenset({
    *("continuationtoken", "continuation", "continuationkey", "continuetoken", "nextcontinuationtoken", "cursor"),
    *("pagetoken", "nextpagetoken", "nexttoken", "nextpage", "next", "page", "pagenumber", "offset", "start", "skip"),
    *("skiptoken", "after", "marker"),
})  # fmt: skip

_LONG_PAGES = tuple(page for page in _PAGES if len(page) > 5)
"""Those that longer names may end with: `x-continuation-token`, `lastCursor`."""


@rule(
    "paging.limit-above-maximum",
    Level.WARN,
    "A limit above the maximum",
    source="Destinations reference: limit is at most 100; what happens above is not documented",
    hint="Send a limit of at most 100 and follow _links.next.",
)
def limit_above_maximum(traffic: Traffic) -> Iterator[Sighting]:
    """A page has at most 100 entities. A higher limit is silently lowered, so that entities seem to be missing."""
    for call in traffic.calls:
        limit = call.argument("limit") or ""
        if call.lists and call.method == "GET" and limit.isdecimal() and len(limit) < 12 and int(limit) > _MAX_LIMIT:
            yield call.seen(f"{call.method} {call.template} requested more than {_MAX_LIMIT} entities on one page")


@rule(
    "paging.limit-invalid",
    Level.FAIL,
    "A limit that is not a positive integer",
    source=f"{_REFERENCE}: limit is an integer",
    hint="Send an integer from 1 to 100, or no limit.",
)
def limit_invalid(traffic: Traffic) -> Iterator[Sighting]:
    """Zero, negative numbers and words are not valid page sizes."""
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
    hint="Send count=true without limit. The response contains only the number.",
)
def count_with_limit(traffic: Traffic) -> Iterator[Sighting]:
    """A count has no pages. count=false with a limit is allowed."""
    for call in traffic.calls:
        if (call.argument("count") or "").lower() == "true" and call.argument("limit") is not None:
            yield call.seen(f"{call.method} {call.template} sent count=true with limit")


@rule(
    "paging.token-altered",
    Level.FAIL,
    "A continuation token that was changed",
    source=f"{_REFERENCE}: continuationToken is opaque",
    hint="Send the token in _links.next.href unchanged.",
)
def token_altered(traffic: Traffic) -> Iterator[Sighting]:
    """The token resembles one from the service, but was decoded, shortened or extended."""
    for call, offer in _foreign_tokens(traffic):
        if offer is not None:
            yield call.seen(f"{call.method} {call.template} sent a changed continuationToken", offer)


@rule(
    "paging.token-invented",
    Level.FAIL,
    "A continuation token that no response contained",
    source=f"{_REFERENCE}: continuationToken is generated by the system",
    hint="Request the first page without a token, then follow _links.next.href.",
)
def token_invented(traffic: Traffic) -> Iterator[Sighting]:
    """An invented token, such as a page number, leads to an error or to the wrong page."""
    for call, offer in _foreign_tokens(traffic):
        if offer is None and traffic.whole:
            unknown = "a continuationToken that no response contained"
            sent = unknown if call.argument("continuationToken") else "an empty continuationToken"
            yield call.seen(f"{call.method} {call.template} sent {sent}")


def _foreign_tokens(traffic: Traffic) -> Iterator[tuple[Exchange, Exchange | None]]:
    """Calls with an unknown token, each with the exchange whose token it resembles, if any."""
    for call in traffic.calls:
        sent = call.argument("continuationToken")
        if sent is None or unfilled(sent) or not call.lists or not call.entry.operation:
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
    "The same page requested repeatedly",
    source=f"{_REFERENCE}: each page links to the next one",
    hint="Follow _links.next.href of the last response unchanged, and stop when _links is empty.",
)
def page_repeated(traffic: Traffic) -> Iterator[Sighting]:
    """A client that repeats a token, or sends it under another name, sees some entities repeatedly and others never."""
    fetched: dict[tuple[str, str], Exchange] = {}
    first_pages: dict[tuple[str, object], Exchange] = {}
    for call in traffic.calls:
        if not call.lists or not call.succeeded:
            continue
        token = call.argument("continuationToken")
        if token is not None:
            before = fetched.setdefault((call.entry.path, token), call)
            if before is not call:
                yield call.seen(f"{call.method} {call.template} requested one page more than once", before)
            continue
        # a call without a token starts the list again, and may lead to the same tokens
        fetched = {key: other for key, other in fetched.items() if key[0] != call.entry.path}
        place = (call.entry.path, call.entry.tenant)
        first = first_pages.get(place)
        sent = sorted(_beyond(call) - _beyond(first)) if first else []
        if first and sent and _same_page(first, call):
            names = listed(dict.fromkeys(name for name, _ in sent))
            yield call.seen(f"{call.method} {call.template} sent {names} and received the first page again", first)
        else:
            first_pages[place] = call


def _beyond(call: Exchange) -> set[tuple[str, str]]:
    """Unknown parameters and members of a call that may be meant to select another page."""
    unknown = {violation.pointer for violation in call.violations("query", "unknown")}
    unknown |= {violation.pointer.lstrip("/") for violation in call.violations("body", "unknown")}
    sent = [*call.query, *((name, json.dumps(value)) for name, value in call.members.items())]
    named = {(name[:80], value) for name, value in sent if name[:80] in unknown}
    return named | {(name, value) for name, value in call.headers.items() if _means_page(name)}


def _means_page(name: str) -> bool:
    """Whether a header of this name selects a page, by token, number or start."""
    plain = _NO_LETTER.sub("", name.lower())
    return plain in _PAGES or plain.endswith(_LONG_PAGES)


def _same_page(first: Exchange, call: Exchange) -> bool:
    offered, ids = first.entry.traces.response.next_page, first.entry.traces.response.ids
    return bool(offered and ids) and ids == call.entry.traces.response.ids


@rule(
    "paging.first-page-only",
    Level.INFO,
    "A list of which only the first page was read",
    source=f"{_REFERENCE}: without limit, a page has at most 100 entities",
    hint="Follow _links.next.href until _links is empty, or send a limit.",
)
def first_page_only(traffic: Traffic) -> Iterator[Sighting]:
    """The client requested a whole list, the response linked to a next page, and the client did not request it."""
    followed = {call.argument("continuationToken") for call in traffic.calls}
    for call in traffic.calls:
        offered = call.entry.traces.response.next_page
        if call.lists and offered and offered not in followed and call.argument("limit") is None:
            asked_in_body = isinstance(call.body, dict) and "limit" in call.body
            if not asked_in_body:
                yield call.seen(f"{call.method} {call.template} linked to a next page, which was never requested")


@rule(
    "filter.refused",
    Level.FAIL,
    "An invalid property filter",
    source=f"{_CATALOGUE}: 1423 and 1440 to 1454; filtering tutorial",
    hint="Write property=path==value. Repeat the parameter for `and`; separate values with commas for `or`.",
)
def filter_refused(traffic: Traffic) -> Iterator[Sighting]:
    """The service does not accept an operator, field or value of the filter."""
    for call in traffic.calls:
        filters = call.argument("property") is not None or "queryString" in call.members
        elsewhere = any(violation.pointer != "property" for violation in call.violations("query"))
        if filters and call.entry.error in _FILTER_CODES and not elsewhere:
            yield call.seen(f"{call.method} {call.template} sent a filter that was refused{because(call)}")


@rule(
    "filter.taken-literally",
    Level.WARN,
    "A filter with quotes, wildcards or operators that count as text",
    source="Filtering tutorial: values stand alone or in double quotes; no page has wildcards or `and` (assumed)",
    hint='Write property=name==orders or property=name=="orders", compare with the whole value, and send the parameter '
    "property once for each condition.",
)
def taken_literally(traffic: Traffic) -> Iterator[Sighting]:
    """Single quotes, wildcards, `and`, %20 and a second condition in the same parameter are compared like letters."""
    for call in traffic.calls:
        suspects = _TAKEN_LITERALLY if _found_nothing(call) else _TAKEN_LITERALLY[:1]
        for text in _filters(call) if call.lists and call.succeeded else ():
            found = next((what for form, what in suspects if form.search(text)), None)
            if found:
                yield call.seen(f"{call.method} {call.template} filtered with {found}")


@rule(
    "filter.no-such-member",
    Level.WARN,
    "A filter by a member that the entities do not have",
    source=f"{_REFERENCE}: the members of each entity; adobe/aepp issue 42 on connectionSpec.name",
    hint="Look up one entity to see its members. For those of a connector, filter by connectionSpec.id.",
)
def no_such_member(traffic: Traffic) -> Iterator[Sighting]:
    """The service refuses unknown members at the top (1449), but below one an unknown name matches no entity."""
    for call in traffic.calls:
        operation = traffic.contract.operations.get(call.entry.operation or "")
        records = operation.responses.get("200") if operation else None
        if not call.lists or not call.succeeded or call.collection not in _COLLECTIONS or records is None:
            continue
        for text in _filters(call):
            path = _NESTED.match(text)
            if path and any(records.unknown_members({"items": [_with_member(path[1].split("."))]})):
                yield call.seen(f"{call.method} {call.template} filtered by {path[1][:80]}, which no entity has")


def _with_member(steps: list[str]) -> Json:
    """A record that has a member at a path, such as `transformations[].name`."""
    if not steps:
        return 0
    inner, name = _with_member(steps[1:]), steps[0]
    return {name.removesuffix("[]"): [inner] if name.endswith("[]") else inner}


@rule(
    "filter.time-unit",
    Level.WARN,
    "A time in a filter that is not in milliseconds",
    source=f"{_REFERENCE}: createdAt and updatedAt are milliseconds since 1970",
    hint="Write milliseconds, as in responses: createdAt>=1767225600000.",
)
def time_unit(traffic: Traffic) -> Iterator[Sighting]:
    """If a time is compared with seconds or a date, the filter matches every record or none."""
    for call in traffic.calls:
        if not call.lists or not call.succeeded:
            continue
        for path, value in _TIMES.findall(" ".join(_filters(call))):
            if not _MILLISECONDS.fullmatch(value):
                yield call.seen(
                    f"{call.method} {call.template} compared {path} with a time that is not in milliseconds"
                )


def _found_nothing(call: Exchange) -> bool:
    """Whether this is a list or a count without results."""
    answer = call.answer if call.lists and call.succeeded and isinstance(call.answer, dict) else {}
    return answer.get("items") == [] or answer.get("count") == 0


def _filters(call: Exchange) -> Iterator[str]:
    """The property filters of a call, including those in the body of a search."""
    text = call.members.get("queryString")
    searched = parse_qsl(text.lstrip("?")) if isinstance(text, str) else []
    yield from (value for name, value in (*call.query, *searched) if name == "property")


@rule(
    "orderby.refused",
    Level.FAIL,
    "An invalid orderby",
    source=f"{_CATALOGUE}: 1432-400, 1433-400",
    hint="Write orderby=name, -name or +name (encoded as %2Bname). `:desc` is not supported.",
)
def orderby_refused(traffic: Traffic) -> Iterator[Sighting]:
    """The direction is a sign before the field, and the list must be sortable by the field."""
    for call in traffic.calls:
        if call.entry.error in ("1432-400", "1433-400"):
            yield call.seen(f"{call.method} {call.template} sent an orderby that was refused{because(call)}")
