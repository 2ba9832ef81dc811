"""Target specs: the params of target connections, such as the path and file format of a destination.

A connector's file lists the params. Those shared by several destinations are named and defined once in
`catalogue/target_specs/shared.yaml`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver.contract import documents
from mockserver.contract.schema import SchemaCheck, schema_registry
from mockserver.exchange import Violation
from mockserver.secrecy.placeholders import is_placeholder
from mockserver.specs.families import document, object_schema

SHARED = Path(__file__).parent.parent / "catalogue" / "target_specs" / "shared.yaml"

_CHECKED = ("type", "enum", "properties", "oneOf", "const")
"""The enforced keywords. Patterns and required members are published, but Adobe's samples violate them."""


@dataclass(frozen=True)
class TargetSpec:
    """The target spec of one connector."""

    name: str | None
    type: str | None
    """Name and type, where they are printed."""
    params: Mapping[str, Any]
    """Name -> JSON Schema."""
    required: tuple[str, ...]

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> TargetSpec:
        """Read the entry of a connector's file."""
        params = {name: shared_part(part) if isinstance(part, str) else part for name, part in raw["params"].items()}
        return cls(raw.get("name"), raw.get("type"), params, tuple(raw["required"]))

    def describe(self) -> dict[str, Any]:
        """The member `targetSpec` of a connection spec. Samples contain the partner schema for file exports."""
        named = {"name": self.name, "type": self.type} if self.name else {}
        spec = {**named, "spec": document(object_schema(self.params, self.required))}
        if "fileType" not in self.params:
            return spec
        return {**spec, "attributes": {"partnerSchema": shared_part("partnerSchema")}}

    def violations(self, params: Mapping[str, Any]) -> Iterator[Violation]:
        """The violations in the params of a target connection: wrong types and values of known params.

        Placeholders of the documentation and unknown params pass: samples send some.
        """
        given = {name: value for name, value in params.items() if name in self.params and not is_placeholder(value)}
        return self._check.violations(given, "body")

    @functools.cached_property
    def _check(self) -> SchemaCheck:
        held = {name: _held(schema) for name, schema in self.params.items()}
        return SchemaCheck(schema_registry({"type": "object", "properties": held}), ())


def shared_part(name: str) -> Any:
    """A new copy of a part of `shared.yaml`."""
    return json.loads(json.dumps(_shared()[name]))


@functools.cache
def _shared() -> Mapping[str, Any]:
    parts: dict[str, Any] = documents.read(SHARED)
    return parts


def _held(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema reduced to the enforced keywords."""
    held = {name: schema[name] for name in _CHECKED if name in schema}
    if "properties" in held:
        held["properties"] = {name: _held(inner) for name, inner in held["properties"].items()}
    if "oneOf" in held:
        held["enum"] = [choice["const"] for choice in held.pop("oneOf")]
    return held
