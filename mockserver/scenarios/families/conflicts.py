"""Another client changes the same sandbox."""

from __future__ import annotations

from mockserver.conformance.traffic import Exchange
from mockserver.scenarios.scenario import Played, ScenarioOutcome, failed, passed, scenario

_ETAG = "error catalogue: 1404-412 Version not matching"
_READ_AGAIN = "On 412, read the entity again, apply the change to its new state, and send its new etag."
_MAX_CALLS = 3


def _overtaken(played: Played) -> ScenarioOutcome | None:
    overtaken = [call for call in played.struck if call.status == 412]
    if not overtaken:
        return None
    refused = {call.headers.get("if-match"): call for call in overtaken}
    first = overtaken[0]
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
            return failed("it sent the refused etag again", before, later)
        if not looked:
            return failed("it overwrote the other client's change without reading it", first, later)
        if later.succeeded:
            return passed("it read the entity again and sent the new etag", first, later)
        looked = False
    return played.gave_up(first, "it ended as if its change had succeeded")


@scenario(
    "conflict.stale-etag",
    "A concurrent update",
    {"fault": "stale-etag", "times": 1},
    happens="Another client updates the entity between the client's read and its PATCH: 412 (1404-412).",
    source=_ETAG,
    hint=_READ_AGAIN,
    needs="the client changed nothing under If-Match",
)
def stale_etag(played: Played) -> ScenarioOutcome | None:
    """It reads the entity again and sends the new etag, or stops with an error."""
    return _overtaken(played)


@scenario(
    "conflict.stale-etag-twice",
    "Two concurrent updates",
    {"fault": "stale-etag", "times": 2},
    happens="Another client updates the entity, and updates it again after the client has read it again.",
    source=_ETAG,
    hint=f"{_READ_AGAIN} Repeat this a few times, not only once.",
    needs="the client changed nothing under If-Match",
)
def stale_etag_twice(played: Played) -> ScenarioOutcome | None:
    """It reads the entity again before each retry, or stops with an error."""
    return _overtaken(played)


@scenario(
    "conflict.deleted",
    "A concurrent deletion",
    {"fault": "deleted", "times": 1},
    happens="Another client deletes the entity just before the client's first call to it: 404 (1439-404).",
    source="error catalogue: 1439-404",
    hint="Accept that the entity no longer exists. For a deletion, 404 is a success.",
    needs="the client made no call to a single entity",
)
def deleted(played: Played) -> ScenarioOutcome | None:
    """It neither repeats the call nor tries to change the deleted entity."""
    first = played.struck[0]
    again = played.repeats(first)
    if again:
        return failed("it repeated the call", first, again[0])
    writes = [call for call in _about(played, first) if call.method in ("PATCH", "PUT") or "action" in call.segments]
    if writes:
        return failed("it tried to change the deleted entity", first, writes[0])
    return passed("it accepted that the entity no longer exists", first)


def _about(played: Played, first: Exchange) -> list[Exchange]:
    return [call for call in played.after(first) if call.entity == first.entity]


@scenario(
    "conflict.sandbox-gone",
    "The sandbox is deleted",
    {"fault": "sandbox-gone", "skip": 1},
    happens="From the second call on, the sandbox no longer exists: 404 (2100-404).",
    source="error catalogue: 2100-404 Sandbox not found",
    hint="Distinguish 2100-404 from 1439-404 by the type in the body, and stop: no call to this sandbox can succeed.",
    needs="the client made fewer than two calls",
)
def sandbox_gone(played: Played) -> ScenarioOutcome | None:
    """It stops with an error after a few calls."""
    if len(played.struck) > _MAX_CALLS:
        return failed(f"it made {len(played.struck)} calls to a deleted sandbox", *played.struck)
    return played.gave_up(played.struck[-1], "it ended without an error")
