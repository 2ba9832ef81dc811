"""The command line: parses options and prints results."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from mockserver import __version__
from mockserver.cli import (
    assessing,
    authority,
    comparing,
    conformance,
    evidence,
    executing,
    judging,
    recording,
    starting,
    terminal,
)
from mockserver.cli.options import FILE, FOLDER, emulation_options, json_option, platform_option, settings
from mockserver.config import how_to_get


class _ServeByDefault(click.Group):
    """A group whose default command is `serve`: `mockserver --port 0` means `mockserver serve --port 0`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert `serve` if there is no argument or an option that is not a general one comes first."""
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h", "--version")):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def main(self, *args: Any, **extra: Any) -> Any:
        """See click."""
        terminal.take_every_character()
        return super().main(*args, **extra)


@click.group(cls=_ServeByDefault, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mockserver")
def main() -> None:
    """Emulate Adobe Experience Platform's Flow Service.

    The default command is serve. Every option can also be set as MOCKSERVER_NAME in the environment, in
    mockserver.toml, or under [tool.mockserver] in pyproject.toml.
    """


@main.command()
@click.option("--host", help="Listen on this address.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Listen on this port; 0 picks a free one.  [default: 8080]")
@click.option("--allow-host", multiple=True, metavar="NAME", help="Accept this Host header, too; * accepts any.")
@click.option(
    "--behind-proxy", is_flag=True, default=None, help="Require the admin token for /_mock from every client."
)
@click.option("--live", multiple=True, metavar="HOST:PORT", help="Connect to this PostgreSQL database.")
@click.option("--live-ca", metavar="FILE", help="Trust these CAs (PEM) of --live databases.")
@click.option("--live-md5", is_flag=True, default=None, help="Send MD5 passwords to --live databases that ask.")
@click.option("--tls", is_flag=True, default=None, help="Serve HTTPS; see `mockserver ca`.")
@click.option("--log", type=click.Choice(["text", "json", "none"]), help="Select the request log.  [default: text]")
@click.option("--journal", "journal_entries", type=int, metavar="N",
              help="Record and judge the latest N calls; 0 turns this off.  [default: 1000]")  # fmt: skip
@emulation_options
def serve(**options: Any) -> None:
    """Start the server and serve until stopped."""
    from mockserver.cli.serving import serve_forever

    sys.exit(serve_forever(settings(options), echo=click.echo))


@main.command()
@json_option
@platform_option
def connectors(as_json: bool, platform: str) -> None:
    """List the connectors and their auth specs."""
    from mockserver.specs.connectors import Connectors

    rows = [
        {
            "id": connector.id,
            "name": connector.name,
            "label": connector.label,
            "category": connector.category,
            "authSpecs": [auth["name"] for auth in connector.describe()["authSpec"]],
        }
        for connector in Connectors.load(platform).all()
    ]
    _print(rows, as_json, lambda row: f"{row['id']}  {row['label']:<24}  {', '.join(row['authSpecs'])}")


@main.command()
@json_option
def operations(as_json: bool) -> None:
    """List the emulated operations: id, method, path.

    Faults, `explain` and `contract --operations` take the id.
    """
    from mockserver.contract import load_document

    rows = [
        {"operation": item["operationId"], "method": method.upper(), "path": path, "summary": item["summary"]}
        for path, methods in load_document()["paths"].items()
        for method, item in methods.items()
        if isinstance(item, dict) and "operationId" in item
    ]

    def line(row: dict[str, Any]) -> str:
        return f"{row['operation']:<28}  {row['method']:<6}  {row['path']:<40}  {row['summary']}"

    _print(rows, as_json, line)


@main.command()
@json_option
def quirks(as_json: bool) -> None:
    """List the quirks and their values.

    A quirk is a switch for a point on which Adobe's documents contradict each other. The default is in brackets. Set a
    quirk by --quirk NAME=VALUE or in mockserver.toml, on a running server by PUT /_mock/quirks or in the console.
    """
    from mockserver.quirks import QUIRKS

    rows = [{**dataclasses.asdict(row), "default": row.default} for row in QUIRKS.values()]

    def lines(row: dict[str, Any]) -> str:
        head = f"{row['name']}={'|'.join(row['values'])}  [{row['default']}]"
        return f"{head}\n    {row['question']}\n    source: {row['sources']}"

    _print(rows, as_json, lines)


@main.command()
@json_option
def faults(as_json: bool) -> None:
    """List the faults.

    They are requested by /_mock/faults, --faults FILE, pytest or the header x-mock-fault.
    """
    from mockserver.faults import FAULTS

    def line(row: dict[str, Any]) -> str:
        name = f"{row['fault']}={row['argument']}" if row["argument"] else row["fault"]
        default = f"  [{row['default']}]" if row["default"] else ""
        return f"{name:<27} {row['effect']}{default}"

    _print([kind.as_json() for kind in FAULTS.values()], as_json, line)


@main.command()
@click.argument("url", default="")
@click.option("--compare", type=FILE, nargs=2, metavar="A B", help="Compare the record.json of two runs.")
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="Send this header with every request.")
@click.option("--env-file", type=FILE, help="Read the credentials from NAME=VALUE lines.")
@click.option("--connection", type=FILE, help="Create base connections from this JSON body.")
@click.option("--other-sandbox", metavar="NAME", help="Test isolation against this second sandbox.")
@click.option("--neighbours", metavar="URL", help="Call the neighbouring services at this URL.")
@click.option("--read-only", is_flag=True, help="Send only requests that change nothing.")
@click.option("--lasting", is_flag=True, help="Create specs and runs, too, which cannot be deleted.")
@click.option("--operations", default="", metavar="ID,...", help="Test only these; see `mockserver operations`.")
@click.option("--budget", type=click.FloatRange(min=0), default=3600, show_default=True, metavar="SECONDS",
              help="Send no more requests after this time; 0 for no limit.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Derive the generated requests from this seed.")
@click.option("--examples", type=click.IntRange(min=0), default=25, show_default=True,
              help="Generate this many requests per operation.")  # fmt: skip
@click.option("--quick", is_flag=True, help="Generate one request per operation.")
@click.option("--report", type=FOLDER, help="Write HTML, JUnit, HAR and a record to this folder.")
@click.option("--known-gaps", type=FILE, help="Accept the failing checks in this YAML list.")
@click.option(
    "--write-known-gaps",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the checks that fail now, for --known-gaps.",
)
@click.option("--timeout", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Wait this long for one response.")
@click.option("--fail-on", type=click.Choice(["must", "should", "may"]), default="should", show_default=True,
              help="Fail for findings of this level or worse.")  # fmt: skip
@json_option
def contract(
    url: str, compare: tuple[Path, Path] | None, quick: bool, as_json: bool, fail_on: str, **options: Any
) -> None:
    """Test any server against the contract.

    The suite creates entities, checks the responses, deletes what it created and reports its findings.
    Credentials also come from FLOW_SERVICE_TOKEN, _API_KEY, _ORG and _SANDBOX.
    """
    _find_suite()
    if not find_spec("schemathesis"):
        raise click.UsageError(f"the contract suite is not installed. Install it with: {how_to_get('contracts')}")
    from contracts import run
    from contracts.settings import load

    try:
        if compare:
            sys.exit(run.compare(*compare, out=sys.stdout))
        chosen = load(url, **{**options, "examples": 1} if quick else options)
    except ValueError as error:  # WrongUse, and an invalid record
        raise click.UsageError(str(error)) from None
    sys.exit(run.main(chosen, screen=sys.stderr, out=sys.stdout, as_json=as_json, least=fail_on))


def _find_suite() -> None:
    """Put the contract suite first on the path: beside the package in a checkout, inside it if installed.

    The user's own folder may contain a package named `contracts`, too.
    """
    package = Path(__file__).resolve().parents[1]
    installed = package / "suite"
    sys.path.insert(0, str(installed if installed.is_dir() else package.parent))


main.add_command(starting.env)
main.add_command(starting.init)
main.add_command(judging.rules)
main.add_command(judging.check)
main.add_command(conformance.scenarios)
main.add_command(conformance.conformance)
main.add_command(executing.execute)
main.add_command(authority.ca)
main.add_command(recording.record)
main.add_command(comparing.compare)
main.add_command(comparing.calibrate)
main.add_command(evidence.fidelity)
main.add_command(evidence.drift)
main.add_command(evidence.explain)
main.add_command(assessing.assess)


def _print(rows: Sequence[dict[str, Any]], as_json: bool, line: Callable[[dict[str, Any]], str]) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(line(row))
