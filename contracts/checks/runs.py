"""Checks of runs: found by their flow, none while it is disabled, reported only by providers, complete metrics."""

from __future__ import annotations

from typing import Any

from contracts.findings.causes import LISTED
from contracts.findings.verdicts import Broken, expect, same, untestable
from contracts.registry import Watch, check, observe
from contracts.stage import Made, Stage, filters
from contracts.stage.expectations import deletion, etag_header, ids, receipt, refused, succeeded
from contracts.wire import Answer

WINDOW = {"startTime": "1663735590", "windowStartTime": "1651584991", "windowEndTime": "1663735590"}
MAX_SKEW = 600_000
"""Maximum difference of the clocks of service and provider, in milliseconds."""


@check("run.of-its-flow", lasting=True, operations=("listFlowRuns",))
def runs_belong_to_their_flow(stage: Stage) -> None:
    """Each flow's list has its own run and not the other's."""
    flows = [stage.make("flows") for _ in range(2)]
    runs = [_run(stage, flow) for flow in flows]
    for flow, run in zip(flows, runs, strict=True):
        _are(stage.listed("/runs?" + filters(f"flowId=={flow.id}")), [run], "runs of the flow")


@check("run.same-as-lookup", lasting=True, operations=("listFlowRuns", "retrieveFlowRun"))
def a_list_of_runs_shows_what_a_lookup_shows(stage: Stage) -> None:
    """Lists show runs like look-ups, in progress and finished; the service sets the stamps."""
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
    """Each run appears once, in the requested order, also over pages; runs of another flow do not."""
    flow, other = (stage.make("flows") for _ in range(2))
    runs = []
    for _ in range(3):
        runs.append(_run(stage, flow))
        _run(stage, other)
    only = filters(f"flowId=={flow.id}")
    same(succeeded(stage.call("GET", f"/runs?count=true&{only}")), {"count": 3}, "count of the runs of a flow")
    for orderby, limit in (
        ("createdAt", ""),
        ("-createdAt", ""),
        ("createdAt", "&limit=1"),
        ("-createdAt", "&limit=2"),
    ):
        pages = [page.json["items"] for page in stage.pages(f"/runs?{only}&orderby={orderby}{limit}")]
        found = [run for page in pages for run in page]
        size = int(limit.partition("=")[2] or 3)
        _are(found, runs, f"runs of the flow with orderby={orderby}{limit}")
        same([len(page) for page in pages], [min(size, 3 - at) for at in range(0, 3, size)], "sizes of pages of runs")
        times = [run["createdAt"] for run in found]
        same(times, sorted(times, reverse=orderby[0] == "-"), f"times of runs with orderby={orderby}{limit}")


@check("run.as-asked", lasting=True, operations=("createFlowRun", "retrieveFlowRun"))
def a_run_is_of_its_flow_and_its_params(stage: Stage) -> None:
    """A run shows its params as sent, its flow's spec and ends, and its times in order."""
    flow = stage.make("flows")
    (run,) = _looked_up(stage, _run(stage, flow))
    same(run.get("params"), _body(flow)["params"], "params of a run")
    same(run.get("flowSpec"), flow.body["flowSpec"], "flowSpec of a run")
    same(run.get("createdClient"), stage.headers["x-api-key"], "createdClient of a run")
    expect(run["updatedAt"] >= run["createdAt"], "updatedAt of a run is before its createdAt")
    started = run.get("metrics", {}).get("durationSummary", {}).get("startedAtUTC")
    expect(
        started is None or started >= run["createdAt"] - MAX_SKEW, f"a run started at {started}, before its createdAt"
    )
    for activity in run.get("activities", ()):
        for member, known in (("sourceInfo", "sourceConnectionIds"), ("targetInfo", "targetConnectionIds")):
            others = set(ids(activity.get(member, []))) - set(flow.body[known])
            expect(not others, f"an activity names a {member} that its flow does not: {sorted(others)}")


@check("run.told-by-its-flow", lasting=True, operations=("createFlowRun", "retrieveFlow"))
def a_flow_tells_its_runs(stage: Stage) -> None:
    """The member `runs` leads to the flow's runs, and `lastRunDetails` names the last one."""
    flows = [stage.make("flows") for _ in range(2)]
    for flow in flows:
        made = [_run(stage, flow) for _ in range(2)]
        newest = [run["id"] for run in stage.listed("/runs?" + filters(f"flowId=={flow.id}") + "&orderby=-createdAt")]
        shown = stage.read(flow)
        _are(stage.listed(shown["runs"]), made, "runs where the flow's member runs leads to")
        last = shown.get("lastRunDetails")
        expect(isinstance(last, dict) and last.get("id") == newest[0], f"lastRunDetails is {last}, of {newest[0]}")


