"""The state in an SQLite file: an acknowledged write is on disk, and a file that is not right is refused, not mended.

One process at a time has the file; SQLite's own lock, which dies with the process, sees to it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mockserver.exchange import Tenant
from mockserver.runtime import Runtime
from mockserver.state.records import Change
from mockserver.state.store import StateError, StorageUnavailable, Store

SCHEMA_VERSION = 1
"""Kept in the file's `user_version`."""

APPLICATION_ID = 0x466C6F77
"""`Flow`: marks the file as ours."""

_TABLES = (
    "CREATE TABLE records (org TEXT NOT NULL, sandbox TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,"
    " revision INTEGER NOT NULL, doc TEXT NOT NULL, checksum INTEGER NOT NULL,"
    " PRIMARY KEY (org, sandbox, kind, id)) WITHOUT ROWID",
    "CREATE TABLE meta (revision INTEGER, records INTEGER NOT NULL, checksum INTEGER NOT NULL)",
)
_INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)"
_UPDATE = "UPDATE records SET revision = ?, doc = ?, checksum = ? WHERE org = ? AND sandbox = ? AND kind = ? AND id = ?"
_DELETE = "DELETE FROM records WHERE org = ? AND sandbox = ? AND kind = ? AND id = ?"
_SET_META = "UPDATE meta SET revision = ?, records = ?, checksum = ?"
_PARSED_TOGETHER = 500

log = logging.getLogger("mockserver")

_DAMAGED = "is damaged: it was left as it is; put a good copy in its place, or name another file to start empty"
_BUSY = "is in use by another process: stop that one, or name another file"
_READ_ONLY = "cannot be written: give this user write permission on the file and its folder, or name another file"
_TROUBLE = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _READ_ONLY,
    sqlite3.SQLITE_FULL: "has no room: free some space on its disk, or name a file on another",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk reports an error; check it, or name another file",
    sqlite3.SQLITE_NOTADB: "is not an SQLite database, and was left as it is: name another file",
}
"""Primary result code of SQLite -> what is wrong with the file and what to do; any other means damage."""


def open_durable(state: str, runtime: Runtime) -> Store:
    """The store kept in the SQLite file that a path or `sqlite:///path` names. Raises StateError."""
    scheme, slashes, path = state.rpartition("://")
    if slashes and scheme != "sqlite":
        raise StateError(f"State {scheme}://… is not supported: give the path of an SQLite file, or postgresql://….")
    log = SqliteLog(Path(path.removeprefix("/") if slashes else state))
    try:
        return Store(runtime, log, str(log.path))
    except BaseException:
        log.close()
        raise


