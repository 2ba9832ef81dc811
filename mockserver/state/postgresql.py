"""A PostgreSQL database as the store's database, shared by any number of servers. Needs the extra `postgres`.

Nothing waits for ever: every operation has a deadline, and a connection that is dead or silent is replaced
while there is time. If a connection is lost during COMMIT, the database is asked what became of the transaction.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, NullPool, bindparam, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mockserver.config import how_to_get
from mockserver.runtime import stop_watch_ms
from mockserver.state.fetching import failure
from mockserver.state.readers import Readers
from mockserver.state.store import StateError, StorageUnavailable
from mockserver.state.tables import META, SCHEMA_VERSION

try:
    import psycopg
    from psycopg import conninfo, errors

    from mockserver.state.postgres_link import Connection as Link
except ImportError as missing:
    raise StateError(f"PostgreSQL needs one more package: {how_to_get('postgres')}") from missing

PATIENCE_MS = 4_000
"""For one operation, however many connections it takes: a client is told of trouble within five seconds."""

SILENCE_MS = 1_500
"""A connection that does not answer for so long is replaced: a firewall may have forgotten it."""

CONNECTING_MS = 2_000
"""For making a connection; psycopg takes whole seconds, two at the least."""

LOCK_MS = 1_250
"""For the turn to write. Shorter than SILENCE_MS: who waits for another server keeps its connection."""

HELD_MS = 1_000
"""What a server that hangs may keep the turn for. Shorter than LOCK_MS: the others wait, and are not refused."""

LONG_MS = 60_000
"""For reading, replacing or upgrading all records."""

READERS = 16
"""Connections for reading, at most; there is one more for writing."""

USUAL = {
    "connect_timeout": CONNECTING_MS // 1000,
    "application_name": "mock-flow-service",
    "target_session_attrs": "read-write",
    "keepalives_idle": 5,
    "client_encoding": "utf8",
}
"""What a connection is made with unless the URL says otherwise."""

_UPGRADING = 0x466C6F77
"""Key of the advisory lock that lets one server at a time change the tables."""

_SETTINGS = """
SELECT set_config('idle_in_transaction_session_timeout', %s::text, false), set_config('lock_timeout', %s::text, false),
 set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
 ELSE current_setting('synchronous_commit') END, false)"""
"""No setting may let us acknowledge what is not on disk."""

_LOST = "the connection to the database was lost in a commit, and its outcome is not known"
_PING = select(1)
_TURN = select(META.c.one).with_for_update()
_OUTCOME = select(func.txid_status(bindparam("transaction")))

T = TypeVar("T")
log = logging.getLogger("mockserver")


class _Patience(threading.local):
    """How long the operation of this thread may still wait."""

    until_ms = 0
    silence_ms = 0

    @contextmanager
    def of(self, ms: int) -> Iterator[None]:
        """An operation that may take so long, or what is left of the one it belongs to."""
        outer, until = self.until_ms, stop_watch_ms() + ms
        self.until_ms = min(outer, until) if outer else until
        self.silence_ms = SILENCE_MS
        try:
            yield
        finally:
            self.until_ms = outer

    def extend(self, ms: int) -> None:
        """Let the operation take so long from now on."""
        self.until_ms, self.silence_ms = stop_watch_ms() + ms, ms

    def left_ms(self) -> int:
        """What is left."""
        return self.until_ms - stop_watch_ms()


_patience = _Patience()


class _Link(Link):
    """A connection on which nothing waits longer than the operation of its thread may."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """See psycopg."""
        self.patient_until(stop_watch_ms() + min(_patience.left_ms(), _patience.silence_ms))
        return super().wait(gen, interval, timeout)


class PostgresDatabase:
    """A `Database` that other servers may use as well."""

    transaction: ColumnElement[int] = func.txid_current()

    def __init__(self, url: str) -> None:
        """Connects later. Raises StateError for a URL that PostgreSQL does not know."""
        given = _parse(url)
        self.place = _without_credentials(given)
        self._secrets = [str(given[name]) for name in ("password", "sslpassword") if given.get(name)]
        self._target = conninfo.make_conninfo("", **{**USUAL, **given})
        self._writing, self._open = threading.Lock(), True
        self._transaction = 0
        options: dict[str, Any] = {
            "creator": self._connect,
            "use_native_hstore": False,
        }
        engine = "postgresql+psycopg://"
        reading = create_engine(engine, isolation_level="AUTOCOMMIT", poolclass=NullPool, **options)
        self._reads = Readers(reading, READERS)
        self._writes = create_engine(engine, pool_size=1, **options)
        self.dialect = self._writes.dialect

    def prepare(self, work: Callable[[Connection, int], T]) -> T:
        """See `Database`."""
        try:
            with _patience.of(PATIENCE_MS), self._writes.begin() as db:
                _allow_long(db)
                db.execute(select(func.pg_advisory_xact_lock(_UPGRADING)))
                db.execute(text("CREATE TABLE IF NOT EXISTS mockserver_schema (version integer NOT NULL)"))
                version = db.execute(text("SELECT coalesce(max(version), 0) FROM mockserver_schema")).scalar_one()
                if version > SCHEMA_VERSION:
                    raise ValueError(f"was written by a newer release (schema {version})")
                done = work(db, version)
                if version < SCHEMA_VERSION:
                    db.execute(text("INSERT INTO mockserver_schema VALUES (:version)"), {"version": SCHEMA_VERSION})
                return done
        except SQLAlchemyError as error:
            raise StateError(f"State {self.place} cannot be used: {self._words(error)}.") from None
        except ValueError as error:  # StateError too
            raise StateError(f"State {self.place} {error}: restore a backup, or name another.") from None

    def read(self, work: Callable[[Connection], T], *, long: bool = False) -> T:
        """See `Database`."""
        with _patience.of(PATIENCE_MS), self._told("reading"):
            while True:
                try:
                    with self._reads.one(_patience.left_ms() / 1000) as db:
                        if long:
                            db.execute(_PING)
                            _patience.extend(LONG_MS)
                        return work(db)
                except DBAPIError as error:
                    if not self._worth_another_try(error):
                        raise

    def write(self, work: Callable[[Connection], tuple[T, int]], *, long: bool = False) -> T:
        """See `Database`."""
        with _patience.of(PATIENCE_MS), self._told("writing"):
            if not self._writing.acquire(timeout=max(0, PATIENCE_MS - SILENCE_MS) / 1000):
                raise StorageUnavailable
            try:
                return self._commit(work, long)
            finally:
                self._writing.release()

    def begun(self, transaction: int) -> None:
        """See `Database`."""
        self._transaction = transaction

    def close(self) -> None:
        """See `Database`."""
        with self._writing:
            self._open = False
            self._reads.close()
            self._writes.dispose()

    def _commit(self, work: Callable[[Connection], tuple[T, int]], long: bool) -> T:
        while True:
            committing = False
            try:
                with self._writes.connect() as db:
                    db.begin()
                    if long:
                        _allow_long(db)
                    with nullcontext() if long else _sent_together(db):
                        done, _ = work(db)
                        committing = True
                        db.connection.driver_connection.execute("COMMIT")  # type: ignore[union-attr]
                    db.commit()
                    return done
            except DBAPIError as error:
                if committing and error.connection_invalidated and self._was_committed():
                    return done
                if not self._worth_another_try(error):
                    raise

    def _was_committed(self) -> bool:
        """What became of a commit whose answer got lost: the turn comes free when that is decided."""
        try:
            with self._writes.connect() as db:
                db.execute(_TURN)
                return bool(db.execute(_OUTCOME, {"transaction": self._transaction}).scalar_one() == "committed")
        except SQLAlchemyError as error:
            log.error("State %s: %s: %s", self.place, _LOST, self._words(error))
            raise StorageUnavailable(_LOST, unknown=True) from error

    def _worth_another_try(self, error: DBAPIError) -> bool:
        """Whether a new connection, or waiting longer for the turn, may help and there is time for it."""
        _patience.silence_ms = PATIENCE_MS
        if isinstance(error.orig, errors.LockNotAvailable):
            return _patience.left_ms() >= SILENCE_MS
        if isinstance(error.orig, errors.ReadOnlySqlTransaction):  # the server is a standby now
            self._writes.dispose()
            return True
        return error.connection_invalidated

    def _connect(self) -> _Link:
        if not self._open:
            raise psycopg.OperationalError("the store is closed")
        if _patience.left_ms() < CONNECTING_MS:
            raise psycopg.OperationalError("no answer in time, and no time left for a new connection")
        link = _Link.connect(self._target, autocommit=True)
        link.execute(_SETTINGS, (HELD_MS, LOCK_MS))
        link.autocommit = False
        return link

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        """Turn trouble into StorageUnavailable; the operator's log gets the cause, the client its kind."""
        try:
            yield
        except SQLAlchemyError as error:
            log.error("State %s: %s: %s", self.place, doing, self._words(error))
            cause = getattr(error, "orig", None)
            raise StorageUnavailable(_kind(cause), full=isinstance(cause, errors.DiskFull)) from error

    def _words(self, error: SQLAlchemyError) -> str:
        """The first line of a message, without passwords."""
        cause = getattr(error, "orig", None) or error
        text = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


