"""Tests S1: entities of one organisation or sandbox do not exist for any other, in any operation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from mockserver.contract import Contract
from mockserver.exchange import Result
from tests.calls import HEADERS, source, target
from tests.rows import each
from tests.security.estate import Estate

OPERATIONS = Contract.load().operations
OWNED = ("connections", "sourceConnections", "targetConnections", "flows", "runs", "connectionSpecs", "flowSpecs")
ON_ONE = [
    name for name, op in sorted(OPERATIONS.items()) if op.segments[0] in OWNED and "{" in "".join(op.segments[1:2])
]
LISTS = [
    name
    for name, op in sorted(OPERATIONS.items())
    if op.segments[0] in OWNED and op.method == "GET" and len(op.segments) == 1
]
ABSENT = "00000000-0000-4000-8000-000000000000"
ORG, SANDBOX = HEADERS["x-gw-ims-org-id"], HEADERS["x-sandbox-name"]
OTHERS: dict[str, Mapping[str, str]] = {
    "another sandbox": {"x-sandbox-name": "dev"},
    "another organisation": {"x-gw-ims-org-id": "0123456789ABCDEF01234567@AdobeOrg"},
    "a longer sandbox": {"x-sandbox-name": SANDBOX + "-2"},
    "a shorter sandbox": {"x-sandbox-name": SANDBOX[:-1]},
    "a separator in the organisation": {"x-gw-ims-org-id": f"x/{ORG}"},
    "a placeholder": {"x-sandbox-name": "{SANDBOX_NAME}"},
    "another case of the organisation": {"x-gw-ims-org-id": ORG.lower().replace("adobeorg", "AdobeOrg")},
}
ODD: dict[str, Mapping[str, str]] = {
    "a doubled sandbox": {"x-sandbox-name": f"{SANDBOX}, dev"},
    "the same sandbox twice": {"x-sandbox-name": f"{SANDBOX}, {SANDBOX}"},
    "a doubled organisation": {"x-gw-ims-org-id": f"{ORG}, {ORG}"},
    "any sandbox": {"x-sandbox-name": "*"},
    "SQL's any": {"x-sandbox-name": "%"},
    "a pattern": {"x-sandbox-name": "pro_"},
    "a separator": {"x-sandbox-name": f"{SANDBOX}/dev"},
    "NUL": {"x-sandbox-name": f"{SANDBOX}\0"},
    "a line": {"x-sandbox-name": f"dev\n{SANDBOX}"},
    "another case": {"x-sandbox-name": SANDBOX.upper()},
    "no organisation": {"x-gw-ims-org-id": ""},
    "only the suffix": {"x-gw-ims-org-id": "@AdobeOrg"},
}


@pytest.fixture(scope="module")
def estate() -> Estate:
    return Estate()


def ask(estate: Estate, name: str, entity_id: str | None, headers: Mapping[str, str]) -> Result:
    operation = OPERATIONS[name]
    sent = {"if-match": estate.etag(operation), **headers}
    path = f"{estate.path(operation, entity_id)}?{estate.query(operation)}"
    result: Result = estate.handle(operation.method, path, estate.example(name), headers=sent)
    return result


def without_ids(result: Result, *ids: str) -> str:
    text = json.dumps([result.status, result.body, result.headers, result.error])
    for entity_id in ids:
        text = text.replace(entity_id, "ID")
    return text


@each("name", ON_ONE)
@each("other", OTHERS)
def test_a_foreign_entity_answers_like_an_absent_one(estate: Estate, name: str, other: str) -> None:
    before = estate.emulator.export(credentials=True)["records"]
    own = estate.ids[OPERATIONS[name].segments[0]]
    foreign, absent = (ask(estate, name, one, OTHERS[other]) for one in (own, ABSENT))
    assert foreign.status >= 400
    assert without_ids(foreign, own) == without_ids(absent, ABSENT)
    assert estate.emulator.export(credentials=True)["records"] == before


@each("name", [*ON_ONE, *LISTS])
@each("odd", ODD)
def test_no_spelling_of_a_tenant_is_another_tenant(estate: Estate, name: str, odd: str) -> None:
    before = estate.emulator.export(credentials=True)["records"]
    result = ask(estate, name, None, ODD[odd])
    assert 400 <= result.status < 500
    assert estate.emulator.export(credentials=True)["records"] == before


@pytest.mark.parametrize("name", LISTS)
@each("other", OTHERS)
def test_no_list_shows_what_is_foreign(estate: Estate, name: str, other: str) -> None:
    kind = OPERATIONS[name].segments[0]
    own = estate.ids[kind]
    token = estate.handle("GET", f"/{kind}?limit=1").body.get("_links", {}).get("next", {}).get("href", "")
    for query in ("", f"property=id=={own}", "orderby=-createdAt", "limit=100", token.partition("?")[2]):
        answer = estate.handle("GET", f"/{kind}?{query}", headers=OTHERS[other])
        assert own not in json.dumps(answer.body)
    for query in ("count=true", f"count=true&property=id=={own}"):
        foreign = estate.handle("GET", f"/{kind}?{query}", headers=OTHERS[other]).body
        nobody = estate.handle("GET", f"/{kind}?{query.replace(own, ABSENT)}", headers={"x-sandbox-name": "empty"}).body
        assert without_caller(foreign) == without_caller(nobody)


def without_caller(body: Any) -> Any:
    """A body without members in which catalogue specs repeat the caller."""
    if isinstance(body, dict):
        own = ("imsOrgId", "sandboxId", "sandboxName")
        return {name: without_caller(value) for name, value in body.items() if name not in own}
    return [without_caller(value) for value in body] if isinstance(body, list) else body


@pytest.mark.parametrize("other", OTHERS)
def test_nothing_can_be_built_on_what_is_foreign(estate: Estate, other: str) -> None:
    ids = estate.ids

    def create(path: str, body: dict[str, Any]) -> Result:
        result: Result = estate.handle("POST", path, body, headers=OTHERS[other])
        return result

    def flow(**changes: Any) -> dict[str, Any]:
        good = estate.example("createFlow")
        return {**good, "sourceConnectionIds": [ABSENT], "targetConnectionIds": [ABSENT], **changes}

    pairs = [
        ("/sourceConnections", source(ids["connections"]), source(ABSENT)),
        ("/targetConnections", target(baseConnectionId=ids["connections"]), target(baseConnectionId=ABSENT)),
        ("/flows", flow(sourceConnectionIds=[ids["sourceConnections"]]), flow()),
        ("/flows", flow(targetConnectionIds=[ids["targetConnections"]]), flow()),
        (
            "/flows",
            flow(flowSpec={"id": ids["flowSpecs"], "version": "1.0"}),
            flow(flowSpec={"id": ABSENT, "version": "1.0"}),
        ),
        ("/runs", {"flowId": ids["flows"]}, {"flowId": ABSENT}),
        (
            "/connections",
            {"name": "x", "connectionSpec": {"id": ids["connectionSpecs"]}},
            {"name": "x", "connectionSpec": {"id": ABSENT}},
        ),
    ]
    for path, theirs, nobodys in pairs:
        foreign, absent = create(path, theirs), create(path, nobodys)
        assert foreign.status == 400, (path, foreign.body)
        assert without_ids(foreign, *ids.values()) == without_ids(absent, ABSENT), path


def test_the_owner_can_do_all_of_it(estate: Estate) -> None:
    """Otherwise the tests above would prove nothing."""
    for kind, entity_id in estate.ids.items():
        assert entity_id in json.dumps(estate.handle("GET", f"/{kind}?limit=100").body)
        assert estate.handle("GET", f"/{kind}/{entity_id}").status == 200
    statuses = {name: ask(estate, name, None, {}).status for name in ON_ONE if OPERATIONS[name].method == "GET"}
    refused = {name for name, status in statuses.items() if status != 200}
    assert refused <= {"exploreByConnectionSpecId", "configByConnectionSpecId"}  # a client-written spec has no source
