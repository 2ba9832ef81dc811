"""openapi-generator's `python`: from a connection to a finished run, and typed refusals."""

import sys
import time
from urllib.parse import parse_qs, urlsplit

import openapi_client as flow

POSTGRESQL = "74a1c565-4e59-48d7-9d67-7c03b8a13137"
DATA_LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
CRM_TO_AEP = "14518937-270c-4525-bdec-c2ba7cce3860"

service = flow.ApiClient(
    flow.Configuration(
        host=sys.argv[1],
        access_token=sys.argv[2],
        api_key={"apiKey": "client", "imsOrg": "5C1328435BF324E90A49402A@AdobeOrg", "sandbox": "prod"},
    )
)
connections = flow.ConnectionsApi(service)
sources, targets = flow.SourceConnectionsApi(service), flow.TargetConnectionsApi(service)
flows, runs = flow.FlowsApi(service), flow.RunsApi(service)

made = []
for name in ("Shop database", "Archive", "Warehouse"):
    receipt = connections.create_connection(
        flow.CreateConnectionRequest(
            name=name,
            connection_spec=flow.SpecInfo(id=POSTGRESQL, version="1.0"),
            auth=flow.Auth(
                spec_name="Basic Authentication",
                params={"server": "db.example.com", "port": "5432", "database": "shop", "username": "reader",
                        "password": "a-password", "sslMode": "Verify Full"},
            ),
        )
    )  # fmt: skip
    made.append(receipt.id)

found = connections.retrieve_connection(made[0]).items[0]
assert found.name == "Shop database" and found.created_at > 1_700_000_000_000

named = connections.list_connections(var_property=["name==Archive"])
assert [row.name for row in named.items] == ["Archive"]
counted = connections.list_connections(count=True)
assert counted.count == 3

names, token = [], None
while True:
    page = connections.list_connections(limit=2, continuation_token=token)
    names += [row.name for row in page.items]
    if not page.links.next:
        break
    token = parse_qs(urlsplit(page.links.next.href).query)["continuationToken"][0]
assert sorted(names) == ["Archive", "Shop database", "Warehouse"]

rename = [flow.PatchInstruction(op="replace", path="/name", value="Database of the shop")]
changed = connections.patch_connection(made[0], found.etag, rename)
assert changed.etag != found.etag
assert connections.test_connection(made[0]).result is True
tables = [flow.ExploreItem.from_dict(item) for item in connections.get_by_connection_id(made[0], "root")]
columns = flow.ExploredObject.from_dict(connections.get_by_connection_id(made[0], "table", tables[0].path))
assert columns.var_schema.columns

try:
    connections.patch_connection(made[0], found.etag, rename)
    raise SystemExit("a stale etag was taken")
except flow.ApiException as problem:
    assert problem.status == 412
    error = problem.data.actual_instance
    assert isinstance(error, flow.ServiceError) and error.report.request_id and error.title == "Version not matching"
try:
    connections.create_connection(
        flow.CreateConnectionRequest(name="x", connection_spec=flow.SpecInfo(id=POSTGRESQL), auth=flow.Auth())
    )
    raise SystemExit("a connection without params was taken")
except flow.ApiException as problem:
    assert problem.status == 400 and problem.data.actual_instance.report.pointer.startswith("/auth")

source = sources.create_source_connection(
    flow.CreateSourceConnectionRequest(
        name="Customers",
        base_connection_id=made[0],
        connection_spec=flow.SpecInfo(id=POSTGRESQL),
        data=flow.SourceData(format="tabular"),
        params=flow.SourceParams(table_name=tables[0].path),
    )
)
target = targets.create_target_connection(
    flow.CreateTargetConnectionRequest(
        name="Data set",
        connection_spec=flow.SpecInfo(id=DATA_LAKE),
        data=flow.TargetData(var_schema=flow.SchemaReference(id="https://ns.adobe.com/acme/schemas/1", version="1")),
        params=flow.TargetParams(data_set_id="5f3c3cedb2805c194ff0b69a"),
    )
)

made_flow = flows.create_flow(
    flow.CreateFlowRequest(
        name="Customers once",
        flow_spec=flow.FlowSpecInfo(id=CRM_TO_AEP, version="1.0"),
        source_connection_ids=[source.id],
        target_connection_ids=[target.id],
        transformations=[flow.Transformation(name="Mapping", params=flow.TransformationParams(mapping_id="0b09"))],
        schedule_params=flow.ScheduleParams(start_time=flow.Seconds(int(time.time())), frequency="once"),
    )
)
shown = flows.retrieve_flow(made_flow.id).items[0]
assert shown.schedule_params.start_time.actual_instance > 1_700_000_000
assert runs.list_flow_runs(var_property=[f"flowId=={made_flow.id}"]).items is not None
flows.delete_by_flow(made_flow.id)
targets.delete_target_connection(target.id)
sources.delete_source_connection(source.id)
for connection_id in made:
    connections.delete_connection(connection_id)
try:
    connections.retrieve_connection(made[0])
    raise SystemExit("a deleted connection was found")
except flow.ApiException as problem:
    assert problem.status == 404 and problem.data.actual_instance.error_message
print("done")
