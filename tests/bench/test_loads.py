"""Tests that the benchmark's loads get the expected responses from the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bench import load, servers, subjects, wrk
from bench.cases import CHANGE, LOADS, Stream, Workload
from bench.subjects import Subject

_CLIENTS = 8
DRIVERS = [drive for drive, there in ((load.drive, True), (wrk.drive, wrk.available())) if there]


@pytest.fixture(scope="module")
def side() -> Iterator[Subject]:
    with servers.ours() as program:
        subjects.fill(program, 100)
        yield subjects.ours(program)


@pytest.mark.parametrize("work", LOADS, ids=lambda work: work.name)
def test_each_call_of_a_load_gets_the_status_it_names(side: Subject, work: Workload) -> None:
    side.check(work)


@pytest.mark.parametrize("drive", DRIVERS, ids=lambda drive: drive.__module__)
@pytest.mark.parametrize("work", [work for work in LOADS if work.follows_etag], ids=lambda work: work.name)
def test_clients_that_change_records_at_once_are_never_refused(
    side: Subject, work: Workload, drive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrk, "available", lambda: drive is wrk.drive)
    seen = side.loaded(work, _CLIENTS, seconds=1 if drive is wrk.drive else 0.5)  # wrk takes whole seconds
    assert seen.requests > 3 * _CLIENTS
    assert seen.wrong == 0


@pytest.mark.parametrize("drive", DRIVERS, ids=lambda drive: drive.__module__)
def test_a_stale_etag_is_counted_as_a_wrong_answer(side: Subject, drive: Any) -> None:
    stale = Stream((CHANGE.raw(side.ids[0]),), etag='"stale"')
    bound: dict[str, int] = {"seconds": 1} if drive is wrk.drive else {"count": 10}
    seen = drive(side.program.port, [stale], {200}, 1, **bound)
    assert seen.wrong == seen.requests


def test_client_connections_own_different_records() -> None:
    work = Workload("changes", (CHANGE,))
    shares = work.shares([str(number) for number in range(100)], 32)
    owned = [one for share in shares for one in share]
    assert len(shares) == 32
    assert len(owned) == len(set(owned)) == 100
