"""Tests of schedules against a simple implementation of the same rules (facts §8.4 unless marked otherwise)."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.flows.schedule import EVERY_MS, Schedule, coerced

START = 1_000_000_000_000
MINUTE = 60_000


def quarterly(start: int = START) -> Schedule:
    return Schedule(start, 15 * MINUTE)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param(
            {"startTime": "1612310466", "frequency": "minute", "interval": "15", "backfill": "true"},
            Schedule(1_612_310_466_000, 900_000, True),
            id="text as in the tutorials (documented)",
        ),
        pytest.param(
            {"startTime": 1612310466, "frequency": "week", "interval": 2, "backfill": False},
            Schedule(1_612_310_466_000, 1_209_600_000, False),
            id="numbers as in the official document (documented)",
        ),
        pytest.param(
            {"startTime": 5, "frequency": "once"}, Schedule(5000, None, True), id="once needs no interval (documented)"
        ),
        pytest.param({"startTime": 5, "frequency": "hour"}, None, id="no interval"),
        pytest.param({"startTime": 5, "frequency": "month", "interval": 1}, None, id="an unknown frequency"),
        pytest.param({"startTime": 5.5, "frequency": "once"}, None, id="half a second"),
        pytest.param({"startTime": True, "frequency": "once"}, None, id="a boolean for a number"),
        pytest.param({"startTime": -1, "frequency": "once"}, None, id="before 1970"),
        pytest.param({"startTime": 10**14, "frequency": "once"}, None, id="thousands of years ahead"),
        pytest.param({"frequency": "once"}, None, id="no start"),
        pytest.param(None, None, id="nothing"),
        pytest.param([], None, id="a list"),
    ],
)
def test_schedule_params_tell_a_schedule_or_none(params: Any, expected: Schedule | None) -> None:
    assert Schedule.of(params) == expected


def test_what_was_sent_is_left_as_it_was() -> None:
    sent = {"startTime": "7", "backfill": "False", "foldernameTemplate": "x"}
    assert coerced(sent) == {"startTime": 7, "backfill": False, "foldernameTemplate": "x"}
    assert sent["startTime"] == "7"


MOMENTS = [
    pytest.param(None, START - 1, START - 1, [], id="not before the start"),
    pytest.param(None, START - 1, START, [0], id="at the start"),
    pytest.param(None, START - 1, START + 30 * MINUTE, [0, 15, 30], id="and every interval from it"),
    pytest.param(START, START - 1, START + 30 * MINUTE, [15, 30], id="not twice"),
    pytest.param(None, START + 7 * MINUTE, START + 30 * MINUTE, [7, 15, 30], id="overdue, at once (assumed)"),
    pytest.param(START, START + 50 * MINUTE, START + 60 * MINUTE, [60], id="a pause is not made up for (assumed)"),
    pytest.param(START + 7 * MINUTE, START, START + 20 * MINUTE, [15], id="on the grid again"),
]


@pytest.mark.parametrize(("last", "active", "until", "minutes"), MOMENTS)
def test_a_schedule_fires(last: int | None, active: int, until: int, minutes: list[int]) -> None:
    assert [(at - START) / MINUTE for at in quarterly().moments(last, active, until).newest(99)] == minutes


@pytest.mark.parametrize(("last", "moments"), [(None, [START]), (START, [])], ids=["first", "after it"])
def test_once_is_once(last: int | None, moments: list[int]) -> None:
    assert list(Schedule(START, None).moments(last, START - 5, START + 10**10).newest(99)) == moments


frequencies = st.sampled_from(sorted(EVERY_MS.values())).flatmap(
    lambda unit: st.integers(1, 40).map(lambda interval: unit * interval)
)
moments = st.integers(START - 10**9, START + 10**9)


@given(start=moments, every=frequencies, active=moments, until=moments, last=st.none() | moments)
def test_moments_rise_lie_in_their_stretch_and_on_the_grid(
    start: int, every: int, active: int, until: int, last: int | None
) -> None:
    every_one = Schedule(start, every).moments(last, active, until)
    found = list(every_one.newest(10**9))[:5000]
    assert list(every_one.newest(3)) == list(every_one.newest(10**9))[-3:]
    assert every_one.count == len(list(every_one.newest(10**9)))
    assert found == sorted(set(found))
    for at in found:
        assert at <= until and at >= start
        assert at >= active if last is None else at > max(last, active)
    grid = found[1:] if last is None else found
    assert all((at - start) % every == 0 for at in grid)
    assert all(later - earlier == every for earlier, later in pairwise(grid))


@given(start=moments, every=frequencies, active=moments, cuts=st.lists(moments, max_size=6), until=moments)
def test_looking_in_between_changes_nothing(start: int, every: int, active: int, cuts: list[int], until: int) -> None:
    schedule = Schedule(start, every)
    at_once = list(schedule.moments(None, active, until).newest(10**9))[:3000]
    bit_by_bit: list[int] = []
    for cut in sorted([cut for cut in cuts if cut <= until] + [until]):
        more = schedule.moments(bit_by_bit[-1] if bit_by_bit else None, active, cut).newest(10**9)
        bit_by_bit += islice(more, 3000 - len(bit_by_bit))
    assert bit_by_bit == at_once
