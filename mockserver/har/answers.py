"""Reads a response: body, relevant headers and error code. For HAR files, recorder and replay alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

from mockserver.exchange import Result
from mockserver.json_input import Json, JsonProblem, parse

KEPT_HEADERS = frozenset({"etag", "location", "allow", "retry-after"})
"""Response headers that a comparison needs."""

_CODE = re.compile(r"FLOW-(\d{4}-\d{3})$")
_NAMED_CODE = re.compile(r"[\w .:-]*")
"""A code of another service. Anything else might be a value that it repeats."""


def read(status: int, headers: Iterable[tuple[str, str]], raw: bytes, *, max_bytes: int) -> Result:
    """A response with its parsed body. A body that is not JSON or is too large becomes None."""
    body: Json = None
    with suppress(JsonProblem):  # a service may list more values than it accepts in a request
        body = parse(raw, max_bytes=max_bytes, max_values=None) if raw else None
    return Result(status, body, tuple((name.lower(), value) for name, value in headers), error_code(status, body))


def is_unread(raw: bytes, result: Result) -> bool:
    """Whether a body begins like JSON and could not be read: it was cut, or exceeds our limits."""
    return result.body is None and raw.lstrip()[:1] in (b"{", b"[")


def kept(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those headers that a comparison needs."""
    return tuple((name.lower(), value) for name, value in headers if name.lower() in KEPT_HEADERS)


def error_code(status: int, body: Json) -> str | None:
    """The code of an error response, in the form of the journal."""
    if status < 400:
        return None
    members = body if isinstance(body, dict) else {}
    code = _CODE.search(str(members.get("type", "")))
    if code:
        return code[1]
    named = str(members.get("error_code") or members.get("error") or status)[:40]
    return named if _NAMED_CODE.fullmatch(named) else str(status)
