"""Live PostgreSQL behind connections: schemas, tables, columns and rows of a listed database.

A source is opened for one request, or for one update of a flow's runs. Live tables have the interface of
synthetic ones, so that explore and runs treat both alike.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psycopg import sql

from mockserver import config
from mockserver.sources.columns import Column, shape_of
from mockserver.sources.dialling import MAX_SESSIONS, USUAL, Dialler, Patience, demand_libpq, sendable
from mockserver.sources.feed import LimitedConnection
from mockserver.sources.files import File
from mockserver.sources.listed import LiveAddress, Resolve, named, pinned, system_resolve, undressed
from mockserver.sources.live_table import LiveTable

if TYPE_CHECKING:
    from mockserver.specs.connectors import Access

CONNECTOR = "postgre-sql"
DEFAULT_PORT = "5432"
MAX_TABLES = 10_000
_BATCH_ROWS, _BATCH_CELLS = 200, 488
"""Maximum rows and cells that are read at once: with the longest cells 2 million bytes."""
_NAME = re.compile(r'(?:"((?:[^"]|"")+)"|([^".]+))\.(?:"((?:[^"]|"")+)"|([^".]+))', re.DOTALL)

_VISIBLE = sql.SQL("""
 c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')""")
"""Tables, partitioned tables, views, materialised views and foreign tables outside the system schemas."""

_TABLES = sql.SQL("""
SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE {visible} AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
ORDER BY n.nspname, c.relname LIMIT {most}""").format(visible=_VISIBLE, most=MAX_TABLES)

_COLUMNS = sql.SQL("""
WITH RECURSIVE based AS (
 SELECT a.attnum AS place, a.attname::text AS name, a.atttypid AS type, a.atttypmod AS modifier
 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
 WHERE {visible} AND n.nspname = {schema} AND c.relname = {table} AND a.attnum > 0 AND NOT a.attisdropped
 AND pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
 UNION ALL
 SELECT b.place, b.name, t.typbasetype, t.typtypmod FROM based b
 JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
SELECT b.name, pg_catalog.format_type(b.type, b.modifier) FROM based b
JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype <> 'd' ORDER BY b.place""")
"""Columns and their types. A domain is resolved to its base type, recursively."""


class Live:
    """The databases listed with `--live`."""

    def __init__(
        self,
        listed: Iterable[LiveAddress],
        authorities: str | None = None,
        patience: Patience = USUAL,
        *,
        md5: bool = False,
    ) -> None:
        """`authorities`: a PEM file, for sslMode Verify Ca and Verify Full.

        `md5`: whether an unverified database may get a password as MD5.
        """
        room = threading.BoundedSemaphore(MAX_SESSIONS)
        self._diallers = {
            (named(one.host), str(one.port)): Dialler(one, room, authorities, patience, md5=md5) for one in listed
        }

    @classmethod
    def load(
        cls,
        entries: Sequence[str],
        authorities: str | None,
        resolve: Resolve = system_resolve,
        *,
        md5: bool = False,
    ) -> Live:
        """Parse and resolve `HOST:PORT` texts, once. Raises ValueError."""
        demand_libpq()
        config.forget_libpq_service()
        if authorities is not None:
            try:
                with open(authorities, "rb"):
                    pass
            except OSError as error:
                raise ValueError(f"--live-ca {authorities} cannot be read: {error.strerror}") from None
        return cls([pinned(entry, resolve) for entry in entries], authorities, md5=md5)

    @property
    def listed(self) -> tuple[LiveAddress, ...]:
        """The listed databases."""
        return tuple(dialler.listed for dialler in self._diallers.values())

    def source(self, access: Access) -> LiveSource | None:
        """The listed database of a connection, if it uses the listed name; else None."""
        if access.connector != CONNECTOR or access.server is None:
            return None
        dialler = self._diallers.get((named(access.server), _port(access)))
        return None if dialler is None else LiveSource(dialler, access)

    def missed(self, access: Access) -> tuple[LiveAddress, str] | None:
        """The listed database that a connection misses only by the spelling of its host, or only by its port.

        Also returns which of the two. Resolves no names.
        """
        if access.connector != CONNECTOR or access.server is None:
            return None
        host, port = undressed(access.server)
        there = [one for one in self.listed if one.host == host or one.is_called(host)]
        same = next((one for one in there if str(one.port) == (port or _port(access))), None)
        return (same, "the spelling of its host") if same else (there[0], "its port") if there else None


