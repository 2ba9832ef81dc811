"""A live PostgreSQL database behind connections: its tables, and emulators that may connect to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any
from urllib.parse import quote

import psycopg

from mockserver import Config, Emulator
from mockserver.exchange import Result
from mockserver.sources import Sources
from mockserver.sources.dialling import Patience
from mockserver.sources.listed import Resolve, pinned
from mockserver.sources.live import Live
from tests.calls import by_string, connection, made, send
from tests.postgres import PASSWORD, shared_server

HOST = "localhost"
BRIEF = Patience(connect_seconds=2, statement_ms=300, session_ms=1_000, silent_ms=300)
"""A short timeout, for databases that are deliberately slow."""

_SQL = """
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL, active boolean, balance numeric(10,2));
INSERT INTO customers SELECT n, 'c' || n || '@example.com', n % 2 = 0, n / 4.0 FROM generate_series(1, 250) n;
CREATE TABLE orders (id int, placed_at timestamptz, day date, noted timestamp);
INSERT INTO orders SELECT n, at, at::date, at FROM (
 SELECT n, timestamptz '2025-12-31 23:00:00Z' + n * interval '1 minute' AS at FROM generate_series(0, 119) n) moments;
INSERT INTO orders VALUES (-1, NULL, NULL, NULL), (-2, 'infinity', 'infinity', 'infinity');
CREATE TABLE empty_one (id int, seen date);
CREATE TABLE without_columns ();
CREATE SCHEMA "Sales.EU";
CREATE TABLE "Sales.EU"."Say ""hi"" %s" ("Id %s" int, "a.b" text, "select" text);
INSERT INTO "Sales.EU"."Say ""hi"" %s" VALUES (1, 'x', 'y');
CREATE VIEW failing AS SELECT 1 / (id - 1) AS id FROM customers;
CREATE VIEW slow AS SELECT pg_sleep(30)::text AS id;
CREATE TABLE long (t text, b bytea, n numeric);
INSERT INTO long SELECT repeat('x', 1000000), decode(repeat('ab', 1000000), 'hex'), repeat('9', 5000)::numeric;
CREATE TYPE mood AS ENUM ('fine', 'low');
CREATE DOMAIN age AS integer;
CREATE DOMAIN years AS age CHECK (value >= 0);
CREATE SCHEMA hidden;
CREATE TABLE hidden.salaries (id int);
CREATE TABLE partly (open text, closed text);
CREATE ROLE reader LOGIN PASSWORD 'reader-c4n4ry';
GRANT SELECT ON customers TO reader;
GRANT SELECT (open) ON partly TO reader;
"""


@cache
def port() -> int:
    """The port of a server with the database `crm`, created on first use."""
    server = shared_server()
    with psycopg.connect(server.url(), autocommit=True) as db:
        db.execute("CREATE DATABASE crm")
    execute(_SQL)
    return server.port


def execute(statements: str, database: str = "crm") -> None:
    """Run a statement in a database."""
    url = f"postgresql://flow:{PASSWORD}@127.0.0.1:{shared_server().port}/{database}"
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(statements.encode())


def emulator(
    at: int | None = None,
    *,
    host: str = HOST,
    patience: Patience = BRIEF,
    resolve: Resolve | None = None,
    md5: bool = False,
    **settings: Any,
) -> Emulator:
    """An emulator that may connect to a host and port, by default the database's."""
    made = Emulator(Config(seed=1, **settings))
    found = resolve or (lambda host, port: ["127.0.0.1"])
    live = Live([pinned(f"{host}:{at or port()}", found)], patience=patience, md5=md5)
    made.world = made.world._replace(sources=Sources(live=live))
    return made


def basic(at: int | None = None, **params: str) -> dict[str, Any]:
    """A connection to the database by basic authentication."""
    given = {
        "server": HOST, "port": str(at or port()), "database": "crm", "username": "flow", "password": PASSWORD,
        "sslMode": "Prefer", **params,
    }  # fmt: skip
    return connection(auth={"specName": "Basic Authentication", "params": given})


def string(at: int | None = None, **keys: str) -> dict[str, Any]:
    """A connection to the database by connection string."""
    given = {"Server": HOST, "Port": str(at or port()), "Database": "crm", "UID": "flow", "Password": PASSWORD, **keys}
    return by_string(";".join(f"{key}={value}" for key, value in given.items()))


def draft(emulator: Emulator, body: dict[str, Any]) -> str:
    """Create a draft, whose credentials are not verified; returns its id."""
    return made(emulator, body, "/connections?mode=draft")["id"]


def explore(emulator: Emulator, connection_id: str, table: str | None = None, *, preview: bool = False) -> Result:
    """The response of explore: the tables, or one table, or also its rows."""
    query = "objectType=root" if table is None else f"objectType=table&object={quote(table)}"
    return send(emulator, "GET", f"/connections/{connection_id}/explore?{query}{'&preview=true' * preview}")


def rows(emulator: Emulator, connection_id: str, table: str) -> list[dict[str, Any]]:
    """The rows of a preview."""
    answer = explore(emulator, connection_id, table, preview=True)
    assert answer.status == 200, answer.body
    assert isinstance(answer.body, dict)
    found: list[dict[str, Any]] = answer.body["data"]
    return found


def names(items: Any) -> Iterable[str]:
    """The names listed by explore."""
    return [item["name"] for item in items]


class Canary:
    """A port to which nobody may connect."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]

    @property
    def dialled(self) -> bool:
        """Whether somebody has connected; the system accepts connections before we do."""
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Close the port."""
        self._listener.close()


@contextmanager
def speaking(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve each connection by a function for the block; yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(5)
                    answer(connection)

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()
