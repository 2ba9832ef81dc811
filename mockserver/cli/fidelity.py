"""`mockserver fidelity`, `drift`, `explain` and `assess`: how true the emulator is, and how far one can rely on it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from mockserver.cli.options import FILE, FOLDER
from mockserver.cli.reporting import note


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--write", "root", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR",
              help="Write docs/fidelity.* and fidelity/fidelity.jsonl below this folder.")  # fmt: skip
def fidelity(as_json: bool, root: Path | None) -> None:
    """Replay every documented and recorded sample and print a table per operation.

    Exit status: 0, or 1 if a sample is answered otherwise and its file does not say why.
    """
    from mockserver.contract import Contract
    from mockserver.recordings import fidelity as figures
    from mockserver.recordings import fidelity_page
    from mockserver.recordings.contributed import samples

    try:
        found = samples()
    except ValueError as error:  # a description in fidelity/recorded/
        raise click.UsageError(str(error)) from None
    rows = figures.table(found, Contract.load())
    if as_json:
        click.echo(json.dumps(figures.as_json(rows), indent=2))
    else:
        click.echo(f"{'operation':<34} {'documented':>10} {'refusals':>9} {'state':>7} {'recorded':>9}  assumed")
        for row in rows:
            cells = f"{row.documented!s:>10} {row.refusals!s:>9} {row.state!s:>7} {row.recorded!s:>9}"
            click.echo(f"{row.operation:<34} {cells}  {', '.join(row.assumed) or '–'}")
    if root is not None:
        for name, text in fidelity_page.files(rows, found).items():
            (root / name).write_text(text, encoding="utf-8")
    unexplained = [one for one in found if not one.passed and not one.differs]
    for one in unexplained:
        click.echo(f"otherwise: {one.page}/{one.id}: {'; '.join(one.departures)}", err=True)
    sys.exit(int(bool(unexplained)))


@click.command()
@click.argument("folder", type=FOLDER, metavar="FOLDER")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--write", "into", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the digest with these documents in it here, such as fidelity/documents.jsonl.")  # fmt: skip
def drift(folder: Path, as_json: bool, into: Path | None) -> None:
    """Compare Adobe's OpenAPI documents in FOLDER with those that the emulator is based on.

    Operations, parameters, members and enumerations that were added or removed are printed. Documents are matched by
    their title. Exit status: 0 no changes, 1 changes, 2 wrong use, 3 nothing could be compared.
    """
    from mockserver.recordings import documented
    from mockserver.recordings import drift as drifting

    if not folder.is_dir():
        raise click.UsageError(f"{folder} is no folder")
    known = documented.known()
    found = drifting.compare(known, folder)
    if as_json:
        click.echo(json.dumps(drifting.as_json(found), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(drifting.lines(found)))
    if into is not None:
        newest = {one.title: one for one in (*known, *drifting.read_folder(folder)[0])}
        into.write_text(documented.dump(tuple(newest.values())), encoding="utf-8")
    sys.exit(found.status)


@click.command()
@click.argument("name")
@click.option("--platform", type=click.Choice(["azure", "aws"]), default="azure", show_default=True)
def explain(name: str, platform: str) -> None:
    """Explain an operation, error code, quirk, connector or rule: sources, assumptions, samples."""
    from difflib import get_close_matches

    from mockserver.recordings import explaining

    found = explaining.explain(name, platform)
    if found is None:
        near = get_close_matches(name, explaining.names(platform), 3, 0.5)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise click.UsageError(f"{name} is no operation, error code, quirk, connector or rule.{hint}")
    click.echo(str(found))


@click.command()
@click.argument("file", type=FILE, metavar="FILE.har")
@click.option("--platform", type=click.Choice(["azure", "aws"]), default="azure", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def assess(file: Path, platform: str, as_json: bool) -> None:
    """Assess how far a client can rely on the emulator: a recording of it, part by part.

    Exit status: 0, or 1 if it uses something that is not emulated, 3 if it uses nothing.
    """
    from mockserver.contract import Contract
    from mockserver.recordings import assessing, fidelity, har, har_journal
    from mockserver.specs.connectors import Connectors

    contract, connectors = Contract.load(), Connectors.load(platform)
    try:
        loaded = har.load(file, contract)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    note(loaded.remarks())
    entries = har_journal.journaled(loaded, contract, connectors)
    uses = assessing.assess(entries, fidelity.known(), contract, connectors)
    if as_json:
        rows = [{"kind": use.kind, "name": use.name, "count": use.count, "reliance": use.reliance} for use in uses]
        click.echo(json.dumps(rows, indent=2))
    else:
        for use in uses:
            click.echo(f"{use.reliance:<11} {use.kind:<10} {use.count:>5} × {use.name}")
        click.echo("\n".join(f"{name:<11} {meaning}" for name, meaning in assessing.RELIANCES.items()))
    sys.exit(3 if not uses else int(any(use.reliance == "absent" for use in uses)))
