"""JSON Schema checks, compiled once, with error texts that name the member but never its value.

`jsonschema_rs` decides, a hundred times faster than `jsonschema`, which then explains refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote

import jsonschema_rs

from mockserver.exchange import ANY, MISSING, NO_MEMBER, Violation
from mockserver.json_input import Json
from mockserver.secrecy import counted, repeatable

MAX_VIOLATIONS = 100
"""Maximum violations reported per value: a body can violate its schema at every item."""

_MAX_POINTER = 400
"""Maximum length of a pointer in characters: a member's name can be as long as the body."""

_URI = "urn:flow-service:contract"
_TYPES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "an array",
    "null": "null",
}


class SchemaRegistry:
    """A document with schemas that are referenced by JSON Pointer."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._found: dict[str, Mapping[str, Any]] = {}
        self._judges: dict[int, Any] = {}
        self._explainers: dict[int, Any] = {}

    @cached_property
    def explainer(self) -> Any:
        """The `jsonschema` validator class that explains errors, created on first use.

        References are resolved here, and a validator is made of each schema once. `jsonschema`'s own resolution takes
        as long as the rest of a refusal, its new validator of each step an eighth. Only invalid members are visited.
        """
        from jsonschema import Draft202012Validator
        from jsonschema.validators import extend

        def follow(validator: Any, reference: str, instance: Any, schema: Any) -> Iterator[Any]:
            yield from self._errors(instance, self._at(reference))

        def members(validator: Any, named: Mapping[str, Any], instance: Any, schema: Any) -> Iterator[Any]:
            if isinstance(instance, dict):
                for name, inner in named.items():
                    if name in instance and not self._accepts(inner, instance[name]):
                        for error in self._errors(instance[name], inner):
                            error.path.appendleft(name)
                            error.schema_path.appendleft(name)
                            yield error

        return extend(Draft202012Validator, {"$ref": follow, "properties": members})  # type: ignore[no-untyped-call]

    def _errors(self, value: Any, schema: Any) -> Iterator[Any]:
        """The errors of a value by a schema of the document."""
        if id(schema) not in self._explainers:
            self._explainers[id(schema)] = self.explainer(schema)
        errors: Iterator[Any] = self._explainers[id(schema)].iter_errors(value)
        return errors

    def _accepts(self, schema: Any, value: Any) -> bool:
        """Whether a value matches a schema of the document."""
        judge = self._judges.get(id(schema))
        if judge is None:
            judge = jsonschema_rs.Draft202012Validator(_absolute(schema), registry=self.accelerator)
            self._judges[id(schema)] = judge
        accepted: bool = judge.is_valid(value)
        return accepted

    def resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Resolve a schema's `$ref`s within the document."""
        while "$ref" in schema:
            schema = self._at(schema["$ref"])
        return schema

    def _at(self, reference: str) -> Mapping[str, Any]:
        if reference not in self._found:  # the document has so many of them and no more
            found: Any = self.document
            for part in unquote(reference.partition("#")[2]).split("/")[1:]:
                name = part.replace("~1", "/").replace("~0", "~")
                found = found[int(name)] if isinstance(found, list) else found[name]
            self._found[reference] = found
        return self._found[reference]

    @cached_property
    def accelerator(self) -> Any:
        """The registry for `jsonschema_rs`."""
        return jsonschema_rs.Registry([(_URI, dict(self.document))])


