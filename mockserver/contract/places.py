"""Derives the places of bodies, responses and queries from `openapi.yaml`, and those of JSON Schemas.

Declared texts and numbers are harmless, `format: password` marks secrets. `x-harmless` beside a schema adds places
that have no type: `true` for the value itself, a list of paths such as `columns[].name`, or how to find out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache, partial, reduce
from typing import Any, TypeAlias

from mockserver.json_input import MAX_DEPTH
from mockserver.secrecy import places
from mockserver.secrecy.placeholders import words
from mockserver.secrecy.places import ITEMS, OTHERS, UNKNOWN, Chosen, Place, Row, Steps, table

_CLOSED = frozenset({"integer", "number", "boolean", "null"})
"""Types that can only hold numbers and fixed words."""

_VALUES = frozenset({"string", "integer", "number", "boolean"})
"""Types that allow a text or number; `null` beside an object does not."""

_ALTERNATIVES = ("allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas")
_WALKED = frozenset({*_ALTERNATIVES, "properties", "additionalProperties", "items"})
"""Keywords whose subschemas give rows of their own."""
_NAMES = frozenset(
    {"properties", "patternProperties", "dependencies", "dependentRequired", "dependentSchemas", "definitions", "$defs"}
)
"""Keywords with an object whose names are those of members or definitions."""
_INERT = frozenset({"definitions", "$defs", "enum", "const", "default", "example", "examples"})
"""Keywords that do not describe a value themselves. Definitions count where they are referred to."""
_FORMATS = words(
    """
    date date-time time duration email idn-email hostname idn-hostname ipv4 ipv6 uri uri-reference uri-template iri
    iri-reference uuid regex json-pointer relative-json-pointer int32 int64 float double
    """
)
"""Formats of values that are no secrets: those of JSON Schema and OpenAPI but `password`, `byte` and `binary`."""
_SECRET_WORD = re.compile(
    r"(?:x-(?:[a-z]+-)?)?(?:is[-_]?)?"
    r"(?:write[-_]?only|secret|sensitive|password|credential|confidential|masked|encrypted|hidden|redacted)",
    re.IGNORECASE,
)
"""Keywords of several programs by which a schema calls its value a secret."""
_STEP = re.compile(r"\[\]|\{\}|[^.\[\]{}]+")

Auth: TypeAlias = Callable[[Mapping[str, Any]], Place]
"""Returns the place of a connection's `auth`, given its other members (None in a patch)."""

Extension: TypeAlias = Callable[[Mapping[str, Any], Steps], Iterator[Row]]
"""The rows for `$ref` and `x-harmless` of a schema."""


def rows_of(schema: Any, above: Steps = (), extension: Extension = lambda schema, above: iter(())) -> Iterator[Row]:
    """The rows of a JSON Schema whose value is at the place `above`.

    If a secret is described by a keyword that is not walked, such as `patternProperties` or `not`, no place below
    `above` is known to be harmless.
    """
    if not isinstance(schema, dict):
        return
    unwalked = {word: inner for word, inner in schema.items() if word not in _WALKED | _INERT and word[:2] != "x-"}
    if _is_secret(schema) or any(map(_names_secret, _parts(unwalked))):
        yield above, places.secret
        return
    types = {one for one in _several(schema.get("type")) if isinstance(one, str)}
    if "enum" in schema or "const" in schema or (types and types <= _CLOSED):
        yield above, places.word
    elif types & _VALUES:
        yield above, places.text
    below = [(OTHERS, one) for one in (schema.get("additionalProperties"), *_named(schema.get("patternProperties")))]
    below += [(ITEMS, one) for one in _several(schema.get("items"))]
    properties = schema.get("properties")
    named = properties.items() if isinstance(properties, dict) else ()
    below += [(name, one) for name, one in named if name not in (ITEMS, OTHERS)]
    for step, one in below:
        yield from rows_of(one, (*above, step), extension)
    for word in _ALTERNATIVES:
        for one in _named(schema.get(word)) if word == "dependentSchemas" else _several(schema.get(word)):
            yield from rows_of(one, above, extension)
    yield from extension(schema, above)


def _is_secret(schema: Mapping[str, Any]) -> bool:
    """Whether a schema calls its value a secret, or has a format of which that is not known."""
    if "contentEncoding" in schema or ("format" in schema and str(schema["format"]) not in _FORMATS):
        return True
    if any(str(one).lower() in ("password", "secret") for one in _several(schema.get("type"))):
        return True
    return any(inner is not False and _SECRET_WORD.fullmatch(word) for word, inner in schema.items())


def _names_secret(part: Any) -> bool:
    """Whether a part of a schema describes a secret at any depth."""
    if isinstance(part, dict):
        return _is_secret(part) or any(map(_names_secret, _parts(part)))
    return isinstance(part, list) and any(map(_names_secret, part))


