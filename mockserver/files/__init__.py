"""Writes files for users. A link in their place is replaced or refused, never followed, and only their owner can write.

State files have a rule of their own: `mockserver.state.sqlite` refuses everything that is not a regular file.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def write(path: Path, text: str) -> None:
    """Create or replace a file. Raises OSError."""
    with replacing(path) as file:
        file.write(text.encode())


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` at the end of the block, if that succeeds. Raises OSError."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    try:
        with open(new, "xb", opener=_ours) as file:  # x: follows no link
            yield file
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def appending(path: Path) -> BinaryIO:
    """Open a file to write at its end, or create it. Raises OSError, also for a link."""
    return open(path, "ab", opener=lambda name, flags: _ours(name, flags | _NO_LINK))


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


def _ours(name: str, flags: int) -> int:
    """Open a file that is not writable by others, whatever the umask."""
    return os.open(name, flags, 0o644)
