"""`orderby`: parses the requested order and computes the sort key of a record (facts §6.2).

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
"""Maximum characters of a text that are compared. Beyond them, the order of writes decides (assumed)."""

Scalar: TypeAlias = str | int | float | bool | None
Place: TypeAlias = tuple[Scalar, ...]
"""The sort values of a record: one for each field of the order."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One field of an order."""

    field: str
    descending: bool

    def __str__(self) -> str:
        return f"-{self.field}" if self.descending else self.field


def parse(texts: Iterable[str], sortable: frozenset[str]) -> tuple[Sort, ...]:
    """Parse `name`, `+name` or `-name`, several separated by commas. An unencoded + arrives as a space.

    Raises ApiError `sort_direction` or `sort_field`. Repeated fields are ignored.
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
    """The part of a member that is compared. It is small, because links contain it."""
    if isinstance(value, str):
        return value[:MAX_CHARACTERS]
    return value if isinstance(value, int | float) else None


def excerpt(doc: Mapping[str, Any]) -> dict[str, Scalar]:
    """The members of a record that an order can use."""
    return {name: scalar(value) for name, value in doc.items()}


def place(doc: Mapping[str, Any], order: Iterable[Sort]) -> Place:
    """The sort values of a record."""
    return tuple([scalar(doc.get(sort.field)) for sort in order])


def key(order: Iterable[Sort], values: Place, revision: int) -> tuple[Any, ...]:
    """The sort key: the values in their directions, then the latest write first."""
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
    """Reverses the comparison of one element; texts cannot be negated."""

    __slots__ = ("element",)

    def __init__(self, element: Any) -> None:
        self.element = element

    def __lt__(self, other: _Reversed) -> bool:
        return bool(other.element < self.element)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and bool(self.element == other.element)

    __hash__ = None  # type: ignore[assignment]  # compared, never kept in a set
