"""Parses and formats JSON; all input and output goes through here.

Python's own parser accepts invalid or harmful documents: NaN, 1e999, repeated keys
(the last one wins), lone surrogates, nesting that ends in a RecursionError. All of them are refused here
(RFC 8259; `B1` to `B6` are tested). Error texts never repeat the input.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from sys import intern
from typing import Any, TypeAlias

import orjson

Json: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool | None
"""A parsed JSON value."""

MAX_DEPTH = 64
"""Maximum nesting of arrays and objects."""

MAX_VALUES = 10_000
"""Maximum members and items of a document: ten times as many as any body of Flow Service has."""

MAX_DIGITS = 308
"""Maximum digits of a number: beyond them floats overflow and integers cost quadratic time."""

MAX_WIDTH = 2
"""Maximum memory of a document's texts, as a multiple of its maximum bytes. One emoji quadruples a text."""

SAME_MEMBER_TWICE = "an object with the same member twice"
BYTE_ORDER_MARK = "a byte order mark, which JSON does not allow"
NOT_UTF_8 = "bytes that are not UTF-8 at position {}"

_MAX_READ_OF_CUT = 262_144
_COPIED = 65_536
"""Bytes of encoded JSON from which it is copied."""

_STARTS_OF_FOUR_BYTES = tuple(bytes([lead]) for lead in range(0xF0, 0xF5))
"""The first bytes, in UTF-8, of characters beyond 16 bits."""

_QUOTE = ord('"')
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.DOTALL)
"""A string, or the unterminated rest of a text. Without the latter, it would backtrack to every later quote."""

_STRING_OR_VALUE = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)|,|[\[{](?=\s*[^\s\]}])', re.DOTALL)
"""A string, or what precedes one more value: a comma, or the beginning of an array or object that is not empty."""
_LADDER = re.compile(rb"(?:[\[{][^\[\]{}]*){%d}" % (MAX_DEPTH + 1))
_STRING_OR_MARK = re.compile(r'"(?:[^"\\]++|\\.?)*+(?:"|\Z)|[][{},]', re.DOTALL)
_ODD_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_ESCAPE, _FIRST_OF_PAIR = re.compile(rb"\\u"), re.compile(rb"\\ud[89ab]")  # faster than `in`
_DIGITS = bytes(ord("0") if chr(byte).isdecimal() and byte < 128 else 0 for byte in range(256))
_LONG_INTEGER = b"0" * 19
"""An integer that may be beyond 64 bits, with its digits replaced by `_DIGITS`."""
_SURROGATE_OR_NUL = re.compile("[\x00\ud800-\udfff]")


