"""The tables of an SQL store, and their upgrade from release 0.1."""

from __future__ import annotations

import json
import logging
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
    String,
    Table,
    Text,
    bindparam,
    cast,
    column,
    insert,
    inspect,
    literal_column,
    select,
    table,
    text,
    update,
)
from sqlalchemy.types import NullType

from mockserver import json_input
from mockserver.exchange import Tenant
from mockserver.runtime import KEY_BYTES, Runtime
from mockserver.state.exports import MAX_REVISION
from mockserver.state.records import Change

SCHEMA_VERSION = 2
"""1 was that of release 0.1, whose servers also kept all records in memory."""

KEY = ("org", "sandbox", "kind", "id")
CONTENT = ("revision", "doc", "checksum")

_SCHEMA = MetaData()

log = logging.getLogger("mockserver")


def _key_columns(*, primary: bool) -> list[Column[str]]:
    return [Column(name, Text, primary_key=primary, nullable=False) for name in KEY]


META = Table(
    "mockserver_meta",
    _SCHEMA,
    Column("one", Integer, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("page_key", LargeBinary, nullable=False),
    Column("drawn", Text),  # position of the seed's streams
    Column("serving", Integer, nullable=False),  # 1 while an SQLite file is open
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
    Column("ordered", Text, nullable=False),  # the members that lists can be sorted by
    Index("mockserver_history_listed", "org", "sandbox", "kind", "superseded"),
)

_INSERTED = 200
"""Records per INSERT. One for all would take the memory of the records again, and 0.1 s to free."""

_MAX_DAMAGED = 10
"""Records above the counter whose checksums are checked. If all of them are damaged, the counter is believed."""

DOC_BYTES = cast(RECORDS.c.doc, LargeBinary().with_variant(String(), "postgresql")).label("doc")
"""A record as bytes of UTF-8: as a text of Python it would take four times as much with one wide character.

VARCHAR is a text that `postgres_link` leaves as bytes.
"""

GIVEN_BYTES = cast(bindparam("doc", type_=NullType()), Text)
"""A record to write, given as bytes of UTF-8."""

INSERT = insert(RECORDS).values({name: GIVEN_BYTES if name == "doc" else bindparam(name) for name in KEY + CONTENT})


def prepare(db: Connection, version: int, runtime: Runtime, *, escaped: bool) -> bytes:
    """Create or upgrade the tables, and continue the seed's streams; returns the key of cursors.

    Raises ValueError for damaged tables.
    """
    if not version:
        _demand_new(db)
    if version < SCHEMA_VERSION:
        used, records = _of_release_0_1(db) if version else (None, [])
        _SCHEMA.create_all(db, checkfirst=False)
        first = runtime.first_revision() if used is None else used
        db.execute(insert(META), {"one": 1, "revision": first, "page_key": runtime.key(), "serving": 0})
        insert_all(db, records, escaped=escaped)
    else:
        _demand_complete(db)
    row = db.execute(select(META.c.revision, META.c.page_key, META.c.drawn)).one_or_none()
    if row is None:
        raise ValueError("lacks the row that counts revisions, in mockserver_meta")
    revision, page_key, drawn = row
    if type(revision) is not int or not 0 <= revision <= MAX_REVISION:
        raise ValueError(f"is damaged: the revision in mockserver_meta is not a number from 0 to {MAX_REVISION}")
    if not isinstance(page_key, bytes) or len(page_key) != KEY_BYTES:
        raise ValueError(f"is damaged: page_key in mockserver_meta is not {KEY_BYTES} bytes")
    try:
        runtime.resume(drawn)
    except ValueError as problem:
        raise ValueError(f"is damaged: drawn in mockserver_meta {problem}") from None
    _continue_after_records(db, revision)
    return page_key


def _continue_after_records(db: Connection, counted: int) -> None:
    """Raise a counter that was set back, because no etag may be used twice."""
    ahead = RECORDS.c.revision.between(counted + 1, MAX_REVISION)
    columns = (*(RECORDS.c[name] for name in (*KEY, "revision")), DOC_BYTES, RECORDS.c.checksum)
    highest = select(*columns).where(ahead).order_by(RECORDS.c.revision.desc()).limit(_MAX_DAMAGED)
    for org, sandbox, kind, entity_id, revision, doc, found in db.execute(highest):
        if isinstance(doc, bytes) and checksum(Tenant(org, sandbox), kind, entity_id, revision, doc) == found:
            raised = update(META).where(META.c.revision < revision).values(revision=revision)
            if db.execute(raised).rowcount:  # else another server wrote meanwhile
                log.warning("Revision %d was counted, less than records have: counting from %d", counted, revision)
            return


def _demand_complete(db: Connection) -> None:
    """Raise ValueError if a table or a column is missing. Reading the catalogue takes longer than creating them."""
    found = inspect(db).get_multi_columns(filter_names=list(_SCHEMA.tables))
    for of in _SCHEMA.sorted_tables:
        if (None, of.name) not in found:
            raise ValueError(f"lacks the table {of.name}")
        missing = set(of.columns.keys()) - {one["name"] for one in found[None, of.name]}
        if missing:
            raise ValueError(f"lacks the column {min(missing)} of {of.name}")


def _demand_new(db: Connection) -> None:
    """Raise ValueError if there are tables already: then it is their version that was lost."""
    tables, in_file = set(inspect(db).get_table_names()), db.dialect.name == "sqlite"
    present = tables if in_file else tables & set(_SCHEMA.tables)
    if present:
        lost = "user_version" if in_file else "the table mockserver_schema or its row"
        raise ValueError(f"has the table {min(present)}, but lacks the version of its tables, {lost}")


def checksum(tenant: Tenant, kind: str, entity_id: str, revision: int, doc: bytes) -> int:
    """Checksum of a record. `ascii` formats its place the same way in every version of Python."""
    return zlib.crc32(doc, zlib.crc32(ascii((*tenant, kind, entity_id, revision)).encode()))


def row(change: Change, *, escaped: bool) -> dict[str, Any]:
    """Convert a record to a row. `escaped`: see `Database`."""
    tenant, kind, entity_id, revision, doc = change
    assert isinstance(doc, dict)
    written = json_input.escaped(doc) if escaped else json_input.dumps(doc)
    content = (revision, written, checksum(tenant, kind, entity_id, revision, written))
    return dict(zip(KEY + CONTENT, (*tenant, kind, entity_id, *content), strict=True))


def insert_all(db: Connection, changes: Sequence[Change], *, escaped: bool) -> None:
    """Insert records into empty tables."""
    for begin in range(0, len(changes), _INSERTED):
        db.execute(INSERT, [row(change, escaped=escaped) for change in changes[begin : begin + _INSERTED]])
    if changes and db.dialect.name == "postgresql":  # without statistics, a lookup may read all records of a kind
        db.execute(text(f"ANALYZE {RECORDS.name}"))


def _of_release_0_1(db: Connection) -> tuple[int | None, list[Change]]:
    """The revision counter and the records of schema 1, whose tables are dropped. Raises ValueError."""
    prefix = "" if db.dialect.name == "sqlite" else "mockserver_"
    counters: Sequence[Any] = db.execute(select(column("revision")).select_from(table(f"{prefix}meta"))).all()
    if len(counters) != 1:
        raise ValueError("lacks the row that counts revisions")
    changes = []
    rows: Sequence[Any] = db.execute(select(literal_column("*")).select_from(table(f"{prefix}records"))).all()
    for org, sandbox, kind, entity_id, revision, written, *sums in rows:
        tenant = Tenant(org, sandbox)
        if sums not in ([], [zlib.crc32(ascii((org, sandbox, kind, entity_id, revision, written)).encode())]):
            raise ValueError(f"is damaged: the record {kind}/{entity_id} has a wrong checksum")
        if not isinstance(doc := _parsed(written), dict):
            raise ValueError(f"is damaged: the record {kind}/{entity_id} is not a JSON object")
        changes.append(Change(tenant, kind, entity_id, revision, doc))
    for name in ("meta", "records", "changes"):
        db.execute(text(f"DROP TABLE IF EXISTS {prefix}{name}"))
    return counters[0].revision, changes


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None
