"""Tests of requested runs: on demand, re-triggered, reported by a provider. Ids and docstrings name the provenance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mockserver import Config, Emulator
from tests.calls import refused, send
from tests.dataflows import (
    DAY,
    EXAMPLE_SOURCES,
    HOUR,
    MINUTE,
    declared,
    events,
    flowing,
    looked_up,
    once,
    pass_time,
    runs_of,
    seconds,
    status_of,
    stream,
    total,
)

VISITS = 2000
"""Rows of the built-in shop's `sales.store_visits`."""


def on_demand(emulator: Emulator, flow_id: str, **params: Any) -> Any:
    window = {"startTime": "1", "windowStartTime": "0", "windowEndTime": str(seconds(emulator)),
              "deltaColumn": {"name": "entered_at"}}  # fmt: skip
    sent = {name: value for name, value in {**window, **params}.items() if value is not None}
    return send(emulator, "POST", "/runs/", {"flowId": flow_id, "params": sent})


def test_a_one_time_flow_runs_on_demand_over_a_window(emulator: Emulator) -> None:
    flow_id = flowing(emulator, once(emulator))
    middle = seconds(emulator)
    pass_time(emulator, 40 * DAY)
    halves: list[Any] = [
        on_demand(emulator, flow_id, windowEndTime=str(middle)),
        on_demand(emulator, flow_id, windowStartTime=middle, windowEndTime=seconds(emulator), deltaColumn=None),
    ]
    assert [half.status for half in halves] == [201, 201]
    pass_time(emulator, HOUR)
    ids = [half.body["items"][0]["id"] for half in halves]
    found = [looked_up(emulator, f"/runs/{run_id}") for run_id in ids]
    assert total(found) == VISITS and 0 < total(found[:1]) < VISITS
    assert found[0]["params"]["windowEndTime"] == str(middle), "params come back as sent (assumed)"
    assert len(runs_of(emulator, flow_id)) == 3


def test_a_run_asked_for_later_is_scheduled_until_then(emulator: Emulator) -> None:
    """The status is that of an unfinished tutorial page's sample (recorded)."""
    flow_id = flowing(emulator, once(emulator))
    receipt = on_demand(emulator, flow_id, startTime=seconds(emulator) + 7200)
    path = f"/runs/{receipt.body['items'][0]['id']}"
    assert status_of(looked_up(emulator, path)) == "scheduled"
    assert looked_up(emulator, path)["etag"] == receipt.body["items"][0]["etag"] == dict(receipt.headers)["ETag"]
    pass_time(emulator, 2 * HOUR)
    assert status_of(looked_up(emulator, path)) == "queued"
    pass_time(emulator, HOUR)
    assert status_of(looked_up(emulator, path)) == "success"