class JsonProblem(ValueError):
    """Bytes are not one acceptable JSON document. `reason` says why, without a value."""

    def __init__(self, reason: str, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.too_large = too_large


def parse(raw: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH, max_values: int | None = MAX_VALUES) -> Json:
    """Parse one JSON document in UTF-8. `max_values` None: unlimited, as are bytes in memory. Raises JsonProblem."""
    if len(raw) > max_bytes:
        raise JsonProblem(f"more than {max_bytes} bytes", too_large=True)
    if raw.startswith(b"\xef\xbb\xbf"):
        raise JsonProblem(BYTE_ORDER_MARK)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonProblem(NOT_UTF_8.format(error.start)) from None
    if max_values is None:
        return _demand_sound(_decoded(_DECODER, text, max_depth), raw, max_depth)
    _demand_few(raw, max_values)
    _demand_narrow(_width_of(text), max_bytes)
    value = _demand_sound(_decoded(_DECODER, text, max_depth), raw, max_depth)
    if _ESCAPE.search(raw):
        _demand_narrow(width(value), max_bytes)
    return value


def parse_written(raw: bytes, *, max_depth: int) -> Json:
    """Parse a document that this program wrote, faster than `parse` and in half the memory. Raises JsonProblem.

    Repeated names are not noticed.
    """
    if _LONG_INTEGER not in raw.translate(_DIGITS):  # orjson makes a float of an integer beyond 64 bits
        with suppress(orjson.JSONDecodeError):
            return _demand_sound(orjson.loads(raw), raw, max_depth)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise JsonProblem("bytes that are not UTF-8") from None
    return _demand_sound(_decoded(_WRITTEN, text, max_depth), raw, max_depth)


def value_at(text: str, at: int, max_depth: int, above: int) -> tuple[Any, int]:
    """Parse the value that begins at a place in a text; returns it and its end. `above`: levels of nesting around it.

    Raises JSONDecodeError, and JsonProblem.
    """
    try:
        value, end = _DECODER.raw_decode(text, at)
    except RecursionError:
        raise JsonProblem(f"more than {max_depth} levels of nesting") from None
    return _demand_sound(value, text[at:end].encode(), max_depth, above), end


def _decoded(decoder: json.JSONDecoder, text: str, max_depth: int) -> Json:
    try:
        value: Json = decoder.decode(text)
    except RecursionError:
        raise JsonProblem(f"more than {max_depth} levels of nesting") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise JsonProblem(f"a syntax error at {where} ({error.msg.lower()})") from None
    return value


def _demand_sound(value: Json, raw: bytes, max_depth: int, above: int = 0) -> Json:
    """Check what the parsers accept. Raises JsonProblem."""
    if raw.count(b"[") + raw.count(b"{") > max_depth - above and too_deep(value, max_depth - above):
        raise JsonProblem(f"more than {max_depth} levels of nesting")
    if _ODD_ESCAPE.search(raw) and any(_SURROGATE_OR_NUL.search(part) for part in _texts(value)):
        raise JsonProblem("a string with a NUL character or half a surrogate pair")
    return value


def escaped(value: Json) -> bytes:
    """Format compact JSON in ASCII."""
    return json.dumps(value, separators=(",", ":")).encode()


def width(value: Json) -> int:
    """The memory that the texts of a value take, in bytes.

    Python keeps each text in one, two or four bytes for each character, as its widest one needs.
    """
    return sum(map(_width_of, _texts(value)))


def weight(raw: bytes) -> int:
    """The maximum memory that the texts of a JSON document take once it is parsed, in bytes."""
    if any(start in raw for start in _STARTS_OF_FOUR_BYTES) or _FIRST_OF_PAIR.search(raw):
        return 4 * len(raw)
    return len(raw) if raw.isascii() and not _ESCAPE.search(raw) else 2 * len(raw)


def dumps(value: Json) -> bytes:
    """Format compact JSON in UTF-8."""
    try:
        made = orjson.dumps(value)
        # copied, because a large result of orjson keeps eight times its memory; joining one part would not copy
        return made if len(made) < _COPIED else b"".join((made, b""))
    except TypeError:  # an integer beyond 64 bits, or half a surrogate pair: only the standard library writes them
        pass
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")  # half a surrogate pair becomes the escape JSON has for it


def indented(value: Any) -> str:
    """Format JSON for people."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()  # Python's own takes ten times as long
    except TypeError:  # an integer beyond 64 bits, or half a surrogate pair
        return json.dumps(value, ensure_ascii=False, indent=2)


def closed(text: str) -> tuple[str, str]:
    """The complete part of truncated JSON and what closes it: for `{"a":[1,2` these are `{"a":[1` and `]}`."""
    end, opened = 0, []
    for match in _STRING_OR_MARK.finditer(text):
        mark = match[0]
        if mark in "{[":
            opened.append("}" if mark == "{" else "]")
        elif mark in "}]":
            del opened[-1:]
        elif mark != ",":
            continue
        end = match.start() if mark == "," else match.end()
    return text[:end], "".join(reversed(opened))


def beginning(raw: bytes) -> Json:
    """Parse the readable beginning of cut or damaged JSON, with a cut text at its end; None if nothing is readable.

    Only the first 256 KiB are read, because this takes a second for each megabyte.
    """
    text, found, longest = raw[:_MAX_READ_OF_CUT].decode("utf-8", "ignore"), None, 0
    if text.lstrip()[:1] not in ("{", "["):
        return None
    for ending in ("", ",", '",'):  # what the last member may lack
        part, closing = closed(text + ending)
        if len(part) > longest:
            with suppress(ValueError, RecursionError):
                found, longest = json.loads(part + closing), len(part)
    return None if too_deep(found) else found


def too_deep(value: Json, max_depth: int = MAX_DEPTH) -> bool:
    """Whether the nesting exceeds MAX_DEPTH."""
    level: list[Any] = [value]
    for _ in range(max_depth + 1):
        inner = [holder.values() if isinstance(holder, dict) else holder for holder in level if _holds(holder)]
        level = [item for items in inner for item in items]
        if not inner:
            return False
    return True


def _holds(value: Any) -> bool:
    return isinstance(value, dict | list)


def _demand_few(raw: bytes, max_values: int) -> None:
    """Count members and items before parsing: the commas, and one more in each array and object that is not empty."""
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") <= max_values:
        return
    values = strings = 0
    for found in _STRING_OR_VALUE.finditer(raw):  # one by one: all of them would take 40 times the memory of the body
        if raw[found.start()] == _QUOTE:
            strings += 1
        else:
            values += 1
        if values > max_values:
            deep = _LADDER.search(_STRING.sub(b"0", raw[: found.start()]))
            raise JsonProblem(
                f"more than {MAX_DEPTH} levels of nesting" if deep else f"more than {max_values} members and items"
            )
        if strings > 2 * max_values:
            return  # more names and texts than the values have: it is no JSON, and the parser says where


def _width_of(text: str) -> int:
    if text.isascii():
        return len(text)
    with suppress(UnicodeEncodeError):  # encoders tell in a tenth of the time that a pattern needs
        return len(text.encode("latin-1"))
    two_each = 2 * len(text)
    return two_each if len(text.encode("utf-16-le", "surrogatepass")) == two_each else 2 * two_each


def _demand_narrow(found: int, max_bytes: int) -> None:
    if found > MAX_WIDTH * max_bytes:
        reason = f"texts of more than {MAX_WIDTH * max_bytes} bytes in memory, where one wide character widens all"
        raise JsonProblem(reason, too_large=True)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # intern equal names: those of a stored connection's `auth` would take 450 of its 3,100 bytes
    made = {intern(name): value for name, value in pairs}
    if len(made) != len(pairs):
        raise JsonProblem(SAME_MEMBER_TWICE)
    return made


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise JsonProblem(f"a number of more than {MAX_DIGITS} digits")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits) if len(digits) <= MAX_DIGITS else math.inf
    if math.isinf(value):
        raise JsonProblem("a number that is too large")
    return value


def _constant(name: str) -> Any:
    raise JsonProblem("NaN or Infinity, which JSON does not allow")


_WRITTEN = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_constant)
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
