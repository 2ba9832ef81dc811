"""Columns: PostgreSQL types, their names in explore, and the JSON form of their values."""

from __future__ import annotations

import base64
import datetime as dt
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from mockserver.json_input import Json

Value: TypeAlias = bool | int | float | str | dt.date | dt.datetime | None
"""The value of a cell. Timestamps have no zone: they are UTC."""

UTC = dt.UTC
_EPOCH = dt.datetime(1970, 1, 1)
_MILLISECOND = dt.timedelta(milliseconds=1)
_LARGEST = 1e300
"""Largest number that fits JSON; larger ones, infinity and NaN do not."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a column type appears in explore and configs."""

    kind: str
    """What its cells hold: integer, number, boolean, moment (timestamp), date or text."""
    type: str
    xdm: str
    format: str | None = None
    limits: tuple[int, int] | None = None

    def describe(self, name: str) -> dict[str, Any]:
        """An entry of `schema.columns`, in the member order of Adobe's samples."""
        xdm = {"type": self.xdm} | ({"format": self.format} if self.format else {}) | _BOUNDS.get(self.type, {})
        meta = {"meta:xdmType": self.format} if self.format else {}
        return {"name": name, "type": self.type, **meta, "xdm": xdm}

    def property(self) -> dict[str, Any]:
        """The JSON Schema of a member of a hierarchical answer, as the REST sources' samples write it."""
        return {"type": self.xdm} | (_BOUNDS["long"] if self.xdm == "integer" else {})


_BOUNDS: dict[str, dict[str, int]] = {
    "integer": {"minimum": -(2**31), "maximum": 2**31 - 1},
    "long": {"minimum": -(2**53), "maximum": 2**53 - 1},
}
"""Type of a column -> the bounds of its XDM type, as the explore tutorials print them."""

_INT2 = Shape("integer", "integer", "integer", limits=(-(2**15), 2**15 - 1))
_INT4 = Shape("integer", "integer", "integer", limits=(-(2**31), 2**31 - 1))
_INT8 = Shape("integer", "long", "integer", limits=(-(2**63), 2**63 - 1))
_DOUBLE = Shape("number", "double", "number")
_MOMENT = Shape("moment", "string", "string", "date-time")
TEXT = Shape("text", "string", "string")

TYPES: dict[str, Shape] = {
    **dict.fromkeys(("int2", "smallint"), _INT2),
    **dict.fromkeys(("int4", "int", "integer", "serial"), _INT4),
    **dict.fromkeys(("int8", "bigint", "bigserial"), _INT8),
    **dict.fromkeys(("numeric", "decimal", "float4", "real", "float8", "double precision"), _DOUBLE),
    **dict.fromkeys(("bool", "boolean"), Shape("boolean", "boolean", "boolean")),
    **dict.fromkeys(("timestamp", "timestamp without time zone"), _MOMENT),
    **dict.fromkeys(("timestamptz", "timestamp with time zone"), _MOMENT),
    "date": Shape("date", "string", "string", "date"),
    **dict.fromkeys(("text", "varchar", "character varying", "char", "character", "bpchar", "citext"), TEXT),
    **dict.fromkeys(("uuid", "json", "jsonb", "bytea", "time", "timetz", "interval", "inet", "xml", "money"), TEXT),
}
"""PostgreSQL type -> shape (facts §8.3: string, boolean, double and timestamp documented, the rest assumed)."""

_MODIFIER = re.compile(r"(?<!\s)\s*\(\s*-?\d+\s*(,\s*-?\d+\s*)?\)")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table or a file."""

    name: str
    type: str
    """As declared, such as `numeric(10,2)`."""

    @property
    def shape(self) -> Shape:
        """The shape of the column's type."""
        shape = shape_of(self.type)
        assert shape is not None
        return shape

    def describe(self) -> dict[str, Any]:
        """An entry of `schema.columns`."""
        return self.shape.describe(self.name)

    @property
    def config_type(self) -> str:
        """The type shown in configs: `string` or `date` in the document's example."""
        shape = self.shape
        return shape.format or shape.type


def shape_of(declared: str) -> Shape | None:
    """The shape of a PostgreSQL type, with or without modifier. Arrays are text. None for an unknown type."""
    name = _MODIFIER.sub("", declared.strip().lower())
    return (TEXT if name[:-2] in TYPES else None) if name.endswith("[]") else TYPES.get(name)


def shown(value: Value) -> Json:
    """A cell as JSON: timestamps as `2022-06-22T17:19:33`, without a zone (documented sample)."""
    if isinstance(value, dt.datetime):
        return value.replace(microsecond=0).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


def moment_ms(value: Value) -> int | None:
    """A timestamp or date in milliseconds since the epoch, UTC; None for anything else."""
    if isinstance(value, dt.datetime):
        return (value - _EPOCH) // _MILLISECOND
    if isinstance(value, dt.date):
        return (value.toordinal() - _EPOCH.toordinal()) * 86_400_000
    return None


def fitted(value: object, shape: Shape) -> Value:
    """A literal value converted to a cell of this shape. Raises ValueError with what was expected."""
    if value is None:
        return None
    match shape.kind, value:
        case "integer", int() if not isinstance(value, bool):
            low, high = shape.limits or (value, value)
            if low <= value <= high:
                return value
            raise ValueError(f"an integer from {low} to {high}")
        case "number", int() | float() if not isinstance(value, bool):
            if abs(value) <= _LARGEST:
                return float(value)
            raise ValueError(f"a number of at most {_LARGEST:g}")
        case "boolean", bool():
            return value
        case "moment", _:
            return moment(value)
        case "date", _:
            return moment(value).date()
        case "text", str():
            return value
        case "text", bytes():
            return base64.b64encode(value).decode()
    wanted = {"integer": "an integer", "number": "a number", "boolean": "true or false", "text": "text (in quotes)"}
    raise ValueError(wanted[shape.kind])


def moment(value: object) -> dt.datetime:
    """A timestamp from YAML or ISO 8601 text, converted to UTC, without zone. Raises ValueError."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = dt.datetime.fromisoformat(value)
    if isinstance(value, dt.datetime):
        with suppress(OverflowError):
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    elif isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)
    raise ValueError("a moment such as 2026-01-31T09:30:00")
