"""Tests of changes of flows: patches, actions, drafts, deletion. Each case's id names its provenance."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import Emulator
from tests.calls import refused, send
from tests.dataflows import (
    CRM_TO_AEP,
    HOUR,
    MAPPING,
    TENANT,
    flow,
    flowing,
    looked_up,
    pass_time,
    runs_of,
    seconds,
    source,
    target,
)


def patched(emulator: Emulator, flow_id: str, *patch: dict[str, Any], etag: str | None = None) -> Any:
    sent = etag or looked_up(emulator, f"/flows/{flow_id}")["etag"]
    return send(emulator, "PATCH", f"/flows/{flow_id}", list(patch), headers={"if-match": sent})


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


ENDS = "sourceConnectionIds", "targetConnectionIds"


@pytest.mark.parametrize(
    ("patch", "code", "words"),
    [
        ([replace("/scheduleParams/startTime", 1)], "1100-400", "1366-400"),
        ([replace("/scheduleParams/frequency", "once"), {"op": "remove", "path": "/scheduleParams/interval"},
          replace("/transformations", [MAPPING])], "1100-400", "1403-400"),
        ([{"op": "add", "path": "/scheduleParams/backfill", "value": False}], "1100-400", "1404-400"),
        ([replace("/scheduleParams/interval", "14")], "1100-400", "15"),
        ([{"op": "remove", "path": "/scheduleParams"}], "1100-400", "/scheduleParams"),
        ([{"op": "remove", "path": "/transformations/0"}], "1100-400", "1367-400"),
        ([{"op": "remove", "path": "/transformations/1"}], "1100-400", "1370-400"),
        ([replace("/transformations/1/params/mappingVersion", "x")], "1412-400", ""),
        ([replace("/transformations/0", 5)], "1455-400", ""),
        ([replace("/state", "disabled")], "1455-400", "state"),
        ([replace("/labels", [])], "1455-400", "labels"),
        ([replace("/sourceConnectionIds", ["x"])], "1455-400", "only in a draft"),
        ([{"op": "move", "path": "/name", "from": "/description"}], "1434-400", ""),
    ],
    ids=["start (documented)", "once (documented)", "backfill (documented)", "interval", "no schedule", "no copy",
         "no mapping", "mapping version", "no transformation", "state (assumed)", "absent member (documented)",
         "another source (assumed)", "another operation (documented)"],
)  # fmt: skip
def test_a_patch_is_refused_once_the_flow_has_started(
    emulator: Emulator, patch: list[dict[str, Any]], code: str, words: str
) -> None:
    flow_id = flowing(emulator)
    pass_time(emulator, HOUR)
    before = looked_up(emulator, f"/flows/{flow_id}")
    result = patched(emulator, flow_id, *patch)
    assert refused(result)[:2] == (400, code)
    assert words in result.body["errorMessage"]
    assert looked_up(emulator, f"/flows/{flow_id}") == before


def test_before_the_start_everything_about_the_schedule_can_change(emulator: Emulator) -> None:
    flow_id = flowing(emulator)
    later = {"startTime": seconds(emulator) + 3600, "frequency": "hour", "interval": 1, "backfill": False}
    assert patched(emulator, flow_id, replace("/scheduleParams", later)).status == 200
    pass_time(emulator, HOUR // 2)
    assert runs_of(emulator, flow_id) == []
    pass_time(emulator, HOUR)
    assert len(runs_of(emulator, flow_id)) == 1


def test_a_patch_is_told_as_the_last_operation(emulator: Emulator) -> None:
    """The update tutorial's sample (recorded)."""
    flow_id = flowing(emulator)
    patch = {"op": "Replace", "path": "/name", "value": "renamed"}
    etag = looked_up(emulator, f"/flows/{flow_id}")["etag"]
    result = patched(emulator, flow_id, patch, etag=etag)
    found = looked_up(emulator, f"/flows/{flow_id}")
    assert result.body == {"id": flow_id, "etag": found["etag"]} and found["etag"] != etag
    assert found["name"] == "renamed"
    at = found["lastOperation"]["updated"]
    assert found["lastOperation"] == {
        "started": at, "updated": at, "percentCompleted": 100.0, "status": {"value": "completed", "errors": []},
        "ops": [patch], "operation": "update",
    }  # fmt: skip
    assert refused(patched(emulator, flow_id, patch, etag=etag))[:2] == (412, "1404-412")
    assert refused(send(emulator, "PATCH", f"/flows/{flow_id}", [patch]))[:2] == (400, "1403-400")


