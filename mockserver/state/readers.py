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
        self._generation = 0
        self._idle: queue.LifoQueue[tuple[int, Connection | None]] = queue.LifoQueue(size)
        for _ in range(size):
            self._idle.put((0, None))

    @contextmanager
    def one(self, seconds: float) -> Iterator[Connection]:
        """Borrow a connection in autocommit mode. Raises StorageUnavailable if none becomes free in `seconds`."""
        try:
            generation, db = self._idle.get(timeout=max(0, seconds))
        except queue.Empty:
            raise StorageUnavailable from None
        try:
            if db is not None and generation != self._generation:
                _close(db)
                db = None
            if db is None:
                db = self._engine.connect()
            yield db
        finally:
            if db is not None and db.invalidated:  # the others are probably lost too: each is replaced on next use
                self._generation += 1
                _close(db)
                db = None
            self._idle.put((self._generation, db))

    def close(self) -> None:
        """Close the idle connections. The others are replaced on their next use."""
        self._generation += 1
        with suppress(queue.Empty):
            while True:
                _, db = self._idle.get_nowait()
                if db is not None:
                    _close(db)


def _close(db: Connection) -> None:
    with suppress(SQLAlchemyError):
        db.close()
