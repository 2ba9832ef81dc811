"""A PostgreSQL database that any number of servers may share. Needs the extra `postgres`.

Every operation has a deadline. A dead or silent connection is replaced until then. If a connection is lost during
COMMIT, the status of the transaction is queried on a new one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, NullPool, bindparam, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mockserver.config import how_to_get
from mockserver.runtime import stop_watch_ms
from mockserver.state.fetching import failure
from mockserver.state.pool import Pool
from mockserver.state.statements import Lock
from mockserver.state.store import StateError, StorageUnavailable
from mockserver.state.tables import META, SCHEMA_VERSION

try:
    import psycopg
    from psycopg import conninfo, errors

    from mockserver.state.postgres_link import Connection as Link
except ImportError as missing:
    raise StateError(f"PostgreSQL needs one more package: {how_to_get('postgres')}") from missing

OPERATION_MS = 4_000
"""Timeout of one operation, including new connections. Clients receive an error within five seconds."""

SILENCE_MS = 1_500
"""A connection that is silent for this long is replaced: a firewall may have dropped it."""

CONNECTING_MS = 2_000
"""Timeout of connecting. psycopg takes whole seconds, at least two."""

LOCK_MS = 1_250
"""Timeout of the write lock. Shorter than SILENCE_MS, so that waiting for the lock does not replace the connection."""

HELD_MS = 1_000
"""Time after which a hanging server loses the write lock. Shorter than LOCK_MS, so that the others are not refused."""

LONG_MS = 60_000
"""Timeout of reading, replacing or upgrading all records."""

READERS = 16
"""Maximum connections for reading. There is one more for writing."""

DEFAULT_OPTIONS = {
    "connect_timeout": CONNECTING_MS // 1000,
    "application_name": "mock-flow-service",
    "target_session_attrs": "read-write",
    "keepalives_idle": 5,
}
"""Connection options, unless the URL sets them."""

_ENCODING = "UTF8"

_UPGRADING = 0x466C6F77
"""Key of the advisory lock for changing the tables."""

_SETTINGS = """
SELECT set_config('idle_in_transaction_session_timeout', %s::text, false), set_config('lock_timeout', %s::text, false),
 set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
 ELSE current_setting('synchronous_commit') END, false)"""
"""Sets timeouts, and `synchronous_commit` if it is off: a write is acknowledged only once it is on disk."""

_LOST = "the connection to the database was lost during a commit, and its outcome is unknown"
_PING = select(1)
_BEGIN_SNAPSHOT = f"""
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = {LONG_MS}"""
_LOCK = select(META.c.one).with_for_update()
_OUTCOME = select(func.txid_status(bindparam("transaction")))

T = TypeVar("T")
log = logging.getLogger("mockserver")


class _Deadline(threading.local):
    """The deadline of this thread's current operation."""

    until_ms = 0
    silence_ms = 0

    @contextmanager
    def of(self, ms: int) -> Iterator[None]:
        """Limit an operation to `ms`, or to the remaining time of the operation that contains it."""
        outer, until = self.until_ms, stop_watch_ms() + ms
        self.until_ms = min(outer, until) if outer else until
        self.silence_ms = SILENCE_MS
        try:
            yield
        finally:
            self.until_ms = outer

    def extend(self, ms: int) -> None:
        """Set a new deadline, `ms` from now."""
        self.until_ms, self.silence_ms = stop_watch_ms() + ms, ms

    def left_ms(self) -> int:
        """Remaining time in milliseconds."""
        return self.until_ms - stop_watch_ms()


_deadline = _Deadline()


