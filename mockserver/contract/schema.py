"""JSON Schema checks compiled once, and their errors in words that name the member and never its value.

`jsonschema` decides and explains; where `jsonschema_rs` is installed it waves the valid majority
through first, a hundred times faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote

from mockserver.exchange import Violation
from mockserver.json_input import Json

try:
    import jsonschema_rs
except ImportError:  # an accelerator only: not every platform has a wheel
    jsonschema_rs = None  # type: ignore[assignment]

MOST_DEPARTURES = 100
"""Of one value that are told: a body can break its schema at every item, and each is kept in the journal."""

_MOST_POINTER = 400
"""Characters of a pointer; a member's name can be as long as its body."""

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
    """One document that schemas are looked up in by JSON Pointer."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._found: dict[str, Mapping[str, Any]] = {}
        self._judges: dict[int, Any] = {}

    @cached_property
    def explainer(self) -> Any:
        """The class of `jsonschema` that explains errors, made when the first one has to be.

        References are looked up here, where each is found once: its own way takes as long as all the rest of a refusal.
        Of an object's members only those at fault are gone into.
        """
        from jsonschema import Draft202012Validator
        from jsonschema.validators import extend

        def follow(validator: Any, reference: str, instance: Any, schema: Any) -> Iterator[Any]:
            yield from validator.descend(instance, self._at(reference))

        def members(validator: Any, named: Mapping[str, Any], instance: Any, schema: Any) -> Iterator[Any]:
            if isinstance(instance, dict):
                for name, inner in named.items():
                    if name in instance and not self._accepts(inner, instance[name]):
                        yield from validator.descend(instance[name], inner, path=name, schema_path=name)

        return extend(Draft202012Validator, {"$ref": follow, "properties": members})  # type: ignore[no-untyped-call]

    def _accepts(self, schema: Any, value: Any) -> bool:
        """Whether the accelerator waves a value through, for a schema that is part of the document."""
        if jsonschema_rs is None:
            return False
        judge = self._judges.get(id(schema))
        if judge is None:
            judge = jsonschema_rs.Draft202012Validator(_absolute(schema), registry=self.accelerator)
            self._judges[id(schema)] = judge
        accepted: bool = judge.is_valid(value)
        return accepted

    def resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a schema's `$ref`s within the document."""
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
        """The registry in `jsonschema_rs`'s form."""
        return jsonschema_rs.Registry([(_URI, dict(self.document))])


def _absolute(schema: Any) -> Any:
    """The schema with the document's name before its references, so that it can be read apart from it."""
    if isinstance(schema, list):
        return [_absolute(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _URI + inner if name == "$ref" and isinstance(inner, str) else _absolute(inner)
        for name, inner in schema.items()
    }


def schema_registry(document: Mapping[str, Any]) -> SchemaRegistry:
    """The registry over a document."""
    return SchemaRegistry(document)


class SchemaCheck:
    """One schema of the document, compiled when first used."""

    def __init__(self, registry: SchemaRegistry, at: tuple[str, ...]) -> None:
        self._registry = registry
        self._place = at

    @cached_property
    def _schema(self) -> dict[str, Any]:
        return {"$ref": f"{_URI}#" + quote(pointer(self._place))}

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> SchemaCheck:
        """A schema that is written in the code and refers to nothing."""
        return cls(SchemaRegistry(schema), ())

    @cached_property
    def _accepts(self) -> Any:
        if jsonschema_rs is None:
            return lambda value: False
        return jsonschema_rs.Draft202012Validator(self._schema, registry=self._registry.accelerator).is_valid

    @cached_property
    def _explains(self) -> Any:
        return self._registry.explainer(self._schema)

    def violations(self, value: Json, where: str, *, blocks: bool = False) -> Iterator[Violation]:
        """The first departures of `value` from the schema, nearest the root first."""
        if self._accepts(value):
            return
        found = islice(self._explains.iter_errors(value), MOST_DEPARTURES)
        errors = sorted(found, key=lambda error: (len(error.path), str(error.path)))
        # jsonschema reports a list of missing members once for each of them
        yield from dict.fromkeys(violation for error in errors for violation in _explain(error, where, blocks))

    def unknown_members(self, value: Json) -> Iterator[Violation]:
        """The first members no schema names: tolerated by the service, a finding for the judge.

        A schema that says `additionalProperties` itself expects more than it names.
        """
        yield from islice(_unknown(self._registry, self._schema, value, ()), MOST_DEPARTURES)


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
        return "a JSON Schema is an object"
    try:
        Draft202012Validator.check_schema({key: value for key, value in schema.items() if key != "$schema"})
    except SchemaError as error:
        return f"no JSON Schema at {pointer(error.absolute_path) or 'its root'}"
    return next(_untaken_words(schema), None)


def _untaken_words(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _untaken_words(item)
    if not isinstance(schema, dict):
        return
    for word, value in schema.items():
        if word in _UNTAKEN or (word.startswith("$") and word not in _HARMLESS):
            yield f"{word[:40]} is not taken in a schema"
        elif word == "$schema" and value not in _DIALECTS:
            yield "$schema is one of " + ", ".join(_DIALECTS)
        elif word in _NAMES and isinstance(value, dict):
            yield from _untaken_words(list(value.values()))
        elif word not in _VALUES:
            yield from _untaken_words(value)


def pointer(parts: Any) -> str:
    """A JSON Pointer (RFC 6901) from its unescaped parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _short(at: str) -> str:
    return at if len(at) <= _MOST_POINTER else at[:_MOST_POINTER] + "…"


def kind_of(value: Any) -> str:
    """What a value is, in words that do not give it away."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return f"a string of {len(value)} characters" if value else "an empty string"
        case list():
            return f"an array of {len(value)}"
        case _:
            return "an object"


def _explain(error: Any, where: str, blocks: bool) -> Iterator[Violation]:
    from jsonschema.exceptions import best_match

    while error.validator in ("anyOf", "oneOf") and error.context:
        deepest = best_match(error.context)
        if deepest is None:
            break
        error = deepest
    at = pointer(error.absolute_path)
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield Violation(where, _short(at + pointer((name,))), "required", "the member", "nothing", blocks)
        return
    yield Violation(where, _short(at), error.validator, _expected(error), kind_of(error.instance), blocks)


def _expected(error: Any) -> str:
    wanted = error.validator_value
    match error.validator:
        case "type":
            names = [wanted] if isinstance(wanted, str) else wanted
            return " or ".join(_TYPES[name] for name in names)
        case "enum":
            return "one of " + ", ".join(map(str, wanted))
        case "const":
            return str(wanted)
        case "minLength" | "minItems" | "minProperties":
            return f"at least {wanted}"
        case "maxLength" | "maxItems" | "maxProperties":
            return f"at most {wanted}"
        case "minimum":
            return f"{wanted} or more"
        case "maximum":
            return f"{wanted} or less"
        case "additionalProperties" | "unevaluatedProperties":
            return "no other members"
        case "pattern":
            return f"text of the form {wanted}"
        case _:
            return f"what {error.validator} demands"
