"""`orderby`: the order asked for, and the place of a record in it (facts §6.2).

Values of one type compare as that type, by code point; between types the order is absent, boolean,
number, text, anything else, so that no mixture fails (assumed: the order Cosmos DB has, whose etags
the service shows).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mockserver.errors import ApiError
from mockserver.secrecy import repeatable

MAX_CHARACTERS = 128
"""Maximum characters of a text that are compared. Texts equal so far keep the order of writing (assumed)."""

Scalar: TypeAlias = str | int | float | bool | None
Place: TypeAlias = tuple[Scalar, ...]
"""The values that put a record in its place: one for each field of the order."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One field of an order."""

    field: str
    descending: bool

    def __str__(self) -> str:
        return f"-{self.field}" if self.descending else self.field


def parse(texts: Iterable[str], sortable: frozenset[str]) -> tuple[Sort, ...]:
    """Read `name`, `+name`, `-name`, several by commas; an unencoded + arrives as a space.

    Raises ApiError `sort_direction` and `sort_field`. A field named again adds nothing.
    """
    order: dict[str, Sort] = {}
    for item in (part.strip() for text in texts for part in text.split(",")):
        sign, field = (item[0], item[1:].strip()) if item[:1] in ("+", "-") else ("+", item)
        if field not in sortable:
            if item and sign == "+" and field == item and not (item[0].isalnum() or item[0] == "_"):
                raise ApiError("sort_direction", pointer="orderby", expected="+ or - before the field, or nothing")
            expected = "one of " + ", ".join(sorted(sortable)) if sortable else "no orderby: this list cannot be sorted"
            raise ApiError("sort_field", field=repeatable(field), pointer="orderby", expected=expected)
        order.setdefault(field, Sort(field, sign == "-"))
    return tuple(order.values())


def scalar(value: Any) -> Scalar:
    """What of a member takes part in an order: little, because links carry it."""
    if isinstance(value, str):
        return value[:MAX_CHARACTERS]
    return value if isinstance(value, int | float) else None


def excerpt(doc: Mapping[str, Any]) -> dict[str, Scalar]:
    """All of a record that an order can look at."""
    return {name: scalar(value) for name, value in doc.items()}


def place(doc: Mapping[str, Any], order: Iterable[Sort]) -> Place:
    """Where a record stands in an order."""
    return tuple([scalar(doc.get(sort.field)) for sort in order])


def key(order: Iterable[Sort], values: Place, revision: int) -> tuple[Any, ...]:
    """What to sort by: the values in their directions, then the last written first."""
    elements = [
        _Reversed(_ranked(value)) if sort.descending else _ranked(value)
        for sort, value in zip(order, values, strict=True)
    ]
    return (*elements, -revision)


def _ranked(value: Scalar) -> tuple[int, Scalar]:
    if isinstance(value, str):
        return 3, value
    if value is None:
        return 0, 0
    return (1 if isinstance(value, bool) else 2), value


class _Reversed:
    """Turns the comparison of one element round, which for texts nothing else does."""

    __slots__ = ("element",)

    def __init__(self, element: Any) -> None:
        self.element = element

    def __lt__(self, other: _Reversed) -> bool:
        return bool(other.element < self.element)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and bool(self.element == other.element)

    __hash__ = None  # type: ignore[assignment]  # compared, never kept in a set