@contextmanager
def _sent_together(db: Connection) -> Iterator[None]:
    """Send statements without waiting, until rows of one are fetched or the block ends. Raises DBAPIError."""
    driver: Any = db.connection.driver_connection
    try:
        with driver.pipeline():
            yield
    except psycopg.Error as error:
        raise failure(db, error) from error


def _allow_long(db: Connection) -> None:
    """Lift the limits on this transaction, which handles all records."""
    db.execute(_PING)
    _patience.extend(LONG_MS)
    for setting in ("idle_in_transaction_session_timeout", "lock_timeout"):
        db.exec_driver_sql(f"SET LOCAL {setting} = {LONG_MS}")


def _kind(cause: BaseException | None) -> str:
    """The cause in words for any client: nothing of the database's own, which names hosts and users."""
    if isinstance(cause, errors.LockNotAvailable):
        return "another server kept the turn to write for too long"
    if getattr(cause, "sqlstate", None) is None:
        return "the database of the records cannot be reached"
    return "the database of the records refused"


def _parse(url: str) -> dict[str, Any]:
    """The options in a URL. Raises StateError, which repeats nothing of it: it may hold a password."""
    try:
        given = conninfo.conninfo_to_dict(url)
        shown = f"{given.get('host', '')}{given.get('dbname', '')}"
        if "@" in shown or not set(str(given.get("port", ""))) <= set("0123456789,"):
            raise psycopg.ProgrammingError  # a password with / or @ in it was taken for a host or a name
    except psycopg.Error:
        expected = "postgresql://user:password@host:port/database, special characters of the password as %2F"
        raise StateError(f"PostgreSQL cannot read the URL of the state: write {expected}.") from None
    return given


def _without_credentials(given: Mapping[str, Any]) -> str:
    """`postgresql://host:port/database`: what may be shown of a connection string."""
    port = f":{given['port']}" if given.get("port") else ""
    return f"postgresql://{given.get('host') or 'localhost'}{port}/{given.get('dbname') or ''}"
