"""Statements of SQLAlchemy run on the driver's own connection.

The result objects of SQLAlchemy cost twice what a look-up costs the database, so the statements of every
request go without them. Errors come as SQLAlchemy's, and a lost connection is marked as it marks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        return self._run(db, asked, rows=True)

    def run(self, db: Connection, asked: Mapping[str, Any]) -> None:
        """Run a statement without rows. Raises DBAPIError."""
        self._run(db, asked, rows=False)

    def _run(self, db: Connection, asked: Mapping[str, Any], *, rows: bool) -> list[Any]:
        driver: Any = db.connection.driver_connection
        if self._given:
            asked = {**self._given, **asked}
        arguments = asked if self._order is None else [asked[name] for name in self._order]
        try:
            cursor = driver.execute(self._text, arguments)
            return cursor.fetchall() if rows else []
        except db.dialect.loaded_dbapi.Error as error:
            lost = db.dialect.is_disconnect(error, driver, None)
            if lost:
                db.invalidate(error)
            raise DBAPIError.instance(
                self._text, None, error, db.dialect.loaded_dbapi.Error, hide_parameters=True,
                connection_invalidated=lost, dialect=db.dialect,
            ) from error  # fmt: skip
