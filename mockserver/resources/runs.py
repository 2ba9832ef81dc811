"""Flow runs: created by schedules, on demand, or by a repeated trigger. `mockserver.flows` creates them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver import listing
from mockserver.errors import ApiError
from mockserver.exchange import BASE_PATH, Request, Result
from mockserver.flows import due, outcome, progress, rules
from mockserver.flows.outcome import FAILED, SUCCESS, Span
from mockserver.flows.schedule import MAX_SECONDS, whole
from mockserver.resources import _crud, _states, flow_specs, operation
from mockserver.secrecy import repeatable
from mockserver.sources.refusals import refusal
from mockserver.state.records import Doc
from mockserver.world import World

_REPORTED = (
    "providerRefId", "parentFlowRunId", "childFlowRunIds", "params", "predecessors", "metrics", "activities",
    "recordTypes",
)  # fmt: skip
"""Members that a provider may report."""

_ORDER = (*_crud.STAMPS, "flowId", "flowSpec", "etag", *_REPORTED)
_MEMBERS = frozenset({*_ORDER, "state"})
"""Members for filters. `state` is one of them (facts §6.3), although no sample shows it."""

_SECONDS = ("startTime", "windowStartTime", "windowEndTime")


def _show(world: World, doc: Doc) -> dict[str, Any]:
    shown = {**doc, **outcome.reported(doc), **doc.get("reported", {})}
    return {name: shown[name] for name in _ORDER if name in shown}


RUNS = _crud.Collection(
    listable=listing.Listable(
        kind=progress.RUNS, fields=_MEMBERS, sortable=frozenset({*_crud.STAMPS, "flowId", "state"})
    ),
    changeable=frozenset(),
    show=_show,
    masked=frozenset(_REPORTED),
)


@operation("listFlowRuns")
def list_flow_runs(world: World, request: Request) -> Result:
    """A page of runs, newest write first. Naming the flow makes it cheapest."""
    query = _crud.asked(world, request, RUNS)
    named = [c.texts for c in query.conditions if c.path == ("flowId",) and c.operator in ("=", "==")]
    if named:
        progress.catch_up(world, request.tenant, named[0])
    else:
        progress.catch_up_all(world, request.tenant)
    return _crud.page(world, request, RUNS, query)


@operation("retrieveFlowRun")
def retrieve_flow_run(world: World, request: Request) -> Result:
    """One run in its current state."""
    _bring_up(world, request)
    return _crud.lookup(world, request, RUNS)


@operation("createFlowRun")
def create_flow_run(world: World, request: Request) -> Result:
    """Run a one-time flow on demand; for a table, over a window of its rows (facts §9)."""
    body: Any = request.body
    flow_id = body.get("flowId")
    if not flow_id:
        raise ApiError("flow_id_missing", pointer="/flowId")
    flow = world.store.get(request.tenant, progress.FLOWS, flow_id)
    if flow is None:
        raise ApiError("unknown_flow", id=repeatable(flow_id), pointer="/flowId")
    if flow["state"] != "enabled":
        raise ApiError("flow_state", id=flow_id, state=flow["state"], pointer="/flowId")
    if not due.is_scheduled(flow):
        raise refusal("run_connector", pointer="/flowId")
    if not rules.runs_once(flow):
        raise refusal("run_frequency", pointer="/flowId")
    params = body.get("params")
    due_ms, span = _asked(world, request, flow, params)
    run = progress.start(world, request.tenant, flow, due_ms, span, params)
    receipt = {"id": run["id"], "etag": run["etag"]}
    answer = {"items": [receipt]} if world.quirks["run-answer"] == "items" else receipt
    return Result(201, answer, (("ETag", run["etag"]),))


@operation("postAction")
def act_on_flow_run(world: World, request: Request) -> Result:
    """Trigger a run again: a new run reads the same window. The receipt names the new run (facts §9)."""
    run = _bring_up(world, request)
    _states.action(world, request, "RE_TRIGGER")
    _crud.demand_version(world, request, run)
    records = _show(world, run)["metrics"].get("recordSummary", {}).get("inputRecordCount")
    if run["state"] != FAILED and not (run["state"] == SUCCESS and records == 0):
        raise refusal("run_state")
    flow = world.store.get(request.tenant, progress.FLOWS, run["flowId"])
    if flow is None:
        raise ApiError("unknown_flow", id=run["flowId"])
    if flow["state"] != "enabled":
        raise refusal("run_of_idle_flow")
    again = progress.start(world, request.tenant, flow, world.runtime.clock.now_ms(), Span(*run["span"]))
    return _crud.receipt(again, 200)


@operation("updateRun")
def update_run(world: World, request: Request) -> Result:
    """Report the progress of a run, with a service token only (1427). The run then follows the reports."""
    _bring_up(world, request)
    if not _crud.service_token(world, request):
        raise ApiError("run_by_user_token")
    run = _crud.current(world, request, RUNS)
    body: Any = request.body
    for index, predecessor in enumerate(body.get("predecessors", ())):
        _demand_predecessor(world, request, predecessor, f"/predecessors/{index}")
    reported = {**run.get("reported", {}), **{name: body[name] for name in _REPORTED if name in body}}
    state = body.get("metrics", {}).get("statusSummary", {}).get("status", run["state"])
    _crud.save(world, request, RUNS, {**run, "state": state, "reported": reported})
    run = _crud.find(world, request, RUNS)
    location = f"{request.call.origin}{BASE_PATH}/runs/{run['id']}"
    return Result(200, _show(world, run), (("Location", location), ("ETag", run["etag"])))


def _bring_up(world: World, request: Request) -> Doc:
    """The run named by the path in its current state. Raises ApiError `not_found`."""
    run = _crud.find(world, request, RUNS)
    progress.catch_up(world, request.tenant, [run["flowId"]])
    return _crud.find(world, request, RUNS)


def _asked(world: World, request: Request, flow: Doc, params: Any) -> tuple[int, Span]:
    """Start time and window of a run on demand. Raises ApiError with the provider's codes."""
    now = world.runtime.clock.now_ms()
    spec = flow_specs.find(world, request.tenant, flow["flowSpec"]["id"])
    if spec is None or spec.run is None:
        return now, Span(None, now)
    if not isinstance(params, Mapping) or not params:
        raise refusal("run_params", "params", "an object with " + ", ".join(_SECONDS), pointer="/params")
    read = {name: whole(value) if name in _SECONDS else value for name, value in params.items()}
    column = _delta_column(world, request, flow, read)
    if column is not None:
        read = {**read, "deltaColumn": {"name": column}}
    for violation in spec.run.violations(read, "body"):
        raise refusal("run_params", violation.pointer, violation.expected, pointer="/params" + violation.pointer)
    asked, first, last = (_milliseconds(read, name) for name in _SECONDS)
    if last < first:
        raise refusal("window_reversed", pointer="/params/windowEndTime")
    return max(now, asked), Span(first, last, column)


