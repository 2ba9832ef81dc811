"""Runs each fuzz target briefly; `make fuzz` runs them for longer."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.__main__ import _mutated
from tests.fuzz.targets import TARGETS

TRIED = 1_000


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_is_too_much(name: str) -> None:
    target, dice = TARGETS[name], random.Random(7)
    for seed in target.seeds:
        target.take(seed)
    corpus = [bytearray(seed) for seed in target.seeds]
    for _ in range(TRIED):
        target.take(bytes(_mutated(corpus, dice)))
