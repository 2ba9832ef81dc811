"""`python -m contracts.broken`: every wrong server is caught and the right one is not; or one of them is served."""

from __future__ import annotations

import contextlib
import sys
import threading

import click

from contracts.broken import load, proof
from contracts.document import Document


@click.command()
@click.option("--seeds", type=click.IntRange(min=0), default=10, show_default=True, help="For the right server.")
@click.option("--serve", metavar="NAME", help="Serve one wrong server until Ctrl-C, to be looked at.")
def main(seeds: int, serve: str | None) -> None:
    """Show which checks catch which wrong server, and that the right one passes them all."""
    servers = load()
    if serve is not None:
        if serve not in servers:
            raise click.UsageError(f"there is no wrong server {serve!r}; without options all are listed")
        with proof.served(servers[serve].over(proof.right(servers[serve].options)[0])) as url:
            click.echo(f"{serve} is on {url}: {servers[serve].description}")
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
        return
    document = Document.load()
    escaped = 0
    for server in servers.values():
        found = proof.prove(server, document)
        escaped += bool(found.missed)
        verdict = f"PASSES {', '.join(found.missed)}" if found.missed else ", ".join(server.caught_by)
        click.echo(f"{server.name:<40} {server.description:<75} {verdict}  ({found.seconds:.2f} s)")
    click.echo(f"{len(servers) - escaped} of {len(servers)} wrong servers are caught")
    alarms = 0
    for seed in range(1, seeds + 1):
        found_wrong = proof.false_alarms(seed, document)
        alarms += len(found_wrong)
        click.echo(f"right server, seed {seed}: {len(found_wrong)} false alarms")
        for outcome in found_wrong:
            click.echo(f"  {outcome.label}: {outcome.message}")
    sys.exit(1 if escaped or alarms else 0)


if __name__ == "__main__":
    main()