def test_what_was_absent_can_be_added(emulator: Emulator) -> None:
    """Public clients add a threshold to flows that have none, and labels (recorded)."""
    flow_id = flowing(emulator)
    options = {"op": "add", "path": "/options", "value": {"partialIngestionPercent": 10}}
    assert patched(emulator, flow_id, options, {"op": "ADD", "path": "/labels", "value": ["core/C1"]}).status == 200
    found = looked_up(emulator, f"/flows/{flow_id}")
    assert (found["options"], found["labels"]) == ({"partialIngestionPercent": 10}, ["core/C1"])


def act(emulator: Emulator, flow_id: str, op: str, **options: Any) -> Any:
    return send(emulator, "POST", f"/flows/{flow_id}/action?op={op}", **options)


@pytest.mark.parametrize("spelling", ["disable", "DISABLE", "Disable"])
def test_actions_are_taken_in_any_case(emulator: Emulator, spelling: str) -> None:
    flow_id = flowing(emulator)
    receipt = act(emulator, flow_id, spelling)
    found = looked_up(emulator, f"/flows/{flow_id}")
    assert (receipt.status, receipt.body) == (200, {"id": flow_id, "etag": found["etag"]})
    assert found["state"] == "disabled" and found["lastOperation"]["operation"] == "disable"
    assert act(emulator, flow_id, "enable").status == 200
    assert looked_up(emulator, f"/flows/{flow_id}")["state"] == "enabled"


@pytest.mark.parametrize(
    ("op", "code"),
    [
        pytest.param("enable", "1422-400", id="enable what is enabled (documented)"),
        pytest.param("publish", "1422-400", id="publish what is published (documented)"),
        pytest.param("finalize", "1402-400", id="finalize (documented)"),
        pytest.param("finalize-update", "1402-400", id="finalize with a hyphen (documented)"),
        pytest.param("reverse", "1452-400", id="an unknown action (assumed)"),
        pytest.param("", "2119-400", id="no action (assumed)"),
        pytest.param("disable&subOp=reverse", "1435-400", id="an unknown sub action (documented)"),
        pytest.param("disable&subOp=PROGRESS", "1436-400", id="progress with disable (documented)"),
    ],
)
def test_an_action_is_refused(emulator: Emulator, op: str, code: str) -> None:
    assert refused(act(emulator, flowing(emulator), op))[:2] == (400, code)


def test_an_action_may_carry_an_etag_and_then_it_counts(emulator: Emulator) -> None:
    flow_id = flowing(emulator)
    etag = looked_up(emulator, f"/flows/{flow_id}")["etag"]
    assert act(emulator, flow_id, "disable", headers={"if-match": etag}).status == 200
    assert refused(act(emulator, flow_id, "enable", headers={"if-match": etag}))[:2] == (412, "1404-412")


def test_a_sub_operation_of_the_official_document_passes(emulator: Emulator) -> None:
    """Documented as required, so generated clients send it."""
    assert act(emulator, flowing(emulator), "DISABLE&subOp=APPLY").status == 200


