"""Tests that the measured modules exist; the measurement takes minutes and is `make mutation`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mutation.modules import EQUIVALENT, MODULES, Module

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_a_measured_module_its_tests_and_their_names_are_there(module: Module) -> None:
    assert (ROOT / module.file).is_file()
    names = "".join(
        f"{file} {(ROOT / file).read_text()} {(ROOT / 'tests/conftest.py').read_text()}" for file in module.tests
    )
    for word in re.findall(r"\b(?!not\b|and\b|or\b)\w+", module.chosen):
        assert word in names, f"no test is called {word}"


@pytest.mark.parametrize("change", EQUIVALENT, ids=lambda change: change[0])
def test_a_fault_that_makes_no_difference_is_one_of_code_that_is_there(change: tuple[str, str]) -> None:
    before, after = change
    assert before != after
    assert any(before in " ".join((ROOT / module.file).read_text().split()) for module in MODULES.values())
