"""`python -m contracts.broken`: proves that every faulty server is caught and the correct one passes, or serves one."""

from __future__ import annotations

import contextlib
import sys
import threading

import click

from contracts.broken import load, proof
from contracts.schema.document import Document


@click.command()
@click.option("--seeds", type=click.IntRange(min=0), default=10, show_default=True, help="Runs of the correct server.")
@click.option("--serve", metavar="NAME", help="Serve one faulty server until Ctrl-C.")
def main(seeds: int, serve: str | None) -> None:
    """Show which checks catch which faulty server, and that the correct one passes all checks."""
    servers = load()
    if serve is not None:
        if serve not in servers:
            raise click.UsageError(f"there is no faulty server {serve!r}; run without options to list all")
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
    click.echo(f"{len(servers) - escaped} of {len(servers)} faulty servers are caught")
    alarms = 0
    for seed in range(1, seeds + 1):
        found_wrong = proof.false_alarms(seed, document)
        alarms += len(found_wrong)
        click.echo(f"correct server, seed {seed}: {len(found_wrong)} false alarms")
        for outcome in found_wrong:
            click.echo(f"  {outcome.label}: {outcome.message}")
    sys.exit(1 if escaped or alarms else 0)


if __name__ == "__main__":
    main()
