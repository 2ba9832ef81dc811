"""Tests of `mockserver assess`: a recording, a command, operations by name, and OpenAPI documents."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mockserver import Config, Emulator
from mockserver.cli import main
from mockserver.contract import documents
from tests.calls import HEADERS, connection, send
from tests.recordings.story import Recorded, as_har, tell

PROVIDER = "0ed90a81-07f4-4586-8190-b40eccef1c5a"
CLIENT = """
import os, urllib.request as u
u.urlopen(u.Request(os.environ['FLOW_SERVICE_URL'] + '/connections?limit=5', headers={
    'authorization': 'Bearer ' + os.environ['FLOW_SERVICE_TOKEN'], 'x-api-key': os.environ['FLOW_SERVICE_API_KEY'],
    'x-gw-ims-org-id': os.environ['FLOW_SERVICE_ORG'], 'x-sandbox-name': os.environ['FLOW_SERVICE_SANDBOX']}))
"""
DOCUMENT = """
openapi: 3.0.0
info: {title: what our client calls, version: '1'}
servers: [{url: 'https://platform.adobe.io/data/foundation/flowservice'}]
paths:
  /connections/{id}:
    get: {parameters: [{name: wide, in: query, schema: {type: string}}], responses: {'200': {}, '418': {}, default: {}}}
  /pipelines:
    post: {responses: {'201': {}}}
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["assess", *map(str, arguments)])


def reliances(*arguments: object) -> dict[str, str]:
    """Name -> reliance, without what contributed recordings prove beside the documents."""
    rows = json.loads(run("--json", *arguments).stdout)
    return {row["name"]: row["reliance"].replace("recorded", "documented") for row in rows}


def test_a_command_is_run_and_told_what_it_relies_on() -> None:
    done = run("--json", "--", sys.executable, "-c", CLIENT)
    assert done.exit_code == 0, done.output
    uses = {(row["kind"], row["name"]) for row in json.loads(done.stdout)}
    assert uses == {
        ("operation", "listConnections"), ("parameter", "listConnections limit"), ("status", "listConnections 200"),
    }  # fmt: skip


def test_a_command_that_fails_or_is_silent_says_so() -> None:
    assert run("--", sys.executable, "-c", "raise SystemExit(7)").exit_code == 7
    silent = run("--", sys.executable, "-c", "pass")
    assert silent.exit_code == 3
    assert "Does it honour HTTPS_PROXY?" in silent.stderr and "no request to Flow Service" in silent.stdout


def test_operations_are_named_by_id_path_or_url() -> None:
    url = "https://platform.adobe.io/data/foundation/flowservice/flows/{flowId}"
    found = reliances("createFlow", "GET /connections?limit=5&wide=1", "/runs", f"PATCH {url}", "GET /pipelines")
    assert found == {
        "createFlow": "documented", "listConnections": "documented", "listConnections limit": "documented",
        "listConnections wide": "absent", "listFlowRuns": "documented", "createFlowRun": "documented",
        "patchFlow": "documented", "GET /pipelines": "absent",
    }  # fmt: skip


@pytest.mark.parametrize("suffix", ["yaml", "yml", "json"])
def test_an_openapi_document_tells_which_of_its_parts_are_emulated(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"ours.{suffix}"
    file.write_text(json.dumps(parsed()) if suffix == "json" else DOCUMENT, encoding="utf-8")
    found = reliances(file)
    assert {name for name, reliance in found.items() if reliance == "absent"} == {
        "retrieveConnection wide", "retrieveConnection 418", "POST /data/foundation/flowservice/pipelines",
    }  # fmt: skip
    assert found["retrieveConnection"] == found["retrieveConnection 200"] == "documented"


def parsed() -> object:
    return documents.parse_of_user(DOCUMENT.encode())


def test_a_recording_may_be_named_json(tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    file.write_text(json.dumps(as_har(tell(Emulator(Config(seed=1))))), encoding="utf-8")
    assert reliances(file)["createConnection"] == "documented"


@pytest.mark.parametrize("arguments", [(), ("python", "client.py"), ("gone.har",), ("createFlow", "--", "true")])
def test_anything_else_is_refused_with_what_to_give(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert "operation" in done.stderr.lower() and "--" in done.stderr


def test_a_client_is_told_how_far_it_can_rely_on_the_emulator(tmp_path: Path) -> None:
    document = as_har(tell(Emulator(Config(seed=1))))
    other = json.loads(json.dumps(document["log"]["entries"][0]))
    other["request"]["url"] = "https://platform.adobe.io/data/foundation/flowservice/nothing"
    other["response"]["status"] = 404
    file = tmp_path / "session.har"
    file.write_text(json.dumps(document), encoding="utf-8")
    done = run(file)
    assert done.exit_code == 0, done.output
    assert "documented  operation" in done.output and "createConnection" in done.output
    assert "postgre-sql (74a1c565-" in done.output and "  0 absent" in done.output
    document["log"]["entries"].append(other)
    file.write_text(json.dumps(document), encoding="utf-8")
    done = run(file, "--json")
    assert done.exit_code == 1
    assert [row["name"] for row in json.loads(done.output) if row["reliance"] == "absent"] == ["POST /nothing"]


def test_a_status_or_connector_that_the_emulator_does_not_have_is_absent(tmp_path: Path) -> None:
    """They were `assumed`, which says that the emulator follows the contract. A spec that the client made is known."""
    emulator = Emulator(Config(seed=1, service_clients=(HEADERS["x-api-key"],)))
    recorded = Recorded(emulator)
    spec = send(emulator, "POST", "/connectionSpecs", {"name": "own", "providerId": PROVIDER}).body
    assert isinstance(spec, dict)
    absent = "8a9c3494-9708-43d7-ae3f-cda01e5030e2"
    for name in (str(spec["id"]), absent, "a c4n4ry", connection()["connectionSpec"]["id"]):
        send(emulator, "POST", "/connections", connection(connectionSpec={"id": name, "version": "1.0"}))
    document = as_har(recorded.recording)
    document["log"]["entries"][-1]["response"]["status"] = 207
    file = tmp_path / "session.har"
    file.write_text(json.dumps(document), encoding="utf-8")
    rows = {row["name"]: row["reliance"] for row in json.loads(run(file, "--json").output)}
    assert rows[f"a spec of the client ({spec['id']})"] == "assumed"
    assert [name for name, reliance in rows.items() if reliance == "absent"] == [
        absent, "an id of another form ‹8 characters›", "createConnection 207",
    ]  # fmt: skip
