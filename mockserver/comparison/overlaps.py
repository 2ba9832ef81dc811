"""Finds exchanges that overlapped a change of the same entity, so that their order at the service is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mockserver.comparison.symbols import uses
from mockserver.recordings.recording import RecordedExchange

_READING = ("GET", "HEAD", "OPTIONS")


def rivals(exchanges: Sequence[RecordedExchange]) -> dict[int, int]:
    """Number of an exchange -> number of another one that changed the same entity or collection at the same time.

    Exchanges with times in whole seconds or an unknown duration are left out.
    """
    if not any(one.call.received_ms % 1000 for one in exchanges):
        return {}
    return {**_rivals(list(reversed(exchanges))), **_rivals(exchanges)}


def _rivals(exchanges: Sequence[RecordedExchange]) -> dict[int, int]:
    """The rivals among those that come before an exchange."""
    found: dict[int, int] = {}
    nearest: dict[str, RecordedExchange] = {}
    """Entity or collection -> of the changes so far, the one that reaches furthest towards the rest."""
    for one in exchanges:
        for key in _about(one):
            if key in nearest and _overlap(one, nearest[key]):
                found[one.number] = nearest[key].number
        for key in _changed(one):
            if key not in nearest or not _ended_before(one, nearest[key]):
                nearest[key] = one
    return found


def _ended_before(one: RecordedExchange, other: RecordedExchange) -> bool:
    """Whether the later of two exchanges ended before the earlier one, so that this one may overlap more."""
    return one.number > other.number and one.ended_ms < other.ended_ms


def changed_by(exchange: RecordedExchange) -> Iterable[str]:
    """The ids of existing entities that a request changed."""
    is_change = exchange.call.method not in _READING and 200 <= exchange.result.status < 300
    return exchange.ids.values() if is_change else ()


def _about(exchange: RecordedExchange) -> Iterable[str]:
    """The entities that decide a response, and the collection if it is listed."""
    ids = [value for kind, value in uses(exchange) if kind == "id"]
    listed = exchange.call.method in _READING and not exchange.ids
    return [*ids, exchange.call.path] if listed else ids


def _changed(exchange: RecordedExchange) -> Iterable[str]:
    """The entities and the collection that a request changed."""
    if exchange.call.method in _READING or not 200 <= exchange.result.status < 300:
        return ()
    path = exchange.call.path
    for value in exchange.ids.values():
        path = path.partition(f"/{value}")[0]
    return [*exchange.ids.values(), path]


def _overlap(one: RecordedExchange, other: RecordedExchange) -> bool:
    """Whether two exchanges ran at the same time. One may have taken less than a millisecond."""
    starts, ends = (one.call.received_ms, other.call.received_ms), (one.ended_ms, other.ended_ms)
    return min(starts) > 0 and (max(starts) < min(ends) or min(starts) < max(starts) == min(ends) < max(ends))
