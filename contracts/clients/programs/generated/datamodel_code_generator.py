"""Models by datamodel-code-generator, sent by httpx: from a connection to a finished run, and typed refusals."""

import sys
import time
from typing import Any, TypeVar

import httpx
from flow_service import (
    Auth,
    ConnectionList,
    ConnectionLookup,
    CreateConnectionRequest,
    CreateFlowRequest,
    CreateSourceConnectionRequest,
    CreateTargetConnectionRequest,
    ExploredObject,
    ExploreItems,
    FlowLookup,
    FlowSpecInfo,
    Op,
    Params,
    PatchInstruction,
    PatchRequest,
    Receipt,
    Refusal,
    RunList,
    ScheduleParams,
    Seconds,
    ServiceError,
    SourceData,
    SourceParams,
    SpecInfo,
    TargetParams,
    TestResult,
    Transformation,
)
from pydantic import BaseModel

POSTGRESQL = SpecInfo(id="74a1c565-4e59-48d7-9d67-7c03b8a13137", version="1.0")
DATA_LAKE = SpecInfo(id="c604ff05-7f1a-43c0-8e18-33bf874cb11c")
CRM_TO_AEP = FlowSpecInfo(id="14518937-270c-4525-bdec-c2ba7cce3860", version="1.0")
PARAMS = {
    "server": "db.example.com", "port": "5432", "database": "shop", "username": "reader", "password": "a-password",
    "sslMode": "Verify Full",
}  # fmt: skip

service = httpx.Client(
    base_url=sys.argv[1],
    headers={
        "Authorization": f"Bearer {sys.argv[2]}",
        "x-api-key": "client",
        "x-gw-ims-org-id": "5C1328435BF324E90A49402A@AdobeOrg",
        "x-sandbox-name": "prod",
    },
)
Answer = TypeVar("Answer", bound=BaseModel)


def ask(kind: type[Answer], method: str, path: str, body: BaseModel | None = None, **options: Any) -> Answer:
    """Make a call and read its response."""
    json = body.model_dump(mode="json", by_alias=True, exclude_unset=True) if body else None
    return kind.model_validate(service.request(method, path, json=json, **options).json())


def refused(method: str, path: str, body: BaseModel | None = None, **options: Any) -> ServiceError:
    """The refusal that a call gets."""
    error = ask(Refusal, method, path, body, **options).root
    assert isinstance(error, ServiceError)
    return error


def connection(name: str, params: dict[str, Any]) -> CreateConnectionRequest:
    """A request for a PostgreSQL connection."""
    auth = Auth(specName="Basic Authentication", params=params)
    return CreateConnectionRequest(name=name, connectionSpec=POSTGRESQL, auth=auth)


names = ["Archive", "Shop database", "Warehouse"]
made = [ask(Receipt, "POST", "/connections", connection(name, PARAMS)).id.root for name in names]
found = ask(ConnectionLookup, "GET", f"/connections/{made[0]}").items[0]
assert found.name == "Archive" and found.createdAt and found.createdAt.root > 1_700_000_000_000
assert found.etag
named = ask(ConnectionList, "GET", "/connections", params={"property": "name==Archive"})
assert named.items and [row.name for row in named.items] == ["Archive"]
assert ask(ConnectionList, "GET", "/connections", params={"count": "true"}).count == 3
shown, following = [], "/connections?limit=2"
while following:
    page = ask(ConnectionList, "GET", following)
    shown += [row.name for row in page.items or ()]
    following = page.field_links.next.href if page.field_links and page.field_links.next else ""
assert sorted(map(str, shown)) == names

rename = PatchRequest([PatchInstruction(op=Op.replace, path="/name", value="Database of the shop")])
match = {"If-Match": found.etag.root}
ask(Receipt, "PATCH", f"/connections/{made[0]}", rename, headers=match)
assert ask(TestResult, "GET", f"/connections/{made[0]}/test").result
root = ask(ExploreItems, "GET", f"/connections/{made[0]}/explore", params={"objectType": "root"}).root
table = {"objectType": "table", "object": root[0].path}
assert ask(ExploredObject, "GET", f"/connections/{made[0]}/explore", params=table).schema_.columns

assert refused("PATCH", f"/connections/{made[0]}", rename, headers=match).title == "Version not matching"
report = refused("POST", "/connections", connection("x", {})).report
assert report and report.pointer and report.pointer.startswith("/auth/params")

source_request = CreateSourceConnectionRequest(
    name="Customers",
    baseConnectionId=made[0],
    connectionSpec=POSTGRESQL,
    data=SourceData(format="tabular"),
    params=SourceParams(tableName=root[0].path),
)
source = ask(Receipt, "POST", "/sourceConnections", source_request).id.root
target_request = CreateTargetConnectionRequest(
    name="Data set", connectionSpec=DATA_LAKE, params=TargetParams(dataSetId="5f3c3cedb2805c194ff0b69a")
)
target = ask(Receipt, "POST", "/targetConnections", target_request).id.root
flow_request = CreateFlowRequest(
    name="Customers once",
    flowSpec=CRM_TO_AEP,
    sourceConnectionIds=[source],
    targetConnectionIds=[target],
    transformations=[Transformation(name="Mapping", params=Params(mappingId="0b09"))],
    scheduleParams=ScheduleParams(startTime=Seconds(int(time.time())), frequency="once"),
)
flow = ask(Receipt, "POST", "/flows", flow_request).id.root
schedule = ask(FlowLookup, "GET", f"/flows/{flow}").items[0].scheduleParams
assert schedule and schedule.startTime and int(schedule.startTime.root) > 1_700_000_000
assert ask(RunList, "GET", "/runs", params={"property": f"flowId=={flow}"}).items is not None
for path in (f"/flows/{flow}", f"/targetConnections/{target}", f"/sourceConnections/{source}"):
    assert service.delete(path).status_code == 204
for connection_id in made:
    assert service.delete(f"/connections/{connection_id}").status_code == 204
assert refused("GET", f"/connections/{made[0]}").errorMessage
print("done")
