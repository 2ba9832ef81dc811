"""An SQLite file as the store's database: private, whole, and written by one server at a time.

Beside the file lies a guard (`flow.db-guard`). The server that has it locked has the file; it also holds
the last acknowledged revision, so that a file that lost acknowledged writes is noticed.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, NullPool, QueuePool, create_engine, literal_column, select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mockserver.state.readers import Readers
from mockserver.state.store import StateError, StorageUnavailable
from mockserver.state.tables import META, SCHEMA_VERSION

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

APPLICATION_ID = 0x466C6F77
"""`Flow`: marks the file as ours."""

_BESIDE = ("-wal", "-shm", "-journal", "-guard")
_SMALLEST = 512
"""Bytes of the smallest page, and so of the smallest file that is not empty."""

READERS = 16
"""Connections for reading, at most; there is one more for writing."""

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

T = TypeVar("T")
log = logging.getLogger("mockserver")


class SqliteFile:
    """A `Database` in one file, mode 0600 because it holds credentials."""

    def __init__(self, path: Path) -> None:
        """Lock the file and check it, without a change to it. Raises StateError."""
        self._path = path.absolute()
        self.place = str(self._path)
        self.transaction: ColumnElement[int] = literal_column("0")
        self._writing, self._open, self._serving = threading.Lock(), True, False
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
        self._reads = Readers(create_engine("sqlite://", creator=self._connect, poolclass=NullPool), READERS)
        self._writes = create_engine("sqlite://", creator=self._connect, poolclass=QueuePool, pool_size=1)
        self.dialect = self._writes.dialect

    def prepare(self, work: Callable[[Connection, int], T]) -> T:
        """See `Database`."""
        with self._explained(), self._writes.connect() as db:
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
            db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")  # so that the file itself says that it is in use
            self._guard.write(db.execute(select(META.c.revision)).scalar_one())
            self._serving = True
        for suffix in ("", *_BESIDE):
            _make_private(self._path.with_name(self._path.name + suffix))
        return done

    def read(self, work: Callable[[Connection], T], *, long: bool = False) -> T:
        """See `Database`."""
        with self._told(), self._reads.one(_BUSY_SECONDS) as db:
            return work(db)

    def write(self, work: Callable[[Connection], tuple[T, int]], *, long: bool = False) -> T:
        """See `Database`: `synchronous = FULL` waits for the disk."""
        with self._told(), self._writing, self._writes.begin() as db:
            done, revision = work(db)
            self._demand_there()
            if revision < (self._guard.acknowledged or 0):
                self._guard.write(revision)  # a seed begins again
            db.commit()
            self._guard.write(revision)
            return done

    def begun(self, transaction: int) -> None:
        """See `Database`. Nothing gets lost between SQLite and us."""

    def close(self) -> None:
        """See `Database`. The write-ahead log is folded into the file and removed."""
        with self._writing:
            if not self._open:
                return
            if self._serving:
                with contextlib.suppress(DBAPIError), self._writes.begin() as db:
                    db.execute(update(META).values(serving=0))
            self._open = False
            self._reads.close()
            self._writes.dispose()
            settled = not self._beside("-wal").exists() if self._serving else not self._guard.existed
            self._guard.release(settled=settled)

    def _connect(self) -> sqlite3.Connection:
        if not (self._open and self._is_there()):
            raise sqlite3.OperationalError("the file was deleted or replaced" if self._open else "the store is closed")
        uri = f"{self._path.as_uri()}?mode=rw"  # and not created: a new file in the place of a deleted one loses writes
        db = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)
        # FULL: each commit waits for the disk; fullfsync: on macOS for the medium, too
        for setting in ("synchronous = FULL", "fullfsync = ON", "checkpoint_fullfsync = ON", "cell_size_check = ON"):
            db.execute(f"PRAGMA {setting}")
        return db

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    def _demand_regular(self) -> None:
        """Follow no link that somebody else may have planted."""
        if self._path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        for path in (self._path, *map(self._beside, _BESIDE)):
            with contextlib.suppress(FileNotFoundError):
                if not stat.S_ISREG(path.lstat().st_mode):
                    raise StateError(f"State file {path} {_LINK}.")

    def _demand_whole(self) -> None:
        """Refuse a file that lost what was acknowledged. SQLite would take a cut one for new and remove its log."""
        size = self._path.stat().st_size if self._path.exists() else 0
        if size < _SMALLEST:
            held = [path.name for path in map(self._beside, _BESIDE) if path.exists() and path.stat().st_size]
            if held or size:
                raise self._unfit(_CUT.format(", ".join(held)) if held else _TROUBLE[sqlite3.SQLITE_NOTADB])
            return
        # read-only: closing any other connection would write what is left of the log into the file;
        # immutable: any other one would create the log
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
                if revision < (self._guard.acknowledged or 0):
                    raise self._unfit(_LOST.format(revision, self._guard.acknowledged))
                if serving and not self._guard.existed:
                    raise self._unfit(_NO_GUARD)

    def _demand_there(self) -> None:
        """Notice that the file was deleted or replaced: what is written to it would be lost."""
        if not (self._is_there() and self._beside("-wal").exists()):
            log.error("State file %s was deleted or replaced while in use: put it back", self._path)
            raise StorageUnavailable("the file of the records was deleted or replaced")

    def _is_there(self) -> bool:
        try:
            return self._path.stat().st_ino == self._file
        except FileNotFoundError:
            return False

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn trouble while serving into StorageUnavailable; the operator's log gets the cause."""
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            log.error("State file %s: %s", self._path, cause)
            raise StorageUnavailable(full=_result_code(cause) == sqlite3.SQLITE_FULL) from error

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn trouble at the start into a StateError."""
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
    """The file beside the state file: a lock that dies with the process, and the last acknowledged revision."""

    def __init__(self, path: Path) -> None:
        """Lock it. Raises BlockingIOError when another server has it."""
        self._path = path
        while True:
            self.existed = path.exists()
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            self._file = open(os.open(path, flags, 0o600), "r+b", buffering=0)  # noqa: SIM115
            try:
                if fcntl is not None:
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.exists() and os.path.samestat(path.stat(), os.fstat(self._file.fileno())):
                    break  # else its server has just removed it
            except BaseException:
                self._file.close()
                raise
            self._file.close()
        written = self._file.read(_REVISION_BYTES)
        self.acknowledged = int(written) if written.isdigit() else None

    def write(self, revision: int) -> None:
        """Note a revision. Not synced: after a power cut it may be older, never newer, than what is on disk."""
        self._file.seek(0)
        self._file.write(b"%020d" % revision)
        self.acknowledged = revision

    def release(self, *, settled: bool) -> None:
        """Unlock; remove the file if everything it vouches for is in the state file."""
        if settled:
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._file.close()


def _create_private(path: Path) -> None:
    """Create an absent file, readable by nobody else; SQLite would leave that to the umask."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _make_private(path: Path) -> None:
    """Give the same mode to a file that came from elsewhere and to those left beside it."""
    with contextlib.suppress(OSError):  # another user's, or not there
        path.chmod(0o600, follow_symlinks=False) if os.chmod in os.supports_follow_symlinks else path.chmod(0o600)


def _result_code(error: BaseException | None) -> int:
    """SQLite's primary result code; errors of Python's own, such as bad UTF-8, have none."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
