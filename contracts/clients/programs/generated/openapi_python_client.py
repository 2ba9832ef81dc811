"""openapi-python-client: from a connection to a finished run, and typed refusals."""

import sys
import time
from urllib.parse import parse_qs, urlsplit

from flow_service_client import AuthenticatedClient, models
from flow_service_client.api.connections import (
    create_connection,
    delete_connection,
    get_by_connection_id,
    list_connections,
    patch_connection,
    retrieve_connection,
    test_connection,
)
from flow_service_client.api.flows import create_flow, delete_by_flow, retrieve_flow
from flow_service_client.api.runs import list_flow_runs
from flow_service_client.api.source_connections import create_source_connection, delete_source_connection
from flow_service_client.api.target_connections import create_target_connection, delete_target_connection
from flow_service_client.types import UNSET, Unset

POSTGRESQL = "74a1c565-4e59-48d7-9d67-7c03b8a13137"
DATA_LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
CRM_TO_AEP = "14518937-270c-4525-bdec-c2ba7cce3860"

client = AuthenticatedClient(
    base_url=sys.argv[1],
    token=sys.argv[2],
    headers={"x-api-key": "client", "x-gw-ims-org-id": "5C1328435BF324E90A49402A@AdobeOrg", "x-sandbox-name": "prod"},
)


def connection(name: str, **params: str) -> models.CreateConnectionRequest:
    """A request for a PostgreSQL connection."""
    return models.CreateConnectionRequest(
        name=name,
        connection_spec=models.SpecInfo(id=POSTGRESQL, version="1.0"),
        auth=models.Auth(spec_name="Basic Authentication", params=models.AuthParams.from_dict(params)),
    )


def receipt(answer: object) -> models.Receipt:
    """The receipt, where the call was not refused."""
    assert isinstance(answer, models.Receipt), answer
    return answer


made = [
    receipt(
        create_connection.sync(
            client=client,
            body=connection(
                name,
                **{"server": "db.example.com", "port": "5432", "database": "shop"},
                **{"username": "reader", "password": "a-password", "sslMode": "Verify Full"},
            ),
        )
    ).id
    for name in ("Shop database", "Archive", "Warehouse")
]
looked_up = retrieve_connection.sync(made[0], client=client)
assert isinstance(looked_up, models.ConnectionLookup)
found = looked_up.items[0]
assert found.name == "Shop database" and isinstance(found.etag, str)
assert isinstance(found.created_at, int) and found.created_at > 1_700_000_000_000

named = list_connections.sync(client=client, property_=["name==Archive"])
assert isinstance(named, models.ConnectionList) and isinstance(named.items, list)
assert [row.name for row in named.items] == ["Archive"]
counted = list_connections.sync(client=client, count=True)
assert isinstance(counted, models.ConnectionList) and counted.count == 3

names: list[object] = []
token: str | Unset = UNSET
while True:
    page = list_connections.sync(client=client, limit=2, continuation_token=token)
    assert isinstance(page, models.ConnectionList) and isinstance(page.items, list)
    names += [row.name for row in page.items]
    if isinstance(page.field_links, Unset) or isinstance(page.field_links.next_, Unset):
        break
    token = parse_qs(urlsplit(page.field_links.next_.href).query)["continuationToken"][0]
assert sorted(map(str, names)) == ["Archive", "Shop database", "Warehouse"]

rename = [models.PatchInstruction(op=models.PatchInstructionOp.REPLACE, path="/name", value="Database of the shop")]
receipt(patch_connection.sync(made[0], client=client, body=rename, if_match=found.etag))
tried = test_connection.sync(made[0], client=client)
assert isinstance(tried, models.TestResult) and tried.result
root = get_by_connection_id.sync(made[0], client=client, object_type=models.GetByConnectionIdObjectType.ROOT)
assert isinstance(root, list)
table = models.ExploreItem.from_dict(root[0]).path
explored = get_by_connection_id.sync(
    made[0], client=client, object_type=models.GetByConnectionIdObjectType.TABLE, object_=table
)
assert isinstance(explored, dict) and models.ExploredObject.from_dict(explored).schema.columns

stale = patch_connection.sync(made[0], client=client, body=rename, if_match=found.etag)
assert isinstance(stale, models.ServiceError) and stale.title == "Version not matching"
incomplete = create_connection.sync(client=client, body=connection("x"))
assert isinstance(incomplete, models.ServiceError) and isinstance(incomplete.report, models.ServiceErrorReport)
assert str(incomplete.report.pointer).startswith("/auth/params")

source = receipt(
    create_source_connection.sync(
        client=client,
        body=models.CreateSourceConnectionRequest(
            name="Customers",
            base_connection_id=made[0],
            connection_spec=models.SpecInfo(id=POSTGRESQL),
            data=models.SourceData(format_="tabular"),
            params=models.SourceParams(table_name=table),
        ),
    )
)
target = receipt(
    create_target_connection.sync(
        client=client,
        body=models.CreateTargetConnectionRequest(
            name="Data set",
            connection_spec=models.SpecInfo(id=DATA_LAKE),
            data=models.TargetData(schema=models.SchemaReferenceType0(id="https://ns.adobe.com/acme/schemas/1")),
            params=models.TargetParams(data_set_id="5f3c3cedb2805c194ff0b69a"),
        ),
    )
)
flow = receipt(
    create_flow.sync(
        client=client,
        body=models.CreateFlowRequest(
            name="Customers once",
            flow_spec=models.FlowSpecInfo(id=CRM_TO_AEP, version="1.0"),
            source_connection_ids=[source.id],
            target_connection_ids=[target.id],
            transformations=[
                models.Transformation(name="Mapping", params=models.TransformationParams(mapping_id="0b09"))
            ],
            schedule_params=models.ScheduleParams(start_time=int(time.time()), frequency="once"),
        ),
    )
)
shown = retrieve_flow.sync(flow.id, client=client)
assert isinstance(shown, models.FlowLookup) and isinstance(shown.items[0].schedule_params, models.ScheduleParams)
assert isinstance(list_flow_runs.sync(client=client, property_=[f"flowId=={flow.id}"]), models.RunList)
delete_by_flow.sync_detailed(flow.id, client=client)
delete_target_connection.sync_detailed(target.id, client=client)
delete_source_connection.sync_detailed(source.id, client=client)
for connection_id in made:
    assert delete_connection.sync_detailed(connection_id, client=client).status_code == 204
gone = retrieve_connection.sync(made[0], client=client)
assert isinstance(gone, models.ServiceError) and gone.error_message
print("done")
