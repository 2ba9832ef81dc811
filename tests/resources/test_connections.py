"""Tests of base connections, against the documented responses."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.runtime import SEEDED_START_MS
from tests.calls import BASIC_PARAMS, POSTGRESQL, by_string, connection, made, refused, send

ETAG = re.compile(r'"[0-9a-f]{8}-0000-0200-0000-[0-9a-f]{8}0000"')
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

_STRING = "Server={SERVER};Database={DATABASE};Port={PORT};UID={USERNAME};Password={PASSWORD}"
_PLACEHOLDERS = {
    "server": "{SERVER}",
    "port": "{PORT}",
    "database": "{DATABASE}",
    "username": "{USERNAME}",
    "password": "{PASSWORD}",
    "sslMode": "{SSL_MODE}",
}
DOCUMENTED = {
    "connection string": by_string(_STRING),
    "connection string with SSL": by_string(_STRING + ";EncryptionMethod=1;ValidateServerCertificate=1"),
    "basic": connection(auth={"specName": "Basic Authentication", "params": _PLACEHOLDERS}),
}


@pytest.mark.parametrize("body", DOCUMENTED.values(), ids=DOCUMENTED.keys())
def test_adobes_documented_requests_are_created_and_can_be_used(emulator: Emulator, body: Any) -> None:
    result = send(emulator, "POST", "/connections", body)
    assert result.status == 201
    receipt: Any = result.body
    assert list(receipt) == ["id", "etag"] and UUID.fullmatch(receipt["id"]) and ETAG.fullmatch(receipt["etag"])
    headers = dict(result.headers)
    path = f"/connections/{receipt['id']}"
    assert headers["ETag"] == receipt["etag"] and headers["Location"].endswith(path)
    assert send(emulator, "GET", path).status == 200
    assert send(emulator, "GET", f"{path}/test").body == {"result": True}
    assert send(emulator, "GET", f"{path}/explore?objectType=root").status == 200
    assert send(emulator, "DELETE", path).status == 204
    assert refused(send(emulator, "GET", path))[:2] == (404, "1439-404")


def test_a_stored_connection_has_the_documented_members_in_their_order(emulator: Emulator) -> None:
    receipt = made(emulator)
    body: Any = send(emulator, "GET", f"/connections/{receipt['id']}").body
    (item,) = body["items"]
    assert list(item) == [  # order of the official document and its samples (facts §6.4)
        *("id", "createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient"),
        *("sandboxId", "sandboxName", "imsOrgId", "name", "description", "connectionSpec", "state", "auth"),
        *("version", "etag"),
    ]
    assert item["etag"] == item["version"] == receipt["etag"]
    assert item["createdAt"] == item["updatedAt"] == SEEDED_START_MS
    assert item["etag"].endswith(f'{item["updatedAt"] // 1000:08x}0000"')
    assert item["createdBy"].endswith("@AdobeID") and item["createdClient"] == "acme-client"
    assert (item["sandboxName"], item["imsOrgId"]) == ("prod", "5C1328435BF324E90A49402A@AdobeOrg")
    assert (item["state"], item["connectionSpec"]) == ("enabled", {"id": POSTGRESQL, "version": "1.0"})
    assert item["auth"]["params"] == {**BASIC_PARAMS, "password": "********"}


def test_what_is_shown_follows_the_record_and_the_quirk(emulator: Emulator) -> None:
    path = f"/connections/{made(emulator)['id']}"

    def shown(member: str) -> list[Any]:
        bodies: list[Any] = [send(emulator, "GET", asked).body for asked in (path, "/connections")]
        items = [body["items"][0] for body in bodies]
        return [item["auth"]["params"]["password"] if member == "password" else item[member] for item in items]

    for value, password in (("mask", "********"), ("show", BASIC_PARAMS["password"]), ("mask", "********")):
        emulator.quirks.update({"secrets": value})
        assert shown("password") == [password] * 2
    state = emulator.export(credentials=True)
    emulator.restore({**state, "records": [{**row, "doc": {**row["doc"], "name": "x"}} for row in state["records"]]})
    assert shown("name") == ["x"] * 2  # with its former etag


def _with(member: str, value: Any) -> dict[str, Any]:
    """The valid body with one member replaced (`...` removes it); dots separate levels."""
    body: Any = connection()
    *outer, last = member.split(".")
    place = body
    for name in outer:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return body  # type: ignore[no-any-return]


# (what is wrong, body, code, pointer). 1413, 1415, 1405: documented rows of the catalogue;
# 1100 for schema trouble: assumed, the catalogue has no other code for it
REFUSED_BODIES: list[tuple[str, Any, str, str | None]] = [
    (
        "unknown spec",
        _with("connectionSpec.id", "00000000-0000-0000-0000-000000000000"),
        "1413-400",
        "/connectionSpec/id",
    ),
    ("spec id upper case", _with("connectionSpec.id", POSTGRESQL.upper()), "1413-400", "/connectionSpec/id"),
    ("unknown auth spec", _with("auth.specName", "OAuth2 Refresh Code"), "1415-400", "/auth/specName"),
    ("no connectionSpec", _with("connectionSpec", ...), "1100-400", "/connectionSpec"),
    ("no spec id", _with("connectionSpec.id", ...), "1100-400", "/connectionSpec/id"),
    ("spec as text", _with("connectionSpec", POSTGRESQL), "1100-400", "/connectionSpec"),
    ("spec id a number", _with("connectionSpec.id", 7), "1100-400", "/connectionSpec/id"),
    ("unknown version", _with("connectionSpec.version", "9.9"), "1100-400", "/connectionSpec/version"),
    ("no name", _with("name", ...), "1100-400", "/name"),
    ("name a number", _with("name", 7), "1100-400", "/name"),
    ("name null", _with("name", None), "1100-400", "/name"),
    ("name empty", _with("name", ""), "1100-400", "/name"),
    ("description a list", _with("description", ["x"]), "1100-400", "/description"),
    ("no auth", _with("auth", ...), "1100-400", "/auth"),
    ("auth a text", _with("auth", "Basic"), "1100-400", "/auth"),
    ("no specName", _with("auth.specName", ...), "1100-400", "/auth/specName"),
    ("no params", _with("auth.params", ...), "1100-400", "/auth/params"),
    ("params a list", _with("auth.params", []), "1100-400", "/auth/params"),
    ("no password", _with("auth.params.password", ...), "1100-400", "/auth/params/password"),
    ("port a number", _with("auth.params.port", 5432), "1100-400", "/auth/params/port"),
    ("unknown param", _with("auth.params.passwd", "c4n4ry-s3cret"), "1100-400", "/auth/params/passwd"),
    ("bad sslMode", _with("auth.params.sslMode", "c4n4ry-s3cret"), "1100-400", "/auth/params/sslMode"),
    ("bad state", _with("state", "paused"), "1456-400", "/state"),
    ("null", None, "1405-400", None),
    ("empty object", {}, "1100-400", "/connectionSpec"),
    ("an array", [connection()], "1100-400", ""),
    ("a text", "connection", "1100-400", ""),
]


@pytest.mark.parametrize(
    ("body", "code", "pointer"), [case[1:] for case in REFUSED_BODIES], ids=[case[0] for case in REFUSED_BODIES]
)
def test_a_wrong_connection_is_refused_by_code_and_pointer_and_leaves_nothing(
    emulator: Emulator, body: Any, code: str, pointer: str | None
) -> None:
    result = send(emulator, "POST", "/connections", raw=json.dumps(body).encode())
    assert refused(result) == (400, code, pointer)
    assert "c4n4ry" not in json.dumps(result.body)
    assert send(emulator, "GET", "/connections?count=true").body == {"count": 0}


# the connection string is parsed like ODBC's: inferred, the page shows only the pattern
@pytest.mark.parametrize(
    "text",
    [
        "server=h;database=d;port=5432;uid=u;password=p;",
        "PASSWORD=p;UID=u;Database=d;Server=h",
        "Server=h;Database=d;UID=u;Password={a;b};Port=5432",
        " Server = h ; Database = d ; UID = u ; Password = p ",
        "Server=h;Database=d;UID=u;Password=p;EncryptionMethod=0",
        "Server=h;Database=d;UID=u;Password=p;EncryptionMethod=6;ValidateServerCertificate=0",
        "Server=h;Server=i;Database=d;UID=u;Password=p",
    ],
)
def test_a_connection_string_may_be_written_in_many_ways(emulator: Emulator, text: str) -> None:
    assert send(emulator, "POST", "/connections", by_string(text)).status == 201


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c4n4ry-s3cret",
        "Server=h;Database=d;UID=u",
        "Database=d;UID=u;Password=c4n4ry-s3cret",
        "Server=h;UID=u;Password=c4n4ry-s3cret",
        "Server=h;Database=d;Password=c4n4ry-s3cret",
        "Server=h;Database=d;UID=u;Password={c4n4ry-s3cret",
        "Server=h;Database=d;UID=u;Password=c4n4ry-s3cret;Port=many",
        "Server=h;Database=d;UID=u;Password=c4n4ry-s3cret;EncryptionMethod=2",
        "Server=h;Database=d;UID=u;Password=c4n4ry-s3cret;ValidateServerCertificate=yes",
    ],
)
def test_a_bad_connection_string_is_refused_without_repeating_it(emulator: Emulator, text: str) -> None:
    result = send(emulator, "POST", "/connections", by_string(text))
    assert refused(result)[:2] == (400, "1100-400")
    assert refused(result)[2].startswith("/auth/params/connectionString")
    assert "c4n4ry" not in json.dumps(result.body)


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[1]x",
        b'{"a":1}{"b":2}',
        b"\xff\xfe{}",
        b'{"a":NaN}',
        b'{"name":"x","name":"y"}',
        b"[" * 5000,
        b'"\\ud800"',
    ],
    ids=["cut", "garbage after", "two", "not utf-8", "NaN", "duplicate key", "deep", "surrogate"],
)
def test_a_body_that_is_not_one_json_document_is_refused(emulator: Emulator, raw: bytes) -> None:
    assert refused(send(emulator, "POST", "/connections", raw=raw))[:2] == (400, "1100-400")


def test_an_absent_body_has_its_own_code(emulator: Emulator) -> None:
    assert refused(send(emulator, "POST", "/connections"))[:2] == (400, "1405-400")


def test_a_body_over_the_limit_is_413() -> None:
    emulator = Emulator(Config(max_body=200))
    assert send(emulator, "POST", "/connections", connection()).status == 413


def test_aws_has_no_connection_strings() -> None:
    emulator = Emulator(Config(platform="aws"))
    assert refused(send(emulator, "POST", "/connections", by_string(_STRING)))[:2] == (400, "1415-400")
    assert made(emulator, _with("auth.params.sslMode", "false"))


def test_members_nobody_knows_are_dropped_or_refused_in_strict_mode(emulator: Emulator) -> None:
    body = connection(owner="shop")
    shown: Any = send(emulator, "GET", f"/connections/{made(emulator, body)['id']}").body
    assert "owner" not in shown["items"][0]
    strict = Emulator(Config(strict=True))
    mine = {"authorization": f"Bearer {strict.tokens.issue()[0]}"}
    result = send(strict, "POST", "/connections", body, headers=mine)
    assert refused(result) == (400, "1100-400", "/owner")


def test_a_draft_is_created_incomplete_and_published_when_complete(emulator: Emulator) -> None:
    receipt = made(emulator, {"name": "later", "connectionSpec": {"id": POSTGRESQL}}, "/connections?mode=draft")
    path = f"/connections/{receipt['id']}"
    shown: Any = send(emulator, "GET", path).body
    assert shown["items"][0]["state"] == "draft"
    assert send(emulator, "GET", f"{path}/test").body == {"result": False}
    assert refused(send(emulator, "POST", f"{path}/action?op=publish"))[:2] == (400, "1100-400")
    patch = [{"op": "add", "path": "/auth", "value": connection()["auth"]}]
    assert send(emulator, "PATCH", path, patch, headers={"if-match": receipt["etag"]}).status == 200
    published: Any = send(emulator, "POST", f"{path}/action?op=publish")
    assert published.status == 200 and list(published.body) == ["id", "etag"]
    shown = send(emulator, "GET", path).body
    assert shown["items"][0]["state"] == "enabled"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "2119-400"),
        ("?op=fly", "1452-400"),
        ("?op=publish", "1422-400"),
        ("?op=PUBLISH&subOp=sideways", "1435-400"),
        ("?op=FINALIZE", "1402-400"),
        ("?op=finalize-update", "1402-400"),
    ],
)
def test_an_action_that_does_not_fit_is_refused(emulator: Emulator, query: str, code: str) -> None:
    path = f"/connections/{made(emulator)['id']}/action{query}"
    assert refused(send(emulator, "POST", path))[:2] == (400, code)


def test_a_base_connection_used_by_a_flow_cannot_be_deleted(emulator: Emulator) -> None:
    receipt = made(emulator)
    flow = {
        "id": "2edc08ac-4df5-4fe6-936f-81a19ce92f5c",
        "updatedAt": 1,
        "inheritedAttributes": {"sourceConnections": [{"baseConnection": {"id": receipt["id"]}}]},
    }
    tenant = ("5C1328435BF324E90A49402A@AdobeOrg", "prod")
    from mockserver.exchange import Tenant

    emulator.world.store.insert(Tenant(*tenant), "flows", flow)
    assert refused(send(emulator, "DELETE", f"/connections/{receipt['id']}"))[:2] == (400, "1418-400")


def test_another_tenants_connection_answers_like_an_absent_one(emulator: Emulator) -> None:
    path = f"/connections/{made(emulator)['id']}"
    for header, value in (("x-sandbox-name", "dev"), ("x-gw-ims-org-id", "OTHER@AdobeOrg")):
        foreign = send(emulator, "GET", path, headers={header: value})
        assert refused(foreign)[:2] == (404, "1439-404")
        absent = send(emulator, "GET", "/connections/" + "0" * 36, headers={header: value})
        assert json.dumps(foreign.body).replace(path[13:], "") == json.dumps(absent.body).replace("0" * 36, "")
        assert send(emulator, "GET", "/connections?count=true", headers={header: value}).body == {"count": 0}


@pytest.mark.parametrize("path", ["/connections/", "/connections/{id}/", "/connections/{id}/test/"])
def test_a_trailing_slash_makes_no_difference(emulator: Emulator, path: str) -> None:
    full = path.replace("{id}", made(emulator)["id"])
    assert send(emulator, "GET", full).body == send(emulator, "GET", full.rstrip("/")).body


@pytest.mark.parametrize("path", ["/", "/nowhere", "/connections/a/b", "/connections//test", "/connections/a/test/b"])
def test_an_unknown_path_is_a_json_404(emulator: Emulator, path: str) -> None:
    result = send(emulator, "GET", path)
    body: Any = result.body
    assert (result.status, body["type"], body["title"]) == (404, "about:blank", "Resource not found")  # assumed


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/connections", "GET, HEAD, POST"),
        ("DELETE", "/connections", "GET, HEAD, POST"),
        ("PUT", "/connections/{id}", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/connections/search", "POST"),
        ("OPTIONS", "/connections", "GET, HEAD, POST"),
        ("HEAD", "/connections/search", "POST"),
    ],
)
def test_a_wrong_method_is_a_405_with_allow(emulator: Emulator, method: str, path: str, allow: str) -> None:
    result = send(emulator, method, path.replace("{id}", made(emulator)["id"]))
    assert (result.status, dict(result.headers)["Allow"]) == (405, allow)  # assumed: HTTP's own rule


def test_a_seed_makes_two_servers_say_the_same() -> None:
    first, second = (
        [send(Emulator(Config(seed=42)), "POST", "/connections", connection()).body for _ in range(1)] for _ in range(2)
    )
    assert first == second
    emulator = Emulator(Config(seed=42))
    before = made(emulator)
    emulator.reset()
    assert made(emulator) == before


# documented: GET of an HTTP API connection shows three members that the client did not send
def test_a_streaming_connection_shows_the_inlet_that_the_service_gave_it(emulator: Emulator) -> None:
    spec = {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "version": "1.0"}
    auth = {"specName": "Streaming Connection", "params": {"dataType": "xdm"}}
    receipts = [made(emulator, {"name": name, "connectionSpec": spec, "auth": auth}) for name in ("a", "b")]
    first, second = (_params(emulator, receipt["id"]) for receipt in receipts)
    assert re.fullmatch("[0-9a-f]{64}", first["inletId"]) and first["inletId"] != second["inletId"]
    assert first["inletUrl"] == f"https://dcs.adobedc.net/collection/{first['inletId']}"
    assert (first["dataType"], first["authenticationRequired"]) == ("xdm", False)
    assert (second["sourceId"], second["name"]) == ("b", "b")
    patch = [{"op": "replace", "path": "/auth/params", "value": {**first, "dataType": "raw"}}]
    headers = {"if-match": receipts[0]["etag"]}
    assert send(emulator, "PATCH", f"/connections/{receipts[0]['id']}", patch, headers=headers).status == 200
    assert _params(emulator, receipts[0]["id"]) == {**first, "dataType": "raw"}


def _params(emulator: Emulator, connection_id: str) -> dict[str, Any]:
    body: Any = send(emulator, "GET", f"/connections/{connection_id}").body
    params: dict[str, Any] = body["items"][0]["auth"]["params"]
    return params
