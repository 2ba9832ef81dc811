"""Events that arrive at an inlet: they are counted in one run per hour, and landed as a batch of that run.

How often the service creates runs of a stream is not documented; an hour is assumed. A run is created by its first
event and has the state success from then on, with the numbers so far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mockserver.exchange import Tenant
from mockserver.flows import landing, progress
from mockserver.flows.outcome import FAILED, SUCCESS, Course, Span, batch_id
from mockserver.json_input import dumps
from mockserver.runtime import derived_id
from mockserver.state.records import Doc
from mockserver.state.store import Missing, Put, Stale, Taken
from mockserver.world import World

HOUR_MS = 3_600_000
_INVALID = "DCVS-1106-400"
_MESSAGE = "Some events did not pass streaming validation."


@dataclass(frozen=True, slots=True)
class Arrival:
    """Events of one request for one flow."""

    events: Sequence[Mapping[str, Any]]
    """Valid events as received: rows of the data set, or raw."""
    invalid: int = 0
    """Number of events that failed validation."""


def arrive(world: World, tenant: Tenant, flow: Doc, arrival: Arrival) -> None:
    """Land the valid events, and count all in the flow's run of this hour. Raises StorageUnavailable.

    The rows are written first, and the run counts their bytes: whatever ends the server in between, a run has the rows
    that it counts, and the next event of the run removes others.
    """
    now = world.runtime.clock.now_ms()
    start = now // HOUR_MS * HOUR_MS
    run_id = derived_id(flow["id"], f"hour {now // HOUR_MS}")
    with landing.stream_file(world, tenant, flow, batch_id(run_id, start), arrival.events) as write:
        while True:
            old = world.store.get(tenant, progress.RUNS, run_id)
            run = _counted(world, flow, run_id, old, arrival, now)
            if (landed := write(old.get("landed") if old else 0)) is not None:
                run["landed"] = landed
            puts = [Put(progress.RUNS, run, old["etag"] if old else None)]
            if old is None:
                puts.append(_latest(world, tenant, flow, run_id, now))
            try:
                world.store.transact(tenant, puts)
            except (Stale, Taken, Missing):
                continue
            return


def _counted(world: World, flow: Doc, run_id: str, old: Doc | None, arrival: Arrival, now_ms: int) -> dict[str, Any]:
    """The run with these events in its numbers."""
    start = now_ms // HOUR_MS * HOUR_MS
    before = Course(*old["course"]) if old else Course(start, start, start, 0, 0, 0, 0)
    failing = before.failing + arrival.invalid
    size = sum(len(dumps(dict(event))) for event in arrival.events)
    rows = before.rows + len(arrival.events) + arrival.invalid
    error = (_INVALID, _MESSAGE) if failing else ()
    course = Course(start, start, max(now_ms, start + 1), rows, before.bytes + size, 1, failing, *error)
    state = SUCCESS if not failing else world.quirks["partial-run-status"] if rows > failing else FAILED
    made = old["createdAt"] if old else now_ms
    span = Span(start, start + HOUR_MS)
    return {
        **progress.of_flow(flow, run_id, made),
        "updatedAt": now_ms,
        "span": list(span),
        "course": list(course),
        "state": state,
    }


def _latest(world: World, tenant: Tenant, flow: Doc, run_id: str, now_ms: int) -> Put:
    """The flow's progress, with this run as its latest."""
    old = world.store.get(tenant, progress.PROGRESS, flow["id"])
    known = old or {"id": flow["id"], "runs": 0, "lastMs": None, "latest": None, "ahead": []}
    changed = {**known, "updatedAt": now_ms, "runs": known["runs"] + 1, "latest": run_id}
    return Put(progress.PROGRESS, changed, old["etag"] if old else None)
