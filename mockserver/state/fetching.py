"""Statements of SQLAlchemy run on the driver's own connection.

The result objects of SQLAlchemy cost twice what a look-up costs the database, so the statements of every
request go without them. Errors come as SQLAlchemy's, and a lost connection is marked as it marks it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError


class Fetched:
    """A statement compiled once for a dialect."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self._text = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup
        self._given = {name: value for name, value in compiled.params.items() if value is not None}

    def rows(self, db: Connection, asked: Mapping[str, Any]) -> list[Any]:
        """The rows as tuples. Raises DBAPIError."""
        return self.send(db, asked)()

    def send(self, db: Connection, asked: Mapping[str, Any]) -> Callable[[], list[Any]]:
        """Run the statement. The returned function fetches the rows, for which a pipeline waits only then.

        Both raise DBAPIError.
        """
        driver: Any = db.connection.driver_connection
        if self._given:
            asked = {**self._given, **asked}
        arguments = asked if self._order is None else [asked[name] for name in self._order]
        try:
            cursor = driver.execute(self._text, arguments)
        except db.dialect.loaded_dbapi.Error as error:
            raise failure(db, error) from error

        def fetch() -> list[Any]:
            try:
                rows: list[Any] = cursor.fetchall()
            except db.dialect.loaded_dbapi.Error as error:
                raise failure(db, error) from error
            return rows

        return fetch


def failure(db: Connection, error: Any) -> DBAPIError:
    """The driver's error as SQLAlchemy raises it. A connection that it ended is marked as lost."""
    lost = db.dialect.is_disconnect(error, db.connection.driver_connection, None)
    if lost:
        db.invalidate(error)
    failed: DBAPIError = DBAPIError.instance(
        None, None, error, db.dialect.loaded_dbapi.Error, hide_parameters=True,
        connection_invalidated=lost, dialect=db.dialect,
    )  # fmt: skip
    return failed
