"""Tests of `mockserver drift`: changes in Adobe's documents; documented operations without a handler return 501."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from mockserver import Emulator
from mockserver.cli import main
from mockserver.evidence import documented, drift
from mockserver.exchange import BASE_PATH, Call
from tests.calls import HEADERS, send

TITLE = "Data Prep API"
NO_KIND_HERE = ("datatypes", "descriptors", "unions", "rpc")
"""Operations of the Schema Registry that are not emulated below emulated paths."""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def document() -> dict[str, Any]:
    """A small document in Adobe's style."""
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer"}}
    state = {"type": "string", "enum": ["enabled", "disabled"]}
    thing = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "state": state}}
    answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
    return {
        "openapi": "3.0.1",
        "info": {"title": "Things API", "description": "Prose that is not kept."},
        "servers": [{"url": "//{environment}.adobe.io/data/foundation/things"}],
        "paths": {
            "/things": {
                "parameters": [{"$ref": "#/components/parameters/limit"}],
                "get": {"operationId": "listThings", "responses": {"200": answer, 404: {"description": "None."}}},
                "post": {"requestBody": answer, "responses": {"201": answer}},
            }
        },
        "components": {"schemas": {"Thing": thing}, "parameters": {"limit": limit}},
    }


def moved(folder: Path, changed: dict[str, Any]) -> list[str]:
    """The reported changes of a document compared with the one above."""
    known = folder / "known"
    now = folder / "now"
    for place, content in ((known, document()), (now, changed)):
        place.mkdir()
        (place / "things.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    found = drift.compare(drift.read_folder(known)[0], now)
    assert found.compared == ("Things API",)
    return [str(one) for one in found.moved]


def without_state(changed: dict[str, Any]) -> None:
    del changed["components"]["schemas"]["Thing"]["properties"]["state"]


def other_base(changed: dict[str, Any]) -> None:
    changed["servers"] = [{"url": "https://platform.adobe.io/data/core/things"}]


CHANGES: dict[str, tuple[Any, list[str]]] = {
    "operation added": (
        lambda doc: doc["paths"]["/things"].update(delete={"responses": {"204": {}}}),
        ["added    operation DELETE /things"],
    ),
    "operation removed": (
        lambda doc: doc["paths"]["/things"].pop("post"),
        ["removed  operation POST /things"],
    ),
    "parameter changed type": (
        lambda doc: doc["components"]["parameters"]["limit"].update(schema={"type": "string"}),
        [
            "removed  operation GET /things: query limit integer",
            "added    operation GET /things: query limit string",
            "removed  operation POST /things: query limit integer",
            "added    operation POST /things: query limit string",
        ],
    ),
    "status added": (
        lambda doc: doc["paths"]["/things"]["get"]["responses"].update({"429": {}}),
        ["added    operation GET /things: response 429"],
    ),
    "value of an enumeration added": (
        lambda doc: doc["components"]["schemas"]["Thing"]["properties"]["state"]["enum"].append("draft"),
        ['added    schema Thing: /state may be "draft"'],
    ),
    "member removed": (
        without_state,
        [
            "removed  schema Thing: /state",
            'removed  schema Thing: /state may be "disabled"',
            'removed  schema Thing: /state may be "enabled"',
            "removed  schema Thing: /state string",
        ],
    ),
    "limit of a parameter": (
        lambda doc: doc["components"]["parameters"]["limit"]["schema"].update(maximum=100),
        [
            "added    operation GET /things: query limit maximum 100",
            "added    operation POST /things: query limit maximum 100",
        ],
    ),
    "member deprecated": (
        lambda doc: doc["components"]["schemas"]["Thing"]["properties"]["state"].update(deprecated=True),
        ["added    schema Thing: /state deprecated true"],
    ),
    "operation deprecated": (
        lambda doc: doc["paths"]["/things"]["get"].update(deprecated=True),
        ["added    operation GET /things: deprecated"],
    ),
    "operation renamed": (
        lambda doc: doc["paths"]["/things"]["get"].update(operationId="getThings"),
        ["added    operation GET /things: named getThings", "removed  operation GET /things: named listThings"],
    ),
    "header of a response": (
        lambda doc: doc["paths"]["/things"]["get"]["responses"][404].update(headers={"Retry-After": {}}),
        ["added    operation GET /things: response 404 header Retry-After"],
    ),
    "member no longer required": (
        lambda doc: doc["components"]["schemas"]["Thing"].pop("required"),
        ["removed  schema Thing: /id required"],
    ),
    "base path": (
        other_base,
        [
            "removed  document Things API: base path /data/foundation/things",
            "added    document Things API: base path /data/core/things",
        ],
    ),
    "prose": (lambda doc: doc["info"].update(description="Another prose."), []),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_moved_is_told(tmp_path: Path, name: str) -> None:
    change, expected = CHANGES[name]
    changed = document()
    change(changed)
    assert moved(tmp_path, changed) == expected


def test_the_command_compares_with_the_digest(tmp_path: Path) -> None:
    known = next(one for one in documented.known() if one.title == TITLE)
    paths: dict[str, Any] = {}
    for kind, name in known.holders:
        method, _, path = name.partition(" ")
        if kind == "operation":
            paths.setdefault(path, {})[method.lower()] = {"responses": {}}
    paths["/languages/el/grammar"] = {"get": {"responses": {}}}
    found = {"info": {"title": TITLE}, "servers": [{"url": f"//x.adobe.io{known.base}"}], "paths": paths}
    (tmp_path / "data-prep.json").write_text(json.dumps(found), encoding="utf-8")
    (tmp_path / "other.yaml").write_text("- no document", encoding="utf-8")
    done = run("drift", tmp_path, "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 1 and told["compared"] == [TITLE] and "no `paths`" in told["unread"][0]
    added = [one for one in told["moved"] if one["change"] == "added"]
    assert [one.get("operation") for one in added] == ["GET /languages/el/grammar"]
    assert f"{TITLE}: " in run("drift", tmp_path).stdout


def test_a_digest_that_is_written_has_what_the_folder_lacks_too(tmp_path: Path) -> None:
    (tmp_path / "things.yaml").write_text(yaml.safe_dump(document()), encoding="utf-8")
    done = run("drift", tmp_path, "--write", tmp_path / "digest.jsonl")
    assert done.exit_code == 3 and "not known here: Things API" in done.output
    written = documented.parse((tmp_path / "digest.jsonl").read_text(encoding="utf-8"))
    assert {one.title for one in written} == {one.title for one in documented.known()} | {"Things API"}
    assert "Prose" not in (tmp_path / "digest.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a: [", "is not YAML"),
        (b"\xff\xfe\x00\xd8", "is not YAML"),
        (b"paths: []", "no `paths`"),
        (b"[" * 100_000, "is not YAML"),
        (
            b"a: &a {properties: {x: {type: string}, y: {type: string}}}\n"
            + b"".join(b"%c: &%c {properties: {x: *%c, y: *%c}}\n" % (n + 1, n + 1, n, n) for n in range(97, 121))
            + b"definitions: {Z: *y}\npaths: {}",
            "more than",
        ),
    ],
)
def test_a_file_that_is_no_document_is_named(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / "broken.yaml").write_bytes(text)
    done = run("drift", tmp_path)
    assert done.exit_code == 3 and said in done.output and "broken.yaml" in done.output


def test_a_folder_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    assert run("drift", tmp_path / "none").exit_code == 2


def not_served() -> list[tuple[str, str]]:
    """Method and path of each documented operation that is not in the contract."""
    emulator = Emulator()
    found = []
    for method, path in sorted({one for document in documented.known() for one in document.operations()}):
        called = re.sub(r"\{[^}]*\}", "x", path.replace("{CONTAINER_ID}", "tenant"))
        seen = emulator.contract.check_request(Call(method, _relative(called), "", HEADERS, b"", "0" * 32, 0))
        if seen.operation is None or any(f"/{kind}" in path for kind in NO_KIND_HERE):
            found.append((method, called))
    return found


def _relative(path: str) -> str:
    return path.removeprefix(BASE_PATH)


@pytest.mark.parametrize("body", [None, {}, {"name": "x"}, []])
def test_a_documented_operation_that_is_not_served_says_so(body: Any) -> None:
    emulator = Emulator()
    for method, path in not_served():
        answer: Any = send(emulator, method, _relative(path), body)
        assert answer.status == 501, (method, path, answer.body)
        service = path.split("/")[3] if path.startswith("/data/") else "collection"
        members = {"type", "title", "status", "detail"} | ({"report"} if service == "schemaregistry" else set())
        assert set(answer.body) == members and "does not emulate" in answer.body["detail"], (method, path)


def test_most_documented_operations_are_served() -> None:
    every = {one for document in documented.known() for one in document.operations()}
    assert len(every) > 120 and len(not_served()) < len(every) / 3
    assert not [path for _, path in not_served() if path.startswith(BASE_PATH)]
