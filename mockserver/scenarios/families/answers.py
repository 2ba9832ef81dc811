"""Responses that are damaged, or valid but unusual."""

from __future__ import annotations

from mockserver.scenarios.scenario import Played, ScenarioOutcome, failed, passed, scenario

_LOOKUP = "the client made no GET"
_NO_ID = frozenset({"None", "null", "undefined", "nil", "NaN", "%7B%7D", "[object Object]"})
"""Texts that languages put into a path for a missing value."""
_PATIENCE = 5
_DRAFT = "draft"
_TOLERANT = "Flow Service documents add members without a new version; JSON objects have no order (RFC 8259, 4)"


def _noticed(played: Played, what: str) -> ScenarioOutcome:
    first = played.struck[0]
    again = played.repeats(first)
    if again:
        good = any(later.succeeded for later in again)
        return passed("it made the lookup again", first, again[0]) if good else failed("it never succeeded", first)
    return played.gave_up(first, f"it went on with {what}")


@scenario(
    "answer.truncated",
    "Half an answer",
    {"fault": "truncate", "method": "GET", "times": 1},
    happens="The connection ends in the middle of the first lookup's answer.",
    source="RFC 9112, 8: a body shorter than its Content-Length is incomplete",
    hint="Use a client library that checks the length, and make the lookup again.",
    needs=_LOOKUP,
)
def truncated(played: Played) -> ScenarioOutcome | None:
    """It makes the lookup again, or stops and says so."""
    return _noticed(played, "half an answer")


@scenario(
    "answer.malformed",
    "An answer that is not JSON",
    {"fault": "malformed-json", "method": "GET", "times": 1},
    happens="The first lookup's answer says that it is JSON, and is not.",
    source="RFC 8259, 2: what a JSON text is",
    hint="Let the parse error surface, or make the lookup again.",
    needs=_LOOKUP,
)
def malformed(played: Played) -> ScenarioOutcome | None:
    """It makes the lookup again, or stops and says so."""
    return _noticed(played, "an answer that cannot be parsed")


@scenario(
    "answer.empty",
    "200 without a body",
    {"fault": "empty-answer", "method": "GET", "times": 1},
    happens="The first lookup is answered 200, and the body is missing.",
    source="Flow Service API reference: lookups answer with JSON",
    hint="Take a missing body for a failure.",
    needs=_LOOKUP,
)
def empty(played: Played) -> ScenarioOutcome | None:
    """It makes the lookup again, or stops and says so."""
    return _noticed(played, "an answer that had no body")


@scenario(
    "answer.unknown-members",
    "Members that nobody announced",
    {"fault": "unknown-members"},
    happens="Every answer has members that the client cannot know.",
    source=_TOLERANT,
    hint="Read the members you need and pass over the others; forbid extras nowhere in the models of answers.",
    needs="no answer was an object",
)
def unknown_members(played: Played) -> ScenarioOutcome | None:
    """It goes on as ever."""
    return played.unmoved(by="members that it did not know")


@scenario(
    "answer.reordered-members",
    "Members in another order",
    {"fault": "reordered-members"},
    happens="Every answer has its members in another order.",
    source=_TOLERANT,
    hint="Take members by name.",
    needs="no answer was an object",
)
def reordered_members(played: Played) -> ScenarioOutcome | None:
    """It goes on as ever."""
    return played.unmoved(by="members in another order")


@scenario(
    "answer.draft-state",
    "Entities that are drafts",
    {"fault": "draft-state"},
    happens="Whatever the client looks up is in the state draft.",
    source="draft tutorial: state is draft until the entity is published",
    hint="Take draft for one of the values of state.",
    needs="the client looked up no entity",
)
def draft_state(played: Played) -> ScenarioOutcome | None:
    """It goes on as ever."""
    if not any(f'"{_DRAFT}"' in call.entry.answer for call in played.struck):
        return None
    return played.unmoved(by="a state it may not have met")


@scenario(
    "answer.empty-list",
    "A list without items",
    {"fault": "empty-list"},
    happens="Every list is empty.",
    source="Flow Service API reference: items may be empty",
    hint="Look whether there are items before taking the first.",
    needs="the client listed nothing",
)
def empty_list(played: Played) -> ScenarioOutcome | None:
    """It goes on or stops in order: it does not ask for an entity without an id, nor for the list again and again."""
    first = played.struck[0]
    nobody = [call for call in played.after(first) if call.entity in _NO_ID]
    if nobody:
        return failed(f"it asked for {nobody[0].entry.path[:80]}", first, nobody[0])
    again = played.repeats(first)
    if len(again) > _PATIENCE:
        return failed(f"it asked for the list {len(again) + 1} times", first, *again)
    return passed("it took the list for what it was", first)
