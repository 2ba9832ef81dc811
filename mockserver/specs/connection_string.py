"""Parses and formats connection strings such as `Server=db;Port=5432;Password={a;b}`.

The grammar is that of ODBC with the quotes of ADO.NET added; Adobe's pages only call it a
connection string (facts §8.1). Errors name a position, never a value: the text contains a password.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mockserver.secrecy.placeholders import is_placeholder

MAX_LENGTH = 8_192
"""Maximum length in characters."""

_GAP = re.compile(r"[\s;]*+")
_PAIR = re.compile(
    r"""([^=;]++) = \s*+
    (?: \{ ( [^}]*+ (?: \}\} [^}]*+ )*+ ) \}
      | "  ( [^"]*+ (?: ""   [^"]*+ )*+ ) "
      | '  ( [^']*+ (?: ''   [^']*+ )*+ ) '
      | ( (?: \{ [A-Z0-9_]++ \} (?= \s*+ [^\s;] ) | (?! [{"'] ) ) [^;]*+ )
    ) \s*+ (?: ; [\s;]*+ | \Z )""",
    re.VERBOSE,
)
_BRACES, _DOUBLE, _SINGLE, _BARE = 2, 3, 4, 5  # groups of _PAIR
_CLOSERS = {"{": "}", '"': '"', "'": "'"}


class ConnectionStringError(ValueError):
    """A malformed connection string: what is wrong, and the position (from 0)."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"{reason} at position {position}")
        self.reason = reason
        self.position = position


@dataclass(frozen=True, slots=True, repr=False)
class ConnectionString:
    """Key-value pairs in order. Keys ignore case, and the first of several equal keys counts, as in ODBC."""

    pairs: tuple[tuple[str, str], ...]
    repeated: tuple[str, ...] = field(init=False, compare=False)
    """Lower-case keys that occur more than once."""
    _first: dict[str, str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        first: dict[str, str] = {}
        repeated: dict[str, None] = {}
        for key, value in self.pairs:
            name = key.lower()
            if name in first:
                repeated[name] = None
            else:
                first[name] = value
        object.__setattr__(self, "_first", first)
        object.__setattr__(self, "repeated", tuple(repeated))

    def get(self, key: str) -> str | None:
        """The value of a key (ignoring case), or None."""
        return self._first.get(key.lower())

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        return f"ConnectionString({len(self.pairs)} pairs)"


@functools.lru_cache(maxsize=64)  # checked, asked for its parts and redacted in the course of one request
def parse(text: str) -> ConnectionString:
    """Parse a connection string. Raises ConnectionStringError.

    A value that contains `;`, or begins or ends with a space, is put in braces (`}}` for `}`) or in quotes (doubled
    for one). A placeholder of Adobe's documents, such as `{SERVER}`, keeps its braces, even if more text follows:
    `User ID={USERNAME}@{SERVER_NAME}`.
    """
    if len(text) > MAX_LENGTH:
        raise ConnectionStringError(f"more than {MAX_LENGTH} characters", MAX_LENGTH)
    pairs = []
    gap = _GAP.match(text)
    at = gap.end() if gap else 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None or (pair.lastindex == _BARE and pair[_BARE][:1] == "{" and not _is_sample(pair[_BARE])):
            raise _error(text, at)
        pairs.append((pair[1].rstrip(), _value(pair)))
        at = pair.end()
    return ConnectionString(tuple(pairs))


def format(pairs: Iterable[tuple[str, str]]) -> str:
    """Format pairs so that `parse` returns them. Raises ValueError for a key that cannot be expressed."""
    written = []
    for key, value in pairs:
        if not key or key != key.strip() or "=" in key or ";" in key:
            raise ValueError("a key must be neither empty nor padded and hold neither = nor ;")
        written.append(f"{key}={_quoted(value)}")
    return ";".join(written)


def _value(pair: re.Match[str]) -> str:
    kind = pair.lastindex
    if kind == _BRACES:
        content = pair[_BRACES]
        braced = "{" + content + "}"
        return braced if is_placeholder(braced) else content.replace("}}", "}")
    if kind == _DOUBLE:
        return pair[_DOUBLE].replace('""', '"')
    if kind == _SINGLE:
        return pair[_SINGLE].replace("''", "'")
    return pair[_BARE].rstrip()


def _is_sample(value: str) -> bool:
    """Whether a value begins with a placeholder of Adobe's documents, so that its brace opens no quoted text."""
    return is_placeholder(value[: value.index("}") + 1])


def _quoted(value: str) -> str:
    if is_placeholder(value) or not (value != value.strip() or ";" in value or value[:1] in _CLOSERS):
        return value
    return "{" + value.replace("}", "}}") + "}"


def _error(text: str, at: int) -> ConnectionStringError:
    """The error for text at `at` that is no key-value pair."""
    end = text.find(";", at)
    equals = text.find("=", at, len(text) if end < 0 else end)
    if equals < 0:
        return ConnectionStringError("a key without =", at)
    if equals == at:
        return ConnectionStringError("a value without a key", at)
    start = equals + 1 + len(text[equals + 1 :]) - len(text[equals + 1 :].lstrip())
    closer = _CLOSERS[text[start]]
    rest = start + 1
    while (rest := text.find(closer, rest)) >= 0 and text.startswith(closer * 2, rest):
        rest += 2
    if rest < 0:
        return ConnectionStringError(f"a value that opens with {text[start]} and does not close", start)
    return ConnectionStringError(f"text after the closing {closer} of a value", rest + 1)
