"""A request as it was received, and responses as bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http.client import responses
from typing import TypeAlias

from mockserver.exchange import Result

Fields: TypeAlias = Iterable[tuple[str, str]]
"""Names and values of headers."""

_BREAK = re.compile(r"[\r\n\0]")


@dataclass(slots=True)
class HttpRequest:
    """A complete request, or one whose body was not read."""

    method: str
    version: str
    """`1.0` or `1.1`."""
    target: bytes
    fields: list[tuple[bytes, bytes]]
    """Headers as sent, with their names in lower case."""
    keep_alive: bool
    """Whether the connection stays open after the response."""
    scheme: str = "http"
    client: str = ""
    """The client's address."""
    server: tuple[str, int] = ("", 0)
    """Address and port of the server."""
    body: bytes = b""
    large: Sequence[bytes] = ()
    """The pieces of a body above the ordinary limit, in its place."""
    error: str | None = None
    """`too_large`, `too_slow` or `framing` if the body was not read completely."""


def response(status: int, fields: Fields, body: bytes, common: Iterable[str] = ()) -> bytes:
    """Encode a response. `common` are lines of all responses. Raises ValueError for a line break in a header."""
    lines = [f"{name.lower()}: {value}" for name, value in fields]
    if _BREAK.search("".join(lines)):
        raise ValueError("a header of the response holds a line break")
    head = [f"HTTP/1.1 {status} {responses.get(status, '')}", *common, *lines, "\r\n"]
    return "\r\n".join(head).encode("latin-1") + body


def refusal(result: Result) -> bytes:
    """A response that closes the connection."""
    size = str(len(result.encoded))
    fields = (("content-type", "application/json"), ("content-length", size), ("connection", "close"))
    return response(result.status, fields, result.encoded)
