"""Model-based tests that `make fuzz` runs: histories of operations whose results are compared with a model's."""

from __future__ import annotations

import time

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.fuzz.store_machine import STORES
from tests.fuzz.test_api_machine import Connections

MACHINES: dict[str, tuple[type[RuleBasedStateMachine], ...]] = {"api": (Connections,), "store": tuple(STORES.values())}
_HISTORIES = 50
"""Histories between two checks of the clock."""


def run(name: str, seconds: int) -> bool:
    """Run new histories of up to 50 steps for some seconds; returns whether they found nothing."""
    chosen = settings(
        max_examples=_HISTORIES, stateful_step_count=50, database=None, deadline=None,
        suppress_health_check=list(HealthCheck), print_blob=True,
    )  # fmt: skip
    for machine in MACHINES[name]:
        until, histories = time.monotonic() + seconds / len(MACHINES[name]), 0
        while time.monotonic() < until:
            try:
                run_state_machine_as_test(machine, settings=chosen)
            except Exception as error:
                print(f"{name:<18} FOUND in {machine.__name__}: {type(error).__name__}: {error}", flush=True)
                print("\n".join(getattr(error, "__notes__", ())), flush=True)
                return False
            histories += _HISTORIES
        print(f"{name:<18} {histories:>10} histories  nothing found  {machine.__name__}", flush=True)
    return True
