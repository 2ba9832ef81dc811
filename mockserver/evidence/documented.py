"""Extracts facts from Adobe's OpenAPI documents, without their prose: operations, members, limits, enumerations.

`fidelity/documents.jsonl` contains the facts of the documents that the emulator is based on, one holder per line. A
holder is an operation or a named schema of a document; a fact is a short text such as `query limit integer`.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from mockserver.contract import documents
from mockserver.evidence.samples import folder

FILE = "documents.jsonl"
"""File name of the digest in `fidelity/`."""

MAX_BYTES = 20 * 1_048_576
"""Maximum size of a document."""

Holder: TypeAlias = tuple[str, str]
"""Kind (`operation` or `schema`) and name (`POST /connections`, `Connection`)."""

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_MAX_DEPTH = 40
_MAX_FACTS = 20_000
"""Maximum facts of an operation or schema. YAML aliases can expand a small file without limit."""
_LIMITS = (
    "format", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "minItems", "maxItems", "uniqueItems", "nullable", "const", "default", "readOnly", "writeOnly",
    "deprecated",
)  # fmt: skip
"""Members of a schema that are facts together with their value."""
_COMBINED = ("oneOf", "anyOf", "allOf")


class DocumentError(ValueError):
    """A file is not an OpenAPI document; the message says where and why."""


@dataclass(frozen=True, slots=True)
class OfficialDocument:
    """The facts of one document."""

    title: str
    base: str
    """Base path of its operations, such as `/data/foundation/catalog`."""
    holders: Mapping[Holder, frozenset[str]]

    def operations(self) -> Iterator[tuple[str, str]]:
        """Method and full path of each operation."""
        for kind, name in self.holders:
            if kind == "operation":
                method, _, path = name.partition(" ")
                yield method, self.base + path


def read(path: Path) -> OfficialDocument:
    """Extract the facts of an OpenAPI 3 or Swagger 2 document in YAML or JSON. Raises DocumentError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DocumentError(f"{path}: larger than {MAX_BYTES // 1_048_576} MB")
        found = documents.parse_of_user(path.read_bytes())
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except documents.NotYaml as error:
        raise DocumentError(f"{path}: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("paths"), dict):
        raise DocumentError(f"{path}: not an OpenAPI document, because it has no `paths`")
    try:
        return _facts(found, path.stem)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from None


def known() -> tuple[OfficialDocument, ...]:
    """The documents that the emulator is based on."""
    return parse((folder() / FILE).read_text(encoding="utf-8"))


def dump(found: tuple[OfficialDocument, ...]) -> str:
    """Format documents as a digest with one holder per line, so that a change affects only its lines."""
    rows: list[dict[str, Any]] = []
    for document in sorted(found, key=lambda one: one.title):
        rows.append({"document": document.title, "base": document.base})
        for (kind, name), facts in sorted(document.holders.items()):
            rows.append({kind: name, "facts": sorted(facts)})
    return "\n".join([*(json.dumps(row, ensure_ascii=False) for row in rows), ""])


def parse(text: str) -> tuple[OfficialDocument, ...]:
    """Parse a digest."""
    found: list[OfficialDocument] = []
    holders: dict[Holder, frozenset[str]] = {}
    for row in map(json.loads, text.splitlines()):
        if "document" in row:
            holders = {}
            found.append(OfficialDocument(row["document"], row["base"], holders))
            continue
        kind = "operation" if "operation" in row else "schema"
        holders[kind, row[kind]] = frozenset(row["facts"])
    return tuple(found)


def _facts(document: Mapping[str, Any], stem: str) -> OfficialDocument:
    resolve = functools.partial(_resolved, document)
    holders: dict[Holder, frozenset[str]] = {}
    for path, item in document["paths"].items():
        shared = _list(resolve(item).get("parameters"))
        for method in _METHODS:
            operation = resolve(item).get(method)
            if isinstance(operation, dict):
                name = f"{method.upper()} {path}"
                holders["operation", name] = _within(_of_operation(operation, shared, resolve), name)
    components = _object(document.get("components"))
    for key, schema in {**_object(document.get("definitions")), **_object(components.get("schemas"))}.items():
        holders["schema", str(key)] = _within(_of_schema(schema, ""), str(key))
    title = str(_object(document.get("info")).get("title") or stem)
    return OfficialDocument(title, _base(document), holders)


def _within(facts: Iterator[str], name: str) -> frozenset[str]:
    """Collect facts up to the maximum. Raises DocumentError."""
    found = list(itertools.islice(facts, _MAX_FACTS + 1))
    if len(found) > _MAX_FACTS:
        raise DocumentError(f"{name} has more than {_MAX_FACTS} members")
    return frozenset(found)


def _base(document: Mapping[str, Any]) -> str:
    """The path of the first server; Swagger 2 has it in `basePath`."""
    server = next(iter(_list(document.get("servers"))), None)
    url = str(server["url"]) if isinstance(server, dict) and "url" in server else str(document.get("basePath") or "")
    # the host may contain a variable, which a URL parser rejects; only the path matters
    return urlsplit(url.replace("{", "").replace("}", "")).path.rstrip("/")


def _of_operation(operation: Mapping[str, Any], shared: list[Any], resolve: Any) -> Iterator[str]:
    if "operationId" in operation:
        yield f"named {operation['operationId']}"
    if operation.get("deprecated"):
        yield "deprecated"
    for parameter in map(resolve, [*shared, *_list(operation.get("parameters"))]):
        if parameter.get("in") == "body":
            yield from _of_schema(parameter.get("schema"), "body")
            continue
        place = f"{parameter.get('in')} {parameter.get('name')}"
        schema = parameter.get("schema") or parameter
        yield f"{place}{' required' if parameter.get('required') else ''}"
        yield from (fact for fact in _of_schema(schema, place) if fact != f"{place} any")
    yield from _of_content(resolve(operation.get("requestBody")), "body")
    for status, response in _object(operation.get("responses")).items():
        yield f"response {status}"
        yield from (f"response {status} header {name}" for name in _object(resolve(response).get("headers")))
        yield from _of_content(resolve(response), f"response {status} body")


def _of_content(holder: Mapping[str, Any], place: str) -> Iterator[str]:
    yield from _of_schema(holder.get("schema"), place)
    for media in _object(holder.get("content")).values():
        yield from _of_schema(_object(media).get("schema"), place)


def _of_schema(schema: Any, at: str, depth: int = 0) -> Iterator[str]:
    """Facts of a schema and its members. A reference is a fact; its target is another holder."""
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return
    if "$ref" in schema:
        yield f"{at} is {str(schema['$ref']).rpartition('/')[2]}".strip()
        return
    if "type" in schema:
        yield f"{at} {schema['type']}".strip()
    for name in _LIMITS:
        if name in schema:
            yield f"{at} {name} {json.dumps(schema[name], ensure_ascii=False, default=str)}".strip()
    for value in _list(schema.get("enum")):
        yield f"{at} may be {json.dumps(value, ensure_ascii=False, default=str)}".strip()
    for name in _list(schema.get("required")):
        yield f"{at}/{name} required".strip()
    for name, inner in _object(schema.get("properties")).items():
        yield f"{at}/{name}"
        yield from _of_schema(inner, f"{at}/{name}", depth + 1)
    for name in _COMBINED:
        for inner in _list(schema.get(name)):
            yield from _of_schema(inner, at, depth + 1)
    yield from _of_schema(schema.get("items"), f"{at}/*", depth + 1)
    yield from _of_schema(schema.get("additionalProperties"), f"{at}/*", depth + 1)


def _resolved(document: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    """Resolve a reference within the document; returns an empty mapping if it is broken."""
    for _ in range(_MAX_DEPTH):
        if not isinstance(value, dict):
            return {}
        if "$ref" not in value:
            return value
        target: Any = document
        for part in str(value["$ref"]).removeprefix("#/").split("/"):
            target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        value = target
    return {}


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
