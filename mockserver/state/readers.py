"""A pool of connections for reading."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from mockserver.state.store import StorageUnavailable


class Readers:
    """A pool of at most `size` connections; the most recently used one is reused first.

    SQLAlchemy's pool begins and ends a transaction for each use, which takes longer than a lookup.
    """

    def __init__(self, engine: Engine, size: int) -> None:
        self._engine = engine
        self._idle: list[Connection] = []
        self._permits: queue.SimpleQueue[None] = queue.SimpleQueue()  # a semaphore, but one that takes no time
        for _ in range(size):
            self._permits.put(None)

    @contextmanager
    def one(self, seconds: float) -> Iterator[Connection]:
        """Borrow a connection in autocommit mode. Raises StorageUnavailable if none becomes free in `seconds`."""
        try:
            self._permits.get(timeout=max(0, seconds))
        except queue.Empty:
            raise StorageUnavailable from None
        try:
            db = self._taken() or self._engine.connect()
            try:
                yield db
            finally:
                if db.invalidated:
                    self.close()  # the others are probably lost too
                else:
                    self._idle.append(db)
        finally:
            self._permits.put(None)

    def close(self) -> None:
        """Close the idle connections."""
        while db := self._taken():
            with suppress(SQLAlchemyError):
                db.close()

    def _taken(self) -> Connection | None:
        with suppress(IndexError):
            return self._idle.pop()
        return None
