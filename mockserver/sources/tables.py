"""Tables: columns, rows, and the number of rows and bytes in a window of time."""

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
    """Rows and bytes in a window of time, and the first and last timestamp in milliseconds, if any."""

    rows: int
    bytes: int
    first_ms: int | None = None
    last_ms: int | None = None


class Tabular(Protocol):
    """The interface of tables, synthetic or live, for explore and runs. Every member may raise SourceError."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in order."""

    @property
    def row_count(self) -> int:
        """Number of rows."""

    @property
    def byte_count(self) -> int:
        """Size of all rows in bytes."""

    def records(self, count: int, fits: Callable[[tuple[Value, ...]], bool] | None = None) -> list[dict[str, Json]]:
        """The first `count` rows as JSON objects, of those that fit."""

    def window(self, delta_column: str, start_ms: int | None = None, end_ms: int | None = None) -> Window:
        """The rows whose `delta_column` lies from `start_ms` up to, not at, `end_ms`."""

    def stretch(self, delta_column: str | None, start_ms: int | None, end_ms: int | None) -> Iterable[dict[str, Json]]:
        """The rows of a window or, without a column, all rows, as JSON objects."""

    def foresee(self, delta_column: str, moments: Sequence[int | None]) -> None:
        """Announce that the windows between neighbouring moments will be read, so that one query can answer all."""


@dataclass(frozen=True)
class Table:
    """A synthetic table. Cells are computed on access."""

    name: str
    columns: tuple[Column, ...]
    row_count: int
    cells: Mapping[str, Cells] = field(repr=False)
    label: str = ""
    """The name that the source displays; empty if it is `name`."""

    def rows(self, start: int = 0, stop: int | None = None) -> Iterable[tuple[Value, ...]]:
        """The cells of rows `start` to `stop`, in column order."""
        makers = [self.cells[column.name] for column in self.columns]
        for row in range(start, self.row_count if stop is None else min(stop, self.row_count)):
            yield tuple(cell(row) for cell in makers)

    def records(self, count: int, fits: Callable[[tuple[Value, ...]], bool] | None = None) -> list[dict[str, Json]]:
        """The first `count` matching rows as JSON objects; NULL is null (assumed).

        A filter reads the first 10,000 rows only, so that one without a match stays cheap.
        """
        names = [column.name for column in self.columns]
        rows = self.rows(0, count) if fits is None else islice(filter(fits, self.rows(0, _FILTERED)), count)
        return [dict(zip(names, map(shown, row), strict=True)) for row in rows]

    @cached_property
    def row_bytes(self) -> int:
        """Bytes per row: the mean of the first 100 as CSV. A constant, so that windows add up."""
        sample = min(self.row_count, _SAMPLE)
        return len(csv_text(self.rows(0, sample)).encode()) // sample if sample else 0

    @property
    def byte_count(self) -> int:
        """Size of all rows in bytes."""
        return self.row_count * self.row_bytes

    def column(self, name: str) -> Column | None:
        """The column of this name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def window(self, delta_column: str, start_ms: int | None = None, end_ms: int | None = None) -> Window:
        """The rows whose `delta_column` lies from `start_ms` up to, not at, `end_ms`: neighbours add up.

        Rows with NULL are in no window. Raises SourceError unless the column holds timestamps or dates.
        The ends are found by bisection; only a column that is not ascending is read
        completely, once.
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
        """Do nothing: a window of a synthetic table needs no preparation."""

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
    """The timestamps of an ascending column, computed on access."""

    def __init__(self, cells: Cells, count: int) -> None:
        self._cells, self._count = cells, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: int) -> int:  # type: ignore[override]  # bisect never slices
        at = moment_ms(self._cells(row))
        assert at is not None
        return at


def demand_moments(column: Column | None, table: str, name: str) -> None:
    """Raise SourceError unless a table has the column `name` with timestamps or dates."""
    if column is None or column.shape.kind not in ("moment", "date"):
        text = f"table '{clipped(table)}' has no date or timestamp column '{clipped(name)}' (1378-400)"
        raise SourceError("rejected", text)


def csv_text(rows: Iterable[Iterable[Value]], delimiter: str = ",") -> str:
    """Rows as delimited text. NULL is empty; booleans are lower case."""
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
