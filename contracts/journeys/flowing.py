"""Journeys of the dataflow tutorials: a database, files and a stream, from credentials to a dataflow."""

from __future__ import annotations

from typing import Any

from contracts.findings.verdicts import expect, same, untestable
from contracts.registry import check
from contracts.stage import Made, Stage, filters
from contracts.stage.expectations import deletion, ids, receipt, refused, succeeded
from contracts.stage.kinds import CRM_TO_AEP

AMAZON_S3 = "ecadc60c-7455-4d87-84dc-2a0e293d997b"
HTTP_API = "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb"


@check("journey.dataflow", operations=("createFlow",))
def a_dataflow_from_a_database(stage: Stage) -> None:
    """Create base, source and target connection and a flow; then disable it, and delete everything in order."""
    base = stage.make("connections")

    # Look for the table, and take it with its columns.
    table = succeeded(stage.call("GET", f"{base.path}/explore?objectType=root"))[0]["path"]
    target = f"{base.path}/explore?objectType=table&object={table}"
    columns = succeeded(stage.call("GET", target))["schema"]["columns"]
    source = stage.make("sourceConnections", baseConnectionId=base.id, params={"tableName": table, "columns": columns})
    same(stage.read(source)["params"], {"tableName": table, "columns": columns}, "params of the source connection")

    # The flow spec is found by its name.
    lake = stage.make("targetConnections")
    specs = succeeded(stage.call("GET", "/flowSpecs?" + filters('name=="CRMToAEP"')))["items"]
    same(ids(specs), [CRM_TO_AEP], "flow specs named CRMToAEP")
    expect(
        base.body["connectionSpec"]["id"] in specs[0]["sourceConnectionSpecIds"], "CRMToAEP does not take this source"
    )

    # Put it together, every 15 minutes from the year 2100 on.
    delta = {"name": "created_at", "dateFormat": "YYYY-MM-DD", "timezone": "UTC"}
    flow = stage.make(
        "flows",
        flowSpec={"id": specs[0]["id"], "version": specs[0]["version"]},
        sourceConnectionIds=[source.id],
        targetConnectionIds=[lake.id],
        transformations=[
            {"name": "Copy", "params": {"deltaColumn": delta}},
            {"name": "Mapping", "params": {"mappingId": "0b090130b58b4bb6a04e4a8a3a4ff4a0", "mappingVersion": 0}},
        ],
        scheduleParams={"startTime": "4102444800", "frequency": "minute", "interval": "15", "backfill": "true"},
    )
    same(stage.listed(stage.read(flow)["runs"]), [], "runs before the start")

    # Change the schedule with the etag of the lookup, as the update tutorial does.
    change = [{"op": "Replace", "path": "/scheduleParams/frequency", "value": "hour"}]
    etag = stage.read(flow)["etag"]
    receipt(stage.call("PATCH", flow.path, change, headers={"If-Match": etag}))
    same(stage.read(flow)["scheduleParams"]["frequency"], "hour", "frequency")

    # Stop it, and take everything down from the top.
    receipt(stage.call("POST", f"{flow.path}/action?op=disable"))
    _take_down(stage, flow, source, lake, base)


