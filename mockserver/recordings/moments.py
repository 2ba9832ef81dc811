"""Finds out when the service created or changed an entity, which later responses of a recording show.

A client filters by these times, to the millisecond. Our record has to have the same time, not that of the request.
"""

from __future__ import annotations

from typing import Any

from mockserver.recordings.lives import shown
from mockserver.recordings.recording import Recording

_MAX_DISTANCE_MS = 60_000
"""Maximum distance from the request's time. Beyond it the clocks of client and service differ."""


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
