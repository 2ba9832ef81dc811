"""Tests of runs: when they are due, which rows they read, how they end; created once by the first query."""

from __future__ import annotations

import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator, world
from mockserver.flows import progress
from tests.calls import HEADERS, made, send
from tests.dataflows import (
    COPY,
    DAY,
    EXAMPLE_SOURCES,
    HOUR,
    MAPPING,
    MINUTE,
    TENANT,
    declared,
    events,
    files,
    flow,
    flowing,
    looked_up,
    once,
    pass_time,
    runs_of,
    seconds,
    status_of,
    total,
)

VISITS, CUSTOMERS = 2000, 250
"""Rows of the built-in shop's `sales.store_visits` and `customers.csv`."""


def test_thirty_days_of_quarters_of_an_hour_read_each_row_once(emulator: Emulator) -> None:
    flow_id = flowing(emulator)
    pass_time(emulator, 30 * DAY + MINUTE)
    found = runs_of(emulator, flow_id)
    assert len(found) == 30 * 24 * 4 + 1
    assert {status_of(run) for run in found[:-1]} == {"success"}
    assert total(found) == total(found, "outputRecordCount") == VISITS
    first, *later = found
    assert total([first]) > 1000, "the backfill reads what was there before"
    assert max(total([run]) for run in later) == 1, "one visit every two hours"
    assert len({run["id"] for run in found}) == len({run["etag"] for run in found}) == len(found)
    assert sum(run["metrics"].get("sizeSummary", {}).get("inputBytes", 0) for run in found) % VISITS == 0


def test_looking_in_between_changes_nothing(emulator: Emulator) -> None:
    other = Emulator(Config(seed=1))
    one, two = flowing(emulator), flowing(other)
    assert one == two
    for _ in range(40):
        pass_time(emulator, 37 * MINUTE)
        runs_of(emulator, one)
    pass_time(other, 40 * 37 * MINUTE)
    members = ("id", "createdAt", "updatedAt", "metrics", "activities", "providerRefId")
    seen, made = ([{name: run[name] for name in members} for run in runs_of(e, one)] for e in (emulator, other))
    assert seen == made and len(seen) == 99


def test_without_backfill_only_what_comes_after_the_start_is_read(emulator: Emulator) -> None:
    """Documented: backfill decides what is ingested at first."""
    params = {"startTime": seconds(emulator), "frequency": "hour", "interval": "1", "backfill": "false"}
    before = flowing(emulator, once(emulator, transformations=[MAPPING]))
    flow_id = flowing(emulator, flow(emulator, scheduleParams=params))
    pass_time(emulator, 30 * DAY)
    found = runs_of(emulator, flow_id)
    assert total(found[:1]) == 0 and 0 < total(found) < VISITS == total(runs_of(emulator, before))


def test_a_run_goes_from_queued_over_in_progress_to_success(emulator: Emulator) -> None:
    flow_id = flowing(emulator)
    emulator.runtime.clock.freeze()
    pass_time(emulator, MINUTE)
    (run,) = runs_of(emulator, flow_id)
    path, seen = f"/runs/{run['id']}", []
    for _ in range(80):
        now = looked_up(emulator, path)
        details = looked_up(emulator, f"/flows/{flow_id}")["lastRunDetails"]
        assert (details["id"], details["state"]) == (now["id"], status_of(now))
        assert now["updatedAt"] <= emulator.runtime.clock.now_ms()
        if not seen or seen[-1] != now:
            seen.append(now)
        pass_time(emulator, 1000)
    assert [status_of(run) for run in seen] == ["queued", "inProgress", "success"]
    assert len({run["etag"] for run in seen}) == 3, "a state of its own, an etag of its own"
    queued, running_, done = seen
    assert queued["metrics"] == {"statusSummary": {"status": "queued"}} and queued["activities"] == []
    assert "completedAtUTC" not in running_["metrics"]["durationSummary"]
    duration = done["metrics"]["durationSummary"]
    assert run["createdAt"] < duration["startedAtUTC"] < duration["completedAtUTC"] == done["updatedAt"]
    assert details == {"id": run["id"], "state": "success", **duration}
    assert "version" not in done and "state" not in done and "span" not in done


