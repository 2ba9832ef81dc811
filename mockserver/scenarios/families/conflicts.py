"""Another client changes the same sandbox."""

from __future__ import annotations

from mockserver.conformance.traffic import Exchange
from mockserver.scenarios.scenario import Played, ScenarioOutcome, failed, passed, scenario

_ETAG = "error catalogue: 1404-412 Version not matching"
_READ_AGAIN = "On 412 read the entity, apply the change to what it is now, and send the etag of that answer."
_LAST_WORDS = 3


def _overtaken(played: Played) -> ScenarioOutcome:
    refused = {call.headers.get("if-match"): call for call in played.struck if call.status == 412}
    first = played.struck[0]
    looked = False
    for later in played.after(first):
        if later.entity != first.entity:
            continue
        if later.method == "GET":
            looked = looked or later.succeeded
        if later.method != first.method:
            continue
        before = refused.get(later.headers.get("if-match"))
        if before is not None and before is not later and before.entry.number < later.entry.number:
            return failed("it sent an etag again that had been refused", before, later)
        if not looked:
            return failed("it wrote over the other's change without reading it", first, later)
        if later.succeeded:
            return passed("it read the entity again and wrote to what it had become", first, later)
        looked = False
    return played.gave_up(first, "it ended as if its change had been made")


@scenario(
    "conflict.stale-etag",
    "Somebody else was faster",
    {"fault": "stale-etag", "times": 1},
    happens="Between the client's reading and its PATCH somebody else writes the entity: 412 (1404-412).",
    source=_ETAG,
    hint=_READ_AGAIN,
    needs="the client sent no If-Match",
)
def stale_etag(played: Played) -> ScenarioOutcome | None:
    """It reads the entity again and sends the new etag, or stops and says so."""
    return _overtaken(played)


@scenario(
    "conflict.stale-etag-twice",
    "Somebody else was faster, twice",
    {"fault": "stale-etag", "times": 2},
    happens="The client is overtaken a second time, after it has read the entity again.",
    source=_ETAG,
    hint=f"{_READ_AGAIN} Do so a few times, not once.",
    needs="the client sent no If-Match",
)
def stale_etag_twice(played: Played) -> ScenarioOutcome | None:
    """It reads the entity before each further try, or stops and says so."""
    return _overtaken(played)


@scenario(
    "conflict.deleted",
    "Somebody else deletes the entity",
    {"fault": "deleted", "times": 1},
    happens="The entity is deleted right before the client's first call about it: 404 (1439-404).",
    source="error catalogue: 1439-404",
    hint="Take 404 for an answer: the entity is gone. For a deletion that is success.",
    needs="the client made no call about one entity",
)
def deleted(played: Played) -> ScenarioOutcome | None:
    """It does not make the same call again, nor another that changes what is gone."""
    first = played.struck[0]
    again = played.repeats(first)
    if again:
        return failed("it made the same call again", first, again[0])
    writes = [call for call in _about(played, first) if call.method in ("PATCH", "PUT") or "action" in call.segments]
    if writes:
        return failed("it went on to change an entity that was gone", first, writes[0])
    return passed("it took the entity for gone", first)


def _about(played: Played, first: Exchange) -> list[Exchange]:
    return [call for call in played.after(first) if call.entity == first.entity]


@scenario(
    "conflict.sandbox-gone",
    "The sandbox is gone",
    {"fault": "sandbox-gone", "skip": 1},
    happens="From the second call on the sandbox is not there any more: 404 (2100-404).",
    source="error catalogue: 2100-404 Sandbox not found",
    hint="Tell 2100-404 from 1439-404 by the type in the body: nothing more can be done in this sandbox.",
    needs="the client made fewer than two calls",
)
def sandbox_gone(played: Played) -> ScenarioOutcome | None:
    """It stops within a few calls and says so."""
    if len(played.struck) > _LAST_WORDS:
        return failed(f"it made {len(played.struck)} calls in a sandbox that was gone", *played.struck)
    return played.gave_up(played.struck[-1], "it ended as if all were well")
