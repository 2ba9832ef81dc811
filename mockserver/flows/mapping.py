"""Mapping sets applied to rows: attributes, constants and a few functions of Data Prep's expressions. Pure functions.

A mapping has one of two forms: `source`, `destination`, `sourceType`, or, in older tutorials,
`sourceAttribute`, `destinationXdmPath`. An expression that is not supported here is an error of its mapping.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.specs import xdm

ATTRIBUTE, EXPRESSION, STATIC = "ATTRIBUTE", "EXPRESSION", "STATIC"
_OLDER = {"text/x.schema-path": ATTRIBUTE, "text/x.aem-multi-attribute": EXPRESSION}
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<number>-?[0-9]+(?:\.[0-9]+)?)|(?P<name>[A-Za-z_$][\w$.\[\]-]*)|(?P<sign>[(),]))"""
)
_STEP = re.compile(r"([^\[\]]+)(?:\[([0-9]{1,4})\])?")
_DEEPEST = 30

MAX_WORK = 3_000_000
"""Maximum work of the mappings of one request, or of one row of a run: half a second and 8 MiB. A mapping costs 30
and a multiple of its length, an item of an array 20, and each character of a value 1."""

MAX_RUN_WORK, RUN_WORK_PER_ROW = 30_000_000, 5_000
"""Maximum work of the rows that a run writes: together, and what each row adds."""

MAX_ROW_WORK = 300_000
"""Maximum cost of a set's mappings for one row, before values are known."""


class TooMuchWork(ValueError):
    """Mappings, rows or values are too many or too long."""


class Work:
    """The remaining work of mappings."""

    def __init__(self, left: int = MAX_WORK) -> None:
        self.left = left

    def spend(self, amount: int) -> None:
        """Count work before it is done. Raises TooMuchWork."""
        self.left -= amount
        if self.left < 0:
            raise TooMuchWork("the mappings take too much work: send fewer or shorter ones, or fewer rows")


class Unmapped(ValueError):
    """A mapping cannot be applied; the message says why."""


def _texts(values: tuple[Any, ...]) -> list[str]:
    return ["" if value is None else str(value) for value in values]


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "concat": lambda *values: "".join(_texts(values)),
    "lower": lambda value: _texts((value,))[0].lower(),
    "upper": lambda value: _texts((value,))[0].upper(),
    "trim": lambda value: _texts((value,))[0].strip(),
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "replace": lambda value, old, new: _texts((value,))[0].replace(str(old), str(new)),
}
"""The emulated Data Prep functions."""


def _size(name: str, values: list[Any]) -> int:
    """Characters that a function may return."""
    texts = _texts(tuple(values))
    grown = (texts[0].count(texts[1]) + 1) * len(texts[2]) if name == "replace" and len(texts) == 3 else 0
    return grown + sum(map(len, texts))


def _weight(value: Any) -> int:
    """Characters, members and items of a value, as work."""
    if isinstance(value, Mapping):
        return 10 + sum(len(name) + _weight(inner) for name, inner in value.items())
    if isinstance(value, list):
        return 10 + sum(map(_weight, value))
    return len(value) if isinstance(value, str) else 20


@dataclass(frozen=True, slots=True)
class MappingRule:
    """One mapping."""

    source: str
    destination: str
    kind: str

    @classmethod
    def of(cls, sent: Mapping[str, Any]) -> MappingRule | None:
        """Parse either form of a mapping; None if source or destination is missing."""
        source = sent.get("source", sent.get("sourceAttribute"))
        destination = sent.get("destination", sent.get("destinationXdmPath"))
        kind = sent.get("sourceType", ATTRIBUTE)
        if not (isinstance(source, str) and source and isinstance(destination, str) and destination):
            return None
        return cls(source, destination, _OLDER.get(kind, kind) if isinstance(kind, str) else ATTRIBUTE)

    @property
    def cost(self) -> int:
        """The work of applying it to a row, without that of its value."""
        return 30 + 10 * len(self.destination) + (25 if self.kind == EXPRESSION else 5) * len(self.source)

    def value(self, row: Mapping[str, Any], work: Work) -> Any:
        """The value of the destination field for a row. Raises Unmapped and TooMuchWork."""
        work.spend(self.cost)
        match self.kind:
            case "STATIC":
                value: Any = self.source.strip("'\"")
            case "EXPRESSION":
                value = _Expression(self.source, row, work).value()
            case _:
                value = attribute(row, self.source)
        work.spend(_weight(value))
        return value


def schema_of(sent: Mapping[str, Any]) -> str | None:
    """The target schema of a mapping set."""
    output = sent.get("outputSchema")
    reference = output.get("schemaRef") if isinstance(output, Mapping) else None
    found = reference.get("id") if isinstance(reference, Mapping) else sent.get("xdmSchema")
    return found if isinstance(found, str) else None


def rules(mappings: Iterable[Any]) -> list[MappingRule]:
    """The `mappings` of a mapping set, parsed."""
    return [rule for sent in mappings if isinstance(sent, Mapping) and (rule := MappingRule.of(sent)) is not None]


