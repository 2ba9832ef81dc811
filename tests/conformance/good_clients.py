"""Clients that do everything right, in the manner of well-known public ones."""

from collections.abc import Callable
from typing import Any

from tests.calls import BASIC_PARAMS, POSTGRESQL, by_string, connection, source, target
from tests.conformance.client import Client
from tests.flows import COPY, CRM_TO_AEP, MAPPING


def tutorial(client: Client) -> None:
    """Adobe's curl tutorial: create, look up, test, explore, rename, delete, confirm."""
    client.token()
    made = client.create("PostgreSQL base connection via basic authentication")
    at = f"/connections/{made['id']}"
    client.send("GET", at)
    client.send("GET", f"{at}/test")
    client.send("GET", f"{at}/explore?objectType=root")
    client.patch(made["id"], made["etag"], {"op": "replace", "path": "/description", "value": "new"})
    fresh = client.read(made["id"])["etag"]
    change = {**BASIC_PARAMS, "server": "db2.example.com"}
    client.patch(made["id"], fresh, {"op": "replace", "path": "/auth/params", "value": change})
    client.delete(made["id"])
    client.send("GET", at)


def connection_strings(client: Client) -> None:
    """Adobe's samples by connection string, with and without SSL."""
    plain = "Server=db.example.com;Database=shop;Port=5432;UID=reader;Password=c4n4ry-s3cret"
    secured = f"{plain};EncryptionMethod=1;ValidateServerCertificate=1"
    for number, text in enumerate((plain, secured)):
        body = {**by_string(text), "name": f"by connection string {number}"}
        made: Any = client.send("POST", "/connections", body).body
        client.delete(made["id"])


def aepp(client: Client) -> None:
    """Adobe's Python library: Content-Type everywhere, count=False beside limit, patches in capitals, all pages."""
    client.headers |= {"accept": "application/json", "content-type": "application/json"}
    ids = [client.create(f"bulk {number}")["id"] for number in range(105)]
    page: Any = client.send("GET", "/connections?limit=100&count=False").body
    while page["_links"]:
        token = page["_links"]["next"]["href"].split("=")[1]
        page = client.send("GET", f"/connections?continuationToken={token}&limit=100&count=False").body
    client.send("GET", "/connections?count=True")
    client.send("GET", f"/connections?property=connectionSpec.id=={POSTGRESQL}&limit=20")
    client.send("GET", "/connectionSpecs")
    etag = client.read(ids[0])["etag"]
    client.patch(ids[0], etag, {"op": "Replace", "path": "/name", "value": "renamed"})
    for connection_id in ids:
        client.delete(connection_id)


def drafts(client: Client) -> None:
    """The draft tutorial: make, complete, publish without a body, delete."""
    made: Any = client.send("POST", "/connections?mode=draft", connection("draft")).body
    client.send("POST", f"/connections/{made['id']}/action?op=publish")
    client.delete(made["id"])


def patient(client: Client) -> None:
    """Trouble met as it should be: waiting, a new token on 401, a look before creating again, a new etag on 412."""
    client.token()
    client.answered(429, "GET", "/connections", retry_after="2")
    client.wait(2.1)
    client.send("GET", "/connections")
    client.answered(401, "GET", "/connections")
    client.token()
    client.send("GET", "/connections")
    client.answered(503, "POST", "/connections", connection("orders"))
    client.wait(1)
    client.send("GET", "/connections?property=name==orders")
    made = client.create("orders")
    etag = client.read(made["id"])["etag"]
    client.another_writer(made["id"])
    assert client.patch(made["id"], etag).status == 412
    client.patch(made["id"], client.read(made["id"])["etag"])
    for _ in range(8):
        client.send("GET", f"/connections/{made['id']}")
        client.wait(5)
    client.delete(made["id"])


def dataflow(client: Client) -> None:
    """The dataflow tutorial: both ends, the flow spec by name, the flow, its run, and all of it deleted in order."""
    client.token()
    base = client.create("base of a flow")
    read: Any = client.send("POST", "/sourceConnections", source(base["id"])).body
    write: Any = client.send("POST", "/targetConnections", target()).body
    client.send("GET", '/flowSpecs?property=name=="CRMToAEP"')
    body = {
        "name": "orders to the lake",
        "flowSpec": {"id": CRM_TO_AEP, "version": "1.0"},
        "sourceConnectionIds": [read["id"]],
        "targetConnectionIds": [write["id"]],
        "transformations": [COPY, MAPPING],
        "scheduleParams": {"startTime": str(client.seconds()), "frequency": "minute", "interval": "15"},
    }
    flow: Any = client.send("POST", "/flows", body).body
    at = f"/flows/{flow['id']}"
    shown: Any = client.send("GET", at).body
    change = [{"op": "replace", "path": "/scheduleParams/interval", "value": "30"}]
    client.send("PATCH", at, change, if_match=shown["items"][0]["etag"])
    client.wait(60)
    client.send("GET", f"/runs?property=flowId=={flow['id']}")
    for op in ("disable", "enable"):
        assert client.send("POST", f"{at}/action?op={op}").status == 200
    for path in (at, f"/sourceConnections/{read['id']}", f"/targetConnections/{write['id']}"):
        assert client.send("DELETE", path).status == 204
    client.delete(base["id"])


GOOD: tuple[Callable[[Client], None], ...] = (tutorial, connection_strings, aepp, drafts, patient, dataflow)
