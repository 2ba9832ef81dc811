"""Tests that other tools get our contract in a form that they support."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest

from bench.cases import BAD, CONNECTION, CREATE, PAGE, READ
from bench.peers import contract, rows
from mockserver.contract import documents
from tests.rows import each


def _operations(document: dict[str, Any]) -> set[str]:
    items = (operation for item in document["paths"].values() for operation in item.values())
    return {operation["operationId"] for operation in items if isinstance(operation, dict) and "responses" in operation}


@pytest.mark.parametrize("text", [contract.whole, contract.plain])
def test_a_document_for_other_tools_has_every_operation_of_the_contract(text: Any) -> None:
    assert _operations(json.loads(text())) == _operations(documents.read(documents.contract()))


def test_parameters_of_a_path_are_those_of_each_of_its_operations() -> None:
    path = "/connections/{BASE_CONNECTION_ID}"
    item = json.loads(contract.whole())["paths"][path]
    assert "parameters" not in item
    for operation in (item["get"], item["patch"], item["delete"]):
        names = {parameter.get("name") or parameter["$ref"].rpartition("/")[2] for parameter in operation["parameters"]}
        assert any("BASE_CONNECTION_ID" in name or "ConnectionId" in name for name in names), names


def test_the_older_document_refers_to_nothing_that_it_lacks() -> None:
    document = json.loads(contract.older())
    wanted = {part.split('"')[0] for part in contract.older().split('"$ref": "#/components/')[1:]}
    have = {f"{kind}/{name}" for kind, named in document["components"].items() for name in named}
    assert wanted
    assert wanted <= have


def test_the_stubs_take_a_good_connection_and_refuse_a_name_that_is_a_number() -> None:
    create = json.loads(contract.stubs())["mappings"][0]["request"]
    judge = jsonschema.Draft7Validator(json.loads(create["bodyPatterns"][0]["matchesJsonSchema"]))
    assert judge.is_valid(CONNECTION)
    assert not judge.is_valid(BAD.body)


@each("peer", rows.PEERS)
def test_every_tool_is_pinned_and_has_a_way_to_create_and_to_look_up(peer: rows.Peer) -> None:
    package = peer.package
    if package.index == "npm":
        lock = json.loads((rows.ROOT / "requirements" / "peers" / "package-lock.json").read_text())
        assert lock["packages"][f"node_modules/{package.name}"]["version"] == package.version
    else:
        pins = (rows.ROOT / "requirements" / "peers.txt").read_text()
        assert re.search(rf"^{package.name.partition('[')[0]}\[[a-z, ]+\]=={package.version} ", pins, re.MULTILINE)
    assert peer.asked(CREATE).method == "POST"
    assert peer.asked(READ).path


def test_a_page_is_asked_only_of_tools_that_list_what_they_store() -> None:
    asked = []
    for peer in rows.PEERS:
        try:
            peer.asked(PAGE)
        except KeyError:
            continue
        asked.append(peer.name)
    assert asked == ["json-server", "Mockoon CRUD"]
