"""The syntax trees of Python files, made once for all tests that look at the code.

`conftest.py` gives the files of these tests to one worker.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def parsed(path: Path) -> ast.Module:
    """The tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """All nodes of a tree, since walking takes longer than any test that does, and that of `ast` twice as long."""
    found: list[ast.AST] = [tree]
    for node in found:  # which grows meanwhile
        for value in vars(node).values():
            if isinstance(value, list):
                found += [one for one in value if isinstance(one, ast.AST)]
            elif isinstance(value, ast.AST):
                found.append(value)
    return tuple(found)


def source_of(node: ast.expr) -> str:
    """The source of an expression; of a dotted name without the visitor of `ast`, which would take most of the time."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=name):
            return f"{source_of(owner)}.{name}"
    return ast.unparse(node)
