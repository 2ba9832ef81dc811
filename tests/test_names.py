"""Tests of names: nothing is defined without use, and limits are called `MAX_`."""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver.errors import ERRORS, GATEWAY, PLAIN
from mockserver.sources.refusals import CONNECTOR, HINTS
from tests.rows import each
from tests.syntax import nodes, parsed

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(path for folder in ("mockserver", "contracts", "bench") for path in (ROOT / folder).rglob("*.py"))


@functools.cache
def trees() -> dict[Path, ast.Module]:
    """The code, parsed."""
    return {path: parsed(path) for path in FILES}


def all_nodes() -> Iterator[tuple[Path, ast.AST]]:
    """All nodes of these trees."""
    for path, tree in trees().items():
        for node in nodes(tree):
            yield path, node


@functools.cache
def texts() -> Counter[str]:
    """How often each text stands in the code outside `pages/`."""
    return Counter(
        node.value
        for path, node in all_nodes()
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and path.parts[-2] != "pages"
    )


PUBLIC = {"FlowServiceContainer", "assert_conformant", "alive_at_end", "parse_all"}
"""Names used by users of the package and the Dockerfile."""


def used() -> set[str]:
    """Every name that is read, imported or written as a text somewhere in the code."""
    names: set[str] = set()
    for _, node in all_nodes():
        match node:
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                names.add(name)
            case ast.alias(name=name):
                names.add(name.rpartition(".")[2])
    return names


def defined(body: list[ast.stmt], owner: ast.ClassDef | None = None) -> Iterator[tuple[str, int]]:
    """Functions, methods, classes and constants, except those called by a decorator or a base class."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if not (node.decorator_list or (owner and owner.bases)):
                yield node.name, node.lineno
            case ast.ClassDef():
                yield node.name, node.lineno
                yield from defined(node.body, node)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if owner is None:
                yield name, node.lineno


def test_nothing_is_defined_that_nothing_uses() -> None:
    known = used() | PUBLIC
    dead = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path, tree in trees().items()
        for name, line in defined(tree.body)
        if name not in known and not name.startswith(("__", "pytest_"))
    ]
    assert not dead, "take out what nothing uses:\n" + "\n".join(dead)


@pytest.mark.parametrize(
    ("table", "file"),
    [
        (ERRORS, "mockserver/errors.py"),
        (PLAIN, "mockserver/errors.py"),
        (GATEWAY, "mockserver/errors.py"),
        (CONNECTOR, "mockserver/sources/refusals.py"),
    ],
    ids=["ERRORS", "PLAIN", "GATEWAY", "CONNECTOR"],
)
def test_every_row_of_errors_is_raised_somewhere(table: dict[str, object], file: str) -> None:
    dead = [key for key in table if texts()[key] < 2]
    assert not dead, f"no code raises these rows of {file}: take them out"


def test_a_hint_belongs_to_a_refusal() -> None:
    assert HINTS.keys() <= CONNECTOR.keys()


@each("key", ERRORS)
def test_every_code_of_the_service_is_documented(key: str) -> None:
    number = ERRORS[key].code.partition("-")[0]
    documented = (ROOT / "docs" / "flow-service-facts.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{number}\b", documented), f"add {ERRORS[key].code} to docs/flow-service-facts.md"


def test_a_limit_is_called_max() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in FILES
        for name in re.findall(r"\b_?MOST(?:_[A-Z]+)*\b", path.read_text(encoding="utf-8"))
    ]
    assert not found, "say MAX_…: " + ", ".join(found)


RIDDLES = {"told", "stood"}
"""Names of values that say nothing about the value."""


@pytest.mark.parametrize("folder", ["mockserver", "contracts", "bench"])
def test_a_name_says_what_it_holds(folder: str) -> None:
    found = []
    for path in FILES:
        for node in nodes(parsed(path)) if path.is_relative_to(ROOT / folder) else ():
            match node:
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) if name in RIDDLES:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {name}")
    assert not found, f"name the value: {found}"


def test_a_class_name_stands_once() -> None:
    places: dict[str, list[str]] = {}
    for path, node in all_nodes():
        if isinstance(node, ast.ClassDef):
            places.setdefault(node.name.lstrip("_"), []).append(f"{path.relative_to(ROOT)}:{node.lineno}")
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert not twice, f"give each class a name of its own: {twice}"