def test_drafts_are_published_after_their_connections(emulator: Emulator) -> None:
    """Order by the draft tutorial (documented); the codes are assumed."""
    ends = [source(emulator, query="?mode=draft")], [target(emulator)]
    body = flow(emulator, **dict(zip(ENDS, ends, strict=True)))
    assert refused(send(emulator, "POST", "/flows", body)) == (400, "1100-400", "/sourceConnectionIds/0")
    flow_id = flowing(emulator, body, query="?mode=draft")
    assert looked_up(emulator, f"/flows/{flow_id}")["state"] == "draft"
    assert refused(act(emulator, flow_id, "publish")) == (400, "1422-400", "/sourceConnectionIds/0")
    assert refused(act(emulator, flow_id, "enable"))[:2] == (400, "1422-400")
    assert send(emulator, "POST", f"/sourceConnections/{ends[0][0]}/action?op=publish").status == 200
    pass_time(emulator, HOUR)
    assert runs_of(emulator, flow_id) == [], "a draft has no runs"
    assert act(emulator, flow_id, "publish").status == 200
    assert looked_up(emulator, f"/flows/{flow_id}")["state"] == "enabled"
    assert len(runs_of(emulator, flow_id)) == 1


def test_a_draft_may_be_bare_and_is_completed_by_patches(emulator: Emulator) -> None:
    flow_id = flowing(emulator, {"name": "bare", "flowSpec": {"id": CRM_TO_AEP}}, query="?mode=draft")
    assert refused(act(emulator, flow_id, "publish"))[:2] == (400, "1100-400")
    whole = flow(emulator)
    members = (*ENDS, "transformations", "scheduleParams")
    patch = [{"op": "add", "path": f"/{name}", "value": whole[name]} for name in members]
    assert patched(emulator, flow_id, *patch).status == 200
    found = looked_up(emulator, f"/flows/{flow_id}")
    assert found["inheritedAttributes"]["sourceConnections"][0]["id"] == whole["sourceConnectionIds"][0]
    assert act(emulator, flow_id, "publish").status == 200


@pytest.mark.parametrize(
    ("state", "patch", "action", "delete"),
    [("disabling", "1420-400", "1421-400", "1458-400"), ("delete-finalizing", "1457-400", "1421-400", "1458-400")],
)
def test_a_flow_the_service_is_at_work_on_is_left_alone(
    emulator: Emulator, state: str, patch: str, action: str, delete: str
) -> None:
    """Only an imported state has such states; the codes are documented."""
    flow_id = flowing(emulator)
    doc = emulator.world.store.get(TENANT, "flows", flow_id)
    assert doc is not None
    now = emulator.world.store.replace(TENANT, "flows", flow_id, {**doc, "state": state}, doc["etag"])
    tried = send(emulator, "PATCH", f"/flows/{flow_id}", [replace("/name", "x")], headers={"if-match": now["etag"]})
    assert refused(tried)[:2] == (400, patch)
    assert refused(act(emulator, flow_id, "disable"))[:2] == (400, action)
    assert refused(send(emulator, "DELETE", f"/flows/{flow_id}"))[:2] == (400, delete)


def test_a_deleted_flow_leaves_its_connections_and_its_runs(emulator: Emulator) -> None:
    body = flow(emulator)
    flow_id = flowing(emulator, body)
    base = looked_up(emulator, f"/sourceConnections/{body['sourceConnectionIds'][0]}")["baseConnectionId"]
    pass_time(emulator, HOUR)
    blocked = [f"/{end.removesuffix('Ids')}s/{body[end][0]}" for end in ENDS]
    assert [refused(send(emulator, "DELETE", path))[1] for path in blocked] == ["1447-400"] * 2, "in use (documented)"
    assert refused(send(emulator, "DELETE", f"/connections/{base}"))[1] == "1418-400"
    deleted = send(emulator, "DELETE", f"/flows/{flow_id}")
    assert (deleted.status, deleted.body) == (204, None)
    assert send(emulator, "GET", f"/flows/{flow_id}").status == 404
    assert send(emulator, "DELETE", f"/flows/{flow_id}").status == 404
    assert len(runs_of(emulator, flow_id)) == 4, "what was due before took place; runs stay (assumed)"
    pass_time(emulator, HOUR)
    assert len(runs_of(emulator, flow_id)) == 4
    assert [send(emulator, "DELETE", path).status for path in [*blocked, f"/connections/{base}"]] == [204] * 3
