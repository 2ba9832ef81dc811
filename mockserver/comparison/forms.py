"""Describes the form of values, for findings that must not show the values."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from mockserver.comparison.symbols import is_made_id, quoted
from mockserver.har.gaps import STAND_IN
from mockserver.json_input import Json


def an(kind: str) -> str:
    """A kind of symbol with its article."""
    return f"{'an' if kind in ('id', 'etag') else 'a'} {kind}"


def link(href: str) -> tuple[str, str, frozenset[str]]:
    """The form of a link: whether it has a host, its path without ids, and the names of its parameters."""
    parts = urlsplit(href)
    path = "/".join("*" if is_made_id(one) or STAND_IN in one else one for one in parts.path.split("/"))
    return parts.netloc and "host", path, frozenset(name for name, _ in parse_qsl(parts.query))


def strength(etag: str) -> str:
    """A description of an etag's form."""
    return "a weak etag" if etag[:1] == "W" else "an etag in quotes" if quoted(etag) else "an etag without quotes"


def kind(value: Json) -> str:
    """The JSON type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
