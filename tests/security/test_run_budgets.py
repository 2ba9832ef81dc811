"""Tests of the cost of reading runs after a long time without a request, in calls and bytes."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator, world
from mockserver.listing import property_filter
from mockserver.world import MAX_RUNS
from tests.arrival import CATALOG, arrival, arriving
from tests.calls import send
from tests.dataflows import DAY, flow, flowing
from tests.destinations import audience, exporting, transform
from tests.security.test_neighbour_budgets import MAX_CALLS, MIB
from tests.work import counted

TENTH = MAX_RUNS // 10
"""Runs that a request creates in these tests, which then take a tenth of the time."""

READS = (
    "/flows/{}",
    "/flows?property=lastRunDetails.state==failed",
    "/runs?property=metrics.statusSummary.status==failed",
    f"{CATALOG}/batches",
)


@pytest.mark.parametrize(("place", "path"), [*(("memory", path) for path in READS), ("flow.db", READS[2])])
def test_the_first_read_after_400_days_is_bounded(
    tmp_path: Path, place: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """50,000 runs were created at once: 4 s of CPU time and 90 MiB."""
    monkeypatch.setattr(world, "MAX_RUNS", TENTH)
    emulator = Emulator(Config(seed=1, state=None if place == "memory" else str(tmp_path / place)))
    first = flowing(emulator, arriving(emulator, arrival(emulator)))
    many = flow(emulator)
    for _ in range(5):
        flowing(emulator, many)
    exporting(emulator, transformations=transform(*map(hourly, range(20))))
    send(emulator, "GET", path.format(first))  # what is cached once
    emulator.runtime.clock.advance(400 * DAY)
    with counted() as work:
        assert send(emulator, "GET", path.format(first)).status == 200
    emulator.runtime.clock.advance(400 * DAY)
    tracemalloc.start()
    try:
        assert send(emulator, "GET", path.format(first)).status == 200
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    runs: Any = send(emulator, "GET", "/runs?count=true").body
    assert TENTH < runs["count"] <= 3 * TENTH
    assert work.calls < MAX_CALLS / 5 and peak < 16 * MIB / 10 + MIB  # of which some is the same for any number of runs
    emulator.close()


def hourly(number: int) -> dict[str, Any]:
    """A selector that exports an audience every three hours."""
    return audience(f"a{number}", frequency="EVERY_3_HOURS", startDate="2026-01-01")


@pytest.mark.parametrize(("place", "limit"), [("memory", 20), ("flow.db", 10)])
def test_a_list_of_all_runs_reads_each_flow_of_those_written_last_once(
    tmp_path: Path, place: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 2,000 flows in a file it read each twice: 0.8 s of CPU time, and 1.2 s for a list by their last runs."""
    monkeypatch.setattr(world, "MAX_FLOWS", 20)
    calls = []
    for count in (limit - 1, limit + 1):
        emulator = Emulator(Config(seed=1, state=None if place == "memory" else str(tmp_path / f"{count}-{place}")))
        body = flow(emulator)
        flows = [flowing(emulator, body) for _ in range(count)]
        emulator.runtime.clock.advance(DAY)
        runs: Any = send(emulator, "GET", "/runs?limit=100").body
        with counted() as work:
            send(emulator, "GET", "/runs?count=true")
        while next_page := runs["_links"].get("next"):
            more: Any = send(emulator, "GET", next_page["href"]).body
            runs = {"items": runs["items"] + more["items"], "_links": more["_links"]}
        assert {run["flowId"] for run in runs["items"]} == set(flows[-limit:])
        calls.append(work.calls)
        emulator.close()
    below, above = calls
    assert above < 1.1 * below  # two more flows, of which one is read


@pytest.mark.parametrize(("place", "status"), [("memory", 200), ("flow.db", 400)])
def test_a_filter_by_last_runs_pays_more_for_flows_of_a_database(
    tmp_path: Path, place: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(property_filter, "MAX_VISITS", 9_000)
    emulator = Emulator(Config(seed=1, state=None if place == "memory" else str(tmp_path / place)))
    body = flow(emulator)
    for _ in range(6):
        flowing(emulator, body)
    assert send(emulator, "GET", "/flows?property=lastRunDetails.state==failed").status == status
    emulator.close()