def fault(rule: MappingRule, fields: Mapping[str, Any] | None, work: Work) -> str | None:
    """The mistake in a mapping, by itself or against the known fields of its schema; None if there is none.

    Raises TooMuchWork.
    """
    work.spend(rule.cost)
    if fields is not None and xdm.field_at(fields, rule.destination) is None:
        return f"{rule.destination} is not in the output schema"
    try:
        rule.value({}, work)
    except Unmapped as why:
        return str(why)
    return None


def mapped(
    row: Mapping[str, Any], given: Iterable[MappingRule], fields: Mapping[str, Any] | None, work: Work
) -> tuple[dict[str, Any], list[tuple[MappingRule, str]]]:
    """A row in the form of the schema, and the errors of mappings that could not be applied. NULLs are left out.

    Raises TooMuchWork.
    """
    outcome: dict[str, Any] = {}
    errors = []
    for rule in given:
        try:
            value = rule.value(row, work)
            if value is not None:
                field = xdm.field_at(fields, rule.destination) if fields else None
                _put(outcome, rule.destination, _converted(value, field), work)
        except Unmapped as why:
            errors.append((rule, str(why)))
    return outcome, errors


def attribute(row: Mapping[str, Any], path: str) -> Any:
    """The value of an attribute, given as a name or a dotted path; None if absent."""
    if path in row:
        return row[path]
    value: Any = row
    for step in path.split("."):
        found = _STEP.fullmatch(step)
        value = value.get(found[1]) if found and isinstance(value, Mapping) else None
        if found and found[2] is not None:
            index = int(found[2])
            value = value[index] if isinstance(value, list) and index < len(value) else None
    return value


class _Expression:
    """An expression: a constant, an attribute, or a function call with expressions as arguments."""

    def __init__(self, text: str, row: Mapping[str, Any], work: Work) -> None:
        self._row, self._work = row, work
        self._tokens: list[tuple[str, str]] = []
        at = 0
        text = text.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None or found.end() == at:
                raise Unmapped("this expression cannot be evaluated here")
            self._tokens.append((str(found.lastgroup), str(found[str(found.lastgroup)])))
            at = found.end()
        self._tokens.reverse()  # the next one is the last

    def value(self) -> Any:
        """Evaluate the expression. Raises Unmapped."""
        value = self._next(0)
        if self._tokens:
            raise Unmapped("this expression cannot be evaluated here")
        return value

    def _next(self, depth: int) -> Any:
        if not self._tokens or depth > _DEEPEST:
            raise Unmapped("this expression ends too early, or is too deep")
        kind, text = self._tokens.pop()
        if kind == "text":
            return text[1:-1]
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind != "name":
            raise Unmapped("this expression cannot be evaluated here")
        if not self._tokens or self._tokens[-1] != ("sign", "("):
            return {"true": True, "false": False, "null": None}.get(text, attribute(self._row, text))
        return self._call(text, depth)

    def _call(self, name: str, depth: int) -> Any:
        self._tokens.pop()
        values: list[Any] = []
        while self._tokens and self._tokens[-1] != ("sign", ")"):
            values.append(self._next(depth + 1))
            if self._tokens and self._tokens[-1] == ("sign", ","):
                self._tokens.pop()
        if not self._tokens:
            raise Unmapped("a bracket is not closed")
        self._tokens.pop()
        if name not in _FUNCTIONS:
            raise Unmapped(f"the function {name[:40]} is not evaluated here")
        self._work.spend(_size(name, values))
        try:
            return _FUNCTIONS[name](*values)
        except TypeError:
            raise Unmapped(f"{name} does not take {len(values)} values") from None


def _put(outcome: dict[str, Any], path: str, value: Any, work: Work) -> None:
    """Set a value at a dotted path and create missing parents. Raises Unmapped if another value has the path."""
    holder: Any = outcome
    steps = path.split(".")
    for number, step in enumerate(steps):
        found = _STEP.fullmatch(step)
        last = number == len(steps) - 1
        if found is None or not isinstance(holder, dict):
            raise Unmapped(f"{path} cannot be written to")
        if found[2] is None:
            holder = _step_into(holder, found[1], value if last else {})
            continue
        items = _step_into(holder, found[1], [])
        if not isinstance(items, list):
            raise Unmapped(f"{path} cannot be written to")
        missing = max(0, int(found[2]) + 1 - len(items))
        work.spend(20 * missing)
        items += [None if last else {} for _ in range(missing)]
        if last:
            items[int(found[2])] = value
        holder = items[int(found[2])]


def _step_into(holder: dict[str, Any], name: str, made: Any) -> Any:
    return holder.setdefault(name, made)


def _converted(value: Any, field: Mapping[str, Any] | None) -> Any:
    """A value converted to the field's type if possible, otherwise unchanged."""
    kind = field.get("type") if field else None
    try:
        match kind:
            case "string" if not isinstance(value, str | dict | list):
                return str(value).lower() if isinstance(value, bool) else str(value)
            case "integer" if isinstance(value, str):
                return int(value)
            case "number" if isinstance(value, str):
                return float(value)
            case "boolean" if isinstance(value, str) and value.lower() in ("true", "false"):
                return value.lower() == "true"
    except ValueError:
        raise Unmapped(f"the value is no {kind}") from None
    return value
