"""A pool of connections."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from mockserver.state.store import StorageUnavailable


class Pool:
    """A pool of at most `size` connections; the most recently used one is reused first.

    SQLAlchemy's pool makes a connection object and ends a transaction for each use, which takes longer than a lookup.
    """

    def __init__(self, engine: Engine, size: int) -> None:
        self._engine = engine
        self._idle: list[Connection] = []
        self._permits: queue.SimpleQueue[None] = queue.SimpleQueue()  # a semaphore, but one that takes no time
        for _ in range(size):
            self._permits.put(None)

    @contextmanager
    def one(self, seconds: float | None = None) -> Iterator[Connection]:
        """Borrow a connection. Raises StorageUnavailable if none becomes free in `seconds` (None: no limit)."""
        try:
            self._permits.get(timeout=None if seconds is None else max(0, seconds))
        except queue.Empty:
            raise StorageUnavailable from None
        try:
            db = self._taken() or self._engine.connect()
            try:
                yield db
            finally:
                db.rollback()  # SQLAlchemy leaves a transaction open after a failed commit
                if db.invalidated:
                    self.close()  # the others are probably lost too
                else:
                    self._idle.append(db)
        finally:
            self._permits.put(None)

    def close(self) -> None:
        """Close the connections that are not in use."""
        while db := self._taken():
            with suppress(SQLAlchemyError):
                db.close()

    def _taken(self) -> Connection | None:
        with suppress(IndexError):
            return self._idle.pop()
        return None
