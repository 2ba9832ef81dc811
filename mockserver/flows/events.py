"""Streaming validation: whether an event fits a schema that was made here. The report's form is that of its page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mockserver.exchange import Tenant
from mockserver.flows import schemas
from mockserver.json_input import Json
from mockserver.secrecy import repeatable
from mockserver.world import World

MAX_VIOLATIONS = 5
"""After five errors the service stops looking at a message (documented)."""

MAX_SCHEMAS = 20
"""Maximum schemas that the events of one request may have (assumed)."""

_FOUND = {str: "String", bool: "Boolean", int: "Long", float: "Double", list: "JSONArray", dict: "JSONObject"}
_WANTED: dict[str, tuple[str, tuple[type, ...]]] = {
    "string": ("String", (str,)),
    "boolean": ("Boolean", (bool,)),
    "integer": ("Integer", (int,)),
    "number": ("Number", (int, float)),
    "array": ("JSONArray", (list,)),
    "object": ("JSONObject", (dict,)),
}


class Validation:
    """Validates the events of one request. Each schema is composed once, and only so many are."""

    def __init__(self, world: World, tenant: Tenant) -> None:
        self._world, self._tenant = world, tenant
        self._fields: dict[str, Mapping[str, Any] | None] = {}

    def violations(self, schema_id: str, entity: Mapping[str, Any]) -> Iterator[Json]:
        """The violations of an event, at most five; none if its schema is not known here.

        Raises TooManySchemas.
        """
        if schema_id not in self._fields:
            if len(self._fields) == MAX_SCHEMAS:
                raise TooManySchemas
            self._fields[schema_id] = schemas.fields(self._world, self._tenant, schema_id)
        fields = self._fields[schema_id]
        found = iter(()) if fields is None else _of_object(fields, entity, "")
        for _, violation in zip(range(MAX_VIOLATIONS), found, strict=False):
            yield violation


class TooManySchemas(ValueError):
    """The events of one request have more than `MAX_SCHEMAS` schemas."""


def report(found: Iterable[Json]) -> Json:
    """`cause` of a refusal."""
    causes = list(found)
    whole: Json = {
        "schemaLocation": "#",
        "pointerToViolation": "#",
        "causingExceptions": causes,
        "message": f"{len(causes)} schema violations found",
    }
    return {"_streamingValidation": [whole]}


def _of_object(fields: Mapping[str, Any], value: Mapping[str, Any], at: str) -> Iterator[Json]:
    for name, inner in value.items():
        field = fields.get(name)
        if field is None:
            message = f"extraneous key [{repeatable(name)}] is not permitted"
            yield _violation(at, "additionalProperties", message)
        elif isinstance(field, Mapping):
            yield from _of_field(field, inner, f"{at}/{name}")


def _of_field(field: Mapping[str, Any], value: Json, at: str) -> Iterator[Json]:
    wanted = _WANTED.get(str(field.get("type")))
    if wanted is None:
        return
    if type(value) not in wanted[1]:
        yield _violation(at, "type", f"expected type: {wanted[0]}, found: {_FOUND.get(type(value), 'Null')}")
        return
    inner = field.get("properties")
    if isinstance(value, dict) and isinstance(inner, Mapping) and inner:
        yield from _of_object(inner, value, at)


def _violation(at: str, keyword: str, message: str) -> Json:
    place = "#/properties" + at.replace("/", "/properties/", 1)[len("/properties") :] if at else "#"
    return {
        "schemaLocation": place,
        "pointerToViolation": f"#{at}",
        "causingExceptions": [],
        "keyword": keyword,
        "message": message,
    }
