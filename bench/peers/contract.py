"""Our contract in forms that other tools can read, and settings for tools that read no contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from mockserver.contract import documents

_PATHS = ("/connections", "/connections/{BASE_CONNECTION_ID}")
_OLD_KEYWORDS = (
    *("$ref", "type", "format", "enum", "properties", "required", "items", "additionalProperties", "default"),
    *("allOf", "anyOf", "oneOf", "not", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"),
    *("uniqueItems", "minProperties", "maxProperties", "description"),
)
"""The keywords of OpenAPI 3.0 schemas that ours use."""
_JSON = {"Content-Type": "application/json"}


def whole() -> str:
    """The whole contract as JSON at the root, because not every tool supports YAML aliases and base paths."""
    return json.dumps(_contract())


def plain() -> str:
    """The whole contract without patterns of texts and without links between operations."""
    return json.dumps(_mapped(_contract(), _plainer))


def older() -> str:
    """The part of connections as OpenAPI 3.0 without security schemes."""
    return json.dumps(_older())


def stubs() -> str:
    """Mappings for WireMock: the contract's headers and connection schema as matchers, its examples as responses."""
    components = _older()["components"]
    schemas, examples = components["schemas"], components["examples"]

    def meant(value: dict[str, Any]) -> dict[str, Any]:
        return schemas[value["$ref"].rpartition("/")[2]] if "$ref" in value else value

    schema = _mapped(schemas["CreateConnectionRequest"], meant)
    named = {name: {"matches": ".+"} for name in ("Authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name")}
    create = {
        "method": "POST",
        "urlPath": "/connections",
        "headers": named | {"Content-Type": {"contains": "application/json"}},
        "bodyPatterns": [{"matchesJsonSchema": json.dumps(schema), "schemaVersion": "V7"}],
    }
    look_up = {"method": "GET", "urlPathPattern": "/connections/[^/]+", "headers": named}
    page = {"method": "GET", "urlPath": "/connections", "headers": named}
    answers = ((create, 201, "Receipt"), (look_up, 200, "ConnectionLookup"), (page, 200, "ConnectionPage"))
    mappings = [
        {"request": asked, "response": {"status": status, "headers": _JSON, "jsonBody": examples[name]["value"]}}
        for asked, status, name in answers
    ]
    return json.dumps({"mappings": mappings})


def crud_route() -> str:
    """A Mockoon environment with one CRUD route over an empty list."""
    route, answer, bucket = (f"00000000-0000-4000-8000-00000000000{number}" for number in range(3))
    response: dict[str, Any] = {
        **{"uuid": answer, "body": "{}", "latency": 0, "statusCode": 200, "label": "", "headers": [], "filePath": ""},
        **{"bodyType": "DATABUCKET", "databucketID": bucket, "sendFileAsBody": False, "rules": [], "callbacks": []},
        **{"rulesOperator": "OR", "disableTemplating": False, "fallbackTo404": False, "default": True, "crudKey": "id"},
    }
    crud: dict[str, Any] = {
        **{"uuid": route, "type": "crud", "documentation": "", "method": "", "endpoint": "connections"},
        **{"responses": [response], "responseMode": None, "streamingMode": None, "streamingInterval": 0},
    }
    environment: dict[str, Any] = {
        **{"uuid": bucket, "lastMigration": 33, "name": "connections", "endpointPrefix": "", "latency": 0},
        **{"port": 3000, "hostname": "", "folders": [], "routes": [crud], "proxyMode": False, "proxyHost": ""},
        **{"rootChildren": [{"type": "route", "uuid": route}], "proxyRemovePrefix": False, "cors": True},
        **{"headers": [{"key": "Content-Type", "value": "application/json"}], "callbacks": []},
        **{"proxyReqHeaders": [], "proxyResHeaders": [], "tlsOptions": {"enabled": False}},
        "data": [{"uuid": bucket, "id": bucket, "name": "connections", "documentation": "", "value": "[]"}],
    }
    return json.dumps(environment)


def empty_list() -> str:
    """A json-server database with an empty list of connections."""
    return json.dumps({"connections": []})


@cache
def _contract() -> dict[str, Any]:
    document: dict[str, Any] = documents.read(documents.contract())
    for item in document["paths"].values():
        item.pop("x-enforced", None)  # our server's own
        shared = item.pop("parameters", [])  # parameters of a path: with them MockServer matches only some operations
        for operation in (one for one in item.values() if isinstance(one, dict)):
            operation["parameters"] = [*shared, *operation.get("parameters", [])]
    return {**document, "servers": [{"url": "/"}]}


@cache
def _older() -> dict[str, Any]:
    document = json.loads(plain())
    paths = {path: document["paths"][path] for path in _PATHS}
    kept: dict[str, dict[str, Any]] = {}
    for kind, name in _referred(document, paths, set()):
        kept.setdefault(kind, {})[name] = document["components"][kind][name]
    schemas = {name: _old_schema(schema) for name, schema in kept.pop("schemas").items()}
    parts = _mapped({"paths": paths, "components": kept}, _with_old_schema)
    parts["components"]["schemas"] = schemas
    return {"openapi": "3.0.3", "info": {"title": "Flow Service", "version": "1"}, "servers": [{"url": "/"}], **parts}


def _mapped(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The value with each of its objects changed, outer objects first."""
    if isinstance(value, dict):
        return {name: _mapped(one, change) for name, one in change(value).items()}
    return [_mapped(one, change) for one in value] if isinstance(value, list) else value


def _plainer(value: dict[str, Any]) -> dict[str, Any]:
    # A member of a record may have the name pattern too; its schema is not a text.
    return {
        name: one for name, one in value.items() if name != "links" and not (name == "pattern" and isinstance(one, str))
    }


def _referred(document: Any, value: Any, seen: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Kind and name of every component that a part of the document needs."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        _referred(document, one, seen)
    if isinstance(value, dict) and isinstance(value.get("$ref"), str):
        kind, name = value["$ref"].split("/")[2:]
        if (kind, name) not in seen:
            seen.add((kind, name))
            _referred(document, document["components"][kind][name], seen)
    return seen


def _with_old_schema(value: dict[str, Any]) -> dict[str, Any]:
    return value | {"schema": _old_schema(value["schema"])} if "schema" in value else value


def _old_schema(schema: Any) -> Any:
    """A schema in the keywords of OpenAPI 3.0; others are dropped."""
    if not isinstance(schema, dict):
        return {} if schema else {"not": {}}
    old = {name: one for name, one in schema.items() if name in _OLD_KEYWORDS}
    if "const" in schema:
        old["enum"] = [schema["const"]]
    if isinstance(old.get("type"), list):
        types = [name for name in old.pop("type") if name != "null"]
        old |= {"type": types[0]} if len(types) == 1 else {}
    for name in ("allOf", "anyOf", "oneOf"):
        if name in old:
            old[name] = [_old_schema(one) for one in old[name]]
    if "properties" in old:
        old["properties"] = {name: _old_schema(one) for name, one in old["properties"].items()}
    for name in ("items", "not", "additionalProperties"):
        if isinstance(old.get(name), dict):
            old[name] = _old_schema(old[name])
    return old | ({"items": {}} if old.get("type") == "array" and "items" not in old else {})
