"""JSON Schemas that clients write in flow specs: which ones are accepted, and the budget of a check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from mockserver.contract.schema import SchemaCheck, SchemaRegistry, pointer
from mockserver.exchange import MISSING, Violation
from mockserver.json_input import Json

MAX_WEIGHT = 1_000
"""Maximum keywords, subschemas and enum values of a schema (assumed). Adobe's flow specs have fewer than 200."""

MAX_STEPS = 200_000
"""Maximum of a schema's weight times the number of checked values: half a second of CPU time."""

_UNIQUE_WEIGHT = 100
"""Extra weight of `uniqueItems`, which compares items with each other."""

_DIALECTS = ("http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema")
_HARMLESS = frozenset({"$schema", "$comment", "$defs"})
_UNTAKEN = frozenset({"id", "pattern", "patternProperties", "multipleOf"})
"""Refused keywords, besides references: patterns could be compiled and run forever, multiples overflow."""

_NAMES = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
_VALUES = frozenset({"enum", "const", "default", "examples"})


class UnusableSchema(NamedTuple):
    """A schema of a flow spec that cannot be used to check flows: its place in the spec, and why."""

    pointer: str
    fault: str


def unusable_schema(spec: Mapping[str, Any]) -> UnusableSchema | None:
    """The first unusable schema of a written flow spec, or None."""
    named = [(f"/{name}", spec[name]) for name in ("scheduleSpec", "runSpec") if name in spec]
    for name in ("transformationSpec", "transformationSpecs"):
        named += [(f"/{name}/{place}", part) for place, part in enumerate(spec.get(name, ()))]
    for at, part in named:
        if "spec" in part and (fault := untaken(part["spec"])):
            return UnusableSchema(f"{at}/spec", fault)
        if at.startswith("/transformation") and "name" not in part:
            return UnusableSchema(f"{at}/name", MISSING)
    return None


def untaken(schema: Any) -> str | None:
    """The reason why a client's schema is refused, or None.

    It must be valid and may not refer to other documents: nothing is fetched.
    """
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import SchemaError

    if not isinstance(schema, dict):
        return "expected an object"
    if weight(schema) > MAX_WEIGHT:
        return f"expected at most {MAX_WEIGHT} keywords, subschemas and listed values together"
    if word := next(_untaken_words(schema), None):
        return word
    no_formats = FormatChecker(formats=())  # the format of patterns would compile them
    try:
        Draft202012Validator.check_schema({key: value for key, value in schema.items() if key != "$schema"}, no_formats)
    except SchemaError as error:
        return f"not a valid JSON Schema at {pointer(error.absolute_path) or 'its root'}"
    return None


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
    """A check against a client's schema. A check beyond the budget is a violation itself."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        super().__init__(SchemaRegistry(schema), ())
        self._written = schema

    @cached_property
    def _weight(self) -> int:
        return weight(self._written)

    def violations(self, value: Json, where: str, *, at: str = "", blocks: bool = False) -> Iterator[Violation]:
        """See SchemaCheck; a single violation if the check exceeds its budget."""
        values = _values(value)
        if self._weight * values > MAX_STEPS:
            came = f"{values} values for a schema of {self._weight} parts"
            yield Violation(where, at, "size", "fewer values, or a smaller schema in the flow spec", came, blocks)
            return
        yield from super().violations(value, where, at=at, blocks=blocks)


def _values(value: Json) -> int:
    """Number of values in a value, including itself."""
    if isinstance(value, dict):
        return 1 + sum(map(_values, value.values()))
    return 1 + sum(map(_values, value)) if isinstance(value, list) else 1


def weight(schema: Any) -> int:
    """Number of keywords, lists, subschemas and enum values."""
    if isinstance(schema, list):
        return 1 + sum(map(weight, schema))
    if not isinstance(schema, dict):
        return 1
    return 1 + sum(
        _UNIQUE_WEIGHT if word == "uniqueItems" and inner else weight(inner) for word, inner in schema.items()
    )
