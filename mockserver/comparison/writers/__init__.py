"""Writes comparisons in several formats: terminal, JSON, JUnit, Markdown, HTML."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

from mockserver import files
from mockserver.comparison.replay import ReplayOutcome
from mockserver.comparison.writers.terminal import summary, verdict

__all__ = ["FORMATS", "render", "summary", "verdict", "write_reports"]

FORMATS = {
    "html": ("comparison.html", "html"),
    "json": ("comparison.json", "json_document"),
    "junit": ("comparison.xml", "junit"),
    "markdown": ("comparison.md", "markdown"),
}
"""Format -> file name, and module with `write(outcome) -> str`."""


def render(outcome: ReplayOutcome, form: str) -> str:
    """Format a comparison. Raises KeyError for an unknown format."""
    module = importlib.import_module(f"{__name__}.{FORMATS[form][1]}")
    return cast(Callable[[ReplayOutcome], str], module.write)(outcome)


def write_reports(outcome: ReplayOutcome, folder: Path) -> list[Path]:
    """Write all formats into a folder, which is created if necessary; returns the files. Raises OSError."""
    files.make_folder(folder)
    written = []
    for form, (name, _) in FORMATS.items():
        path = folder / name
        files.write(path, render(outcome, form))
        written.append(path)
    return written
