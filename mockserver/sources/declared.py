"""Reads a sources file. The vocabulary is defined here; `examples/sources.yaml` explains it.

The built-in shop is such a file, too: `shop.yaml`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mockserver.sources.asked import COMPRESSIONS, FILE_TYPES
from mockserver.sources.cells import Cells, ListedCells
from mockserver.sources.columns import TYPES, Column, Value, fitted, shape_of
from mockserver.sources.files import File, normal
from mockserver.sources.generators import GENERATORS, ColumnContext, generated
from mockserver.sources.node import Node
from mockserver.sources.source import ANY, MATCHABLE, RunRule, Source
from mockserver.sources.tables import Table

MAX_ROWS = 10**9
SHOP = Path(__file__).parent / "shop.yaml"

SOURCE = ("match", "unreachable", "username", "password", "tables", "files", "runs")
TABLE = ("columns", "rows", "generate", "label")
FILE = ("type", "table", "delimiter", "compression")
RUN = ("status", "object", "numbers", "rows", "code", "message")
"""Allowed members of a source, a table, a file and a rule for runs."""


@dataclass(frozen=True, slots=True)
class Declared:
    """The contents of a sources file."""

    sources: tuple[Source, ...]
    fallback: Source | None
    """The source of connections that match none of the others; None for the built-in shop."""


def read(path: str) -> Declared:
    """Read a sources file. Raises ValueError: one line with file, place, what was expected and what was found."""
    root = Node.read(Path(path)).members(("default", "sources"))
    sources = tuple(_source(node) for node in root["sources"].items()) if "sources" in root else ()
    default = root["default"].one_of("shop", "unreachable") if "default" in root else "shop"
    return Declared(sources, None if default == "shop" else Source({}, reachable=False))


@functools.cache
def shop() -> Declared:
    """The built-in shop, read once per process."""
    return read(str(SHOP))


def _source(node: Node) -> Source:
    members = node.members(SOURCE)
    if "match" not in members:
        raise node.wrong("the member match", "a source without it")
    tables = {name: _table(name, table) for name, table in _members(members, "tables").items()}
    files = [_file(path, file, tables) for path, file in _members(members, "files").items()]
    runs = members["runs"].items() if "runs" in members else ()
    return Source(
        match={name: _matched(value) for name, value in members["match"].members(MATCHABLE).items()},
        reachable=not ("unreachable" in members and members["unreachable"].flag()),
        username=members["username"].text() if "username" in members else None,
        password=members["password"].text() if "password" in members else None,
        tables=tables,
        files={file.path: file for file in sorted(files, key=lambda file: file.path)},
        runs=tuple(_run(run, {*tables, *(file.path for file in files)}) for run in runs),
    )


def _members(members: Mapping[str, Node], name: str) -> dict[str, Node]:
    return members[name].members() if name in members else {}


def _matched(node: Node) -> str:
    """A value to match, as text; a port may be a number."""
    return str(node.integer(1, 65_535)) if isinstance(node.value, int) else node.text()


def _table(name: str, node: Node) -> Table:
    members = node.members(TABLE)
    if "columns" not in members:
        raise node.wrong("the member columns", "a table without it")
    if ("rows" in members) == ("generate" in members):
        raise node.wrong("either rows or generate", "both" if "rows" in members else "neither")
    entries = members["columns"].members()
    columns = tuple(_column(column, entry) for column, entry in entries.items())
    if not columns:
        raise members["columns"].wrong("at least one column")
    label = members["label"].text() if "label" in members else ""
    if "rows" in members:
        for column, entry in entries.items():
            if isinstance(entry.value, dict) and len(entry.value) > 1:
                raise entry.wrong("a type alone where rows are written out", f"a generator for '{column}'")
        rows = [_row(row, columns) for row in members["rows"].items()]
        return Table(name, columns, len(rows), _by_column(columns, rows), label)
    return replace(_generated(name, columns, entries, members["generate"]), label=label)


def _generated(name: str, columns: tuple[Column, ...], entries: Mapping[str, Node], node: Node) -> Table:
    wanted = node.members(("rows", "seed"))
    if "rows" not in wanted:
        raise node.wrong("the member rows", "generate without it")
    count = wanted["rows"].integer(0, MAX_ROWS)
    seed = wanted["seed"].integer(0, 2**63) if "seed" in wanted else 0
    made: dict[str, Cells] = {}
    for column in columns:
        entry = entries[column.name]
        members = entry.members() if isinstance(entry.value, dict) else {}
        made[column.name] = generated(entry, members, ColumnContext(column, f"{seed}/{name}", dict(made), count))
    return Table(name, columns, count, made)


def _column(name: str, node: Node) -> Column:
    entry = node.members(("type", *GENERATORS, "nulls")) if isinstance(node.value, dict) else {"type": node}
    if "type" not in entry:
        raise node.wrong("the member type", "a column without it")
    declared = entry["type"].text()
    if shape_of(declared) is None:
        raise entry["type"].wrong("a PostgreSQL type: " + ", ".join(TYPES), f"'{declared[:40]}'")
    return Column(name, declared)


def _row(node: Node, columns: tuple[Column, ...]) -> list[Value]:
    """A row: a list in column order, or a mapping that may omit NULLs."""
    if isinstance(node.value, dict):
        given = node.members(tuple(column.name for column in columns))
        return [_cell(given[column.name], column) if column.name in given else None for column in columns]
    cells = list(node.items())
    if len(cells) != len(columns):
        raise node.wrong(f"{len(columns)} values, one for each column", f"{len(cells)}")
    return [_cell(cell, column) for cell, column in zip(cells, columns, strict=True)]


def _cell(node: Node, column: Column) -> Value:
    try:
        return fitted(node.value, column.shape)
    except ValueError as error:
        raise node.wrong(f"{error} for a column of type {column.type}") from None


def _by_column(columns: tuple[Column, ...], rows: list[list[Value]]) -> dict[str, Cells]:
    return {column.name: ListedCells([row[at] for row in rows]) for at, column in enumerate(columns)}


def _file(path: str, node: Node, tables: Mapping[str, Table]) -> File:
    members = node.members(FILE)
    if "table" not in members:
        raise node.wrong("the member table", "a file without it")
    table = members["table"]
    if isinstance(table.value, str) and table.value not in tables:
        raise table.wrong("a table of this source, or columns and rows", "another name")
    held = tables[table.value] if isinstance(table.value, str) else _table(path, table)
    kind = members["type"].one_of(*FILE_TYPES) if "type" in members else "delimited"
    delimiter = members["delimiter"].text() if "delimiter" in members else ","
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise members["delimiter"].wrong("one character")
    compression = members["compression"].one_of(*COMPRESSIONS) if "compression" in members else None
    if normal(path) == "/":
        raise node.wrong("a path that names a file", "none")
    return File(normal(path), kind, held, delimiter, compression)


def _run(node: Node, known: set[str]) -> RunRule:
    members = node.members(RUN)
    if "status" not in members:
        raise node.wrong("the member status", "a rule without it")
    status = members["status"].one_of("failed", "partial")
    if status == "failed" and "rows" in members:
        raise members["rows"].wrong("a share of rows for status partial only", "one for failed")
    partial = members["rows"].number(0, 1) if "rows" in members else 0.1
    written = {name: members[name].text() for name in ("code", "message") if name in members}
    return RunRule(
        status=status,
        object=_object(members["object"], known) if "object" in members else ANY,
        numbers=frozenset(number.integer(1, 10**9) for number in members["numbers"].items())
        if "numbers" in members
        else frozenset(),
        rows=partial if status == "partial" else 1.0,
        **written,
    )


def _object(node: Node, known: set[str]) -> str:
    """The name of a table or file of the source. A source without data has the shop's, whose names are not checked."""
    return node.one_of(ANY, *sorted(known)) if known else node.text()
