"""Tests which runs are due, given only the flow, its progress and the time."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from mockserver.flows.due import due_runs

START = 1_767_225_600
QUARTER = 900_000


def flow(state: str = "enabled", **schedule: Any) -> dict[str, Any]:
    params = {"startTime": START, "frequency": "minute", "interval": 15, **schedule}
    copy = {"name": "Copy", "params": {"deltaColumn": {"name": "at"}}}
    provider = {"activeMs": START * 1000, "scheduled": True}
    members = {"inheritedAttributes": {"properties": {"isSourceFlow": True}}, "transformations": [copy]}
    return {"state": state, "provider": provider, "scheduleParams": params, **members}


def due(flow: dict[str, Any] | None, last_ms: int | None = None, after_ms: int = 2 * QUARTER) -> list[tuple[Any, ...]]:
    runs = due_runs(flow, {"lastMs": last_ms}, START * 1000 + after_ms)
    return [(run.at_ms - START * 1000, *run.span) for run in runs]


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


def test_years_of_runs_are_made_as_they_are_asked_for() -> None:
    runs = due_runs(flow(), {"lastMs": None}, START * 1000 + 10**15)
    assert len(list(islice(runs, 3))) == 3
