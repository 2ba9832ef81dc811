"""The contract: matches calls to operations of `openapi.yaml` and checks requests and responses against it.

Checks return violations and never raise. Routing, parameters and bodies all come from the one
document, so the published and the enforced contract cannot differ.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from mockserver import json_input
from mockserver.contract import documents
from mockserver.contract.enforced import enforced
from mockserver.contract.neighbours import service_of
from mockserver.contract.schema import MAX_VIOLATIONS, SchemaCheck, kind_of, schema_registry, words
from mockserver.exchange import BASE_PATH, MISSING, UNKNOWN, Call, Pairs, Result, Violation, decoded_segment
from mockserver.json_input import Json
from mockserver.secrecy import described, is_word, repeatable
from mockserver.tokens import bearer, malformed

_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
_JSON_TYPE = re.compile(
    r'application/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*|;\s*version\s*=\s*\w+\s*)*', re.IGNORECASE
)


_WANTED = "Bearer and an access token"

IN_CLEAR = Violation("header", "authorization", "clear", "https", "credentials over http")
"""The violation of a request that sends credentials without TLS."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query or header parameter of an operation."""

    name: str
    required: bool
    kind: str
    check: SchemaCheck
    wanted: str
    """What its schema expects, in words."""
    refused: bool = False
    """Whether the service refuses a value outside the schema. If not, the handler decides."""

    def read(self, values: Sequence[str]) -> Json:
        """The value typed by its schema. Text that does not fit stays text; repeated values become a list."""
        if self.kind == "array":
            return list(values)
        return _as(self.kind, ",".join(dict.fromkeys(values)) if len(values) > 1 else values[0])

    def violations(self, where: str, value: Json) -> Iterator[Violation]:
        """The violations of a parsed value."""
        for violation in self.check.violations(value, where):
            yield Violation(where, self.name, violation.keyword, self.wanted, violation.came, blocks=self.refused)

    def missing(self, where: str) -> Violation:
        """The violation if it is required and missing."""
        return Violation(where, self.name, "required", self.wanted, MISSING, blocks=self.refused)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the document, compiled."""

    id: str
    method: str
    template: str
    segments: tuple[str, ...]
    query: Mapping[str, Parameter]
    headers: tuple[Parameter, ...]
    body: SchemaCheck | None
    body_required: bool
    media: frozenset[str]
    """Accepted media types of the body; all are JSON."""
    body_blocks: bool
    """Whether a body outside its schema is refused immediately. If not, the handler refuses it with its own codes."""
    responses: Mapping[str, SchemaCheck | None]
    open: bool = False
    """Whether it is called without the credentials of the gateway."""


@dataclass(slots=True)
class Seen:
    """The contract's view of one call. `operation` is None if path or method are not in the contract."""

    operation: Operation | None = None
    allowed: tuple[str, ...] = ()
    path: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    """The operation's query parameters, typed by their schemas."""
    body: Json = None
    violations: list[Violation] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    """The sources that were contacted."""

    def blocking(self) -> Violation | None:
        """The first violation that the service refuses."""
        return next((violation for violation in self.violations if violation.blocks), None)

    @property
    def is_open(self) -> bool:
        """Whether the operation is called without the credentials of the gateway."""
        return self.operation is not None and self.operation.open

    def note(self, refused: Violation | None) -> None:
        """Add the violation of a handler's refusal, unless the contract already has it."""
        if refused is not None and not any(refused.pointer == known.pointer for known in self.violations):
            self.violations.append(refused)


