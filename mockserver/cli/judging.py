"""`mockserver rules` and `mockserver check`: what is judged, and judging a recorded file."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command()
@click.argument("rule_id", required=False, metavar="[ID]")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def rules(rule_id: str | None, as_json: bool) -> None:
    """List the rules clients are judged by, or explain one."""
    from mockserver.conformance import RULES

    chosen = [row for row in RULES.values() if rule_id in (None, row.id, row.family)]
    if not chosen:
        raise click.UsageError(f"there is no rule {rule_id!r}; `mockserver rules` lists them")
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