RunCase = tuple[Callable[[Emulator], Any], str, str | None, str]
REFUSED: dict[str, RunCase] = {
    "no flowId (documented)": (lambda e: send(e, "POST", "/runs", {"params": {}}), "1446-400", "/flowId", ""),
    "null for flowId (documented)": (lambda e: send(e, "POST", "/runs", {"flowId": None}), "1446-400", "/flowId", ""),
    "an unknown flow (documented)": (lambda e: send(e, "POST", "/runs", {"flowId": "x"}), "1430-400", "/flowId", ""),
    "a scheduled flow (documented)": (lambda e: on_demand(e, flowing(e)), "1100-400", "/flowId", "1386-400"),
    "a stream (documented)": (lambda e: on_demand(e, flowing(e, stream(e))), "1100-400", "/flowId", "1385-400"),
    "a draft (documented)": (lambda e: on_demand(e, flowing(e, query="?mode=draft")), "1444-400", "/flowId", "draft"),
    "no params (documented)": (
        lambda e: send(e, "POST", "/runs", {"flowId": flowing(e, once(e)), "status": "active"}),
        "1100-400", "/params", "1384-400",
    ),
    "no window end (documented)": (
        lambda e: on_demand(e, flowing(e, once(e)), windowEndTime=None),
        "1100-400", "/params/windowEndTime", "1384-400",
    ),
    "a window in words (documented)": (
        lambda e: on_demand(e, flowing(e, once(e)), windowEndTime="noon"),
        "1100-400", "/params/windowEndTime", "1384-400",
    ),
    "a window before 1970 (assumed)": (
        lambda e: on_demand(e, flowing(e, once(e)), windowStartTime=-1),
        "1100-400",
        "/params/windowStartTime",
        "1384-400",
    ),
    "a window backwards (documented)": (
        lambda e: on_demand(e, flowing(e, once(e)), windowStartTime=5, windowEndTime=4),
        "1100-400", "/params/windowEndTime", "1381-400",
    ),
    "no delta column in the first run (documented)": (
        lambda e: on_demand(e, flowing(e, once(e)), deltaColumn=None), "1100-400", "/params/deltaColumn", "1383-400",
    ),
    "another delta column later (documented)": (
        lambda e: (lambda f: (on_demand(e, f), on_demand(e, f, deltaColumn={"name": "other"}))[1])(flowing(e, once(e))),
        "1100-400", "/params/deltaColumn/name", "1382-400",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("attempt", "code", "pointer", "words"), REFUSED.values(), ids=REFUSED)
def test_a_run_on_demand_is_refused(
    emulator: Emulator, attempt: Callable[[Emulator], Any], code: str, pointer: str | None, words: str
) -> None:
    result = attempt(emulator)
    assert refused(result) == (400, code, pointer)
    assert words in result.body["errorMessage"]


def again(emulator: Emulator, run_id: str, op: str = "re-trigger", **options: Any) -> Any:
    return send(emulator, "POST", f"/runs/{run_id}/action?op={op}", **options)


@pytest.mark.parametrize("op", ["re-trigger", "RE_TRIGGER", "Re_Trigger"])
def test_a_failed_run_is_triggered_again_over_the_same_rows(emulator: Emulator, op: str) -> None:
    declared(emulator, EXAMPLE_SOURCES)
    flow_id = flowing(emulator, events(emulator))
    pass_time(emulator, 91 * MINUTE)
    failed = runs_of(emulator, flow_id)[2]
    result = again(emulator, failed["id"], op)
    assert result.status == 200 and result.body["id"] != failed["id"], "the new run's receipt (documented)"
    pass_time(emulator, 5 * MINUTE)
    new = looked_up(emulator, f"/runs/{result.body['id']}")
    windows = [run["activities"][0]["durationSummary"]["extensions"] for run in (failed, new)]
    assert status_of(new) == "success" and windows[0] == windows[1]
    assert total([new], "outputRecordCount") == total([failed], "failedRecordCount") == 10
    assert looked_up(emulator, f"/runs/{failed['id']}") == failed


def test_a_successful_run_without_records_may_go_again_and_no_other(emulator: Emulator) -> None:
    flow_id = flowing(emulator)
    emulator.runtime.clock.freeze()
    pass_time(emulator, HOUR)
    first, second, *_ = runs_of(emulator, flow_id)
    assert total([first]) > 0 and total([second]) == 0
    assert refused(again(emulator, first["id"]))[:2] == (400, "1100-400")
    assert "1387-400" in again(emulator, first["id"]).body["errorMessage"]
    assert refused(again(emulator, second["id"], headers={"if-match": '"old"'}))[:2] == (412, "1404-412")
    assert again(emulator, second["id"], headers={"if-match": second["etag"]}).status == 200
    assert refused(again(emulator, second["id"], "stop"))[:2] == (400, "1452-400")
    assert refused(again(emulator, second["id"], ""))[:2] == (400, "2119-400")
    send(emulator, "POST", f"/flows/{flow_id}/action?op=disable")
    assert "1388-400" in again(emulator, second["id"]).body["errorMessage"], "the flow rests (documented)"
    send(emulator, "DELETE", f"/flows/{flow_id}")
    assert refused(again(emulator, second["id"]))[:2] == (400, "1430-400")


def test_only_a_service_token_reports_how_a_run_goes(emulator: Emulator) -> None:
    """Documented, except the effect on the rest of the run (assumed)."""
    provider = Emulator(Config(seed=1, service_clients=("provider",)))
    flow_id = flowing(provider)
    pass_time(provider, MINUTE)
    (run,) = runs_of(provider, flow_id)
    report = {"metrics": {"statusSummary": {"status": "failed"}}, "predecessors": [{"flowRunId": run["id"]}]}

    def put(**headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return send(provider, "PUT", f"/runs/{run['id']}", report, headers=sent)

    assert refused(put(if_match=run["etag"]))[:2] == (400, "1427-400")
    assert refused(put(x_api_key="provider"))[:2] == (400, "1403-400")
    assert refused(put(x_api_key="provider", if_match='"old"'))[:2] == (412, "1404-412")
    answer = put(x_api_key="provider", if_match=run["etag"])
    assert answer.status == 200 and answer.body["metrics"] == report["metrics"]
    assert dict(answer.headers)["Location"].endswith(f"/runs/{run['id']}")
    pass_time(provider, HOUR)
    found = looked_up(provider, f"/runs/{run['id']}")
    assert found == answer.body and found["etag"] != run["etag"]
    report["predecessors"] = [{"flowRunId": "none"}]
    assert refused(put(x_api_key="provider", if_match=found["etag"])) == (
        400, "1428-400", "/predecessors/0/flowRunId",
    )  # fmt: skip
