"""Tests that a server accepts every example request of `openapi.yaml`, and that example errors have today's texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from mockserver import Config, Emulator
from mockserver.contract import load_document
from mockserver.errors import ERRORS, TYPE_PREFIX
from tests import dataflows
from tests.calls import HEADERS, POSTGRESQL, connection, made, send, source, target
from tests.contract import next_door
from tests.contract.test_published import METHODS, resolved

DOCUMENT = load_document()
SFTP = {
    "specName": "Basic Authentication for sftp",
    "params": {"host": "files.example.com", "port": 22, "userName": "reader", "password": "c4n4ry"},
}
"""Credentials of a base connection that is not a database."""


def requests() -> Iterator[Any]:
    """Each operation with its example parameters, once for each example body."""
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            operation = item[method]
            media = resolved(operation.get("requestBody", {})).get("content", {}).get("application/json", {})
            bodies = media.get("examples") or {"": None}
            for name, example in bodies.items():
                body = None if example is None else resolved(example)["value"]
                yield pytest.param(method.upper(), path, operation, body, id=f"{operation['operationId']}-{name}")


@dataclass(frozen=True)
class Example:
    """A request made of examples, with ids of what a server has."""

    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: Any


def prepared(emulator: Emulator, path: str, operation: Any, body: Any) -> Example:
    """Create what an example is about; returns the request."""
    parameters = [resolved(one) for one in operation.get("parameters", ())]
    values = {one["name"]: one["example"] for one in parameters if "example" in one}
    etag = None
    if "servers" in DOCUMENT["paths"][path]:
        values |= next_door.entity(emulator, path, body)
        body = next_door.body_of(emulator, body, values)
    else:
        entity, etag = stored(emulator, path, operation)
        values |= {name: entity for name in re.findall(r"\{(\w+)\}", path) if entity}
        body = standing(emulator, body)
    query = [
        (one["name"], str(value).lower() if isinstance(value, bool) else str(value))
        for one in parameters
        if one["in"] == "query" and one["name"] in values
        for value in (values[one["name"]] if isinstance(values[one["name"]], list) else [values[one["name"]]])
    ]
    given = {one["name"].lower(): values.get(one["name"]) for one in parameters if one["in"] == "header"}
    headers = {name: str(value) for name, value in given.items() if value is not None}
    headers |= {"if-match": etag} if etag and "if-match" in given else {}
    if "schemaregistry" in path:
        headers["accept"] = f"application/vnd.adobe.xed{'+json; version=1' if 'RESOURCE_ID' in path else '-id+json'}"
    at = re.sub(r"\{(\w+)\}", lambda found: quote(str(values[found[1]]), safe=""), path)
    return Example(at, query, headers, body)


@pytest.mark.parametrize(("method", "path", "operation", "body"), list(requests()))
def test_an_example_is_accepted(method: str, path: str, operation: Any, body: Any) -> None:
    emulator = Emulator(Config(service_clients=(HEADERS["x-api-key"],)))
    example = prepared(emulator, path, operation, body)
    at = f"{example.path}?{urlencode(example.query)}"
    result = send(emulator, method, at, example.body, headers=example.headers)
    assert result.status < 300, result.body


def stored(emulator: Emulator, path: str, operation: Any) -> tuple[str | None, str | None]:
    """An entity for a path, with its etag."""
    kind = path.split("/")[1]
    if "{" not in path:
        return None, None
    draft = "?mode=draft" if path.endswith("/action") else ""
    if kind == "connections":
        receipt = made(emulator, connection(), f"/connections{draft}")
    elif kind == "sourceConnections":
        receipt = made(emulator, source(made(emulator)["id"]), f"/sourceConnections{draft}")
    elif kind == "targetConnections":
        receipt = made(emulator, target(), f"/targetConnections{draft}")
    elif kind == "flows":
        receipt = made(emulator, dataflows.flow(emulator), "/flows")
    elif kind == "runs":
        return run(emulator, failed=path.endswith("/action"))
    elif operation["operationId"] in ("updateConnectionSpec", "updateFlowSpec"):
        create = DOCUMENT["paths"][f"/{kind}"]["post"]["requestBody"]["content"]["application/json"]["examples"]
        return made(emulator, standing(emulator, resolved(next(iter(create.values())))["value"]), f"/{kind}")[
            "id"
        ], None
    else:
        return None, None
    return receipt["id"], receipt["etag"]


def run(emulator: Emulator, *, failed: bool) -> tuple[str, str]:
    """A run of a flow on demand; a failed one can be re-triggered."""
    flow = made(emulator, dataflows.once(emulator), "/flows")["id"]
    dataflows.pass_time(emulator, 3_600_000)
    [found, *_] = dataflows.runs_of(emulator, flow)
    if failed:
        body = {"metrics": {"statusSummary": {"status": "failed"}}}
        path = f"/runs/{found['id']}"
        assert send(emulator, "PUT", path, body, headers={"if-match": found["etag"]}).status == 200
        found = dataflows.looked_up(emulator, path)
    return found["id"], found["etag"]


def standing(emulator: Emulator, body: Any) -> Any:
    """The body with its references replaced by ids of this server."""
    if not isinstance(body, dict):
        return body
    body = json.loads(json.dumps(body))
    if "baseConnectionId" in body:
        spec = body["connectionSpec"]["id"]
        auth = connection()["auth"] if spec == POSTGRESQL else SFTP
        base = connection(auth=auth, connectionSpec={"id": spec, "version": "1.0"})
        body["baseConnectionId"] = made(emulator, base)["id"]
    if "sourceConnectionIds" in body:
        body["sourceConnectionIds"] = [dataflows.source(emulator)]
        body["targetConnectionIds"] = [dataflows.target(emulator)]
    if "flowId" in body:
        once = dataflows.once(emulator)
        over_files = dataflows.files(emulator, scheduleParams=once["scheduleParams"])
        body["flowId"] = made(emulator, once if "params" in body else over_files, "/flows")["id"]
    return body


def errors_in(value: Any) -> Iterator[tuple[str, str]]:
    """Code and sentence of each error body of the service in a document."""
    if isinstance(value, dict):
        code, report = str(value.get("type", "")), value.get("report")
        if code.startswith(TYPE_PREFIX) and isinstance(report, dict) and "detailed-message" in report:
            yield code.removeprefix(TYPE_PREFIX), report["detailed-message"]
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from errors_in(inner)


def test_example_errors_have_the_sentences_of_the_error_table() -> None:
    table = [(row.code, re.sub(r"\\{\w+\\}", ".*", re.escape(row.message))) for row in ERRORS.values()]
    found = set(errors_in(DOCUMENT))
    assert len(found) > 20
    stale = [one for one in found if not any(code == one[0] and re.match(text, one[1]) for code, text in table)]
    assert not stale, f"write the message of mockserver/errors.py into openapi.yaml: {stale}"
