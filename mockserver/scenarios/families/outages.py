"""The service or the network fails, temporarily or permanently."""

from __future__ import annotations

from mockserver.conformance.traffic import Exchange
from mockserver.scenarios.scenario import Played, ScenarioOutcome, failed, passed, scenario

_AGAIN = "A lookup can be repeated safely: wait a moment and retry a few times."
_SAFE = "RFC 9110, 9.2.2: a safe method may be repeated"
_LOOKUP = "the client made no GET"
_DELAY_MS = 3000
_MAX_ATTEMPTS = 12


def _repeated(played: Played, trouble: str) -> ScenarioOutcome:
    first = played.struck[0]
    again = played.repeats(first)
    if not again:
        return failed(f"it gave up after {trouble}, which was temporary", first)
    if not any(later.succeeded for later in again):
        return failed("it repeated the call, but never successfully", first, *again)
    return passed("it repeated the call successfully", first, again[0])


@scenario(
    "outage.unavailable-once",
    "A single 503",
    {"fault": "unavailable", "method": "GET", "times": 1},
    happens="The response to the first lookup is 503 (1103-503).",
    source=f"error catalogue: 1103-503; {_SAFE}",
    hint=_AGAIN,
    needs=_LOOKUP,
)
def unavailable_once(played: Played) -> ScenarioOutcome | None:
    """It repeats the lookup."""
    return _repeated(played, "a 503")


@scenario(
    "outage.bad-gateway",
    "An HTML page from a proxy",
    {"fault": "bad-gateway", "method": "GET", "times": 1},
    happens="The response to the first lookup is a 502 with HTML, from a proxy.",
    source=_SAFE,
    hint=f"Check the status before you parse the body. {_AGAIN}",
    needs=_LOOKUP,
)
def bad_gateway(played: Played) -> ScenarioOutcome | None:
    """It checks the status, ignores the page, and repeats the lookup."""
    return _repeated(played, "a 502")


@scenario(
    "outage.connection-reset",
    "A broken connection",
    {"fault": "reset", "method": "GET", "times": 1},
    happens="The connection is reset before the response to the first lookup.",
    source=_SAFE,
    hint=_AGAIN,
    needs=_LOOKUP,
)
def connection_reset(played: Played) -> ScenarioOutcome | None:
    """It repeats the lookup."""
    return _repeated(played, "a broken connection")


@scenario(
    "outage.for-good",
    "Permanent 503",
    {"fault": "unavailable"},
    happens="The response to every call is 503 (1103-503).",
    source="error catalogue: 1103-503",
    hint="Retry a few times with growing pauses, then stop with an error that names the cause.",
    needs="the client made no call",
)
def outage_for_good(played: Played) -> ScenarioOutcome | None:
    """It stops with an error after a few attempts."""
    if len(played.struck) > _MAX_ATTEMPTS:
        return failed(f"it made {len(played.struck)} attempts", *played.struck)
    return played.gave_up(played.struck[-1], "it ended without an error, although no call had succeeded")


@scenario(
    "outage.slow-answer",
    "A slow response",
    {"fault": "latency", "argument": str(_DELAY_MS), "method": "GET", "times": 1},
    happens="The response to the first lookup takes three seconds.",
    source="common practice; explore waits for a database behind the service",
    hint="Set a read timeout of at least ten seconds, and no shorter timeout for the whole call.",
    needs=_LOOKUP,
)
def slow_answer(played: Played) -> ScenarioOutcome | None:
    """It waits. It neither times out within three seconds nor repeats the call meanwhile."""
    slow = played.struck[0]
    if slow.entry.traces.hung_up:
        return failed("it disconnected before the response, which took three seconds", slow, *played.repeats(slow)[:1])
    hasty = [again for again in played.repeats(slow) if again.gap_ms(slow) < _DELAY_MS]
    if hasty:
        return failed(f"it repeated the call after {hasty[0].gap_ms(slow)} ms", slow, hasty[0])
    return played.unmoved(by="a response that took three seconds")


def _unknown_outcome(played: Played) -> ScenarioOutcome | None:
    """Judge whether the client checked for the entity before it repeated the creation."""
    created = next((call for call in played.struck if call.creates), None)
    if created is None:
        return None
    looked = False
    for later in played.after(created):
        if later.collection != created.collection:
            continue
        looked = looked or later.lists
        if later.creates and _same_entity(later, created):
            if not looked:
                return failed("it repeated the creation without checking for the first entity", created, later)
            return failed("it checked, but created the entity a second time", created, later)
    if looked:
        return passed("it checked whether the entity exists", created)
    return played.gave_up(created, "it continued without checking whether the entity exists")


def _same_entity(one: Exchange, other: Exchange) -> bool:
    name = one.members.get("name")
    return one.key == other.key or (name is not None and name == other.members.get("name"))


@scenario(
    "create.unknown-outcome",
    "500 after a successful creation",
    {"fault": "applied-500", "method": "POST", "path": "/*", "times": 1},
    happens="The first creation succeeds, but its response is 500 (1400-500).",
    source="RFC 9110, 9.2.2: POST is not idempotent; Flow Service has no idempotency key",
    hint="List the collection filtered by name, and create the entity only if it does not exist.",
    needs="the client created nothing",
)
def create_unknown_outcome(played: Played) -> ScenarioOutcome | None:
    """It checks whether the entity exists before it repeats the creation, or stops with an error."""
    return _unknown_outcome(played)


@scenario(
    "create.answer-lost",
    "The response to a creation is lost",
    {"fault": "answer-lost", "method": "POST", "path": "/*", "times": 1},
    happens="The first creation succeeds, but the connection is reset before its response.",
    source="RFC 9110, 9.2.2: POST is not idempotent; Flow Service has no idempotency key",
    hint="Do not let the HTTP library retry POST automatically. First list the collection filtered by name.",
    needs="the client created nothing",
)
def create_answer_lost(played: Played) -> ScenarioOutcome | None:
    """It checks whether the entity exists before it repeats the creation, or stops with an error."""
    return _unknown_outcome(played)