class LiveSource:
    """A database as one connection sees it. Used by one thread only."""

    files: Mapping[str, File] = {}
    labels: Mapping[str, str] = {}

    def __init__(self, dialler: Dialler, access: Access) -> None:
        self.listed = dialler.listed
        self._dialler = dialler
        self._access = access
        self._db: LimitedConnection | None = None

    @contextmanager
    def connected(self) -> Iterator[LimitedConnection]:
        """The open session or, within the block, a new one. Raises SourceError or SourceBusy."""
        if self._db is not None:
            yield self._db
            return
        with self._dialler.session(self._access) as self._db:
            try:
                yield self._db
            finally:
                self._db = None

    def admit(self, access: Access) -> None:
        """Log in. Raises SourceError."""
        with self.connected():
            pass

    def ask(self, question: sql.Composable) -> list[tuple[Any, ...]]:
        """Run a query that limits its own result; returns the rows. Raises SourceError."""
        with self.connected() as db:
            return db.execute(question.as_bytes(db)).fetchall()

    def stream(self, question: sql.Composable, columns: int) -> Iterator[tuple[Any, ...]]:
        """Run a query of any size; its rows are read in batches. Raises SourceError, also between rows."""
        batch = f"FETCH {max(1, min(_BATCH_ROWS, _BATCH_CELLS // columns))} FROM rows"
        with self.connected() as db:
            db.execute(sql.SQL("DECLARE rows NO SCROLL CURSOR FOR {}").format(question).as_bytes(db))
            while rows := db.execute(batch).fetchall():
                yield from rows
                self._dialler.extend(db)
            db.execute("CLOSE rows")

    @property
    def tables(self) -> Mapping[str, LiveTable]:
        """Printed name -> table; each table is looked up on access."""
        return _Tables(self)


def _port(access: Access) -> str:
    """A port without leading zeros."""
    return (access.port or DEFAULT_PORT).lstrip("0")


class _Tables(Mapping[str, "LiveTable"]):
    def __init__(self, source: LiveSource) -> None:
        self._source = source

    def __iter__(self) -> Iterator[str]:
        return (printed(schema, name) for schema, name in self._source.ask(_TABLES))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, name: str) -> LiveTable:
        parts = read_name(name)
        if parts is None:
            raise KeyError(name)
        schema, table = parts
        found = self._source.ask(_COLUMNS.format(visible=_VISIBLE, schema=schema, table=table))
        if not found:
            raise KeyError(name)
        columns = tuple(Column(column, declared if shape_of(declared) else "text") for column, declared in found)
        return LiveTable(
            self._source.ask, self._source.stream, printed(schema, table), sql.Identifier(schema, table), columns
        )


def printed(schema: str, table: str) -> str:
    """`schema.table`, as in Adobe's samples. A part with a dot or a quote is quoted as in SQL."""
    return ".".join('"' + part.replace('"', '""') + '"' if set(part) & {".", '"'} else part for part in (schema, table))


def read_name(name: str) -> tuple[str, str] | None:
    """Schema and table of a printed name; None if it is malformed."""
    found = _NAME.fullmatch(name)
    if found is None or not sendable(name):
        return None
    schema, table = (
        (quoted.replace('""', '"') if quoted else plain) for quoted, plain in (found.group(1, 2), found.group(3, 4))
    )
    return schema, table
