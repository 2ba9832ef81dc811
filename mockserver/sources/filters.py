"""Row filters of explore: PQL as JSON in Base64, for connectors that filter at the source (filter tutorial).

A filter is compiled to a predicate on rows. Column names ignore case, as in the tutorial's sample. A comparison
with NULL is never true, nor is its negation, as in SQL.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mockserver import json_input
from mockserver.sources.columns import Column, Shape, Value, fitted
from mockserver.sources.refusals import refusal

CONNECTORS = frozenset({"google-big-query", "dynamics-online", "salesforce", "snowflake"})
"""Connectors that accept filters, as the tutorial lists them."""

MAX_BYTES = 65_536

MAX_STEPS = 1_000_000
"""Maximum steps of a filter over all rows: one for a row and for every 16 bytes of the filter."""

Answer: TypeAlias = bool | None
"""The result of a condition; None means unknown, because of a NULL."""

Condition: TypeAlias = Callable[[tuple[Value, ...]], Answer]

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def read(text: str, connector: str, columns: tuple[Column, ...]) -> Callable[[tuple[Value, ...]], bool]:
    """Parse the filter of a query parameter. Raises SourceError, with one code per kind of mistake.

    The returned function raises it too, for a filter that looks at too much.
    """
    if connector not in CONNECTORS:
        raise refusal("filters", connector)
    try:
        raw = base64.b64decode(text.rstrip("\\"), validate=True)
        asked = json_input.parse(raw, max_bytes=MAX_BYTES)
    except (binascii.Error, ValueError):
        raise refusal("filter_unreadable") from None
    if not isinstance(asked, dict):
        raise refusal("filter_invalid", "an object with type, format and value")
    if asked.get("type") != "PQL":
        raise refusal("filter_type")
    if asked.get("format") != "pql/json":
        raise refusal("filter_format")
    if asked.get("value") is None:
        raise refusal("filter_empty")
    condition = _Reader({column.name.lower(): (at, column.shape) for at, column in enumerate(columns)})(asked["value"])
    left = itertools.count(MAX_STEPS, -1 - len(raw) // 16)

    def fits(row: tuple[Value, ...]) -> bool:
        if next(left) < 0:
            raise refusal("filter_invalid", "fewer or shorter conditions: these look at too much of this table")
        return condition(row) is True

    return fits


@dataclass(frozen=True, slots=True)
class _Reader:
    """Compiles the nodes of a filter for one table. Columns: lower-case name -> position and shape."""

    columns: Mapping[str, tuple[int, Shape]]

    def __call__(self, node: Any) -> Condition:
        """Compile a condition. The parser has limited its depth."""
        if not isinstance(node, dict) or node.get("nodeType") != "fnApply":
            raise refusal("filter_invalid", "a node of type fnApply")
        name, params = node.get("fnName"), node.get("params")
        if not isinstance(name, str) or not name:
            raise refusal("filter_operator_missing")
        if not isinstance(params, list) or not params:
            raise refusal("filter_invalid", f"params for {name}")
        function = name.lower()
        if function in ("and", "or"):
            return _joined(function == "and", [self(param) for param in params])
        if function == "not":
            if len(params) != 1:
                raise refusal("filter_not")
            return _negated(self(params[0]))
        if function == "isnull":
            at, _ = self._column(params[0])
            return lambda row: row[at] is None
        if function not in (*COMPARISONS, "like", "in"):
            raise refusal("filter_operator", name)
        if len(params) != 2:
            raise refusal("filter_invalid", f"a column and a value for {name}")
        at, shape = self._column(params[0])
        return _compared(function, at, _literal(params[1]), shape)

    def _column(self, node: Any) -> tuple[int, Shape]:
        name = node.get("fieldName") if isinstance(node, dict) and node.get("nodeType") == "fieldLookup" else None
        if not isinstance(name, str):
            raise refusal("filter_invalid", "a node of type fieldLookup with fieldName")
        if name.lower() not in self.columns:
            raise refusal("filter_column", name)
        return self.columns[name.lower()]


def _literal(node: Any) -> Any:
    if not isinstance(node, dict) or node.get("nodeType") != "literal":
        raise refusal("filter_invalid", "a node of type literal with value")
    if node.get("value") is None:
        raise refusal("filter_null")
    return node["value"]


def _compared(function: str, at: int, literal: Any, shape: Shape) -> Condition:
    if function == "like":
        if shape.kind != "text" or not isinstance(literal, str):
            raise refusal("filter_value")
        return lambda row: None if row[at] is None else like(str(row[at]), literal)
    if function == "in":
        if not isinstance(literal, list):
            raise refusal("filter_value")
        choices = [_value(item, shape) for item in literal]
        return lambda row: None if row[at] is None else row[at] in choices
    wanted, compare = _value(literal, shape), COMPARISONS[function]
    return lambda row: None if row[at] is None else compare(row[at], wanted)


def _value(literal: Any, shape: Shape) -> Value:
    """A literal converted to the column's type. Raises SourceError if it has another type."""
    try:
        value = fitted(literal, Shape("number", "", "") if shape.kind == "integer" else shape)
    except ValueError:
        value = None
    if value is None:
        raise refusal("filter_value")
    return value


def like(text: str, pattern: str) -> bool:
    """SQL LIKE: `%` is any text, `_` one character. Takes linear time per `%`."""
    head, *parts = pattern.split("%")
    if not parts:
        return len(text) == len(head) and _starts(text, head, 0)
    if not _starts(text, head, 0):
        return False
    at, tail = len(head), parts.pop()
    for part in parts:
        last = len(text) - len(part)
        at = next((start for start in range(at, last + 1) if _starts(text, part, start)), -1)
        if at < 0:
            return False
        at += len(part)
    start = len(text) - len(tail)
    return start >= at and _starts(text, tail, start)


def _starts(text: str, pattern: str, at: int) -> bool:
    if len(text) - at < len(pattern):
        return False
    return all(wanted in ("_", text[at + place]) for place, wanted in enumerate(pattern))


def _joined(every: bool, conditions: list[Condition]) -> Condition:
    def join(row: tuple[Value, ...]) -> Answer:
        answers = [condition(row) for condition in conditions]
        if (not every) in answers:
            return not every
        return None if None in answers else every

    return join


def _negated(condition: Condition) -> Condition:
    def negate(row: tuple[Value, ...]) -> Answer:
        answer = condition(row)
        return None if answer is None else not answer

    return negate
