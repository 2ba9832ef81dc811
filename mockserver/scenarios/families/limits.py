"""The gateway limits the request rate."""

from __future__ import annotations

from itertools import pairwise

from mockserver.scenarios.scenario import Played, ScenarioOutcome, failed, passed, scenario

_HTTP = "RFC 9110, 10.2.3 Retry-After; RFC 6585, 4: 429"
_TOLERANCE_MS = 50
_BACKOFF_MS = 100
_ENOUGH = 12


@scenario(
    "rate-limit.retry-after",
    "429 with Retry-After",
    {"fault": "rate-limit", "argument": "1", "times": 1},
    happens="The first call is answered 429 with Retry-After: 1.",
    source=f"{_HTTP}; the gateway's 429050",
    hint="Wait as many seconds as Retry-After says, then make the same call again.",
    needs="the client made no call",
)
def retry_after(played: Played) -> ScenarioOutcome | None:
    """It makes the same call again, no sooner than Retry-After says."""
    [first, *_] = played.struck
    again = played.repeats(first)
    if not again:
        return failed("it gave up at a 429 that asked for one second's patience", first)
    waited = again[0].gap_ms(first)
    if waited + _TOLERANCE_MS < 1000:
        return failed(f"it was back after {waited} ms; Retry-After had asked for 1000", first, again[0])
    return passed("it waited as long as it was asked to", first, again[0])


@scenario(
    "rate-limit.no-retry-after",
    "429 without Retry-After",
    {"fault": "rate-limit", "argument": "none", "times": 2},
    happens="The first two calls are answered 429, and nothing says for how long.",
    source="RFC 6585, 4: 429; Retry-After is a MAY there",
    hint="Wait longer before each further try, for example 1, 2 and 4 seconds.",
    needs="the client made no call",
)
def no_retry_after(played: Played) -> ScenarioOutcome | None:
    """It makes the same call again, and not a third time without a pause."""
    [first, *_] = played.struck
    tries = [first, *played.repeats(first)]
    if len(tries) < 3:
        return failed("it gave up at a 429 that would have passed", *tries)
    waits = [later.gap_ms(before) for before, later in pairwise(tries[:3])]
    if waits[1] < _BACKOFF_MS:
        return failed(f"it tried three times within {sum(waits)} ms", *tries[:3])
    return passed("it waited before it tried once more", *tries[:3])


@scenario(
    "rate-limit.for-good",
    "429 without end",
    {"fault": "rate-limit", "argument": "1"},
    happens="Every call is answered 429 with Retry-After: 1.",
    source=_HTTP,
    hint="Try a few times, then stop with an error that says why.",
    needs="the client made no call",
)
def for_good(played: Played) -> ScenarioOutcome | None:
    """It stops after some tries and says so."""
    if len(played.struck) > _ENOUGH:
        return failed(f"it tried {len(played.struck)} times", *played.struck)
    return played.gave_up(played.struck[-1], "it ended as if all were well, though no call had succeeded")
