"""Compares every store with a dictionary, briefly; `make fuzz ARGS="store"` continues for longer."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fuzz.store_machine import STORES

HISTORIES = {"memory": 30, "sqlite": 15, "postgresql": 6}


@pytest.mark.slow
@pytest.mark.parametrize("name", STORES)
def test_a_store_does_what_a_dictionary_does(name: str) -> None:
    short = settings(
        max_examples=HISTORIES[name],
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(STORES[name], settings=short)