def _milliseconds(params: Mapping[str, Any], name: str) -> int:
    """A timestamp in a run's params. A client's own flow spec may leave its type open."""
    value = params.get(name)
    if type(value) is not int or not 0 <= value <= MAX_SECONDS:
        raise refusal("run_params", f"/{name}", "seconds since 1970", pointer=f"/params/{name}")
    return value * 1000


def _delta_column(world: World, request: Request, flow: Doc, params: Mapping[str, Any]) -> str | None:
    """The delta column of a flow's runs: set by the first run, fixed for later ones (1382, 1383)."""
    sent = params.get("deltaColumn")
    name = sent.get("name") if isinstance(sent, Mapping) else None
    used = progress.used_delta_column(world, request.tenant, flow["id"]) or rules.delta_column(flow)
    if sent is None and used is None:
        raise refusal("delta_of_run_missing", pointer="/params/deltaColumn")
    if sent is not None and used is not None and name != used:
        raise refusal("delta_differs", pointer="/params/deltaColumn/name")
    return name if isinstance(name, str) else used if sent is None else None


def _demand_predecessor(world: World, request: Request, predecessor: Mapping[str, Any], at: str) -> None:
    """Require that a run's predecessor exists (1428, 1429)."""
    for member, kind, key in (
        ("flowRunId", progress.RUNS, "unknown_run"),
        ("flowId", progress.FLOWS, "unknown_earlier_flow"),
    ):
        entity_id = predecessor.get(member)
        if entity_id is not None and world.store.get(request.tenant, kind, entity_id) is None:
            raise ApiError(key, id=repeatable(entity_id), pointer=f"{at}/{member}")
