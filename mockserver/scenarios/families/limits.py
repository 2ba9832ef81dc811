"""The gateway limits the request rate."""

from __future__ import annotations

from itertools import pairwise

from mockserver.scenarios.scenario import Played, ScenarioOutcome, failed, passed, scenario

_HTTP = "RFC 9110, 10.2.3 Retry-After; RFC 6585, 4: 429"
_TOLERANCE_MS = 50
_BACKOFF_MS = 100
_MAX_ATTEMPTS = 12


@scenario(
    "rate-limit.retry-after",
    "429 with Retry-After",
    {"fault": "rate-limit", "argument": "1", "times": 1},
    happens="The response to the first call is 429 with Retry-After: 1.",
    source=f"{_HTTP}; the gateway's 429050",
    hint="Wait for the number of seconds in Retry-After, then repeat the call.",
    needs="the client made no call",
)
def retry_after(played: Played) -> ScenarioOutcome | None:
    """It repeats the call, but not before the time in Retry-After has passed."""
    [first, *_] = played.struck
    again = played.repeats(first)
    if not again:
        return failed("it gave up after a 429 with Retry-After: 1", first)
    waited = again[0].gap_ms(first)
    if waited + _TOLERANCE_MS < 1000:
        return failed(f"it retried after {waited} ms, but Retry-After required 1000 ms", first, again[0])
    return passed("it waited as long as Retry-After required", first, again[0])


@scenario(
    "rate-limit.no-retry-after",
    "429 without Retry-After",
    {"fault": "rate-limit", "argument": "none", "times": 2},
    happens="The responses to the first two calls are 429 without Retry-After.",
    source="RFC 6585, 4: 429; Retry-After is optional",
    hint="Wait longer before each retry, for example 1, 2 and 4 seconds.",
    needs="the client made no call",
)
def no_retry_after(played: Played) -> ScenarioOutcome | None:
    """It repeats the call, and pauses before the third attempt."""
    [first, *_] = played.struck
    tries = [first, *played.repeats(first)]
    if len(tries) < 3:
        return failed("it gave up after a temporary 429", *tries)
    waits = [later.gap_ms(before) for before, later in pairwise(tries[:3])]
    if waits[1] < _BACKOFF_MS:
        return failed(f"it made three attempts within {sum(waits)} ms", *tries[:3])
    return passed("it waited before it retried", *tries[:3])


@scenario(
    "rate-limit.for-good",
    "Permanent 429",
    {"fault": "rate-limit", "argument": "1"},
    happens="The response to every call is 429 with Retry-After: 1.",
    source=_HTTP,
    hint="Retry a few times, then stop with an error that names the cause.",
    needs="the client made no call",
)
def for_good(played: Played) -> ScenarioOutcome | None:
    """It stops with an error after a few attempts."""
    if len(played.struck) > _MAX_ATTEMPTS:
        return failed(f"it made {len(played.struck)} attempts", *played.struck)
    return played.gave_up(played.struck[-1], "it ended without an error, although no call had succeeded")
