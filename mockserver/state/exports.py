"""Writes and parses exports, the JSON of the complete state: `GET` and `PUT /_mock/state`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mockserver.contract.schema import kind_of
from mockserver.exchange import MISSING, UNKNOWN, Tenant, departure
from mockserver.secrecy import repeatable
from mockserver.state.pieces import Demands
from mockserver.state.records import Change, Key

EXPORT_VERSION = 1
"""The format that `write` writes and `parse` reads."""

MAX_REVISION = 1 << 53
"""Maximum revision. JSON parsers may round larger integers."""


def write(records: Iterable[Change], revision: int) -> dict[str, Any]:
    """Export records and the revision counter."""
    return {"version": EXPORT_VERSION, "revision": revision, "records": list(map(row, records))}


def row(change: Change) -> dict[str, Any]:
    """Export a record."""
    (org, sandbox), kind, _, revision, doc = change
    return {"org": org, "sandbox": sandbox, "kind": kind, "revision": revision, "doc": doc}


def parse(data: Mapping[str, Any]) -> tuple[int, list[Change]]:
    """Parse an export; returns the revision counter and the records.

    Raises ValueError. Its message repeats no value, because exports contain credentials.
    """
    if isinstance(data, Mapping):
        for name in data:
            _demand_known(name)
    if _member(data, "version", int, "") != EXPORT_VERSION:
        raise ValueError(f"/version: expected {EXPORT_VERSION}, the version that this server supports")
    used = _member(data, "revision", int, "")
    if not 0 <= used <= MAX_REVISION:
        raise ValueError(f"/revision: expected 0 to {MAX_REVISION}")
    records: list[Change] = []
    keys: set[Key] = set()
    revisions: set[int] = set()
    for number, row in enumerate(_member(data, "records", list, "")):
        where = f"/records/{number}"
        change = _parse_record(row, where)
        if not 0 <= change.revision <= used or change.revision in revisions:
            raise ValueError(f"{where}/revision: expected a number from 0 to /revision that no other record has")
        if change[:3] in keys:
            raise ValueError(f"{where}: a second record with this org, sandbox, kind and id")
        keys.add(change[:3])
        revisions.add(change.revision)
        records.append(change)
    return used, records


def _demand_member(name: str | None, mark: str) -> None:
    """Refuse an array or object where none belongs, and unknown members."""
    if name is not None:
        _demand_known(name)
    kind = dict if name is None else _MEMBERS[name]
    came = {"[": list, "{": dict}.get(mark, kind)
    if came is not kind:
        raise ValueError(departure("Member", f"/{name or ''}", _KINDS[kind], _KINDS[came]))


def _demand_record(number: int, row: Any) -> None:
    _parse_record(row, f"/records/{number}")


def _demand_known(name: str) -> None:
    if name not in _MEMBERS:
        expected = f"one of {', '.join(_MEMBERS)}"
        raise ValueError(departure("Member", f"/{repeatable(name)}", expected, UNKNOWN))


def _parse_record(row: Any, where: str) -> Change:
    tenant = Tenant(_member(row, "org", str, where), _member(row, "sandbox", str, where))
    kind, revision = _member(row, "kind", str, where), _member(row, "revision", int, where)
    doc = _member(row, "doc", dict, where)
    inside = f"{where}/doc"
    for name, type_ in (("updatedAt", int), ("version", str), ("etag", str)):
        _member(doc, name, type_, inside)
    return Change(tenant, kind, _member(doc, "id", str, inside), revision, doc)


def _member(holder: Any, name: str, kind: type, where: str) -> Any:
    if not isinstance(holder, Mapping):
        raise ValueError(departure("Member", where or "/", "an object", kind_of(holder)))
    if name not in holder:
        raise ValueError(departure("Member", f"{where}/{name}", _KINDS[kind], MISSING))
    if type(holder[name]) is not kind:  # not isinstance: True is not an integer here
        raise ValueError(departure("Member", f"{where}/{name}", _KINDS[kind], kind_of(holder[name])))
    return holder[name]


_MEMBERS: Mapping[str, type] = {"version": int, "revision": int, "records": list}
_KINDS: Mapping[type, str] = {int: "an integer", str: "a string", dict: "an object", list: "an array"}

DEMANDS = Demands(_demand_member, _demand_record)
"""What is refused while an export is read, so that no work is done for what is no export."""
