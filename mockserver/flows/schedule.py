"""Schedules of flows: parses `scheduleParams` and computes the moments of runs. Pure functions.

Days and weeks are multiples of 24 hours from the start time, without time zones (assumed).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

EVERY_MS = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}
"""Frequency -> milliseconds of an interval of 1."""

ONCE = "once"
_NUMBERS = ("startTime", "endTime", "interval")
_WHOLE = re.compile(r"-?[0-9]{1,15}")
MAX_SECONDS = 10**11
"""Latest accepted start time in seconds: more than three thousand years away."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A parsed schedule."""

    start_ms: int
    every_ms: int | None
    """Milliseconds between runs; None for a single run."""
    backfill: bool = True
    """Whether the first run also reads rows from before the start time (documented default)."""

    @classmethod
    def of(cls, params: Any) -> Schedule | None:
        """Parse `scheduleParams` as sent or stored; None if they define no schedule."""
        params = coerced(params)
        if not isinstance(params, Mapping):
            return None
        start, interval = params.get("startTime"), params.get("interval")
        frequency = params.get("frequency", params.get("timeUnit"))  # of a source's flow, of a destination's
        if type(start) is not int or not 0 <= start <= MAX_SECONDS:
            return None
        backfill = params.get("backfill") is not False
        if frequency == ONCE:
            return cls(start * 1000, None, backfill)
        if frequency not in EVERY_MS or type(interval) is not int or interval < 1:
            return None
        return cls(start * 1000, EVERY_MS[frequency] * interval, backfill)

    def moments(self, last_ms: int | None, active_ms: int, until_ms: int) -> DueMoments:
        """The moments of due runs after `last_ms`, up to and including `until_ms`, ascending.

        `last_ms` is the latest run's moment, None before the first. `active_ms` is when the flow was last
        enabled or rescheduled: runs due before it are skipped, except that an overdue first run
        takes place immediately (assumed).
        """
        first = None
        if last_ms is None:
            first = last_ms = max(self.start_ms, active_ms)
            if first > until_ms:
                return NO_MOMENTS
        if self.every_ms is None:
            return DueMoments(first, range(0))
        passed = max(last_ms, active_ms, self.start_ms - 1)
        due = self.start_ms + ((passed - self.start_ms) // self.every_ms + 1) * self.every_ms
        return DueMoments(first, range(due, until_ms + 1, self.every_ms))


@dataclass(frozen=True, slots=True)
class DueMoments:
    """The moments of due runs: those of the grid, and one before them that need not be on it."""

    first: int | None
    grid: range

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.grid) + (self.first is not None)

    def newest(self, limit: int) -> Iterator[int]:
        """The latest ones, ascending."""
        if self.first is not None and len(self.grid) < limit:
            yield self.first
        yield from self.grid[max(0, len(self.grid) - limit) :]


NO_MOMENTS = DueMoments(None, range(0))


def coerced(params: Any) -> Any:
    """`scheduleParams` with numbers and booleans converted from text: the tutorials send text (facts §8.4)."""
    if not isinstance(params, Mapping):
        return params
    read = dict(params)
    for name in _NUMBERS:
        if name in read:
            read[name] = whole(read[name])
    if isinstance(read.get("backfill"), str) and read["backfill"].lower() in ("true", "false"):
        read["backfill"] = read["backfill"].lower() == "true"
    return read


def whole(value: Any) -> Any:
    """An integer sent as text, converted; anything else unchanged."""
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
