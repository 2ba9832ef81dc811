"""Wire mutants: the correct server with one small fault each, generated from the contract and a recorded session.

`python -m contracts.mutants` (`make wire-mutants`) runs the suite before them. A mutant says which promises its lie
breaks, or why it breaks none; survivors are argued in `argued.yaml`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from contracts.mutants import members, requests, responses, writes
from contracts.mutants.mutant import Mutant
from contracts.mutants.session import Session
from contracts.yaml_input import parse_yaml

THEMES = (members, requests, responses, writes)


def every(session: Session) -> list[Mutant]:
    """Return all mutants by name."""
    found = [mutant for theme in THEMES for mutant in theme.mutants(session)]
    return sorted({mutant.name: mutant for mutant in found}.values(), key=lambda mutant: mutant.name)


@functools.cache
def argued() -> Mapping[str, str]:
    """Name of a mutant that may survive, or a pattern of names -> the reason."""
    rows = parse_yaml((Path(__file__).parent / "argued.yaml").read_text(encoding="utf-8")) or []
    return {str(name): str(row["reason"]) for row in rows for name in row["mutants"]}