def test_a_finished_run_has_two_activities_that_agree_with_its_metrics(emulator: Emulator) -> None:
    """Shape and ids of the monitoring tutorial (recorded)."""
    flow_id = flowing(emulator)
    pass_time(emulator, HOUR)
    run = runs_of(emulator, flow_id)[0]
    copy, promotion = run["activities"]
    assert (copy["id"], copy["name"]) == ("4f008a00-3a04-11eb-adc1-0242ac120002", "Copy Activity")
    assert (promotion["id"], promotion["name"]) == ("37b34f84-1ada-11eb-adc1-0242ac120002", "Promotion Activity")
    metrics = run["metrics"]
    assert copy["recordSummary"]["outputRecordCount"] == promotion["recordSummary"]["inputRecordCount"]
    assert metrics["recordSummary"]["outputRecordCount"] == promotion["recordSummary"]["outputRecordCount"]
    assert copy["durationSummary"]["completedAtUTC"] == promotion["durationSummary"]["startedAtUTC"]
    assert copy["durationSummary"]["extensions"] == {"windowEnd": run["createdAt"]}
    assert copy["sourceInfo"][0]["reference"]["type"] == "AdfRunId"
    batch = promotion["targetInfo"][0]["reference"]
    assert batch["type"] == "Batch" and len(batch["ids"][0]) == 26 and batch["ids"][0].startswith("01")
    assert run["providerRefId"].startswith(f"M-{flow_id}-incremental-0:")


def test_once_runs_once_and_when_it_says(emulator: Emulator) -> None:
    start = seconds(emulator) + 3600
    flow_id = flowing(emulator, once(emulator, start))
    pass_time(emulator, HOUR - MINUTE)
    assert runs_of(emulator, flow_id) == []
    pass_time(emulator, 365 * DAY)
    (run,) = runs_of(emulator, flow_id)
    assert run["createdAt"] == start * 1000 and total([run]) == VISITS


def test_files_are_read_whole_by_the_first_run(emulator: Emulator) -> None:
    flow_id = flowing(emulator, files(emulator, "/shop"))
    pass_time(emulator, 5 * HOUR + 5 * MINUTE)
    first, *later = runs_of(emulator, flow_id)
    assert total([first]) == total([first, *later]) >= CUSTOMERS
    assert first["metrics"]["fileSummary"]["inputFileCount"] > 1
    assert [run["metrics"]["fileSummary"]["inputFileCount"] for run in later] == [0] * 5
    single = flowing(emulator, files(emulator))
    pass_time(emulator, 5 * MINUTE)
    assert total(runs_of(emulator, single)) == CUSTOMERS


def disabled_between(emulator: Emulator, flow_id: str) -> list[int]:
    """When the runs of a flow were due that was disabled for three hours."""
    pass_time(emulator, HOUR)
    send(emulator, "POST", f"/flows/{flow_id}/action?op=disable")
    pass_time(emulator, 3 * HOUR)
    send(emulator, "POST", f"/flows/{flow_id}/action?op=enable")
    pass_time(emulator, HOUR)
    return [run["createdAt"] for run in runs_of(emulator, flow_id)]


def test_new_credentials_lead_to_another_source_from_now_on(emulator: Emulator) -> None:
    declared(emulator, EXAMPLE_SOURCES)
    body = events(emulator)
    flow_id = flowing(emulator, body)
    pass_time(emulator, HOUR)
    base = looked_up(emulator, f"/sourceConnections/{body['sourceConnectionIds'][0]}")["baseConnectionId"]
    path = f"/connections/{base}"
    patch = [{"op": "replace", "path": "/auth/params/server", "value": "elsewhere.example.com"}]
    etag = looked_up(emulator, path)["etag"]
    assert send(emulator, "PATCH", path, patch, headers={"if-match": etag}).status == 200
    pass_time(emulator, HOUR)
    found = [status_of(run) for run in runs_of(emulator, flow_id)]
    assert found[:2] + found[4:8] == ["success"] * 2 + ["partialSuccess"] + ["failed"] * 3, "the shop has no such table"


