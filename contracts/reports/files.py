"""Writes report files: never through links, and writable by their owner only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO


def write(path: Path, text: str) -> None:
    """Write a text to a new file, replacing anything of that name. Raises OSError."""
    with opened(path) as file:
        file.write(text)


def opened(path: Path) -> TextIO:
    """Open a new file for writing, replacing anything of that name; creates its folder. Raises OSError."""
    for folder in [*reversed([above for above in path.parent.parents if not above.exists()]), path.parent]:
        folder.mkdir(mode=0o755, exist_ok=True)
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8")
