"""Parses `property` filters and matches records against them (facts §6.3).

`path op value,value…`, where a path goes down by dots and `[]` means any item of an array. Written
by hand and linear in time: nothing from a request becomes a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from mockserver.errors import ApiError
from mockserver.secrecy import described

MAX_BYTES = 8192
"""Maximum size of all filters of a query in UTF-8 (assumed). The link to the next page contains them."""

MAX_CONDITIONS = 50
"""Maximum number of filters of a query (assumed). Each is checked for every record."""

MAX_STEPS = 32
"""Maximum depth of a path (assumed). Records are at most 64 levels deep, and no documented filter goes below 7."""

MAX_VISITS = 2_000_000
"""Maximum members and items that the filters of a request may visit: half a second of CPU time."""

EACH = "[]"
"""The path step that visits every item of an array."""

_AND = "&property="
_OPERATOR_CHARACTERS = frozenset("=!<>~")
_EQUALITY = {"==": True, "=": True, "!=": False}
_ORDER = frozenset({"<", "<=", ">", ">="})
_TIMES = frozenset({"createdAt", "updatedAt"})
"""Top-level members that hold epoch milliseconds. Nested members may hold anything."""

_STATES = frozenset({"state", "status"})
"""Members compared ignoring case: a documented filter says `Failed` where samples store `failed`."""

_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_WORD = re.compile(r"[A-Za-z_]+")
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a filter, compared with the type that the record has."""

    text: str
    number: float | None
    truth: bool | None

    @classmethod
    def of(cls, text: str) -> Value:
        """Convert the text to every type it can have."""
        number: float | None = None
        if _NUMBER.fullmatch(text):
            number = int(text) if _INTEGER.fullmatch(text) else float(text)
        return cls(text, number, {"true": True, "false": False}.get(text.lower()))

    def order(self, found: Any) -> int | None:
        """-1, 0 or 1 if a member is less than, equal to or greater than this value; None if they are not comparable."""
        if isinstance(found, str):
            return (found > self.text) - (found < self.text)
        if isinstance(found, bool) or not isinstance(found, int | float) or self.number is None:
            return None
        return (found > self.number) - (found < self.number)


class Budget:
    """The remaining visits of the filters of one request."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MAX_VISITS

    def spend(self, visits: int) -> None:
        """Count visits. Raises ApiError if there were too many."""
        self._left -= visits
        if self._left < 0:
            raise _too_much("filters that look at less: fewer of them, or members outside of arrays")


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter: a path of names and `EACH` steps, an operator, and alternative values."""

    path: tuple[str, ...]
    operator: str
    values: tuple[Value, ...]
    texts: frozenset[str]
    """The values as texts, lower-cased if the path leads to a state."""
    numbers: frozenset[float]
    truths: frozenset[bool]
    fold: bool

    @classmethod
    def of(cls, path: tuple[str, ...], operator: str, texts: Iterable[str]) -> Condition:
        """Prepare a condition for matching many records."""
        values = tuple(map(Value.of, texts))
        fold = next(step for step in reversed(path) if step != EACH) in _STATES
        return cls(
            path,
            operator,
            values,
            texts=frozenset(value.text.casefold() if fold else value.text for value in values),
            numbers=frozenset(value.number for value in values if value.number is not None),
            truths=frozenset(value.truth for value in values if value.truth is not None),
            fold=fold,
        )

    def matches(self, doc: Mapping[str, Any], budget: Budget | None = None) -> bool:
        """Whether a record meets it. `!=` is the opposite of `==`, so absent members meet it (assumed).

        Raises ApiError if the budget of the request is exceeded.
        """
        found = _reach(doc, self.path, budget)
        if self.operator in _ORDER:
            return any(self._in_order(self.values[0].order(item)) for item in found)
        return any(map(self._equals, found)) is _EQUALITY[self.operator]

    def _equals(self, found: Any) -> bool:
        if isinstance(found, str):
            return (found.casefold() if self.fold else found) in self.texts
        if isinstance(found, bool):
            return found in self.truths
        return isinstance(found, int | float) and found in self.numbers

    def _in_order(self, order: int | None) -> bool:
        match order:
            case None:
                return False
            case 0:
                return self.operator[-1] == "="
            case _:
                return (order < 0) == (self.operator[0] == "<")


@dataclass(frozen=True, slots=True)
class Parsed:
    """Parsed `property` parameters: conditions that must all hold, and members to show (empty: all)."""

    conditions: tuple[Condition, ...]
    projection: frozenset[str]


def parse(texts: tuple[str, ...], fields: frozenset[str], unknown_field: str) -> Parsed:
    """Parse the values of all `property` parameters.

    `fields` are the known top-level members. A filter on another one is the error `unknown_field`.
    Raises ApiError with one of the catalogue's filter codes.
    """
    if sum(len(text.encode(errors="replace")) for text in texts) > MAX_BYTES:
        raise _too_much(f"at most {MAX_BYTES} bytes in all filters together")
    conditions: list[Condition] = []
    projection: set[str] = set()
    for text in (part for whole in texts for part in _split(whole, _AND)):
        place = next((index for index, letter in enumerate(text) if letter in _OPERATOR_CHARACTERS), None)
        if place is None:
            projection |= _projection(text, fields, unknown_field)
        else:
            conditions.append(_condition(text, place, fields, unknown_field))
    if len(conditions) > MAX_CONDITIONS:
        raise _too_much(f"at most {MAX_CONDITIONS} filters")
    return Parsed(tuple(conditions), frozenset(projection))


