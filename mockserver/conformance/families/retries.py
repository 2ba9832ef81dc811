"""Rules for retries: when, how soon, and which requests not to repeat."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import LOOKUPS, Exchange, Sighting, Traffic

_HTTP = "RFC 9110"
_VOLATILE = frozenset({"x-request-id", "date", "traceparent", "tracestate", "user-agent", "content-length"})
_FINAL = frozenset({400, 403, 405, 413, 415, 422})
"""Errors that a repeated call receives again."""

_CHANGE_NOTHING = frozenset({"previewMappingSet", "validateMappingSet"})
"""Operations that are POST because they have a body."""

_TOLERANCE_MS = 50
_SOON_MS = 200
_POLL_MS = 1_000
_POLLS = 6


def _headers(call: Exchange) -> dict[str, str]:
    return {name: value for name, value in call.headers.items() if name not in _VOLATILE}


def _retry_after_ms(call: Exchange) -> int | None:
    for name, value in call.entry.answer_headers.items():
        if name.lower() == "retry-after" and value.strip().isdecimal():
            return int(value) * 1000
    return None


@rule(
    "retry.ignores-retry-after",
    Level.WARN,
    "A retry before the time in Retry-After",
    source=f"{_HTTP}, 10.2.3; the gateway sends Retry-After with 429",
    hint="Wait for the number of seconds in Retry-After, then retry.",
)
def ignores_retry_after(traffic: Traffic) -> Iterator[Sighting]:
    """Retry-After is the time to wait. A client that retries earlier is refused again, and for longer."""
    waiting: dict[tuple[str, str], Exchange] = {}
    for call in traffic.calls:
        key = (call.method, call.entry.path)
        before = waiting.pop(key, None)
        wanted = _retry_after_ms(before) if before else None
        if before and wanted is not None and call.gap_ms(before) + _TOLERANCE_MS < wanted:
            yield call.seen(f"repeated before the {wanted // 1000} s in Retry-After had passed", before)
        if _retry_after_ms(call) is not None:
            waiting[key] = call


@rule(
    "retry.refused-call",
    Level.WARN,
    "An unchanged call repeated after a permanent refusal",
    source=f"{_HTTP}, 15.5: the client seems to have erred",
    hint="Retry only 429 and 5xx. On other 4xx, read the response and correct the call.",
)
def refused_call(traffic: Traffic) -> Iterator[Sighting]:
    """The same call is refused again. A retry costs time and hides the error."""
    refused: dict[tuple[str | int, ...], Exchange] = {}
    for call in traffic.calls:
        before = refused.get(call.key)
        if before and _headers(before) == _headers(call) and not before.entry.fault:
            yield call.seen(f"{call.method} {call.template} was repeated after a {before.status}", before)
        if call.succeeded and call.method not in LOOKUPS:
            refused.clear()  # the change may have removed the reason, such as a flow or a draft
        if call.status in _FINAL:
            refused.setdefault(call.key, call)


@rule(
    "retry.create-after-unknown-outcome",
    Level.FAIL,
    "A creation repeated without a check whether the first one succeeded",
    source=f"{_HTTP}, 9.2.2: POST is not idempotent; Flow Service has no idempotency key",
    hint="First list the collection filtered by name, and create the entity only if it does not exist.",
)
def create_after_unknown_outcome(traffic: Traffic) -> Iterator[Sighting]:
    """After a 5xx or a broken connection, the entity may exist. A second POST then creates a duplicate."""
    unsure: dict[tuple[str | int, ...], Exchange] = {}
    for call in traffic.calls:
        if call.method == "GET" or call.lists:
            unsure = {key: other for key, other in unsure.items() if other.collection != call.collection}
            continue
        if call.key in unsure:
            yield call.seen(f"{call.method} {call.template} was repeated after an unknown outcome", unsure[call.key])
        if call.creates and call.unknown_outcome:
            unsure[call.key] = call


@rule(
    "retry.no-pause",
    Level.WARN,
    "Retries without a pause",
    source="Common practice: exponential backoff with jitter",
    hint="Wait longer before each retry, for example 1, 2 and 4 seconds.",
)
def no_pause(traffic: Traffic) -> Iterator[Sighting]:
    """Attempts in immediate succession meet the same error and increase the load."""
    run: list[Exchange] = []
    for call in traffic.calls:
        hurried = run and run[-1].key == call.key and call.gap_ms(run[-1]) < _SOON_MS
        if run and not hurried:
            run = []
        run.append(call)
        if len(run) == 3 and all(_passing_trouble(earlier) for earlier in run[:2]):
            yield call.seen(f"{call.method} {call.template} was attempted three times without a pause", *run[:2])
        if not _passing_trouble(call):
            run = []


def _passing_trouble(call: Exchange) -> bool:
    """Whether a response is a temporary error without Retry-After."""
    return (call.status in (429, 500, 502, 503, 504) or call.status == 0) and _retry_after_ms(call) is None


@rule(
    "retry.polling-too-fast",
    Level.WARN,
    "Polling too fast",
    source="No rate is published for Flow Service; a sister product allows 12 calls in 6 seconds per user",
    hint="Wait some seconds between two requests for a state, and longer each time.",
)
def polling_too_fast(traffic: Traffic) -> Iterator[Sighting]:
    """Six or more equal lookups in succession, each less than a second after the one before."""
    run: list[Exchange] = []
    for call in [*traffic.calls, None]:
        if call and run and call.key == run[-1].key and call.gap_ms(run[-1]) < _POLL_MS:
            run.append(call)
            continue
        if len(run) >= _POLLS:
            yield run[-1].seen(f"{run[-1].method} {run[-1].template} was requested without a pause", *run[:-1])
        run = [call] if call and call.method == "GET" and call.succeeded else []


@rule(
    "retry.after-success",
    Level.WARN,
    "A call repeated after it succeeded",
    source=f"{_HTTP}, 15.3: 2xx means that the request was executed",
    hint="Check how the client reads the response. Creations return 201 with id and etag.",
)
def after_success(traffic: Traffic) -> Iterator[Sighting]:
    """A client that repeats a write immediately after it succeeded did not understand the response."""
    for before, call in pairwise(traffic.calls):
        reads = call.method in LOOKUPS or call.lists or call.entry.operation in _CHANGE_NOTHING
        writes = not reads and call.method != "DELETE"
        same = call.key == before.key and call.headers.get("if-match") == before.headers.get("if-match")
        if writes and same and before.succeeded and not before.unknown_outcome:
            yield call.seen(f"{call.method} {call.template} was repeated after its success", before)
