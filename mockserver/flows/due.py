"""Which runs of a flow are due: a pure function of the flow, its progress and the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mockserver.flows import exports
from mockserver.flows.outcome import Span
from mockserver.flows.rules import delta_column
from mockserver.flows.schedule import Schedule
from mockserver.state.records import Doc


class DueRun(NamedTuple):
    """A run that a schedule asks for."""

    at_ms: int
    span: Span
    """What it reads."""
    audience: str | None = None
    """What it exports, if the flow leads to a destination: an audience, or the data sets under an empty name."""


def is_scheduled(flow: Doc) -> bool:
    """Whether a flow's spec has a schedule, so that it has runs; a draft may not be that far."""
    return bool(flow.get("provider", {}).get("scheduled"))


def due_runs(flow: Doc | None, progress: Mapping[str, Any], now_ms: int) -> Iterator[DueRun]:
    """The runs that became due since the last one in `progress`, up to `now_ms`, in the order of time."""
    if flow is None or flow["state"] != "enabled" or not is_scheduled(flow):
        return
    active_ms = flow["provider"]["activeMs"]
    if exports.exports(flow):
        for moment, audience in exports.due(flow, dict(progress.get("exported", {})), active_ms, now_ms):
            yield DueRun(moment, Span(None, moment), audience)
        return
    schedule = Schedule.of(flow.get("scheduleParams"))
    if schedule is None:
        return
    last, column = progress["lastMs"], delta_column(flow)
    for moment in schedule.moments(last, active_ms, now_ms):
        if last is not None:
            yield DueRun(moment, Span(last, moment, column, whole=False))
        elif schedule.backfill:
            yield DueRun(moment, Span(None, moment, column, whole=True))
        else:
            yield DueRun(moment, Span(schedule.start_ms, moment, column, whole=False))
        last = moment
