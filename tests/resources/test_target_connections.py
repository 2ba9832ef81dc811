"""Tests of what is specific to target connections; the rest is tested with source connections."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.exchange import Tenant
from tests.calls import DATA_LAKE, HEADERS, POSTGRESQL, made, refused, send, target

COLLECTION = "/targetConnections"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
TENANT = Tenant(HEADERS["x-gw-ims-org-id"], HEADERS["x-sandbox-name"])


def shown(emulator: Emulator, entity_id: str) -> Any:
    body: Any = send(emulator, "GET", f"{COLLECTION}/{entity_id}").body
    return body["items"][0]


def test_a_stored_target_connection_has_the_documented_members_in_their_order(emulator: Emulator) -> None:
    receipt = made(emulator, target(), COLLECTION)
    item = shown(emulator, receipt["id"])
    assert list(item) == [  # order of the official document (facts §6.4)
        *("id", "createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient"),
        *("sandboxId", "sandboxName", "imsOrgId", "name", "state", "data", "connectionSpec", "params"),
        *("version", "etag", "inheritedAttributes", "providerRefId"),
    ]
    assert item["inheritedAttributes"] == {}
    assert (item["data"], item["params"]) == (target()["data"], target()["params"])


# (what, changes): requests of tutorials and of public clients
ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("without data, as aep-mcp-server sends it", {"data": ...}),
    ("without a name, which is optional in the official document", {"name": ...}),
    ("with the format that aepp sends by default", {"data": {"format": "parquet_xdm"}}),
    ("with a placeholder of the tutorials", {"params": {"dataSetId": "{DATASET_ID}"}}),
    ("with a schema that is null, as a destinations sample has it", {"data": {"format": "CSV", "schema": None}}),
]


@pytest.mark.parametrize("changes", [case[1] for case in ACCEPTED], ids=[case[0] for case in ACCEPTED])
def test_what_clients_send_is_taken(emulator: Emulator, changes: dict[str, Any]) -> None:
    receipt = made(emulator, target(**changes), COLLECTION)
    assert set(shown(emulator, receipt["id"])) >= target(**changes).keys()


# (what, changes, code, pointer). 1413: documented; 1100: assumed, but that a bad data set is refused is documented
REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("unknown spec", {"connectionSpec": {"id": UNKNOWN}}, "1413-400", "/connectionSpec/id"),
    ("no spec", {"connectionSpec": ...}, "1100-400", "/connectionSpec"),
    ("no data set", {"params": {}}, "1100-400", "/params/dataSetId"),
    ("no params", {"params": ...}, "1100-400", "/params/dataSetId"),
    ("data set a number", {"params": {"dataSetId": 5}}, "1100-400", "/params/dataSetId"),
    ("schema a text", {"data": {"schema": "x"}}, "1100-400", "/data/schema"),
    ("unknown base connection", {"baseConnectionId": UNKNOWN}, "1100-400", "/baseConnectionId"),
]


@pytest.mark.parametrize(
    ("changes", "code", "pointer"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_wrong_target_connection_is_refused_and_leaves_nothing(
    emulator: Emulator, changes: dict[str, Any], code: str, pointer: str
) -> None:
    assert refused(send(emulator, "POST", COLLECTION, target(**changes))) == (400, code, pointer)
    assert send(emulator, "GET", f"{COLLECTION}?count=true").body == {"count": 0}


def test_listed_data_sets_and_schemas_are_the_only_ones() -> None:
    emulator = Emulator(Config(datasets=("5f3c3cedb2805c194ff0b69a",), schemas=(target()["data"]["schema"]["id"],)))
    assert send(emulator, "POST", COLLECTION, target()).status == 201
    other = target(params={"dataSetId": "638e6c7b5679741b63ff5c24"})
    assert refused(send(emulator, "POST", COLLECTION, other)) == (400, "1100-400", "/params/dataSetId")
    foreign = target(data={"schema": {"id": "https://ns.adobe.com/acme/schemas/other"}})
    assert refused(send(emulator, "POST", COLLECTION, foreign)) == (400, "1100-400", "/data/schema/id")


def test_a_base_connection_must_be_of_the_same_spec(emulator: Emulator) -> None:
    base = made(emulator)["id"]
    result = send(emulator, "POST", COLLECTION, target(baseConnectionId=base))
    assert refused(result) == (400, "1100-400", "/connectionSpec/id")
    same = target(baseConnectionId=base, connectionSpec={"id": POSTGRESQL})
    entity_id = made(emulator, same, COLLECTION)["id"]
    assert shown(emulator, entity_id)["inheritedAttributes"]["baseConnection"]["id"] == base


def test_a_draft_is_published_when_it_is_whole(emulator: Emulator) -> None:
    draft = made(emulator, {"connectionSpec": {"id": DATA_LAKE}}, f"{COLLECTION}?mode=draft")
    action = f"{COLLECTION}/{draft['id']}/action?op=publish"
    assert shown(emulator, draft["id"])["state"] == "draft"
    assert refused(send(emulator, "POST", action)) == (400, "1100-400", "/params/dataSetId")
    whole = [{"op": "add", "path": "/params", "value": {"dataSetId": "5f3c3cedb2805c194ff0b69a"}}]
    path = f"{COLLECTION}/{draft['id']}"
    assert send(emulator, "PATCH", path, whole, headers={"if-match": draft["etag"]}).status == 200
    stale = send(emulator, "POST", action, headers={"if-match": draft["etag"]})
    assert refused(stale)[:2] == (412, "1404-412")
    assert send(emulator, "POST", action).status == 200
    assert shown(emulator, draft["id"])["state"] == "enabled"


def test_an_active_flow_keeps_its_target_connection(emulator: Emulator) -> None:
    entity_id = made(emulator, target(), COLLECTION)["id"]
    flow = {"id": UNKNOWN, "updatedAt": 1, "state": "enabled", "targetConnectionIds": [entity_id]}
    emulator.world.store.insert(TENANT, "flows", flow)
    assert refused(send(emulator, "DELETE", f"{COLLECTION}/{entity_id}"))[:2] == (400, "1447-400")
    emulator.world.store.delete(TENANT, "flows", UNKNOWN)
    assert send(emulator, "DELETE", f"{COLLECTION}/{entity_id}").status == 204


def test_a_base_connection_under_a_flows_target_is_in_use(emulator: Emulator) -> None:
    base = made(emulator)["id"]
    under = {"targetConnections": [{"id": UNKNOWN, "baseConnection": {"id": base}}]}
    emulator.world.store.insert(TENANT, "flows", {"id": UNKNOWN, "updatedAt": 1, "inheritedAttributes": under})
    assert refused(send(emulator, "DELETE", f"/connections/{base}"))[:2] == (400, "1418-400")
