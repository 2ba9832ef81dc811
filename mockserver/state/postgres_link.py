"""A connection to PostgreSQL on which nothing waits for ever, and which is made again when it is lost or silent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

import psycopg
from psycopg import errors

from mockserver.runtime import stop_watch_ms

PATIENCE_MS = 4_000
"""For one turn or question, however many statements and connections: a client hears of trouble within five seconds."""

SILENCE_MS = 1_500
"""A connection that says nothing for so long is given up for a new one: a firewall may have forgotten it."""

CONNECTING_MS = 2_000
"""For making a connection; psycopg takes whole seconds, two at the least."""

LOCK_MS = 1_250
"""For the turn to come free. Shorter than SILENCE_MS: who waits for another server keeps its connection."""

HELD_MS = 1_000
"""What a server that hangs may keep the turn for. Shorter than LOCK_MS: the others wait, and are not refused."""

USUAL = {
    "connect_timeout": CONNECTING_MS // 1000,
    "application_name": "mock-flow-service",
    "target_session_attrs": "read-write",
    "keepalives_idle": 5,
    "client_encoding": "utf8",
}
"""What a connection is made with unless the URL says otherwise."""

LOST = "the connection to the database was lost in a commit, and its outcome is not known"

_SETTINGS = """
SELECT set_config('idle_in_transaction_session_timeout', %s::text, false), set_config('lock_timeout', %s::text, false),
 set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
 ELSE current_setting('synchronous_commit') END, false)"""
"""No setting may let us acknowledge what is not on disk."""

Row: TypeAlias = tuple[Any, ...]


class Connection(psycopg.Connection[Row]):
    """A connection on which nothing waits for ever, whatever the network does."""

    _deadline_ms = 0

    def patient_until(self, deadline_ms: int) -> None:
        """Fail what is not answered by then, by the runtime's stop watch."""
        self._deadline_ms = deadline_ms

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """See psycopg."""
        left = max(0, self._deadline_ms - stop_watch_ms()) / 1000
        try:
            return super().wait(gen, interval, left)
        except errors._WaitTimeout:
            self.close()  # what comes later belongs to nobody
            raise errors.ConnectionTimeout("no answer in time") from None


def connect(target: str) -> Connection:
    """A new connection, with our settings."""
    db = Connection.connect(target, autocommit=True)
    db.patient_until(stop_watch_ms() + SILENCE_MS)
    db.execute(_SETTINGS, (HELD_MS, LOCK_MS))
    return db


class Link:
    """One connection, made when it is needed and made again when it was lost. Used by one thread at a time."""

    def __init__(self, target: str) -> None:
        """`target` is a connection string; nothing is connected yet."""
        self._target = target
        self._db: Connection | None = None
        self._closed = False
        self._until_ms = 0

    def call(self, work: Callable[[Connection], Any]) -> Any:
        """Do what may be done twice, on the connection there is or, should that be dead or silent, on a new one."""
        self._until_ms = stop_watch_ms() + PATIENCE_MS
        return self.go_on(work)

    def go_on(self, work: Callable[[Connection], Any]) -> Any:
        """The same, within the time of the call before. Who waited in vain for the turn waits again."""
        while self._db is not None:
            try:
                return self._do(work, stop_watch_ms() + SILENCE_MS)
            except psycopg.OperationalError as error:
                if self._lives() and not (isinstance(error, errors.LockNotAvailable) and self._left_ms() >= LOCK_MS):
                    raise
        self._connect()
        return self._do(work, self._until_ms)

    def there(self) -> Connection:
        """The connection of the turn that is on, with time to go on."""
        assert self._db is not None
        self._db.patient_until(min(self._until_ms, stop_watch_ms() + SILENCE_MS))
        return self._db

    def roll_back(self) -> None:
        """End a transaction, if one is open; a connection that cannot is dropped."""
        if self._db is None or self._db.closed:
            return
        if self._db.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            try:
                self._db.execute("ROLLBACK")
            except psycopg.Error:
                self.drop()

    def drop(self) -> None:
        """Let go of the connection, whatever state it is in."""
        db, self._db = self._db, None
        if db is not None:
            with suppress(psycopg.Error):
                db.close()

    def close(self) -> None:
        """Let go for good."""
        self._closed = True
        self.drop()

    def _do(self, work: Callable[[Connection], Any], until_ms: int) -> Any:
        assert self._db is not None
        db = self._db
        db.patient_until(min(until_ms, self._until_ms))
        try:
            return work(db)
        except psycopg.Error as error:
            self.roll_back()
            if db.closed or isinstance(error, errors.ReadOnlySqlTransaction):  # the latter is a standby now
                self.drop()
            raise

    def _lives(self) -> bool:
        return self._db is not None

    def _left_ms(self) -> int:
        return self._until_ms - stop_watch_ms()

    def _connect(self) -> None:
        self.drop()
        if self._closed:
            raise psycopg.OperationalError("the store is closed")
        if self._left_ms() < CONNECTING_MS:
            raise psycopg.OperationalError("no answer in time, and no time left for a new connection")
        self._db = connect(self._target)
