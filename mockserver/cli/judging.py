"""`mockserver rules` and `mockserver check`: lists the rules, and judges a recording or a running server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockserver.cli.options import json_option, platform_option, report_options
from mockserver.cli.reporting import Reporting, in_words, note

if TYPE_CHECKING:
    from mockserver.conformance import Report


@click.command()
@click.argument("rule_id", required=False, metavar="[ID]")
@json_option
def rules(rule_id: str | None, as_json: bool) -> None:
    """List or explain the rules for clients."""
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
@click.argument("record", metavar="FILE.har|URL")
@report_options
@platform_option
@json_option
def check(record: str, platform: str, as_json: bool, **options: Any) -> None:
    """Judge a client by a recording or a running server.

    FILE.har is a recording. URL is the address of a mockserver, such as http://127.0.0.1:8080, whose received calls are
    judged. If it requires an admin token, set MOCKSERVER_ADMIN_TOKEN. Exit status: 0 no findings, 1 findings, 2 wrong
    use, 3 no call to Flow Service.
    """
    try:
        reporting = Reporting.of(options)
        report = _of_server(record) if "://" in record else _of_file(Path(record), platform)
        status = reporting.deliver(report, as_json=as_json)
    except (ValueError, OSError) as error:
        raise click.UsageError(in_words(error)) from None
    sys.exit(status)


def _of_file(file: Path, platform: str) -> Report:
    from mockserver import har
    from mockserver.conformance import evaluate
    from mockserver.contract import Contract
    from mockserver.har import journaling
    from mockserver.specs.connectors import Connectors

    contract = Contract.load()
    loaded = har.load(file, contract)
    entries = journaling.journaled(loaded, contract, Connectors.load(platform))
    note(loaded.remarks())
    return evaluate(entries, contract)


def _of_server(url: str) -> Report:
    """The judgement on the client of a running server. Raises ValueError and OSError."""
    from mockserver import config
    from mockserver.clients import elsewhere

    return elsewhere.judgement(url, config.load({}, names={"admin_token"}).admin_token)
