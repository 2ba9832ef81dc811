"""A report in every form a reader likes: for the terminal, for programs, for CI, for a browser."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from mockserver.conformance.findings import Report
from mockserver.conformance.writers import files
from mockserver.conformance.writers.terminal import NOTHING_JUDGED, summary

__all__ = ["FORMATS", "NOTHING_JUDGED", "Format", "render", "summary", "write_reports"]


@dataclass(frozen=True, slots=True)
class Format:
    """One written form of a report."""

    file: str
    media_type: str
    module: str

    def write(self, report: Report) -> str:
        """The report in this form."""
        module = importlib.import_module(f"{__name__}.{self.module}")
        return cast(Callable[[Report], str], module.write)(report)


FORMATS = {
    "html": Format("index.html", "text/html; charset=utf-8", "html"),
    "json": Format("report.json", "application/json", "json_document"),
    "junit": Format("junit.xml", "application/xml; charset=utf-8", "junit"),
    "sarif": Format("report.sarif", "application/sarif+json", "sarif"),
    "markdown": Format("summary.md", "text/markdown; charset=utf-8", "markdown"),
}
"""Name -> form: one module with `write(report) -> str` each."""


def render(report: Report, form: str) -> str:
    """The report in one of `FORMATS`. Raises KeyError for another."""
    return FORMATS[form].write(report)


def write_reports(report: Report, folder: Path) -> list[Path]:
    """Write every form into a folder, made if need be; returns the files. Raises OSError."""
    files.make_folder(folder)
    written = []
    for form in FORMATS.values():
        path = folder / form.file
        files.write(path, form.write(report))
        written.append(path)
    return written
