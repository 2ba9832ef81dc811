"""Filters of Catalog's lists: simple ones, `tags` and `property`, as on `help/catalog/api/filter-data.md`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mockserver.resources._forms import NeighbourError
from mockserver.secrecy import repeatable

Test = Callable[[Mapping[str, Any]], bool]
"""A predicate on an entry of a list."""

_CONDITION = re.compile(r"([^=!<>~]+)(==|!=|<=|>=|<|>|~)(.*)", re.DOTALL)
_ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_NUMBERS = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})*")
_SPECIAL = re.compile(r"[\\.\[\]{}()*+?|^$]")


MAX_BYTES, MAX_ORDERS, MAX_STEPS = 8192, 10, 32
"""Maximum size of all filters and orders of a query, number of members to sort by, and steps of a path (assumed)."""

MAX_WORK = 4_000_000
"""Maximum characters of filters compared with entries, over all entries: half a second of CPU time."""


def cost(asked: Mapping[str, Any], filters: Iterable[str]) -> int:
    """The work of filtering and sorting one entry. Raises NeighbourError for a query that is too long."""
    conditions = [str(one) for one in asked.get("property", ())]
    orders = (asked.get("orderBy") or "").split(",")
    texts = [*conditions, *orders, *(str(asked[name]) for name in (*filters, "tags") if name in asked)]
    size = sum(map(len, texts))
    steps = max(text.count(".") for text in [*conditions, *orders])
    if size > MAX_BYTES or len(orders) > MAX_ORDERS or steps >= MAX_STEPS:
        expected = f"{MAX_BYTES} characters, {MAX_ORDERS} members to sort by and {MAX_STEPS} steps of a path"
        raise NeighbourError(400, "Invalid request", f"The filters exceed {expected}")
    return 10 + size


def width(shown: Mapping[str, Any]) -> int:
    """Maximum number of values that a filter compares in an entry: those of its longest tag."""
    tags = shown.get("tags")
    values = tags.values() if isinstance(tags, Mapping) else ()
    return max((len(value) for value in values if isinstance(value, list | tuple) and value), default=1)


def demand_little(work: int) -> None:
    """Refuse filters that compare too much. Raises NeighbourError."""
    if work > MAX_WORK:
        detail = "The filters take too much work on this list: send fewer or shorter ones"
        raise NeighbourError(400, "Invalid request", detail)


def simple(name: str, asked: str) -> Test:
    """A member that has one of the values `a,b`, or none of `!a,b`. `*` stands for any text, `**` for an asterisk."""
    wanted = [_pieces(value) for value in asked.removeprefix("!").split(",")]
    negated = asked.startswith("!")
    return lambda shown: negated is not any(_consists_of(_text(shown.get(name)), pieces) for pieces in wanted)


def tagged(asked: str) -> Test:
    """Tags that have each value of `name:value,other:*`."""
    pairs = [(name, _pieces(value)) for name, _, value in (pair.partition(":") for pair in asked.split(","))]
    return lambda shown: all(_has_tag(shown.get("tags"), name, pieces) for name, pieces in pairs)


def conditional(asked: str) -> Test:
    """A condition of `property`, such as `name`, `!name`, `name==a*` or `version>1.0.0`. Raises NeighbourError."""
    found = _CONDITION.fullmatch(asked)
    if found is None:
        name, present = asked.removeprefix("!"), not asked.startswith("!")
        if not name or set("=<>~").intersection(name):
            raise _unreadable(asked)
        return lambda shown: (member(shown, name) is not None) is present
    name, sign, value = found[1], found[2], found[3].strip('"')
    if sign in _ORDERS:
        holds, bound = _ORDERS[sign], _rank(value)
        return lambda shown: member(shown, name) is not None and holds(_rank(_text(member(shown, name))), bound)
    pieces = _of_expression(value, asked) if sign == "~" else _pieces(value) if name == "name" else [value]
    return lambda shown: _consists_of(_text(member(shown, name)), pieces) is (sign != "!=")


def member(shown: Mapping[str, Any], path: str) -> Any:
    """The member at a path with dots; None if there is none."""
    value: Any = shown
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _has_tag(tags: Any, name: str, pieces: Sequence[str]) -> bool:
    values = tags.get(name, ()) if isinstance(tags, Mapping) else ()
    return any(
        _consists_of(_text(value), pieces) for value in (values if isinstance(values, list | tuple) else [values])
    )


def _pieces(value: str) -> list[str]:
    """The texts between the wildcards of a value."""
    return [piece.replace("\0", "*") for piece in value.replace("**", "\0").split("*")]


def _of_expression(value: str, asked: str) -> list[str]:
    """The texts between the wildcards of a regular expression of `^`, `$`, `.*` and plain text.

    Others are refused, because matching them could take very long.
    """
    start, end = value.startswith("^"), value.endswith("$")
    pieces = value.removeprefix("^").removesuffix("$").split(".*")
    if any(_SPECIAL.search(piece) for piece in pieces):
        raise _unreadable(asked)
    return [*([] if start else [""]), *pieces, *([] if end else [""])]


def _consists_of(text: str, pieces: Sequence[str]) -> bool:
    """Whether a text is these pieces with any text between them."""
    if len(pieces) == 1:
        return text == pieces[0]
    at = len(pieces[0])
    if not text.startswith(pieces[0]):
        return False
    for piece in pieces[1:-1]:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(text) - len(pieces[-1]) >= at and text.endswith(pieces[-1])


def _rank(text: str) -> tuple[int, list[int], str]:
    """The place of a text in an order: numbers and versions by their numbers, before all other texts."""
    return (0, [int(part) for part in text.split(".")], "") if _NUMBERS.fullmatch(text) else (1, [], text)


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _unreadable(asked: str) -> NeighbourError:
    detail = (
        f"The condition {repeatable(asked)} cannot be read: expected a member with ==, !=, <, <=, >, >= or ~ and a"
        " value, or its name alone, or ! and its name; of regular expressions only ^, $ and .*"
    )
    return NeighbourError(400, "Invalid request", detail)
