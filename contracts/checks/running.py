"""Runs: found by their flow, not made while it is disabled, reported by providers, counted so that nothing is lost."""

from __future__ import annotations

from typing import Any

from contracts.expectations import ids, receipt, refused, succeeded
from contracts.registry import Watch, check, observe
from contracts.stage import Made, Stage, filters
from contracts.verdicts import Broken, same
from contracts.wire import Answer

WINDOW = {"startTime": "1663735590", "windowStartTime": "1651584991", "windowEndTime": "1663735590"}


@check("run.of-its-flow", lasting=True, operations=("listFlowRuns",))
def runs_belong_to_their_flow(stage: Stage) -> None:
    """Each flow's list holds its own run and not the other's."""
    flows = [stage.make("flows") for _ in range(2)]
    runs = [_run(stage, flow) for flow in flows]
    for flow, run in zip(flows, runs, strict=True):
        same(ids(stage.listed("/runs?" + filters(f"flowId=={flow.id}"))), [run], "runs of the flow")


@check("run.idle-flow", operations=("createFlowRun",))
def a_disabled_flow_does_not_run(stage: Stage) -> None:
    """1444."""
    flow = stage.make("flows")
    receipt(stage.call("POST", f"{flow.path}/action?op=disable"))
    refused(stage.call("POST", "/runs", _body(flow)), 400, "1444-400")
    same(stage.listed("/runs?" + filters(f"flowId=={flow.id}")), [], "runs of a disabled flow")


@check("run.by-providers-only", lasting=True, operations=("updateRun",))
def users_do_not_report(stage: Stage) -> None:
    """1427 for a user's token that says how a run went."""
    run = _run(stage, stage.make("flows"))
    before = succeeded(stage.call("GET", f"/runs/{run}"))["items"][0]
    body = {"metrics": {"statusSummary": {"status": "success"}}}
    answer = stage.call("PUT", f"/runs/{run}", body, headers={"If-Match": before["etag"]})
    refused(answer, 400, "1427-400")


@observe("run.metrics-add-up")
def metrics_add_up(watch: Watch, answer: Answer) -> str | None:
    """What goes into a run comes out, fails or is skipped; and a run ends after it starts."""
    body = answer.json
    if answer.status != 200 or not answer.sent.target.startswith("/runs") or not isinstance(body, dict):
        return None
    items = body.get("items")
    for run in items if isinstance(items, list) else ():
        wrong = _wrong_metrics(run.get("metrics") or {}) if isinstance(run, dict) else None
        if wrong:
            return f"{answer} with a run whose {wrong}"
    return None


def _wrong_metrics(metrics: dict[str, Any]) -> str | None:
    records, times = metrics.get("recordSummary", {}), metrics.get("durationSummary", {})
    if {"inputRecordCount", "outputRecordCount"} <= records.keys():
        parts = ("outputRecordCount", "failedRecordCount", "skippedRecordCount")
        total = sum(records.get(name) or 0 for name in parts)
        if records["inputRecordCount"] != total:
            return f"inputRecordCount is {records['inputRecordCount']}, output, failed and skipped make {total}"
    if times.get("completedAtUTC") is not None and times["completedAtUTC"] < times.get("startedAtUTC", 0):
        return "completedAtUTC lies before startedAtUTC"
    return None


def _run(stage: Stage, flow: Made) -> str:
    """The id of a new run, whichever of the documented answers the server gives."""
    body = succeeded(stage.call("POST", "/runs", _body(flow)), 201)
    entity = body["items"][0] if isinstance(body, dict) and "items" in body else body
    if not isinstance(entity, dict) or not isinstance(entity.get("id"), str):
        raise Broken(f"a new run without an id: {str(body)[:200]}")
    return str(entity["id"])


def _body(flow: Made) -> dict[str, Any]:
    """A run on demand over a window of the past."""
    return {"flowId": flow.id, "params": {**WINDOW, "deltaColumn": {"name": "created_at"}}}
