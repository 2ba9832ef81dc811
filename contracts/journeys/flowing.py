"""The journey of the database tutorial: from credentials to a dataflow, and back to nothing."""

from __future__ import annotations

from contracts.expectations import ids, receipt, refused, succeeded
from contracts.kinds import CRM_TO_AEP
from contracts.registry import check
from contracts.stage import Stage, filters
from contracts.verdicts import expect, same


@check("journey.dataflow", operations=("createFlow",))
def a_dataflow_from_a_database(stage: Stage) -> None:
    """Base, source and target connection, flow spec, flow; then disable, and delete in order."""
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
    for entity in (flow, source, lake, base):
        same(stage.call("DELETE", entity.path).status, 204, f"status of the deletion of {entity.kind}")
        refused(stage.call("GET", entity.path), 404, "1439-404")
