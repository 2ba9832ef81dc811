"""Correct clients, in the style of well-known public ones."""

from __future__ import annotations

from typing import Any

from contracts.clients import Service, Stopped, good
from contracts.clients.bodies import PASSWORD, STRING, by_string, connection, flow, message, source, streaming, target
from contracts.stage.kinds import POSTGRESQL, basic_params


@good
def tutorial(service: Service) -> None:
    """Adobe's curl tutorial: create, look up, test, explore, rename, delete, confirm."""
    service.token()
    at = f"/connections/{service.create()}"
    etag = service.read(at)["etag"]
    service.get(f"{at}/test")
    service.get(f"{at}/explore?objectType=root")
    service.patch(at, etag, {"op": "replace", "path": "/description", "value": "new"})
    params = {**basic_params(PASSWORD), "server": "db2.example.com"}
    service.patch(at, service.read(at)["etag"], {"op": "replace", "path": "/auth/params", "value": params})
    service.delete(at)
    service.get(at)


@good
def connection_strings(service: Service) -> None:
    """Adobe's samples by connection string, with and without SSL."""
    for name, text in (("plain", STRING), ("secured", f"{STRING};EncryptionMethod=1;ValidateServerCertificate=1")):
        service.delete(f"/connections/{service.create(by_string(text, name))}")


@good
def library(service: Service) -> None:
    """Like aepp: Content-Type everywhere, count=False with limit, patch operations in capitals."""
    service.headers |= {"Accept": "application/json", "Content-Type": "application/json"}
    made = [f"/connections/{service.create(connection(f'bulk {number}'))}" for number in range(105)]
    page = service.get("/connections?limit=100&count=False").json
    while page["_links"]:
        token = page["_links"]["next"]["href"].split("=")[1]
        page = service.get(f"/connections?continuationToken={token}&limit=100&count=False").json
    service.get("/connections?count=True")
    service.get(f"/connections?property=connectionSpec.id=={POSTGRESQL}&limit=20")
    service.get("/connectionSpecs")
    service.patch(made[0], service.read(made[0])["etag"], {"op": "Replace", "path": "/name", "value": "renamed"})
    service.delete(*made)


@good
def drafts(service: Service) -> None:
    """The draft tutorial: create, publish without a body, delete."""
    at = f"/connections/{service.create(path='/connections?mode=draft')}"
    service.post(f"{at}/action?op=publish")
    service.delete(at)


@good
def patient(service: Service) -> None:
    """Handles failures: waits, renews its token, checks before creating again, reads again on 412."""
    service.token()
    service.get("/connections", x_mock_fault="rate-limit=2")
    service.wait(2.1)
    service.get("/connections", x_mock_fault="token-expired")
    service.token()
    service.get("/connections")
    service.post("/connections", connection(), x_mock_fault="unavailable")
    service.wait(1)
    service.get("/connections?property=name==orders")
    at = f"/connections/{service.create()}"
    service.patch(at, service.read(at)["etag"], x_mock_fault="stale-etag")
    service.patch(at, service.read(at)["etag"])
    for _ in range(8):
        service.get(at)
        service.wait(5)
    service.delete(at)


@good
def two_sandboxes(service: Service) -> None:
    """Does the same in two sandboxes, step by step."""
    sandboxes: tuple[dict[str, Any], ...] = ({}, {"x_sandbox_name": "dev"})
    made = [service.post("/connections", connection(), **sandbox).json for sandbox in sandboxes]
    change = [{"op": "replace", "path": "/description", "value": "the same in both"}]
    for one, sandbox in zip(made, sandboxes, strict=True):
        service.send("PATCH", f"/connections/{one['id']}", change, if_match=one["etag"], **sandbox)
    for _ in range(4):
        for sandbox in sandboxes:
            service.get("/connections", **sandbox)
    for one, sandbox in zip(made, sandboxes, strict=True):
        service.send("DELETE", f"/connections/{one['id']}", **sandbox)


@good
def dataflow(service: Service) -> None:
    """The dataflow tutorial: both connections, the flow, its run, and deletion in order."""
    service.token()
    base = service.create(connection("base of a flow"))
    read = service.create(source(base), "/sourceConnections")
    write = service.create(target(), "/targetConnections")
    service.get('/flowSpecs?property=name=="CRMToAEP"')
    made = service.create(flow(read, write, service.now()), "/flows")
    at = f"/flows/{made}"
    etag = service.read(at)["etag"]
    service.patch(at, etag, {"op": "replace", "path": "/scheduleParams/interval", "value": "30"})
    service.wait(60)
    service.get(f"/runs?property=flowId=={made}")
    service.post(f"{at}/action?op=disable")
    service.post(f"{at}/action?op=enable")
    service.delete(at, f"/sourceConnections/{read}", f"/targetConnections/{write}", f"/connections/{base}")


@good
def data_sets(service: Service) -> None:
    """The pages of Catalog and Schema Registry: updates without If-Match, a deletion and its confirmation."""
    service.token()
    schemas = "/data/foundation/schemaregistry/tenant/schemas"
    record = {"$ref": "https://ns.adobe.com/xdm/context/profile"}
    made = service.post(schemas, {"type": "object", "title": "Orders", "allOf": [record]}).json
    more = {
        "op": "add",
        "path": "/allOf/-",
        "value": {"$ref": "https://ns.adobe.com/xdm/context/profile-personal-details"},
    }
    service.send("PATCH", f"{schemas}/{made['meta:altId']}", [more])
    form = {"id": made["$id"], "contentType": "application/vnd.adobe.xed-full+json;version=1"}
    mapping = {"outputSchema": {"schemaRef": form}, "mappings": [{"source": "id", "destination": "_id"}]}
    for _ in range(2):  # needs no pause, since it changes nothing
        service.post("/data/foundation/conversion/mappingSets/validate", mapping)
    sets = "/data/foundation/catalog/dataSets"
    old, new = (
        f"{sets}/{service.post(sets, {'name': name, 'schemaRef': form}).json[0].rpartition('/')[2]}"
        for name in ("orders of 2025", "orders of 2026")
    )
    service.send("PATCH", new, {"description": "All orders"})
    service.delete(old)
    service.get(old)
    service.get(new)
    service.get("/data/foundation/sandbox-management/sandboxes/prod")
    service.delete(new)


@good
def given_token(service: Service) -> None:
    """Cannot renew its token and stops at any response that is not 200."""
    for path in ("/connections", "/connectionSpecs", "/flowSpecs"):
        answer = service.get(path)
        if answer.status != 200:
            raise Stopped(f"{answer}")


@good
def sender(service: Service) -> None:
    """The HTTP API tutorial: create an inlet, and send events without gateway headers."""
    at = f"/connections/{service.create(streaming())}"
    inlet = service.read(at)["auth"]["params"]["inletId"]
    nobody = dict.fromkeys(("Authorization", "x_api_key", "x_gw_ims_org_id", "x_sandbox_name"))
    for path, body in ((inlet, message()), (f"batch/{inlet}", {"messages": [message(), message()]})):
        if service.post(f"/collection/{path}", body, **nobody).status >= 300:
            raise Stopped("an inlet that refuses messages")
    service.delete(at)
