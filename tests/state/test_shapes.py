"""Tests that an imported state follows the contract for each kind, or is refused by place."""

from __future__ import annotations

import copy
import sys
from typing import Any

import pytest

from mockserver import Config, Emulator, resources
from mockserver.listing import Listable
from tests import dataflows
from tests.calls import HEADERS, connection, made, send, source, target
from tests.rows import each

CLIENT = HEADERS["x-api-key"]


def example(emulator: Emulator, operation: str) -> Any:
    """The first example of an operation's body in the contract."""
    document: Any = emulator.contract.document
    found = emulator.contract.operations[operation]
    content = document["paths"][found.template][found.method.lower()]["requestBody"]["content"]["application/json"]
    node = next(iter(content["examples"].values()))
    while "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        node = document["components"]["examples"][name]
    return node["value"]


@pytest.fixture(scope="module")
def exported() -> dict[str, Any]:
    """A state with records of every kind."""
    emulator = Emulator(Config(seed=1, service_clients=(CLIENT,)))
    base = made(emulator, connection())["id"]
    made(emulator, source(base), "/sourceConnections")
    made(emulator, target(), "/targetConnections")
    flow_id = made(emulator, dataflows.flow(emulator), "/flows")["id"]
    emulator.runtime.clock.advance(dataflows.HOUR)
    assert len(dataflows.runs_of(emulator, flow_id)) > 1
    for operation, path in (("createConnectionSpec", "/connectionSpecs"), ("createFlowSpec", "/flowSpecs")):
        assert send(emulator, "POST", path, example(emulator, operation)).status == 201
    return emulator.export(credentials=True)


KINDS = (
    "connections", "sourceConnections", "targetConnections", "flows", "flowProgress", "runs", "connectionSpecs",
    "flowSpecs",
)  # fmt: skip


def row_of(state: dict[str, Any], kind: str) -> tuple[int, dict[str, Any]]:
    return next((number, row) for number, row in enumerate(state["records"]) if row["kind"] == kind)


def test_what_was_exported_is_let_in_and_worked_with(exported: dict[str, Any]) -> None:
    assert {row["kind"] for row in exported["records"]} == set(KINDS)
    emulator = Emulator(Config(seed=1))
    emulator.restore(exported)
    assert emulator.export(credentials=True)["records"] == exported["records"]
    emulator.restore(emulator.export())  # masked, too
    for kind in ("connections", "flows", "runs", "connectionSpecs"):
        _, row = row_of(exported, kind)
        assert send(emulator, "GET", f"/{kind}/{row['doc']['id']}").status == 200


MISSING = [
    *(
        (kind, name)
        for kind in ("connections", "sourceConnections", "flows")
        for name in ("state", "createdAt", "name")
    ),
    ("connections", "connectionSpec"),
    ("targetConnections", "sandboxId"),
    ("flows", "provider"),
    ("flows", "inheritedAttributes"),
    ("runs", "course"),
    ("runs", "span"),
    ("runs", "flowId"),
    ("flowProgress", "ahead"),
    ("flowProgress", "runs"),
    ("connectionSpecs", "spec"),
    ("flowSpecs", "spec"),
]


@each("kind, member", MISSING)
def test_a_record_that_lacks_what_is_relied_on_is_refused_by_place(
    exported: dict[str, Any], kind: str, member: str
) -> None:
    state = copy.deepcopy(exported)
    number, row = row_of(state, kind)
    del row["doc"][member]
    emulator = Emulator(Config(seed=1))
    receipt = made(emulator)
    with pytest.raises(ValueError, match=f"^Member /records/{number}/doc/{member} is missing"):
        emulator.restore(state)
    assert send(emulator, "GET", f"/connections/{receipt['id']}").status == 200


WRONG: list[tuple[str, Any, str]] = [
    ("connections", {"state": 5}, "/doc/state"),
    ("connections", {"connectionSpec": "x"}, "/doc/connectionSpec"),
    ("connections", {"imsOrgId": "other@AdobeOrg"}, "/doc/imsOrgId"),
    ("flows", {"sandboxName": "elsewhere"}, "/doc/sandboxName"),
    ("flows", {"provider": {}}, "/doc/provider/activeMs"),
    ("flows", {"inheritedAttributes": {}}, "/doc/inheritedAttributes/properties"),
    ("runs", {"course": [1, 2]}, "/doc/course"),
    ("flowProgress", {"ahead": [["id"]]}, "/doc/ahead/0"),
    ("connectionSpecs", {"spec": {"version": "1.0"}}, "/doc/spec/name"),
]


@each("kind, changes, place", WRONG)
def test_a_member_of_another_kind_is_refused_by_place(
    exported: dict[str, Any], kind: str, changes: dict[str, Any], place: str
) -> None:
    state = copy.deepcopy(exported)
    number, row = row_of(state, kind)
    row["doc"].update(changes)
    with pytest.raises(ValueError, match=f"^(Member )?/records/{number}{place}(: expected | is missing)"):
        Emulator(Config(seed=1)).restore(state)


def refusal_of_kind(exported: dict[str, Any], kind: str) -> str:
    state = copy.deepcopy(exported)
    state["records"][0]["kind"] = kind
    with pytest.raises(ValueError) as caught:
        Emulator(Config(seed=1)).restore(state)
    return str(caught.value)


def test_an_unknown_kind_is_refused(exported: dict[str, Any]) -> None:
    expected = "/records/0/kind: expected one of connectionSpecs, connections, "
    assert refusal_of_kind(exported, "unheardOf").startswith(expected)


def test_the_records_of_every_resource_type_have_a_row(exported: dict[str, Any]) -> None:
    resources.load()
    modules = [module for name, module in sys.modules.items() if name.startswith("mockserver.resources.")]
    listables = [getattr(value, "listable", None) for module in modules for value in vars(module).values()]
    kinds = {listable.kind for listable in listables if isinstance(listable, Listable)}
    assert kinds >= {"connections", "flows", "runs", "flowSpecs"}
    known = refusal_of_kind(exported, "unheardOf").partition("one of ")[2].split(", ")
    missing = sorted(kinds.difference(known))
    assert not missing, f"add rows of these kinds to _INTERNAL in mockserver/state/shapes.py: {missing}"


def test_no_refusal_repeats_a_credential(exported: dict[str, Any]) -> None:
    state = copy.deepcopy(exported)
    _, row = row_of(state, "connections")
    row["doc"]["auth"] = {"specName": 5, "params": "c4n4ry-s3cret"}
    with pytest.raises(ValueError) as caught:
        Emulator(Config(seed=1)).restore(state)
    assert "c4n4ry" not in str(caught.value)
