"""`mockserver fidelity`, `drift` and `explain`: measures how faithful the emulator is, and explains why."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from mockserver import files, secrecy
from mockserver.cli.options import FOLDER, json_option, platform_option


@click.command()
@json_option
@click.option("--write", "root", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR",
              help="Write docs/fidelity.* and fidelity/fidelity.jsonl in this folder.")  # fmt: skip
def fidelity(as_json: bool, root: Path | None) -> None:
    """Replay all samples and print a table per operation.

    A sample is a documented or recorded exchange. Exit status: 0, or 1 if the response to a sample differs and its
    file gives no reason.
    """
    from mockserver.contract import Contract
    from mockserver.evidence import fidelity as figures
    from mockserver.evidence import page
    from mockserver.evidence.contributed import samples

    try:
        found = samples()
    except ValueError as error:  # a description in fidelity/recorded/
        raise click.UsageError(str(error)) from None
    rows = figures.table(found, Contract.load())
    if as_json:
        click.echo(json.dumps(figures.as_json(rows), indent=2))
    else:
        line = "{:<34} {:>10} {:>9} {:>7} {:>9} {:>6}  {}"
        click.echo(line.format("operation", "documented", "refusals", "state", "recorded", "quirk", "assumed"))
        for row in rows:
            counts = map(str, (row.documented, row.refusals, row.state, row.recorded, row.quirks or "–"))
            click.echo(line.format(row.operation, *counts, ", ".join(row.assumed) or "–"))
    if root is not None:
        for name, text in page.files(rows, found).items():
            files.write(root / name, text)
    unexplained = [one for one in found if not one.passed and not one.differs]
    for one in unexplained:
        click.echo(f"differs: {one.page}/{one.id} ({one.operation}): {'; '.join(one.departures)}", err=True)
    if unexplained:
        click.echo("Set a quirk, or give the reason under `differs` in its file; see fidelity/README.md.", err=True)
    sys.exit(int(bool(unexplained)))


@click.command()
@click.argument("folder", type=FOLDER, metavar="FOLDER")
@json_option
@click.option("--write", "into", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write a digest of the documents, such as fidelity/documents.jsonl.")  # fmt: skip
def drift(folder: Path, as_json: bool, into: Path | None) -> None:
    """Show changes in Adobe's OpenAPI documents.

    The documents in FOLDER are compared with those that the emulator is based on, matched by title. Added and removed
    operations, parameters, members, limits and enumerations are printed. Exit status: 0 no changes, 1 changes, 2 wrong
    use, 3 nothing could be compared.
    """
    from mockserver.evidence import documented
    from mockserver.evidence import drift as drifting

    if not folder.is_dir():
        raise click.UsageError(f"{folder} is not a folder")
    known = documented.known()
    found = drifting.compare(known, folder)
    if as_json:
        click.echo(json.dumps(drifting.as_json(found), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(drifting.lines(found)))
    if into is not None:
        newest = {one.title: one for one in (*known, *drifting.read_folder(folder)[0])}
        files.write(into, documented.dump(tuple(newest.values())))
    sys.exit(found.status)


@click.command()
@click.argument("name")
@platform_option
def explain(name: str, platform: str) -> None:
    """Explain an operation, error, quirk, connector or rule.

    Prints its sources, assumptions and samples. NAME can also be a status, such as 501.
    """
    from difflib import get_close_matches

    from mockserver.evidence import explaining

    found = explaining.explain(name, platform)
    if found is None:
        known = explaining.names(platform)
        holding = [one for one in known if name and name.lower() in one.lower()]
        near = list(dict.fromkeys([*holding, *get_close_matches(name, known, 3, 0.5)]))[:3]
        lists = "`mockserver operations`, `quirks`, `connectors` and `rules` list names."
        hint = f"Did you mean {', '.join(near)}?" if near else lists
        shown = secrecy.name(name) or "An empty name"
        raise click.UsageError(f"{shown} is not an operation, error code, status, quirk, connector or rule. {hint}")
    click.echo(str(found))
