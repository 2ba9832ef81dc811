"""Schemas of the Experience Data Model: Adobe's classes and field groups, and the fields of a composed schema.

Adobe's resources are in `catalogue/xdm/global.yaml`. A resource is a mapping in the Schema Registry's form.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from mockserver.contract import documents

FILE = Path(__file__).parent.parent / "catalogue" / "xdm" / "global.yaml"
NAMESPACE = "https://ns.adobe.com/"
CONTAINERS = ("tenant", "global")
KINDS = ("schemas", "fieldgroups", "mixins", "classes", "behaviors")
"""Kinds of resources, as named in paths. Mixins are the older name of field groups."""

LIBRARY_VERSION = "1.38.2"
"""Version of the global resources in the newest samples."""

_DEEPEST = 20

MAX_FIELDS = 20_000
"""Fields and references of all parts of a composed resource (assumed). The largest of Adobe's samples has hundreds."""

Resource: TypeAlias = Mapping[str, Any]
Find: TypeAlias = Callable[[str], Resource | None]
"""Id -> resource."""


def alt_id(uri: str) -> str:
    """`meta:altId` of an `$id`: `_xdm.context.profile`. A `meta:altId` is returned unchanged."""
    return uri if uri.startswith("_") else "_" + uri.removeprefix(NAMESPACE).replace("/", ".")


def kind_of_resource(name: str) -> str:
    """The kind named by a path."""
    return "fieldgroups" if name == "mixins" else name


@functools.cache
def library() -> dict[str, dict[str, Resource]]:
    """Adobe's resources: kind -> `$id` -> resource. Read on first use."""
    found: dict[str, dict[str, Resource]] = {kind: {} for kind in KINDS}
    for kind, rows in documents.read(FILE).items():
        for row in rows:
            found[kind][row["id"]] = _resource(kind, row)
    return found


def adobe(uri: str) -> Resource | None:
    """One of Adobe's resources by its `$id` or `meta:altId`."""
    return _by_id().get(uri)


@functools.cache
def _by_id() -> dict[str, Resource]:
    return {
        name: resource
        for resources in library().values()
        for known, resource in resources.items()
        for name in (known, alt_id(known))
    }


def references(resource: Resource) -> Iterator[str]:
    """The resources that a resource is composed of, in order."""
    parts = resource.get("allOf")
    for part in parts if isinstance(parts, list) else ():
        uri = part.get("$ref") if isinstance(part, Mapping) else None
        if isinstance(uri, str) and not uri.startswith("#"):
            yield uri


def class_of(resource: Resource, find: Find) -> str | None:
    """The class of a schema: its first reference to a class, or else its first reference."""
    given = list(references(resource))
    for uri in given:
        known = find(uri)
        if (known is not None and known["meta:resourceType"] == "classes") or (known is None and "/classes/" in uri):
            return uri
    return next((uri for uri in given if find(uri) is None), None)


def extends(resource: Resource, find: Find) -> list[str]:
    """`meta:extends`: field groups, then the parents of the class, then the class, as in samples."""
    base = class_of(resource, find)
    groups = [uri for uri in references(resource) if uri != base]
    known = find(base) if base else None
    behind = list(known.get("meta:extends", ())) if known else []
    return list(dict.fromkeys([*groups, *behind, *([base] if base else ())]))


class TooManyFields(ValueError):
    """A resource is composed of more than `MAX_FIELDS` fields."""


class Composition:
    """All `properties` of a resource and of the resources it is composed of. Each is merged once."""

    def __init__(self, resource: Resource, find: Find) -> None:
        """Compose the fields. Raises TooManyFields."""
        self.fields: dict[str, Any] = {}
        self.is_whole = True
        """Whether all parts are known."""
        self._find, self._left, self._seen = find, MAX_FIELDS, set[int]()
        self._add(resource, 0)

    def _add(self, resource: Resource, depth: int) -> None:
        if depth > _DEEPEST or id(resource) in self._seen:
            return
        self._seen.add(id(resource))
        parts = _list(resource.get("allOf"))
        self._spend(len(parts))
        for part in parts:
            uri = part.get("$ref") if isinstance(part, Mapping) else None
            if not isinstance(uri, str):
                continue
            other = _local(resource, uri) if uri.startswith("#/") else self._find(uri)
            if other is not None:
                self._add(other, depth + 1)
            elif not uri.startswith("#"):
                self.is_whole = False
        own = resource.get("properties")
        if isinstance(own, Mapping):
            self._merge(self.fields, own, 0)

    def _merge(self, target: dict[str, Any], more: Mapping[str, Any], depth: int) -> None:
        self._spend(len(more))
        for name, field in more.items():
            there = target.get(name)
            inner = field.get("properties") if isinstance(field, Mapping) else None
            if isinstance(there, dict) and isinstance(there.get("properties"), dict) and isinstance(inner, Mapping):
                if depth < _DEEPEST:
                    merged = dict(there["properties"])
                    self._merge(merged, inner, depth + 1)
                    target[name] = {**there, **field, "properties": merged}
            else:
                target[name] = field

    def _spend(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise TooManyFields


def field_at(properties: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    """The field at a dotted path such as `person.name.fullName`. Below a map every path is a field."""
    field: Any = {"properties": properties}
    for step in path.split("."):
        name = step.partition("[")[0]
        if isinstance(field.get("items"), Mapping):
            field = field["items"]
        inner = field.get("properties")
        if not isinstance(inner, Mapping) or name not in inner:
            open_ended = "additionalProperties" in field or "$ref" in field or not isinstance(inner, Mapping)
            return field if open_ended and field.get("type", "object") == "object" else None
        field = inner[name]
        if not isinstance(field, Mapping):
            return None
    return field  # type: ignore[no-any-return]


def without_texts(value: Any, top: bool = True) -> Any:
    """A resource without titles and descriptions (the `-notext` forms); its own title stays."""
    if isinstance(value, Mapping):
        return {
            name: without_texts(inner, False)
            for name, inner in value.items()
            if top or name not in ("title", "description") or not isinstance(inner, str)
        }
    return [without_texts(item, False) for item in value] if isinstance(value, list) else value


def _resource(kind: str, row: Mapping[str, Any]) -> Resource:
    shown = {
        "$id": row["id"],
        "meta:altId": alt_id(row["id"]),
        "meta:resourceType": "mixins" if kind == "fieldgroups" else kind,
        "version": "1",
        "title": row["title"],
        "type": "object",
        "properties": _properties(row.get("fields", {})),
        "meta:extensible": True,
        "meta:abstract": True,
        "meta:extends": list(row.get("extends", ())),
        "meta:xdmType": "object",
        "meta:registryMetadata": {"meta:globalLibVersion": LIBRARY_VERSION},
        "meta:containerId": "global",
        "meta:tenantNamespace": "_xdm",
    }
    if "intendedToExtend" in row:
        shown["meta:intendedToExtend"] = list(row["intendedToExtend"])
    return shown


def _properties(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _field(kind) for name, kind in fields.items()}


def _field(kind: Any) -> dict[str, Any]:
    match kind:
        case Mapping():
            return {"type": "object", "properties": _properties(kind), "meta:xdmType": "object"}
        case "map":
            return {"type": "object", "additionalProperties": {"type": "array"}, "meta:xdmType": "map"}
        case "date" | "date-time":
            return {"type": "string", "format": kind, "meta:xdmType": kind}
        case "int":
            return {"type": "integer", "meta:xdmType": "int"}
        case _:
            return {"type": kind, "meta:xdmType": kind}


def _local(resource: Resource, pointer: str) -> Resource | None:
    found: Any = resource
    for step in pointer[2:].split("/"):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