class _Link(Link):
    """A connection with the deadline of its thread's operation."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """See psycopg."""
        self.deadline_ms = stop_watch_ms() + min(_deadline.left_ms(), _deadline.silence_ms)
        return super().wait(gen, interval, timeout)


class PostgresDatabase:
    """A `Database` in PostgreSQL."""

    transaction: ColumnElement[int] = func.txid_current()
    remote = True

    def __init__(self, url: str) -> None:
        """Does not connect yet. Raises StateError for an invalid URL."""
        given = _parse(url)
        self.place = _without_credentials(given)
        self._secrets = [str(given[name]) for name in ("password", "sslpassword") if given.get(name)]
        self._target = conninfo.make_conninfo("", **{**DEFAULT_OPTIONS, **given, "client_encoding": _ENCODING})
        self._open, self.escaped = True, False
        options: dict[str, Any] = {"creator": self._connect, "use_native_hstore": False, "poolclass": NullPool}
        writing = create_engine("postgresql+psycopg://", **options)
        reading = create_engine("postgresql+psycopg://", isolation_level="AUTOCOMMIT", **options)
        self.dialect = writing.dialect
        self._reads, self._writes = Pool(reading, READERS), Pool(writing, 1)

    def prepare(self, work: Callable[[Connection, int], T]) -> T:
        """See `Database`."""
        try:
            with _deadline.of(OPERATION_MS), self._writes.one() as db, db.begin(), _long_timeouts(db):
                db.execute(select(func.pg_advisory_xact_lock(_UPGRADING)))
                db.execute(text("CREATE TABLE IF NOT EXISTS mockserver_schema (version integer NOT NULL)"))
                version = db.execute(text("SELECT coalesce(max(version), 0) FROM mockserver_schema")).scalar_one()
                if version > SCHEMA_VERSION:
                    raise ValueError(f"was written by a newer release (schema {version})")
                link: Any = db.connection.driver_connection
                self.escaped = link.info.parameter_status("server_encoding") != _ENCODING
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
        with _deadline.of(OPERATION_MS), self._reported("reading"):
            while True:
                try:
                    with self._reads.one(_deadline.left_ms() / 1000) as db:
                        if long:
                            db.execute(_PING)
                            _deadline.extend(LONG_MS)
                        return work(db)
                except DBAPIError as error:
                    if not self._should_retry(error):
                        raise

    @contextmanager
    def snapshot(self) -> Iterator[Callable[[Callable[[Connection], Any]], Any]]:
        """See `Database`. It ends if nothing is read for `LONG_MS`."""
        self.read(lambda db: db.execute(_PING))  # replaces a lost connection; the same one is used next
        with self._reported("reading"), ExitStack() as stack:
            with _deadline.of(OPERATION_MS):
                db = stack.enter_context(self._reads.one(_deadline.left_ms() / 1000))
                db.exec_driver_sql(_BEGIN_SNAPSHOT)
                stack.callback(self._end_snapshot, db)

            def read(work: Callable[[Connection], Any]) -> Any:
                with _deadline.of(LONG_MS):
                    _deadline.silence_ms = LONG_MS
                    return work(db)

            yield read

    def _end_snapshot(self, db: Connection) -> None:
        with suppress(SQLAlchemyError), _deadline.of(OPERATION_MS):
            db.exec_driver_sql("ROLLBACK")

    def write(self, work: Callable[[Connection], tuple[T, Lock]], *, long: bool = False) -> T:
        """See `Database`."""
        seconds = (OPERATION_MS - SILENCE_MS) / 1000
        with _deadline.of(OPERATION_MS), self._reported("writing"), self._writes.one(seconds) as db:
            while True:
                committing = False
                try:
                    with db.begin(), _long_timeouts(db) if long else _pipeline(db):
                        done, (_, transaction) = work(db)
                        committing = True
                        db.connection.driver_connection.execute("COMMIT")  # type: ignore[union-attr]
                    return done
                except DBAPIError as error:
                    if committing and error.connection_invalidated and self._was_committed(db, transaction):
                        return done
                    if not self._should_retry(error):
                        raise
                    if isinstance(error.orig, errors.ReadOnlySqlTransaction):
                        db.invalidate()  # the server has become a standby

    def close(self) -> None:
        """See `Database`."""
        self._open = False
        self._reads.close()
        self._writes.close()

    def _was_committed(self, db: Connection, transaction: int) -> bool:
        """Whether a commit whose response was lost succeeded. Waits for the write lock, which it held until decided."""
        try:
            with db.begin():
                db.execute(_LOCK)
                return bool(db.execute(_OUTCOME, {"transaction": transaction}).scalar_one() == "committed")
        except SQLAlchemyError as error:
            log.error("State %s: %s: %s", self.place, _LOST, self._words(error))
            raise StorageUnavailable(_LOST, unknown=True) from error

    def _should_retry(self, error: DBAPIError) -> bool:
        """Whether to try again, on a new connection or by waiting longer for the write lock."""
        _deadline.silence_ms = OPERATION_MS
        if isinstance(error.orig, errors.LockNotAvailable):
            return _deadline.left_ms() >= SILENCE_MS
        return error.connection_invalidated or isinstance(error.orig, errors.ReadOnlySqlTransaction)

    def _connect(self) -> _Link:
        if not self._open:
            raise psycopg.OperationalError("the store is closed")
        if _deadline.left_ms() < CONNECTING_MS:
            raise psycopg.OperationalError("no response in time, and no time left for a new connection")
        link = _Link.connect(self._target, autocommit=True)
        link.execute(_SETTINGS, (HELD_MS, LOCK_MS))
        link.leave_large_texts_encoded()
        link.autocommit = False
        return link

    @contextmanager
    def _reported(self, doing: str) -> Iterator[None]:
        """Convert errors to StorageUnavailable. The log gets the cause; the client gets only its kind."""
        try:
            yield
        except SQLAlchemyError as error:
            log.error("State %s: %s: %s", self.place, doing, self._words(error))
            cause = getattr(error, "orig", None)
            raise StorageUnavailable(_reason(cause), full=isinstance(cause, errors.DiskFull)) from error

    def _words(self, error: SQLAlchemyError) -> str:
        """The first line of an error message, without passwords, or the kind of an error that may quote a record."""
        cause = getattr(error, "orig", None) or error
        state = getattr(cause, "sqlstate", None)
        if state and state[:2] not in _WITHOUT_VALUES:
            return f"{type(cause).__name__} (SQLSTATE {state})"
        text = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


_WITHOUT_VALUES = frozenset({"08", "25", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58"})
"""Classes of SQLSTATE whose messages name only tables, columns, users and limits. Others may quote a value."""


@contextmanager
def _pipeline(db: Connection) -> Iterator[None]:
    """Send statements without waiting for results, until rows are fetched or the block ends. Raises DBAPIError."""
    driver: Any = db.connection.driver_connection
    try:
        with driver.pipeline():
            yield
    except psycopg.Error as error:
        raise failure(db, error) from error


@contextmanager
def _long_timeouts(db: Connection) -> Iterator[None]:
    """Raise the timeouts of this transaction, because it handles all records."""
    db.execute(_PING)
    _deadline.extend(LONG_MS)
    for setting in ("idle_in_transaction_session_timeout", "lock_timeout"):
        db.exec_driver_sql(f"SET LOCAL {setting} = {LONG_MS}")
    yield


def _reason(cause: BaseException | None) -> str:
    """A description of an error for clients. The database's own message may contain hosts and users."""
    if isinstance(cause, errors.LockNotAvailable):
        return "another server held the write lock for too long"
    if getattr(cause, "sqlstate", None) is None:
        return "the database of the records cannot be reached"
    return "the database of the records refused the operation"


def _parse(url: str) -> dict[str, Any]:
    """Parse a URL into options. Raises StateError. Its message repeats nothing, because the URL may hold a password."""
    try:
        given = conninfo.conninfo_to_dict(url)
        shown = f"{given.get('host', '')}{given.get('dbname', '')}"
        if "@" in shown or not set(str(given.get("port", ""))) <= set("0123456789,"):
            raise psycopg.ProgrammingError  # an unescaped / or @ in the password
    except psycopg.Error:
        expected = "postgresql://user:password@host:port/database, with special characters as in %2F"
        raise StateError(f"The URL of the state is not valid for PostgreSQL. Expected {expected}.") from None
    return given


def _without_credentials(given: Mapping[str, Any]) -> str:
    """The connection string as `postgresql://host:port/database`, without credentials."""
    port = f":{given['port']}" if given.get("port") else ""
    return f"postgresql://{given.get('host') or 'localhost'}{port}/{given.get('dbname') or ''}"
