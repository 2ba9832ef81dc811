"""Kinds of differences: how a value differs from the expected one, whatever member it belongs to.

A server that writes numbers as texts does so in every member: in those that a schema types, in free content, in
counts. Failures with the same kind of difference have one cause.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

NULL = "null"
"""Null in place of a value or of a missing member."""
ARRAY = "array"
"""A list in another form: an object with its positions as names, or its only item."""
NAMES = "names"
"""Members under names of another spelling, such as `created_at`."""
ABSENT_NULL = "absent null"
"""A member whose value is null was left out."""
WRAPPED = "wrapped"
"""A body inside a member of another body."""
CASE = "letter case"
"""A text in upper or lower case."""
QUOTES = "quotes"
"""An etag without its quotes, or marked as weak."""
CUT = "cut"
"""Only the beginning of a text."""
ADDED = "added "
"""Prefix of the kind of a member that must not be there."""
LACKING = "lacking "
"""Prefix of the cause of a body without a member that checks read although its schema does not require it."""
SECONDS = "seconds"
"""A time in seconds in place of milliseconds."""
WHOLE = "integer, number"
"""A whole number written with a fraction: 5.0."""
_SECOND = 1000
"""Milliseconds."""
MIN_CUT = 8
"""Minimum characters of a text that counts as cut."""

TEXTS: Mapping[str, Callable[[str], str]] = {
    CASE: str.casefold,
    "spaces": lambda text: " ".join(text.split()),
    "composition": lambda text: unicodedata.normalize("NFC", text),
    "escapes": lambda text: unquote(html.unescape(text)),
    QUOTES: lambda text: text.removeprefix("W/").strip('"'),
}
"""Kind -> a function that makes texts equal if they differ only in this way."""

_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", dict: "object"}
_NONE = object()


def kinds(came: object, expected: object, *, types: bool = False) -> frozenset[str]:
    """The kinds of all differences; empty if there are none, or if any is of no known kind.

    With `types`, values that are equal but for their type, such as 1, 1.0 and true, differ.
    """
    found = frozenset(_different(came, expected, types))
    return frozenset() if "" in found else found


def of_type(expected: set[str], came: object) -> str:
    """The kind of a value that has none of the types of its schema."""
    if came is None:
        return NULL
    wanted = {"number" if name == "integer" else name for name in expected} - {"null"}
    if wanted == {"array"}:
        return ARRAY
    received = "array" if isinstance(came, list) else _TYPES[type(came)]
    return WHOLE if wanted == {received} else f"{' or '.join(sorted(wanted))}, {received}"


def spelled(name: str) -> str:
    """A member's name, equal for all spellings: `createdAt`, `created_at`, `CREATED-AT`."""
    return re.sub(r"[\W_]", "", name).casefold()


def names_in(value: Any) -> set[str]:
    """The names of all members of a value, at every depth."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set(value if isinstance(value, dict) else ()).union(*map(names_in, inside))


def added(names: Collection[str]) -> str:
    """The kind of members that must not be there: it names the first of them; empty for none."""
    return ADDED + min(names) if names else ""


def is_numbered(value: Any) -> bool:
    """Whether a value is an object with positions as names: `{"0": …, "1": …}`."""
    return isinstance(value, dict) and bool(value) and list(value) == list(map(str, range(len(value))))


def _different(came: Any, expected: Any, types: bool, *, top: bool = True) -> Iterator[str]:
    """The kind of each difference; an empty text for one of no known kind."""
    if came is None:
        if expected is not None:  # a whole value may be None because its member is missing
            yield "" if top else NULL
    elif isinstance(expected, dict) and isinstance(came, dict):
        yield from _members(came, expected, types)
    elif isinstance(expected, list):
        yield from _items(came, expected, types)
    elif isinstance(expected, tuple) and isinstance(came, tuple) and len(came) == len(expected):
        for one, other in zip(came, expected, strict=True):
            yield from _different(one, other, types)
    elif isinstance(came, dict | list | set | tuple) or isinstance(expected, dict | set | tuple):
        if came != expected:
            yield "object, string" if isinstance(came, str) and _read(came) == expected else ""
    elif came != expected or (types and type(came) is not type(expected)):
        yield _scalar(came, expected)


def _members(came: dict[str, Any], expected: dict[str, Any], types: bool) -> Iterator[str]:
    others = {spelled(name): name for name in came.keys() - expected.keys()}
    for name, value in expected.items():
        if name in came:
            yield from _different(came[name], value, types, top=False)
        elif other := others.pop(spelled(name), None):
            yield NAMES
            yield from _different(came[other], value, types, top=False)
        else:
            yield ABSENT_NULL if value is None else ""
    yield from (NULL if came[name] is None else added({name}) for name in others.values())


def _items(came: Any, expected: list[Any], types: bool) -> Iterator[str]:
    found = came
    if isinstance(came, dict):
        found = list(came.values()) if is_numbered(came) else [came]
    elif not isinstance(came, list) or _is_the_only(came, expected):
        found = [came]
    if found is not came:
        yield ARRAY
    if len(found) != len(expected):
        yield ""
        return
    for one, other in zip(found, expected, strict=True):
        yield from _different(one, other, types, top=False)


def _is_the_only(came: list[Any], expected: list[Any]) -> bool:
    """Whether a list is the only item of the expected one, by its length."""
    return len(expected) == 1 and isinstance(expected[0], list) and len(came) == len(expected[0]) != 1


def _scalar(came: Any, expected: Any) -> str:
    if expected is None:
        return ""
    if isinstance(came, str) and isinstance(expected, str):
        return _text(came, expected)
    one, other = _TYPES.get(type(came)), _TYPES.get(type(expected))
    if one is None or other is None:
        return ""
    if one != other:
        cast = isinstance(came, bool) and came == bool(expected)
        return f"{other}, {one}" if cast or _plain(came) == _plain(expected) else ""
    if isinstance(came, float) and isinstance(expected, int) and came == float(expected):
        return WHOLE
    whole = type(came) is int and type(expected) is int
    return SECONDS if whole and abs(came) > _SECOND and came == expected // _SECOND else ""


def _text(came: str, expected: str) -> str:
    for kind, plain in TEXTS.items():
        if plain(came) == plain(expected):
            return kind
    return CUT if len(came) >= MIN_CUT and expected.startswith(came) else ""


def _plain(value: Any) -> Any:
    """A value without its JSON type: equal for 5 and "5", for true, "true" and 1."""
    return _read(value.lower()) if isinstance(value, str) else value


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return _NONE
