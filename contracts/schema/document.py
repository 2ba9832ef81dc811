"""`openapi.yaml` for the suite: operations, features of collections, and schemas of responses."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from contracts.schema.departures import (
    Departure,
    Explaining,
    as_choices,
    has_whole_fraction,
    hastened,
    nearest,
    with_present_times,
)
from contracts.schema.enforced import enforced
from contracts.schema.inlining import Inlining
from contracts.wire import Sent
from contracts.yaml_input import parse_yaml

METHODS = ("get", "post", "put", "patch", "delete")
_URI = "urn:contract"


@dataclass(frozen=True, slots=True)
class DocumentedOperation:
    """One operation of the document."""

    id: str
    method: str
    path: str
    pattern: re.Pattern[str] = field(compare=False)

    @property
    def reads(self) -> bool:
        """Whether it only reads: a GET, or a search by POST."""
        return self.method == "GET" or self.path.endswith("/search")


class Document:
    """The enforced contract, parsed once."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        self.source: Mapping[str, Any] = with_present_times(enforced(source))
        self.operations = tuple(self._operations(neighbours=False))
        self.neighbours = tuple(self._operations(neighbours=True))
        """Operations of other services, whose paths begin at the platform's root."""
        choices = as_choices(self.source)
        self._registry: Registry[Any] = Registry().with_resource(_URI, DRAFT202012.create_resource(choices))
        self._inlined = Inlining(choices, _URI)
        self._quick = _quick_validators(self.source)
        self._hastened = hastened(self._quick) if self._quick else Explaining

    @classmethod
    def load(cls, path: Path | None = None) -> Document:
        """Load the given file, or the one of this version. Each file is loaded once: do not modify the document."""
        return _loaded(path or _shipped())

    @functools.cached_property
    def harmless_names(self) -> frozenset[str]:
        """Names that no schema marks as secret: of values, of parameters after `?`, of objects and lists before `/`."""
        harmless: set[str] = set()
        secret: set[str] = set()
        for name, schema in _named(self.source):
            types = self._types(schema)
            if schema.get("format") == "password" or "contentEncoding" in schema:
                secret |= {name, f"{name}/"}
            if schema.get("x-harmless") is True or types & {"string", "integer", "number", "boolean"}:
                harmless.add(name)
            if isinstance(schema.get("x-harmless"), str) or types & {"object", "array"}:
                harmless.add(f"{name}/")
        return frozenset(harmless - secret)

    def _types(self, schema: Mapping[str, Any]) -> set[str]:
        """The types that a schema allows, as far as it names them."""
        named = schema.get("type", ())
        found = {named} if isinstance(named, str) else set(named)
        if "$ref" in schema:
            target = functools.reduce(lambda inside, step: inside[step], schema["$ref"].split("/")[1:], self.source)
            found |= self._types(target)
        for one in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
            found |= self._types(one)
        return found

    @functools.lru_cache(maxsize=1024)  # noqa: B019  (one document lives as long as the run)
    def match(self, method: str, target: str) -> DocumentedOperation | None:
        """The operation of a request."""
        return self._match(method, target.partition("?")[0].rstrip("/"))

    @functools.lru_cache(maxsize=1024)  # noqa: B019  (one document lives as long as the run)
    def _match(self, method: str, path: str) -> DocumentedOperation | None:
        found = [item for item in (*self.operations, *self.neighbours) if item.pattern.fullmatch(path)]
        nearest = min((item.path.count("{") for item in found), default=0)
        return next((item for item in found if item.method == method and item.path.count("{") == nearest), None)

    def creates(self, sent: Sent) -> bool:
        """Whether a request creates something if it succeeds."""
        found = self.match(sent.method, sent.target)
        return found is not None and "201" in self.detail(found)["responses"]

    def operation(self, method: str, path: str) -> DocumentedOperation | None:
        """The operation of a path written with `{}` for every parameter, such as `/connections/{}`."""
        wanted = (method, path)
        return next((o for o in self.operations if (o.method, re.sub(r"\{\w+\}", "{}", o.path)) == wanted), None)

    @functools.cached_property
    def ids(self) -> frozenset[str]:
        """The ids of all operations, including the neighbours'."""
        return frozenset(operation.id for operation in (*self.operations, *self.neighbours))

    def lasts(self, operation: DocumentedOperation) -> bool:
        """Whether it creates or changes something that cannot be deleted: specs and runs."""
        collection = "/" + operation.path.split("/")[1]
        return not operation.reads and self.operation("DELETE", collection + "/{}") is None

    def detail(self, operation: DocumentedOperation) -> Mapping[str, Any]:
        """The operation object of the document."""
        item: Mapping[str, Any] = self.source["paths"][operation.path][operation.method.lower()]
        return item

    def parameters(self, operation: DocumentedOperation) -> Iterator[Mapping[str, Any]]:
        """Its parameters, including those of the path item."""
        shared = self.source["paths"][operation.path].get("parameters", ())
        for parameter in (*shared, *self.detail(operation).get("parameters", ())):
            yield self.resolve(parameter)

    @functools.lru_cache(maxsize=1024)  # noqa: B019  (one document lives as long as the run)
    def of_collection(self, name: str) -> frozenset[str]:
        """The ids of the operations of a collection."""
        return frozenset(one.id for one in self.operations if one.path.split("/")[1] == name)

    @functools.lru_cache(maxsize=1024)  # noqa: B019  (one document lives as long as the run)
    def required_headers(self, operation: DocumentedOperation, status: int) -> tuple[str, ...]:
        """The names of the headers that a response must have; none for an unknown status."""
        described = (self.response(operation, status) or {}).get("headers", {})
        return tuple(name for name, raw in described.items() if self.resolve(raw).get("required"))

    def response(self, operation: DocumentedOperation, status: int) -> Mapping[str, Any] | None:
        """The response object of a status, or None."""
        found = self.detail(operation)["responses"].get(str(status))
        return None if found is None else self.resolve(found)

    def departure(self, operation: DocumentedOperation, status: int, body: Any) -> Departure | None:
        """The violation of the schema by a JSON response, or None."""
        quick, thorough = self._validators(operation.path, operation.method.lower(), str(status))
        if thorough is None:
            return None
        quick = None if has_whole_fraction(body) else quick
        if quick is not None and quick.is_valid(body):
            return None
        explaining = thorough if quick is None else self._hastened(thorough.schema, registry=self._registry)
        errors = list(explaining.iter_errors(body))
        return nearest(errors) if errors else None

    def wrapper(self, operation: DocumentedOperation, status: int, body: Any, *, empty: bool) -> str:
        """The name of the member inside which the right body of a response is, possibly an empty one; else empty."""
        _, thorough = self._validators(operation.path, operation.method.lower(), str(status))
        inside = body.items() if isinstance(body, dict) and thorough is not None else ()
        return next(
            (
                name
                for name, one in inside
                if isinstance(one, dict | list) and (one or empty) and thorough.is_valid(one)
            ),
            "",
        )

    def allows(self, operation: DocumentedOperation, query: Mapping[str, Any], body: Any) -> bool:
        """Whether query parameters, each of them known, and a JSON body are within the contract."""
        schemas = {one["name"]: one["schema"] for one in self.parameters(operation) if one["in"] == "query"}
        for name, came in query.items():
            schema = self.resolve(schemas.get(name, False))
            if schema is False or not all(self._fits(schema, value) for value in _readings(schema, came)):
                return False
        described = self.resolve(self.detail(operation).get("requestBody", {})).get("content", {})
        media = described.get("application/json")
        return media is None or self._fits(media["schema"], body)

    def _fits(self, schema: Any, value: Any) -> bool:
        return bool(Draft202012Validator(_absolute(schema), registry=self._registry).is_valid(value))

    def resolve(self, node: Any) -> Any:
        """Follow `$ref`s."""
        while isinstance(node, Mapping) and "$ref" in node:
            steps = [step.replace("~1", "/").replace("~0", "~") for step in node["$ref"][2:].split("/")]
            node = functools.reduce(lambda inner, step: inner[step], steps, self.source)
        return node

    @functools.cache  # noqa: B019  (one document lives as long as the run)
    def _validators(self, path: str, method: str, status: str) -> tuple[Any, Any]:
        """A fast validator (if installed) and an explaining one."""
        response = self.resolve(self.source["paths"][path][method]["responses"][status])
        content = response.get("content", {})
        if not content:
            return None, None
        schema = next(iter(content.values()))["schema"]
        quick = self._quick(_absolute(schema)) if self._quick else None
        return quick, Explaining(self._inlined(as_choices(schema)), registry=self._registry)

    def _operations(self, *, neighbours: bool) -> Iterator[DocumentedOperation]:
        for path, item in self.source["paths"].items():
            if neighbours != ("servers" in item):
                continue
            pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
            for method in METHODS:
                if method in item:
                    yield DocumentedOperation(item[method]["operationId"], method.upper(), path, pattern)


