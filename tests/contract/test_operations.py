"""Tests that the contract, the handlers and Adobe's document have the same operations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mockserver import Emulator
from mockserver.contract import Contract, load_document
from mockserver.contract.schema import SchemaCheck, schema_registry
from tests.calls import refused, send

# every operation of Adobe's OpenAPI document of Flow Service, under its own id
OFFICIAL = """
listConnections             GET    /connections
createConnection            POST   /connections
retrieveConnection          GET    /connections/{}
testConnection              GET    /connections/{}/test
getByConnectionId           GET    /connections/{}/explore
performAction               POST   /connections/{}/action
deleteConnection            DELETE /connections/{}
patchConnection             PATCH  /connections/{}
exploreConfigByConnectionId GET    /connections/{}/configs
getConnectionsByFilters     POST   /connections/search
listConnectionSpecs         GET    /connectionSpecs
createConnectionSpec        POST   /connectionSpecs
retrieveConnectionSpec      GET    /connectionSpecs/{}
updateConnectionSpec        PUT    /connectionSpecs/{}
exploreByConnectionSpecId   GET    /connectionSpecs/{}/explore
configByConnectionSpecId    GET    /connectionSpecs/{}/configs
listFlows                   GET    /flows
createFlow                  POST   /flows
retrieveFlow                GET    /flows/{}
deleteByFlow                DELETE /flows/{}
patchFlow                   PATCH  /flows/{}
getFlowsByFilters           POST   /flows/search
postStateTransition         POST   /flows/{}/action
listFlowSpecs               GET    /flowSpecs
createFlowSpec              POST   /flowSpecs
retrieveFlowSpec            GET    /flowSpecs/{}
updateFlowSpec              PUT    /flowSpecs/{}
searchFlowSpecs             POST   /flowSpecs/search
listFlowRuns                GET    /runs
createFlowRun               POST   /runs
retrieveFlowRun             GET    /runs/{}
updateRun                   PUT    /runs/{}
postAction                  POST   /runs/{}/action
getSourceConnections        GET    /sourceConnections
createSourceConnection      POST   /sourceConnections
retrieveSourceConnection    GET    /sourceConnections/{}
deleteSourceConnection      DELETE /sourceConnections/{}
patchSourceConnection       PATCH  /sourceConnections/{}
performAction_1             POST   /sourceConnections/{}/action
getTargetConnections        GET    /targetConnections
createTargetConnection      POST   /targetConnections
performAction_2             POST   /targetConnections/{}/action
retrieveTargetConnection    GET    /targetConnections/{}
deleteTargetConnection      DELETE /targetConnections/{}
patchTargetConnection       PATCH  /targetConnections/{}
"""


NOT_EMULATED: dict[str, str] = {}
"""Operation of the contract without a handler -> why. It answers 501."""

CONTRACT = Contract.load()


def test_every_operation_of_adobes_document_is_in_the_contract_under_its_own_id() -> None:
    official = {(name, method, path) for name, method, path in map(str.split, OFFICIAL.strip().splitlines())}
    ours = {(op.id, op.method, re.sub(r"\{[^}]+\}", "{}", op.template)) for op in CONTRACT.operations.values()}
    assert official - ours == set()
    assert {name for name, _, path in ours - official if not path.startswith(("/data/", "/collection/"))} == set()


def test_contract_and_handlers_name_the_same_operations(emulator: Emulator) -> None:
    handled = emulator.handlers.keys() | NOT_EMULATED.keys()
    missing = sorted(CONTRACT.operations.keys() - handled)
    assert not missing, f"add functions with @operation in mockserver/resources/ for {missing}"
    assert sorted(handled - CONTRACT.operations.keys()) == [], "add them to openapi.yaml"
    assert not emulator.handlers.keys() & NOT_EMULATED.keys(), "what is emulated needs no reason"


def test_an_operation_without_a_handler_answers_501(emulator: Emulator) -> None:
    del emulator.handlers["testConnection"]
    assert refused(send(emulator, "GET", "/connections/x/test"))[0] == 501


def follow(document: Any, node: Any, at: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    while isinstance(node, dict) and "$ref" in node:
        at = tuple(node["$ref"].removeprefix("#/").split("/"))
        node = document
        for part in at:
            node = node[part]
    return node, at


def documented_bodies() -> Iterator[tuple[str, SchemaCheck, list[Any]]]:
    """Every body of the contract: `createConnection 201`, its schema, and its examples."""
    document = load_document()
    registry = schema_registry(document)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if not isinstance(operation, dict) or "operationId" not in operation:
                continue
            at = ("paths", path, method)
            holders = [
                (f"{status}", value, (*at, "responses", status)) for status, value in operation["responses"].items()
            ]
            holders.append(("request", operation.get("requestBody"), (*at, "requestBody")))
            for what, raw, where in holders:
                holder, place = follow(document, raw, where)
                for media, content in ((holder or {}).get("content") or {}).items():
                    check = SchemaCheck(registry, (*place, "content", media, "schema"))
                    examples = [follow(document, example, ())[0]["value"] for example in content["examples"].values()]
                    yield f"{operation['operationId']} {what}", check, examples


def test_every_body_has_examples_and_they_fit_their_schema() -> None:
    """In one test: as one for each body, nearly all of its time would be pytest's."""
    bodies = list(documented_bodies())
    wrong = [f"{name}: no example" for name, _, examples in bodies if not examples]
    for name, check, examples in bodies:
        wrong += [f"{name}: {fault}" for example in examples for fault in check.violations(example, "example")]
    assert not wrong, "\n".join(wrong)
    assert len(bodies) > 900
