"""How much a run measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str], None]
"""Called with the current step."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of the benchmark."""

    stored: tuple[int, ...] = (100, 10_000, 100_000)
    """One server of ours for each of these numbers of stored connections."""
    connections: tuple[int, ...] = (1, 32)
    """Client connections at a time."""
    rounds: int = 4
    seconds: float = 1
    judged_seconds: float = 20
    """Seconds of each load without and with a journal."""
    starts: int = 7
    peers: tuple[str, ...] = ()
    """Names of the tools to compare, as in `bench/peers/rows.py`."""
    peer_rounds: int = 3


QUICK = Plan(stored=(100, 5_000), connections=(32,), rounds=1, judged_seconds=4, starts=3, peer_rounds=1)
