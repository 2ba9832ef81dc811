"""Tests of the connectors service: encryption keys, private endpoints, and connections and flows that use them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mockserver import Config, Emulator
from tests.calls import made, refused, send
from tests.dataflows import DAY, files, looked_up

KEYS = "/data/foundation/connectors/encryption/keys"
CUSTOMER_KEYS = "/data/foundation/connectors/encryption/customer-keys"
ENDPOINTS = "/data/foundation/connectors/privateEndpoints"
BLOB, SNOWFLAKE = "4c10e202-c428-4796-9208-5f1f5732b1cf", "b2e08744-4f1a-40ce-af30-7abac3e23cf3"
PAIR = {"name": "acme-encryption", "encryptionAlgorithm": "PGP", "params": {"passPhrase": "c4n4ry-phrase"}}
ENDPOINT = {
    "name": "ACME Private Endpoint",
    "subscriptionId": "4281a16a-696f-4993-a7d3-a3da32b846f3",
    "resourceGroupName": "acme-sources-experience-platform",
    "resourceName": "acmeexperienceplatform",
    "fqdns": [],
    "connectionSpec": {"id": BLOB, "version": "1.0"},
}


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(Config(seed=1))


def pair(emulator: Emulator) -> Any:
    result = send(emulator, "POST", KEYS, PAIR)
    assert result.status == 201, result
    return result.body


def test_a_pair_of_keys_is_active_for_180_days(emulator: Emulator) -> None:
    """Documented: create, look up, validate, delete of the page on encrypted ingestion."""
    key = pair(emulator)
    assert base64.b64decode(key["publicKey"]).startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
    path = f"{KEYS}/{key['publicKeyId']}"
    shown: Any = send(emulator, "GET", path).body
    assert list(shown) == ["encryptionAlgorithm", "name", "publicKeyId", "publicKey", "keyType", "expiryTime"]
    assert shown["expiryTime"] == key["expiryTime"] and send(emulator, "GET", KEYS).body == [shown]
    validate = f"{KEYS}/validate/{key['publicKeyId']}"
    assert send(emulator, "GET", validate).body == {"publicKeyId": key["publicKeyId"], "status": "Active"}
    emulator.runtime.clock.advance(181 * DAY)
    assert send(emulator, "GET", validate).body == {"publicKeyId": key["publicKeyId"], "status": "Expired"}
    assert send(emulator, "GET", KEYS, headers={"x-sandbox-name": "dev"}).body == []
    assert send(emulator, "DELETE", path).status == 204
    assert send(emulator, "GET", path).status == send(emulator, "GET", validate).status == 404


def test_a_pass_phrase_is_nowhere_to_be_seen(emulator: Emulator) -> None:
    pair(emulator)
    assert "c4n4ry-phrase" not in str(emulator.export(credentials=True))
    schema = emulator.contract.document["components"]["schemas"]["KeyPassPhrase"]
    assert schema["properties"]["passPhrase"]["format"] == "password", "by which the journal knows secrets"


@pytest.mark.parametrize(
    "changes",
    [
        {"encryptionAlgorithm": "RSA"},
        {"params": {"passPhrase": ""}},
        {"params": {}},
        {"params": None},
        {"name": 1},
    ],
)
def test_what_is_no_pair_is_refused(emulator: Emulator, changes: Any) -> None:
    assert refused(send(emulator, "POST", KEYS, {**PAIR, **changes}))[:2] == (400, "1100-400")


def test_a_customers_key_comes_in_base64(emulator: Emulator) -> None:
    body = {"name": "mine", "encryptionAlgorithm": "GPG", "publicKey": base64.b64encode(b"key").decode()}
    shared: Any = send(emulator, "POST", CUSTOMER_KEYS, body)
    assert shared.status == 201 and list(shared.body) == ["publicKeyId"]
    listed: Any = send(emulator, "GET", CUSTOMER_KEYS).body
    assert [list(one) for one in listed] == [["encryptionAlgorithm", "name", "publicKeyId", "publicKey", "keyType"]]
    wrong = refused(send(emulator, "POST", CUSTOMER_KEYS, {**body, "publicKey": "not base64!"}))
    assert wrong == (400, "1100-400", "/publicKey")


def test_a_flow_of_encrypted_files_names_keys(emulator: Emulator) -> None:
    """Documented: the flow of the page on encrypted ingestion, with a key to verify signatures."""
    body = files(emulator)
    params = {
        "publicKeyId": pair(emulator)["publicKeyId"],
        "signVerificationKeyId": "e31ae895-7896-469a-8e06-eb9207ddf1c2",
    }
    body["transformations"] = [*body["transformations"], {"name": "Encryption", "params": params}]
    flow = looked_up(emulator, f"/flows/{made(emulator, body, '/flows')['id']}")
    assert flow["transformations"][-1]["params"] == params


def test_a_private_endpoint_is_approved_once_a_connection_uses_it(emulator: Emulator) -> None:
    """Documented: the responses on the page on private links. Assumed: use approves it."""
    endpoint: Any = send(emulator, "POST", f"{ENDPOINTS}/", ENDPOINT)
    assert endpoint.status == 201 and endpoint.body["state"] == "Pending"
    other = {**ENDPOINT, "connectionSpec": {"id": SNOWFLAKE, "version": "1.0"}}
    assert send(emulator, "POST", ENDPOINTS, other).status == 201
    endpoint_id = endpoint.body["id"]
    params = {"connectionString": "{CONNECTION_STRING}", "usePrivateLink": True, "privateEndpointId": endpoint_id}
    spec = {"id": BLOB, "version": "1.0"}
    auth = {"specName": "ConnectionString", "params": params}
    connection = made(emulator, {"name": "acme-e2e", "auth": auth, "connectionSpec": spec}, "/connections/")
    shown: Any = send(emulator, "GET", f"{ENDPOINTS}/{endpoint_id}").body
    assert [one["state"] for one in shown["items"]] == ["Approved"]
    by_spec: Any = send(emulator, "GET", f"{ENDPOINTS}?property=connectionSpec.id=={BLOB}").body
    asked = {"auth": auth, "connectionSpec": spec}
    resolved: Any = send(emulator, "GET", f"{ENDPOINTS}?op=autoResolve", asked).body
    assert by_spec == resolved == shown
    for condition in (f"privateEndpointId=={endpoint_id}", "usePrivateLink==true"):
        found: Any = send(emulator, "GET", f"/connections?property=auth.params.{condition}").body
        assert [one["id"] for one in found["items"]] == [connection["id"]]
        assert found["items"][0]["lastOperation"] == {"started": 0, "updated": 0, "operation": "create"}
    assert send(emulator, "DELETE", f"{ENDPOINTS}/{endpoint_id}").status == 200
    assert send(emulator, "GET", f"{ENDPOINTS}/{endpoint_id}").status == 404


# documented: the page's sources, each with one of its auth specs
@pytest.mark.parametrize(
    ("spec_id", "auth"),
    [
        (BLOB, {"specName": "ConnectionString", "params": {"connectionString": "{STRING}"}}),
        (SNOWFLAKE, {"specName": "ConnectionString", "params": {"connectionString": "{STRING}"}}),
    ],
)
def test_a_connection_by_a_private_link_says_so(emulator: Emulator, spec_id: str, auth: Any) -> None:
    linked = {**auth, "params": {**auth["params"], "usePrivateLink": True}}
    body = {"name": "linked", "auth": linked, "connectionSpec": {"id": spec_id, "version": "1.0"}}
    shown = looked_up(emulator, f"/connections/{made(emulator, body)['id']}")
    assert shown["auth"]["params"]["usePrivateLink"] is True and "lastOperation" in shown
    wrong = {**body, "auth": {**linked, "params": {**linked["params"], "usePrivateLink": "perhaps"}}}
    assert refused(send(emulator, "POST", "/connections", wrong))[0] == 400


def test_interactive_authoring_ends_by_itself(emulator: Emulator) -> None:
    path = f"{ENDPOINTS}/interactiveAuthoring"
    assert send(emulator, "GET", path).body == {"status": "Disabled"}
    for minutes in (60, 5):
        enabled = send(emulator, "POST", f"{path}?op=enable", {"autoTerminationMinutes": minutes})
        assert enabled.status == 202
    assert send(emulator, "GET", path).body == {"status": "Enabled"}
    emulator.runtime.clock.advance(6 * 60_000)
    assert send(emulator, "GET", path).body == {"status": "Disabled"}
    assert send(emulator, "POST", f"{path}?op=enable", {"autoTerminationMinutes": 121}).status == 400


@pytest.mark.parametrize("name", sorted(ENDPOINT))
def test_an_endpoint_is_complete(emulator: Emulator, name: str) -> None:
    body = {key: value for key, value in ENDPOINT.items() if key != name}
    assert send(emulator, "POST", ENDPOINTS, body).status == (201 if name == "fqdns" else 400)


def test_keys_and_endpoints_move_with_the_state(emulator: Emulator) -> None:
    pair(emulator)
    send(emulator, "POST", ENDPOINTS, ENDPOINT)
    send(emulator, "POST", f"{ENDPOINTS}/interactiveAuthoring?op=enable", {"autoTerminationMinutes": 60})
    other = Emulator(Config(seed=1))
    other.restore(emulator.export())
    for path in (KEYS, ENDPOINTS, f"{ENDPOINTS}/interactiveAuthoring"):
        assert send(other, "GET", path).body == send(emulator, "GET", path).body
