"""Writes reports in several formats: terminal, JSON, JUnit, SARIF, Markdown, HTML."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from mockserver import files
from mockserver.conformance.findings import Report
from mockserver.conformance.writers.terminal import NOTHING_JUDGED, summary

__all__ = ["FORMATS", "NOTHING_JUDGED", "Format", "render", "summary", "write_reports"]


@dataclass(frozen=True, slots=True)
class Format:
    """A format of reports."""

    file: str
    media_type: str
    module: str

    def write(self, report: Report) -> str:
        """Format a report."""
        module = importlib.import_module(f"{__name__}.{self.module}")
        return cast(Callable[[Report], str], module.write)(report)


FORMATS = {
    "html": Format("index.html", "text/html; charset=utf-8", "html"),
    "json": Format("report.json", "application/json", "json_document"),
    "junit": Format("junit.xml", "application/xml; charset=utf-8", "junit"),
    "sarif": Format("report.sarif", "application/sarif+json", "sarif"),
    "markdown": Format("summary.md", "text/markdown; charset=utf-8", "markdown"),
}
"""Name -> format. Each has a module with `write(report) -> str`."""


def render(report: Report, form: str) -> str:
    """Format a report. Raises KeyError for an unknown format."""
    return FORMATS[form].write(report)


def write_reports(report: Report, folder: Path) -> list[Path]:
    """Write all formats into a folder, which is created if necessary; returns the files. Raises OSError."""
    files.make_folder(folder)
    written = []
    for form in FORMATS.values():
        path = folder / form.file
        files.write(path, form.write(report))
        written.append(path)
    return written
