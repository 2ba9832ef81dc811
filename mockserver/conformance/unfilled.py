"""Detects values that were never filled in: texts such as `undefined`, unresolved templates, placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mockserver.secrecy.placeholders import (
    HEADER_VARIABLE,
    NO_CREDENTIAL,
    NOTHING,
    VARIABLE,
    is_placeholder,
    unfilled_kind,
)

_TEMPLATE = re.compile(r"\$\{[^{}]{1,64}\}|\{\{[^{}]{1,64}\}\}")
_PRINTED = re.compile(r"\bundefined\b|\[object [A-Z][A-Za-z]*\]")
_PRINTED_NAME = re.compile(
    r"@\{\w+=.*\}|System\.[A-Z][\w.]*(?:`\d)?(?:\[.*\])?|b'[^']*'|<Response \[\d+\]>|<[\w.]+ object at 0x[0-9a-f]+>"
)
"""A printed object that nobody would choose as a name."""
_BRACES = re.compile(r"\{[A-Za-z_][\w. -]{0,63}\}")
_UNRESOLVED = "a variable that was not resolved"
_OBJECT = "a printed object"
_KINDS = {"variable": _UNRESOLVED, "printed object": _OBJECT, "fill-in text": "a text to be replaced"}
_MARK = re.compile(rf"‹({'|'.join(_KINDS)}),")
"""How the journal shows a secret that has the form of a template, and so on."""

_CREDENTIALS = frozenset(
    {"authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-id", "x-sandbox-name", "if-match"}
)
"""Headers whose values are never words such as `false`."""
_CREDENTIAL = re.compile(
    r"passw|pwd|secret|token|key|connectionString|user|credential|client_?id|(?:^id|Ids?)$", re.IGNORECASE
)
"""Names of members whose values cannot be `null` or `none`."""

_SCHEME = re.compile(r"(?:bearer|basic)\s+", re.IGNORECASE)


def unfilled(text: str) -> str:
    """Describe an unfilled value: texts such as `undefined` as they are, templates in words; "" for other values."""
    bare = text.strip().strip('"')
    if NOTHING.fullmatch(bare):
        return bare
    return _described(bare, VARIABLE)


def _described(text: str, variable: re.Pattern[str]) -> str:
    return _KINDS.get(unfilled_kind(text, variable)) or _marked(text)


def _marked(text: str) -> str:
    mark = _MARK.match(text)
    return _KINDS[mark[1]] if mark else ""


def unfilled_header(name: str, value: str) -> str:
    """Like `unfilled`, for a header value, whose scheme is ignored and whose parts are searched."""
    if name == "origin" or name.startswith("sec-"):
        return ""  # set by browsers, which write `null` and `none`
    bare = _SCHEME.sub("", value.strip())
    if is_placeholder(bare):
        return ""
    bare = bare.removesuffix("@AdobeOrg")
    if name in _CREDENTIALS and bare.lower() in NO_CREDENTIAL:
        return bare
    if name in _CREDENTIALS and not NOTHING.fullmatch(bare) and (found := _described(bare, HEADER_VARIABLE)):
        return found
    printed = _PRINTED.search(bare)
    template = _TEMPLATE.search(bare) or _BRACES.search(bare)
    return unfilled(bare) or (printed[0] if printed else _UNRESOLVED if template else "")


def unfilled_segment(segment: str) -> bool:
    """Whether a path segment was never filled in. All braces count, also those of Adobe's samples."""
    return bool(unfilled(segment) or _TEMPLATE.search(segment) or _BRACES.search(segment) or _PRINTED.search(segment))


def has_placeholder(text: str) -> bool:
    """Whether a text contains a placeholder of Adobe's documents."""
    return any(is_placeholder(found[0]) for found in _BRACES.finditer(text))


def unfilled_places(body: Any, at: str = "", name: str = "") -> Iterator[tuple[str, str]]:
    """Pointer and description of every unfilled member of a body."""
    if isinstance(body, list):
        for index, item in enumerate(body):
            yield from unfilled_places(item, f"{at}/{index}", name)
    elif isinstance(body, dict):
        patched = str(body.get("path")).rpartition("/")[2] if "op" in body else ""
        for key, inner in body.items():
            yield from unfilled_places(inner, f"{at}/{key}", patched if patched and key == "value" else key)
    elif isinstance(body, str):
        found = _in_member(name, body)
        if found:
            yield at, found


def unfilled_text(text: str) -> str:
    """Like `unfilled`, for free texts such as names, which may be `none` or contain `undefined`."""
    bare = text.strip().strip('"')
    printed = _PRINTED.fullmatch(bare)
    if printed or _PRINTED_NAME.fullmatch(bare):
        return printed[0] if printed else _OBJECT
    return _UNRESOLVED if _TEMPLATE.search(text) else _marked(text)


def _in_member(name: str, text: str) -> str:
    if not _CREDENTIAL.search(name):
        return unfilled_text(text)
    parts = [part.partition("=")[2] for part in text.split(";") if "=" in part]  # of a connection string
    return next(filter(None, map(unfilled, (text, *parts))), unfilled_text(text))