def test_a_disabled_flow_rests_and_then_reads_what_it_missed(emulator: Emulator) -> None:
    """Documented: no runs meanwhile. Assumed: the next run reads the rows of that time."""
    flow_id = flowing(emulator)
    due = disabled_between(emulator, flow_id)
    assert len(due) == 8
    gaps = [(later - earlier) // MINUTE for earlier, later in pairwise(due)]
    assert sorted(gaps) == [15] * 6 + [195]
    pass_time(emulator, 30 * DAY)
    assert total(runs_of(emulator, flow_id)) == VISITS


def test_a_new_schedule_counts_from_the_change(emulator: Emulator) -> None:
    hourly = {"startTime": seconds(emulator), "frequency": "hour", "interval": 1}
    receipt = made(emulator, flow(emulator, scheduleParams=hourly), "/flows")
    pass_time(emulator, 2 * HOUR + 50 * MINUTE)
    quarterly = {**hourly, "frequency": "minute", "interval": 15}
    patch = [{"op": "replace", "path": "/scheduleParams", "value": quarterly}]
    sent = {"if-match": receipt["etag"]}
    assert send(emulator, "PATCH", f"/flows/{receipt['id']}", patch, headers=sent).status == 200
    pass_time(emulator, 30 * MINUTE)
    due = [run["createdAt"] // 1000 - hourly["startTime"] for run in runs_of(emulator, receipt["id"])]
    assert [second // 60 for second in due] == [0, 60, 120, 180, 195], "nobody looked before the change"
    pass_time(emulator, 30 * DAY)
    assert total(runs_of(emulator, receipt["id"])) == VISITS


def test_what_is_declared_happens(emulator: Emulator) -> None:
    """Vocabulary: the example sources file. Codes are those of the monitoring tutorial's samples."""
    declared(emulator, EXAMPLE_SOURCES)
    flow_id = flowing(emulator, events(emulator))
    pass_time(emulator, 75 * MINUTE + MINUTE)
    found = runs_of(emulator, flow_id)
    assert [status_of(run) for run in found] == [
        "success", "success", "failed", "partialSuccess", "partialSuccess", "success",
    ]  # fmt: skip
    failed, partial = found[2], found[3]
    assert failed["metrics"]["statusSummary"]["errors"] == [
        {"code": "CONNECTOR-2001-500", "message": "The source went away."}
    ]
    assert [activity["name"] for activity in failed["activities"]] == ["Copy Activity"]
    assert partial["metrics"]["statusSummary"]["errors"][0]["code"] == "MAPPER-3700-400"
    assert [activity["statusSummary"]["status"] for activity in partial["activities"]] == ["success", "partialSuccess"]
    assert total([failed], "outputRecordCount") == 0 and total([failed]) == total([failed], "failedRecordCount") == 10
    assert total([partial], "failedRecordCount") == 1
    assert total(found, "outputRecordCount") + total(found, "failedRecordCount") == total(found) == 50
    assert looked_up(emulator, f"/flows/{flow_id}")["lastRunDetails"]["id"] == found[-1]["id"]


def test_a_source_that_cannot_be_read_fails_its_runs(emulator: Emulator, tmp_path: Path) -> None:
    flow_id = flowing(emulator)
    lost = flowing(emulator, flow(emulator, "no.such_table"))
    unfit = {"name": "Copy", "params": {"deltaColumn": {"name": "city"}}}
    wrong = flowing(emulator, flow(emulator, transformations=[unfit, MAPPING]))
    pass_time(emulator, 5 * MINUTE)
    gone = tmp_path / "gone.yaml"
    gone.write_text("default: unreachable\nsources: []\n")
    assert status_of(runs_of(emulator, flow_id)[0]) == "success"
    assert [status_of(runs_of(emulator, flow)[0]) for flow in (lost, wrong)] == ["failed"] * 2
    declared(emulator, gone)
    pass_time(emulator, 15 * MINUTE)
    (error,) = runs_of(emulator, flow_id)[1]["metrics"]["statusSummary"]["errors"]
    assert "reached" in error["message"]


@pytest.mark.parametrize(
    "condition",
    ["state==success", "metrics.statusSummary.status==Success", "metrics.recordSummary.inputRecordCount>0",
     "metrics.durationSummary.startedAtUTC>1000"],
)  # fmt: skip
def test_runs_are_found_by_what_they_are_now(emulator: Emulator, condition: str) -> None:
    flow_id = flowing(emulator)
    pass_time(emulator, 10 * MINUTE)
    assert len(runs_of(emulator, flow_id, f"&property={condition}")) == 1


def test_all_runs_of_a_sandbox_are_listed_in_order_of_time(emulator: Emulator) -> None:
    one, two = flowing(emulator), flowing(emulator)
    pass_time(emulator, DAY)
    ids, found, path = {one, two}, [], "/runs?limit=50"
    while path:
        body: Any = send(emulator, "GET", path).body
        found += body["items"]
        path = body["_links"].get("next", {}).get("href")
    assert {run["flowId"] for run in found} == ids and len(found) == 192
    times = [run["updatedAt"] for run in found]
    assert times == sorted(times, reverse=True)
    elsewhere = {**HEADERS, "x-sandbox-name": "stage"}
    assert send(emulator, "GET", "/runs?count=true", headers=elsewhere).body == {"count": 0}


def test_a_run_is_made_once_however_many_look_at_the_same_moment(emulator: Emulator) -> None:
    flows = [flowing(emulator) for _ in range(3)]
    pass_time(emulator, 2 * DAY)
    readers = 12
    start = threading.Barrier(readers)

    def look(number: int) -> None:
        start.wait()
        path = ("/runs?limit=1", f"/runs?property=flowId=={flows[number % 3]}&limit=1", f"/flows/{flows[number % 3]}")
        for step in range(3):
            assert send(emulator, "GET", path[(number + step) % 3]).status == 200

    with ThreadPoolExecutor(readers) as pool:
        list(pool.map(look, range(readers)))
    for flow_id in flows:
        found = runs_of(emulator, flow_id)
        assert len(found) == 192
        assert len({run["createdAt"] for run in found}) == len({run["etag"] for run in found}) == 192
        assert emulator.world.store.get(TENANT, progress.PROGRESS, flow_id)["runs"] == 192  # type: ignore[index]


LOOKS = ("/runs", "/runs?property=flowId=={}", "/flows/{}", "/flows", "/data/foundation/catalog/batches")


def looking_at(path: str, state: str | None, looks: int) -> list[dict[str, Any]]:
    """The runs of a flow for ten days, during which a client looked so often."""
    emulator = Emulator(Config(seed=1, state=state))
    flow_id = flowing(emulator)
    for _ in range(looks):
        pass_time(emulator, 10 * DAY // looks)
        assert send(emulator, "GET", path.format(flow_id)).status == 200
    runs = runs_of(emulator, flow_id)
    assert looked_up(emulator, f"/flows/{flow_id}")["lastRunDetails"]["id"] == runs[-1]["id"]
    emulator.close()
    return runs


@functools.cache
def looking_often_at(path: str) -> list[dict[str, Any]]:
    """The same for every kind of store."""
    return looking_at(path, None, 40)


@pytest.mark.slow
@pytest.mark.parametrize("path", LOOKS)
def test_a_request_creates_the_newest_runs_only_and_the_first_of_them_reads_all_rows_before(
    state: str | None, path: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest runs are those that a client sees who looks often, with the same ids, times and rows."""
    monkeypatch.setattr(world, "MAX_RUNS", 40)
    many = looking_often_at(path)
    monkeypatch.setattr(world, "MAX_RUNS", 80 if state else 40)  # with a database half of it
    few = looking_at(path, state, 1)
    assert len(few) == 39 and len(many) == 10 * 96
    assert total(few) == total(many)
    newest = [{name: run[name] for name in ("id", "createdAt", "metrics", "activities")} for run in few[1:]]
    assert newest == [{name: run[name] for name in newest[0]} for run in many[-38:]]
    assert "921 overdue runs of 1 flows" in caplog.text


def test_overdue_flows_share_what_a_request_creates(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "MAX_RUNS", 20)
    flows = [flowing(emulator) for _ in range(4)]
    pass_time(emulator, DAY)
    page: Any = send(emulator, "GET", "/flows").body
    last = {item["id"]: item["lastRunDetails"]["id"] for item in page["items"]}
    monkeypatch.setattr(world, "MAX_RUNS", 10**6)
    for flow_id in flows:
        found = runs_of(emulator, flow_id)
        assert len(found) == 4 and last[flow_id] == found[-1]["id"]


def test_flows_beyond_what_a_request_creates_are_brought_up_to_date_by_the_next_ones(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "MAX_RUNS", 4)
    for _ in range(5):
        flowing(emulator)
    pass_time(emulator, DAY)
    counts = [send(emulator, "GET", "/runs?count=true").body for _ in range(4)]
    assert counts == [{"count": 2}, {"count": 4}, {"count": 7}, {"count": 7}]


def test_progress_survives_a_restart(tmp_path: Path) -> None:
    state = str(tmp_path / "flow.db")
    before = Emulator(Config(seed=1, state=state))
    flow_id = flowing(before, flow(before, transformations=[COPY, MAPPING]))
    pass_time(before, HOUR)
    seen = runs_of(before, flow_id)
    now = before.runtime.clock.now_ms()
    before.close()
    after = Emulator(Config(seed=1, state=state))
    pass_time(after, now - after.runtime.clock.now_ms() + 30 * DAY)
    found = runs_of(after, flow_id)
    assert [run["id"] for run in found[: len(seen)]] == [run["id"] for run in seen]
    assert total(found) == VISITS and len({run["id"] for run in found}) == len(found)
    after.close()


def test_the_runs_of_a_flow_that_is_gone_can_be_forgotten(emulator: Emulator) -> None:
    """`DELETE /_mock/runs/FLOW` deletes them; the real service cannot."""
    ids = [made(emulator, once(emulator), "/flows")["id"] for _ in range(2)]
    pass_time(emulator, HOUR)
    with pytest.raises(ValueError, match="delete it first"):
        progress.forget(emulator.world, TENANT, ids[0])
    assert send(emulator, "DELETE", f"/flows/{ids[0]}").status == 204
    assert len(runs_of(emulator, ids[0])) == len(runs_of(emulator, ids[1])) == 1
    progress.forget(emulator.world, TENANT._replace(sandbox="dev"), ids[0])
    assert len(runs_of(emulator, ids[0])) == 1
    progress.forget(emulator.world, TENANT, ids[0])
    progress.forget(emulator.world, TENANT, ids[0])
    assert (len(runs_of(emulator, ids[0])), len(runs_of(emulator, ids[1]))) == (0, 1)
    assert ids[0] not in str(emulator.export())