def _too_much(expected: str) -> ApiError:
    return ApiError("parameter_value", value="‹too much›", field="property", pointer="property", expected=expected)


def _projection(text: str, fields: frozenset[str], unknown_field: str) -> set[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        _demand_known(name, text, fields, unknown_field)
    return set(names)


def _condition(text: str, place: int, fields: frozenset[str], unknown_field: str) -> Condition:
    end = place
    while end < len(text) and text[end] in _OPERATOR_CHARACTERS:
        end += 1
    name, operator, rest = text[:place].strip(), text[place:end], text[end:]
    path = _path(name)
    if len(path) > MAX_STEPS:
        raise _too_much(f"paths of at most {MAX_STEPS} steps")
    if "" in path:
        _refuse_incomplete(name, "member names separated by single dots")
    _demand_known(path[0], text[:end], fields, unknown_field)
    if operator == "~":
        raise ApiError("filter_operator_unimplemented", operator=operator, pointer="property", expected=_OPERATORS)
    if operator not in _EQUALITY and operator not in _ORDER:
        hint = "put a value that begins with one of these characters in double quotes"
        raise ApiError("filter_operator", operator=operator[:10], pointer="property", expected=_OPERATORS, hint=hint)
    values = tuple(_values(text[:end], name, rest))
    number = len(path) == 1 and name in _TIMES
    if operator in _ORDER:
        if len(values) > 1:
            raise ApiError("filter_many_values", operator=operator, pointer="property", expected="one value")
        if len(path) == 1 and not number:
            raise ApiError("filter_operator_for_field", operator=operator, field=name[:80], pointer="property")
    if number and (len(values) > 1 or not _INTEGER.fullmatch(values[0])):
        _refuse_value(name, rest, "one integer: milliseconds since 1970")
    return Condition.of(path, operator, values)


_OPERATORS = "one of ==, !=, <, <=, >, >="


def _path(name: str) -> tuple[str, ...]:
    steps: list[str] = []
    for part in name.split("."):
        bare = part
        while bare.endswith(EACH):
            bare = bare.removesuffix(EACH)
        steps += [bare, *[EACH] * ((len(part) - len(bare)) // len(EACH))]
    return tuple(steps)


def _demand_known(field: str, shown: str, fields: frozenset[str], unknown_field: str) -> None:
    if not field:
        _refuse_incomplete(shown, "the name of a member, for example name")
    if field not in fields:
        expected = "one of " + ", ".join(sorted(fields))
        shown = field[:80] if _WORD.fullmatch(field) else described(field)  # it might be a value
        if _ENCODED.search(field):
            hint = "the filter is percent-encoded twice: encode it once"
            raise ApiError(unknown_field, field=shown, pointer="property", hint=hint)
        raise ApiError(unknown_field, field=shown, pointer="property", expected=expected)


def _values(shown: str, name: str, text: str) -> Iterator[str]:
    """The comma-separated values, without quotes. A comma inside quotes belongs to the value."""
    text = text.strip()
    if text[:1] + text[-1:] in ("{}", "[]"):
        hint = "put a value that looks like an object or an array in double quotes"
        raise ApiError("filter_value_type", pointer="property", expected="a string, a number or a boolean", hint=hint)
    for value in (part.strip() for part in _split(text, ",")):
        inner = value.removeprefix('"')
        if not value or value == '"' or (inner != value and '"' not in inner):
            _refuse_incomplete(shown, "a value, with both double quotes or none")
        if inner == value:
            yield value
        elif inner.index('"') == len(inner) - 1:
            yield inner[:-1]
        else:
            _refuse_value(name, value, "a comma or nothing after the closing quote")


def _split(text: str, separator: str) -> list[str]:
    """Split at every separator outside double quotes."""
    pieces = text.split(separator)
    joined = pieces[:1]
    quotes = joined[0].count('"')
    for piece in pieces[1:]:
        if quotes % 2:
            joined[-1] += separator + piece
        else:
            joined.append(piece)
        quotes += piece.count('"')
    return joined


def _refuse_incomplete(shown: str, expected: str) -> NoReturn:
    raise ApiError("filter_incomplete", value=shown[:80], pointer="property", expected=expected)


def _refuse_value(name: str, value: str, expected: str) -> NoReturn:
    shown = described(value)  # it may be compared with a secret
    raise ApiError("parameter_value", value=shown, field=name[:80], pointer="property", expected=expected)


def _reach(doc: Mapping[str, Any], path: tuple[str, ...], budget: Budget | None) -> list[Any]:
    """All values at a path; none if a step does not exist."""
    found: list[Any] = [doc]
    for step in path:
        if not found:
            break
        if budget is not None:
            budget.spend(len(found))
        if step == EACH:
            found = [item for holder in found if isinstance(holder, list) for item in holder]
        else:  # dict is named because it is nearly always one, and cheaper to tell than any Mapping
            found = [holder[step] for holder in found if isinstance(holder, dict | Mapping) and step in holder]
    return found
