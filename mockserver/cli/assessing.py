"""`mockserver assess`: shows how far a client can rely on the emulator."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockserver.cli.options import json_option, platform_option, settings
from mockserver.cli.reporting import in_words, note
from mockserver.config import LISTENING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.contract import Contract
    from mockserver.evidence.assessing import Use, Used
    from mockserver.evidence.documented import OfficialDocument
    from mockserver.specs.connectors import Connectors

_COMMAND = "command"


class _BeforeCommand(click.Command):
    """Treats the arguments after `--` as the command of a client."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the client's command in `ctx.meta`, and parse the rest."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[_COMMAND] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


@click.command(cls=_BeforeCommand)
@click.argument("what", nargs=-1, metavar="FILE | OPERATION... | -- COMMAND")
@platform_option
@json_option
@click.pass_context
def assess(context: click.Context, what: tuple[str, ...], platform: str, as_json: bool) -> None:
    """Show how far a client can rely on the emulator.

    FILE is a recording of the client (HAR), or an OpenAPI document with the operations that it uses (YAML or JSON).
    OPERATION is an id such as createFlow, or a method and path such as "GET /flows?limit=5". COMMAND is run against
    a private server as by `mockserver exec`. Each feature is printed with the evidence for it. Exit status: 0, or 1
    if a feature is not emulated, 3 if none is used; that of COMMAND if it fails.
    """
    command = tuple(context.meta.get(_COMMAND, ()))
    if bool(command) == bool(what):
        raise click.UsageError("give a FILE, one or more OPERATIONs, or -- COMMAND")
    from mockserver.contract import Contract
    from mockserver.evidence import assessing, fidelity
    from mockserver.specs.connectors import Connectors

    contract, connectors, status = Contract.load(), Connectors.load(platform), 0
    try:
        if command:
            used, status = _by_run(command, platform, contract)
        else:
            used = _by_text(what, contract, connectors)
    except (ValueError, OSError) as error:
        raise click.UsageError(in_words(error)) from None
    uses = assessing.assess(used, fidelity.known(), contract, connectors)
    _print(uses, as_json)
    sys.exit(status or (3 if not uses else int(any(use.reliance == "absent" for use in uses))))


def _by_run(command: Sequence[str], platform: str, contract: Contract) -> tuple[Used, int]:
    """What a client uses in a run, and its exit status."""
    from mockserver.cli import executing
    from mockserver.evidence import assessing

    chosen = settings({"platform": platform, "quirk": ()}, without=LISTENING)
    run = executing.privately(tuple(command), chosen)
    used = assessing.in_requests(run.emulator.journal.entries(), contract)
    if not used.counts:
        executing.explain_silence(run.tunnels, run.refused, "If not, let it take its base URL from FLOW_SERVICE_URL.")
    return used, run.status


def _by_text(what: Sequence[str], contract: Contract, connectors: Connectors) -> Used:
    """The features that a file contains or operations name. Raises ValueError."""
    from mockserver import har
    from mockserver.evidence import assessing
    from mockserver.har import journaling

    file = Path(what[0])
    if len(what) > 1 or not file.is_file():
        return assessing.named(what, contract)
    if document := _document(file):
        return assessing.in_document(document, contract)
    loaded = har.load(file, contract)
    note(loaded.remarks())
    return assessing.in_requests(journaling.journaled(loaded, contract, connectors), contract)


def _document(file: Path) -> OfficialDocument | None:
    """The OpenAPI document in a file. A JSON file without one is a recording. Raises ValueError."""
    from mockserver.evidence import documented

    if file.suffix in (".yaml", ".yml"):
        return documented.read(file)
    if file.suffix == ".json":
        with suppress(documented.DocumentError):
            return documented.read(file)
    return None


def _print(uses: Sequence[Use], as_json: bool) -> None:
    from mockserver.evidence.assessing import RELIANCES

    if as_json:
        rows: list[dict[str, Any]] = [
            {"kind": use.kind, "name": use.name, "count": use.count, "reliance": use.reliance} for use in uses
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for use in uses:
        click.echo(f"{use.reliance:<11} {use.kind:<10} {use.count:>5} × {use.name}")
    counts = Counter(use.reliance for use in uses)
    click.echo("" if uses else "There is no request to Flow Service.")
    for name, meaning in RELIANCES.items() if uses else ():
        click.echo(f"{counts[name]:>3} {name:<11} {meaning}")
