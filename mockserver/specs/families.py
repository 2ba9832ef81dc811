"""Families of connectors, which share parts of their connection specs: `sourceSpec`, `exploreSpec`, permissions.

A family determines what explore returns: tables, files, a resource, streamed tables, or nothing.
Shapes are those of the specs that Adobe prints: facts §8.2 for tables, the draft tutorial's Azure File Storage for
files, the templates of the Sources SDK for resources and for streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DRAFT_07 = "http://json-schema.org/draft-07/schema#"

_STRING = {"type": "string"}
_BOOLEAN = {"type": "boolean"}


def object_schema(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """A JSON Schema object, in the member order of Adobe's samples."""
    return {"type": "object", "properties": dict(properties)} | ({"required": list(required)} if required else {})


def array_schema(items: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema array."""
    return {"type": "array", "items": dict(items)}


def document(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A standalone schema, which names its dialect: draft-07, as everywhere in the service."""
    return {"$schema": DRAFT_07, **schema}


def _when(object_type: str, properties: Mapping[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    """The schema of further parameters for one `objectType` of explore."""
    return {
        "if": {"properties": {"objectType": {"enum": [object_type]}}},
        "then": {"properties": dict(properties), "required": list(required)},
    }


def _explore(name: str, types: list[str], branches: list[Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    request = object_schema({"objectType": {"type": "string", "enum": types}})
    return {
        "name": name,
        "type": name,
        "requestSpec": document({**request, "allOf": branches}),
        "responseSpec": dict(answers),
    }


def _preview(column: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of the response for a table or file: its columns and, on request, its first rows."""
    columns = object_schema({"columns": array_schema(column)})
    return document(object_schema({"format": _STRING, "schema": columns, "data": array_schema({"type": "object"})}))


_COLUMN = {"name": _STRING, "type": _STRING}
_TABLE_COLUMN = {**_COLUMN, "meta": {"type": "object", "originalType": _STRING}}
_ITEMS = document(
    array_schema(
        object_schema(
            {"type": _STRING, "name": _STRING, "path": _STRING, "canPreview": _BOOLEAN, "canFetchSchema": _BOOLEAN}
        )
    )
)

_TABLE_PARAMS = object_schema(
    {"tableName": _STRING, "columns": array_schema(object_schema(_TABLE_COLUMN, ("name", "type", "meta")))},
    ("tableName", "columns"),
)
_TABLES = _explore(
    "Tabular",
    ["table", "root"],
    [_when("table", {"object": _STRING, "preview": _BOOLEAN}, ("object",))],
    {"root": _ITEMS, "table": _preview(object_schema(_TABLE_COLUMN))},
)

_FILE_PARAMS = object_schema({"path": _STRING, "recursive": _BOOLEAN}, ("path",))
_DELIMITED = {"type": "string", "enum": ["delimited"]}
_FILES = _explore(
    "FileSystem",
    ["file", "folder", "root"],
    [
        _when("file", {"object": _STRING, "fileType": _DELIMITED, "preview": _BOOLEAN}, ("object", "fileType")),
        _when("folder", {"object": _STRING}, ("object",)),
    ],
    {"root": _ITEMS, "folder": _ITEMS, "file": {"delimited": _preview(object_schema(_COLUMN))}},
)

_RESOURCE = {
    "name": "Resource",
    "type": "Resource",
    "requestSpec": document({"type": "object"}),
    "responseSpec": _preview(object_schema(_COLUMN)),
}


@dataclass(frozen=True, slots=True)
class Family:
    """The shared parts of connection specs. A connector adds its names and auth specs."""

    source_name: str | None
    source_params: Mapping[str, Any] | None
    explore: Mapping[str, Any]
    permission: str | None
    """The subject of the spec's permissions; None if undocumented."""
    api_features: Mapping[str, bool]
    drafts: bool
    """Whether the spec announces drafts: documented for file storage, assumed for the others."""
    source: bool = True
    """Whether data can be ingested from it. The platform's own stores are targets or exports."""
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Params that every auth spec of the family accepts without listing them."""

    def source_spec(self, ui_attributes: Mapping[str, Any]) -> dict[str, Any]:
        """`sourceSpec` with a connector's own `uiAttributes`."""
        spec: dict[str, Any] = {}
        if self.source_name and self.source_params:
            spec = {"name": self.source_name, "type": self.source_name, "spec": document(self.source_params)}
        return {**spec, "attributes": {"uiAttributes": dict(ui_attributes)}}

    def permissions(self) -> dict[str, Any]:
        """`permissionsInfo`, its members as arrays (facts §8.2)."""
        return {
            action: [{"@type": "lowLevel", "name": self.permission, "permissions": [right]}]
            for action, right in (("manage", "write"), ("view", "read"))
        }


_NO_PAGING = {"explorePaginationSupported": False}

_DESTINATION_PARAMS = {
    # the file-based page has the key for exported files beside the credentials; samples show its creation date
    "encryptionSpecs": {"type": "object", "listed": False},
    "authorizedDate": {"type": "string", "readOnly": True, "shows": "{created}"},
}

FAMILIES: dict[str, Family] = {
    "database": Family("Database", _TABLE_PARAMS, _TABLES, "EnterpriseSource", _NO_PAGING, drafts=True),
    "crm": Family("CRM", _TABLE_PARAMS, _TABLES, "EnterpriseSource", _NO_PAGING, drafts=True),
    "storage": Family("CloudStorage", _FILE_PARAMS, _FILES, "EnterpriseSource", _NO_PAGING, drafts=True),
    "rest": Family(None, None, _RESOURCE, "EnterpriseSource", _NO_PAGING, drafts=True),
    "streaming": Family(
        None, None, {"type": "StreamingConnection"}, "StreamingSource", {"updateSupported": False}, drafts=False
    ),
    "table-stream": Family(
        "Database", _TABLE_PARAMS, _TABLES, "StreamingSource", {"updateSupported": False}, drafts=False
    ),
    "lake": Family(None, None, {}, "Dataset", _NO_PAGING, drafts=False, source=False),
    "platform": Family(None, None, {}, "EnterpriseSource", _NO_PAGING, drafts=False, source=False),
    "destination": Family(None, None, {}, None, {}, drafts=False, source=False, params=_DESTINATION_PARAMS),
}
"""Name -> family. Every connector's file names one."""
