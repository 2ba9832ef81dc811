"""Checks of destinations: connection specs, profiles as a source, and flows whose selectors change."""

from __future__ import annotations

from typing import Any

from contracts.findings.verdicts import expect, same
from contracts.registry import check
from contracts.stage import Stage
from contracts.stage.expectations import receipt, refused, replacing, succeeded
from contracts.stage.various import PROFILES, S3_DESTINATION, export, profiles, spec
from contracts.wire import ADHOC

DATA_SETS = "23598e46-f560-407b-88d5-ea6207e49db0"
SELECTORS = "/transformations/0/params/segmentSelectors/selectors"
_SECOND = {"Accept": "application/vnd.adobe.adhoc.activation+json; version=2"}
_FLOW = ("createFlow", "patchFlow")


@check("destination.spec", writes=False, operations=("retrieveConnectionSpec",))
def a_destination_has_a_targetspec(stage: Stage) -> None:
    """A destination's target spec has names, enumerated values and required params."""
    described = succeeded(stage.call("GET", f"/connectionSpecs/{S3_DESTINATION}"))["items"][0]
    target = described.get("targetSpec", {})
    same(target.get("type"), "UserNamespace", "type of the target spec")
    same(target["spec"]["properties"]["datasetFileType"]["enum"], ["JSON", "PARQUET"], "values of datasetFileType")
    expect({"bucketName", "path"} <= set(target["spec"]["required"]), "the target spec does not require its location")


@check("destination.params", operations=("createTargetConnection",))
def params_are_held_to_the_targetspec(stage: Stage) -> None:
    """A target connection with an unlisted value or a wrong type is refused."""
    for params in ({"compression": "zip"}, {"bucketName": 1}):
        refused(stage.call("POST", "/targetConnections", _target(stage, params)), 400, "1100-400")


@check("destination.profiles", operations=("createConnection", "createSourceConnection"))
def profiles_are_a_source_without_credentials(stage: Stage) -> None:
    """The profile store's base connection has no auth; its source connection has `typeInfo`."""
    base = stage.make("connections", connectionSpec=spec(PROFILES), auth=None)
    source = profiles(stage, baseConnectionId=base.id)
    same(stage.read(source).get("typeInfo"), {"type": "ProfileFragments", "id": "ups"}, "typeInfo")


@check("destination.inherited", operations=_FLOW)
def an_export_says_that_it_is_one(stage: Stage) -> None:
    """A flow to a destination has `isDestinationFlow`, which filters use."""
    inherited = stage.read(export(stage))["inheritedAttributes"]
    same(inherited["properties"].get("isDestinationFlow"), True, "isDestinationFlow")
    same(inherited["sourceConnections"][0].get("typeInfo", {}).get("id"), "ups", "typeInfo of the source")


@check("destination.selectors", operations=_FLOW)
def audiences_come_and_go_while_the_flow_is_enabled(stage: Stage) -> None:
    """Audiences can be added, replaced as a whole, and removed with the value that samples send."""
    flow = export(stage)
    for instruction, expected in (
        ({"op": "add", "path": f"{SELECTORS}/-", "value": _audience("first")}, ["first"]),
        ({"op": "add", "path": f"{SELECTORS}/-", "value": _audience("second")}, ["first", "second"]),
        ({"op": "replace", "path": f"{SELECTORS}/0", "value": _audience("third")}, ["third", "second"]),
        ({"op": "remove", "path": f"{SELECTORS}/0", "value": {"type": "PLATFORM_SEGMENT"}}, ["second"]),
    ):
        answer = stage.patch(flow, instruction, etag=stage.read(flow)["etag"])
        expect(answer.status in (200, 202), f"{instruction['op']} of an audience is refused")
        params = stage.read(flow)["transformations"][0]["params"]
        found = [selector["value"]["id"] for selector in params["segmentSelectors"]["selectors"]]
        same(found, expected, f"audiences after {instruction['op']}")


@check("destination.source-replaced", operations=_FLOW)
def an_export_can_read_something_else(stage: Stage) -> None:
    """After its source connection is replaced, the flow and its inherited attributes name the new one."""
    flow, other = export(stage), profiles(stage)
    expect(stage.patch(flow, replacing("sourceConnectionIds", [other.id])).status in (200, 202), "it is refused")
    shown = stage.read(flow)
    same(shown["sourceConnectionIds"], [other.id], "sourceConnectionIds")
    same(shown["inheritedAttributes"]["sourceConnections"][0]["id"], other.id, "the inherited source connection")


@check("destination.revoked", operations=("patchConnection", "testConnection"))
def credentials_can_be_taken_away(stage: Stage) -> None:
    """Removing /auth/params is accepted, and the connection then fails its test."""
    made = stage.make("connections", connectionSpec=spec(S3_DESTINATION), auth=_KEYS)
    receipt(stage.patch(made, {"op": "remove", "path": "/auth/params"}))
    same(stage.read(made)["auth"].get("params", {}), {}, "auth.params")
    same(succeeded(stage.call("GET", f"{made.path}/test")), {"result": False}, "the test", "explore.test-fails")


@check("destination.data-sets", writes=False, operations=("configByConnectionSpecId",))
def data_sets_to_export_are_listed(stage: Stage) -> None:
    """Exportable data sets are listed with the position in the whole list."""
    target = f"/connectionSpecs/{DATA_SETS}/configs?outputType=activationDatasets&outputField=datasets&limit=1"
    body = succeeded(stage.call("GET", target))
    info = body["pageInfo"]
    expect(all(item.get("id") and item.get("name") for item in body["items"]), "a data set without id or name")
    same((info.get("start"), info.get("end")), (0, len(body["items"]) - 1), "start and end of pageInfo")
    same(info.get("hasNext"), info.get("total", 0) > len(body["items"]), "hasNext against total")


@check("run.ad-hoc", lasting=True, operations=("runAdhocActivation",))
def audiences_are_exported_on_demand(stage: Stage) -> None:
    """Each audience is exported by a run; another audience is refused with a message only."""
    flow = export(stage)
    added = {"op": "add", "path": f"{SELECTORS}/-", "value": _audience("chosen")}
    succeeded(stage.patch(flow, added, etag=stage.read(flow)["etag"]))
    answer = stage.call("POST", ADHOC, {"activationInfo": {flow.id: ["other"]}}, headers=_SECOND)
    same(
        (answer.status, list(answer.json)),
        (400, ["message"]),
        "status and members for an audience that is not exported",
    )
    order = succeeded(stage.call("POST", ADHOC, {"activationInfo": {flow.id: ["chosen"]}}, headers=_SECOND))["order"]
    same([(one["segment"], one["order"]) for one in order], [("chosen", flow.id)], "audiences and flows of the order")
    run = succeeded(stage.call("GET", "/runs/" + order[0]["statusURL"].rpartition("/")[2]))["items"][0]
    same(run["flowId"], flow.id, "flow of the run at statusURL")


_KEYS: dict[str, Any] = {"specName": "Access Key", "params": {"s3AccessKey": "reader", "s3SecretKey": "{SECRET_KEY}"}}


def _audience(segment_id: str) -> dict[str, Any]:
    return {"type": "PLATFORM_SEGMENT", "value": {"id": segment_id}}


def _target(stage: Stage, params: dict[str, Any]) -> dict[str, Any]:
    return {"name": stage.name("bucket"), "connectionSpec": spec(S3_DESTINATION), "params": params}
