"""Tests of valid and invalid flows and of their responses. Each case's id names its provenance."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import Config, Emulator
from tests.calls import POSTGRESQL, refused, send
from tests.dataflows import (
    AMAZON_S3,
    CLOUD_STORAGE_TO_AEP,
    COPY,
    CRM_TO_AEP,
    DATA_LAKE,
    HOUR,
    MAPPING,
    files,
    flow,
    flowing,
    looked_up,
    once,
    pass_time,
    runs_of,
    seconds,
    source,
    stream,
)


def test_a_new_flow_is_told_with_what_follows_from_its_ends(emulator: Emulator) -> None:
    body = flow(emulator, description="hourly", labels=["core/C12"])
    result = send(emulator, "POST", "/flows", body)
    assert (result.status, sorted(result.body)) == (201, ["etag", "id"])  # type: ignore[arg-type]
    headers = dict(result.headers)
    found = looked_up(emulator, f"/flows/{result.body['id']}")  # type: ignore[index, call-overload]
    assert headers["Location"].endswith(f"/data/foundation/flowservice/flows/{found['id']}")
    assert found["etag"] == found["version"] == headers["ETag"]
    assert {name: found[name] for name in body} == body, "scheduleParams come back as sent (recorded)"
    assert found["state"] == "enabled" and found["runs"] == f"/runs?property=flowId=={found['id']}"
    assert found["lastOperation"] == {
        "started": found["lastOperation"]["started"], "updated": 0, "operation": "create",
    }, "documented shape"  # fmt: skip
    (read,) = found["inheritedAttributes"]["sourceConnections"]
    spec = {"id": POSTGRESQL, "version": "1.0"}
    base = looked_up(emulator, f"/sourceConnections/{read['id']}")["baseConnectionId"]
    assert read == {"id": body["sourceConnectionIds"][0], "connectionSpec": spec,
                    "baseConnection": {"id": base, "connectionSpec": spec}}  # fmt: skip
    assert found["inheritedAttributes"]["properties"] == {"isSourceFlow": True}
    lake = {"id": DATA_LAKE, "version": "1.0"}
    assert found["inheritedAttributes"]["targetConnections"] == [
        {"id": body["targetConnectionIds"][0], "connectionSpec": lake}
    ]
    assert "lastRunDetails" not in found and "provider" not in found


REFUSED: dict[str, tuple[dict[str, Any], str, str, str]] = {
    # change, code, pointer, part of the message
    "state sent (documented)": ({"state": "enabled"}, "1410-400", "/state", ""),
    "an unknown spec (documented)": ({"flowSpec": {"id": "x"}}, "1413-400", "/flowSpec/id", ""),
    "another version (assumed)": (
        {"flowSpec": {"id": CRM_TO_AEP, "version": "9"}}, "1100-400", "/flowSpec/version", ""),
    "flowSpec an unknown id alone (assumed)": ({"flowSpec": "x"}, "1413-400", "/flowSpec/id", ""),
    "flowSpec a number (assumed)": ({"flowSpec": 1}, "1100-400", "/flowSpec", ""),
    "no name (assumed)": ({"name": None}, "1100-400", "/name", ""),
    "no source (documented)": ({"sourceConnectionIds": None}, "1100-400", "/sourceConnectionIds", "1321-400"),
    "two targets (documented)": ({"targetConnectionIds": ["a", "b"]}, "1100-400", "/targetConnectionIds", "1321-400"),
    "an unknown source (assumed)": ({"sourceConnectionIds": ["a"]}, "1100-400", "/sourceConnectionIds/0", ""),
    "no schedule (documented)": ({"scheduleParams": None}, "1100-400", "/scheduleParams", ""),
    "no start (documented)": ({"scheduleParams": {"frequency": "once"}}, "1100-400", "/scheduleParams/startTime", ""),
    "an unknown frequency (documented)": (
        {"scheduleParams": {"startTime": 1, "frequency": "month", "interval": 1}},
        "1100-400", "/scheduleParams/frequency", "minute",
    ),
    "every 14 minutes (documented)": (
        {"scheduleParams": {"startTime": "1", "frequency": "minute", "interval": "14"}},
        "1100-400", "/scheduleParams/interval", "15",
    ),
    "every 0 hours (documented)": (
        {"scheduleParams": {"startTime": 1, "frequency": "hour", "interval": 0}},
        "1100-400", "/scheduleParams/interval", "1",
    ),
    "an unknown frequency without interval (assumed)": (
        {"scheduleParams": {"startTime": 1, "frequency": "ONCE"}}, "1100-400", "/scheduleParams/frequency", "once",
    ),
    "backfill in other words beside once (assumed)": (
        {"scheduleParams": {"startTime": 1, "frequency": "once", "backfill": "maybe"}},
        "1100-400", "/scheduleParams/backfill", "true or false",
    ),
    "a start in words (assumed)": (
        {"scheduleParams": {"startTime": "noon", "frequency": "once"}},
        "1100-400", "/scheduleParams/startTime", "as a number or as text",
    ),
    "no interval (documented)": (
        {"scheduleParams": {"startTime": 1, "frequency": "day"}}, "1100-400", "/scheduleParams/interval", "",
    ),
    "an interval in words (documented)": (
        {"scheduleParams": {"startTime": 1, "frequency": "day", "interval": "two"}},
        "1100-400", "/scheduleParams/interval", "integer",
    ),
    "a start before 1970 (assumed)": (
        {"scheduleParams": {"startTime": -1, "frequency": "day", "interval": 1}},
        "1100-400", "/scheduleParams/startTime", "",
    ),
    "no delta column (documented)": ({"transformations": [MAPPING]}, "1100-400", "/transformations", "1367-400"),
    "Copy without one (documented)": (
        {"transformations": [{"name": "Copy", "params": {}}, MAPPING]}, "1100-400", "/transformations/0", "1367-400",
    ),
    "a delta column without name (documented)": (
        {"transformations": [{"name": "Copy", "params": {"deltaColumn": {}}}, MAPPING]},
        "1100-400", "/transformations/0/params/deltaColumn/name", "",
    ),
    "no mapping (documented)": ({"transformations": [COPY]}, "1100-400", "/transformations", "1370-400"),
    "a mapping version in words (documented)": (
        {"transformations": [COPY, {"name": "Mapping", "params": {"mappingId": "m", "mappingVersion": "new"}}]},
        "1412-400", "/transformations/1/params/mappingVersion", "",
    ),
    "a negative mapping version (documented)": (
        {"transformations": [COPY, {"name": "Mapping", "params": {"mappingId": "m", "mappingVersion": -1}}]},
        "1412-400", "/transformations/1/params/mappingVersion", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "pointer", "words"), REFUSED.values(), ids=REFUSED)
def test_a_flow_is_refused(emulator: Emulator, changes: dict[str, Any], code: str, pointer: str, words: str) -> None:
    result = send(emulator, "POST", "/flows", flow(emulator, **changes))
    assert refused(result) == (400, code, pointer)
    assert words in result.body["errorMessage"]  # type: ignore[index, call-overload, operator]
    assert send(emulator, "GET", "/flows").body["items"] == []  # type: ignore[index, call-overload]


@pytest.mark.parametrize("member", ["interval", "backfill"])
def test_once_takes_neither_interval_nor_backfill(emulator: Emulator, member: str) -> None:
    params = {"startTime": seconds(emulator), "frequency": "once", member: "15" if member == "interval" else "true"}
    result = send(emulator, "POST", "/flows", once(emulator, scheduleParams=params))
    assert refused(result)[:2] == (400, "1100-400")


def test_once_takes_no_delta_column(emulator: Emulator) -> None:
    result = send(emulator, "POST", "/flows", once(emulator, transformations=[COPY, MAPPING]))
    assert refused(result) == (400, "1100-400", "/transformations/0/params/deltaColumn")
    assert "1369-400" in result.body["errorMessage"]  # type: ignore[index, call-overload, operator]


ACCEPTED: dict[str, dict[str, Any]] = {
    "15 minutes as numbers (documented)": {"scheduleParams": {"startTime": 9, "frequency": "minute", "interval": 15}},
    "1 hour (documented: 15 is for minutes alone)": {
        "scheduleParams": {"startTime": "9", "frequency": "hour", "interval": "1", "backfill": "False"}
    },
    "members of a public client (recorded)": {
        "scheduleParams": {"startTime": 9, "frequency": "week", "interval": 1, "foldernameTemplate": "x"},
        "transformations": [COPY, MAPPING, {"name": None, "params": {}}],
    },
    "a mapping version as text (recorded)": {
        "transformations": [COPY, {"name": "Mapping", "params": {"mappingId": "m", "mappingVersion": "0"}}]
    },
    "an unknown transformation (assumed)": {"transformations": [COPY, MAPPING, {"name": "Shuffle", "params": {}}]},
    "no version of the flow spec (documented)": {"flowSpec": {"id": CRM_TO_AEP}},
}


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_a_flow_is_taken_and_comes_back_as_sent(emulator: Emulator, changes: dict[str, Any]) -> None:
    found = looked_up(emulator, f"/flows/{flowing(emulator, flow(emulator, **changes))}")
    for name, value in changes.items():
        assert found[name] == ({"id": CRM_TO_AEP, "version": "1.0"} if name == "flowSpec" else value)


def test_a_connection_of_another_spec_does_not_fit_the_flow_spec(emulator: Emulator) -> None:
    body = flow(emulator, flowSpec={"id": CLOUD_STORAGE_TO_AEP})
    assert refused(send(emulator, "POST", "/flows", body)) == (400, "1100-400", "/sourceConnectionIds/0")
    swapped = flow(emulator, targetConnectionIds=[source(emulator)])
    assert refused(send(emulator, "POST", "/flows", swapped)) == (400, "1100-400", "/targetConnectionIds/0")


def test_ends_of_another_sandbox_are_as_good_as_absent(emulator: Emulator) -> None:
    body = flow(emulator)
    there = send(emulator, "POST", "/flows", body, headers={"x-sandbox-name": "stage"})
    absent = send(emulator, "POST", "/flows", {**body, "sourceConnectionIds": ["none"]})
    assert refused(there) == refused(absent)
    flow_id = flowing(emulator, body)
    assert send(emulator, "GET", f"/flows/{flow_id}", headers={"x-sandbox-name": "stage"}).status == 404


def test_known_mapping_sets_are_the_only_ones(emulator: Emulator) -> None:
    """Assumed: the operator's list replaces a service that is not emulated."""
    strict = Emulator(Config(seed=1, mappings=("known",)))
    result = send(strict, "POST", "/flows", flow(strict))
    assert refused(result) == (400, "1419-400", "/transformations/1/params/mappingId")
    known = {"name": "Mapping", "params": {"mappingId": "known"}}
    assert send(strict, "POST", "/flows", flow(strict, transformations=[COPY, known])).status == 201


