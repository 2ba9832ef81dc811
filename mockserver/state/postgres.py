"""The state in a PostgreSQL database, which several servers may share. Needs the extra `postgres`.

One row counts revisions. Who holds it has the turn to write, so that revisions are in the order of
commits. `mockserver_records` is what is; `mockserver_changes` are the last commits, for the other
servers to follow. A server has two connections: one for its turns and one to ask for news.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mockserver.exchange import Tenant
from mockserver.runtime import Runtime, stop_watch_ms
from mockserver.state.records import Change
from mockserver.state.shared import News, Reached, SharedStore
from mockserver.state.store import StateError, StorageUnavailable

try:
    import psycopg
    from psycopg import conninfo, errors

    from mockserver.state.postgres_link import LOST, USUAL, Connection, Link, Row, connect
except ImportError as missing:
    raise StateError("PostgreSQL needs one more package: pip install 'mock-flow-service[postgres]'.") from missing

LOADING_MS = 60_000
"""For reading all records."""

KEPT_CHANGES = 10_000
"""A server that is further behind reads everything again."""

_PRUNED_TOGETHER = 1_000
_PARSED_TOGETHER = 500
_MIGRATING = 0x466C6F77
"""Key of the advisory lock that lets one server at a time change the tables."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE mockserver_meta (one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL,"
        " revision bigint NOT NULL, pruned bigint NOT NULL)",
        "CREATE TABLE mockserver_records (org text NOT NULL, sandbox text NOT NULL, kind text NOT NULL,"
        " id text NOT NULL, revision bigint NOT NULL UNIQUE, doc text NOT NULL,"
        " PRIMARY KEY (org, sandbox, kind, id))",
        "CREATE TABLE mockserver_changes (revision bigint PRIMARY KEY, org text NOT NULL, sandbox text NOT NULL,"
        " kind text NOT NULL, id text NOT NULL, doc text, turn uuid NOT NULL)",
    ),
)
"""The statements that bring the tables from one schema version to the next; the first makes version 1."""

_TAKE_TURN = "SELECT gen_random_uuid() FROM mockserver_meta FOR UPDATE"
_NEWS = """
SELECT m.epoch, m.revision, m.pruned, c.org, c.sandbox, c.kind, c.id, c.revision, c.doc FROM mockserver_meta m
LEFT JOIN mockserver_changes c ON m.epoch = %s AND c.revision > %s ORDER BY c.revision"""
_ALL = """
SELECT m.epoch, m.revision, m.pruned, r.org, r.sandbox, r.kind, r.id, r.revision, r.doc FROM mockserver_meta m
LEFT JOIN mockserver_records r ON true"""
_GIVEN = """
(SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[])
 AS given(org, sandbox, kind, id, revision, doc))"""
_LOG_CHANGES = f"""
INSERT INTO mockserver_changes (org, sandbox, kind, id, revision, doc, turn)
SELECT *, %s::uuid FROM {_GIVEN} AS given"""  # noqa: S608  # constants only
_PUT_RECORDS = f"""
INSERT INTO mockserver_records (org, sandbox, kind, id, revision, doc)
SELECT * FROM {_GIVEN} AS given WHERE doc IS NOT NULL
ON CONFLICT (org, sandbox, kind, id) DO UPDATE SET revision = EXCLUDED.revision, doc = EXCLUDED.doc"""  # noqa: S608
_DELETE_RECORDS = f"""
DELETE FROM mockserver_records r USING {_GIVEN} AS given WHERE given.doc IS NULL AND
(r.org, r.sandbox, r.kind, r.id) = (given.org, given.sandbox, given.kind, given.id)"""  # noqa: S608
_COUNT = "UPDATE mockserver_meta SET revision = %s, pruned = greatest(pruned, %s)"
_PRUNE = "DELETE FROM mockserver_changes WHERE revision <= %s"
_IS_THERE = "SELECT true FROM mockserver_changes WHERE revision = %s AND turn = %s"
log = logging.getLogger("mockserver")


def open_postgres(url: str, runtime: Runtime) -> SharedStore:
    """The store in the database that a URL names, whose tables are made or brought up to date. Raises StateError."""
    given = _parse(url)
    place = _without_credentials(given)
    trouble = Trouble(place, [str(given[name]) for name in ("password", "sslpassword") if given.get(name)])
    target = conninfo.make_conninfo("", **{**USUAL, **given})
    try:
        _migrate(target, runtime)
        return SharedStore(runtime, PostgresLog(target, trouble), place)
    except psycopg.Error as error:
        raise StateError(f"State {place} cannot be used: {trouble.words(error)}.") from None
    except StorageUnavailable:
        raise StateError(f"State {place} cannot be read; the log says why.") from None