def _absolute(schema: Any) -> Any:
    """A copy of the schema with absolute references, usable outside its document."""
    if isinstance(schema, list):
        return [_absolute(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _URI + inner if name == "$ref" and isinstance(inner, str) else _absolute(inner)
        for name, inner in schema.items()
    }


def schema_registry(document: Mapping[str, Any]) -> SchemaRegistry:
    """The registry of a document."""
    return SchemaRegistry(document)


class SchemaCheck:
    """A schema of the document, compiled on first use."""

    def __init__(self, registry: SchemaRegistry, at: tuple[str, ...]) -> None:
        self._registry = registry
        self._place = at

    @cached_property
    def _schema(self) -> dict[str, Any]:
        return {"$ref": f"{_URI}#" + quote(pointer(self._place))}

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> SchemaCheck:
        """A check of a standalone schema."""
        return cls(SchemaRegistry(schema), ())

    @cached_property
    def accepts(self) -> Callable[[Json], bool]:
        """Whether a value fits the schema."""
        return jsonschema_rs.Draft202012Validator(self._schema, registry=self._registry.accelerator).is_valid

    @cached_property
    def explains(self) -> Any:
        """The validator that words refusals."""
        return self._registry.explainer(self._schema)

    def violations(self, value: Json, where: str, *, at: str = "", blocks: bool = False) -> Iterator[Violation]:
        """The first violations of `value`, nearest to the root first. `at` is the pointer of the value.

        Those of a condition come last: `interval` may be missing only because `frequency` is an unknown word.
        """
        if self.accepts(value):
            return
        found = islice(self.explains.iter_errors(value), MAX_VIOLATIONS)
        errors = sorted(found, key=lambda error: (_is_conditional(error), len(error.path), str(error.path)))
        yield from dict.fromkeys(
            violation for error in _once(errors) for violation in _explain(error, where, at, blocks, self._registry)
        )

    def unknown_members(self, value: Json) -> Iterator[Violation]:
        """The first members that no schema names: tolerated by the service, reported by the judge.

        A schema with `additionalProperties` expects unnamed members.
        """
        yield from islice(_unknown(self._registry, self._schema, value, ()), MAX_VIOLATIONS)


def _once(errors: Iterable[Any]) -> Iterator[Any]:
    """The errors without repetitions: `jsonschema` reports a list of missing members once for each of them."""
    lists: set[tuple[int, int]] = set()
    for error in errors:
        missing = error.validator == "required" and (id(error.instance), id(error.validator_value))
        if not missing or missing not in lists:
            yield error
        if missing:
            lists.add(missing)


def _is_conditional(error: Any) -> bool:
    """Whether a violation is one of a `then` or `else`."""
    return not {"then", "else"}.isdisjoint(error.schema_path)


def _unknown(
    registry: SchemaRegistry, schema: Mapping[str, Any], value: Any, at: tuple[str | int, ...]
) -> Iterator[Violation]:
    schema = registry.resolve(schema)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(registry, schema.get("items", {}), item, (*at, index))
    named = schema.get("properties")
    if not isinstance(value, dict) or named is None:
        return
    for name, inner in value.items():
        if name in named:
            if isinstance(inner, dict | list):
                yield from _unknown(registry, named[name], inner, (*at, name))
        elif "additionalProperties" not in schema:
            expected = "one of " + ", ".join(named)
            yield Violation("body", _short(pointer((*at, name))), "unknown", expected, kind_of(inner))


def pointer(parts: Any) -> str:
    """A JSON Pointer (RFC 6901) from its unescaped parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _short(at: str) -> str:
    at = "/".join(map(repeatable, at.split("/")))
    return at if len(at) <= _MAX_POINTER else at[:_MAX_POINTER] + "…"


def kind_of(value: Any) -> str:
    """The kind of a value, in words that do not reveal it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return f"a string of {counted(len(value), 'character')}" if value else "an empty string"
        case list():
            return f"an array of {counted(len(value), 'item')}" if value else "an empty array"
        case _:
            return "an object"


def _explain(error: Any, where: str, root: str, blocks: bool, registry: SchemaRegistry) -> Iterator[Violation]:
    from jsonschema.exceptions import best_match

    while error.validator in ("anyOf", "oneOf") and error.context:
        deepest = best_match(error.context)
        if deepest is None:
            break
        error = deepest
    at = root + pointer(error.absolute_path)
    for name, expected, came in _departures(error, registry):
        inside = at if name is None else at + pointer((name,))
        yield Violation(where, _short(inside), error.validator or "false", expected, came, blocks)


def _departures(error: Any, registry: SchemaRegistry) -> Iterator[tuple[str | None, str, str]]:
    """Convert an error of `jsonschema`: the member, what was expected, what was received."""
    wanted, value = error.validator_value, error.instance
    match error.validator:
        case "required":
            known = error.schema.get("properties", {})
            for name in wanted:
                if name not in value:
                    yield name, words(registry.resolve(known.get(name, {})), ANY), MISSING
        case "dependentRequired":
            needed = (name for holder, names in wanted.items() if holder in value for name in names)
            yield from ((name, ANY, MISSING) for name in needed if name not in value)
        case "additionalProperties" | "unevaluatedProperties" if wanted is False:
            known = error.schema.get("properties", {})
            expected = "one of " + ", ".join(known) if known else "no other members"
            yield from ((name, expected, kind_of(inner)) for name, inner in value.items() if name not in known)
        case "not" if isinstance(wanted, dict) and wanted.keys() == {"required"}:
            yield from ((name, NO_MEMBER, kind_of(value[name])) for name in wanted["required"])
        case keyword if keyword in _COMPARED:
            yield None, words({**_type_of(error.schema), keyword: wanted}), _COMPARED[keyword]
        case None:
            yield None, "no such value", kind_of(value)
        case keyword:
            yield None, words({**_type_of(error.schema), keyword: wanted}), kind_of(value)


def _type_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": schema["type"]} if "type" in schema else {}


_COMPARED = {
    "minimum": "a smaller number",
    "exclusiveMinimum": "a smaller number",
    "maximum": "a larger number",
    "exclusiveMaximum": "a larger number",
}
"""Keyword -> the description of a received value that violates it."""

_SIZES = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} members",
    "maxProperties": "at most {} members",
}
_NOT_EMPTY = tuple(text.format(1) for name, text in _SIZES.items() if name.startswith("min"))
_RANGES = {
    "minimum": "of at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "of at most {}",
    "exclusiveMaximum": "below {}",
    "multipleOf": "that is a multiple of {}",
}
_REST = {
    "uniqueItems": "items that all differ",
    "contains": "at least one item that fits",
    "minContains": "more items that fit",
    "maxContains": "fewer items that fit",
    "propertyNames": "member names that fit",
    "anyOf": "a value of one of the allowed forms",
    "oneOf": "a value of exactly one of the allowed forms",
    "unevaluatedItems": "no further items",
    "items": "no further items",
}
"""Keyword -> the description of the expected value, unless the keyword's value says it better."""


