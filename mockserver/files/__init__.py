"""Writes files for users. A link in their place is replaced or refused, never followed, and only their owner can write.

State files have a rule of their own: `mockserver.state.sqlite` refuses everything that is not a regular file.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where nobody can remove a file that is open
    fcntl = None  # type: ignore[assignment]

_LOCKS = fcntl is not None
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_PIECE = 65_536
_LOCK_TRIES, _LOCK_PAUSE = 2_000, 0.002


def write(path: Path, text: str) -> None:
    """Create or replace a file. Raises OSError."""
    with replacing(path) as file:
        file.write(text.encode())


def creating(path: Path, buffering: int = -1) -> BinaryIO:
    """A new file to write. Raises OSError, also if there is a file or a link."""
    return open(path, "xb", buffering, opener=_ours)  # x: follows no link


@contextmanager
def replacing(path: Path, aside: Path | None = None) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` at the end of the block, if that succeeds. Raises OSError.

    Until then it is in the folder `aside` or, without one, beside `path`. Its writer locks it, so that files that a
    killed process left are recognised and removed: in `aside` all, otherwise those of `path`.
    """
    folder, name = aside or path.parent, f".{path.name}."
    _remove_left(folder, "." if aside else name)
    new, file = _created(folder, name)
    try:
        with file:
            yield file
            file.flush()
            if _LOCKS:
                os.replace(new, path)  # while it is locked
        if not _LOCKS:
            os.replace(new, path)  # Windows moves no open file
    except BaseException:
        new.unlink(missing_ok=True)
        raise


@contextmanager
def appending(path: Path) -> Iterator[BinaryIO]:
    """A file of lines to add to with `add`, created if it is missing. Raises OSError, also for a link.

    Its writer locks it, and others wait for some seconds. An incomplete line that a killed process left is removed.
    """
    with open(path, "a+b", 0, opener=lambda name, flags: _ours(name, flags | _NO_LINK)) as file:
        for _ in range(_LOCK_TRIES):
            if _locked(file, unless_known=True):
                break
            time.sleep(_LOCK_PAUSE)  # a system call that waits would have no end: a process may be stopped
        else:
            raise BlockingIOError(errno.EAGAIN, "another process has locked a file of it", str(path))
        cut(file, _end_of_lines(file))
        yield file


def add(file: BinaryIO, lines: bytes) -> int:
    """Add lines to a file of `appending`, all or none; returns its size. Raises OSError."""
    before, left = file.seek(0, os.SEEK_END), memoryview(lines)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError:
        cut(file, before)
        raise
    return file.seek(0, os.SEEK_END)


def cut(file: BinaryIO, size: int) -> None:
    """Remove what a file of `appending` has beyond a size; not where files cannot be locked: others may be writing."""
    if _locked(file, unless_known=False) and file.seek(0, os.SEEK_END) > size:
        file.truncate(size)


def make_folder(folder: Path, *parts: str) -> Path:
    """Create a folder and its parents, writable only by their owner, and a path of folders in it; returns the last.

    Raises OSError, also if one of the parts is a link. `folder` itself may be one: its name is the user's.
    """
    for missing in [*reversed([above for above in folder.parents if not above.exists()]), folder]:
        missing.mkdir(mode=0o755, exist_ok=True)
    for part in parts:
        folder /= part
        if folder.is_symlink():
            raise NotADirectoryError(errno.ENOTDIR, "a link is not followed", str(folder))
        folder.mkdir(mode=0o755, exist_ok=True)
    return folder


def _created(folder: Path, name: str) -> tuple[Path, BinaryIO]:
    """A new file that its writer has locked. Another process may remove it before it is locked."""
    for number in count():
        new = folder / f"{name}{number}.new"
        try:
            file = open(new, "xb", opener=_ours)  # noqa: SIM115  # x: follows no link
        except FileExistsError:
            continue
        if _locked(file, unless_known=True) and _is_at(file, new):
            return new, file
        file.close()
    raise AssertionError


def _remove_left(folder: Path, name: str) -> None:
    """Remove new files that killed processes left: nobody has locked them."""
    found: list[Path] = []
    with suppress(OSError):  # a folder that cannot be listed
        found += (path for path in folder.iterdir() if path.name.startswith(name) and path.suffix == ".new")
    for left in found:
        with suppress(OSError):
            if left.is_symlink() or not _LOCKS:
                left.unlink()
                continue
            with open(left, "r+b", opener=lambda name, flags: os.open(name, flags | _NO_LINK)) as file:
                if _locked(file, unless_known=False) and _is_at(file, left):
                    left.unlink()


def _locked(file: BinaryIO, *, unless_known: bool) -> bool:
    """Lock an open file; returns whether that succeeded. `unless_known`: the result where files cannot be locked."""
    if not _LOCKS:
        return unless_known
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return unless_known
    return True


def _is_at(file: BinaryIO, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    return False


def _end_of_lines(file: BinaryIO) -> int:
    """The number of bytes up to the end of the last complete line."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _PIECE)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _ours(name: str, flags: int) -> int:
    """Open a file that is not writable by others, whatever the umask."""
    return os.open(name, flags, 0o644)
