"""An SQLite database file, readable only by its owner and used by one server at a time.

A guard file beside it (`flow.db-guard`) is locked by the server that uses the database. It contains the last
acknowledged revision, so that a database file that lost acknowledged writes is detected.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, NullPool, create_engine, literal_column, select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mockserver.state.pool import Pool
from mockserver.state.statements import Lock
from mockserver.state.store import StateError, StorageUnavailable
from mockserver.state.tables import META, SCHEMA_VERSION

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

APPLICATION_ID = 0x466C6F77
"""`Flow`: identifies the file as ours."""

_SUFFIXES = ("-wal", "-shm", "-journal", "-guard")
_MIN_BYTES = 512
"""Size of the smallest database page, and so of the smallest file that is not empty."""

READERS = 16
"""Maximum connections for reading. There is one more for writing."""

_MARKS = ("application_id", "user_version")
_REVISION_BYTES = 20
_BUSY_SECONDS = 5

_DAMAGED = "is damaged: it was left as it is; put a good copy in its place, or name another file to start empty"
_BUSY = "is in use by another process: stop that one, or name another file"
_READ_ONLY = "cannot be written: give this user write permission on the file and its folder, or name another file"
_NEWER = "was written by a newer release (schema {}): use that one, or name another file"
_NOT_OURS = "is a database of another program, and was left as it is: name another file"
_CUT = "is cut or missing, but {} beside it holds changes: put the file back, or name another file to start empty"
_LINK = "is not a regular file: a link or device is not followed; name the file itself"
_LOST = (
    "lacks acknowledged changes ({} of {} revisions are there): its -wal file was lost or damaged, or the file is"
    " older than its -guard file; put them back, or empty the -guard file to go on without these changes"
)
_NO_GUARD = (
    "was in use when its server ended, and its -wal and -guard files are gone: put them back, or create an empty"
    " -guard file to go on with what is left"
)
_NO_REVISION = "does not hold a revision: put it back, or empty it to go on with what is left"
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
"""Primary result code of SQLite -> the problem and what to do. Any other code means that the file is damaged."""

T = TypeVar("T")
log = logging.getLogger("mockserver")


class SqliteFile:
    """A `Database` in one file. Its mode is 0600, because it contains credentials."""

    def __init__(self, path: Path) -> None:
        """Lock and check the file without changing it. Raises StateError."""
        self._path = path.absolute()
        self.place = str(self._path)
        self.transaction: ColumnElement[int] = literal_column("0")
        self.remote = self.escaped = False
        self._open, self._serving = True, False
        self._size = 0  # known so far: only VACUUM by another program makes the file smaller
        with self._explained():
            self._demand_regular()
            self._guard = _Guard(self._beside("-guard"))
            try:
                self._demand_whole()
                _create_private(self._path)
                self._file = self._path.stat().st_ino
            except BaseException:
                self._guard.release(settled=not self._guard.existed)
                raise
        engine = create_engine("sqlite://", creator=self._connect, poolclass=NullPool)
        self.dialect = engine.dialect
        self._reads, self._writes = Pool(engine, READERS), Pool(engine, 1)

    def prepare(self, work: Callable[[Connection, int], T]) -> T:
        """See `Database`."""
        with self._explained(), self._writes.one() as db:
            if db.exec_driver_sql("PRAGMA journal_mode = WAL").scalar_one() != "wal":
                raise self._unfit("is on a disk where SQLite cannot keep a write-ahead log: name a file on another")
            db.exec_driver_sql("BEGIN IMMEDIATE")
            version = db.exec_driver_sql("PRAGMA user_version").scalar_one()
            try:
                done = work(db, version)
            except ValueError as error:  # StateError too
                raise self._unfit(f"{error}: restore a backup, or name another file") from error
            db.execute(update(META).values(serving=1))
            db.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
            db.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
            db.commit()
            db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")  # writes `serving` to the file itself
            self._guard.write(db.execute(select(META.c.revision)).scalar_one())
            self._size, self._serving = self._path.stat().st_size, True
        for suffix in ("", *_SUFFIXES):
            _make_private(self._path.with_name(self._path.name + suffix))
        return done

    def read(self, work: Callable[[Connection], T], *, long: bool = False) -> T:
        """See `Database`."""
        with self._reported(), self._reads.one(_BUSY_SECONDS) as db:
            return work(db)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Callable[[Callable[[Connection], Any]], Any]]:
        """See `Database`. As long as it lasts, the write-ahead log grows by what is written."""
        with self._reported(), self._reads.one(_BUSY_SECONDS) as db:
            db.exec_driver_sql("BEGIN")
            yield lambda work: work(db)

    def write(self, work: Callable[[Connection], tuple[T, Lock]], *, long: bool = False) -> T:
        """See `Database`. With `synchronous = FULL`, a commit waits for the disk."""
        with self._reported(), self._writes.one() as db, db.begin():
            done, (revision, _) = work(db)
            self._demand_there()
            if revision < (self._guard.acknowledged or 0):
                self._guard.write(revision)  # the counter was reset
            db.commit()
            self._guard.write(revision)
            return done

    def close(self) -> None:
        """See `Database`. Merges the write-ahead log into the file and removes it."""
        if not self._open:
            return
        settled = self._is_there() and self._noted_end() if self._serving else not self._guard.existed
        self._open = False
        self._reads.close()
        self._writes.close()
        self._guard.release(settled=settled and not (self._serving and self._beside("-wal").exists()))

    def _noted_end(self) -> bool:
        """Note in the file that it is no longer in use; returns whether that was possible."""
        try:
            with self._writes.one() as db, db.begin():
                db.execute(update(META).values(serving=0))
        except DBAPIError:
            return False
        return True

    def _connect(self) -> sqlite3.Connection:
        if not (self._open and self._is_there()):
            why = "the file was deleted, cut or replaced" if self._open else "the store is closed"
            raise sqlite3.OperationalError(why)
        uri = f"{self._path.as_uri()}?mode=rw"  # does not create a file: that would hide a deletion
        db = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)
        # FULL: each commit waits for the disk; fullfsync: on macOS also for the medium
        for setting in ("synchronous = FULL", "fullfsync = ON", "checkpoint_fullfsync = ON", "cell_size_check = ON"):
            db.execute(f"PRAGMA {setting}")
        return db

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    def _demand_regular(self) -> None:
        """Raise StateError for links and other special files, which another user may have created."""
        if self._path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        for path in (self._path, *map(self._beside, _SUFFIXES)):
            with contextlib.suppress(FileNotFoundError):
                if not stat.S_ISREG(path.lstat().st_mode):
                    raise StateError(f"State file {path} {_LINK}.")

    def _demand_whole(self) -> None:
        """Raise StateError for a file that lost acknowledged writes. SQLite would treat a truncated file as new."""
        size = self._path.stat().st_size if self._path.exists() else 0
        if size < _MIN_BYTES:
            held = [path.name for path in map(self._beside, _SUFFIXES) if path.exists() and path.stat().st_size]
            if held or size:
                raise self._unfit(_CUT.format(", ".join(held)) if held else _TROUBLE[sqlite3.SQLITE_NOTADB])
            return
        # mode=ro, because closing a writable connection would merge the log into the file;
        # immutable, because any other connection would create a log
        mode = "mode=ro" if self._beside("-wal").exists() else "immutable=1"
        with contextlib.closing(sqlite3.connect(f"{self._path.as_uri()}?{mode}", uri=True, timeout=0)) as db:
            application, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in _MARKS)
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if application != APPLICATION_ID and (application or tables):
                raise self._unfit(_NOT_OURS)
            if version > SCHEMA_VERSION:
                raise self._unfit(_NEWER.format(version))
            if version < SCHEMA_VERSION or "mockserver_meta" not in tables:
                return
            for revision, serving in db.execute("SELECT revision, serving FROM mockserver_meta"):
                if type(revision) is not int:  # SQLite keeps any type in any column
                    raise self._unfit(_DAMAGED)
                if revision < (self._guard.acknowledged or 0):
                    raise self._unfit(_LOST.format(revision, self._guard.acknowledged))
                if serving and not self._guard.existed:
                    raise self._unfit(_NO_GUARD)

    def _demand_there(self) -> None:
        """Raise StorageUnavailable if the file was deleted or replaced, because writes to it would be lost."""
        if not (self._is_there() and self._beside("-wal").exists()):
            log.error("State file %s was deleted, cut or replaced while in use: put it back", self._path)
            raise StorageUnavailable("the file of the records was deleted, cut or replaced")

    def _is_there(self) -> bool:
        known = self._size  # read first: the file may grow meanwhile
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        if found.st_ino != self._file or (found.st_size < known and not self._is_complete()):
            return False
        self._size = found.st_size
        return True

    def _is_complete(self) -> bool:
        """Whether a file that became smaller has as many pages as it says. SQLite takes an empty file for a new one."""
        uri = f"{self._path.as_uri()}?immutable=1"  # the file itself, without its log
        try:
            with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=0)) as db:
                pages, bytes_each = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        except sqlite3.DatabaseError:
            return False
        return bool(0 < pages * bytes_each <= self._path.stat().st_size)

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        """Convert errors while serving to StorageUnavailable. The log gets the cause."""
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            log.error("State file %s: %s", self._path, cause)
            raise StorageUnavailable(full=_result_code(cause) == sqlite3.SQLITE_FULL) from error

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Convert errors at the start to StateError."""
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise self._unfit(_TROUBLE.get(_result_code(cause), _DAMAGED)) from error
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._unfit("is in a folder that does not exist: create it, or name another file") from error
        except BlockingIOError as error:
            raise self._unfit(_BUSY) from error
        except PermissionError as error:
            raise self._unfit(_READ_ONLY) from error
        except OSError as error:
            raise self._unfit(f"cannot be used ({error.strerror}): name another file") from error

    def _unfit(self, what: str) -> StateError:
        return StateError(f"State file {self._path} {what}.")