@functools.cache
def _loaded(path: Path) -> Document:
    return Document(parse_yaml(path.read_text(encoding="utf-8-sig")))


def _readings(schema: Mapping[str, Any], came: Any) -> list[Any]:
    """The values that a query parameter's text can stand for: the text, or a number or boolean by its schema."""
    if schema.get("type") == "array":
        return [came if isinstance(came, list) else [came]]
    text = str(came)
    if schema.get("type") == "integer" and text.lstrip("-").isdigit():
        return [int(text)]
    return [text.lower() == "true"] if schema.get("type") == "boolean" and text.lower() in ("true", "false") else [came]


def _quick_validators(source: Mapping[str, Any]) -> Callable[[Any], Any] | None:
    """The factory of fast validators without explanations; None if the package is missing."""
    try:
        import jsonschema_rs
    except ImportError:
        return None
    registry = jsonschema_rs.Registry([(_URI, dict(source))])
    return functools.partial(jsonschema_rs.Draft202012Validator, registry=registry)


def _absolute(node: Any) -> Any:
    """A copy of a schema with absolute references."""
    if isinstance(node, Mapping):
        return {
            key: _URI + value if key == "$ref" and isinstance(value, str) and value[:1] == "#" else _absolute(value)
            for key, value in node.items()
        }
    return [_absolute(item) for item in node] if isinstance(node, list) else node


