"""Records the forms of a server's responses, to compare them with another server's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contracts.findings.error_codes import code_of
from contracts.schema.document import Document
from contracts.wire import Answer

FILE = "record.json"
_OWN = ("report", "auth", "params")
"""Members whose content belongs to the client, the connector or a message: only their presence is compared."""

_DEPTH = 4

_FORMS = {
    "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "etag": re.compile(r'"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"'),
}
"""Kinds of text whose form clients rely on."""


class Record:
    """Collects the forms of responses by operation and status, never their values."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, dict[str, set[str]]]] = {}

    def hear(self, document: Document, answer: Answer) -> None:
        """Learn from one exchange."""
        operation = document.match(answer.sent.method, answer.sent.target)
        if operation is None:
            return
        facts = self._seen.setdefault(operation.id, {}).setdefault(str(answer.status), {})
        facts.setdefault("members", set()).update(_members(answer.json, "", _DEPTH))
        facts.setdefault("headers", set()).update(_telling(answer))
        if operation.path.startswith("/connectionSpecs"):
            facts.setdefault("auth specs", set()).update(_auth_specs(answer.json))
        if answer.status >= 400:
            facts.setdefault("codes", set()).add(code_of(answer) or "none")

    def values(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            operation: {
                status: {name: sorted(texts) for name, texts in facts.items()}
                for status, facts in sorted(found.items())
            }
            for operation, found in sorted(self._seen.items())
        }


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """The differences of two records: (operation, what, only in the first, only in the second)."""
    rows = []
    for operation in sorted(first.keys() | second.keys()):
        one, two = first.get(operation), second.get(operation)
        if one is None or two is None:
            rows.append((operation, "operation", "called" if one else "", "called" if two else ""))
            continue
        rows += [row for row in _of_operation(operation, one, two) if row[2] or row[3]]
    return rows


def read(path: Path) -> dict[str, Any]:
    """Read a record from a file. Raises ValueError if it is invalid."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))["operations"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a record of a run: {error}") from None
    return dict(found)


def _of_operation(
    operation: str, one: Mapping[str, Any], two: Mapping[str, Any]
) -> Iterator[tuple[str, str, str, str]]:
    yield (operation, "statuses", *_only(one, two))
    for status in sorted(one.keys() & two.keys()):
        for what in sorted(one[status].keys() | two[status].keys()):
            yield (operation, f"{status} {what}", *_only(one[status].get(what, ()), two[status].get(what, ())))


def _only(one: Any, two: Any) -> tuple[str, str]:
    first, second = set(one), set(two)
    return ", ".join(sorted(first - second)), ", ".join(sorted(second - first))


def _members(value: Any, at: str, depth: int) -> Iterator[str]:
    """The members of a body as `/items/0/name: string`. All items of an array count as one."""
    yield f"{at or '/'}: {_kind(value)}"
    if depth == 0 or at.rpartition("/")[2] in _OWN:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _members(inner, f"{at}/{name}", depth - 1)
    elif isinstance(value, list):
        for inner in value[:20]:
            yield from _members(inner, f"{at}/0", depth - 1)


def _auth_specs(body: Any) -> Iterator[str]:
    """All auth specs as `postgre-sql: Basic Authentication`."""
    for item in _objects(body.get("items") if isinstance(body, dict) else None):
        for auth in _objects(item.get("authSpec")):
            yield f"{item.get('name')}: {auth.get('name')}"


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects in an array; empty if a faulty server sends something else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return next((name for name, form in _FORMS.items() if form.fullmatch(value)), "string")
        case list():
            return "array"
        case _:
            return "object"


def _telling(answer: Answer) -> Iterator[str]:
    """The headers that matter to clients, with the form of the etag."""
    for name, value in answer.headers:
        lower = name.lower()
        if lower == "etag":
            yield "etag: " + re.sub(r"[0-9a-f]", "x", value)
        elif lower in ("location", "allow", "retry-after", "x-request-id", "content-type"):
            yield f"{lower}: {value.partition(';')[0]}" if lower == "content-type" else lower