class Contract:
    """The enforced contract, compiled."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document: Mapping[str, Any] = enforced(document)
        self._registry = schema_registry(self.document)
        self.operations: dict[str, Operation] = {}
        self._routes: dict[tuple[str, int], list[tuple[tuple[str, ...], dict[str, Operation]]]] = {}
        """By first segment, which no template leaves open, and number of segments."""
        for template, item in self.document["paths"].items():
            self._add_path(template, item)
        for candidates in self._routes.values():
            candidates.sort(key=lambda route: sum(segment.startswith("{") for segment in route[0]))

    @classmethod
    @functools.cache
    def load(cls) -> Contract:
        """The shipped contract, compiled once per process."""
        return cls(load_document())

    def prepare_refusals(self) -> None:
        """Import what the first refusal needs. It takes 40 ms, or a second if jsonschema finds certain packages."""
        self._registry.explainer  # noqa: B018  (made when looked at)

    def check_request(self, call: Call, *, max_body: int = 1_048_576) -> Seen:
        """Find the operation and collect all violations of the request. Never raises."""
        seen = Seen()
        self._route(call, seen)
        if call.exposes_credentials:
            seen.violations.append(IN_CLEAR)
        if seen.operation is None:
            return seen
        seen.violations += _header_violations(seen.operation, call.headers)
        seen.violations += _query_violations(seen.operation, call.parameters(), seen.arguments)
        if seen.operation.body is not None:
            seen.violations += _body_violations(seen.operation, call, seen, max_body)
        return seen

    def arguments(self, operation_id: str, query: Pairs) -> dict[str, Any]:
        """The typed query parameters of an operation, ignoring violations."""
        arguments: dict[str, Any] = {}
        for _ in _query_violations(self.operations[operation_id], query, arguments):
            pass
        return arguments

    def check_response(self, operation: Operation, result: Result) -> list[Violation]:
        """The violations of one of our own responses."""
        checks = operation.responses
        status = str(result.status)
        if status not in checks:
            return [Violation("response", "", "status", "one of " + ", ".join(checks), status)]
        check = checks[status]
        if check is None:
            return [] if result.body is None else [Violation("response", "", "body", "no body", kind_of(result.body))]
        return [] if check.accepts(result.body) else list(check.violations(result.body, "response"))

    def check_body(self, operation_id: str, body: Json) -> list[Violation]:
        """The violations of a patched document against the body schema of `operation_id`."""
        check = self.operations[operation_id].body
        return list(check.violations(body, "body")) if check else []

    def _route(self, call: Call, seen: Seen) -> None:
        parts = _parts(call.path)
        for segments, methods in self._routes.get((parts[0], len(parts)), ()):
            values = _match(segments, parts)
            if values is None:
                continue
            if not call.mounted and segments[0] not in ("data", "collection"):
                expected = f"{BASE_PATH} before the path"
                seen.violations.append(Violation("route", "path", "base", expected, "the path without it", blocks=True))
                return
            operation = methods.get("GET" if call.method == "HEAD" else call.method)
            if operation is None and service_of(call.path) is None:
                seen.allowed = tuple(sorted(methods.keys() | ({"HEAD"} if "GET" in methods else set())))
                expected = "one of " + ", ".join(seen.allowed)
                came = repeatable(call.method)
                seen.violations.append(Violation("route", call.method, "method", expected, came, blocks=True))
            seen.operation, seen.path = operation, values
            return
        if service_of(call.path) is None:
            expected = "a path of Flow Service"
            seen.violations.append(Violation("route", "path", "path", expected, "another path", blocks=True))

    def _add_path(self, template: str, item: Mapping[str, Any]) -> None:
        segments = tuple(template.strip("/").split("/"))
        methods: dict[str, Operation] = {}
        for method in _METHODS & item.keys():
            operation = self._compile(template, segments, method, item)
            methods[operation.method] = operation
            self.operations[operation.id] = operation
        for place in (segments, *(tuple(also.strip("/").split("/")) for also in item.get("x-also-at", ()))):
            self._routes.setdefault((place[0], len(place)), []).append((place, methods))

    def _compile(self, template: str, segments: tuple[str, ...], method: str, item: Mapping[str, Any]) -> Operation:
        source = item[method]
        pointer = ("paths", template, method)
        parameters = [
            *self._parameters(item.get("parameters", ()), ("paths", template, "parameters")),
            *self._parameters(source.get("parameters", ()), (*pointer, "parameters")),
        ]
        body, at = self._follow(source.get("requestBody"), (*pointer, "requestBody"))
        return Operation(
            id=source["operationId"],
            method=method.upper(),
            template=template,
            segments=segments,
            query={parameter.name: parameter for where, parameter in parameters if where == "query"},
            headers=(
                *self._credentials(source),
                *(parameter for where, parameter in parameters if where == "header"),
            ),
            body=self._content_check(body, at),
            body_required=bool(body and body.get("required")),
            media=frozenset((body or {}).get("content", ())),
            body_blocks=source.get("x-body-judged-by") != "handler",
            open=source.get("security") == [],
            responses={
                str(status): self._content_check(*self._follow(response, (*pointer, "responses", str(status))))
                for status, response in source["responses"].items()
            },
        )

    def _parameters(self, sources: Sequence[Any], pointer: tuple[str, ...]) -> Iterator[tuple[str, Parameter]]:
        for index, raw in enumerate(sources):
            source, at = self._follow(raw, (*pointer, str(index)))
            schema, _ = self._follow(source["schema"], (*at, "schema"))
            kind = schema.get("type", "string") if isinstance(schema.get("type", "string"), str) else "string"
            check = SchemaCheck(self._registry, (*at, "schema"))
            name = source["name"].lower() if source["in"] == "header" else source["name"]
            wanted = words(schema["items"] if kind == "array" else schema)  # each value of the query is an item
            refused = source.get("x-refused", False)
            yield source["in"], Parameter(name, source.get("required", False), kind, check, wanted, refused)

    def _credentials(self, source: Mapping[str, Any]) -> Iterator[Parameter]:
        """The headers that identify the caller: API key, organisation, sandbox."""
        for requirement in source.get("security", self.document.get("security", ())):
            for name in requirement:
                scheme = self.document["components"]["securitySchemes"][name]
                if scheme["type"] == "apiKey":
                    check = SchemaCheck(self._registry, ("components", "securitySchemes", name, "x-value"))
                    yield Parameter(scheme["name"].lower(), True, "string", check, words(scheme["x-value"]))

    def _content_check(self, holder: Mapping[str, Any] | None, at: tuple[str, ...]) -> SchemaCheck | None:
        content = (holder or {}).get("content")
        if not content:
            return None
        return SchemaCheck(self._registry, (*at, "content", next(iter(content)), "schema"))

    def _follow(self, node: Any, at: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
        """Resolve `$ref`s; returns the node and its place in the document."""
        while isinstance(node, dict) and "$ref" in node:
            at = tuple(part.replace("~1", "/").replace("~0", "~") for part in node["$ref"][2:].split("/"))
            node = functools.reduce(lambda inner, part: inner[part], at, self.document)
        return node, at


def load_document() -> dict[str, Any]:
    """Load `openapi.yaml`."""
    document: dict[str, Any] = documents.read(documents.contract())
    return document


def _parts(path: str) -> tuple[str, ...]:
    """The segments of a decoded path. An id of the Schema Registry is a URI and counts as one segment.

    Empty segments are invalid; a single trailing slash is tolerated (facts §6).
    """
    before, uri, rest = path.removeprefix("/").removesuffix("/").partition("/https://")
    return (*before.split("/"), "https://" + rest) if uri else tuple(before.split("/"))


def _match(segments: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str] | None:
    values = {}
    for segment, part in zip(segments, parts, strict=True):
        if segment.startswith("{") and part:
            values[segment[1:-1]] = decoded_segment(part)
        elif segment != part:
            return None
    return values


def _as(kind: str, text: str) -> Json:
    """A query or header value converted to the type of its schema, or unchanged if that fails."""
    if kind == "integer" and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text


def _header_violations(operation: Operation, headers: Mapping[str, str]) -> Iterator[Violation]:
    authorization = headers.get("authorization")
    if authorization is None:
        yield Violation("header", "authorization", "required", _WANTED, MISSING)
    elif bearer(authorization) is None:
        yield Violation("header", "authorization", "form", _WANTED, malformed(authorization))
    for parameter in operation.headers:
        value = headers.get(parameter.name)
        if value is None and parameter.required:
            yield parameter.missing("header")
        elif value is not None and not parameter.check.accepts(value):
            yield from parameter.violations("header", value)


def _query_violations(operation: Operation, pairs: Pairs, arguments: dict[str, Any]) -> Iterator[Violation]:
    """Parse the query into `arguments` and return its violations: all of known parameters, the first unknown ones."""
    sent: dict[str, list[str]] = {}
    for name, value in pairs:
        sent.setdefault(name, []).append(value)
    for name, parameter in operation.query.items():
        if name in sent:
            arguments[name] = parameter.read(sent[name])
            yield from parameter.violations("query", arguments[name])
        elif parameter.required:
            yield parameter.missing("query")
    expected = "one of " + ", ".join(operation.query) if operation.query else "no parameters"
    unknown = (name for name in sent if name not in operation.query)
    for name in islice(unknown, MAX_VIOLATIONS):
        shown = repeatable(name) if any(sent[name]) or is_word(name) else described(name)
        yield Violation("query", shown, "unknown", expected, UNKNOWN)


def _encoding(header: str | None) -> str:
    """The encoding of a body; empty if it has none. `identity` is none (RFC 9110 §8.4.1)."""
    named = {part.strip().lower() for part in header.split(",")} - {"", "identity"} if header else set()
    return min(named, default="")


def _body_violations(operation: Operation, call: Call, seen: Seen, max_body: int) -> Iterator[Violation]:
    """Check media type, JSON and schema, in this order; each step needs the one before."""
    if call.oversized:
        yield Violation("body", "", "size", f"at most {max_body} bytes", "more", blocks=True)
        return
    if not call.body:
        if operation.body_required:
            yield Violation("body", "", "empty", "a JSON body", MISSING, blocks=True)
        return
    if came := _encoding(call.headers.get("content-encoding")):
        expected = "a body without Content-Encoding"
        yield Violation("media", "content-encoding", "encoding", expected, repeatable(came), blocks=True)
        return
    media = call.headers.get("content-type", "")
    other = media.partition(";")[0].strip().lower() in operation.media - {"application/json"}
    if not other and not _JSON_TYPE.fullmatch(media):
        yield Violation("media", "content-type", "type", "application/json", "another type", blocks=True)
        return
    try:
        seen.body = json_input.parse(call.body, max_bytes=max_body)
    except json_input.JsonProblem as problem:
        keyword = "size" if problem.too_large else "json"
        yield Violation("body", "", keyword, "one JSON document", problem.reason, blocks=True)
        return
    if operation.body_required and seen.body in (None, [], ""):
        yield Violation("body", "", "empty", "a JSON body that is neither null nor empty", MISSING, blocks=True)
    elif operation.body and seen.body is not None:  # null is the same as no body (1405)
        yield from operation.body.violations(seen.body, "body", blocks=operation.body_blocks)
        yield from operation.body.unknown_members(seen.body)
