"""The statements of a store, compiled once, and how many rows a batch of a list has.

A batch ends with the row that exceeds its bytes. SQLite reads the others only when asked. PostgreSQL would send all of
them before the first is taken, so there the statement itself leaves them out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    null,
    select,
    text,
    tuple_,
    union_all,
    update,
)

from mockserver.exchange import Tenant
from mockserver.state import tables
from mockserver.state.fetching import PreparedStatement
from mockserver.state.tables import HISTORY, META, RECORDS

MAX_BATCH_BYTES = 1_048_576
"""Bytes of records after which a batch ends."""

DOC = 2
"""Column of the record in a row."""

Lock: TypeAlias = tuple[int, int]
"""The last of the revisions that a write lock reserves, and the transaction that holds the lock."""


def _scope(of: Table) -> list[Any]:
    return [of.c[name] == bindparam(f"_{name}") for name in ("org", "sandbox", "kind")]


_THIS = [*_scope(RECORDS), RECORDS.c.id == bindparam("_id")]
SHOWN = (RECORDS.c.id, RECORDS.c.revision, tables.DOC_BYTES, RECORDS.c.checksum)
"""The first columns of each row with a record."""

_BELOW, _SIZE = bindparam("below", type_=BigInteger), bindparam("size", type_=BigInteger)

_TAKE_LOCK = update(META).values(
    revision=META.c.revision + bindparam("writes", type_=BigInteger),
    drawn=func.coalesce(bindparam("so_far", type_=Text), META.c.drawn),
)
_NOW = select(*SHOWN, RECORDS.c.revision.label("listed_at"), null().label("ordered")).where(
    *_scope(RECORDS), RECORDS.c.revision < _BELOW
)
_THEN = (
    select(*SHOWN, HISTORY.c.revision.label("listed_at"), HISTORY.c.ordered)
    .join(RECORDS, and_(RECORDS.c.id == HISTORY.c.id, *_scope(RECORDS)))
    .where(*_scope(HISTORY), HISTORY.c.superseded > bindparam("ceiling", type_=BigInteger), HISTORY.c.revision < _BELOW)
)
_BATCHES: dict[str, Any] = {
    "first": _NOW.order_by(RECORDS.c.revision.desc()).limit(_SIZE),
    "next": union_all(_NOW, _THEN).order_by(text("listed_at DESC")).limit(_SIZE),
}
"""Statements whose rows end with the one that exceeds the bytes of a batch."""

PLACE = tuple(RECORDS.c[name] for name in ("org", "sandbox", "kind"))
"""The columns after `SHOWN` in a row of any tenant."""
_GIVEN = (*(bindparam(column.name, type_=Text) for column in PLACE), _BELOW)
_FOLLOWING = select(*SHOWN, *PLACE).where(tuple_(*PLACE, RECORDS.c.revision) > tuple_(*_GIVEN)).limit(_SIZE)
"""A batch of the records of all tenants. An index has this order, so that no database sorts them all."""

_BY_NAME: dict[str, Any] = {
    "tenant": select(RECORDS.c.org, RECORDS.c.sandbox)
    .where(
        tuple_(RECORDS.c.org, RECORDS.c.sandbox)
        > tuple_(bindparam("org", type_=Text), bindparam("sandbox", type_=Text))
    )
    .order_by(RECORDS.c.org, RECORDS.c.sandbox)
    .limit(1),
    "get": select(*SHOWN).where(*_THIS),
    "count": select(func.count()).select_from(RECORDS).where(*_scope(RECORDS)),
    "insert": tables.INSERT,
    "replace": update(RECORDS)
    .where(*_THIS)
    .values(revision=bindparam("revision"), doc=tables.GIVEN_BYTES, checksum=bindparam("checksum")),
    "delete": delete(RECORDS).where(*_THIS).returning(RECORDS.c.id),
    "supersede": insert(HISTORY),
    "prune": delete(HISTORY).where(HISTORY.c.superseded <= bindparam("horizon", type_=BigInteger)),
}


_compiled: dict[str, dict[str, PreparedStatement]] = {}
"""Name of a dialect -> statements by name. Compiling them takes most of the time of opening a small store."""


def prepared(dialect: Dialect, transaction: ColumnElement[int], *, remote: bool) -> dict[str, PreparedStatement]:
    """The statements by name, compiled once per process. `lock` returns a `Lock`; `remote`: see `_cut_by_server`."""
    if dialect.name not in _compiled:
        statements = {**_BY_NAME, "lock": _TAKE_LOCK.returning(META.c.revision, transaction)}
        place = func.strpos if remote else func.instr
        mentioning = _BATCHES["first"].where(place(RECORDS.c.doc, bindparam("text", type_=Text)) > 0)
        batches = {**_BATCHES, "mentioning": mentioning}
        following: Any = _FOLLOWING.order_by(*_by_place(RECORDS))
        if remote:
            batches = {name: _cut_by_server(batch, _latest_first) for name, batch in batches.items()}
            following = _cut_by_server(following, _by_place)
        batches["following"] = following
        _compiled[dialect.name] = {
            **{name: PreparedStatement(statement, dialect) for name, statement in statements.items()},
            **{name: PreparedStatement(batch, dialect, _cut_batch) for name, batch in batches.items()},
        }
    return _compiled[dialect.name]


def exceeds(rows: Iterable[Any]) -> bool:
    """Whether the rows are a batch that ended by its bytes."""
    return sum(map(_size, rows)) > MAX_BATCH_BYTES


def key(tenant: Tenant, kind: str, entity_id: str = "") -> dict[str, str]:
    """Parameters of a statement about one record or all records of a kind."""
    return {"_org": tenant.org, "_sandbox": tenant.sandbox, "_kind": kind, "_id": entity_id}


def _latest_first(rows: Any) -> list[Any]:
    return [rows.c.listed_at.desc()]


def _by_place(rows: Any) -> list[Any]:
    return [rows.c[name] for name in ("org", "sandbox", "kind", "revision")]


def _cut_by_server(batch: Any, order: Callable[[Any], list[Any]]) -> Select[Any]:
    """The statement of a batch without the rows after the one that exceeds its bytes.

    PostgreSQL knows the bytes of a text without reading it.
    """
    rows = batch.subquery()
    size = func.octet_length(rows.c.doc)
    before = (func.sum(size).over(order_by=order(rows)) - size).label("before")
    measured = select(rows, before).subquery()
    shown = [column for column in measured.c if column.name != "before"]
    return select(*shown).where(measured.c.before <= MAX_BATCH_BYTES).order_by(*order(measured))


def _cut_batch(rows: Iterable[Any]) -> list[Any]:
    """The rows of a batch, up to the one that exceeds its bytes. SQLite does not read the others."""
    taken, size = [], 0
    for row in rows:
        taken.append(row)
        size += _size(row)
        if size > MAX_BATCH_BYTES:
            break
    return taken


def _size(row: Any) -> int:
    return len(row[DOC] or b"")
