"""Writes a report's files: not through links that somebody planted, and writable by their owner alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO


def write(path: Path, text: str) -> None:
    """Put a text into a new file in the place of whatever had that name. Raises OSError."""
    with opened(path) as file:
        file.write(text)


def opened(path: Path) -> TextIO:
    """A new file to write to, in the place of whatever had that name; its folder is made. Raises OSError."""
    for folder in [*reversed([above for above in path.parent.parents if not above.exists()]), path.parent]:
        folder.mkdir(mode=0o755, exist_ok=True)
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8")
