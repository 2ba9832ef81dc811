"""Computes the due runs of a flow: a pure function of the flow, its progress and the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mockserver.flows import exports
from mockserver.flows.outcome import Span
from mockserver.flows.rules import delta_column
from mockserver.flows.schedule import Schedule
from mockserver.state.records import Doc


class DueRun(NamedTuple):
    """A run that is due by a schedule."""

    at_ms: int
    span: Span
    """The rows it reads."""
    audience: str | None = None
    """Id of the audience that a flow to a destination exports; empty for an export of data sets."""


def is_scheduled(flow: Doc) -> bool:
    """Whether a flow has a schedule and therefore runs. A draft may still lack one."""
    return bool(flow.get("provider", {}).get("scheduled"))


def due_runs(flow: Doc | None, progress: Mapping[str, Any], now_ms: int) -> Iterator[DueRun]:
    """The runs due after the last one in `progress` and up to `now_ms`, oldest first."""
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
