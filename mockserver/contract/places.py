"""Derives from `openapi.yaml` and JSON Schemas which places of bodies, responses and queries are harmless to show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache, partial, reduce
from typing import Any, TypeAlias

from mockserver import secrecy
from mockserver.json_input import MAX_DEPTH
from mockserver.secrecy import ITEMS, OTHERS, SECRET, UNKNOWN_PLACE, WORD, Place

_CLOSED = frozenset({"integer", "number", "boolean", "null"})
"""Types that can only hold numbers and fixed words."""

_VALUES = frozenset({"string", "integer", "number", "boolean"})
"""Types that allow a text or number; `null` beside an object does not."""

_ALTERNATIVES = ("allOf", "anyOf", "oneOf", "if", "then", "else")
_SAMPLES = ("default", "example", "examples", "const")

Auth: TypeAlias = Callable[[Mapping[str, Any]], Place]
"""Returns the place of a connection's `auth`, given its other members (None in a patch)."""


def of_schema(schema: Any, follow: Callable[[str], Place] = lambda reference: UNKNOWN_PLACE) -> Place:
    """The place of a JSON Schema: texts and numbers are harmless, `format: password` marks secrets."""
    if not isinstance(schema, dict):
        return UNKNOWN_PLACE
    if schema.get("format") == "password" or schema.get("writeOnly") is True or "contentEncoding" in schema:
        return SECRET
    if schema.get("x-harmless"):
        return FREE
    compiled, types = partial(of_schema, follow=follow), _types(schema.get("type"))
    listed = "enum" in schema or "const" in schema
    closed = listed or (types and types <= _CLOSED)
    made = Place(
        harmless=listed or not types.isdisjoint(_VALUES),
        read=secrecy.word if closed else None,
        members={key: compiled(inner) for key, inner in _object(schema.get("properties")).items()},
    )
    others = [schema.get("additionalProperties"), *_object(schema.get("patternProperties")).values()]
    below = [(ITEMS, one) for one in _several(schema.get("items"))] + [(OTHERS, one) for one in others]
    parts = [Place(members={step: compiled(one)}) for step, one in below if one is not None]
    parts += [compiled(one) for word in _ALTERNATIVES for one in _several(schema.get(word))]
    parts += map(compiled, _object(schema.get("dependentSchemas")).values())
    parts += [follow(schema["$ref"])] if "$ref" in schema else []
    return reduce(Place.merged, parts, made)


def _types(value: Any) -> set[str]:
    """The types named by a schema. A client's schema may have any value here."""
    return {one for one in _several(value) if isinstance(one, str)}


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


FREE = Place(harmless=True, deep=True, members=dict.fromkeys(_SAMPLES, UNKNOWN_PLACE))
"""A place below which everything is shown, except samples in a schema. These are hidden, but may occur elsewhere."""


class Places:
    """The places of every operation. `auth` returns the place of a connection's `auth`."""

    def __init__(self, document: Mapping[str, Any], auth: Auth) -> None:
        self._document, self._auth = document, auth
        self._operations = dict(_operations(document))
        self.request, self.answer = cache(self._request), cache(self._answer)
        self.query, self.record = cache(self._query), cache(self._record)

    def _request(self, operation: str | None) -> Place:
        """The place of a request body."""
        collection, described = self._operations.get(operation or "", ("", {}))
        made = self._content(described.get("requestBody", {}), collection)
        if "queryString" not in made.members:
            return made
        asked = {"property": self._filter(collection), **dict.fromkeys(("limit", "orderby", "count"), WORD)}
        read = Place(read=lambda value, hide: secrecy.query(str(value), asked, hide))
        return Place(members={"queryString": read}).merged(made)

    def _answer(self, operation: str | None, status: int) -> Place:
        """The place of a response body."""
        if status >= 400:
            return self._follow("", "#/components/schemas/Refusal")
        collection, described = self._operations.get(operation or "", ("", {}))
        return self._content(described.get("responses", {}).get(str(status), {}), collection)

    def _query(self, operation: str | None) -> Mapping[str, Place]:
        """The places of query parameters, by name."""
        collection, described = self._operations.get(operation or "", ("", {}))
        found = [self._found(one["$ref"]) if "$ref" in one else one for one in described.get("parameters", ())]
        schemas = {one["name"]: one["schema"] for one in found if one["in"] == "query"}
        known = {name: of_schema(schema.get("items", schema)) for name, schema in schemas.items()}
        special = {"property": self._filter(collection), "orderby": WORD, "continuationToken": WORD}
        return {name: special.get(name, place) for name, place in known.items()}

    def members(self, operation: str | None) -> Collection[str]:
        """The members of an operation's entities, which filters and projections name."""
        collection, _ = self._operations.get(operation or "", ("", {}))
        return self.record(collection).members

    def _record(self, collection: str) -> Place:
        """The place of an entity, as sent and as shown."""
        made = UNKNOWN_PLACE
        for name, (first, described) in self._operations.items():
            if first == collection and described["template"].count("/") == 1:
                made = made.merged(self.request(name)).merged(self.answer(name, 200).at(["items", ITEMS]))
        return made

    def _filter(self, collection: str) -> Place:
        return Place(read=lambda value, hide: secrecy.filters(str(value), self.record(collection), hide))

    def _content(self, described: Mapping[str, Any], collection: str) -> Place:
        schema = described.get("content", {}).get("application/json", {}).get("schema")
        return of_schema(schema, partial(self._follow, collection))

    def _follow(self, collection: str, reference: str) -> Place:
        schema = self._found(reference)
        made = of_schema(schema, partial(self._follow, collection))
        if reference.endswith("/PatchInstruction"):
            value = Place(siblings=lambda one: {"value": self._patched(collection, one.get("path"))})
            return value.merged(Place(members={"path": WORD})).merged(made)
        if "auth" in schema.get("properties", ()):
            return Place(siblings=lambda connection: {"auth": self._auth(connection)}).merged(made)
        return made

    def _patched(self, collection: str, pointer: Any) -> Place:
        steps = pointer.removeprefix("/").split("/", MAX_DEPTH) if isinstance(pointer, str) else ["?"]
        return self.record(collection).at([step.replace("~1", "/").replace("~0", "~") for step in steps])

    def _found(self, reference: str) -> Mapping[str, Any]:
        return reduce(lambda inside, step: inside[step], reference.split("/")[1:], self._document)


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    for template, item in document["paths"].items():
        for operation in item.values():
            if isinstance(operation, dict):
                yield operation["operationId"], (template.split("/")[1], {**operation, "template": template})
