"""Checks of dataflows: references, schedules, deletion of their connections; and runs on demand."""

from __future__ import annotations

from typing import Any

from contracts.checks.exactness import views
from contracts.findings.error_codes import is_pretended
from contracts.findings.verdicts import expect, same
from contracts.registry import check
from contracts.stage import Made, Stage, filters
from contracts.stage.expectations import NOWHERE, deletion, etag_header, ids, receipt, refused, succeeded

CREATE = ("createFlow",)
RUNS = ("createFlowRun", "listFlowRuns", "retrieveFlowRun")
FUTURE = "4102444800"
"""The year 2100, in seconds, so that no flow starts during the run."""


@check("flow.kept", operations=CREATE)
def a_flow_keeps_what_was_sent(stage: Stage) -> None:
    """Every view returns references, transformations, schedule, options and policy as sent, also after a patch."""
    plain = stage.make("flows")
    delta = {"name": "created_at", "dateFormat": "YYYY-MM-DD", "timezone": "UTC"}
    mapping = plain.body["transformations"][-1]
    full = stage.make(
        "flows",
        transformations=[{"name": "Copy", "params": {"deltaColumn": delta}}, mapping],
        scheduleParams={"startTime": FUTURE, "frequency": "minute", "interval": "30", "backfill": "true"},
        options={"errorDiagnosticsEnabled": True, "partialIngestionPercent": 5},
        policy={"enforcementRefs": []},
    )
    for made in (plain, full):
        _shown_as_sent(stage, made, "after its creation")
    name = stage.name("renamed")
    receipt(stage.patch(full, {"op": "replace", "path": "/name", "value": name}))
    _shown_as_sent(stage, full, "after a patch of its name")


def _shown_as_sent(stage: Stage, made: Made, when: str) -> None:
    """Lookup, list and search show the members of a flow's creation."""
    kept = ("sourceConnectionIds", "targetConnectionIds", "transformations", "scheduleParams", "flowSpec")
    for view, item in views(stage, made.path).items():
        for member in (*kept, *({"options", "policy"} & made.body.keys())):
            same(item.get(member), made.body[member], f"{member} in a {view} {when}")
        same(item.get("state"), "enabled", f"state in a {view} {when}")


@check("flow.inherited", operations=CREATE)
def a_flow_shows_what_it_inherits(stage: Stage) -> None:
    """A flow shows its connections with their specs, and the base connection of the source."""
    made, source, base = _flow_of_its_own(stage)
    inherited = stage.read(made).get("inheritedAttributes", {})
    same(ids(inherited.get("sourceConnections", [])), [source.id], "inherited source connections")
    same(ids(inherited.get("targetConnections", [])), made.body["targetConnectionIds"], "inherited target connections")
    shown = inherited["sourceConnections"][0]
    same(shown.get("connectionSpec"), source.body["connectionSpec"], "connection spec of the source")
    same(shown.get("baseConnection", {}).get("id"), base.id, "base connection of the source")


@check("flow.found-by-reference", operations=("listFlows",))
def flows_are_found_by_what_they_refer_to(stage: Stage) -> None:
    """Filters reach into arrays."""
    made, source, base = _flow_of_its_own(stage)
    for text in (
        f"sourceConnectionIds[]=={source.id}",
        f"inheritedAttributes.sourceConnections[].baseConnection.id=={base.id}",
    ):
        same(ids(stage.listed(f"/flows?{filters(text)}")), [made.id], f"entities with {text}")
    same(stage.listed(f"/flows?{filters('sourceConnectionIds[]==' + NOWHERE)}"), [], "flows of no source connection")


@check("flow.holds-its-connections", operations=("deleteConnection", "deleteSourceConnection"))
def what_a_flow_uses_stays(stage: Stage) -> None:
    """Deleting its base connection gets 1418, its source or target connection 1447, until it is deleted."""
    made, source, base = _flow_of_its_own(stage)
    _held(stage, base.path, "1418-400")
    _held(stage, source.path, "1447-400")
    _held(stage, f"/targetConnections/{made.body['targetConnectionIds'][0]}", "1447-400")
    deletion(stage.call("DELETE", made.path))
    stage.read(source)
    succeeded(stage.call("GET", f"/targetConnections/{made.body['targetConnectionIds'][0]}"))
    deletion(stage.call("DELETE", source.path))
    deletion(stage.call("DELETE", base.path))


def _held(stage: Stage, path: str, code: str) -> None:
    """Expect that a deletion is refused. After another answer, an observer tells if nothing was deleted either."""
    answer = stage.call("DELETE", path)
    if answer.succeeded and not is_pretended(answer):
        stage.call("GET", path)
        kind, entity_id = path.strip("/").split("/")
        stage.call("GET", f"/{kind}?{filters('id==' + entity_id)}")
    refused(answer, 400, code)


@check("flow.state-not-taken", operations=CREATE)
def a_new_flow_brings_no_state(stage: Stage) -> None:
    """A new flow with a state is refused with 1410."""
    refused(stage.call("POST", "/flows", stage.body("flows", state="enabled")), 400, "1410-400")


@check("flow.references", operations=CREATE)
def references_must_lead_somewhere(stage: Stage) -> None:
    """A flow needs one source and one target connection that exist."""
    values: list[Any] = [[], [NOWHERE], [NOWHERE, NOWHERE], "x"]
    for member in ("sourceConnectionIds", "targetConnectionIds"):
        for value in values:
            refused(stage.call("POST", "/flows", stage.body("flows", **{member: value})), 400, "1100-400")


