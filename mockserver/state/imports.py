"""What a record from outside must be like to be let in: what the contract says of its kind, and what we keep beside.

A record is shown to clients and worked with by handlers, so one that lacks what they rely on would
make every later call a failure of the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mockserver.contract import Contract
from mockserver.contract.schema import SchemaCheck
from mockserver.exchange import Violation, departure
from mockserver.state.records import Change, Doc

_MADE = {"/inheritedAttributes", "/runs", "/metrics", "/activities"}
"""Members that an answer has and a record need not: they are made when it is shown."""

_MOMENT = {"type": ["integer", "null"]}
_NUMBERS = {"type": "integer", "minimum": 0}
_TEXT = {"type": ["string", "null"]}

_STAMPS = (
    *("createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient"),
    *("sandboxId", "sandboxName", "imsOrgId"),
)
"""What every record of a service next door has."""

_KEPT: dict[str, dict[str, Any]] = {
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
                "prefixItems": [_MOMENT, {"type": "integer"}, _TEXT, {"type": "boolean"}],
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
            "lastMs": _MOMENT,
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
"""kind -> what its records keep that no client sees."""


def check(contract: Contract, changes: Iterable[Change]) -> None:
    """Raises ValueError for the first record that is not what its kind demands, by place and never with a value."""
    shown = dict(_lookups(contract))
    kept = {kind: SchemaCheck.of({"type": "object", **schema}) for kind, schema in _KEPT.items()}
    for number, change in enumerate(changes):
        where, doc = f"/records/{number}", change.doc
        assert doc is not None
        if change.kind not in shown and change.kind not in kept:
            raise ValueError(f"{where}/kind: expected one of {', '.join(sorted({*shown, *kept}))}")
        for found in _violations(change.kind, doc, shown, kept):
            raise ValueError(departure("Member", f"{where}/doc{found.pointer}", found.expected, found.came))
        for name, value in (("imsOrgId", change.tenant.org), ("sandboxName", change.tenant.sandbox)):
            if change.kind in shown and doc.get(name, value) != value:
                raise ValueError(f"{where}/doc/{name}: expected the org and sandbox of the record")


def _lookups(contract: Contract) -> Iterator[tuple[str, SchemaCheck]]:
    """Kind -> what the contract says of one entity looked up, wrapped in `items`."""
    for operation in contract.operations.values():
        match operation.segments:
            case (kind, key) if operation.method == "GET" and key.startswith("{"):
                answer = operation.responses.get("200")
                if answer is not None:
                    yield kind, answer


def _violations(
    kind: str, doc: Doc, shown: Mapping[str, SchemaCheck], kept: Mapping[str, SchemaCheck]
) -> Iterator[Violation]:
    if kind in kept:
        yield from kept[kind].violations(dict(doc), "body")
    if kind not in shown:
        return
    inside = {**doc, **doc["spec"]} if kind in ("connectionSpecs", "flowSpecs") else dict(doc)
    for violation in shown[kind].violations({"items": [inside]}, "body"):
        at = violation.pointer.removeprefix("/items/0")
        if violation.keyword != "required" or at not in _MADE:
            yield Violation("body", at, violation.keyword, violation.expected, violation.came)
