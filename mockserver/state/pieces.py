"""Parses a large JSON document piece by piece, so that no step takes longer than for one piece or one value.

Parsing an export of 240 MB at once would block the other threads of the process for a second.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from mockserver import json_input
from mockserver.json_input import Json, JsonProblem

MAX_PIECE = 1_048_576
"""Bytes that are read at once."""

_SPACE = re.compile(r"[ \t\n\r]*")
_LONGEST_WORD = len("-Infinity")
"""A cut word, number or escape may be reported as an error up to this many characters before the end of the text."""
_OF_NUMBER = len("e+")
"""A cut number may be parsed as a shorter one, which ends up to this many characters before the end of the text."""

Read: TypeAlias = Callable[[int], bytes]
"""Returns the next bytes, at most so many; none at the end."""


class Demands(NamedTuple):
    """Checks of a large document while it is read, so that no more of a wrong one is parsed. They raise ValueError."""

    member: Callable[[str | None, str], None] = lambda name, mark: None
    """Called with the name of a member and the first character of its value, before that is parsed.

    Without a name it is the document itself.
    """
    item: Callable[[int, Json], None] = lambda number, value: None
    """Called with the number and the value of each item of the array that is most of the document."""


_ANYTHING = Demands()


def parse(
    read: Read,
    member: str,
    demands: Demands = _ANYTHING,
    *,
    max_bytes: int,
    max_depth: int,
    max_value: int | None = None,
) -> Json:
    """Parse an object that consists mostly of the array in this member. Raises JsonProblem and what `demands` raise.

    Any other value is parsed at once, and no value of more than `max_value` characters. Only documents of more than one
    piece are checked by `demands`.
    """
    first = read(MAX_PIECE + 1)
    if len(first) <= MAX_PIECE:
        return json_input.parse(first, max_bytes=max_bytes, max_depth=max_depth, max_values=None)
    text = _Unparsed(first, read, max_bytes, max_bytes if max_value is None else max_value)
    if text.mark() == "\ufeff":
        raise JsonProblem(json_input.BYTE_ORDER_MARK)
    demands.member(None, text.mark())
    whole: Json = dict(_members(text, member, demands, max_depth)) if text.mark() == "{" else text.value(max_depth)
    if text.mark():
        raise text.problem("extra data", text.at)
    return whole


def _members(text: _Unparsed, member: str, demands: Demands, max_depth: int) -> Iterator[tuple[str, Json]]:
    known: set[str] = set()
    for _ in _parts(text, "}"):
        if text.mark() != '"':
            raise text.problem("expecting property name enclosed in double quotes", text.at)
        name = text.value(max_depth)
        if text.mark() != ":":
            raise text.problem("expecting ':' delimiter", text.at)
        if name in known:
            raise JsonProblem(json_input.SAME_MEMBER_TWICE)
        known.add(name)
        text.at += 1
        demands.member(name, text.mark())
        if name == member and text.mark() == "[":
            yield name, list(_items(text, demands, max_depth))
        else:
            yield name, text.value(max_depth, 1)


def _items(text: _Unparsed, demands: Demands, max_depth: int) -> Iterator[Json]:
    for number, _ in enumerate(_parts(text, "]")):
        item: Json = text.value(max_depth, 2)
        demands.item(number, item)
        yield item


def _parts(text: _Unparsed, end: str) -> Iterator[None]:
    """Yield at each item or member of the array or object that begins here, and then move past its end."""
    text.at += 1
    if text.mark() == end:
        text.at += 1
        return
    while True:
        yield
        mark = text.mark()
        if mark not in (",", end):
            raise text.problem("expecting ',' delimiter", text.at)
        text.at += 1
        if mark == end:
            return


class _Unparsed:
    """The text of a document, without the part that was parsed already."""

    def __init__(self, first: bytes, read: Read, max_bytes: int, max_value: int) -> None:
        self._read, self._max_bytes, self._max_value = read, max_bytes, max_value
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._bytes, self._line, self._column = 0, 1, 1
        """Bytes read so far; the place where `_text` begins."""
        self._text = ""
        self.at = 0
        """Where the parser is in the rest."""
        self._add(first)

    def mark(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            found = _SPACE.match(self._text, self.at)
            assert found is not None
            self.at = found.end()
            if self.at < len(self._text):
                return self._text[self.at]
            if not self._more():
                return ""

    def value(self, max_depth: int, above: int = 0) -> Any:
        """Parse the next value, which is nested `above` levels deep, and move past it. Raises JsonProblem."""
        self.mark()
        while True:
            try:
                found, end = json_input.value_at(self._text, self.at, max_depth, above)
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _LONGEST_WORD
                if is_cut and self._more():
                    continue
                raise self.problem(error.msg.lower(), error.pos) from None
            if end >= len(self._text) - _OF_NUMBER and self._more():
                continue
            self.at = end
            return found

    def problem(self, what: str, at: int) -> JsonProblem:
        """A syntax error at a place of the text."""
        line, column = self._place(at)
        return JsonProblem(f"a syntax error at line {line}, column {column} ({what})")

    def _more(self) -> bool:
        """Read at least as many bytes as are unparsed, because a cut value is parsed again. False at the end."""
        unparsed = len(self._text) - self.at
        if unparsed > self._max_value:
            raise JsonProblem(f"a value of more than {self._max_value} characters", too_large=True)
        raw = self._read(max(MAX_PIECE, unparsed))
        if raw:
            self._line, self._column = self._place(self.at)
            self._text, self.at = self._text[self.at :], 0
        self._add(raw)
        return bool(raw)

    def _add(self, raw: bytes) -> None:
        pending = len(self._decoder.getstate()[0])
        try:
            self._text += self._decoder.decode(raw, final=not raw)
        except UnicodeDecodeError as error:
            raise JsonProblem(json_input.NOT_UTF_8.format(self._bytes - pending + error.start)) from None
        self._bytes += len(raw)
        if self._bytes > self._max_bytes:
            raise JsonProblem(f"more than {self._max_bytes} bytes", too_large=True)

    def _place(self, at: int) -> tuple[int, int]:
        breaks = self._text.count("\n", 0, at)
        if breaks:
            return self._line + breaks, at - self._text.rindex("\n", 0, at)
        return self._line, self._column + at