def _parts(schema: Mapping[str, Any]) -> Iterator[Any]:
    """The values of all keywords of a schema, and those of each name where a keyword has names."""
    for word, inner in schema.items():
        yield from _named(inner) if word in _NAMES else (inner,)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _named(value: Any) -> Collection[Any]:
    return value.values() if isinstance(value, dict) else ()


class Places:
    """The places of every operation. `auth` returns the place of a connection's `auth`."""

    def __init__(self, document: Mapping[str, Any], auth: Auth) -> None:
        self._document, self._auth = document, auth
        self._operations = dict(_operations(document))
        self.request = cache(lambda operation: table(self._request_rows(operation)))
        """The place of a request body, by operation."""
        self.answer = cache(lambda operation, status: table(self._answer_rows(operation, status)))
        """The place of a response body, by operation and status."""
        self.query, self.record = cache(self._query), cache(self._record)
        self._component = cache(lambda name: table(self._referred(f"#/components/schemas/{name}", (), "")))

    def _query(self, operation: str | None) -> Place:
        """The place of query parameters, which are its members."""
        collection, described = self._operations.get(operation or "", ("", {}))
        found = [self._found(one["$ref"]) if "$ref" in one else one for one in described.get("parameters", ())]
        schemas = {one["name"]: one["schema"] for one in found if one["in"] == "query"}
        extension = partial(self._extension, collection=collection)
        rows = [row for name, one in schemas.items() for row in rows_of(one.get("items", one), (name,), extension)]
        special = {"property": self._filter(collection), "orderby": places.word, "continuationToken": places.word}
        return table([*rows, *(((name,), read) for name, read in special.items() if name in schemas)])

    def members(self, operation: str | None) -> Collection[str]:
        """The members of an operation's entities, which filters and projections name."""
        collection, _ = self._operations.get(operation or "", ("", {}))
        return self.record(collection).below

    def _record(self, collection: str) -> Place:
        """The place of an entity, as sent and as shown."""
        rows: list[Row] = []
        for name, (first, described) in self._operations.items():
            if first == collection and described["template"].count("/") == 1:
                rows += self._request_rows(name)
                listed = (row for row in self._answer_rows(name, 200) if row[0][:2] == ("items", ITEMS))
                rows += ((steps[2:], read) for steps, read in listed)
        return table(rows)

    def _request_rows(self, operation: str | None) -> Iterator[Row]:
        collection, described = self._operations.get(operation or "", ("", {}))
        return self._content(described.get("requestBody", {}), collection)

    def _answer_rows(self, operation: str | None, status: int) -> Iterator[Row]:
        if status >= 400:
            return self._referred("#/components/schemas/Refusal", (), "")
        collection, described = self._operations.get(operation or "", ("", {}))
        return self._content(described.get("responses", {}).get(str(status), {}), collection)

    def _content(self, described: Mapping[str, Any], collection: str) -> Iterator[Row]:
        schema = described.get("content", {}).get("application/json", {}).get("schema")
        return rows_of(schema, (), partial(self._extension, collection=collection))

    def _referred(self, reference: str, above: Steps, collection: str) -> Iterator[Row]:
        return rows_of(self._found(reference), above, partial(self._extension, collection=collection))

    def _extension(self, schema: Mapping[str, Any], above: Steps, collection: str) -> Iterator[Row]:
        if "$ref" in schema:
            yield from self._referred(schema["$ref"], above, collection)
        match schema.get("x-harmless"):
            case None:
                pass
            case True:
                yield above, places.param
            case "auth spec":
                yield above, Chosen(self._auth)
            case "patched member":
                yield above, Chosen(lambda patch: self._patched(collection, patch.get("path")))
            case "pointer":
                yield above, places.word
            case "query":
                yield above, lambda value, hide: places.query(str(value), self._search(collection), hide)
            case dict(described):
                yield from rows_of(described, above, partial(self._extension, collection=collection))
            case str(component):
                yield above, Chosen(lambda above: self._component(component))
            case paths:
                yield from (((*above, *_STEP.findall(path)), places.param) for path in paths)

    def _filter(self, collection: str) -> places.Reader:
        return lambda value, hide: places.filters(str(value), self.record(collection), hide)

    def _search(self, collection: str) -> Place:
        """The place of the query in the body of a search."""
        words = [((name,), places.word) for name in ("limit", "orderby", "count")]
        return table([*words, (("property",), self._filter(collection))])

    def _patched(self, collection: str, pointer: Any) -> Place:
        if not isinstance(pointer, str):
            return UNKNOWN
        steps = pointer.removeprefix("/").split("/", MAX_DEPTH)
        return self.record(collection).at([step.replace("~1", "/").replace("~0", "~") for step in steps])

    def _found(self, reference: str) -> Mapping[str, Any]:
        return reduce(lambda inside, step: inside[step], reference.split("/")[1:], self._document)


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    for template, item in document["paths"].items():
        for operation in item.values():
            if isinstance(operation, dict):
                yield operation["operationId"], (template.split("/")[1], {**operation, "template": template})