class PostgresLog:
    """A `SharedLog` in a PostgreSQL database."""

    def __init__(self, target: str, trouble: Trouble) -> None:
        """`target` is a connection string; nothing is connected yet."""
        self._turns, self._questions = Link(target), Link(target)
        self._trouble = trouble
        self._turn: Any = None

    def load(self) -> tuple[int | None, list[Change]]:
        """See `Log`: what there is comes as news."""
        return 0, []

    @contextmanager
    def turn(self, reached: Reached) -> Iterator[News]:
        """See `SharedLog`."""

        def begin(db: Connection) -> News:
            with db.pipeline():  # one way there and back
                db.execute("BEGIN")
                turn = db.execute(_TAKE_TURN)
                rows = db.execute(_NEWS, reached)  # sees what was committed before the turn was ours
            ((self._turn,),) = turn
            return _read(db, reached, rows.fetchall())

        with self._trouble.told("waiting for the turn to write"):
            news = self._turns.call(begin)
        try:
            yield news
        finally:
            self._turns.roll_back()

    def news(self, reached: Reached) -> News:
        """See `SharedLog`."""
        with self._trouble.told("asking for news"):
            news: News = self._questions.call(lambda db: _read(db, reached, db.execute(_NEWS, reached).fetchall()))
            return news

    def append(self, changes: Sequence[Change]) -> None:
        """See `Log`. An outcome that got lost with the connection is looked up."""
        columns = _columns(changes)
        revision = changes[-1].revision
        first_kept = revision - KEPT_CHANGES
        prune = any(change.revision % _PRUNED_TOGETHER == 0 for change in changes)
        db = self._turns.there()
        with self._trouble.told("committing"):
            try:
                with db.pipeline():
                    db.execute(_LOG_CHANGES, (self._turn, *columns))
                    db.execute(_PUT_RECORDS, columns)
                    if None in columns[-1]:
                        db.execute(_DELETE_RECORDS, columns)
                    db.execute(_COUNT, (revision, first_kept if prune else -1))
                    if prune:
                        db.execute(_PRUNE, (first_kept,))
                    db.execute("COMMIT")
            except psycopg.OperationalError as error:
                if error.sqlstate and not error.sqlstate.startswith("57P"):
                    raise  # the server's refusal, and not its end: it has committed nothing
                self._look_up(error, revision)

    def rewrite(self, changes: Sequence[Change], revision: int) -> None:
        """See `Log`."""
        db = self._turns.there()
        db.patient_until(stop_watch_ms() + LOADING_MS)
        with self._trouble.told("exchanging all records"):
            db.execute(f"SET LOCAL idle_in_transaction_session_timeout = {LOADING_MS}".encode())  # it takes a while
            with db.pipeline():
                db.execute("DELETE FROM mockserver_records")
                db.execute("DELETE FROM mockserver_changes")
                db.execute(_PUT_RECORDS, _columns(changes))
                db.execute("UPDATE mockserver_meta SET epoch = epoch + 1, revision = %s, pruned = %s", (revision,) * 2)
            try:
                db.execute("COMMIT")
            except psycopg.OperationalError as error:
                raise StorageUnavailable(LOST, unknown=True) from error

    def close(self) -> None:
        """Let go of both connections."""
        self._turns.close()
        self._questions.close()

    def _look_up(self, error: psycopg.Error, revision: int) -> None:
        """Whether a commit whose answer got lost was made: the turn comes free when that is decided.

        Returns if it was. Raises StorageUnavailable.
        """
        turn = self._turn

        def look(db: Connection) -> list[Row]:
            db.execute("BEGIN")
            db.execute(_TAKE_TURN)
            return db.execute(_IS_THERE, (revision, turn)).fetchall()

        self._turns.drop()
        try:
            found = self._turns.go_on(look)
        except psycopg.Error:
            raise StorageUnavailable(LOST, unknown=True) from error
        if not found:
            raise error


