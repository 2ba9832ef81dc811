"""Delivers a report: prints it, writes it in every format, applies a baseline, and computes the exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote

import click

if TYPE_CHECKING:
    from mockserver.conformance import Baseline, Level, Report

NOTHING_TO_JUDGE = 3
"""Exit status where the client made no call."""


@dataclass(frozen=True, slots=True)
class Reporting:
    """The checked values of `report_options`."""

    baseline: Baseline
    written_baseline: Path | None
    folder: Path | None
    client_file: str | None
    threshold: Level

    @classmethod
    def of(cls, options: dict[str, Any]) -> Reporting:
        """Remove its options from those of a command. Raises ValueError."""
        from mockserver.conformance import Baseline, Level

        known, written = options.pop("baseline"), options.pop("write_baseline")
        if known is None and written is not None and written.is_file():
            known = written  # it may contain reasons, which are kept; a pipe in its place would be waited for
        source = options.pop("source")
        return cls(
            Baseline.read(known) if known else Baseline(),
            written,
            options.pop("folder"),
            client_uri(source) if source else None,
            Level.parse(options.pop("level")),
        )

    def deliver(self, found: Report, *, as_json: bool = False, err: bool = False) -> int:
        """Print the report, to standard error with `err`, write its files, and return the exit status.

        Raises OSError where a file cannot be written.
        """
        from mockserver import conformance

        report = replace(self.baseline.apply(found), client_file=self.client_file)
        if as_json:
            text = conformance.render(report, "json")
        else:
            colour = colourful(sys.stderr if err else sys.stdout)
            text = conformance.summary(report, threshold=self.threshold, colour=colour)
        click.echo(text, nl=not text.endswith("\n"), err=err)
        if self.folder is not None:
            written = conformance.write_reports(report, self.folder)
            click.echo("report: " + " · ".join(str(path) for path in written), err=err or as_json)
        if self.written_baseline is not None and report.judged:
            report = self._accept(report, self.written_baseline, err=err or as_json)
        return int(report.fails(self.threshold)) if report.judged else NOTHING_TO_JUDGE

    def _accept(self, report: Report, path: Path, *, err: bool) -> Report:
        """Write the baseline; returns the report with it applied."""
        from mockserver import files
        from mockserver.conformance import Baseline

        baseline = Baseline.of(report, self.threshold)
        files.write(path, baseline.as_yaml())
        count = len(baseline.accepted)
        todo = "; give each its reason" if count else ""
        click.echo(f"baseline: {path} accepts {count} finding{'s' * (count != 1)}{todo}", err=err)
        return baseline.apply(report)


def client_uri(path: Path) -> str:
    """The URI of a file for SARIF: relative if it is inside the working folder."""
    whole, here = path.resolve(), Path.cwd()
    return quote(whole.relative_to(here).as_posix()) if whole.is_relative_to(here) else whole.as_uri()


def note(remarks: Iterable[str]) -> None:
    """Print what a recording lacks, to standard error."""
    for remark in remarks:
        click.echo(f"Note: {remark}", err=True)


def in_words(error: Exception) -> str:
    """The cause of an error, for a message: without its number and class."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def colourful(stream: TextIO | None = None) -> bool:
    """Whether a stream, by default standard output, is a terminal that wants colours (https://no-color.org)."""
    return (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR")
