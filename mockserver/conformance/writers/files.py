"""Writes files of reports. Links are not followed, and only the owner can write to the files."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Create or replace a file. Raises OSError.

    A link of that name is replaced, not followed. The file is never writable by others, whatever the umask.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    with suppress(FileNotFoundError):
        new.unlink()
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)  # O_EXCL: follows no link
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def make_folder(folder: Path) -> None:
    """Create a folder and its parents, writable only by their owner. Raises OSError."""
    for missing in [*reversed([above for above in folder.parents if not above.exists()]), folder]:
        missing.mkdir(mode=0o755, exist_ok=True)
