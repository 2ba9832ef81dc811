"""JSON Schemas that clients write in flow specs: which ones can be used, and how much work a check may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from mockserver.contract.schema import SchemaCheck, SchemaRegistry, pointer
from mockserver.exchange import Violation
from mockserver.json_input import Json

MAX_WEIGHT = 1_000
"""Keywords, subschemas and listed values of one schema (assumed); those of Adobe's flow specs have below 200."""

MAX_STEPS = 200_000
"""A schema's weight times the values it is held against: half a second of processor time."""

_UNIQUE_WEIGHT = 100
"""`uniqueItems` compares items with each other."""

_DIALECTS = ("http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema")
_HARMLESS = frozenset({"$schema", "$comment", "$defs"})
_UNTAKEN = frozenset({"id", "pattern", "patternProperties", "multipleOf"})
"""Besides what begins with $ and leads elsewhere: patterns could take for ever, multiples overflow."""

_NAMES = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
_VALUES = frozenset({"enum", "const", "default", "examples"})


def untaken(schema: Any) -> str | None:
    """Why a schema that a client wrote cannot be used, or None.

    It must be valid and lead nowhere else: nothing is fetched.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if not isinstance(schema, dict):
        return "expected an object"
    if _weight(schema) > MAX_WEIGHT:
        return f"expected at most {MAX_WEIGHT} keywords, subschemas and listed values together"
    try:
        Draft202012Validator.check_schema({key: value for key, value in schema.items() if key != "$schema"})
    except SchemaError as error:
        return f"not a valid JSON Schema at {pointer(error.absolute_path) or 'its root'}"
    return next(_untaken_words(schema), None)


def _untaken_words(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _untaken_words(item)
    if not isinstance(schema, dict):
        return
    for word, value in schema.items():
        if word in _UNTAKEN or (word.startswith("$") and word not in _HARMLESS):
            yield f"{word[:40]} is not supported in a schema"
        elif word == "$schema" and value not in _DIALECTS:
            yield "$schema is one of " + ", ".join(_DIALECTS)
        elif word in _NAMES and isinstance(value, dict):
            yield from _untaken_words(list(value.values()))
        elif word not in _VALUES:
            yield from _untaken_words(value)


class WrittenCheck(SchemaCheck):
    """A check against a schema that a client wrote: one that would take too long is refused instead."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        super().__init__(SchemaRegistry(schema), ())
        self._written = schema

    @cached_property
    def _weight(self) -> int:
        return _weight(self._written)

    def violations(self, value: Json, where: str, *, at: str = "", blocks: bool = False) -> Iterator[Violation]:
        """See SchemaCheck; a single violation where the check would be too much work."""
        values = _values(value)
        if self._weight * values > MAX_STEPS:
            came = f"{values} values for a schema of {self._weight} parts"
            yield Violation(where, at, "size", "fewer values, or a smaller schema in the flow spec", came, blocks)
            return
        yield from super().violations(value, where, at=at, blocks=blocks)


def _values(value: Json) -> int:
    """How many values there are in a value, itself included."""
    if isinstance(value, dict):
        return 1 + sum(map(_values, value.values()))
    return 1 + sum(map(_values, value)) if isinstance(value, list) else 1


def _weight(schema: Any) -> int:
    """Keywords, subschemas and listed values."""
    if isinstance(schema, list):
        return sum(map(_weight, schema))
    if not isinstance(schema, dict):
        return 1
    return 1 + sum(
        _UNIQUE_WEIGHT if word == "uniqueItems" and inner else _weight(inner) for word, inner in schema.items()
    )
