"""Tests that tests name existing faults, since an unknown one is always refused with 400."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver.faults import FAULTS

TESTS = Path(__file__).parents[1]
ORDERS_MISTAKES = {"test_faults.py", "test_names.py"}
"""Files that deliberately order unknown faults."""


def ordered(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each fault in a literal `x-mock-fault` header."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "x-mock-fault" and isinstance(value, ast.Constant):
                    for order in str(value.value).split(";"):
                        yield value.lineno, re.split(r"[=\s]", order.strip(), maxsplit=1)[0]


@pytest.mark.parametrize("file", sorted(TESTS.rglob("test_*.py")), ids=lambda file: str(file.relative_to(TESTS)))
def test_every_fault_that_a_test_orders_exists(file: Path) -> None:
    if file.name in ORDERS_MISTAKES:
        return
    wrong = [f"{line}: {name}" for line, name in ordered(ast.parse(file.read_text("utf-8"))) if name not in FAULTS]
    assert not wrong, f"{file.name} orders faults that do not exist: {wrong}"


def test_a_misspelt_fault_is_noticed() -> None:
    tree = ast.parse("client.get('/', headers={**HEADERS, 'x-mock-fault': 'latency=1; garbled-json=2'})")
    assert [name for _, name in ordered(tree)] == ["latency", "garbled-json"]
    assert "garbled-json" not in FAULTS
