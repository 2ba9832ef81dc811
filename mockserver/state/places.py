"""Opens the store that a `--state` setting names."""

from __future__ import annotations

import re
from pathlib import Path

from mockserver.runtime import Runtime
from mockserver.state.memory import MemoryStore
from mockserver.state.shapes import Shapes
from mockserver.state.store import StateError, Store

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_NOT_A_PATH = re.compile(
    r"\b(?:host(?:addr|name)?|port|dbname|database|server|data source|service|user(?:name| id)?|uid"
    r"|pass(?:word|file|wd)?|pwd)\s*=|(?<!\A[a-z]):|:(?![\\/])|[\"{}]|\A-",
    re.IGNORECASE,
)
"""Recognises connection strings by keywords of libpq and other drivers, or by characters that separate their parts.

In a path, a colon occurs only between the letter of a drive and a slash.
"""


def open_store(state: str | None, runtime: Runtime, shapes: Shapes | None = None) -> Store:
    """Open the store that `--state` names. `shapes` are those that its records must have.

    None is memory; a path or `sqlite:///path` is an SQLite file; `postgresql://…` is a database that several
    servers may share. Raises StateError. Its message contains no secret.
    """
    if state is None:
        return MemoryStore(runtime)
    found = _SCHEME.match(state)
    scheme = found[1].lower() if found else "sqlite"
    rest = state[found.end() :] if found else state
    if scheme in ("postgresql", "postgres"):
        from mockserver.state.postgresql import PostgresDatabase  # imported here: needs an optional package
        from mockserver.state.sql import SqlStore

        return SqlStore(runtime, PostgresDatabase(f"postgresql://{rest}"), shapes)
    if scheme != "sqlite":
        raise StateError(f"State {scheme}://… is not supported: give the path of an SQLite file, or postgresql://….")
    path = rest.removeprefix("/") if found else rest
    if _NOT_A_PATH.search(path):
        expected = "postgresql://user:password@host:port/database, or the path of an SQLite file"
        raise StateError(f"The state looks like a connection string, not a path or URL. Expected {expected}.")
    from mockserver.state.sql import SqlStore  # imported here: slow to import
    from mockserver.state.sqlite import SqliteFile

    return SqlStore(runtime, SqliteFile(Path(path)), shapes)
