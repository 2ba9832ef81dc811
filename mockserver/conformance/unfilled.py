"""Values that were never filled in: what programs print for nothing, templates left as they are, placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mockserver.secrecy import NOTHING, VARIABLE, is_placeholder

_TEMPLATE = re.compile(r"\$\{[^{}]{1,64}\}|\{\{[^{}]{1,64}\}\}")
_PRINTED = re.compile(r"\bundefined\b|\[object [A-Z][A-Za-z]*\]")
_BRACES = re.compile(r"\{[A-Za-z_][\w. -]{0,63}\}")
_MARK = "‹variable"
"""How the journal shows a secret that has the form of a template."""

_UNRESOLVED = "a variable that was not resolved"
_CREDENTIAL = re.compile(r"passw|pwd|secret|token|key|connectionString|user|credential", re.IGNORECASE)
"""Names of members whose values are never `null` or `none`."""

_SCHEME = re.compile(r"(?:bearer|basic)\s+", re.IGNORECASE)


def unfilled(text: str) -> str:
    """What a whole value is, if it is none: `undefined` and the like as they are, or words for a template; else ""."""
    bare = text.strip().strip('"')
    if NOTHING.fullmatch(bare):
        return bare
    return _UNRESOLVED if VARIABLE.fullmatch(bare) or bare.startswith(_MARK) else ""


def unfilled_header(value: str) -> str:
    """The same of a header, whose scheme and parts are looked at."""
    bare = _SCHEME.sub("", value.strip())
    if is_placeholder(bare):
        return ""
    printed = _PRINTED.search(bare)
    template = _TEMPLATE.search(bare) or _BRACES.search(bare)
    return unfilled(bare) or (printed[0] if printed else _UNRESOLVED if template else "")


def unfilled_segment(segment: str) -> bool:
    """Whether part of a path was never filled in; braces of any kind count, Adobe's included."""
    return bool(unfilled(segment) or _TEMPLATE.search(segment) or _BRACES.search(segment) or _PRINTED.search(segment))


def has_placeholder(text: str) -> bool:
    """Whether a text holds a placeholder of Adobe's documents."""
    return any(is_placeholder(found[0]) for found in _BRACES.finditer(text))


def unfilled_places(body: Any, at: str = "", name: str = "") -> Iterator[tuple[str, str]]:
    """Every member of a body that was never filled in, with what it holds."""
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
    """What a text of the client's own is, if it is no value: one may read `none` or speak of what is undefined."""
    printed = _PRINTED.fullmatch(text.strip().strip('"'))
    return printed[0] if printed else _UNRESOLVED if _TEMPLATE.search(text) or text.startswith(_MARK) else ""


def _in_member(name: str, text: str) -> str:
    if not _CREDENTIAL.search(name):
        return unfilled_text(text)
    parts = [part.partition("=")[2] for part in text.split(";") if "=" in part]  # of a connection string
    return next(filter(None, map(unfilled, (text, *parts))), unfilled_text(text))
