"""Keys for encrypted files: key pairs of the platform, and public keys shared by customers.

Shapes are those of the page on encrypted ingestion. Nothing is encrypted: a public key is well-formed text that
belongs to no private key. Pass phrases are neither stored nor shown.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from mockserver.errors import ApiError, rejected
from mockserver.exchange import Request, Result
from mockserver.resources import _nearby, operation
from mockserver.secrecy import repeatable
from mockserver.state.records import Doc
from mockserver.world import World

KEYS, CUSTOMER_KEYS = "encryptionKeys", "customerKeys"
_LIFE_SECONDS = 180 * 86_400
"""Lifetime of a key pair (documented)."""


@operation("createEncryptionKey")
def create_encryption_key(world: World, request: Request) -> Result:
    """Create a key pair; answers its public key, id and expiry time."""
    sent: Any = request.body
    expiry = str(world.runtime.clock.now_ms() // 1000 + _LIFE_SECONDS)
    body = {name: sent[name] for name in ("name", "encryptionAlgorithm") if name in sent}

    def draw() -> tuple[str, dict[str, Any]]:
        key_id = world.runtime.new_id(KEYS)
        return key_id, {**body, "publicKey": _made_up(key_id), "expiryTime": expiry}

    key_id = _nearby.create(world, request, KEYS, draw)["id"]
    return Result(201, {"publicKey": _made_up(key_id), "publicKeyId": key_id, "expiryTime": expiry})


@operation("listEncryptionKeys")
def list_encryption_keys(world: World, request: Request) -> Result:
    """All key pairs, newest first."""
    return Result(200, [_shown(doc) for doc in _nearby.every(world, request, KEYS)])


@operation("retrieveEncryptionKey")
def retrieve_encryption_key(world: World, request: Request) -> Result:
    """One key pair."""
    return Result(200, _shown(_key(world, request)))


@operation("deleteEncryptionKey")
def delete_encryption_key(world: World, request: Request) -> Result:
    """Delete a key pair. Flows that use it stay."""
    _nearby.drop(world, request, KEYS, _key(world, request))
    return Result(204)


@operation("validateEncryptionKey")
def validate_encryption_key(world: World, request: Request) -> Result:
    """The state of a key pair: Active or Expired."""
    doc = _key(world, request)
    expired = world.runtime.clock.now_ms() // 1000 >= int(doc["body"]["expiryTime"])
    return Result(200, {"publicKeyId": doc["id"], "status": "Expired" if expired else "Active"})


@operation("createCustomerKey")
def create_customer_key(world: World, request: Request) -> Result:
    """Store a customer's public key for verifying signatures; it is sent in Base64."""
    sent: Any = request.body
    try:
        base64.b64decode(sent["publicKey"], validate=True)
    except (binascii.Error, ValueError):
        raise rejected("/publicKey", "a key in Base64", "another text") from None
    body = {name: sent[name] for name in ("name", "encryptionAlgorithm", "publicKey") if name in sent}
    doc = _nearby.create(world, request, CUSTOMER_KEYS, lambda: (world.runtime.new_id(CUSTOMER_KEYS), body))
    return Result(201, {"publicKeyId": doc["id"]})


@operation("listCustomerKeys")
def list_customer_keys(world: World, request: Request) -> Result:
    """All shared public keys, newest first."""
    return Result(200, [_shown(doc) for doc in _nearby.every(world, request, CUSTOMER_KEYS)])


def _key(world: World, request: Request) -> Doc:
    wanted = request.path["PUBLIC_KEY_ID"]
    doc = _nearby.find(world, request, KEYS, wanted)
    if doc is None:
        raise ApiError("not_found", type="encryption key", id=repeatable(wanted))
    return doc


def _shown(doc: Doc) -> dict[str, Any]:
    body = doc["body"]
    shown = {
        "encryptionAlgorithm": body["encryptionAlgorithm"],
        "name": body.get("name", ""),
        "publicKeyId": doc["id"],
        "publicKey": body["publicKey"],
        "keyType": "PLATFORM" if "expiryTime" in body else "CUSTOMER",
    }
    return {**shown, "expiryTime": body["expiryTime"]} if "expiryTime" in body else shown


def _made_up(key_id: str) -> str:
    lines = ["-----BEGIN PGP PUBLIC KEY BLOCK-----", "", key_id, "-----END PGP PUBLIC KEY BLOCK-----"]
    return base64.b64encode("\n".join(lines).encode()).decode()
