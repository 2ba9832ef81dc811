"""Cells computed from the row number: a row always has the same values and needs no other row.

A table of a million rows therefore costs nothing until a row is read.
"""

from __future__ import annotations

import datetime as dt
import re
import zlib
from abc import ABC, abstractmethod
from bisect import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from mockserver.sources.columns import Value, shown

_MASK = 2**64 - 1
_SLOT = re.compile(r"\{(\w+)\}")


class Cells(ABC):
    """The values of one column by row number, counted from 0."""

    rising: ClassVar[bool] = False
    """Whether values never decrease and none is NULL: windows are then found by bisection."""

    @abstractmethod
    def __call__(self, row: int) -> Value:
        """The value in a row."""


class Chance:
    """Uniform 64-bit numbers by row, from a seed text (splitmix64)."""

    def __init__(self, seed: str) -> None:
        self._seed = zlib.crc32(seed.encode()) * 0xD1342543DE82EF95 & _MASK

    def bits(self, row: int) -> int:
        """64 bits for a row."""
        state = self._seed + (row + 1) * 0x9E3779B97F4A7C15 & _MASK
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
        return state ^ state >> 31

    def below(self, row: int, limit: int) -> int:
        """A number from 0 to `limit` - 1."""
        return self.bits(row) * limit >> 64


@dataclass(frozen=True, slots=True)
class ListedCells(Cells):
    """Literal values."""

    values: Sequence[Value]

    def __call__(self, row: int) -> Value:
        """The value in a row."""
        return self.values[row]


@dataclass(frozen=True, slots=True)
class Constant(Cells):
    """The same value in every row."""

    value: Value

    def __call__(self, row: int) -> Value:
        """The value in a row."""
        return self.value


@dataclass(frozen=True, slots=True)
class ComputedCells(Cells):
    """A function of the row number."""

    make: Callable[[int], Value]

    def __call__(self, row: int) -> Value:
        """The value in a row."""
        return self.make(row)


@dataclass(frozen=True, slots=True)
class Steps(Cells):
    """Integers in equal steps."""

    start: int
    step: int

    def __call__(self, row: int) -> Value:
        """The value in a row."""
        return self.start + row * self.step


@dataclass(frozen=True, slots=True)
class Moments(Cells):
    """Timestamps in equal steps. With chance, each lies anywhere within its step, so the series still rises."""

    rising = True

    start: dt.datetime
    step: dt.timedelta
    chance: Chance | None = None

    def __call__(self, row: int) -> Value:
        """The value in a row."""
        shift = self.chance.below(row, max(1, int(self.step.total_seconds()))) if self.chance else 0
        return self.start + row * self.step + dt.timedelta(seconds=shift)


@dataclass(frozen=True, slots=True)
class Dates(Cells):
    """The dates of a series of timestamps."""

    rising = True

    moments: Cells

    def __call__(self, row: int) -> Value:
        """The value in a row."""
        value = self.moments(row)
        return value.date() if isinstance(value, dt.datetime) else value


@dataclass(frozen=True, slots=True)
class Numbers(Cells):
    """Numbers between two inclusive bounds; integers if no decimals are given."""

    chance: Chance
    low: float
    high: float
    decimals: int
    whole: bool

    def __call__(self, row: int) -> Value:
        """The value in a row."""
        unit: int = 10**self.decimals
        low = round(self.low * unit)
        units = low + self.chance.below(row, round(self.high * unit) - low + 1)
        return units if self.whole else units / unit


class Choice(Cells):
    """One of several values, chosen by weight."""

    def __init__(self, chance: Chance, values: Sequence[Value], weights: Sequence[int]) -> None:
        self._chance, self._values = chance, values
        self._sums = list(accumulate(weights))

    def __call__(self, row: int) -> Value:
        """The value in a row."""
        return self._values[bisect(self._sums, self._chance.below(row, self._sums[-1]))]


@dataclass(frozen=True, slots=True)
class Words(Cells):
    """Several words of a list, joined."""

    chance: Chance
    vocabulary: Sequence[str]
    count: int

    def __call__(self, row: int) -> Value:
        """The value in a row."""
        picks = (self.chance.below(row * self.count + at, len(self.vocabulary)) for at in range(self.count))
        return " ".join(self.vocabulary[pick] for pick in picks)


@dataclass(frozen=True, slots=True)
class Text(Cells):
    """A template in which `{row}` is the row number (from 1) and `{name}` the value of another column."""

    template: str
    cell: Callable[[str, int], Value]

    def __call__(self, row: int) -> Value:
        """The value in a row."""

        def fill(slot: re.Match[str]) -> str:
            return str(row + 1) if slot[1] == "row" else str(shown(self.cell(slot[1], row)))

        return _SLOT.sub(fill, self.template)


@dataclass(frozen=True, slots=True)
class Nullable(Cells):
    """Cells of another kind, some of them replaced by NULL."""

    cells: Cells
    chance: Chance
    share: float

    def __call__(self, row: int) -> Value:
        """The value in a row."""
        return None if self.chance.below(row, 1_000_000) < self.share * 1_000_000 else self.cells(row)


def slots(template: str) -> list[str]:
    """The names in braces in a template."""
    return _SLOT.findall(template)
