"""`mockserver rules` and `mockserver check`: what is judged, and judging a recorded file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from mockserver.conformance import Level, Report


NOTHING_TO_JUDGE = 3
"""Exit status where the client made no call."""


@click.command()
@click.argument("rule_id", required=False, metavar="[ID]")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def rules(rule_id: str | None, as_json: bool) -> None:
    """List the rules clients are judged by, or explain one."""
    from mockserver.conformance import RULES

    chosen = [row for row in RULES.values() if rule_id in (None, row.id, row.family)]
    if not chosen:
        raise click.UsageError(f"unknown rule {rule_id!r}; `mockserver rules` lists all")
    rows: list[dict[str, Any]] = [
        {
            "id": row.id,
            "level": row.level.value,
            "title": row.title,
            "explanation": row.explanation,
            "hint": row.hint,
            "source": row.source,
        }
        for row in chosen
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif rule_id is None:
        for row in rows:
            click.echo(f"{row['level']:<5} {row['id']:<48} {row['title']}")
    else:
        click.echo("\n\n".join(map(_explained, rows)))


def _explained(row: dict[str, Any]) -> str:
    lines = (row["title"], f"{row['explanation']}\n", f"what to do  {row['hint']}", f"source      {row['source']}")
    head = click.style(f"{row['level']}  {row['id']}", bold=True)
    return "\n".join([head, *(f"  {line}" for line in lines)])


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.har")
@click.option("--baseline", type=click.Path(dir_okay=False, path_type=Path), help="YAML of accepted findings.")
@click.option("--report", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write all reports here.")
@click.option("--level", default="warn", show_default=True, help="fail, warn or info: what makes the exit status 1.")
@click.option("--platform", type=click.Choice(["azure", "aws"]), default="azure", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON instead of the summary.")
def check(file: Path, baseline: Path | None, folder: Path | None, level: str, platform: str, as_json: bool) -> None:
    """Judge the calls to Flow Service in a recorded HAR file.

    Exit status: 0 nothing found, 1 findings, 2 wrong use, 3 no call to Flow Service in the file.
    """
    from mockserver import conformance
    from mockserver.contract import Contract
    from mockserver.recordings import har
    from mockserver.specs.connectors import Connectors

    contract = Contract.load()
    try:
        threshold = conformance.Level.parse(level)
        accepted = conformance.Baseline.read(baseline) if baseline else conformance.Baseline()
        entries = har.read(file, contract, Connectors.load(platform))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    judged = accepted.apply(conformance.evaluate(entries, contract))
    sys.exit(finish(judged, folder, threshold, as_json=as_json))


def finish(judged: Report, folder: Path | None, threshold: Level, *, as_json: bool = False) -> int:
    """Print a report, write its files if a folder is given, and return the exit status."""
    from mockserver import conformance

    if as_json:
        text = conformance.render(judged, "json")
    else:
        text = conformance.summary(judged, threshold=threshold, colour=colourful())
    click.echo(text, nl=not text.endswith("\n"))
    if folder is not None:
        try:
            written = conformance.write_reports(judged, folder)
        except OSError as error:
            raise click.UsageError(in_words(error)) from None
        click.echo("report: " + " · ".join(str(path) for path in written), err=as_json)
    return exit_status(judged, threshold)


def exit_status(judged: Report, threshold: Level) -> int:
    """0: passed; 1: failed; 3: there was nothing to judge."""
    return int(judged.fails(threshold)) if judged.judged else NOTHING_TO_JUDGE


def in_words(error: Exception) -> str:
    """What is in the way, for an error message: no error number, no Python."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def colourful(stream: TextIO | None = None) -> bool:
    """Whether a stream, by default standard output, is a terminal that wants colours (https://no-color.org)."""
    return (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR")
