"""Tests that no regular expression of the packages takes more steps than in proportion to a text."""

from __future__ import annotations

import ast
import functools
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver.contract import documents
from tests.backtracking import slow_input
from tests.rows import each
from tests.syntax import nodes, parsed

HERE = Path(__file__).resolve().parent.parent
WAYS = {"match": "match", "fullmatch": "fullmatch", "search": "search", "scanner": "match"} | dict.fromkeys(
    ("sub", "subn", "split", "findall", "finditer"), "findall"
)
"""Method of a pattern -> how it goes through a text."""

Used = dict[re.Pattern[Any], set[str]]


def patterns_in(value: Any) -> Iterator[re.Pattern[Any]]:
    """The patterns in a value and its items."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from patterns_in(item)


@functools.cache
def found() -> tuple[dict[str, list[re.Pattern[Any]]], Used]:
    """Module -> its patterns; and how each of them is used anywhere.

    Any pattern of a module may be the one that goes through a loop.
    """
    modules: dict[str, list[re.Pattern[Any]]] = {}
    used: Used = {}
    loose: Used = {}
    files = [file for package in ("mockserver", "contracts") for file in sorted((HERE / package).rglob("*.py"))]
    for file in files:
        name = ".".join(file.relative_to(HERE).with_suffix("").parts).removesuffix(".__init__")
        source = file.read_text("utf-8")
        if "import re\n" not in source or name.startswith("contracts.clients"):
            continue
        names = vars(importlib.import_module(name))
        own = [one for value in names.values() for one in patterns_in(value)]
        for node in nodes(parsed(file)):
            if isinstance(node, ast.Attribute) and node.attr in WAYS:
                of_name = list(patterns_in(_value(node.value, names)))
                for one in of_name or (own if node.attr != "split" else ()):
                    (used if of_name else loose).setdefault(one, set()).add(WAYS[node.attr])
        for node, way in _called(file):
            text = _text(node, names)
            if isinstance(text, str | bytes):
                own.append(re.compile(text))
                used.setdefault(own[-1], set()).add(way)
        modules[name] = own
    modules["openapi.yaml"] = [re.compile(text) for text in sorted(_texts(documents.read(documents.contract())))]
    return modules, {**loose, **used}


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return names.get(name)
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            return getattr(names.get(owner), name, None)
    return None


def _texts(schema: Any) -> set[str]:
    """The patterns of a document, on which jsonschema searches texts of clients."""
    if isinstance(schema, list):
        return set().union(*map(_texts, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
    return own.union(*map(_texts, schema.values()))


def _called(file: Path) -> Iterator[tuple[ast.expr, str]]:
    """The patterns of calls in functions, such as `re.sub(r"x+", ...)`, and how they are used."""
    functions = (node for node in nodes(parsed(file)) if isinstance(node, ast.FunctionDef | ast.Lambda))
    for node in (node for function in functions for node in ast.walk(function)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=method), args=[pattern, *_]):
                if method in WAYS or method == "compile":
                    yield pattern, WAYS.get(method, "search")


def _text(node: ast.expr, names: dict[str, Any]) -> Any:
    """The pattern that an expression makes, with "x" for an escaped text; None if only a run can tell."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr="escape")):
            return "x"
        case ast.FormattedValue(value=value):
            return _text(value, names)
        case ast.JoinedStr(values=parts):
            texts = [_text(part, names) for part in parts]
            return "".join(texts) if all(isinstance(text, str) for text in texts) else None
        case ast.BinOp(left=ast.BinOp(left=left, op=ast.Add(), right=middle), op=ast.Add(), right=right):
            ends = [_text(part, names) for part in (left, right)]
            known = _text(middle, names) == "x" and all(isinstance(one, bytes) for one in ends)
            return b"x".join(ends) if known else None
    found = _value(node, names)
    return found.pattern if isinstance(found, re.Pattern) else found


