"""Runs SQLAlchemy statements directly on the driver's connection.

SQLAlchemy's result objects take twice as long as a lookup in the database, so the statements of every request
avoid them. Errors are converted to SQLAlchemy's, and a lost connection is invalidated as SQLAlchemy does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError


class PreparedStatement:
    """A statement, compiled once for a dialect. `take` chooses from its rows; without it, all are fetched."""

    def __init__(
        self, statement: Executable, dialect: Dialect, take: Callable[[Iterable[Any]], list[Any]] | None = None
    ) -> None:
        self._take = take
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self._text = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup
        self._given = {name: value for name, value in compiled.params.items() if value is not None}

    def rows(self, db: Connection, parameters: Mapping[str, Any]) -> list[Any]:
        """Run the statement; returns its rows as tuples. Raises DBAPIError."""
        return self.send(db, parameters)()

    def send(self, db: Connection, parameters: Mapping[str, Any]) -> Callable[[], list[Any]]:
        """Send the statement; returns a function that fetches its rows. In a pipeline, only that function waits.

        Both raise DBAPIError.
        """
        driver: Any = db.connection.driver_connection
        if self._given:
            parameters = {**self._given, **parameters}
        arguments = parameters if self._order is None else [parameters[name] for name in self._order]
        try:
            cursor = driver.execute(self._text, arguments)
        except db.dialect.loaded_dbapi.Error as error:
            raise failure(db, error) from error

        def fetch() -> list[Any]:
            try:
                rows: list[Any] = self._take(cursor) if self._take else cursor.fetchall()
                if self._take:
                    cursor.close()  # ends the reading of rows that were not taken
            except db.dialect.loaded_dbapi.Error as error:
                raise failure(db, error) from error
            return rows

        return fetch


def failure(db: Connection, error: Any) -> DBAPIError:
    """Convert a driver's error to SQLAlchemy's. If the connection is lost, it is invalidated."""
    lost = db.dialect.is_disconnect(error, db.connection.driver_connection, None)
    if lost:
        db.invalidate(error)
    failed: DBAPIError = DBAPIError.instance(
        None, None, error, db.dialect.loaded_dbapi.Error, hide_parameters=True,
        connection_invalidated=lost, dialect=db.dialect,
    )  # fmt: skip
    return failed
