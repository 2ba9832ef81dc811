"""Tests which runs are due, given only the flow, its progress and the time."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.flows.due import overdue

START = 1_767_225_600
QUARTER = 900_000


def flow(state: str = "enabled", **schedule: Any) -> dict[str, Any]:
    params = {"startTime": START, "frequency": "minute", "interval": 15, **schedule}
    copy = {"name": "Copy", "params": {"deltaColumn": {"name": "at"}}}
    provider = {"activeMs": START * 1000, "scheduled": True}
    members = {"inheritedAttributes": {"properties": {"isSourceFlow": True}}, "transformations": [copy]}
    return {"state": state, "provider": provider, "scheduleParams": params, **members}


def due(flow: dict[str, Any] | None, last_ms: int | None = None, after_ms: int = 2 * QUARTER) -> list[tuple[Any, ...]]:
    found = overdue(flow, {"lastMs": last_ms}, START * 1000 + after_ms)
    return [(run.at_ms - START * 1000, *run.span) for run in found.newest(100)] if found else []


def test_runs_follow_each_other_and_each_reads_what_came_since_the_one_before() -> None:
    first, second, third = START * 1000, START * 1000 + QUARTER, START * 1000 + 2 * QUARTER
    assert due(flow()) == [
        (0, None, first, "at", True), (QUARTER, first, second, "at", False), (2 * QUARTER, second, third, "at", False)
    ]  # fmt: skip
    assert due(flow(), last_ms=second) == [(2 * QUARTER, second, third, "at", False)]
    assert due(flow(), last_ms=third) == []


def test_without_backfill_the_first_run_reads_from_the_start_time_on() -> None:
    assert due(flow(backfill=False), after_ms=0) == [(0, START * 1000, START * 1000, "at", False)]


@pytest.mark.parametrize(
    "idle",
    [None, flow("disabled"), flow("draft"), {**flow(), "provider": {}}, {**flow(), "scheduleParams": None}],
    ids=["deleted", "disabled", "draft", "not scheduled", "no schedule"],
)
def test_a_flow_that_is_not_scheduled_or_not_enabled_has_none(idle: dict[str, Any] | None) -> None:
    assert due(idle) == []


@pytest.mark.parametrize("last_ms", [None, START * 1000])
def test_thousands_of_years_of_runs_are_counted_at_once_and_the_first_of_the_newest_reads_all_rows_before(
    last_ms: int | None,
) -> None:
    now = START * 1000 + 10**14
    found = overdue(flow(), {"lastMs": last_ms}, now)
    assert found is not None
    newest = list(found.newest(3))
    assert found.count == 10**14 // QUARTER + (last_ms is None) == newest[0].merged + 3
    assert [now - run.at_ms for run in newest] == [
        2 * QUARTER + 10**14 % QUARTER,
        QUARTER + 10**14 % QUARTER,
        10**14 % QUARTER,
    ]
    assert newest[0].span.start_ms == last_ms and [run.merged for run in newest[1:]] == [0, 0]
    assert [run.span.start_ms for run in newest[1:]] == [run.at_ms for run in newest[:-1]]