def _shipped() -> Path:
    """The path of `openapi.yaml`: at the root of a checkout, inside the package if installed."""
    root = Path(__file__).parents[2]
    if (root / "openapi.yaml").is_file():
        return root / "openapi.yaml"
    found = importlib.util.find_spec("mockserver")
    if found is None or found.origin is None:
        raise FileNotFoundError("openapi.yaml is not beside the suite: name one with --contract")
    return Path(found.origin).parent / "openapi.yaml"


def _named(node: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All members of a document, and its query parameters behind a `?`, with their schemas."""
    if isinstance(node, list):
        for item in node:
            yield from _named(item)
    if not isinstance(node, Mapping):
        return
    properties = node.get("properties")
    if isinstance(properties, Mapping):
        yield from ((name, schema) for name, schema in properties.items() if isinstance(schema, Mapping))
    if isinstance(node.get("x-harmless"), list):
        for path in node["x-harmless"]:  # deeper members have names that are used elsewhere, such as `key`
            name, _, deeper = path.replace("[]", "").partition(".")
            yield name, {"type": ["object", "array"] if deeper else ["string", "array"]}
    if node.get("in") == "query":
        schema = node["schema"]
        yield f"?{node['name']}", schema.get("items", schema)
    for item in node.values():
        yield from _named(item)
