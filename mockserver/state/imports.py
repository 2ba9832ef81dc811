"""Checks imported records against the contract and against schemas of their internal members.

Handlers rely on these members. A record without them would turn later requests into server errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mockserver.contract import Contract
from mockserver.contract.schema import SchemaCheck
from mockserver.exchange import Violation, departure
from mockserver.state.records import Change, Doc

_COMPUTED = {"/inheritedAttributes", "/runs", "/metrics", "/activities"}
"""Members that are computed for responses, so that stored records need not have them."""

_TIME = {"type": ["integer", "null"]}
_NUMBERS = {"type": "integer", "minimum": 0}
_TEXT = {"type": ["string", "null"]}

_STAMPS = (
    *("createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient"),
    *("sandboxId", "sandboxName", "imsOrgId"),
)
"""Members of every record of the neighbouring services."""

_INTERNAL: dict[str, dict[str, Any]] = {
    "flows": {
        "required": ["provider", "inheritedAttributes"],
        "properties": {
            "inheritedAttributes": {
                "type": "object",
                "required": ["properties"],
                "properties": {"properties": {"type": "object"}},
            },
            "provider": {
                "type": "object",
                "required": ["activeMs", "scheduled", "baseConnectionId", "connectionSpec", "object"],
                "properties": {
                    "activeMs": {"type": "integer"},
                    "scheduled": {"type": "boolean"},
                    "baseConnectionId": _TEXT,
                    "connectionSpec": {"type": "object", "required": ["id"]},
                    "object": _TEXT,
                },
            },
        },
    },
    "runs": {
        "required": ["span", "course", "state"],
        "properties": {
            "state": {"type": "string"},
            "span": {
                "type": "array",
                "minItems": 4,
                "maxItems": 4,
                "prefixItems": [_TIME, {"type": "integer"}, _TEXT, {"type": "boolean"}],
            },
            "course": {
                "type": "array",
                "minItems": 9,
                "maxItems": 9,
                "prefixItems": [*[{"type": "integer"}] * 3, *[_NUMBERS] * 4, _TEXT, {"type": "string"}],
            },
            "reported": {"type": "object"},
            "entities": {"type": "array", "items": {"type": "string"}},
        },
    },
    "flowProgress": {
        "required": ["runs", "lastMs", "latest", "ahead"],
        "properties": {
            "runs": _NUMBERS,
            "lastMs": _TIME,
            "latest": _TEXT,
            "deltaColumn": _TEXT,
            "exported": {"type": "object", "additionalProperties": {"type": "integer"}},
            "ahead": {
                "type": "array",
                "items": {
                    "type": "array",
                    "minItems": 2,
                    "maxItems": 2,
                    "prefixItems": [
                        {"type": "string"},
                        {
                            "type": "array",
                            "items": {
                                "type": "array",
                                "minItems": 2,
                                "maxItems": 2,
                                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                            },
                        },
                    ],
                },
            },
        },
    },
    "xdmResources": {
        "required": ["body", *_STAMPS],
        "properties": {
            "body": {
                "type": "object",
                "required": ["$id", "meta:resourceType", "meta:extends", "title", "version"],
                "properties": {
                    "$id": {"type": "string"},
                    "meta:resourceType": {"enum": ["schemas", "mixins", "classes"]},
                    "meta:extends": {"type": "array", "items": {"type": "string"}},
                    "title": {"type": "string"},
                    "version": {"type": "string", "pattern": r"^[0-9]+\.[0-9]+$"},
                },
            },
        },
    },
    "dataSets": {
        "required": ["body", *_STAMPS],
        "properties": {
            "body": {
                "type": "object",
                "required": ["name", "version"],
                "properties": {
                    "name": {"type": "string"},
                    "version": {"type": "string", "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$"},
                },
            },
        },
    },
    "mappingSets": {
        "required": ["body", *_STAMPS],
        "properties": {
            "body": {
                "type": "object",
                "required": ["version", "sent"],
                "properties": {
                    "version": _NUMBERS,
                    "sent": {
                        "type": "object",
                        "required": ["mappings"],
                        "properties": {"mappings": {"type": "array", "items": {"type": "object"}}},
                    },
                },
            },
        },
    },
    "encryptionKeys": {
        "required": ["body", *_STAMPS],
        "properties": {
            "body": {
                "type": "object",
                "required": ["encryptionAlgorithm", "publicKey", "expiryTime"],
                "properties": {"expiryTime": {"type": "string", "pattern": "^[0-9]{1,12}$"}},
            },
        },
    },
    "customerKeys": {
        "required": ["body", *_STAMPS],
        "properties": {
            "body": {
                "type": "object",
                "required": ["encryptionAlgorithm", "publicKey"],
                "properties": {"expiryTime": False},
            },
        },
    },
    "landingZones": {
        "required": ["body", *_STAMPS],
        "properties": {
            "body": {
                "type": "object",
                "required": ["count", "atMs"],
                "properties": {name: {"type": "integer", "minimum": 0} for name in ("count", "atMs")},
            },
        },
    },
    "privateEndpoints": {
        "required": ["body", *_STAMPS],
        "properties": {
            "body": {
                "type": "object",
                "required": ["name", "connectionSpec"],
                "properties": {"connectionSpec": {"type": "object", "required": ["id"]}},
            },
        },
    },
    "interactiveAuthoring": {
        "required": ["body", *_STAMPS],
        "properties": {
            "body": {
                "type": "object",
                "required": ["untilMs"],
                "properties": {"untilMs": {"type": "integer"}},
            },
        },
    },
    "connectionSpecs": {"required": ["spec"], "properties": {"spec": {"type": "object"}}},
    "flowSpecs": {"required": ["spec"], "properties": {"spec": {"type": "object"}}},
}
"""kind -> schema of the members that clients do not see."""


def check(contract: Contract, changes: Iterable[Change]) -> None:
    """Check records. Raises ValueError that names the first invalid member, but repeats no value."""
    shown = dict(_lookups(contract))
    internal = {kind: SchemaCheck.of({"type": "object", **schema}) for kind, schema in _INTERNAL.items()}
    for number, change in enumerate(changes):
        where, doc = f"/records/{number}", change.doc
        assert doc is not None
        if change.kind not in shown and change.kind not in internal:
            raise ValueError(f"{where}/kind: expected one of {', '.join(sorted({*shown, *internal}))}")
        for found in _violations(change.kind, doc, shown, internal):
            raise ValueError(departure("Member", f"{where}/doc{found.pointer}", found.expected, found.came))
        for name, value in (("imsOrgId", change.tenant.org), ("sandboxName", change.tenant.sandbox)):
            if change.kind in shown and doc.get(name, value) != value:
                raise ValueError(f"{where}/doc/{name}: expected the org and sandbox of the record")


def check_shown(contract: Contract, kind: str, doc: Doc) -> None:
    """Check what a client sees of an entity. Raises ValueError that names the first invalid member."""
    for found in _violations(kind, doc, dict(_lookups(contract)), {}):
        raise ValueError(departure("Member", found.pointer, found.expected, found.came))


def _lookups(contract: Contract) -> Iterator[tuple[str, SchemaCheck]]:
    """Kind -> check of the lookup response, which has one entity in `items`."""
    for operation in contract.operations.values():
        match operation.segments:
            case (kind, key) if operation.method == "GET" and key.startswith("{"):
                answer = operation.responses.get("200")
                if answer is not None:
                    yield kind, answer


def _violations(
    kind: str, doc: Doc, shown: Mapping[str, SchemaCheck], internal: Mapping[str, SchemaCheck]
) -> Iterator[Violation]:
    if kind in internal:
        yield from internal[kind].violations(dict(doc), "body")
    if kind not in shown:
        return
    inside = {**doc, **doc["spec"]} if kind in ("connectionSpecs", "flowSpecs") else dict(doc)
    for violation in shown[kind].violations({"items": [inside]}, "body"):
        at = violation.pointer.removeprefix("/items/0")
        if violation.keyword != "required" or at not in _COMPUTED:
            yield Violation("body", at, violation.keyword, violation.expected, violation.came)