@check("run.filtered", lasting=True, operations=("listFlowRuns",))
def runs_are_filtered_by_status_and_time(stage: Stage) -> None:
    """Runs are filtered by status, in any case, and by start time, as in Adobe's guide."""
    flow, other_flow = (stage.make("flows") for _ in range(2))
    made, _, last = (_run(stage, one) for one in (flow, other_flow, flow))
    only = f"flowId=={flow.id}"
    _are(stage.listed("/runs?" + filters(only)), [made, last], "runs of the flow")
    for _ in range(5):
        runs = stage.listed("/runs?" + filters(only))
        status = str(runs[0]["metrics"]["statusSummary"]["status"])
        started = runs[0]["metrics"].get("durationSummary", {}).get("startedAtUTC")
        other = "failed" if status.lower() != "failed" else "success"
        questions = [
            (f"metrics.statusSummary.status=={status}", [run for run in runs if _status(run) == status]),
            (f"metrics.statusSummary.status=={status.upper()}", [run for run in runs if _status(run) == status]),
            (f"metrics.statusSummary.status=={other}", [run for run in runs if _status(run) == other]),
        ]
        if started:
            early, late = (f"metrics.durationSummary.startedAtUTC{sign}" for sign in ("<", ">="))
            questions += [(early + str(started), [run for run in runs if _started(run) < started])]
            questions += [(late + str(started), [run for run in runs if _started(run) >= started])]
        answers = [ids(stage.listed("/runs?" + filters(only, text))) for text, _ in questions]
        if ids(runs) == ids(stage.listed("/runs?" + filters(only))) and _statuses(runs) == _statuses(
            stage.listed("/runs?" + filters(only))
        ):
            break
    else:
        untestable("the runs changed during each of five attempts to compare them")
    for (text, expected), found in zip(questions, answers, strict=True):
        same(sorted(found), sorted(ids(expected)), f"runs of the flow with {text}")


@check("run.of-its-sandbox", lasting=True, operations=("listFlowRuns",))
def runs_are_listed_in_their_sandbox(stage: Stage) -> None:
    """Another sandbox lists and counts none of the runs."""
    other = stage.elsewhere()
    flow = stage.make("flows")
    run = _run(stage, flow)
    for text in (f"flowId=={flow.id}", f"id=={run}"):
        same(other.listed("/runs?" + filters(text)), [], f"runs in another sandbox with {text}")
        counted = succeeded(other.call("GET", "/runs?count=true&" + filters(text)))
        same(counted, {"count": 0}, f"count of runs in another sandbox with {text}")


@check("run.outlives-its-flow", lasting=True, operations=("deleteByFlow", "listFlowRuns"))
def runs_stay_when_their_flow_goes(stage: Stage) -> None:
    """A run stays after its flow was deleted."""
    flow = stage.make("flows")
    run = _run(stage, flow)
    deletion(stage.call("DELETE", flow.path))
    same(_looked_up(stage, run)[0].get("flowId"), flow.id, "flowId of a run whose flow was deleted")
    _are(stage.listed("/runs?" + filters(f"flowId=={flow.id}")), [run], "runs of a deleted flow")


@check("run.idle-flow", operations=("createFlowRun",))
def a_disabled_flow_does_not_run(stage: Stage) -> None:
    """Running a disabled flow is refused with 1444."""
    flow = stage.make("flows")
    receipt(stage.call("POST", f"{flow.path}/action?op=disable"))
    refused(stage.call("POST", "/runs", _body(flow)), 400, "1444-400")
    same(stage.listed("/runs?" + filters(f"flowId=={flow.id}")), [], "runs of a disabled flow")


@check("run.by-providers-only", lasting=True, operations=("updateRun",))
def users_do_not_report(stage: Stage) -> None:
    """A user's report of a run is refused with 1427."""
    run = _run(stage, stage.make("flows"))
    before = succeeded(stage.call("GET", f"/runs/{run}"))["items"][0]
    body = {"metrics": {"statusSummary": {"status": "success"}}}
    answer = stage.call("PUT", f"/runs/{run}", body, headers={"If-Match": before["etag"]})
    refused(answer, 400, "1427-400")


@observe("run.metrics-add-up")
def metrics_add_up(watch: Watch, answer: Answer) -> str | None:
    """The input of a run equals output, failed and skipped records; a run ends after it starts."""
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


def _are(found: list[dict[str, Any]], made: list[str], what: str) -> None:
    """Expect these runs, in any order. A list without some of them has one cause, whatever it was asked for."""
    lost = set(made) - set(ids(found))
    same(sorted(ids(found)), sorted(made), what, f"{LISTED}lost runs" if lost else "")


def _status(run: dict[str, Any]) -> str:
    return str(run["metrics"]["statusSummary"]["status"])


def _statuses(runs: list[dict[str, Any]]) -> list[str]:
    return [_status(run) for run in runs]


def _started(run: dict[str, Any]) -> int:
    return int(run["metrics"].get("durationSummary", {}).get("startedAtUTC") or 0)


def _looked_up(stage: Stage, run: str) -> list[dict[str, Any]]:
    """A run, from `items`; expects that its ETag equals its etag."""
    answer = stage.call("GET", f"/runs/{run}")
    items = succeeded(answer)["items"]
    (item,) = items
    etag_header(answer, item.get("etag"), "etag of a run in the header ETag")
    return list(items)


def _run(stage: Stage, flow: Made) -> str:
    """The id of a new run, from any of the documented responses."""
    answer = stage.call("POST", "/runs", _body(flow))
    body = succeeded(answer, 201)
    entity = body["items"][0] if isinstance(body, dict) and "items" in body else body
    if not isinstance(entity, dict) or not isinstance(entity.get("id"), str):
        raise Broken(f"a new run without an id: {str(body)[:200]}")
    if answer.header("etag"):
        same(answer.header("etag"), entity.get("etag"), "ETag of the answer to a new run")
    return str(entity["id"])


def _body(flow: Made) -> dict[str, Any]:
    """A run on demand for a window in the past."""
    return {"flowId": flow.id, "params": {**WINDOW, "deltaColumn": {"name": "created_at"}}}
