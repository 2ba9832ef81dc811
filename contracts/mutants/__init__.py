"""Wire mutants: the correct server with one small fault each, generated from the contract and a recorded session.

`python -m contracts.mutants` (`make wire-mutants`) runs the suite before them. A mutant says which promises its lie
breaks, or why it breaks none; survivors are argued in `argued.yaml`.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.mutants import members, requests, responses, writes
from contracts.mutants.mutant import Mutant
from contracts.mutants.session import Session
from contracts.yaml_input import parse_yaml

THEMES = (members, requests, responses, writes)
_GOLDEN_RATIO = 0.6180339887


def every(session: Session) -> list[Mutant]:
    """Return all mutants by name."""
    found = [mutant for theme in THEMES for mutant in theme.mutants(session)]
    return sorted({mutant.name: mutant for mutant in found}.values(), key=lambda mutant: mutant.name)


def spread(mutants: Sequence[Mutant], most: int, seed: int) -> list[Mutant]:
    """Choose so many mutants: each kind of fault in turn, with each seed at other operations and members."""
    kinds: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        kinds.setdefault(mutant.name.rpartition(": ")[2], []).append(mutant)
    shares: Counter[str] = Counter()
    while shares.total() < min(most, len(mutants)):
        open_kinds = [kind for kind, members in kinds.items() if shares[kind] < len(members)]
        shares.update(open_kinds[: most - shares.total()])
    chosen: list[Mutant] = []
    for number, (kind, share) in enumerate(shares.items(), seed):
        shift = number * _GOLDEN_RATIO % 1  # so that the kinds are not all taken from the same operations
        chosen += [kinds[kind][int((place + shift) * len(kinds[kind]) / share)] for place in range(share)]
    return chosen


@functools.cache
def argued() -> Mapping[str, str]:
    """Name of a mutant that may survive, or a pattern of names -> the reason."""
    rows = parse_yaml((Path(__file__).parent / "argued.yaml").read_text(encoding="utf-8")) or []
    return {str(name): str(row["reason"]) for row in rows for name in row["mutants"]}
