"""Tests when runs of flows to destinations are due, and of their metrics."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import Config, Emulator
from tests.calls import send
from tests.destinations import S3_DATASET_FLOW, audience, data_sets, exporting, transform

HOUR = 3_600_000
START = 1_767_225_600
"""2026-01-01T00:00:00Z, the start of a seeded clock."""


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(Config(seed=1))


def runs(emulator: Emulator, flow_id: str, more: str = "") -> list[dict[str, Any]]:
    """The runs of a flow, latest first."""
    body: Any = send(emulator, "GET", f"/runs?property=flowId=={flow_id}{more}").body
    return body["items"]  # type: ignore[no-any-return]


def exported(emulator: Emulator, **schedule: Any) -> str:
    """Create a flow that exports one audience on a schedule; returns its id."""
    return exporting(emulator, transformations=transform(audience("a", **schedule)))["id"]


# documented: frequencies and triggers of update-destination-dataflows.md; the hours are counted from the start
@pytest.mark.parametrize(
    ("schedule", "hours", "count"),
    [
        ({"frequency": "ONCE", "startDate": "2026-01-01", "startTime": "02:00"}, 1, 0),
        ({"frequency": "ONCE", "startDate": "2026-01-01", "startTime": "02:00"}, 100, 1),
        ({"frequency": "DAILY", "startDate": "2026-01-01", "startTime": "02:00", "endDate": "2026-01-03"}, 300, 3),
        ({"frequency": "DAILY", "startDate": "2026-01-02", "triggerType": "AFTER_SEGMENT_EVAL"}, 72, 3),
        ({"frequency": "EVERY_3_HOURS", "startDate": "2026-01-01", "startTime": "01:00"}, 12, 4),
        ({"frequency": "EVERY_6_HOURS", "startDate": "2026-01-01", "startTime": "00:00"}, 24, 5),
        ({"frequency": "EVERY_12_HOURS", "startDate": "2026-01-01", "startTime": "00:00"}, 24, 3),
        ({"frequency": "DAILY", "startDate": "2021-12-23", "endDate": "2021-12-31", "startTime": "20:00"}, 99, 0),
        ({"frequency": "DAILY", "startDate": "no day", "startTime": "20:00"}, 99, 0),
        ({}, 99, 0),
    ],
)
def test_an_audience_is_exported_when_its_schedule_says(
    emulator: Emulator, schedule: dict[str, str], hours: int, count: int
) -> None:
    flow_id = exported(emulator, **schedule)
    emulator.runtime.clock.advance(hours * HOUR)
    assert len(runs(emulator, flow_id)) == count


def test_a_run_of_an_export_tells_of_its_audience_on_both_sides(emulator: Emulator) -> None:
    """Documented: Batch_Flow_Run_Success of the destinations document, and the filter of the sorting page."""
    flow_id = exported(emulator, frequency="ONCE", startDate="2026-01-01", startTime="00:00")
    emulator.runtime.clock.advance(HOUR)
    (run,) = runs(emulator, flow_id)
    record = run["metrics"]["recordSummary"]
    flow: Any = send(emulator, "GET", f"/flows/{flow_id}").body
    (source,), (target,) = record["sourceSummaries"], record["targetSummaries"]
    assert source["id"] == flow["items"][0]["sourceConnectionIds"][0]
    assert target["id"] == flow["items"][0]["targetConnectionIds"][0]
    assert [entity["id"] for entity in target["entitySummaries"]] == ["segment:a"]
    counted = {
        record["inputRecordCount"],
        record["createdRecordCount"],
        source["entitySummaries"][0]["inputRecordCount"],
        target["entitySummaries"][0]["outputRecordCount"],
    }
    assert len(counted) == 1 and counted.pop() > 0
    assert [activity["name"] for activity in run["activities"]] == [
        "Activation Batch XdmProcessor Activity",
        "Activation Batch Publisher Activity",
    ]
    assert run["metrics"]["statusSummary"]["status"] == "success"
    path = "metrics.recordSummary.targetSummaries[].entitySummaries[].id"
    assert runs(emulator, flow_id, f"&property={path}==segment:a") == [run]
    assert runs(emulator, flow_id, f"&property={path}==segment:b") == []
    assert flow["items"][0]["lastRunDetails"]["id"] == run["id"]


def test_a_run_under_way_and_one_in_line_say_so(emulator: Emulator) -> None:
    flow_id = exported(emulator, frequency="ONCE", startDate="2026-01-01", startTime="00:01")
    emulator.runtime.clock.advance(60_000)
    (run,) = runs(emulator, flow_id)
    assert run["metrics"] == {"statusSummary": {"status": "queued"}} and run["activities"] == []
    emulator.runtime.clock.advance(15_000)
    (run,) = runs(emulator, flow_id)
    assert run["metrics"]["statusSummary"]["status"] == "inProgress"
    assert [activity["name"] for activity in run["activities"]] == ["Activation Batch XdmProcessor Activity"]


def test_each_audience_keeps_its_own_time_and_one_that_is_removed_is_not_exported(emulator: Emulator) -> None:
    daily = audience("daily", frequency="DAILY", startDate="2026-01-01", startTime="00:00")
    often = audience("often", frequency="EVERY_6_HOURS", startDate="2026-01-01", startTime="00:00")
    flow_id = exporting(emulator, transformations=transform(daily, often))["id"]
    emulator.runtime.clock.advance(12 * HOUR)
    flow: Any = send(emulator, "GET", f"/flows/{flow_id}").body
    change = [{"op": "remove", "path": "/transformations/0/params/segmentSelectors/selectors/1"}]
    headers = {"if-match": flow["items"][0]["etag"]}
    assert send(emulator, "PATCH", f"/flows/{flow_id}", change, headers=headers).status == 200
    emulator.runtime.clock.advance(24 * HOUR)
    found = [
        run["metrics"]["recordSummary"]["targetSummaries"][0]["entitySummaries"] for run in runs(emulator, flow_id)
    ]
    names = [entity["id"] for summaries in found for entity in summaries]
    assert sorted(names) == ["segment:daily"] * 2 + ["segment:often"] * 3


def test_data_sets_are_exported_together_until_the_end(emulator: Emulator) -> None:
    """Documented: the schedule of export-datasets.md, and endTime of the destinations document."""
    flow_id = exporting(
        emulator,
        S3_DATASET_FLOW,
        sourceConnectionIds=[data_sets(emulator, "5ef3e3259ad2a1191ab7dd7d", "616d53e0a6de2719486fb024")],
        transformations=[],
        scheduleParams={
            "interval": 3,
            "timeUnit": "hour",
            "startTime": START,
            "endTime": START + 7 * 3600,
        },
    )["id"]
    emulator.runtime.clock.advance(48 * HOUR)
    found = runs(emulator, flow_id)
    assert len(found) == 3
    summaries = found[0]["metrics"]["recordSummary"]["targetSummaries"][0]["entitySummaries"]
    assert [entity["id"] for entity in summaries] == [
        "dataset:5ef3e3259ad2a1191ab7dd7d",
        "dataset:616d53e0a6de2719486fb024",
    ]
    total = found[0]["metrics"]["recordSummary"]["outputRecordCount"]
    assert total == sum(entity["outputRecordCount"] for entity in summaries)


def test_a_disabled_export_has_no_runs_and_state_with_runs_can_be_moved(emulator: Emulator) -> None:
    flow_id = exported(emulator, frequency="EVERY_3_HOURS", startDate="2026-01-01", startTime="00:00")
    emulator.runtime.clock.advance(4 * HOUR)
    assert send(emulator, "POST", f"/flows/{flow_id}/action?op=disable").status == 200
    emulator.runtime.clock.advance(24 * HOUR)
    found = runs(emulator, flow_id)
    assert len(found) == 2
    other = Emulator(Config(seed=1))
    other.restore(emulator.export())
    assert runs(other, flow_id) == found
