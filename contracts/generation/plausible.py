"""The document for generation, narrowed so that generated requests resemble those of real clients.

Spec ids, auth specs and params come from the server's own `GET /connectionSpecs`. Where the contract
says only `string` although not every string will do (filters, orders, paths of a patch), the good
values are listed here; other values are generated as requests to refuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.stage.kinds import POSTGRESQL

PARAMS: Mapping[str, Mapping[str, Any]] = {
    "server": {"type": "string", "pattern": r"^db[0-9]{1,3}\.example\.com$"},
    "port": {"type": "string", "pattern": "^[1-9][0-9]{1,3}$"},
    "database": {"type": "string", "pattern": "^[a-z]{1,12}$"},
    "username": {"type": "string", "pattern": "^[a-z]{1,12}$"},
    "password": {"type": "string", "pattern": "^[A-Za-z0-9]{5,20}$"},
    "connectionString": {
        "type": "string",
        "enum": ["Server=db.example.com;Database=shop;Port=5432;UID=reader;Password=xxxxxx"],
    },
}
"""Valid values of params for which connection specs only say that they are strings."""

SSL_MODE = {"type": "string", "enum": ["Disable", "Allow", "Prefer", "Verify Ca", "Verify Full"]}
"""Values of PostgreSQL. Those of other connectors are not documented."""

_BASIC = ("server", "port", "database", "username", "password")
DOCUMENTED_SPEC: Mapping[str, Any] = {
    "id": POSTGRESQL,
    "version": "1.0",
    "authSpec": [
        {
            "name": "Basic Authentication",
            "spec": {"required": list(_BASIC), "properties": {name: PARAMS[name] for name in _BASIC}},
        }
    ],
}
"""The connection spec of PostgreSQL, from its page."""

MAX_SPECS = 2
"""Maximum connection specs to generate connections for: the first with known params only."""

_FILTERS = ["state==enabled", "createdAt>=1", "updatedAt<99", "id==a,b", "id,createdAt"]
_SPEC_FILTERS = ["id==a", "name==postgre-sql", "id,name"]
_ORDERS = ["createdAt", "-createdAt", "+updatedAt", "-updatedAt,createdAt"]
QUERY: Mapping[str, Mapping[str, Any]] = {
    "Property": {"type": "array", "items": {"type": "string", "enum": _FILTERS}},
    "SpecProperty": {"type": "array", "items": {"type": "string", "enum": _SPEC_FILTERS}},
    "Orderby": {"type": "string", "enum": _ORDERS},
    "ObjectType": {"type": "string", "enum": ["root", "ROOT"]},
    "OptionalObjectType": {"type": "string", "enum": ["root", "ROOT"]},
    "ActionOp": {"type": "string", "enum": ["publish", "PUBLISH"]},
}
"""Query parameter -> schema of valid values."""

GENERATED_ONLY = {
    "getByConnectionId": ("ObjectType",),
    "exploreByConnectionSpecId": ("OptionalObjectType",),
    "performAction": ("ActionOp",),
}
"""Operation -> the only parameters to generate. The others work only in combination; our own checks cover them."""

NOT_GENERATED = frozenset({"ContinuationToken", "Count", "Mode", "SubOp", "ActiveSandboxIds", "OptionalIfMatch"})
"""Parameters not generated: tokens cannot be invented, count=true excludes limit, unknown modes are ignored."""

_SEARCH = {
    "queryString": {"type": "string", "enum": ["", *(f"property={text}" for text in _FILTERS)]},
    "limit": {"type": "integer", "minimum": 1, "maximum": 2147483647},
    "orderby": {"type": "string", "enum": _ORDERS},
}
_SPEC_SEARCH = {"queryString": {"type": "string", "enum": ["", *(f"property={text}" for text in _SPEC_FILTERS)]}}
_TEXT = {"type": "string", "minLength": 1}


def _named(*references: str, required: Sequence[str] = ("name",)) -> Mapping[str, Any]:
    """A body with generated name and description; references are inserted when it is sent."""
    named = {"name": _TEXT, "description": {"type": "string"}, **dict.fromkeys(references, True)}
    return {"type": "object", "required": list(required), "properties": named}


SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "PatchRequest": {
        "anyOf": [
            {
                "type": "array",
                "minItems": 1,
                "maxItems": 1000,
                "items": {"$ref": "#/components/schemas/PatchInstruction"},
            },
            {"$ref": "#/components/schemas/PatchInstruction"},
        ]
    },
    "PatchInstruction": {
        "type": "object",
        "required": ["op", "path", "value"],
        "properties": {
            "op": {"enum": ["add", "replace", "ADD", "REPLACE", "Add", "Replace"]},
            "path": {"enum": ["/name"]},  # a description need not be there to be replaced
            "value": _TEXT,
        },
    },
    "SearchRequest": {"type": "object", "properties": _SEARCH},
    "FlowSearchRequest": {"type": "object", "properties": _SEARCH},
    "FlowSpecSearchRequest": {"type": "object", "properties": _SPEC_SEARCH},
    "StateAction": {"type": "object", "properties": {"percentCompleted": {"type": "number"}}},
    "ConnectionSpecRequest": _named("providerId", required=("name", "providerId")),
    "FlowSpecRequest": _named("providerId", required=("name", "providerId")),
    "UpdateFlowRunRequest": {"type": "object", "properties": {"providerRefId": {"type": "string"}}},
    "CreateSourceConnectionRequest": _named("baseConnectionId", "data", "params", "connectionSpec"),
    "CreateTargetConnectionRequest": _named("data", "params", "connectionSpec", required=()),
    "CreateFlowRequest": _named(
        "flowSpec", "sourceConnectionIds", "targetConnectionIds", "transformations", "scheduleParams"
    ),
}
"""Body schema -> schema of valid bodies."""


def plausible(
    source: Mapping[str, Any], specs: Sequence[Mapping[str, Any]], *, tolerant: bool = True
) -> dict[str, Any]:
    """A copy of the document for plausible requests.

    `tolerant`: the server is known to accept unknown members.
    """
    document: dict[str, Any] = _copied(dict(source))
    parameters, schemas = document["components"]["parameters"], document["components"]["schemas"]
    for name, schema in QUERY.items():
        if name in parameters:
            parameters[name] = {key: value for key, value in parameters[name].items() if key != "example"}
            parameters[name]["schema"] = dict(schema)
    for item in document["paths"].values():
        for holder in (item, *item.values()):
            if isinstance(holder, dict) and "parameters" in holder:
                holder["parameters"] = [one for one in holder["parameters"] if _generated(one, holder, parameters)]
    for name, schema in SCHEMAS.items():
        if name in schemas:
            closed = {"additionalProperties": tolerant} if "properties" in schema else {}
            schemas[name] = {**schema, **closed}
    schemas["CreateConnectionRequest"] = _connection(specs, extras=tolerant)
    _headers_as_parameters(document)
    _drop_examples_outside(document)
    return document


def _copied(node: Any) -> Any:
    """A deep copy of a JSON value, in a fifth of the time of `copy.deepcopy`, which every run would wait for."""
    if isinstance(node, dict):
        return {name: _copied(value) for name, value in node.items()}
    return [_copied(item) for item in node] if isinstance(node, list) else node


def _headers_as_parameters(document: dict[str, Any]) -> None:
    """Add the headers for caller and sandbox as parameters of every operation, so that each is omitted in turn.

    Our own checks test their values.
    """
    schemes = document["components"]["securitySchemes"]
    keys = {name: scheme for name, scheme in schemes.items() if scheme["type"] == "apiKey"}
    headers = [
        {"name": scheme["name"], "in": "header", "required": True, "schema": {"type": "string"}}
        for scheme in keys.values()
    ]
    for item in document["paths"].values():
        item["parameters"] = [*item.get("parameters", ()), *headers]
    document["security"] = [
        {name: scopes for name, scopes in requirement.items() if name not in keys}
        for requirement in document["security"]
    ]


def _generated(parameter: Mapping[str, Any], holder: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether a parameter of an operation, or of all operations of a path, is generated: other spellings are not."""
    if "$ref" not in parameter:
        return False
    name = str(parameter["$ref"]).rpartition("/")[2]
    if known[name]["in"] == "path":
        return True
    only = GENERATED_ONLY.get(holder.get("operationId", ""))
    return name not in NOT_GENERATED and (only is None or name in only)


