"""`mockserver compare` and `mockserver calibrate`: compares a recording with a server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockserver.cli.options import FILE, FOLDER, comparison_options, json_option, settings
from mockserver.cli.reporting import colourful, note
from mockserver.config import ALL, COMPARED

if TYPE_CHECKING:
    from mockserver.comparison.accepted import Accepted
    from mockserver.comparison.replay import ReplayOutcome
    from mockserver.config import Config
    from mockserver.recordings.recording import Recording


@click.command()
@click.argument("file", type=FILE, metavar="FILE.har")
@click.option("--against", metavar="URL", help="Compare with this server.  [default: a new emulator]")
@click.option(
    "--header", "headers", multiple=True, metavar="NAME:VALUE", help="Send this header, such as a token, to --against."
)
@click.option("--accepted", type=FILE, help="Accept the differences in this YAML file.")
@click.option("--report", "folder", type=FOLDER, help="Write HTML, JSON, JUnit and Markdown to this folder.")
@json_option
@comparison_options
def compare(
    file: Path, against: str | None, headers: tuple[str, ...], accepted: Path | None, folder: Path | None,
    as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Replay a recording and show how a server differs.

    Exit status: 0 same, 1 different, 2 wrong use, 3 nothing could be compared.
    """
    from mockserver.comparison import writers

    recording, excused = _read(file, accepted)
    if against is None:
        if headers:
            raise click.UsageError("--header can be used only with --against")
        outcome = _with_emulator(recording, _settings(options), excused)
    else:
        params = click.get_current_context().command.params
        if given := [one.opts[0] for one in params if options.get(one.name or "") not in (None, ())]:
            raise click.UsageError(f"{', '.join(given)} cannot be used with --against: no emulator is started")
        outcome = _with_server(recording, against, headers, excused)
    click.echo(writers.render(outcome, "json") if as_json else writers.summary(outcome, colour=colourful()), nl=False)
    _write(outcome, folder)
    sys.exit(outcome.status)


@click.command()
@click.argument("file", type=FILE, metavar="FILE.har")
@click.option(
    "--write", "into", type=click.Path(path_type=Path, dir_okay=False), help="Write the fragment to this file."
)
@json_option
@comparison_options
def calibrate(file: Path, into: Path | None, as_json: bool, **options: Any) -> None:
    """Derive the emulator's quirks from a recording.

    Prints the lines for mockserver.toml and compares the recording with these quirks. Exit status:
    0 same after calibration, 1 still different, 2 wrong use, 3 nothing could be compared.
    """
    from mockserver.comparison import writers
    from mockserver.recordings import calibrating

    recording, _ = _read(file, None)
    note(recording.remarks)
    found = calibrating.observe(recording)
    fragment = calibrating.fragment(found)
    config = _settings(options)
    outcome = _with_emulator(recording, _with_quirks(config, calibrating.chosen(found)), None)
    if as_json:
        rows = [{"quirk": one.quirk, "finding": one.finding, "value": one.value, "seen": one.seen} for one in found]
        click.echo(json.dumps({"quirks": rows, "after": json.loads(writers.render(outcome, "json"))}, indent=2))
    else:
        click.echo("\n".join(f"{one.finding:<14} {one.quirk:<24} {one}" for one in found))
        click.echo(f"\n{fragment}\nAfter calibration: {writers.verdict(outcome)}")
    if into is not None:
        _save(into, fragment)
    sys.exit(outcome.status)


def _read(file: Path, accepted: Path | None) -> tuple[Recording, Accepted]:
    from mockserver.comparison.accepted import Accepted
    from mockserver.contract import Contract
    from mockserver.recordings.recording import Recording

    try:
        excused = Accepted.read(accepted) if accepted else Accepted()
        return Recording.load(file, Contract.load()), excused
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _settings(options: dict[str, Any]) -> Config:
    return settings(options, without=ALL - COMPARED)


def _with_quirks(config: Config, quirks: dict[str, str]) -> Config:
    from dataclasses import replace

    return replace(config, quirk={**config.quirk, **quirks})


def _with_emulator(recording: Recording, config: Config, accepted: Accepted | None) -> ReplayOutcome:
    from dataclasses import replace

    from mockserver.clients.program import PrivateServer
    from mockserver.comparison import comparing
    from mockserver.comparison.wire import Wire

    suited = comparing.suited(replace(config, log="none", journal_entries=0), recording)
    with PrivateServer(suited) as server, Wire(server.url) as wire:
        return comparing.with_emulator(recording, server.emulator, wire.send, accepted)


def _with_server(recording: Recording, url: str, headers: tuple[str, ...], accepted: Accepted) -> ReplayOutcome:
    from mockserver.comparison import comparing
    from mockserver.comparison.wire import Wire

    extra = {}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            raise click.UsageError("--header must be NAME:VALUE")
        extra[name.strip()] = value.strip()
    try:
        wire = Wire(url, extra)
    except ValueError as error:
        raise click.UsageError(f"--against: {error}") from None
    with wire:
        return comparing.with_server(recording, wire.send, accepted)


def _write(outcome: ReplayOutcome, folder: Path | None) -> None:
    if folder is None:
        return
    from mockserver.comparison import writers

    try:
        written = writers.write_reports(outcome, folder)
    except OSError as error:
        raise click.UsageError(f"{folder}: {error.strerror}") from None
    click.echo("report: " + " · ".join(str(path) for path in written), err=True)


def _save(path: Path, text: str) -> None:
    from mockserver import files

    try:
        files.write(path, text)
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from None
