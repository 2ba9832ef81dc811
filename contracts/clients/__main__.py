"""`python -m contracts.clients`: lists the clients for the judge, or runs one against an emulator."""

from __future__ import annotations

import difflib
import json
import re
import sys
from pathlib import Path

import click

from contracts.clients import Client, Service, Stopped, load
from contracts.settings import WrongUse

_PROGRAMS = Path(__file__).parent / "programs"
_KINDS = {
    "good": "Correct clients",
    "program": "Ordinary programs: `mockserver exec -- python contracts/clients/PROGRAM`, and so on",
    "rule": "One client for each rule, which it breaks: `mockserver exec -- python -m contracts.clients NAME`",
    "scenario": "One client for each scenario, which it fails: `mockserver conformance --scenario NAME -- python -m contracts.clients NAME`",  # noqa: E501
}
_COMMENT = re.compile(r"""^(?:"{3}|//|/\*\*?|#)\s*(.+?)\s*(?:"{3}|\*/)?$""", re.MULTILINE)


@click.command()
@click.argument("name", required=False)
@click.option("--base-url", envvar="FLOW_SERVICE_URL", metavar="URL",
              help="URL of the server; by default $FLOW_SERVICE_URL, as set by `mockserver exec`.")  # fmt: skip
@click.option("-v", "--verbose", is_flag=True, help="Show every request.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def main(name: str | None, base_url: str | None, verbose: bool, as_json: bool) -> None:
    """List the clients for the judge, all or those of a family (etag) or kind (good), or run one by its NAME.

    Exit status: 0 if the client finished, 1 if it stopped with an error, 2 for wrong usage.
    """
    client = load().get(name or "")
    if client is None or as_json:
        _list(name, as_json)
        return
    if not base_url:
        raise click.UsageError("no server: give --base-url, or run this by `mockserver exec -- ...`")
    try:
        _run(client, base_url, verbose)
    except WrongUse as problem:
        raise click.UsageError(str(problem)) from None
    except Stopped as reason:
        click.echo(f"{name} gave up: {reason}", err=True)
        sys.exit(1)


def _run(client: Client, base_url: str, verbose: bool) -> None:
    service = Service.at(base_url)
    if verbose:
        service.hear = lambda answer: click.echo(str(answer))
    click.echo(f"{client.name}: {client.does}")
    client.script(service)


def _list(name: str | None, as_json: bool) -> None:
    rows = [row for row in _rows() if name in (None, row["name"], row["kind"], row["name"].partition(".")[0])]
    if not rows:
        raise click.UsageError(_unknown(name or ""))
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    kind = ""
    for row in rows:
        if row["kind"] != kind:
            click.echo(("\n" if kind else "") + click.style(_KINDS[row["kind"]], bold=True))
            kind = row["kind"]
        click.echo(f"  {row['name']:<50} {row['does']}")


def _rows() -> list[dict[str, str]]:
    rows = [{"name": one.name, "kind": one.kind, "does": one.does} for one in load().values()]
    for path in sorted(_PROGRAMS.iterdir()):
        comment = _COMMENT.search(path.read_text(encoding="utf-8")) if path.is_file() else None
        if comment:
            rows.append({"name": f"programs/{path.name}", "kind": "program", "does": comment[1]})
    return sorted(rows, key=lambda row: (row["kind"], row["name"]))


def _unknown(name: str) -> str:
    names = list(load())
    family = [one for one in names if one.startswith(f"{name.partition('.')[0]}.")]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.8) or family
    hint = f": did you mean {', '.join(near)}?" if near else "; run without a name to list all"
    return f"there is no client {name!r}{hint}"


if __name__ == "__main__":
    main()