def _connection(specs: Sequence[Mapping[str, Any]], *, extras: bool) -> dict[str, Any]:
    """The schema of a new connection, with one branch per auth spec with known params."""
    branches: list[dict[str, Any]] = []
    for spec in sorted(specs, key=lambda spec: spec.get("id") != POSTGRESQL):
        known = {**PARAMS, "sslMode": SSL_MODE} if spec.get("id") == POSTGRESQL else PARAMS
        for auth in _auths(spec, known) if len(branches) < MAX_SPECS else ():
            branches.append(_branch(spec, auth, known, extras=extras))
    if not branches:  # the suite's own connections are of the documented spec too
        return _connection([DOCUMENTED_SPEC], extras=extras)
    common = {
        "name": _TEXT,
        "description": {"type": "string"},
        "state": {"enum": ["enabled", "disabled"]},
    }
    return {
        "anyOf": [
            {
                "type": "object",
                "required": ["name", "connectionSpec", "auth"],
                "properties": {**common, **branch},
                "additionalProperties": extras,
            }
            for branch in branches
        ]
    }


def _auths(spec: Mapping[str, Any], known: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The auth specs of a connection spec with known params. A faulty server may list anything."""
    match spec:
        case {"id": str(), "authSpec": list(auths)}:
            return [auth for auth in auths if _is_known(auth, known)]
    return []


def _is_known(auth: Any, known: Mapping[str, Any]) -> bool:
    match auth:
        case {"name": str(), "spec": {"properties": dict(names)}}:
            return bool(names) and names.keys() <= known.keys()
    return False


def _branch(
    spec: Mapping[str, Any], auth: Mapping[str, Any], known: Mapping[str, Any], *, extras: bool
) -> dict[str, Any]:
    described, given = auth["spec"]["properties"], auth["spec"].get("required")
    required = [name for name in described if name in given] if isinstance(given, list) else list(described)
    return {
        "connectionSpec": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": extras,
            "properties": {"id": {"const": spec["id"]}, "version": {"const": spec.get("version", "1.0")}},
        },
        "auth": {
            "type": "object",
            "required": ["specName", "params"],
            "additionalProperties": extras,
            "properties": {
                "specName": {"const": auth["name"]},
                "params": {
                    "type": "object",
                    "required": required,
                    "properties": {name: dict(known[name]) for name in described},
                    "additionalProperties": False,
                },
            },
        },
    }


def _drop_examples_outside(document: dict[str, Any]) -> None:
    """Remove examples of request bodies: the suite replays them itself."""
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                for content in operation.get("requestBody", {}).get("content", {}).values():
                    content.pop("examples", None)