FILTERS = [
    "state==enabled",
    f"flowSpec.id=={CRM_TO_AEP}",
    f"inheritedAttributes.targetConnections[].connectionSpec.id=={DATA_LAKE}",
    "inheritedAttributes.properties.isSourceFlow==true",
    "transformations[].params.deltaColumn.name==entered_at",
    "lastRunDetails.state==success",
    "lastRunDetails.startedAtUTC>=1670880253121",
]


@pytest.mark.parametrize("condition", FILTERS)
def test_filters_of_the_documents_find_the_flow(emulator: Emulator, condition: str) -> None:
    flow_id = flowing(emulator)
    draft = flowing(emulator, {"name": "draft", "flowSpec": {"id": CLOUD_STORAGE_TO_AEP}}, query="?mode=draft")
    pass_time(emulator, HOUR)
    body: Any = send(emulator, "GET", f"/flows?property={condition}").body
    assert flow_id in [item["id"] for item in body["items"]]
    if "isSource" not in condition:
        assert draft not in [item["id"] for item in body["items"]]


def test_a_search_answers_the_members_named(emulator: Emulator) -> None:
    """Documented: `projectionFields`, only in the official document. Assumed: its meaning."""
    flow_id = flowing(emulator)
    pass_time(emulator, HOUR)
    asked = {"queryString": "property=state==enabled", "projectionFields": "id,lastRunDetails", "orderby": "name"}
    body: Any = send(emulator, "POST", "/flows/search", asked).body
    (item,) = body["items"]
    assert sorted(item) == ["id", "lastRunDetails"] and item["id"] == flow_id
    assert send(emulator, "POST", "/flows/search", {"count": True}).body == {"count": 1}


def test_files_need_no_delta_column(emulator: Emulator) -> None:
    """The cloud storage tutorial's flow (documented)."""
    found = looked_up(emulator, f"/flows/{flowing(emulator, files(emulator))}")
    assert found["inheritedAttributes"]["sourceConnections"][0]["connectionSpec"]["id"] == AMAZON_S3


def test_streams_need_no_schedule_and_have_no_runs(emulator: Emulator) -> None:
    """Documented: the streaming tutorial's flow; its spec says that it has no runs."""
    flow_id = flowing(emulator, stream(emulator, scheduleParams={"startTime": 1, "frequency": "once"}))
    pass_time(emulator, HOUR)
    assert looked_up(emulator, f"/flows/{flow_id}")["state"] == "enabled"
    assert runs_of(emulator, flow_id) == []
