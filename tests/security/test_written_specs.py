"""Tests of credentials under client-written connection specs, and of the judge's treatment of ordinary names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.conformance import evaluate
from mockserver.secrecy import MASK
from tests.calls import HEADERS, POSTGRESQL, connection, made, send, source, target
from tests.dataflows import flow

SECRET = {"type": "string", "format": "password"}
TEXT = {"type": "string"}

NESTED: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "a member": ({"key": SECRET}, {"key": "c4n4ry"}, {"key": MASK}),
    "a member below": (
        {"tls": {"type": "object", "properties": {"key": SECRET, "host": TEXT}}},
        {"tls": {"key": "c4n4ry", "host": "h"}},
        {"tls": {"key": MASK, "host": "h"}},
    ),
    "items": ({"keys": {"type": "array", "items": SECRET}}, {"keys": ["c4n4ry"]}, {"keys": [MASK]}),
    "an alternative": ({"key": {"oneOf": [TEXT, SECRET]}}, {"key": "c4n4ry"}, {"key": MASK}),
    "any member": (
        {"all": {"type": "object", "additionalProperties": SECRET}},
        {"all": {"x": "c4n4ry"}},
        {"all": {"x": MASK}},
    ),
}


def _spec(properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {
        "name": "own",
        "providerId": "p",
        "version": "1.0",
        "authSpec": [{"name": "Key", "type": "Key", "spec": schema}],
    }


def _without_password(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_password(inner) for name, inner in value.items() if name != "format"}
    return [_without_password(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(Config(seed=1, service_clients=(HEADERS["x-api-key"],)))


def _made(emulator: Emulator, properties: dict[str, Any], params: Any) -> tuple[str, str]:
    spec: Any = send(emulator, "POST", "/connectionSpecs", _spec(properties)).body
    auth = {"specName": "Key", "params": params}
    return spec["id"], made(emulator, connection(connectionSpec={"id": spec["id"], "version": "1.0"}, auth=auth))["id"]


def _params(emulator: Emulator, base: str) -> Any:
    answer: Any = send(emulator, "GET", f"/connections/{base}").body
    return answer["items"][0]["auth"]["params"]


@pytest.mark.parametrize("kind", NESTED)
def test_format_password_is_heeded_wherever_it_stands(emulator: Emulator, kind: str) -> None:
    properties, params, shown = NESTED[kind]
    _, base = _made(emulator, properties, params)
    assert _params(emulator, base) == shown
    told = json.dumps([entry.as_json() for entry in emulator.journal.entries()], ensure_ascii=False)
    assert "c4n4ry" not in told + json.dumps(emulator.export())


@pytest.mark.parametrize("kind", NESTED)
def test_a_spec_that_is_rewritten_does_not_uncover_what_was_stored_under_it(emulator: Emulator, kind: str) -> None:
    properties, params, shown = NESTED[kind]
    spec_id, base = _made(emulator, properties, params)
    for _ in range(2):
        rewritten = send(emulator, "PUT", f"/connectionSpecs/{spec_id}", _spec(_without_password(properties)))
        assert rewritten.status == 200
        assert _params(emulator, base) == shown
    told = json.dumps([entry.as_json() for entry in emulator.journal.entries()], ensure_ascii=False)
    assert "c4n4ry" not in told + json.dumps(emulator.export())


def test_params_that_a_written_spec_does_not_call_secret_stay_readable(emulator: Emulator) -> None:
    _made(emulator, {"server": SECRET, "place": TEXT}, {"server": "c4n4ry", "place": "north"})
    entry = emulator.journal.entries()[-1]
    assert '"place":"north"' in entry.body and "c4n4ry" not in entry.body


def test_a_table_that_was_explored_is_no_secret_when_it_is_named() -> None:
    emulator = Emulator(Config(seed=1))
    base = made(emulator)["id"]
    send(emulator, "GET", f"/connections/{base}/explore?objectType=table&object=sales.store_visits")
    params = {"tableName": "sales.store_visits", "columns": [{"name": "visit_id", "type": "string"}]}
    reads = {"name": "sales.store_visits", "baseConnectionId": base, "connectionSpec": {"id": POSTGRESQL}}
    send(emulator, "POST", "/sourceConnections", {**reads, "data": {"format": "tabular"}, "params": params})
    send(emulator, "GET", "/sourceConnections?property=params.tableName==sales.store_visits")
    send(emulator, "GET", "/connections?continuationtoken=made-up")
    report = evaluate(emulator.journal.entries(), emulator.contract)
    found = {finding.rule for finding in report.findings}
    assert not {rule for rule in found if rule.startswith("hygiene.")}
    assert "query.unknown-parameter" in found
    assert "sales.store_visits" in emulator.journal.entries()[2].body


@pytest.mark.parametrize("url", ["https://u:c4n4ry@h/x", "ftp://c4n4ry@h"])
def test_credentials_in_a_url_of_an_open_param_are_masked_and_kept(emulator: Emulator, url: str) -> None:
    _, base = _made(emulator, {"url": TEXT}, {"url": url})
    shown = _params(emulator, base)
    assert "c4n4ry" not in json.dumps([shown, emulator.export()]) and MASK in shown["url"]
    etag: Any = send(emulator, "GET", f"/connections/{base}").headers[0][1]
    patch = [{"op": "replace", "path": "/auth/params", "value": shown}]
    assert send(emulator, "PATCH", f"/connections/{base}", patch, headers={"if-match": etag}).status == 200
    whole = json.dumps(emulator.export(credentials=True))
    assert url in whole


@pytest.mark.parametrize("kind", ["sourceConnections", "targetConnections", "flows"])
def test_credentials_in_a_url_of_other_entities_are_masked_and_kept(emulator: Emulator, kind: str) -> None:
    url = "https://u:c4n4ry@h/x"
    body = {
        "sourceConnections": lambda: {**source(made(emulator)["id"]), "params": {"path": url, "list": [url]}},
        "targetConnections": lambda: {**target(), "params": {"dataSetId": "x", "remotePath": url}},
        "flows": lambda: {**flow(emulator), "transformations": [{"name": "Mapping", "params": {"mappingId": url}}]},
    }[kind]()
    receipt = made(emulator, body, f"/{kind}?mode=draft")
    path = f"/{kind}/{receipt['id']}"
    for asked in (path, f"/{kind}", f"/{kind}?property=id=={receipt['id']}"):
        shown = send(emulator, "GET", asked).encoded.decode()
        assert "c4n4ry" not in shown and f"https://{MASK}@h/x" in shown
    assert "c4n4ry" not in json.dumps(emulator.export())
    item: Any = send(emulator, "GET", path).body
    member = "transformations" if kind == "flows" else "params"
    patch = [{"op": "replace", "path": f"/{member}", "value": item["items"][0][member]}]
    assert send(emulator, "PATCH", path, patch, headers={"if-match": receipt["etag"]}).status == 200
    assert url in json.dumps(emulator.export(credentials=True)) and "c4n4ry" not in json.dumps(emulator.export())


def test_an_export_shows_what_the_own_spec_of_a_connection_calls_harmless(emulator: Emulator) -> None:
    _made(emulator, {"region": TEXT, "key": SECRET}, {"region": "eu-west", "key": "c4n4ry"})
    export = json.dumps(emulator.export())
    assert "eu-west" in export and "c4n4ry" not in export
