"""Tests of secrets in seldom places: unknown members in exports, and segments of unknown paths in the log."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from mockserver import Config, Emulator, create_app
from mockserver.har import journaling
from tests.calls import HEADERS, connection, made, send
from tests.dataflows import MINUTE, flow, flowing
from tests.rows import each
from tests.security.canary import CANARY, leaks

SENT: dict[str, tuple[str, Any]] = {
    "encryption of a connection": ("connections", {"encryption": {"specName": "File", "passphrase": CANARY}}),
    "its params": ("connections", {"encryption": {"params": {"publicKey": "YQ==", "passPhrase": CANARY}}}),
    "data of a source": ("sourceConnections", {"data": {"format": "tabular", "password": CANARY}}),
    "params of a source": ("sourceConnections", {"params": {"tableName": "public.customers", "sas": CANARY}}),
    "data of a target": ("targetConnections", {"data": {"format": "parquet", "key": CANARY}}),
    "options of a flow": ("flows", {"options": {"partialIngestionPercent": 10, "token": CANARY}}),
    "policy of a flow": ("flows", {"policy": {"secret": CANARY}}),
    "schedule of a flow": ("flows", {"scheduleParams": {"startTime": 1, "frequency": "once", "apiKey": CANARY}}),
}


@each("case", SENT)
def test_a_masked_export_shows_no_unknown_member_of_what_a_client_sent(case: str) -> None:
    kind, members = SENT[case]
    emulator = Emulator(Config(seed=1))
    ends = {"sourceConnectionIds": [], "targetConnectionIds": []}
    spec = {"connectionSpec": connection()["connectionSpec"]}
    body = {
        "name": "kept",
        **(connection() if kind == "connections" else flow(emulator) | ends if kind == "flows" else spec),
    }
    receipt = made(emulator, {**body, **members}, f"/{kind}?mode=draft")
    (row,) = (row for row in emulator.export()["records"] if row["doc"]["id"] == receipt["id"])
    assert not leaks(json.dumps(row)) and leaks(json.dumps(emulator.export(credentials=True)))
    for name, value in members.items():
        shown = row["doc"][name]
        assert all(shown[key] == one for key, one in value.items() if key in ("specName", "format", "startTime"))


@pytest.mark.parametrize(
    "explored",
    [
        f"https://acc.blob.core.windows.net/c/f.csv?sv=1&sig={CANARY}",
        *(f"Server=db;Password={CANARY}", f"s3://reader:{CANARY}@bucket/f.csv", f'{{"key": "{CANARY}"}}'),
    ],
)
@pytest.mark.parametrize("kind", ["table", "file", "folder"])
def test_a_credential_in_an_explored_object_is_shown_nowhere(
    explored: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = create_app(Emulator(Config())).test_client()
    base = client.post("/connections", json=connection(), headers=HEADERS).json["id"]
    query = {"objectType": kind, "object": explored}
    answer = client.get(f"/connections/{base}/explore", query_string=query, headers=HEADERS)
    pages = [client.get(f"/_mock/{name}").text for name in ("journal", "report")]
    assert not any(map(leaks, [*pages, answer.text, caplog.text])) and answer.status_code == 400


@pytest.mark.parametrize("explored", ["public.customers", "Order Details", "[dbo].[Orders]", "/data/year=2026/a.csv"])
def test_an_ordinary_explored_object_is_shown(explored: str) -> None:
    client = create_app(Emulator(Config())).test_client()
    query = {"objectType": "table", "object": explored}
    client.get("/connections/x/explore", query_string=query, headers=HEADERS)
    (entry,) = client.get("/_mock/journal").json["entries"]
    assert parse_qs(entry["query"])["object"] == [explored]


NO_OPERATION = [
    ("GET", "/connections/x/{}", 404, "localhost"),
    ("GET", "/connections/00000000-0000-4000-8000-000000000000/{}/y", 404, "localhost"),
    ("GET", "/{}/connections", 404, "localhost"),
    ("GET", "/runs/a/b/{}", 404, "localhost"),
    ("PUT", "/connections/{}", 405, "localhost"),
    ("GET", "/collection/{}", 501, "localhost"),
    ("GET", "/data/foundation/catalog/batches/{}/x", 501, "localhost"),
    ("GET", "/connections/{}", 421, "example.com"),
]


@each("asked", NO_OPERATION)
def test_the_log_shows_no_more_of_an_unknown_path_than_the_journal(
    asked: tuple[str, str, int, str], caplog: pytest.LogCaptureFixture
) -> None:
    """An ID of such a path was hidden in the journal and shown in the log."""
    caplog.set_level(logging.INFO)
    caplog.clear()
    method, path, status, host = asked
    client = create_app(Emulator(Config())).test_client()
    secret = "zK7q054wX9m2"  # looks like one
    answer = client.open(path.format(secret), method=method, headers={**HEADERS, "host": host})
    assert answer.status_code == status
    (entry,) = client.get("/_mock/journal", headers={"host": "localhost"}).json["entries"]
    assert secret not in str(entry) and secret not in caplog.text and str(status) in caplog.text


@pytest.mark.parametrize("member", ["name", "description"])
@pytest.mark.parametrize("kind", ["connections", "sourceConnections", "targetConnections", "flows"])
def test_a_masked_export_shows_no_login_in_a_url_of_a_free_text(kind: str, member: str) -> None:
    emulator = Emulator(Config(seed=1))
    ends = {"sourceConnectionIds": [], "targetConnectionIds": []}
    sent = {"connections": connection(), "flows": flow(emulator) | ends}
    body = {"name": "kept", "connectionSpec": connection()["connectionSpec"]} if kind not in sent else sent[kind]
    receipt = made(emulator, {**body, member: f"see https://reader:{CANARY}@host/x"}, f"/{kind}?mode=draft")
    (row,) = (row for row in emulator.export()["records"] if row["doc"]["id"] == receipt["id"])
    assert not leaks(json.dumps(row)) and row["doc"][member].endswith("@host/x")


PATCHES: dict[str, list[dict[str, Any]]] = {
    "a param": [{"op": "add", "path": "/transformations/0/params/thing", "value": CANARY}],
    "params": [{"op": "add", "path": "/transformations/0/params/deep", "value": {"a": [CANARY]}}],
    "a transformation": [{"op": "add", "path": "/transformations/-", "value": {"name": "x", "params": {"k": CANARY}}}],
    "a URL": [{"op": "add", "path": "/transformations/0/params/url", "value": f"https://reader:{CANARY}@host/x"}],
    "an unknown member of an instruction": [{"op": "add", "path": "/labels", "value": ["a"], "note": CANARY}],
    "a value that is removed": [{"op": "remove", "path": "/transformations/0", "value": CANARY}],
    "an option": [{"op": "add", "path": "/options", "value": {"token": CANARY}}],
}


@each("size", [1, 9_000, 66_000, 520_000])
def test_a_masked_export_shows_no_unknown_value_of_a_patch(size: int) -> None:
    """`lastOperation` of a flow repeats its last patch, unless that was large."""
    for case, patch in PATCHES.items():
        emulator = Emulator(Config(seed=1))
        body = {**flow(emulator), "sourceConnectionIds": [], "targetConnectionIds": []}
        receipt = made(emulator, body, "/flows?mode=draft")
        padded = [*patch, {"op": "add", "path": "/name", "value": "n" * size}]
        path, headers = f"/flows/{receipt['id']}", {"if-match": receipt["etag"]}
        assert send(emulator, "PATCH", path, padded, headers=headers).status == 200, case
        export = emulator.export()
        assert not leaks(json.dumps(export)), case
        (row,) = (row for row in export["records"] if row["doc"]["id"] == receipt["id"])
        assert [one["path"] for one in row["doc"]["lastOperation"]["ops"]] == [one["path"] for one in padded], case
        assert row["doc"]["name"] == "n" * size
        Emulator(Config(seed=1)).restore(export)
        if case == "a URL":
            assert not leaks(send(emulator, "GET", path).encoded.decode() + str(send(emulator, "GET", "/flows").body))


REPORTS: dict[str, dict[str, Any]] = {
    "an unknown member": {"secret": CANARY},
    "an unknown metric": {"metrics": {"statusSummary": {"status": "success"}, "key": CANARY}},
    "a param": {"params": {"token": CANARY}},
    "an activity": {"activities": [{"id": "a", "name": "b", "updatedAtUTC": 1, "password": CANARY}]},
    "a predecessor": {"predecessors": [{"flowSpec": {"id": "x", "key": CANARY}}]},
}


@each("case", REPORTS)
def test_a_masked_export_shows_no_unknown_value_of_a_reported_run(case: str) -> None:
    provider = Emulator(Config(seed=1, service_clients=("provider",)))
    flowing(provider)
    provider.runtime.clock.advance(MINUTE)
    listed: Any = send(provider, "GET", "/runs").body
    run = listed["items"][0]
    headers = {"x-api-key": "provider", "if-match": run["etag"]}
    assert send(provider, "PUT", f"/runs/{run['id']}", REPORTS[case], headers=headers).status == 200
    export = provider.export()
    assert not leaks(json.dumps(export))
    Emulator(Config(seed=1)).restore(export)


FILTERS = [
    "name==x,auth.params.password=={}",
    "name==x||auth.params.password!={}",
    "name==x and auth.params.password={}",
    "name==x and auth.params.password eq {}",
    "description==x auth.params.password~{}",
    "name==x,auth.password:{}",
    "params.tableName==t and auth.params.connectionString like {}",
    "name==x,auth.params.password=={},name==y",
    "name==x;auth.params.password==y,name=={}",
    "name==x,state==enabled and auth.params.password eq {}",
    ",name==x" * 12 + ",auth.params.password=={}",
]


@each("asked", FILTERS)
def test_a_condition_in_the_value_of_a_filter_is_hidden(asked: str) -> None:
    """What follows the first operator is its value, whatever form of filters the client had in mind."""
    client = create_app(Emulator(Config())).test_client()
    client.get("/connections", query_string={"property": asked.format(CANARY)}, headers=HEADERS)
    pages = [client.get(f"/_mock/{name}").text for name in ("journal", "report", "report?format=html")]
    assert not any(map(leaks, pages))


SHOWN = [
    *("name==Orders 2.1 of May", "description==/in/data.csv", "name==see auth.md", "name==a, b: c"),
    *("name==orders,state==enabled", "name==orders and version>=2"),
]


@each("asked", SHOWN)
def test_the_value_of_a_filter_is_shown(asked: str) -> None:
    client = create_app(Emulator(Config())).test_client()
    client.get("/connections", query_string={"property": asked}, headers=HEADERS)
    (entry,) = client.get("/_mock/journal").json["entries"]
    assert parse_qs(entry["query"])["property"] == [asked]


REFUSALS = {
    "type": f"https://errors.example.com/x?sig={CANARY}",
    "title": f"Invalid password={CANARY}",
    "error": f"invalid_token: '{CANARY}'",
    "error_code": f"E=({CANARY})",
}


@each("member", REFUSALS)
def test_no_member_of_an_error_of_another_server_shows_more_than_words(member: str, tmp_path: Path) -> None:
    emulator = Emulator(Config())
    shown = {"type": "https://errors.example.com/x", "title": "Invalid request", "status": 400} | {"error_code": "E1"}
    answers = [{**shown, member: REFUSALS[member]}, shown]
    request = {"method": "GET", "url": "https://platform.adobe.io/data/foundation/flowservice/connections"}
    entries = [
        {
            "startedDateTime": "2026-01-01T00:00:00Z",
            "request": {**request, "headers": [{"name": name, "value": value} for name, value in HEADERS.items()]},
            "response": {"status": 400, "headers": [], "content": {"text": json.dumps(answer)}},
        }
        for answer in answers
    ]
    (tmp_path / "har").write_text(json.dumps({"log": {"entries": entries}}), encoding="utf-8")
    odd, plain = journaling.read(tmp_path / "har", emulator.contract, emulator.world.connectors)
    assert not leaks(str(odd)) and json.loads(str(plain.answer)) == shown
