"""Tests of windows of a delta column, compared with a plain count of rows."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.sources.cells import Chance, ListedCells, Moments
from mockserver.sources.columns import Column, moment_ms
from mockserver.sources.tables import Table, Window

START_MS = 1_767_225_600_000
START = dt.datetime(2026, 1, 1)

MOMENTS = st.one_of(st.none(), st.integers(0, 400))


@settings(deadline=None)
@given(values=st.lists(MOMENTS, max_size=40), edges=st.lists(st.integers(-10, 410), min_size=2, max_size=6))
def test_a_window_of_any_column_holds_what_a_plain_count_finds(values: list[int | None], edges: list[int]) -> None:
    cells = ListedCells([None if value is None else START + dt.timedelta(seconds=value) for value in values])
    table = Table("t", (Column("at", "timestamp"),), len(values), {"at": cells})
    for low, high in pairwise(edges):
        inside = [value for value in values if value is not None and low <= value < high]
        window = table.window("at", START_MS + low * 1000, START_MS + high * 1000)
        assert window.rows == len(inside)
        if inside:
            assert (window.first_ms, window.last_ms) == (START_MS + min(inside) * 1000, START_MS + max(inside) * 1000)


@settings(deadline=None)
@given(step=st.integers(1, 5_000), rows=st.integers(0, 300), seed=st.text(max_size=5), at=st.integers(-9, 99))
def test_a_series_with_jitter_rises_and_its_windows_are_found_by_halving(
    step: int, rows: int, seed: str, at: int
) -> None:
    cells = Moments(START, dt.timedelta(seconds=step), Chance(seed))
    moments = [moment_ms(cells(row)) for row in range(rows)]
    assert moments == sorted(moments, key=lambda moment: moment or 0)
    table = Table("t", (Column("at", "timestamp"),), rows, {"at": cells})
    edge = START_MS + at * step * 1000
    assert table.window("at", None, edge).rows == sum(moment is not None and moment < edge for moment in moments)


def test_a_window_that_ends_before_it_starts_is_empty() -> None:
    table = Table("t", (Column("on", "date"),), 1, {"on": ListedCells([START.date()])})
    assert table.window("on", START_MS, START_MS + 1).rows == 1
    assert table.window("on", START_MS, START_MS) == table.window("on", START_MS + 1, START_MS) == Window(0, 0)
