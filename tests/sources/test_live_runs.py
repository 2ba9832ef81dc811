"""Tests that flow runs over a live table count its rows."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mockserver import Emulator
from mockserver.sources.dialling import MAX_SESSIONS, Patience
from tests import dataflows, live
from tests.bad_network import between
from tests.calls import made, send
from tests.dataflows import HOUR, MINUTE, pass_time, runs_of, seconds, status_of, total

START_MS = 1_767_225_600_000
"""The start of a seeded clock, 2026-01-01T00:00:00Z, in the middle of the orders."""


@pytest.fixture
def emulator() -> Emulator:
    return live.emulator()


def copy(column: str) -> dict[str, Any]:
    return {"name": "Copy", "params": {"deltaColumn": {"name": column}}}


def reading(emulator: Emulator, table: str, column: str = "placed_at", body: Any = None, **schedule: Any) -> str:
    """Create a flow over a live table, every 15 minutes from a given minute; returns its id."""
    base = made(emulator, body or live.basic())["id"]
    read = dataflows.source(emulator, table, baseConnectionId=base)
    params = {"startTime": seconds(emulator) + 60, "frequency": "minute", "interval": 15, **schedule}
    steps = [dataflows.MAPPING] if params["frequency"] == "once" else [copy(column), dataflows.MAPPING]
    if params["frequency"] == "once":
        del params["interval"]
    changes = {"sourceConnectionIds": [read], "transformations": steps, "scheduleParams": params}
    return dataflows.flowing(emulator, dataflows.flow(emulator, **changes))


@pytest.mark.parametrize("column", ["placed_at", "noted"])
def test_each_run_counts_the_rows_since_the_one_before(emulator: Emulator, column: str) -> None:
    flow_id = reading(emulator, "public.orders", column)
    pass_time(emulator, 2 * MINUTE)
    (first,) = runs_of(emulator, flow_id)
    assert total([first]) == 61  # 23:00 to 00:00, and not the one at 00:01
    assert first["metrics"]["sizeSummary"]["inputBytes"] > 61
    pass_time(emulator, 2 * HOUR)
    runs = runs_of(emulator, flow_id)
    assert [total([run]) for run in runs][:6] == [61, 15, 15, 15, 14, 0]
    assert total(runs) == 120  # all with a timestamp
    assert {status_of(run) for run in runs[:-1]} == {"success"}


def test_a_look_after_a_month_asks_the_database_little_and_misses_nothing() -> None:
    with between(live.port()) as network:
        emulator = live.emulator(network.port)
        start = {"startTime": START_MS // 1000, "backfill": False}
        flow_id = reading(emulator, "public.orders", body=live.basic(network.port), **start)
        before = network.connections
        pass_time(emulator, 30 * 24 * HOUR)
        runs = runs_of(emulator, flow_id, "&limit=100")
        assert network.connections <= before + 3  # its columns, all windows, the size of a row
    assert len(runs) > 2_800
    assert total(runs) == 60


def test_a_flow_that_runs_once_reads_the_whole_table(emulator: Emulator) -> None:
    flow_id = reading(emulator, "public.customers", frequency="once", startTime=seconds(emulator))
    pass_time(emulator, HOUR)
    (run,) = runs_of(emulator, flow_id)
    assert total([run]) == 250
    assert run["metrics"]["sizeSummary"]["inputBytes"] > 250 * len("1,c1@example.com,f,0.25")


@pytest.mark.parametrize(
    ("column", "first", "count"), [("placed_at", 600, 10), ("noted", 86_400, 60), ("day", 86_400, 60), ("day", 0, 0)]
)
def test_a_run_on_demand_reads_its_window(emulator: Emulator, column: str, first: int, count: int) -> None:
    flow_id = reading(emulator, "public.orders", frequency="once", startTime=seconds(emulator) + 86_400)
    window = {
        "startTime": seconds(emulator),
        "windowStartTime": START_MS // 1000 - first,
        "windowEndTime": START_MS // 1000,
    }
    params = {**{name: str(value) for name, value in window.items()}, "deltaColumn": {"name": column}}
    assert send(emulator, "POST", "/runs", {"flowId": flow_id, "params": params}).status == 201
    pass_time(emulator, HOUR)
    assert total(runs_of(emulator, flow_id)) == count


@pytest.mark.parametrize(
    ("table", "column", "says"),
    [
        ("public.nothing", "placed_at", "1330-400"),
        ("public.orders", "nothing", "1378-400"),
        ("public.orders", "id", "1378-400"),
        ("public.slow", "id", "1378-400"),
        ("hidden.salaries", "id", "1378-400"),
    ],
)
def test_what_cannot_be_read_fails_the_run(emulator: Emulator, table: str, column: str, says: str) -> None:
    flow_id = reading(emulator, table, column)
    pass_time(emulator, HOUR)
    runs = runs_of(emulator, flow_id)
    assert {status_of(run) for run in runs} == {"failed"}
    assert says in str(runs[0]["metrics"]["statusSummary"]["errors"])


def test_a_table_too_slow_to_count_fails_the_run(emulator: Emulator) -> None:
    live.execute("CREATE VIEW slow_days AS SELECT timestamp '2026-01-01' AS at FROM pg_sleep(30)")
    flow_id = reading(emulator, "public.slow_days", "at")
    pass_time(emulator, HOUR)
    runs = runs_of(emulator, flow_id)
    assert "did not answer in time" in str(runs[0]["metrics"]["statusSummary"]["errors"])


def test_a_database_that_is_away_fails_the_runs_due_meanwhile_and_no_later_ones() -> None:
    with between(live.port()) as network:
        emulator = live.emulator(network.port)
        flow_id = reading(emulator, "public.orders", body=live.basic(network.port))
        network.refuse()
        pass_time(emulator, 20 * MINUTE)
        before = runs_of(emulator, flow_id)
        network.heal()
        pass_time(emulator, 2 * HOUR)
        runs = runs_of(emulator, flow_id)
    assert {status_of(run) for run in before} == {"failed"}
    assert [status_of(run) for run in runs[: len(before)]] == ["failed"] * len(before)
    assert total(runs[len(before) :]) > 0


def test_runs_that_are_due_while_too_many_sources_are_read_are_made_up_for_later() -> None:
    with between(live.port()) as network, ThreadPoolExecutor(MAX_SESSIONS) as crowd:
        emulator = live.emulator(network.port, patience=Patience(connect_seconds=2, statement_ms=3_000))
        body = live.basic(network.port)
        flow_id, once = reading(emulator, "public.orders", body=body), reading(emulator, "public.orders", body=body)
        base = made(emulator, body)["id"]
        before = network.connections
        asking = [crowd.submit(live.explore, emulator, base, "public.slow", preview=True) for _ in range(MAX_SESSIONS)]
        while network.connections < before + MAX_SESSIONS:
            time.sleep(0.01)  # there is no notification when a connection attempt begins
        pass_time(emulator, 20 * MINUTE)
        answer: Any = send(emulator, "GET", f"/flows/{flow_id}")
        assert answer.status == 200 and "lastRunDetails" not in answer.body["items"][0]
        assert runs_of(emulator, once) == []
        refusal = send(emulator, "GET", f"/connections/{base}/test")
        assert (refusal.status, refusal.error, dict(refusal.headers)) == (503, "1103-503", {"Retry-After": "1"})
        assert {asked.result().status for asked in asking} == {504}
        assert total(runs_of(emulator, flow_id)) == total(runs_of(emulator, once)) > 60


def test_flows_over_a_database_that_hangs_cost_a_list_one_wait() -> None:
    with between(live.port()) as network:
        emulator = live.emulator(network.port, patience=replace(live.BRIEF, silent_ms=60_000))
        for _ in range(5):
            reading(emulator, "public.orders", body=live.basic(network.port))
        network.hang()
        pass_time(emulator, 20 * MINUTE)
        before = network.connections
        assert send(emulator, "GET", "/flows").status == 200
        assert network.connections == before + 1


def test_the_lake_gets_the_rows_of_a_live_table(tmp_path: Path) -> None:
    emulator = live.emulator(lake=str(tmp_path))
    flow_id = reading(emulator, "public.customers", frequency="once", startTime=seconds(emulator))
    pass_time(emulator, HOUR)
    (run,) = runs_of(emulator, flow_id)
    assert status_of(run) == "success"
    (lines,) = tmp_path.rglob("*.jsonl")
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    assert len(rows) == total([run]) == 250
    assert rows[0] == {"id": 1, "email": "c1@example.com", "active": False, "balance": 0.25}