class Trouble:
    """Says what went wrong, in the log and to the store, without the password."""

    def __init__(self, place: str, secrets: Sequence[str]) -> None:
        self._place = place
        self._secrets = secrets

    def words(self, error: psycopg.Error) -> str:
        """The first line of a message."""
        text = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    @contextmanager
    def told(self, doing: str) -> Iterator[None]:
        """Turn trouble into StorageUnavailable; the operator's log gets the cause, the client its kind."""
        try:
            yield
        except psycopg.Error as error:
            log.error("State %s: %s: %s", self._place, doing, self.words(error))
            raise StorageUnavailable(_kind(error), full=isinstance(error, errors.DiskFull)) from error
        except StorageUnavailable as trouble:
            log.error("State %s: %s: %s", self._place, doing, trouble)
            raise


def _kind(error: psycopg.Error) -> str:
    """The cause in words for any client: nothing of the database's own, which names hosts and users."""
    if isinstance(error, errors.LockNotAvailable):
        return "another server kept the turn to write for too long"
    if error.sqlstate is None:
        return "the database of the records cannot be reached"
    return "the database of the records refused"


def _read(db: Connection, reached: Reached, rows: list[Row]) -> News:
    """News from the rows of `_NEWS`, or from all records where those do not reach back far enough."""
    epoch, revision, pruned = rows[0][:3]
    if epoch == reached.epoch and pruned <= reached.revision:
        return News(Reached(epoch, revision), list(_changes(rows)), whole=False)
    db.patient_until(stop_watch_ms() + LOADING_MS)
    rows = db.execute(_ALL).fetchall()
    epoch, revision, _ = rows[0][:3]
    return News(Reached(epoch, revision), list(_changes(rows)), whole=True)


def _changes(rows: list[Row]) -> Iterator[Change]:
    """The changes in rows of a join, whose only row is without one when there are none."""
    rows = [row[3:] for row in rows if row[3] is not None]
    for start in range(0, len(rows), _PARSED_TOGETHER):
        part = rows[start : start + _PARSED_TOGETHER]
        # parsed as one text, because the parser then makes each member name once, not once per record
        docs = json.loads(f"[{','.join(row[-1] or 'null' for row in part)}]")
        for (org, sandbox, kind, entity_id, revision, _), doc in zip(part, docs, strict=True):
            yield Change(Tenant(org, sandbox), kind, entity_id, revision, doc)


def _columns(changes: Sequence[Change]) -> tuple[list[Any], ...]:
    """Changes by column, as `unnest` takes them."""
    rows = [
        (*change.tenant, change.kind, change.entity_id, change.revision,
         None if change.doc is None else json.dumps(change.doc, separators=(",", ":")))
        for change in changes
    ]  # fmt: skip
    return tuple(map(list, zip(*rows, strict=True))) if rows else ([],) * 6


def _migrate(target: str, runtime: Runtime) -> None:
    """Bring the tables to this release's version, in one transaction and one server at a time. Raises StateError."""
    with connect(target) as db:
        db.patient_until(stop_watch_ms() + LOADING_MS)
        with db.transaction():
            db.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATING,))
            db.execute("CREATE TABLE IF NOT EXISTS mockserver_schema (version integer NOT NULL)")
            row = db.execute("SELECT max(version) FROM mockserver_schema").fetchone()
            version = row[0] or 0 if row else 0
            if version > len(MIGRATIONS):
                raise StateError(f"The database was written by a newer release (schema {version}): use that one.")
            for number, statements in enumerate(MIGRATIONS[version:], version + 1):
                for statement in statements:
                    db.execute(statement.encode())
                db.execute("INSERT INTO mockserver_schema VALUES (%s)", (number,))
            first = runtime.first_revision()
            db.execute("INSERT INTO mockserver_meta VALUES (true, 0, %s, %s) ON CONFLICT DO NOTHING", (first, first))


def _parse(url: str) -> dict[str, Any]:
    """The options in a URL. Raises StateError, which repeats nothing of it: it may hold a password."""
    try:
        given = conninfo.conninfo_to_dict(url)
        shown = f"{given.get('host', '')}{given.get('dbname', '')}"
        if "@" in shown or not set(str(given.get("port", ""))) <= set("0123456789,"):
            raise psycopg.ProgrammingError  # a password with / or @ in it was taken for a host or a name
    except psycopg.Error:
        expected = "postgresql://user:password@host:port/database, special characters of the password as %2F"
        raise StateError(f"The URL of the state is none that PostgreSQL knows: write {expected}.") from None
    return given


def _without_credentials(given: Mapping[str, Any]) -> str:
    """`postgresql://host:port/database`: what may be shown of a connection string."""
    port = f":{given['port']}" if given.get("port") else ""
    return f"postgresql://{given.get('host') or 'localhost'}{port}/{given.get('dbname') or ''}"
