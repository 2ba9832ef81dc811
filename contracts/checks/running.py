"""Runs: found by their flow, not made while it is disabled, reported by providers, counted so that nothing is lost."""

from __future__ import annotations

from typing import Any

from contracts.expectations import ids, receipt, refused, succeeded
from contracts.registry import Watch, check, observe
from contracts.stage import Made, Stage, filters
from contracts.verdicts import Broken, same, untestable
from contracts.wire import Answer

WINDOW = {"startTime": "1663735590", "windowStartTime": "1651584991", "windowEndTime": "1663735590"}


@check("run.of-its-flow", lasting=True, operations=("listFlowRuns",))
def runs_belong_to_their_flow(stage: Stage) -> None:
    """Each flow's list holds its own run and not the other's."""
    flows = [stage.make("flows") for _ in range(2)]
    runs = [_run(stage, flow) for flow in flows]
    for flow, run in zip(flows, runs, strict=True):
        same(ids(stage.listed("/runs?" + filters(f"flowId=={flow.id}"))), [run], "runs of the flow")


@check("run.same-as-lookup", lasting=True, operations=("listFlowRuns", "retrieveFlowRun"))
def a_list_of_runs_shows_what_a_lookup_shows(stage: Stage) -> None:
    """Member by member, while a run goes on and when it has ended; its stamps are the service's."""
    flows = [stage.make("flows") for _ in range(2)]
    runs = [_run(stage, flow) for flow in flows]
    for _ in range(5):
        before = [_looked_up(stage, run) for run in runs]
        listed = [stage.listed("/runs?" + filters(f"flowId=={flow.id}")) for flow in flows]
        if before == [_looked_up(stage, run) for run in runs]:
            break
    else:
        untestable("the runs changed during each of five attempts to compare them")
    same(listed, before, "the runs in their lists")
    for flow, (run,) in zip(flows, before, strict=True):
        stamps = (run.get("flowId"), run.get("imsOrgId"), run.get("sandboxName"))
        same(stamps, (flow.id, stage.headers["x-gw-ims-org-id"], stage.headers["x-sandbox-name"]), "stamps of a run")
        same(stage.listed("/flows?" + filters(f"id=={flow.id}")), [stage.read(flow)], "a flow that ran, in a list")
    for flow in flows:
        same(stage.listed("/flows?" + filters(f"id=={flow.id}")), [stage.read(flow)], "a flow that ran, in a list")


@check("run.listed", lasting=True, operations=("listFlowRuns",))
def the_runs_of_a_flow_are_paged_and_counted(stage: Stage) -> None:
    """Each run once, in the order asked for, over pages too."""
    flow = stage.make("flows")
    runs = [_run(stage, flow) for _ in range(3)]
    only = filters(f"flowId=={flow.id}")
    same(succeeded(stage.call("GET", f"/runs?count=true&{only}")), {"count": 3}, "count of the runs of a flow")
    for orderby, limit in (
        ("createdAt", ""),
        ("-createdAt", ""),
        ("createdAt", "&limit=1"),
        ("-createdAt", "&limit=2"),
    ):
        found = stage.listed(f"/runs?{only}&orderby={orderby}{limit}")
        same(sorted(ids(found)), sorted(runs), f"runs of the flow with orderby={orderby}{limit}")
        times = [run["createdAt"] for run in found]
        same(times, sorted(times, reverse=orderby[0] == "-"), f"times of runs with orderby={orderby}{limit}")


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


def _looked_up(stage: Stage, run: str) -> list[dict[str, Any]]:
    """A run in `items`; its ETag is the etag inside."""
    answer = stage.call("GET", f"/runs/{run}")
    items = succeeded(answer)["items"]
    same([item.get("etag") for item in items], [answer.header("etag")], "etag of a run against the header ETag")
    return list(items)


def _run(stage: Stage, flow: Made) -> str:
    """The id of a new run, whichever of the documented answers the server gives."""
    answer = stage.call("POST", "/runs", _body(flow))
    body = succeeded(answer, 201)
    entity = body["items"][0] if isinstance(body, dict) and "items" in body else body
    if not isinstance(entity, dict) or not isinstance(entity.get("id"), str):
        raise Broken(f"a new run without an id: {str(body)[:200]}")
    if answer.header("etag"):
        same(answer.header("etag"), entity.get("etag"), "ETag of the answer to a new run")
    return str(entity["id"])


def _body(flow: Made) -> dict[str, Any]:
    """A run on demand over a window of the past."""
    return {"flowId": flow.id, "params": {**WINDOW, "deltaColumn": {"name": "created_at"}}}
