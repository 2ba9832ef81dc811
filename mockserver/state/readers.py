"""Connections for reading that stay open between requests."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from mockserver.state.store import StorageUnavailable


class Readers:
    """So many connections at most, the one used last first.

    SQLAlchemy's own pool begins and ends a transaction for each use, which costs more than a look-up.
    """

    def __init__(self, engine: Engine, most: int) -> None:
        self._engine = engine
        self._generation = 0
        self._idle: queue.LifoQueue[tuple[int, Connection | None]] = queue.LifoQueue(most)
        for _ in range(most):
            self._idle.put((0, None))

    @contextmanager
    def one(self, seconds: float) -> Iterator[Connection]:
        """A connection in autocommit. Raises StorageUnavailable when none comes free in time."""
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
            if db is not None and db.invalidated:  # the others are no better: each is replaced when its turn comes
                self._generation += 1
                _close(db)
                db = None
            self._idle.put((self._generation, db))

    def close(self) -> None:
        """Close those that are idle; whoever reads on finds no new connection."""
        self._generation += 1
        with suppress(queue.Empty):
            while True:
                _, db = self._idle.get_nowait()
                if db is not None:
                    _close(db)


def _close(db: Connection) -> None:
    with suppress(SQLAlchemyError):
        db.close()