@check("flow.mapping", operations=CREATE)
def a_mapping_is_demanded(stage: Stage) -> None:
    """A flow of tables needs the transformation Mapping."""
    values: list[Any] = [None, []]
    for value in values:
        refused(stage.call("POST", "/flows", stage.body("flows", transformations=value)), 400, "1100-400")


@check("flow.schedule", operations=CREATE)
def a_schedule_is_checked(stage: Stage) -> None:
    """Start and frequency are required; `once` has no interval, others need one, minutes in steps of 15."""
    schedules: list[dict[str, Any] | None] = [
        None,
        {"frequency": "once"},
        {"startTime": FUTURE},
        {"startTime": FUTURE, "frequency": "yearly", "interval": "1"},
        {"startTime": FUTURE, "frequency": "once", "interval": "15"},
        {"startTime": FUTURE, "frequency": "minute"},
        {"startTime": FUTURE, "frequency": "minute", "interval": "5"},
    ]
    for schedule in schedules:
        refused(stage.call("POST", "/flows", stage.body("flows", scheduleParams=schedule)), 400, "1100-400")


@check("flow.enabled-and-disabled", operations=("postStateTransition",))
def flows_are_enabled_and_disabled(stage: Stage) -> None:
    """Actions enable and disable a flow, in any case; repeating one is refused with 1422."""
    made = stage.make("flows")
    etag = made.etag
    for word, state in (("disable", "disabled"), ("ENABLE", "enabled"), ("Disable", "disabled")):
        done = receipt(stage.call("POST", f"{made.path}/action?op={word}"))
        expect(done["etag"] != etag, f"the action {word} kept the etag")
        item = stage.read(made)
        same((item.get("state"), item.get("etag")), (state, done["etag"]), f"state and etag after {word}")
        etag = done["etag"]
    refused(stage.call("POST", f"{made.path}/action?op=disable"), 400, "1422-400")


@check("flow.draft-order", operations=("postStateTransition",))
def a_flow_is_not_published_before_its_connections(stage: Stage) -> None:
    """A draft flow on a draft source connection cannot be published before it."""
    body = stage.body("sourceConnections")
    source = receipt(stage.call("POST", "/sourceConnections?mode=draft", body), 201)
    flow = receipt(
        stage.call("POST", "/flows?mode=draft", stage.body("flows", sourceConnectionIds=[source["id"]])), 201
    )
    refused(stage.call("POST", f"/flows/{flow['id']}/action?op=publish"), 400)
    receipt(stage.call("POST", f"/sourceConnections/{source['id']}/action?op=publish"))
    receipt(stage.call("POST", f"/flows/{flow['id']}/action?op=publish"))


@check("source.base-connection", operations=("createSourceConnection",))
def a_source_connection_needs_its_base(stage: Stage) -> None:
    """An unknown base connection is refused."""
    refused(stage.call("POST", "/sourceConnections", stage.body("sourceConnections", baseConnectionId=NOWHERE)), 400)


@check("run.wrong", operations=RUNS)
def runs_need_a_flow(stage: Stage) -> None:
    """A run of an unknown flow gets 1430, without a flow 1446."""
    refused(stage.call("POST", "/runs", {"flowId": NOWHERE}), 400, "1430-400")
    bodies: tuple[dict[str, Any], ...] = ({"params": {}}, {"flowId": ""}, {"flowId": None})
    for body in bodies:
        refused(stage.call("POST", "/runs", body), 400, "1446-400")


@check("run.unknown", writes=False, operations=RUNS)
def unknown_runs(stage: Stage) -> None:
    """An unknown run gets 1439; the list of an unknown flow's runs is empty."""
    body = refused(stage.call("GET", f"/runs/{NOWHERE}"), 404, "1439-404")
    same(body["report"].get("type"), "runs", "report.type", "report.type")
    same(stage.listed("/runs?" + filters(f"flowId=={NOWHERE}")), [], "runs of a flow that is not there")


@check("run.on-demand", lasting=True, operations=RUNS)
def a_flow_is_run_on_demand(stage: Stage) -> None:
    """The receipt is in `items`; the run is found in its flow's list and by its id."""
    made = stage.make("flows")
    window = {"startTime": "1663735590", "windowStartTime": "1651584991", "windowEndTime": "1651585991"}
    body = {"flowId": made.id, "params": {**window, "deltaColumn": {"name": "created_at"}}}
    answer = stage.call("POST", "/runs", body)
    done = succeeded(answer, 201)["items"]
    same([sorted(item) for item in done], [["etag", "id"]], "members of the receipt")
    etag_header(answer, done[0]["etag"], "ETag of the answer to a new run")
    listed = stage.listed("/runs?" + filters(f"flowId=={made.id}"))
    same(ids(listed), ids(done), "runs of the flow")
    run = succeeded(stage.call("GET", f"/runs/{done[0]['id']}"))["items"][0]
    same((run.get("flowId"), run.get("imsOrgId")), (made.id, stage.headers["x-gw-ims-org-id"]), "flowId and imsOrgId")
    expect(run.get("metrics", {}).get("statusSummary", {}).get("status"), "a run without metrics.statusSummary.status")
    refused(stage.elsewhere().call("GET", f"/runs/{done[0]['id']}"), 404, "1439-404")


def _flow_of_its_own(stage: Stage) -> tuple[Made, Made, Made]:
    """A flow, its source connection and its base connection, not shared with other checks."""
    base = stage.make("connections")
    source = stage.make("sourceConnections", baseConnectionId=base.id)
    return stage.make("flows", sourceConnectionIds=[source.id]), source, base
