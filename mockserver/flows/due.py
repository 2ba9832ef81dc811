"""Computes the due runs of a flow: a pure function of the flow, its progress and the time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mockserver.flows import exports
from mockserver.flows.outcome import Span
from mockserver.flows.rules import delta_column
from mockserver.flows.schedule import DueMoments, Schedule
from mockserver.state.records import Doc


class DueRun(NamedTuple):
    """A run that is due by a schedule."""

    at_ms: int
    span: Span
    """The rows it reads."""
    audience: str | None = None
    """Id of the audience that a flow to a destination exports; empty for an export of data sets."""
    merged: int = 0
    """Number of earlier overdue runs that it replaces. It reads their rows, too."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """The runs of a flow that are due and not created yet. Counting them takes the same time for a day and a year."""

    flow: Doc
    last_ms: int | None
    """Moment of the flow's latest run."""
    streams: Sequence[tuple[str | None, DueMoments]]
    """The audience of each schedule of the flow, see `DueRun`."""

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(moments.count for _, moments in self.streams)

    def newest(self, limit: int) -> Iterator[DueRun]:
        """The latest runs of each schedule, oldest first, at most `limit`. The first one replaces the earlier ones."""
        share = max(1, limit // len(self.streams)) if self.streams else 0
        every = [self._newest(audience, moments, share) for audience, moments in self.streams]
        return (run for run, _ in zip(heapq.merge(*every, key=_place), range(limit), strict=False))

    def _newest(self, audience: str | None, moments: DueMoments, limit: int) -> Iterator[DueRun]:
        merged, last, column = max(0, moments.count - limit), self.last_ms, delta_column(self.flow)
        for moment in moments.newest(limit):
            span = self._span(last, moment, column) if audience is None else Span(None, moment)
            yield DueRun(moment, span, audience, merged)
            merged, last = 0, moment

    def _span(self, last: int | None, moment: int, column: str | None) -> Span:
        if last is not None:
            return Span(last, moment, column, whole=False)
        schedule = Schedule.of(self.flow.get("scheduleParams"))
        if schedule is None or schedule.backfill:
            return Span(None, moment, column, whole=True)
        return Span(schedule.start_ms, moment, column, whole=False)


def is_scheduled(flow: Doc) -> bool:
    """Whether a flow has a schedule and therefore runs. A draft may still lack one."""
    return bool(flow.get("provider", {}).get("scheduled"))


def overdue(flow: Doc | None, progress: Mapping[str, Any], now_ms: int) -> Overdue | None:
    """The runs due after the last one in `progress` and up to `now_ms`; None if there are none."""
    if flow is None or flow["state"] != "enabled" or not is_scheduled(flow):
        return None
    active_ms = flow["provider"]["activeMs"]
    if exports.exports(flow):
        streams: list[tuple[str | None, DueMoments]] = list(
            exports.due(flow, progress.get("exported", {}), active_ms, now_ms)
        )
    else:
        schedule = Schedule.of(flow.get("scheduleParams"))
        streams = [(None, schedule.moments(progress["lastMs"], active_ms, now_ms))] if schedule else []
    found = Overdue(flow, progress["lastMs"], [stream for stream in streams if stream[1].count])
    return found if found.streams else None


def _place(run: DueRun) -> tuple[int, str]:
    return run.at_ms, run.audience or ""