def words(schema: Any, otherwise: str = "a value of another form") -> str:
    """What a schema expects, in words: `a string of at least 1 characters`, `one of azure, aws`."""
    if not isinstance(schema, dict):
        return ANY
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "pattern" in schema:
        return f"text of the form {schema['pattern']}"
    if "format" in schema and "type" not in schema:
        return f"text of the format {schema['format']}"
    if isinstance(schema.get("not"), dict):
        return f"anything but {words(schema['not'])}"
    types = schema.get("type")
    kinds = " or ".join(_TYPES[name] for name in ([types] if isinstance(types, str) else types or ()))
    sizes = " and ".join(text.format(schema[name]) for name, text in _SIZES.items() if name in schema)
    if isinstance(types, str) and sizes in _NOT_EMPTY:
        return f"a non-empty {types}"
    if {"minimum", "maximum"} <= schema.keys():
        return f"{kinds or 'a number'} from {schema['minimum']} to {schema['maximum']}"
    ranges = " and ".join(text.format(schema[name]) for name, text in _RANGES.items() if name in schema)
    if sizes:
        return f"{kinds or 'a value'} with {sizes}"
    if ranges:
        return f"{kinds or 'a number'} {ranges}"
    return kinds or next((text for keyword, text in _REST.items() if keyword in schema), otherwise)