class _Guard:
    """The guard file: a lock that ends with the process, and the last acknowledged revision."""

    def __init__(self, path: Path) -> None:
        """Create and lock the file. Raises BlockingIOError if another server has locked it, and StateError."""
        self._path = path
        while True:
            self.existed = path.exists()
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            self._file = open(os.open(path, flags, 0o600), "r+b", buffering=0)  # noqa: SIM115
            try:
                if fcntl is not None:
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.exists() and os.path.samestat(path.stat(), os.fstat(self._file.fileno())):
                    break  # otherwise its server has just removed it
            except BaseException:
                self._file.close()
                raise
            self._file.close()
        written = self._file.read(_REVISION_BYTES)
        if written and not (len(written) == _REVISION_BYTES and written.isdigit()):
            self._file.close()
            raise StateError(f"State file {path} {_NO_REVISION}.")
        self.acknowledged = int(written) if written else None

    def write(self, revision: int) -> None:
        """Write the revision, unsynced: after a power failure it may be older than the database, never newer."""
        self._file.seek(0)
        self._file.write(b"%020d" % revision)
        self.acknowledged = revision

    def release(self, *, settled: bool) -> None:
        """Unlock the file. `settled` removes it, because the database file contains everything."""
        if settled:
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._file.close()


def _create_private(path: Path) -> None:
    """Create the file with mode 0600 if it does not exist. SQLite would use the umask."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _make_private(path: Path) -> None:
    """Set mode 0600 on an existing file."""
    with contextlib.suppress(OSError):  # another user's, or absent
        path.chmod(0o600, follow_symlinks=False) if os.chmod in os.supports_follow_symlinks else path.chmod(0o600)


def _result_code(error: BaseException | None) -> int:
    """SQLite's primary result code; SQLITE_ERROR for Python's own errors, such as invalid UTF-8."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
