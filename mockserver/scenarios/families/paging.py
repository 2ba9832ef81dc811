"""Lists with several pages."""

from __future__ import annotations

import re

from mockserver.conformance.traffic import Exchange
from mockserver.scenarios.scenario import Played, ScenarioOutcome, failed, passed, scenario

_BY_NAME = re.compile(r"\s*(?:name|id)\s*==?\s*(?:\"[^\"]*\"|[^\",]*)\s*")
"""A filter for one name or id."""
_SOURCE = "Flow Service API reference: _links.next is present on every page but the last"


def _offering(played: Played, fault: str = "short-pages") -> list[Exchange]:
    """First pages with a link to a next page."""
    return [call for call in played.struck_by(fault) if call.entry.traces.response.next_page]


def _read_on(played: Played, first: Exchange) -> tuple[list[Exchange], list[Exchange]]:
    """The pages that a client read from a first page on, and the pages it read again."""
    pages, again, place = [first], [], first
    while place.entry.traces.response.next_page:
        token = place.entry.traces.response.next_page
        asked = [call for call in played.after(place) if call.argument("continuationToken") == token]
        good = [call for call in asked if call.succeeded]
        if not good:
            break
        again += good[1:]
        place = good[0]
        pages.append(place)
    return pages, again


def _enough(first: Exchange) -> bool:
    """Whether a first page can be all that a client wanted: one entity by its name, or the first few in some order."""
    limit = first.argument("limit") or ""
    few = limit.isdecimal() and (limit == "1" or (len(limit) < 3 and first.argument("orderby") is not None))
    return few or any(_BY_NAME.fullmatch(value) for name, value in first.query if name == "property")


@scenario(
    "paging.three-pages",
    "A list of three pages",
    {"fault": "short-pages", "argument": "3"},
    happens="Pages are so short that every list has at least three. Records are added if there are too few.",
    source=_SOURCE,
    hint="Follow _links.next.href until a response has none, whatever limit you sent.",
    needs="the client requested no list with pages, or only an entity by its name or the first few in some order",
)
def three_pages(played: Played) -> ScenarioOutcome | None:
    """It reads every page of a list exactly once."""
    offers = _offering(played)
    if not offers:
        return None
    readings = [_read_on(played, first) for first in offers]
    for pages, again in readings:
        if again:
            return failed("it read a page twice", *pages, *again)
    for pages, _ in readings:
        if not pages[-1].entry.traces.response.next_page:
            return passed(f"it read all {len(pages)} pages", *pages)
    unread = [pages for pages, _ in readings if len(pages) > 1 or not _enough(pages[0])]
    if not unread:
        return None
    pages = max(unread, key=len)
    return failed(f"it stopped after page {len(pages)}, although the page had _links.next", *pages)


@scenario(
    "paging.token-expires",
    "A page token expires",
    {"fault": "short-pages", "argument": "3"},
    {"fault": "page-token-expired", "times": 1},
    happens="A list has at least three pages, and the request for the second one is refused with 400 (1452-400).",
    source="error catalogue: 1452-400; the lifetime of continuation tokens is not documented",
    hint="Start the list again, or stop with an error. Do not treat an incomplete list as complete.",
    needs="the client requested no second page",
)
def token_expires(played: Played) -> ScenarioOutcome | None:
    """It starts the list again, or stops with an error."""
    refused = played.struck_by("page-token-expired")
    if not refused:
        return None
    for later in played.after(refused[0]):
        if later.key == refused[0].key:
            return failed("it sent the same continuation token again", refused[0], later)
        if later.lists and later.collection == refused[0].collection and not later.argument("continuationToken"):
            return passed("it started the list again", refused[0], later)
    return played.gave_up(refused[0], "it treated an incomplete list as complete")
