"""The tables of an SQL store, and how those of release 0.1 become these."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    column,
    insert,
    inspect,
    literal_column,
    select,
    table,
    text,
)

from mockserver.exchange import Tenant
from mockserver.runtime import Runtime
from mockserver.state.records import Change

SCHEMA_VERSION = 2
"""1 was release 0.1's, whose servers kept all records in memory as well."""

KEY = ("org", "sandbox", "kind", "id")
CONTENT = ("revision", "doc", "checksum")

_SCHEMA = MetaData()


def _key_columns(*, primary: bool) -> list[Column[str]]:
    return [Column(name, Text, primary_key=primary, nullable=False) for name in KEY]


META = Table(
    "mockserver_meta",
    _SCHEMA,
    Column("one", Integer, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("page_key", LargeBinary, nullable=False),
    Column("drawn", Text),  # how far the streams of a seed have got
    Column("serving", Integer, nullable=False),  # 1 from opening an SQLite file to closing it
)
RECORDS = Table(
    "mockserver_records",
    _SCHEMA,
    *_key_columns(primary=True),
    Column("revision", BigInteger, nullable=False),
    Column("doc", Text, nullable=False),
    Column("checksum", BigInteger, nullable=False),
    CheckConstraint("json_type(doc) = 'object'").ddl_if(dialect="sqlite"),
    CheckConstraint("json_typeof(CAST(doc AS json)) = 'object'").ddl_if(dialect="postgresql"),
    Index("mockserver_records_listed", "org", "sandbox", "kind", "revision"),
)
HISTORY = Table(
    "mockserver_history",
    _SCHEMA,
    Column("superseded", BigInteger, primary_key=True, autoincrement=False),
    *_key_columns(primary=False),
    Column("revision", BigInteger, nullable=False),
    Column("ordered", Text, nullable=False),  # the members that lists are ordered by
    Index("mockserver_history_listed", "org", "sandbox", "kind", "superseded"),
)


def prepare(db: Connection, version: int, runtime: Runtime) -> tuple[bytes, str | None]:
    """Create the tables or bring them up to date; returns the key of cursors and how far a seed has got.

    Raises ValueError for tables that are not as they should be.
    """
    if version < SCHEMA_VERSION:
        used, records = _of_release_0_1(db) if version else (None, [])
        _SCHEMA.create_all(db, checkfirst=False)
        first = runtime.first_revision() if used is None else used
        db.execute(insert(META), {"one": 1, "revision": first, "page_key": runtime.key(), "serving": 0})
        insert_all(db, records)
    if not {of.name for of in _SCHEMA.sorted_tables} <= set(inspect(db).get_table_names()):
        raise ValueError("lacks a table")
    row = db.execute(select(META.c.page_key, META.c.drawn)).one_or_none()
    if row is None:
        raise ValueError("lacks the row that counts revisions, in mockserver_meta")
    return row.page_key, row.drawn


def checksum(tenant: Tenant, kind: str, entity_id: str, revision: int, doc: str) -> int:
    """Tells a damaged record. `ascii` writes values and their types alike in every Python."""
    return zlib.crc32(ascii((*tenant, kind, entity_id, revision, doc)).encode())


def row(change: Change) -> dict[str, Any]:
    """The row of a record."""
    tenant, kind, entity_id, revision, doc = change
    written = json.dumps(doc, separators=(",", ":"))
    content = (revision, written, checksum(tenant, kind, entity_id, revision, written))
    return dict(zip(KEY + CONTENT, (*tenant, kind, entity_id, *content), strict=True))


def insert_all(db: Connection, changes: Sequence[Change]) -> None:
    """Store records in empty tables."""
    if not changes:
        return
    db.execute(insert(RECORDS), [row(change) for change in changes])
    if db.dialect.name == "postgresql":  # until it knows how many there are, a look-up may read all of a kind
        db.execute(text(f"ANALYZE {RECORDS.name}"))


def _of_release_0_1(db: Connection) -> tuple[int | None, list[Change]]:
    """The counter and the records in the tables of schema 1, which are dropped. Raises ValueError."""
    prefix = "" if db.dialect.name == "sqlite" else "mockserver_"
    counters: Sequence[Any] = db.execute(select(column("revision")).select_from(table(f"{prefix}meta"))).all()
    if len(counters) != 1:
        raise ValueError("lacks the row that counts revisions")
    changes = []
    rows: Sequence[Any] = db.execute(select(literal_column("*")).select_from(table(f"{prefix}records"))).all()
    for org, sandbox, kind, entity_id, revision, written, *sums in rows:
        tenant = Tenant(org, sandbox)
        if sums not in ([], [checksum(tenant, kind, entity_id, revision, written)]):
            raise ValueError(f"is damaged: the record {kind}/{entity_id} is not as it was written")
        if not isinstance(doc := _parsed(written), dict):
            raise ValueError(f"is damaged: the record {kind}/{entity_id} is no JSON object")
        changes.append(Change(tenant, kind, entity_id, revision, doc))
    for name in ("meta", "records", "changes"):
        db.execute(text(f"DROP TABLE IF EXISTS {prefix}{name}"))
    return counters[0].revision, changes


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None
