"""Tables: columns, rows, and how many rows and bytes fall into a window of time."""

from __future__ import annotations

import csv
import io
import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Protocol

from mockserver.json_input import Json
from mockserver.sources.cells import Cells
from mockserver.sources.columns import Column, Value, moment_ms, shown
from mockserver.sources.refusals import SourceError, clipped

_SAMPLE = 100
_FILTERED = 10_000


@dataclass(frozen=True, slots=True)
class Window:
    """What lies in a stretch of time: rows, bytes, and the first and last moment in milliseconds, if any."""

    rows: int
    bytes: int
    first_ms: int | None = None
    last_ms: int | None = None


class Tabular(Protocol):
    """What explore and runs need of a table, made up or real. Every member may raise SourceError."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its columns, in their order."""

    @property
    def row_count(self) -> int:
        """How many rows it holds."""

    @property
    def byte_count(self) -> int:
        """Size of all rows in bytes."""

    def records(self, count: int, fits: Callable[[tuple[Value, ...]], bool] | None = None) -> list[dict[str, Json]]:
        """The first `count` rows as JSON objects, of those that fit."""

    def window(self, delta_column: str, start_ms: int | None = None, end_ms: int | None = None) -> Window:
        """The rows whose `delta_column` lies from `start_ms` up to, not at, `end_ms`."""

    def stretch(self, delta_column: str | None, start_ms: int | None, end_ms: int | None) -> Iterable[dict[str, Json]]:
        """The rows of that window, or without a column all rows, as JSON objects."""

    def foresee(self, delta_column: str, moments: Sequence[int | None]) -> None:
        """Be told that the windows between neighbouring moments will be asked for, to look for all of them at once."""


@dataclass(frozen=True)
class Table:
    """Rows behind a name. Nothing is made before it is looked at."""

    name: str
    columns: tuple[Column, ...]
    row_count: int
    cells: Mapping[str, Cells] = field(repr=False)

    def rows(self, start: int = 0, stop: int | None = None) -> Iterable[tuple[Value, ...]]:
        """The cells of rows `start` to `stop`, in the order of the columns."""
        makers = [self.cells[column.name] for column in self.columns]
        for row in range(start, self.row_count if stop is None else min(stop, self.row_count)):
            yield tuple(cell(row) for cell in makers)

    def records(self, count: int, fits: Callable[[tuple[Value, ...]], bool] | None = None) -> list[dict[str, Json]]:
        """The first `count` rows as JSON objects, of those that fit; NULL is null (assumed).

        A filter looks at the first 10,000 rows only, so that one that fits nothing costs little.
        """
        names = [column.name for column in self.columns]
        rows = self.rows(0, count) if fits is None else islice(filter(fits, self.rows(0, _FILTERED)), count)
        return [dict(zip(names, map(shown, row), strict=True)) for row in rows]

    @cached_property
    def row_bytes(self) -> int:
        """What a row is taken to measure in bytes: the mean of the first 100 as CSV, so that windows add up."""
        sample = min(self.row_count, _SAMPLE)
        return len(csv_text(self.rows(0, sample)).encode()) // sample if sample else 0

    @property
    def byte_count(self) -> int:
        """Size of all rows in bytes."""
        return self.row_count * self.row_bytes

    def column(self, name: str) -> Column | None:
        """A column by name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def window(self, delta_column: str, start_ms: int | None = None, end_ms: int | None = None) -> Window:
        """The rows whose `delta_column` lies from `start_ms` up to, not at, `end_ms`: neighbours add up.

        Rows without a value are in no window. Raises SourceError unless the column holds moments or dates.
        Finding the ends halves the table again and again; only a column that does not rise is read
        once in full, when first asked for.
        """
        moments = self._moments(delta_column)
        first = 0 if start_ms is None else bisect_left(moments, start_ms)
        last = len(moments) if end_ms is None else bisect_left(moments, end_ms)
        count = max(0, last - first)
        if not count:
            return Window(0, 0)
        return Window(count, count * self.row_bytes, moments[first], moments[last - 1])

    def stretch(self, delta_column: str | None, start_ms: int | None, end_ms: int | None) -> Iterable[dict[str, Json]]:
        """The rows of a window, or all of them."""
        names = [column.name for column in self.columns]
        rows = self.rows()
        if delta_column is not None and self.cells[delta_column].rising:
            moments = self._moments(delta_column)
            first = 0 if start_ms is None else bisect_left(moments, start_ms)
            rows = self.rows(first, len(moments) if end_ms is None else bisect_left(moments, end_ms))
        elif delta_column is not None:
            place = names.index(delta_column)
            low = -math.inf if start_ms is None else start_ms
            high = math.inf if end_ms is None else end_ms
            rows = (row for row in rows if (at := moment_ms(row[place])) is not None and low <= at < high)
        return (dict(zip(names, map(shown, row), strict=True)) for row in rows)

    def foresee(self, delta_column: str, moments: Sequence[int | None]) -> None:
        """See `Tabular`: here a window is found as fast as it is asked for."""

    def _moments(self, name: str) -> Sequence[int]:
        demand_moments(self.column(name), self.name, name)
        cells = self.cells[name]
        if cells.rising:
            return _Rising(cells, self.row_count)
        if name not in self._sorted:
            found = (moment_ms(cells(row)) for row in range(self.row_count))
            self._sorted[name] = array("q", sorted(at for at in found if at is not None))
        return self._sorted[name]

    @cached_property
    def _sorted(self) -> dict[str, array[int]]:
        return {}


class _Rising(Sequence[int]):
    """The moments of a rising column, made when looked at."""

    def __init__(self, cells: Cells, count: int) -> None:
        self._cells, self._count = cells, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: int) -> int:  # type: ignore[override]  # bisect never slices
        at = moment_ms(self._cells(row))
        assert at is not None
        return at


def demand_moments(column: Column | None, table: str, name: str) -> None:
    """Raise SourceError unless a table has the column `name`, and moments or dates in it."""
    if column is None or column.shape.kind not in ("moment", "date"):
        text = f"table '{clipped(table)}' has no date or timestamp column '{clipped(name)}' (1378-400)"
        raise SourceError("rejected", text)


def csv_text(rows: Iterable[Iterable[Value]], delimiter: str = ",") -> str:
    """Rows as delimited text; NULL is empty, true and false in small letters."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([_plain(value) for value in row] for row in rows)
    return text.getvalue()


def _plain(value: Value) -> str:
    match shown(value):
        case None:
            return ""
        case bool() as answer:
            return "true" if answer else "false"
        case other:
            return str(other)
