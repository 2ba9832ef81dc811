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

UNKNOWN_ON_PURPOSE = frozenset({"nonsense", "wine"})
"""Faults that tests order to see them refused."""


def ordered(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each fault in a literal order: the header in any spelling, or the member `fault`."""
    for node in ast.walk(tree):
        for name, value in pairs(node):
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                orders = value.value.split(";") if name != "fault" else [value.value]
                yield from ((value.lineno, re.split(r"[=\s]", order.strip(), maxsplit=1)[0]) for order in orders)


def pairs(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names of orders and their values, in a dict, a keyword, a pair or an assignment."""
    found: list[tuple[ast.expr | str | None, ast.expr]] = []
    match node:
        case ast.Dict():
            found = list(zip(node.keys, node.values, strict=True))
        case ast.Call():
            found = [(keyword.arg, keyword.value) for keyword in node.keywords]
        case ast.Tuple(elts=[name, value]):
            found = [(name, value)]
        case ast.Assign(targets=[ast.Subscript(slice=name)]):
            found = [(name, node.value)]
    for name, value in found:
        text = name.value if isinstance(name, ast.Constant) else name
        if isinstance(text, str) and text.lower().replace("_", "-") in ("x-mock-fault", "fault"):
            yield text, value


def test_every_fault_that_a_test_orders_exists() -> None:
    known = FAULTS.keys() | UNKNOWN_ON_PURPOSE
    files = [file for file in sorted(TESTS.rglob("test_*.py")) if file.name not in ORDERS_MISTAKES]
    orders = [(file, *order) for file in files for order in ordered(ast.parse(file.read_text("utf-8")))]
    wrong = [f"{file.relative_to(TESTS)}:{line}: {name}" for file, line, name in orders if name not in known]
    assert not wrong, "these orders name faults that do not exist:\n" + "\n".join(wrong)
    assert len(files) > 200 and len(orders) > 20


@pytest.mark.parametrize(
    "order",
    [
        "client.get('/', headers={**HEADERS, 'x-mock-fault': 'latency=1; garbled-json=2'})",
        "client.get('/', headers={'X-Mock-Fault': 'latency=1;garbled-json'})",
        "client.send('GET', '/', x_mock_fault='latency=1; garbled-json')",
        "headers['x-mock-fault'] = 'latency; garbled-json'",
        "headers = [('x-mock-fault', 'latency; garbled-json')]",
        "client.post('/_mock/faults', json=[{'fault': 'latency'}, {'fault': 'garbled-json', 'times': 1}])",
        "ask(fault='latency'), ask(fault='garbled-json')",
    ],
)
def test_a_misspelt_fault_is_noticed(order: str) -> None:
    assert [name for _, name in ordered(ast.parse(order))] == ["latency", "garbled-json"]
    assert "garbled-json" not in FAULTS
