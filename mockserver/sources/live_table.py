"""A table of a live PostgreSQL database."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

from psycopg import sql

from mockserver.json_input import Json
from mockserver.sources.columns import Column, Value
from mockserver.sources.tables import Window, demand_moments

Ask: TypeAlias = Callable[[sql.Composable], list[tuple[Any, ...]]]
"""The rows of an answer. Raises SourceError."""

Stream: TypeAlias = Callable[[sql.Composable, int], Iterator[tuple[Any, ...]]]
"""The same, for an answer of any size, given the number of its columns."""

_SAMPLE_ROWS = 100
_LONGEST_CELL, _MAX_BYTES = 4_096, 2_000_000
_PREVIEW_CELLS = 20_000
"""Limits on the text in a preview or a row: the more cells, the shorter each is cut. So every response stays bounded.

A table of hundreds of columns shows fewer rows."""

_LONGEST_NUMBER = 400
_MAX_CONVERTED = 65_536
"""Maximum stored bytes of a value that the database converts to text. It would read a larger one as a whole."""

_READABLE = """(coalesce(pg_catalog.pg_column_size({0}), 0) <= {1}
 OR pg_catalog.pg_typeof({0}) IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype))"""
"""Whether the beginning and the length of a value can be read without all of it: text is stored in parts."""

_CELL = sql.SQL(f"""CASE WHEN NOT {_READABLE} THEN pg_catalog.concat('(', pg_catalog.pg_column_size({{0}}), ' bytes)')
 WHEN pg_catalog.octet_length(pg_catalog."left"({{0}}::text, {{2}})) > {{2}} THEN pg_catalog."left"({{0}}::text, {{3}})
 ELSE pg_catalog."left"({{0}}::text, {{2}}) END""")
"""The beginning of a value: a number of characters, or a quarter of it if they have more bytes (up to four each)."""

_SIZE = sql.SQL(f"""(CASE WHEN {_READABLE} THEN coalesce(pg_catalog.octet_length({{0}}::text), 0)
 ELSE pg_catalog.pg_column_size({{0}}) END)""")
"""The length of a cell as text, or of a large value in the form of the database."""


@dataclass(frozen=True)
class LiveTable:
    """A table or view, with the columns that the user may read."""

    ask: Ask = field(repr=False)
    stream: Stream = field(repr=False)
    name: str
    relation: sql.Identifier
    columns: tuple[Column, ...]

    def records(self, count: int, fits: Callable[[tuple[Value, ...]], bool] | None = None) -> list[dict[str, Json]]:
        """The first `count` rows as JSON objects, in the order of the database. Raises SourceError.

        `fits` is ignored: PostgreSQL connections take no filters (facts §8.3).
        """
        count = min(count, max(1, _PREVIEW_CELLS // len(self.columns)))
        longest = _longest(count * len(self.columns))
        rows = self._select(sql.SQL(", ").join(_cell(column, longest) for column in self.columns), count)
        return [
            {column.name: _json(column, text) for column, text in zip(self.columns, row, strict=True)} for row in rows
        ]

    @cached_property
    def row_count(self) -> int:
        """Number of rows, counted once on first use. Raises SourceError."""
        return int(self._select(sql.SQL("pg_catalog.count(*)"))[0][0])

    @cached_property
    def row_bytes(self) -> int:
        """Estimated bytes per row: the mean of a sample of rows as text. Raises SourceError."""
        names = (sql.Identifier(column.name) for column in self.columns)
        sizes = sql.SQL(", ").join(_SIZE.format(name, _MAX_CONVERTED) for name in names)
        row = sql.SQL("(SELECT pg_catalog.sum(size + 1) - 1 FROM (VALUES {}) AS cells (size))").format(sizes)
        sample = sql.SQL("SELECT {} AS size FROM {} LIMIT {}").format(row, self.relation, _SAMPLE_ROWS)
        return int(self.ask(sql.SQL("SELECT pg_catalog.avg(size) FROM ({}) AS sample").format(sample))[0][0] or 0)

    @property
    def byte_count(self) -> int:
        """Estimated size of all rows in bytes. Raises SourceError."""
        return self.row_count * self.row_bytes

    def window(self, delta_column: str, start_ms: int | None = None, end_ms: int | None = None) -> Window:
        """Count rows whose `delta_column` is from `start_ms` up to, not at, `end_ms`. Raises SourceError."""
        if start_ms is not None and end_ms is not None and end_ms <= start_ms:
            return Window(0, 0)
        if (delta_column, start_ms, end_ms) not in self._windows:
            self.foresee(delta_column, (start_ms, end_ms))
        return self._windows[delta_column, start_ms, end_ms]

    def stretch(self, delta_column: str | None, start_ms: int | None, end_ms: int | None) -> Iterator[dict[str, Json]]:
        """The rows of a window, or all rows, in batches. Long text is cut. Raises SourceError."""
        longest = _longest(len(self.columns))
        what = sql.SQL(", ").join(_cell(column, longest) for column in self.columns)
        question = sql.SQL("SELECT {} FROM {}").format(what, self.relation)
        if delta_column is not None:
            conditions = self._between(sql.Identifier(delta_column), start_ms, end_ms)
            question = sql.SQL("{} WHERE {}").format(question, sql.SQL(" AND ").join(conditions))
        for row in self.stream(question, len(self.columns)):
            yield {column.name: _json(column, text) for column, text in zip(self.columns, row, strict=True)}

    def foresee(self, delta_column: str, moments: Sequence[int | None]) -> None:
        """Count all windows between neighbouring moments with one query. Raises SourceError.

        The moments are ascending milliseconds; None is the beginning or the end of time.
        """
        demand_moments(
            next((column for column in self.columns if column.name == delta_column), None), self.name, delta_column
        )
        buckets = self._buckets(sql.Identifier(delta_column), moments)
        first = 0 if moments[0] is None else 1
        for number, (start, end) in enumerate(pairwise(moments), first):
            count, low, high = buckets.get(number, (0, None, None))
            window = Window(count, count * self.row_bytes, int(low), int(high)) if count else Window(0, 0)
            self._windows[delta_column, start, end] = window

    def _buckets(self, column: sql.Identifier, moments: Sequence[int | None]) -> dict[int, tuple[Any, ...]]:
        """Index of a window -> number of rows, first and last timestamp."""
        low, high = moments[0], moments[-1]
        conditions = self._between(column, low, high)
        question = sql.SQL(
            "SELECT pg_catalog.width_bucket(at, {edges}::float8[]) AS bucket, pg_catalog.count(*),"
            " pg_catalog.min(at), pg_catalog.max(at)"
            " FROM (SELECT extract(epoch FROM {column})::float8 * 1000 AS at FROM {relation} WHERE {conditions})"
            " AS moments GROUP BY 1"
        ).format(
            edges=sql.Literal([float(moment) for moment in moments if moment is not None]),
            column=column,
            relation=self.relation,
            conditions=sql.SQL(" AND ").join(conditions),
        )
        return {row[0]: row[1:] for row in self.ask(question)}

    def _between(self, column: sql.Identifier, low: int | None, high: int | None) -> list[sql.Composed]:
        """SQL conditions for a window of time."""
        conditions = [sql.SQL("pg_catalog.isfinite({})").format(column)]
        for limit, comparison in ((low, ">="), (high, "<")):
            if limit is not None:  # so that the database can use an index on the column
                moment = sql.SQL("pg_catalog.to_timestamp({})").format(limit / 1000)
                conditions.append(sql.SQL("{} {} {}").format(column, sql.SQL(comparison), moment))
        return conditions

    @cached_property
    def _windows(self) -> dict[tuple[str, int | None, int | None], Window]:
        return {}

    def _select(self, what: sql.Composable, limit: int | None = None) -> list[tuple[Any, ...]]:
        end = sql.SQL("") if limit is None else sql.SQL(" LIMIT {}").format(limit)
        return self.ask(sql.SQL("SELECT {} FROM {}{}").format(what, self.relation, end))


def _longest(cells: int) -> int:
    """The number of bytes that are read of each cell."""
    return min(_LONGEST_CELL, _MAX_BYTES // (cells or 1))


def _cell(column: Column, longest: int) -> sql.Composed:
    """A cell as text, cut by the database so that long values are not transferred. Timestamps are UTC."""
    name = sql.Identifier(column.name)
    match column.shape.kind:
        case "moment" | "date" as kind:
            form = "YYYY-MM-DD" if kind == "date" else 'YYYY-MM-DD"T"HH24:MI:SS'
            written = "CASE WHEN extract(year FROM {0}) BETWEEN 1 AND 9999 THEN pg_catalog.to_char({0}, {1}) END"
            return sql.SQL(written).format(name, form)
        case "text" if column.type == "bytea":
            part = sql.SQL("pg_catalog.substring({}, 1, {})").format(name, longest * 3 // 4)
            return sql.SQL("pg_catalog.translate(pg_catalog.encode({}, 'base64'), E'\\n', '')").format(part)
        case "number":
            longest = _LONGEST_NUMBER
    if column.shape.kind == "text":
        return _CELL.format(name, _MAX_CONVERTED, longest, longest // 4)
    return sql.SQL('pg_catalog."left"({}::text, {})').format(name, longest)


def _json(column: Column, text: str | None) -> Json:
    """A cell as JSON; null for NULL and for numbers that JSON cannot express."""
    if text is None:
        return None
    match column.shape.kind:
        case "integer":
            return int(text)
        case "number":
            number = float(text)
            return number if math.isfinite(number) else None
        case "boolean":
            return text == "true"
    return text
