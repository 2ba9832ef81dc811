"""Complete responses as bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from mockserver.exchange import Result

Fields: TypeAlias = Iterable[tuple[str, str]]
"""Names and values of headers."""

_BREAK = re.compile(r"[\r\n\0]")


def complete(status: int, fields: Fields, body: bytes, common: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """Encode a response. `common` are headers of all responses. Raises ValueError for a line break in a header."""
    lines = [f"{name.lower()}: {value}" for name, value in fields]
    if _BREAK.search("".join(lines)):
        raise ValueError("a header of the response holds a line break")
    first = STATUS_LINE[status] + b"".join([b"%b: %b\r\n" % field for field in common])
    return first + "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def refusal(result: Result) -> bytes:
    """A response that closes the connection."""
    size = str(len(result.encoded))
    fields = (("content-type", "application/json"), ("content-length", size), ("connection", "close"))
    return complete(result.status, fields, result.encoded)
