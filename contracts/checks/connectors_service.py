"""Checks of the connectors service: encryption keys and private endpoints."""

from __future__ import annotations

from typing import Any

from contracts.findings.verdicts import among, expect, same, untestable
from contracts.registry import check
from contracts.stage import Stage
from contracts.stage.expectations import refused, succeeded
from contracts.stage.offers import lacks

KEYS = "/data/foundation/connectors/encryption/keys"
CUSTOMER_KEYS = "/data/foundation/connectors/encryption/customer-keys"
ENDPOINTS = "/data/foundation/connectors/privateEndpoints"
AUTHORING = ENDPOINTS + "/interactiveAuthoring"
_PAIRS = (
    *("createEncryptionKey", "listEncryptionKeys", "retrieveEncryptionKey"),
    *("validateEncryptionKey", "deleteEncryptionKey"),
)
_ENDPOINTS = ("createPrivateEndpoint", "listPrivateEndpoints", "retrievePrivateEndpoint", "deletePrivateEndpoint")
_BLOB = {"id": "4c10e202-c428-4796-9208-5f1f5732b1cf", "version": "1.0"}


@check("connectors.keys", operations=_PAIRS)
def a_pair_of_keys_is_active_until_it_is_deleted(stage: Stage) -> None:
    """A key pair is listed and looked up until it is deleted. Its pass phrase is never returned."""
    body = {"name": stage.name("key"), "encryptionAlgorithm": "PGP", "params": {"passPhrase": stage.canary}}
    made = succeeded(stage.call("POST", KEYS, body), 201)
    path = f"{KEYS}/{made['publicKeyId']}"
    expect(int(made["expiryTime"]) > 0 and bool(made["publicKey"]), "a key without its text or its end")
    same(succeeded(stage.call("GET", path))["publicKey"], made["publicKey"], "public key looked up")
    listed = succeeded(stage.call("GET", KEYS))
    among(made["publicKeyId"], [one["publicKeyId"] for one in listed], "ids of the list with a new key")
    status = succeeded(stage.call("GET", f"{KEYS}/validate/{made['publicKeyId']}"))
    same(status, {"publicKeyId": made["publicKeyId"], "status": "Active"}, "validation")
    deleted = stage.call("DELETE", path)
    same(deleted.status, 204, "status of the deletion")
    same(stage.call("GET", path).status, 404, "status of a key that was deleted")


@check("connectors.keys-refused", operations=("createEncryptionKey",))
def a_pair_of_keys_has_an_algorithm_and_a_pass_phrase(stage: Stage) -> None:
    """A key pair needs the algorithm PGP or GPG and a non-empty pass phrase."""
    good: dict[str, Any] = {"encryptionAlgorithm": "PGP", "params": {"passPhrase": "x"}}
    wrongs: tuple[dict[str, Any], ...] = (
        {"encryptionAlgorithm": "RSA"},
        {"params": {"passPhrase": ""}},
        {"params": {}},
    )
    for wrong in wrongs:
        refused(stage.call("POST", KEYS, {**good, **wrong}), 400)


@check("connectors.customer-keys", lasting=True, operations=("createCustomerKey", "listCustomerKeys"))
def a_shared_key_is_listed(stage: Stage) -> None:
    """A shared key is listed under the id returned by its creation."""
    body = {"name": stage.name("key"), "encryptionAlgorithm": "GPG", "publicKey": "LS0tLS1CRUdJTg=="}
    made = succeeded(stage.call("POST", CUSTOMER_KEYS, body), 201)
    listed = succeeded(stage.call("GET", CUSTOMER_KEYS))
    among(made["publicKeyId"], [one["publicKeyId"] for one in listed], "ids of the list with a shared key")


@check("connectors.private-endpoints", operations=_ENDPOINTS)
def a_private_endpoint_is_pending_until_it_is_used(stage: Stage) -> None:
    """A private endpoint is listed for its connection spec, looked up in `items`, and deleted."""
    place = {"subscriptionId": "s", "resourceGroupName": "g", "resourceName": "r", "fqdns": []}
    body = {"name": stage.name("endpoint"), **place, "connectionSpec": _BLOB}
    answer = stage.call("POST", ENDPOINTS, body)
    if reason := lacks(answer, body, stage.call):
        untestable(reason)
    made = succeeded(answer, 201)
    path = f"{ENDPOINTS}/{made['id']}"
    same(made["state"], "Pending", "state of a new endpoint")
    same(succeeded(stage.call("GET", path))["items"], [made], "the endpoint looked up")
    listed = succeeded(stage.call("GET", f"{ENDPOINTS}?property=connectionSpec.id=={_BLOB['id']}"))["items"]
    expect(made in listed, "the list for its connection spec lacks it")
    other = succeeded(stage.call("GET", f"{ENDPOINTS}?property=connectionSpec.id==none"))["items"]
    expect(made not in other, "the list for another connection spec has it")
    deleted = stage.call("DELETE", path)
    same(deleted.status, 200, "status of the deletion")
    same(stage.call("GET", path).status, 404, "status of an endpoint that was deleted")


@check("connectors.authoring", lasting=True, operations=("enableInteractiveAuthoring", "retrieveInteractiveAuthoring"))
def interactive_authoring_is_enabled_for_a_time(stage: Stage) -> None:
    """Interactive authoring can be enabled for up to two hours."""
    refused(stage.call("POST", AUTHORING + "?op=enable", {"autoTerminationMinutes": 121}), 400)
    same(stage.call("POST", AUTHORING + "?op=enable", {"autoTerminationMinutes": 1}).status, 202, "status")
    status = succeeded(stage.call("GET", AUTHORING))["status"]
    expect(status in ("Enabling", "Enabled"), f"interactive authoring is {status} after it was enabled")
