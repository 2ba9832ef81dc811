"""The row generators of a sources file: one entry each in `GENERATORS`."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mockserver.sources import cells
from mockserver.sources.cells import Cells, Chance
from mockserver.sources.columns import Column, Value, fitted, moment
from mockserver.sources.node import Node
from mockserver.sources.words import VOCABULARY

_DURATION = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_FAR = 10**15
_START = dt.datetime(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class ColumnContext:
    """The column that is generated: its seed, the columns before it, the number of rows."""

    column: Column
    seed: str
    before: Mapping[str, Cells]
    rows: int

    def chance(self, what: str = "") -> Chance:
        """The random numbers of this column."""
        return Chance(f"{self.seed}/{self.column.name}/{what}")


def _sequence(node: Node, place: ColumnContext) -> Cells:
    members = node.members(("start", "step")) if isinstance(node.value, dict) else {"start": node}
    start = members["start"].integer(-_FAR, _FAR) if "start" in members else 1
    step = members["step"].integer(-_FAR, _FAR) if "step" in members else 1
    for value in (start, start + max(0, place.rows - 1) * step):
        _fit(node, value, place.column)
    return cells.Steps(start, step)


def _number(node: Node, place: ColumnContext) -> Cells:
    members = node.members(("min", "max", "decimals"))
    low = members["min"].number(-1e12, 1e12) if "min" in members else 0
    high = members["max"].number(low, 1e12) if "max" in members else max(low, 1_000)
    whole = place.column.shape.kind == "integer"
    decimals = members["decimals"].integer(0, 6) if "decimals" in members else (0 if whole else 2)
    if whole and decimals:
        raise members["decimals"].wrong("0 for an integer column")
    if whole:
        _fit(node, int(low), place.column)
        _fit(node, int(high), place.column)
    return cells.Numbers(place.chance(), low, high, decimals, whole)


def _choice(node: Node, place: ColumnContext) -> Cells:
    weights = [1]
    if isinstance(node.value, dict):
        values = list(node.value)
        weights = [
            Node(node.file, weight, (*node.at, str(key))).integer(1, 10**6) for key, weight in node.value.items()
        ]
    else:
        values = [item.value for item in node.items()]
        weights *= len(values)
    if not values:
        raise node.wrong("at least one value")
    return cells.Choice(place.chance(), [_fit(node, value, place.column) for value in values], weights)


def _timestamps(node: Node, place: ColumnContext) -> Cells:
    members = node.members(("start", "step", "jitter"))
    start = _moment(members["start"]) if "start" in members else _START
    dates = place.column.shape.kind == "date"
    step = _duration(members["step"]) if "step" in members else dt.timedelta(days=1) if dates else dt.timedelta(hours=1)
    if place.rows:
        try:
            start + place.rows * step
        except OverflowError:
            raise node.wrong("a series that ends before the year 10000", "one that does not") from None
    jitter = "jitter" in members and members["jitter"].flag()
    series = cells.Moments(start, step, place.chance() if jitter else None)
    return cells.Dates(series) if dates else series


def _words(node: Node, place: ColumnContext) -> Cells:
    count, vocabulary = 1, VOCABULARY["word"]
    if isinstance(node.value, dict):
        members = node.members(("of", "count"))
        count = members["count"].integer(1, 1_000) if "count" in members else 1
        if "of" in members:
            vocabulary = _vocabulary(members["of"])
    elif isinstance(node.value, int) and not isinstance(node.value, bool):
        count = node.integer(1, 1_000)
    else:
        vocabulary = _vocabulary(node)
    return cells.Words(place.chance(), vocabulary, count)


def _vocabulary(node: Node) -> tuple[str, ...]:
    if isinstance(node.value, list):
        listed = tuple(item.text() for item in node.items())
        if listed:
            return listed
        raise node.wrong("at least one word")
    return VOCABULARY[node.one_of(*VOCABULARY)]


def _text(node: Node, place: ColumnContext) -> Cells:
    template = node.text()
    for name in cells.slots(template):
        if name != "row" and name not in place.before:
            raise node.wrong("braces around row or a column further up", f"{{{name}}}")
    return cells.Text(template, lambda name, row: place.before[name](row))


def _uuid(node: Node, place: ColumnContext) -> Cells:
    if node.flag():
        return cells.ComputedCells(_uuid_of(place.chance("high"), place.chance("low")))
    raise node.wrong("true")


def _uuid_of(high: Chance, low: Chance) -> Callable[[int], Value]:
    return lambda row: str(uuid.UUID(int=high.bits(row) << 64 | low.bits(row), version=4))


def _value(node: Node, place: ColumnContext) -> Cells:
    return cells.Constant(_fit(node, node.value, place.column))


GENERATORS: dict[str, tuple[frozenset[str], Callable[[Node, ColumnContext], Cells]]] = {
    "sequence": (frozenset({"integer", "number"}), _sequence),
    "number": (frozenset({"integer", "number"}), _number),
    "choice": (frozenset({"integer", "number", "boolean", "moment", "date", "text"}), _choice),
    "timestamps": (frozenset({"moment", "date"}), _timestamps),
    "words": (frozenset({"text"}), _words),
    "text": (frozenset({"text"}), _text),
    "uuid": (frozenset({"text"}), _uuid),
    "value": (frozenset({"integer", "number", "boolean", "moment", "date", "text"}), _value),
}
"""Name -> the kinds of columns it can fill, and the function that reads it."""

_DEFAULTS: dict[str, tuple[str, object]] = {
    "integer": ("sequence", 1),
    "number": ("number", {}),
    "boolean": ("choice", [True, False]),
    "moment": ("timestamps", {}),
    "date": ("timestamps", {}),
    "text": ("words", 2),
}
"""Kind of column -> its default generator."""


def generated(node: Node, members: Mapping[str, Node], place: ColumnContext) -> Cells:
    """The cells of a column from its generator. `node` is the column's entry, `members` are its members."""
    kind = place.column.shape.kind
    named = [name for name in members if name in GENERATORS]
    if len(named) > 1:
        raise node.wrong("one generator", " and ".join(named))
    if named:
        name, asked = named[0], members[named[0]]
    else:
        name, value = ("uuid", True) if place.column.type == "uuid" else _DEFAULTS[kind]
        asked = Node(node.file, value, node.at)
    kinds, read = GENERATORS[name]
    if kind not in kinds:
        fitting = ", ".join(other for other, (fits, _) in GENERATORS.items() if kind in fits)
        raise node.wrong(f"for a column of type {place.column.type} one of {fitting}", name)
    made = read(asked, place)
    if "nulls" in members:
        share = members["nulls"].number(0, 1)
        return cells.Nullable(made, place.chance("nulls"), share) if share else made
    return made


def _fit(node: Node, value: object, column: Column) -> Value:
    try:
        return fitted(value, column.shape)
    except ValueError as error:
        raise Node(node.file, value, node.at).wrong(f"{error} for a column of type {column.type}") from None


def _moment(node: Node) -> dt.datetime:
    try:
        return moment(node.value)
    except ValueError as error:
        raise node.wrong(str(error)) from None


def _duration(node: Node) -> dt.timedelta:
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return dt.timedelta(seconds=node.integer(1, 10**9))
    match = _DURATION.fullmatch(node.value) if isinstance(node.value, str) and len(node.value) < 12 else None
    if match is None or not int(match[1]):
        raise node.wrong("seconds or a duration such as 90s, 15m, 6h or 1d")
    return dt.timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
