"""`python -m contracts.mutants`: how many small faults on the wire the suite notices, and which survive."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections import Counter
from fnmatch import fnmatchcase

import click

from contracts.mutants import argued, every, session, spread
from contracts.mutants.mutant import Mutant
from contracts.mutants.trial import Trials
from contracts.schema.document import Document

TARGET = 95.0
"""Required percentage of faults noticed by a promise that they break."""

_SHARE = 20
"""Mutants that a worker gets at a time."""

Row = tuple[str, str, list[str]]
"""Name of a mutant, the check that noticed it (empty for a survivor), and failed checks of other promises."""

_work: tuple[session.Session, list[Mutant]]
"""Worker processes inherit this, because a mutant is code and cannot be pickled."""


@click.command()
@click.option("--sample", type=click.IntRange(min=1), help="Run this many of all kinds, chosen by the seed.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, show_default=True)
@click.option("--only", metavar="TEXT", default="", help="Run those with this text in their name.")
@click.option("--list", "listing", is_flag=True, help="List mutants with promises and reasons, without running them.")
def main(sample: int | None, seed: int, jobs: int, only: str, listing: bool) -> None:
    """Run the suite against wire mutants, print the share that it notices, and list survivors."""
    global _work
    recorded = session.record(Document.load())
    mutants = [mutant for mutant in every(recorded) if only in mutant.name]
    if listing:
        for mutant in mutants:
            click.echo(f"{mutant.name}  {', '.join(mutant.breaks) or f'breaks none: {mutant.reason}'}")
        return
    harmful = [mutant for mutant in mutants if not mutant.reason]
    if sample and sample < len(harmful):
        harmful = spread(harmful, sample, seed)
    began = time.monotonic()
    _work = (recorded, harmful)
    verdicts: list[Row] = []
    shares = [range(at, min(at + _SHARE, len(harmful))) for at in range(0, len(harmful), _SHARE)]
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for rows in pool.imap_unordered(_judged, shares):
            verdicts += rows
            for row in rows:
                _tell(row)
            click.echo(f"{len(verdicts)} of {len(harmful)} wire mutants", err=True)
    survivors = [row for row in verdicts if not row[1]]
    noticed = 100 * (len(verdicts) - len(survivors)) / max(1, len(verdicts))
    unargued = [name for name, _, _ in survivors if not reason(name)]
    kinds = Counter(mutant.reason for mutant in mutants if mutant.reason)
    for text, count in sorted(kinds.items()):
        click.echo(f"breaks no promise ({count}): {text}")
    click.echo(
        f"{len(verdicts) - len(survivors)} of {len(verdicts)} wire mutants are noticed by a promise that they break: "
        f"{noticed:.1f} % ({len(survivors) - len(unargued)} survivors explained, {len(unargued)} not; "
        f"{time.monotonic() - began:.0f} s)"
    )
    idle = [] if sample or only else [text for text in argued() if not any(_about(text, row[0]) for row in survivors)]
    for text in idle:
        click.echo(f"explains no survivor, so take it out of argued.yaml: {text}")
    sys.exit(1 if noticed < TARGET or unargued or idle else 0)


def _tell(row: Row) -> None:
    """Print a survivor as soon as it is known."""
    name, noticed_by, wrongly = row
    if not noticed_by:
        wrongly_noticed = f" (noticed only by {', '.join(wrongly[:3])})" if wrongly else ""
        click.echo(f"survives: {name}{wrongly_noticed}  [{reason(name) or 'not explained'}]")


def reason(name: str) -> str:
    """Why a mutant may survive; empty if nobody has explained it."""
    return next((why for pattern, why in argued().items() if _about(pattern, name)), "")


def _about(pattern: str, name: str) -> bool:
    return pattern == name or fnmatchcase(name, pattern)


def _judged(share: range) -> list[Row]:
    """The verdicts on a share of the mutants."""
    recorded, mutants = _work
    trials = Trials(recorded)
    found = [trials.judge(mutants[at]) for at in share]
    return [(verdict.mutant.name, verdict.noticed_by, verdict.wrongly_by) for verdict in found]


if __name__ == "__main__":
    main()