@each("module", lambda: [name for name, patterns in found()[0].items() if patterns])
def test_no_pattern_takes_more_steps_than_in_proportion_to_a_text(module: str) -> None:
    modules, used = found()
    for pattern in dict.fromkeys(modules[module]):
        for way in sorted(used.get(pattern, {"search"})):
            assert slow_input(pattern, way) is None, (pattern.pattern, way)


def wide_ranges(tree: Any) -> Iterator[tuple[int, int]]:
    """The ranges of 4,096 characters of 16 bits and more in a parsed pattern."""
    for part in tree:
        if isinstance(part, tuple) and part and str(part[0]) == "RANGE":
            first, last = part[1]
            if min(last, 0xFFFF) - first >= 4_096:
                yield part[1]
        elif isinstance(part, tuple | list | type(tree)):
            yield from wide_ranges(part)


@each("module", lambda: [name for name, patterns in found()[0].items() if patterns])
def test_no_pattern_is_compiled_in_a_table_of_all_characters(module: str) -> None:
    """It takes 4 ms of each start, as long as a hundred other patterns."""
    for pattern in found()[0][module]:
        parsed = vars(re)["_parser"].parse(pattern.pattern, pattern.flags & ~re.DEBUG)
        assert not list(wide_ranges(parsed)), (pattern.pattern, "say which characters it lacks, or those beyond")


ASSEMBLED = {
    "mockserver/evidence/samples.py": "one of a table, for samples of the documentation",
    "contracts/broken/across_calls.py": "a prefix that a faulty server of the tests gives",
    "contracts/schema/document.py": "the paths of the OpenAPI document, escaped",
    "contracts/schema/departures.py": "of the OpenAPI document that is checked, in the words of its author",
}
"""Files with a pattern that is known only when it is used, and what it is made of: nothing of a client."""


def test_no_pattern_is_made_of_what_a_client_sends() -> None:
    assembled = set()
    for file in (file for package in ("mockserver", "contracts") for file in sorted((HERE / package).rglob("*.py"))):
        name = ".".join(file.relative_to(HERE).with_suffix("").parts).removesuffix(".__init__")
        source = file.read_text("utf-8")
        if "import re\n" in source and not name.startswith("contracts.clients"):
            names = vars(importlib.import_module(name))
            if any(_text(node, names) is None for node, _ in _called(file)):
                assembled.add(str(file.relative_to(HERE)))
    assert assembled == set(ASSEMBLED)


SLOW = {
    "each start looks at the rest": (r"\w+!", "search"),
    "two repetitions share a text": (r"\w*[a-z]*!", "fullmatch"),
    "a repetition in a repetition": (r"(?:\w+\s*)*!", "match"),
    "after a beginning": (r"x-(?:a|aa)+!", "match"),
    "endless after a few": (r"=\s*(?:'.*'|x)\s*$", "search"),
    "lazy": (r"(:[ ]*)([^\n]*?)([ ]*\n)", "search"),
    "a character named late": (r"^[0-9a-z/]*(?:(?:%SEGMENT%)?/?)+$", "search"),
    "one of two alternatives": (r"=(?:b|\s*\"?\s*c)", "fullmatch"),
}
FAST = {
    "atomic": (r"(?<!\w)\w++!", "search"),
    "bounded": (r"\w{1,128}@", "search"),
    "apart": (r"[a-z]+=[0-9]+;", "fullmatch"),
    "every occurrence": (r"[^a-z]+", "findall"),
    "one after the other": (r"(?:[a-z]+,)*[a-z]+", "fullmatch"),
}


@pytest.mark.parametrize("case", SLOW)
def test_a_slow_pattern_is_found(case: str) -> None:
    assert slow_input(re.compile(SLOW[case][0]), SLOW[case][1]) is not None


@pytest.mark.parametrize("case", FAST)
def test_a_pattern_in_proportion_is_not_called_slow(case: str) -> None:
    assert slow_input(re.compile(FAST[case][0]), FAST[case][1]) is None
