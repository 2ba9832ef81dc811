"""Finds out when the service created or changed an entity, which later responses of a recording show.

Clients filter by these times, to the millisecond, so our record needs the same time, not that of the request.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import Any

from mockserver.recordings.lives import shown
from mockserver.recordings.recording import Recording

_MAX_DISTANCE_MS = 60_000
"""Maximum distance from the request's time. Beyond it the clocks of client and service differ."""


_MAX_SKEW_MS = 10 * 366 * 86_400_000
"""Maximum difference of two clocks that is corrected."""


def aligned(recording: Recording) -> Recording:
    """A recording with the times of the service's clock, if that of the client was wrong.

    Clients filter by the times of entities, and these times show which entities existed before.
    """
    skew = _skew(recording)
    if not skew:
        return recording
    moved = (
        replace(one, call=one.call._replace(received_ms=one.call.received_ms + skew), ended_ms=one.ended_ms + skew)
        if one.call.received_ms
        else one
        for one in recording.exchanges
    )
    remark = f"the client's clock was {_in_words(abs(skew))} {'behind' if skew > 0 else 'ahead of'} the service's"
    return replace(recording, exchanges=tuple(moved), remarks=(*recording.remarks, remark))


def _in_words(duration_ms: int) -> str:
    seconds = duration_ms // 1000
    days, hours = seconds // 86_400, seconds // 3_600
    return f"{days} days" if days > 1 else f"{hours} hours" if hours > 1 else f"{seconds} s"


def _skew(recording: Recording) -> int:
    """Milliseconds by which the service's clock is ahead of the client's, as creations show; 0 if they nearly agree."""
    created = {str(doc["id"]): doc.get("createdAt") for one in recording.exchanges for _, doc in shown(one)}
    found = []
    for one in recording.exchanges:
        receipt = one.result.body
        if one.result.status == 201 and isinstance(receipt, dict) and one.call.received_ms:
            time = created.get(str(receipt.get("id")))
            found += [time - one.call.received_ms] if isinstance(time, int) else []
    skew = int(median(found)) if found else 0
    return skew if _MAX_DISTANCE_MS < abs(skew) < _MAX_SKEW_MS else 0


def of_changes(recording: Recording) -> dict[int, int]:
    """Number of an exchange that created or changed an entity -> time of the entity, in milliseconds."""
    times: dict[str, Any] = {}
    """Id -> when it was created; etag -> when it was last updated."""
    for exchange in recording.exchanges:
        for _, doc in shown(exchange):
            times.setdefault(str(doc["id"]), doc.get("createdAt"))
            if doc.get("updatedAt") != doc.get("createdAt"):
                times.setdefault(str(doc.get("etag")), doc.get("updatedAt"))
    found = {}
    for exchange in recording.exchanges:
        receipt, method = exchange.result.body, exchange.call.method
        if method == "GET" or not isinstance(receipt, dict) or not 200 <= exchange.result.status < 300:
            continue
        time = times.get(str(receipt.get("id" if exchange.result.status == 201 else "etag")))
        if isinstance(time, int) and abs(time - exchange.call.received_ms) <= _MAX_DISTANCE_MS:
            found[exchange.number] = time
    return found
