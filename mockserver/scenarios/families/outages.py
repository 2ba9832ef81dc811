"""The service or the network fails, briefly or for long."""

from __future__ import annotations

from mockserver.conformance.traffic import Exchange
from mockserver.scenarios.scenario import Played, ScenarioOutcome, failed, passed, scenario

_AGAIN = "A lookup can be repeated safely: wait a little and make the same call again, a few times."
_SAFE = "RFC 9110, 9.2.2: a safe method may be repeated"
_LOOKUP = "the client made no GET"
_PATIENCE_MS = 3000
_ENOUGH = 12


def _made_again(played: Played, trouble: str) -> ScenarioOutcome:
    first = played.struck[0]
    again = played.repeats(first)
    if not again:
        return failed(f"it gave up at {trouble} that was over a moment later", first)
    if not any(later.succeeded for later in again):
        return failed("it made the call again but never saw it succeed", first, *again)
    return passed("it made the call again, and it succeeded", first, again[0])


@scenario(
    "outage.unavailable-once",
    "503 once",
    {"fault": "unavailable", "method": "GET", "times": 1},
    happens="The first lookup is answered 503 (1103-503).",
    source=f"error catalogue: 1103-503; {_SAFE}",
    hint=_AGAIN,
    needs=_LOOKUP,
)
def unavailable_once(played: Played) -> ScenarioOutcome | None:
    """It makes the lookup again."""
    return _made_again(played, "a 503")


@scenario(
    "outage.bad-gateway",
    "An HTML page from a proxy",
    {"fault": "bad-gateway", "method": "GET", "times": 1},
    happens="The first lookup is answered 502 by a proxy on the way, in HTML.",
    source=_SAFE,
    hint=f"Look at the status before parsing a body. {_AGAIN}",
    needs=_LOOKUP,
)
def bad_gateway(played: Played) -> ScenarioOutcome | None:
    """It looks at the status, not at the page, and makes the lookup again."""
    return _made_again(played, "a 502")


@scenario(
    "outage.connection-reset",
    "A broken connection",
    {"fault": "reset", "method": "GET", "times": 1},
    happens="The connection breaks before the first lookup is answered.",
    source=_SAFE,
    hint=_AGAIN,
    needs=_LOOKUP,
)
def connection_reset(played: Played) -> ScenarioOutcome | None:
    """It makes the lookup again."""
    return _made_again(played, "a broken connection")


@scenario(
    "outage.for-good",
    "503 without end",
    {"fault": "unavailable"},
    happens="Every call is answered 503 (1103-503).",
    source="error catalogue: 1103-503",
    hint="Try a few times with growing pauses, then stop with an error that says why.",
    needs="the client made no call",
)
def outage_for_good(played: Played) -> ScenarioOutcome | None:
    """It stops after some tries and says so."""
    if len(played.struck) > _ENOUGH:
        return failed(f"it tried {len(played.struck)} times", *played.struck)
    return played.gave_up(played.struck[-1], "it ended as if all were well, though no call had succeeded")


@scenario(
    "outage.slow-answer",
    "A slow answer",
    {"fault": "latency", "argument": str(_PATIENCE_MS), "method": "GET", "times": 1},
    happens="The first lookup is answered after three seconds.",
    source="common practice; explore waits for a database behind the service",
    hint="Set a read timeout of ten seconds or more, and no lower one for the whole call.",
    needs=_LOOKUP,
)
def slow_answer(played: Played) -> ScenarioOutcome | None:
    """It waits: no second call while the first is under way, no timeout below three seconds."""
    slow = played.struck[0]
    if slow.entry.traces.hung_up:
        return failed("it hung up before the answer came, which took three seconds", slow, *played.repeats(slow)[:1])
    hasty = [again for again in played.repeats(slow) if again.gap_ms(slow) < _PATIENCE_MS]
    if hasty:
        return failed(f"it asked again after {hasty[0].gap_ms(slow)} ms", slow, hasty[0])
    return played.unmoved(by="an answer that took three seconds")


def _unknown_outcome(played: Played) -> ScenarioOutcome | None:
    """Whether the client looked for the entity before it created a second one."""
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
                return failed("it created a second time without a look whether the first had worked", created, later)
            return failed("it looked, and yet made a second one of what was there", created, later)
    if looked:
        return passed("it looked whether the entity was there", created)
    return played.gave_up(created, "it went on without a look whether the entity was there")


def _same_entity(one: Exchange, other: Exchange) -> bool:
    name = one.members.get("name")
    return one.key == other.key or (name is not None and name == other.members.get("name"))


@scenario(
    "create.unknown-outcome",
    "500 for a creation that worked",
    {"fault": "applied-500", "method": "POST", "path": "/*", "times": 1},
    happens="The first creation is carried out, but its answer is 500 (1400-500).",
    source="RFC 9110, 9.2.2: POST is not idempotent; Flow Service has no idempotency key",
    hint="List the collection filtered by name, and create only what is not there.",
    needs="the client created nothing",
)
def create_unknown_outcome(played: Played) -> ScenarioOutcome | None:
    """It looks for the entity before it creates a second time, or stops."""
    return _unknown_outcome(played)


@scenario(
    "create.answer-lost",
    "The answer to a creation is lost",
    {"fault": "answer-lost", "method": "POST", "path": "/*", "times": 1},
    happens="The first creation is carried out, then the connection breaks.",
    source="RFC 9110, 9.2.2: POST is not idempotent; Flow Service has no idempotency key",
    hint="Do not let the HTTP library repeat POST by itself. List the collection filtered by name first.",
    needs="the client created nothing",
)
def create_answer_lost(played: Played) -> ScenarioOutcome | None:
    """It looks for the entity before it creates a second time, or stops."""
    return _unknown_outcome(played)
