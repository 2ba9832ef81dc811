"""Reads the bodies of a HAR entry, and detects whether the tool that wrote it left one out."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from mockserver.exchange import Result
from mockserver.har.reading import MAX_BYTES
from mockserver.json_input import Json

_MAX_DIGITS = 12
_FORM = re.compile(rb"[\w.-]+=")


def sent(post: Mapping[str, Any]) -> bytes:
    """The body of a request. Raises ValueError if it is not decodable."""
    text = post.get("text")
    if not text and post.get("params"):
        rows = [row for row in post["params"] if row.get("name")]
        if "json" in str(post.get("mimeType")):
            return json.dumps(_members([(str(row["name"]), row.get("value")) for row in rows])).encode()
        return urlencode([(str(row["name"]), str(row.get("value") or "")) for row in rows]).encode()
    return _decoded(_text(text), post.get("encoding"))


def _members(pairs: list[tuple[str, Json]]) -> Json:
    """The JSON value that an exporter has split into parameters: an object by its names, a list by its numbers."""
    if [name for name, _ in pairs] == [str(number) for number in range(len(pairs))]:
        return [value for _, value in pairs]
    return dict(pairs)


def received(content: Mapping[str, Any]) -> bytes:
    """The body of a response. Raises ValueError if it is not decodable."""
    return _inflated(_decoded(_text(content.get("text")), content.get("encoding")))


def lacks_request(method: str, request: Mapping[str, Any], length: str, body: bytes, result: Result) -> bool:
    """Whether a body was sent that is missing or incomplete in the file. `length` is its Content-Length."""
    size = number(request.get("bodySize"), -1)
    if length.isdecimal() and len(length) < 12:
        size = max(size, int(length))
    if body:
        return len(body) < size and not _is_json(body) and len(_encoded_form(body)) < size
    return size > 0 or (size < 0 and method in ("POST", "PUT", "PATCH") and result.error != "1405-400")


def _encoded_form(body: bytes) -> str:
    """A form as it is sent; some tools write it decoded, which is shorter. Empty for other bodies."""
    if not _FORM.match(body):
        return ""
    return urlencode(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def lacks_response(content: Mapping[str, Any], result: Result, *, empty: bool) -> bool:
    """Whether the body of a response is missing in the file. `empty`: the file proves that it had none.

    Tools that keep no bodies write a size of 0. The service always sends a body with 200, 201 and errors.
    """
    if result.body is not None or content.get("text") or empty:
        return False
    sized = number(content.get("size"), -1) != 0
    return result.status in (200, 201) or result.status >= 400 or (result.status == 304 and sized)


def _text(value: Json) -> str:
    """A body; some tools write JSON as such, and not as a text."""
    return json.dumps(value) if isinstance(value, dict | list) else str(value or "")


def number(value: object, default: int) -> int:
    """A whole number in the file, also as a text, or `default` for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < _MAX_DIGITS:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _decoded(text: str, encoding: object) -> bytes:
    if encoding == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            raise ValueError("not Base64") from None
    return text.encode("utf-8", "surrogatepass")


def _inflated(raw: bytes) -> bytes:
    """Decompress a body that an exporter left compressed. Raises ValueError if it is damaged or far too large."""
    if raw[:2] != b"\x1f\x8b":
        return raw
    inflating = zlib.decompressobj(wbits=31)
    try:
        inflated = inflating.decompress(raw, MAX_BYTES)
    except zlib.error:
        raise ValueError("damaged") from None
    if inflating.unconsumed_tail:
        raise ValueError("too large")
    return inflated
