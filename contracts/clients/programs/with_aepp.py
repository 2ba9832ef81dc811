"""Adobe's own Python client, aepp, unchanged: credentials, a table, a flow and its run, and deletion of everything.

With a base URL it calls that server, by aepp's settings, otherwise Adobe's hosts.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from typing import Any

import aepp
from aepp import flowservice

POSTGRESQL = {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"}
DATA_LAKE = {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}
PARAMS = {
    "server": "db.example.com",
    "port": "5432",
    "database": "shop",
    "username": "reader",
    "password": "a-password",
    "sslMode": "Verify Full",
}


def demand(answer: Any, step: str) -> Any:
    """Return aepp's result unless it is an error, since aepp does not raise."""
    assert answer and not (isinstance(answer, dict) and ({"errorMessage", "error_code"} & answer.keys())), (
        step,
        answer,
    )
    print(f"{step}: ok")
    return answer


def pass_two_minutes() -> None:
    """Advance the emulator's clock instead of waiting for a run. The real service cannot do this."""
    request = urllib.request.Request(
        os.environ["MOCKSERVER_URL"] + "/_mock/clock",
        json.dumps({"advance": "2m"}).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()


aepp.configure(
    org_id="5C1328435BF324E90A49402A@AdobeOrg",
    client_id="client",
    secret="a-secret",
    scopes="openid,AdobeID,read_organizations",
    sandbox="prod",
)
for base_url in sys.argv[1:]:
    aepp.config.endpoints["global"] = base_url
    aepp.config.config_object["oauthTokenEndpointV2"] = f"{base_url}/ims/token/v3"
service = flowservice.FlowService()

# connections
auth = {"specName": "Basic Authentication", "params": PARAMS}
created = service.createConnection(data={"name": "Shop database", "auth": auth, "connectionSpec": POSTGRESQL})
connection = demand(created, "create a connection")["id"]
assert demand(service.getConnection(connection), "look it up")["name"] == "Shop database"
assert demand(service.connectionTest(connection), "test it")
renamed = [{"op": "replace", "path": "/name", "value": "Database of the shop"}]
demand(service.patchConnection(connection, renamed), "change it")
assert service.getConnection(connection)["name"] == "Database of the shop"
others = []
for number in range(5):
    body = {"name": f"Another database {number}", "auth": auth, "connectionSpec": POSTGRESQL}
    others.append(demand(service.createConnection(data=body), f"create another, {number}")["id"])
listed = service.getConnections(limit=2, n_results="inf")
assert {row["id"] for row in listed} == {connection, *others}, "pages of two"
print("list them, two on a page: ok")
explore = f"{service.endpoint}/connections/{connection}/explore"
demand(service.getResource(explore, params={"objectType": "root"}), "explore it")
demand(service.getConnectionSpecsMap(), "map the connection specs")
assert demand(service.getConnectionSpec(POSTGRESQL["id"]), "look a connection spec up")

# a flow
source = demand(
    service.createSourceConnection(
        {
            "name": "Store visits",
            "baseConnectionId": connection,
            "data": {"format": "tabular"},
            "params": {"tableName": "sales.store_visits"},
            "connectionSpec": POSTGRESQL,
        }
    ),
    "create a source connection",
)["id"]
target = demand(
    service.createTargetConnection(
        data={
            "name": "Store visits data set",
            "data": {
                "schema": {
                    "id": "https://ns.adobe.com/acme/schemas/4f2b8e0c1d",
                    "version": "application/vnd.adobe.xed-full+json;version=1",
                }
            },
            "params": {"dataSetId": "5f3c3cedb2805c194ff0b69a"},
            "connectionSpec": DATA_LAKE,
        }
    ),
    "create a target connection",
)["id"]
assert [row["id"] for row in service.getSourceConnections()] == [source]
assert [row["id"] for row in service.getTargetConnections()] == [target]
flow_spec = demand(service.getFlowSpecIdFromNames("CRMToAEP"), "find the flow spec")
flow = demand(
    service.createFlow(
        flow_spec,
        obj={
            "name": "Store visits, once",
            "flowSpec": {"id": flow_spec, "version": "1.0"},
            "sourceConnectionIds": [source],
            "targetConnectionIds": [target],
            "transformations": [
                {"name": "Mapping", "params": {"mappingId": "0b090130b58b4819afc78b6dc98b484d", "mappingVersion": 0}}
            ],
            "scheduleParams": {"startTime": str(int(time.time()) + 5), "frequency": "once"},
        },
    ),
    "create a flow",
)["id"]
pass_two_minutes()
assert demand(service.getFlow(flow), "look the flow up")["state"] == "enabled"
demand(service.getFlows(), "list flows")
[run] = demand(service.getRuns(prop=f"flowId=={flow}"), "list its runs")
assert demand(service.getRun(run["id"]), "look the run up")[0]["metrics"]["statusSummary"]["status"] == "success"
etag = service.getFlow(flow)["etag"]
renaming = [{"op": "Replace", "path": "/name", "value": "Store visits"}]
demand(service.updateFlow(flow, etag, renaming), "change the flow")
demand(service.postFlowAction(flow, "disable"), "disable it")

# credentials of destinations, and policies of a flow
account = "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=a-key;EndpointSuffix=core.windows.net"
bases = [
    demand(service.createConnectionToUPS("Profiles"), "connect the profile store")["id"],
    demand(service.createBaseConnectionS3Target("Bucket", "a-key-id", "a-key"), "connect a bucket to write to")["id"],
    demand(service.createBaseConnectionBlobTarget("Container", account), "connect a container to write to")["id"],
]
marketing_action = "/dulepolicy/marketingActions/06621fe3q-44t3-3zu4t-90c2-y653rt3hk4o499"
enforced = [{"op": "Add", "path": "/policy", "value": {"enforcementRefs": [marketing_action]}}]
try:
    service.updatePolicy(flow, [marketing_action])  # of 0.6.0: has no etag for updateFlow, and so never sends this
except Exception as error:
    assert "etag" in str(error), error
    demand(service.updateFlow(flow, service.getFlow(flow)["etag"], enforced), "tell the flow's policies")
assert service.getFlow(flow)["policy"]["enforcementRefs"] == [marketing_action]

# the end
for delete, made in (
    (service.deleteFlow, [flow]),
    (service.deleteTargetConnection, [target]),
    (service.deleteSourceConnection, [source]),
    (service.deleteConnection, [connection, *others, *bases]),
):
    for one in made:
        assert delete(one) == 204, one
print("delete all: ok")