@check("journey.dataflow-of-files", operations=("createFlow",))
def a_dataflow_from_files(stage: Stage) -> None:
    """Create an Amazon S3 connection, explore its folders and a file, and create a dataflow of that file."""
    base = _connected(stage, AMAZON_S3, "Access Key", {"s3AccessKey": "reader", "s3SecretKey": stage.canary})

    # From the root down to a file, as the explore tutorial does.
    found = succeeded(stage.call("GET", f"{base.path}/explore?objectType=root"))
    folders = [item for item in found if item["type"] == "folder"]
    while folders and not any(item["type"] == "file" for item in found):
        found = succeeded(stage.call("GET", f"{base.path}/explore?objectType=folder&object={folders.pop(0)['path']}"))
        folders += [item for item in found if item["type"] == "folder"]
    file = next((item["path"] for item in found if item["type"] == "file" and item["path"].endswith(".csv")), None)
    if file is None:
        untestable("there is no CSV file behind the connection")
    looked_at = f"{base.path}/explore?objectType=file&object={file}&fileType=delimited&preview=true"
    preview = succeeded(stage.call("GET", looked_at))
    expect(bool(preview["schema"]["columns"]) and bool(preview["data"]), "a preview has no columns or no rows")

    source = stage.make(
        "sourceConnections",
        baseConnectionId=base.id,
        connectionSpec={"id": AMAZON_S3, "version": "1.0"},
        data={"format": "delimited"},
        params={"path": file, "type": "file"},
    )
    mapping = {"name": "Mapping", "params": {"mappingId": "0b090130b58b4bb6a04e4a8a3a4ff4a0", "mappingVersion": 0}}
    _flows(stage, base, source, "CloudStorageToAEP", [mapping], scheduled=True)


@check("journey.dataflow-of-a-stream", operations=("createFlow",))
def a_dataflow_from_a_stream(stage: Stage) -> None:
    """Create a streaming connection, which shows its inlet URL, and a dataflow without a schedule."""
    base = _connected(stage, HTTP_API, "Streaming Connection", {"dataType": "xdm"})
    inlet = stage.read(base)["auth"]["params"].get("inletUrl")
    expect(isinstance(inlet, str) and inlet.startswith("https://"), "a streaming connection has no inletUrl")
    source = stage.make(
        "sourceConnections", baseConnectionId=base.id, connectionSpec={"id": HTTP_API, "version": "1.0"}, params={}
    )
    _flows(stage, base, source, "Stream data without transformation", [], scheduled=False)


def _connected(stage: Stage, spec_id: str, auth_spec: str, params: dict[str, Any]) -> Made:
    """A base connection of another connector, if its auth spec is offered and credentials may be invented."""
    if stage.settings.connection is not None:
        untestable("the connection is the operator's own")
    (spec,) = succeeded(stage.call("GET", f"/connectionSpecs/{spec_id}"))["items"]
    if auth_spec not in [offered["name"] for offered in spec["authSpec"]]:
        untestable(f"{spec['name']} has no {auth_spec} on this platform")
    auth = {"specName": auth_spec, "params": params}
    return stage.make("connections", auth=auth, connectionSpec={"id": spec_id, "version": spec["version"]})


def _flows(stage: Stage, base: Made, source: Made, spec_name: str, steps: list[Any], *, scheduled: bool) -> None:
    """Create a dataflow on a source and read it back; then delete everything."""
    (spec,) = succeeded(stage.call("GET", "/flowSpecs?" + filters(f'name=="{spec_name}"')))["items"]
    expect(
        base.body["connectionSpec"]["id"] in spec["sourceConnectionSpecIds"], f"{spec_name} does not take this source"
    )
    lake = stage.make("targetConnections")
    flow = stage.make(
        "flows",
        flowSpec={"id": spec["id"], "version": spec["version"]},
        sourceConnectionIds=[source.id],
        targetConnectionIds=[lake.id],
        transformations=steps,
        scheduleParams={"startTime": "4102444800", "frequency": "hour", "interval": "1"} if scheduled else None,
    )
    shown = stage.read(flow)
    same(shown["inheritedAttributes"]["sourceConnections"][0]["baseConnection"]["id"], base.id, "base connection")
    same("scheduleParams" in shown, scheduled, "whether there is a schedule")
    _take_down(stage, flow, source, lake, base)


def _take_down(stage: Stage, *entities: Made) -> None:
    """Delete users before the entities they use, and check that each is gone."""
    for entity in entities:
        deletion(stage.call("DELETE", entity.path))
        refused(stage.call("GET", entity.path), 404, "1439-404")
