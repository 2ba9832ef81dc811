"""Lays out calls as a timeline: one lane per operation, one dot per call, gaps for pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mockserver.journal.entries import Entry
from mockserver.pages import answered

LANE = 26
LEFT, TOP, RIGHT = 14, 30, 14
MAX_DOTS = 600
_LONGEST_NAME = 24
_PAUSE_MS = 1_000
_PAUSE_STEPS = 2
_NARROW, _WIDE = 18, 48
_COMFORTABLE = 900
"""Width up to which dots are spread."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One call. Lengths are in SVG units."""

    x: int
    y: int
    entry: Entry
    kind: str
    """Class of the status: ok, refused, failed or none."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A period without calls."""

    x: int
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The elements of the drawing."""

    dots: tuple[Dot, ...]
    lanes: tuple[tuple[int, str], ...]
    """Vertical position -> operation."""
    pauses: tuple[Pause, ...]
    left_out: int
    """Number of later calls that are not drawn."""

    @property
    def width(self) -> int:
        """Size of the drawing."""
        return max((self.dots[-1].x if self.dots else 0) + RIGHT + _NARROW, _COMFORTABLE)

    @property
    def names_width(self) -> int:
        """Width of the column with operations, for a font of size 11."""
        return 14 + 7 * max((len(name) for _, name in self.lanes), default=0)

    @property
    def height(self) -> int:
        """Size of the drawing."""
        return TOP + LANE * len(self.lanes)


def lay_out(entries: Sequence[Entry]) -> Timeline:
    """Lay out calls in their order, and lanes in the order of their first call."""
    shown = entries[:MAX_DOTS]
    step = max(_NARROW, min(_WIDE, _COMFORTABLE // (len(shown) + 1)))
    names = list(dict.fromkeys(_lane(entry) for entry in shown))
    row = {name: TOP + LANE * number + LANE // 2 for number, name in enumerate(names)}
    dots: list[Dot] = []
    pauses: list[Pause] = []
    x = LEFT
    for number, entry in enumerate(shown):
        waited = entry.at_ms - shown[number - 1].at_ms if number else 0
        if waited >= _PAUSE_MS:
            pauses.append(Pause(x + step, _duration(waited)))
            x += _PAUSE_STEPS * step
        x += step if number else 0
        dots.append(Dot(x, row[_lane(entry)], entry, answered(entry.status)))
    lanes = tuple((row[name], name) for name in names)
    return Timeline(tuple(dots), lanes, tuple(pauses), len(entries) - len(shown))


def _lane(entry: Entry) -> str:
    name = entry.operation or "no operation"
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _duration(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