class SqliteLog:
    """A `Log` in one SQLite file, mode 0600 because it holds credentials."""

    def __init__(self, path: Path) -> None:
        """Open or create the file and lock it. Raises StateError."""
        self.path = path.absolute()
        with self._explained():
            _create_private(self.path)
            # threads take turns under the store's lock; isolation_level None: no BEGIN but our own
            self._db = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def load(self) -> tuple[int | None, list[Change]]:
        """See `Log`. Proves before anything is promised that all is whole and can be written. Raises StateError."""
        with self._explained():
            used, count = self._read_meta()
            records = list(self._read_records())
            if count != len(records):
                raise self._unfit(_DAMAGED)
            self._count = count
            with self._transaction():
                self._write_meta(used, count)
        return used, records

    def append(self, changes: Sequence[Change]) -> None:
        """See `Log`: returns when the commit is on disk."""
        with self._available(), self._transaction():
            count = self._count + sum(self._write(change) for change in changes)
            self._write_meta(changes[-1].revision, count)
        self._count = count

    def rewrite(self, changes: Sequence[Change], revision: int) -> None:
        """See `Log`."""
        with self._available(), self._transaction():
            self._db.execute("DELETE FROM records")
            for change in changes:
                self._write(change)
            self._write_meta(revision, len(changes))
        self._count = len(changes)

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        self._db.close()

    def _prepare(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("BEGIN EXCLUSIVE")  # and kept: of two that start together exactly one goes on
        self._db.execute("COMMIT")
        tables, application = self._tables(), self._pragma("application_id")
        if not tables and application == 0:
            self._create()
        elif application != APPLICATION_ID:
            raise self._unfit("is a database of another program, and was left as it is: name another file")
        version = self._pragma("user_version")
        if version > SCHEMA_VERSION:
            raise self._unfit(f"was written by a newer release (schema {version}): use that one, or name another file")
        if version < SCHEMA_VERSION or self._tables() != set(_TABLES) or self._pragma("quick_check") != "ok":
            raise self._unfit(_DAMAGED)
        if self._pragma("journal_mode = WAL") != "wal":
            raise self._unfit("is on a disk where SQLite cannot keep a write-ahead log: name a file on another")
        # FULL: each commit waits for the disk; fullfsync: on macOS for the medium, too
        for setting in ("synchronous = FULL", "fullfsync = ON", "checkpoint_fullfsync = ON"):
            self._db.execute(f"PRAGMA {setting}")
        _make_private(self.path)

    def _create(self) -> None:
        """Tables and marks in one commit: either the file is ours and complete, or it is still empty."""
        with self._transaction():
            for table in _TABLES:
                self._db.execute(table)
            self._db.execute("INSERT INTO meta VALUES (NULL, 0, ?)", (_checksum(None, 0),))
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _pragma(self, name: str) -> Any:
        return self._db.execute(f"PRAGMA {name}").fetchone()[0]

    def _tables(self) -> set[str]:
        return {sql for (sql,) in self._db.execute("SELECT sql FROM sqlite_master")}

    def _read_meta(self) -> tuple[int | None, int]:
        rows = self._db.execute("SELECT revision, records, checksum FROM meta").fetchall()
        if len(rows) != 1 or _checksum(*rows[0][:2]) != rows[0][2]:
            raise self._unfit(_DAMAGED)
        return rows[0][0], rows[0][1]

    def _write_meta(self, used: int | None, count: int) -> None:
        self._db.execute(_SET_META, (used, count, _checksum(used, count)))

    def _read_records(self) -> Iterator[Change]:
        cursor = self._db.execute("SELECT org, sandbox, kind, id, revision, doc, checksum FROM records")
        while rows := cursor.fetchmany(_PARSED_TOGETHER):
            if any(_checksum(*row[:-1]) != row[-1] for row in rows):
                raise self._unfit(_DAMAGED)
            # parsed as one text, because the parser then makes each member name once, not once per record
            try:
                docs = json.loads(f"[{','.join(row[5] for row in rows)}]")
            except ValueError as error:
                raise self._unfit(_DAMAGED) from error
            if len(docs) != len(rows) or not all(isinstance(doc, dict) for doc in docs):
                raise self._unfit(_DAMAGED)
            for (org, sandbox, kind, entity_id, revision, *_), doc in zip(rows, docs, strict=True):
                yield Change(Tenant(org, sandbox), kind, entity_id, revision, doc)

    def _write(self, change: Change) -> int:
        """Put one change into the open transaction; returns how many records that adds."""
        (org, sandbox), kind, entity_id, revision, doc = change
        key = org, sandbox, kind, entity_id
        if doc is None:
            return -self._db.execute(_DELETE, key).rowcount
        text = json.dumps(doc, separators=(",", ":"))
        content = revision, text, _checksum(*key, revision, text)
        if self._db.execute(_UPDATE, (*content, *key)).rowcount:
            return 0
        self._db.execute(_INSERT, (*key, *content))
        return 1

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # after some errors SQLite has rolled back by itself
                self._db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _available(self) -> Iterator[None]:
        """Turn trouble while serving into StorageUnavailable; the operator's log gets the cause."""
        try:
            yield
        except sqlite3.Error as error:
            log.error("State file %s: %s", self.path, error)
            raise StorageUnavailable(full=_result_code(error) == sqlite3.SQLITE_FULL) from error

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn trouble at the start into a StateError."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._unfit(_TROUBLE.get(_result_code(error), _DAMAGED)) from error
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._unfit("is in a folder that does not exist: create it, or name another file") from error
        except PermissionError as error:
            raise self._unfit(_READ_ONLY) from error
        except OSError as error:
            raise self._unfit(f"cannot be used ({error.strerror}): name another file") from error

    def _unfit(self, what: str) -> StateError:
        return StateError(f"State file {self.path} {what}.")


def _create_private(path: Path) -> None:
    """Make an absent file ourselves, readable by nobody else; SQLite would leave that to the umask.

    A file that is there is not opened: closing it again would take away the lock a store of this
    process has on it (POSIX).
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _make_private(path: Path) -> None:
    """A file that came from elsewhere, and a write-ahead log left behind, get the same mode."""
    for file in (path, path.with_name(path.name + "-wal")):
        with contextlib.suppress(OSError):  # another user's, or not there
            file.chmod(0o600)


def _checksum(*values: object) -> int:
    """Over values and their types; `ascii` writes both in the same way in every Python."""
    return zlib.crc32(ascii(values).encode())


def _result_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; errors of Python's own, such as bad UTF-8, have none."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
