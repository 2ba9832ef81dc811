"""Responses that are damaged, or valid but unusual."""

from __future__ import annotations

from mockserver.exchange import DRAFT
from mockserver.scenarios.scenario import Played, ScenarioOutcome, failed, passed, scenario

_LOOKUP = "the client made no GET"
_NO_ID = frozenset({"None", "null", "undefined", "nil", "NaN", "%7B%7D", "[object Object]"})
"""Texts that programming languages put into a path for a missing value."""
_MAX_REPEATS = 5
_TOLERANT = "Flow Service documents add members without a new version; JSON objects have no order (RFC 8259, 4)"


def _noticed(played: Played, what: str) -> ScenarioOutcome:
    first = played.struck[0]
    again = played.repeats(first)
    if again:
        good = any(later.succeeded for later in again)
        return passed("it repeated the lookup", first, again[0]) if good else failed("it never succeeded", first)
    return played.gave_up(first, f"it continued with {what}")


@scenario(
    "answer.truncated",
    "A truncated response",
    {"fault": "truncate", "method": "GET", "times": 1},
    happens="The connection ends in the middle of the response to the first lookup.",
    source="RFC 9112, 8: a body shorter than its Content-Length is incomplete",
    hint="Use an HTTP library that checks the length of the body, and repeat the lookup.",
    needs=_LOOKUP,
)
def truncated(played: Played) -> ScenarioOutcome | None:
    """It repeats the lookup, or stops with an error."""
    return _noticed(played, "a truncated response")


@scenario(
    "answer.malformed",
    "A response that is not JSON",
    {"fault": "malformed-json", "method": "GET", "times": 1},
    happens="The response to the first lookup is not JSON, although its Content-Type is.",
    source="RFC 8259, 2: grammar of JSON texts",
    hint="Report the parse error, or repeat the lookup.",
    needs=_LOOKUP,
)
def malformed(played: Played) -> ScenarioOutcome | None:
    """It repeats the lookup, or stops with an error."""
    return _noticed(played, "a response that cannot be parsed")


@scenario(
    "answer.empty",
    "200 without a body",
    {"fault": "empty-answer", "method": "GET", "times": 1},
    happens="The response to the first lookup is 200 without a body.",
    source="Flow Service API reference: lookups return JSON",
    hint="Treat a missing body as an error.",
    needs=_LOOKUP,
)
def empty(played: Played) -> ScenarioOutcome | None:
    """It repeats the lookup, or stops with an error."""
    return _noticed(played, "a response without a body")


@scenario(
    "answer.unknown-members",
    "Unknown members in responses",
    {"fault": "unknown-members"},
    happens="Every response has additional members that the client does not know.",
    source=_TOLERANT,
    hint="Read the members you need and ignore the others. Do not forbid additional members in response models.",
    needs="no response was an object",
)
def unknown_members(played: Played) -> ScenarioOutcome | None:
    """It continues as usual."""
    return played.unmoved(by="unknown members")


@scenario(
    "answer.reordered-members",
    "Members in another order",
    {"fault": "reordered-members"},
    happens="Every response has its members in another order.",
    source=_TOLERANT,
    hint="Read members by name.",
    needs="no response was an object",
)
def reordered_members(played: Played) -> ScenarioOutcome | None:
    """It continues as usual."""
    return played.unmoved(by="members in another order")


@scenario(
    "answer.draft-state",
    "Entities that are drafts",
    {"fault": "draft-state"},
    happens="Every entity that the client looks up has the state draft.",
    source="draft tutorial: state is draft until the entity is published",
    hint="Accept draft as a value of state.",
    needs="the client looked up no entity",
)
def draft_state(played: Played) -> ScenarioOutcome | None:
    """It continues as usual."""
    if not any(f'"{DRAFT}"' in call.entry.answer for call in played.struck):
        return None
    return played.unmoved(by="the state draft")


@scenario(
    "answer.empty-list",
    "A list without items",
    {"fault": "empty-list"},
    happens="Every list is empty.",
    source="Flow Service API reference: items may be empty",
    hint="Check that there are items before you use the first one.",
    needs="the client listed nothing",
)
def empty_list(played: Played) -> ScenarioOutcome | None:
    """It continues or stops. It neither requests an entity without an id nor repeats the list request many times."""
    first = played.struck[0]
    nobody = [call for call in played.after(first) if call.entity in _NO_ID]
    if nobody:
        return failed(f"it requested {nobody[0].entry.path[:80]}", first, nobody[0])
    again = played.repeats(first)
    if len(again) > _MAX_REPEATS:
        return failed(f"it requested the list {len(again) + 1} times", first, *again)
    return passed("it accepted the empty list", first)
