"""Tests of source connections: their base connection, their source, and when they cannot be deleted."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import Emulator
from mockserver.exchange import Tenant
from tests.calls import HTTP_API, LANDING_ZONE, POSTGRESQL, connection, made, refused, send, source

COLLECTION = "/sourceConnections"
UNKNOWN = "0" * 8 + "-0000-4000-8000-" + "0" * 12
SFTP = "b7bf2577-4520-42c9-bae9-cad01560f7bc"
TENANT = Tenant("5C1328435BF324E90A49402A@AdobeOrg", "prod")


def shown(emulator: Emulator, entity_id: str) -> Any:
    body: Any = send(emulator, "GET", f"{COLLECTION}/{entity_id}").body
    return body["items"][0]


@pytest.fixture
def base(emulator: Emulator) -> str:
    return made(emulator)["id"]


@pytest.fixture
def stored(emulator: Emulator, base: str) -> dict[str, str]:
    return made(emulator, source(base), COLLECTION)


def test_a_stored_source_connection_has_the_documented_members_in_their_order(
    emulator: Emulator, base: str, stored: Any
) -> None:
    item = shown(emulator, stored["id"])
    assert list(item) == [  # order of the official document (facts §6.4)
        *("id", "createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient"),
        *("sandboxId", "sandboxName", "imsOrgId", "name", "description", "baseConnectionId", "state", "data"),
        *("connectionSpec", "params", "version", "etag", "inheritedAttributes", "providerRefId"),
    ]
    spec = {"id": POSTGRESQL, "version": "1.0"}
    assert item["inheritedAttributes"] == {"baseConnection": {"id": base, "connectionSpec": spec}}
    assert (item["state"], item["connectionSpec"]) == ("enabled", spec)
    assert (
        item["providerRefId"] == "0ed90a81-07f4-4586-8190-b40eccef1c5a"
    )  # the document's example: the spec's provider
    assert item["etag"] == item["version"] == stored["etag"]


def test_params_come_back_as_sent(emulator: Emulator, base: str) -> None:
    params = {
        "tableName": "public.customers",
        "columns": [{"name": "id", "type": "integer"}],
        "cdcEnabled": None,
        "x": "1",
    }
    entity_id = made(emulator, source(base, params=params), COLLECTION)["id"]
    assert shown(emulator, entity_id)["params"] == params


# (what, changes to a valid body, `...` omits one). All are requests of tutorials or public clients
ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("no columns, as the filter tutorial sends it", {"params": {"tableName": "test1.Mytable"}}),
    ("the format of older tutorials", {"data": {"format": "parquet_xdm"}}),
    ("no version: the newest", {"connectionSpec": {"id": POSTGRESQL}}),
    ("a member the client aepp adds", {"providerId": "521eee4d-8cbe-4906-bb48-fb6bd4450033"}),
    (
        "the landing zone has no base connection",
        {"baseConnectionId": ..., "data": {"format": "delimited"}, "connectionSpec": {"id": LANDING_ZONE}},
    ),
]


@pytest.mark.parametrize("changes", [case[1] for case in ACCEPTED], ids=[case[0] for case in ACCEPTED])
def test_what_clients_send_is_taken(emulator: Emulator, base: str, changes: dict[str, Any]) -> None:
    result = send(emulator, "POST", COLLECTION, source(base, **changes))
    assert result.status == 201, result.body
    assert dict(result.headers)["Location"].endswith(f"/flowservice{COLLECTION}/{result.body['id']}")  # type: ignore[index,call-overload]


def test_a_stream_needs_no_data(emulator: Emulator) -> None:
    """Documented: the HTTP API tutorial sends neither data nor params."""
    auth = {
        "specName": "Streaming Connection",
        "params": {"sourceId": "s", "dataType": "xdm", "name": "s", "authenticationRequired": False},
    }
    body = connection(auth=auth, connectionSpec={"id": HTTP_API, "version": "1.0"})
    base_id = made(emulator, body)["id"]
    sent = {"name": "s", "baseConnectionId": base_id, "connectionSpec": {"id": HTTP_API, "version": "1.0"}}
    assert send(emulator, "POST", COLLECTION, sent).status == 201


# (what, changes, code, pointer). 1413 and 1405: documented rows of the catalogue; 1100 where it has none: assumed
REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("unknown spec", {"connectionSpec": {"id": UNKNOWN}}, "1413-400", "/connectionSpec/id"),
    ("no spec", {"connectionSpec": ...}, "1100-400", "/connectionSpec"),
    ("other version", {"connectionSpec": {"id": POSTGRESQL, "version": "9"}}, "1100-400", "/connectionSpec/version"),
    ("no name", {"name": ...}, "1100-400", "/name"),
    ("empty name", {"name": ""}, "1100-400", "/name"),
    ("no base connection", {"baseConnectionId": ...}, "1100-400", "/baseConnectionId"),
    ("unknown base connection", {"baseConnectionId": UNKNOWN}, "1100-400", "/baseConnectionId"),
    ("base connection a number", {"baseConnectionId": 7}, "1100-400", "/baseConnectionId"),
    ("base connection of another spec", {"connectionSpec": {"id": SFTP}}, "1100-400", "/connectionSpec/id"),
    ("no data", {"data": ...}, "1100-400", "/data/format"),
    ("format of files", {"data": {"format": "delimited"}}, "1100-400", "/data/format"),
    ("data a text", {"data": "tabular"}, "1100-400", "/data"),
    ("params a list", {"params": []}, "1100-400", "/params"),
]


@pytest.mark.parametrize(
    ("changes", "code", "pointer"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_wrong_source_connection_is_refused_and_leaves_nothing(
    emulator: Emulator, base: str, changes: dict[str, Any], code: str, pointer: str
) -> None:
    assert refused(send(emulator, "POST", COLLECTION, source(base, **changes))) == (400, code, pointer)
    assert send(emulator, "GET", f"{COLLECTION}?count=true").body == {"count": 0}


def test_files_have_formats_of_files(emulator: Emulator) -> None:
    for form, status in (("delimited", 201), ("json", 201), ("parquet", 201), ("tabular", 400), ("CSV", 400)):
        body = source("", baseConnectionId=..., data={"format": form}, connectionSpec={"id": LANDING_ZONE})
        assert send(emulator, "POST", COLLECTION, body).status == status, form


@pytest.mark.parametrize(
    ("spec", "form", "params", "pointer"),
    [
        (POSTGRESQL, "tabular", ..., "/params/tableName"),
        (POSTGRESQL, "tabular", {"table_name": "public.orders"}, "/params/tableName"),
        (POSTGRESQL, "tabular", {"tableName": ""}, "/params/tableName"),
        (LANDING_ZONE, "delimited", {"file": "/shop/orders.csv"}, "/params/path"),
    ],
)
def test_a_source_connection_names_what_is_read(
    emulator: Emulator, base: str, spec: str, form: str, params: Any, pointer: str
) -> None:
    """Documented: `sourceSpec` requires the param. Without it, every run would succeed without rows."""
    body = source(base, data={"format": form}, connectionSpec={"id": spec, "version": "1.0"}, params=params)
    if spec == LANDING_ZONE:
        del body["baseConnectionId"]
    assert refused(send(emulator, "POST", COLLECTION, body)) == (400, "1100-400", pointer)


def test_a_base_connection_of_another_sandbox_is_like_none(emulator: Emulator) -> None:
    elsewhere: Any = send(emulator, "POST", "/connections", connection(), headers={"x-sandbox-name": "dev"}).body
    result = send(emulator, "POST", COLLECTION, source(elsewhere["id"]))
    assert refused(result) == (400, "1100-400", "/baseConnectionId")


def test_a_missing_version_may_be_422(emulator: Emulator, base: str) -> None:
    emulator.quirks.choose("missing-version", "refuse")
    result = send(emulator, "POST", COLLECTION, source(base, connectionSpec={"id": POSTGRESQL}))
    assert (result.status, refused(result)[2]) == (422, "/connectionSpec/version")


def test_what_is_inherited_is_true_when_it_is_read(emulator: Emulator, base: str, stored: Any) -> None:
    assert send(emulator, "DELETE", f"/connections/{base}").status == 204  # no flow uses it
    assert shown(emulator, stored["id"])["inheritedAttributes"] == {}
    by_base = f"{COLLECTION}?property=inheritedAttributes.baseConnection.id=={base}&count=true"
    assert send(emulator, "GET", by_base).body == {"count": 0}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("property=baseConnectionId=={base}", True),
        ("property=inheritedAttributes.baseConnection.id=={base}", True),
        ("property=params.tableName==public.customers", True),  # documented: filters reach into params
        (f"property=connectionSpec.id=={POSTGRESQL}&property=state==enabled", True),
        ("property=baseConnectionId==other", False),
        ("property=inheritedAttributes.baseConnection.id==other", False),
    ],
)
def test_lists_are_filtered_and_always_have_links(
    emulator: Emulator, base: str, stored: Any, query: str, found: bool
) -> None:
    body: Any = send(emulator, "GET", f"{COLLECTION}?{query.format(base=base)}").body
    assert [item["id"] for item in body["items"]] == ([stored["id"]] if found else [])
    assert body["_links"] == {}  # aepp reads it without a default


def patch(emulator: Emulator, stored: dict[str, str], *instructions: Any) -> Any:
    headers = {"if-match": stored["etag"]}
    return send(emulator, "PATCH", f"{COLLECTION}/{stored['id']}", list(instructions), headers=headers)


def test_a_patch_answers_a_receipt_and_takes_the_name_with_it(emulator: Emulator, stored: Any) -> None:
    table = {"op": "Replace", "path": "/params/tableName", "value": "public.orders"}
    result = patch(emulator, stored, table, {"op": "add", "path": "/name", "value": "orders"})
    assert result.status == 200 and list(result.body) == ["id", "etag"]
    item = shown(emulator, stored["id"])
    assert (item["name"], item["params"]) == ("orders", {"tableName": "public.orders"})
    assert item["etag"] == result.body["etag"] != stored["etag"]


@pytest.mark.parametrize(
    ("instruction", "status", "code"),
    [
        ({"op": "replace", "path": "/connectionSpec/id", "value": SFTP}, 400, "1414-400"),
        ({"op": "replace", "path": "/state", "value": "disabled"}, 400, "1455-400"),
        ({"op": "replace", "path": "/baseConnectionId", "value": UNKNOWN}, 400, "1455-400"),
        ({"op": "remove", "path": "/name"}, 400, "1455-400"),
        ({"op": "replace", "path": "/data", "value": []}, 400, "1455-400"),
        ({"op": "replace", "path": "/data/format", "value": "json"}, 400, "1100-400"),
        ({"op": "replace", "path": "/inheritedAttributes", "value": {}}, 400, "1455-400"),
        ({"op": "move", "path": "/name", "value": "x"}, 400, "1434-400"),
    ],
)
def test_a_patch_that_cannot_be_is_refused(
    emulator: Emulator, stored: Any, instruction: Any, status: int, code: str
) -> None:
    assert refused(patch(emulator, stored, instruction))[:2] == (status, code)
    assert shown(emulator, stored["id"])["etag"] == stored["etag"]


def test_a_stale_etag_changes_nothing(emulator: Emulator, stored: Any) -> None:
    rename = {"op": "replace", "path": "/name", "value": "mine"}
    assert patch(emulator, stored, rename).status == 200
    assert refused(patch(emulator, stored, rename))[:2] == (412, "1404-412")


def test_a_draft_waits_for_its_base_connection(emulator: Emulator) -> None:
    """Documented: a source connection cannot be published before its base connection; the code is assumed."""
    base = made(emulator, path="/connections?mode=draft")["id"]
    draft = made(emulator, source(base, data=..., params=...), f"{COLLECTION}?mode=draft")
    action = f"{COLLECTION}/{draft['id']}/action?op=publish"
    assert shown(emulator, draft["id"])["state"] == "draft"
    assert refused(send(emulator, "POST", action)) == (400, "1422-400", "/baseConnectionId")
    assert refused(send(emulator, "POST", COLLECTION, source(base))) == (400, "1100-400", "/baseConnectionId")
    assert send(emulator, "POST", f"/connections/{base}/action?op=publish").status == 200
    assert refused(send(emulator, "POST", action)) == (400, "1100-400", "/data/format")
    whole = patch(emulator, draft, {"op": "add", "path": "/data", "value": {"format": "tabular"}})
    assert refused(send(emulator, "POST", action)) == (400, "1100-400", "/params/tableName")
    named = {"op": "add", "path": "/params", "value": {"tableName": "public.orders"}}
    assert whole.status == 200 and patch(emulator, whole.body, named).status == 200
    published: Any = send(emulator, "POST", action)
    assert published.status == 200 and list(published.body) == ["id", "etag"]
    assert shown(emulator, draft["id"])["state"] == "enabled"


def test_a_draft_may_get_its_base_connection_later(emulator: Emulator, base: str) -> None:
    draft = made(emulator, source(base, baseConnectionId=...), f"{COLLECTION}?mode=draft")
    to = {"op": "add", "path": "/baseConnectionId", "value": UNKNOWN}
    assert refused(patch(emulator, draft, to)) == (400, "1100-400", "/baseConnectionId")
    assert patch(emulator, draft, {**to, "value": base}).status == 200
    assert send(emulator, "POST", f"{COLLECTION}/{draft['id']}/action?op=PUBLISH").status == 200


@pytest.mark.parametrize(("query", "code"), [("", "2119-400"), ("?op=enable", "1452-400"), ("?op=publish", "1422-400")])
def test_an_action_that_does_not_fit_is_refused(emulator: Emulator, stored: Any, query: str, code: str) -> None:
    result = send(emulator, "POST", f"{COLLECTION}/{stored['id']}/action{query}")
    assert refused(result)[:2] == (400, code)


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        ("enabled", 400, "1447-400"),  # documented: active flows
        ("pending", 400, "1447-400"),
        ("disabled", 204, None),  # assumed: not an active flow
        ("draft", 204, None),  # assumed
    ],
)
def test_an_active_flow_keeps_its_source_connection(
    emulator: Emulator, stored: Any, state: str, status: int, code: str | None
) -> None:
    flow = {"id": UNKNOWN, "updatedAt": 1, "state": state, "sourceConnectionIds": [stored["id"]]}
    emulator.world.store.insert(TENANT, "flows", flow)
    result = send(emulator, "DELETE", f"{COLLECTION}/{stored['id']}")
    assert (result.status, result.error) == (status, code)


# transitional states (facts §5), which only an imported state has
@pytest.mark.parametrize("state", ["inProgress", "updating", "enabling", "disabling"])
def test_while_the_service_is_at_work_nothing_is_changed_or_deleted(emulator: Emulator, base: str, state: str) -> None:
    doc = {**emulator.world.store.get(TENANT, "connections", base), "id": UNKNOWN, "state": state}  # type: ignore[dict-item]
    stored = emulator.world.store.insert(TENANT, "sourceConnections", doc)
    assert refused(patch(emulator, {**stored}, {"op": "add", "path": "/name", "value": "x"}))[:2] == (400, "1420-400")
    assert refused(send(emulator, "DELETE", f"{COLLECTION}/{UNKNOWN}"))[:2] == (400, "1458-400")


def test_another_tenants_source_connection_answers_like_an_absent_one(emulator: Emulator, stored: Any) -> None:
    for method in ("GET", "DELETE"):
        result = send(emulator, method, f"{COLLECTION}/{stored['id']}", headers={"x-sandbox-name": "dev"})
        assert refused(result)[:2] == (404, "1439-404")
        report: Any = result.body
        assert report["report"]["type"] == "sourceConnections"


def test_a_deleted_source_connection_is_gone(emulator: Emulator, stored: Any) -> None:
    path = f"{COLLECTION}/{stored['id']}"
    assert [send(emulator, "DELETE", path).status for _ in range(2)] == [204, 404]
    assert send(emulator, "GET", path).status == 404
