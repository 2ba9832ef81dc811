"""Tests of ad hoc activation and the runs that it starts."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.exchange import Result
from tests.calls import send
from tests.destinations import audience, exporting, transform

PATH = "/data/core/activation/disflowprovider/adhocrun"
SECOND = {"accept": "application/vnd.adobe.adhoc.activation+json; version=2"}
DAY_MS = 86_400_000


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(Config(seed=1))


def flow_of(emulator: Emulator, *audiences: Any) -> str:
    """Create an enabled flow that exports these audiences; returns its id."""
    return exporting(emulator, transformations=transform(*audiences))["id"]


def run(emulator: Emulator, wanted: Any, headers: dict[str, str] = SECOND, **more: Any) -> Result:
    """Request an activation."""
    return send(emulator, "POST", PATH, {"activationInfo": wanted, **more}, headers=headers)


def message(result: Result) -> str:
    """The only member of a refusal, its message."""
    body: Any = result.body
    assert list(body) == ["message"]
    return str(body["message"])


def test_each_audience_of_each_flow_gets_a_run_of_its_own(emulator: Emulator) -> None:
    """Documented: the response in ad-hoc-activation-api.md; the run is found at statusURL."""
    first, second = flow_of(emulator, audience("a"), audience("b")), flow_of(emulator, audience("b"))
    result: Any = run(emulator, {first: ["a", "b"], second: ["b"]})
    assert result.status == 200
    assert [(one["segment"], one["order"]) for one in result.body["order"]] == [
        ("a", first),
        ("b", first),
        ("b", second),
    ]
    emulator.runtime.clock.advance(3_600_000)
    for one in result.body["order"]:
        assert one["statusURL"].startswith("http://127.0.0.1/data/foundation/flowservice/runs/")
        looked_up: Any = send(emulator, "GET", "/runs/" + one["statusURL"].rpartition("/")[2]).body
        metrics = looked_up["items"][0]["metrics"]
        assert metrics["statusSummary"]["status"] == "success"
        exported = metrics["recordSummary"]["targetSummaries"][0]["entitySummaries"]
        assert [entity["id"] for entity in exported] == [f"segment:{one['segment']}"]


def test_version_one_names_the_export_job(emulator: Emulator) -> None:
    flow_id = flow_of(emulator, audience("a"))
    refused = run(emulator, {flow_id: ["a"]}, headers={})
    assert refused.status == 400 and "exportIds" in message(refused)
    assert run(emulator, {flow_id: ["a"]}, headers={}, exportIds=["exportId1"]).status == 200


def test_an_audience_is_not_exported_twice_at_a_time(emulator: Emulator) -> None:
    """Documented: the first of its two error messages."""
    flow_id = flow_of(emulator, audience("a"), audience("b"))
    started: Any = run(emulator, {flow_id: ["a"]}).body
    run_id = started["order"][0]["statusURL"].rpartition("/")[2]
    again = run(emulator, {flow_id: ["b", "a"]})
    assert again.status == 400
    assert message(again) == f"Run already going on for audience a for order {flow_id} with run id {run_id}"
    runs: Any = send(emulator, "GET", f"/runs?property=flowId=={flow_id}&count=true").body
    assert runs == {"count": 1}, "b was not exported either"
    emulator.runtime.clock.advance(3_600_000)
    assert run(emulator, {flow_id: ["b", "a"]}).status == 200


@pytest.mark.parametrize(
    "schedule",
    [
        {"frequency": "DAILY", "startDate": "2026-01-03", "startTime": "00:00"},
        {"frequency": "DAILY", "startDate": "2025-12-01", "startTime": "00:00", "endDate": "2025-12-30"},
        {"frequency": "ONCE", "startDate": "2025-12-30", "startTime": "00:00"},
    ],
)
def test_a_schedule_that_has_not_begun_or_is_over_forbids_it(emulator: Emulator, schedule: dict[str, str]) -> None:
    """Documented: the second message. It names the audience as in the flow."""
    flow_id = flow_of(emulator, audience("a", **schedule))
    assert message(run(emulator, {flow_id: ["a"]})) == (
        "Segments Audience a are not part of this dataflow or out of schedule range!"
    )


@pytest.mark.parametrize(
    ("wanted", "status", "text"),
    [
        ({"FLOW": ["other"]}, 400, "Segments other are not part"),
        ({"FLOW": [f"s{number}" for number in range(81)]}, 400, "at most 80"),
        ({"FLOW": []}, 400, "names no audience"),
        ({}, 400, "names no audience"),
        ({"00000000-0000-4000-8000-000000000000": ["a"]}, 404, "no dataflow"),
        ({"FLOW": "a"}, 400, "array"),
        (None, 400, "object"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_a_message(
    emulator: Emulator, wanted: Any, status: int, text: str
) -> None:
    flow_id = flow_of(emulator, audience("a"))
    named = {flow_id if key == "FLOW" else key: value for key, value in wanted.items()} if wanted else wanted
    refused = run(emulator, named)
    assert refused.status == status and text in message(refused)


def test_another_sandbox_has_no_such_flow(emulator: Emulator) -> None:
    flow_id = flow_of(emulator, audience("a"))
    refused = run(emulator, {flow_id: ["a"]}, {**SECOND, "x-sandbox-name": "dev"})
    assert refused.status == 404 and "no dataflow" in message(refused)


@pytest.mark.parametrize(
    ("headers", "status", "members"),
    [({"x-api-key": None}, 403, {"error_code", "message"}), ({"x-sandbox-name": None}, 400, {"message"})],
)
def test_the_gateway_keeps_its_form_and_the_service_has_its_own(
    emulator: Emulator, headers: Any, status: int, members: set[str]
) -> None:
    refused: Any = run(emulator, {"x": ["a"]}, {**SECOND, **headers})
    assert refused.status == status and set(refused.body) == members


@pytest.mark.parametrize(
    ("method", "path", "members"),
    [
        ("GET", PATH, {"message"}),
        ("GET", "/data/foundation/query/queries", {"type", "title", "status", "detail"}),
        ("GET", "/data/core/ups/segment/jobs", {"type", "title", "status", "detail"}),
        ("GET", "/data/foundation/schemaregistry/rpc/export/x", {"type", "title", "status", "report", "detail"}),
    ],
)
def test_what_is_not_emulated_says_so_in_the_form_of_its_service(
    emulator: Emulator, method: str, path: str, members: set[str]
) -> None:
    refused: Any = send(emulator, method, path)
    assert refused.status == 501 and set(refused.body) == members


def test_what_is_no_service_is_an_unknown_path(emulator: Emulator) -> None:
    assert send(emulator, "GET", "/data/foundation/flowservices/connections").status == 404
