"""Files and folders of a storage: a tree derived from file paths. The rows of a file come from a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mockserver.sources.columns import Column
from mockserver.sources.tables import Table, Window, csv_text


@dataclass(frozen=True)
class File:
    """A file: its path, its format, and the table with its rows."""

    path: str
    """Absolute path without a trailing slash."""
    type: str
    table: Table
    delimiter: str = ","
    compression: str | None = None

    @property
    def name(self) -> str:
        """The file name."""
        return self.path.rpartition("/")[2]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns as the format stores them: all columns of delimited text are text."""
        if self.type == "delimited":
            return tuple(Column(column.name, "text") for column in self.table.columns)
        return self.table.columns

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return self.table.row_count

    @property
    def byte_count(self) -> int:
        """Uncompressed size in bytes: the rows as CSV plus, for delimited text, a header."""
        header = [[column.name for column in self.table.columns]]
        return self.table.byte_count + (len(csv_text(header).encode()) if self.type == "delimited" else 0)

    def window(self, delta_column: str, start_ms: int | None = None, end_ms: int | None = None) -> Window:
        """The rows within a window of time; see `Table.window`."""
        return self.table.window(delta_column, start_ms, end_ms)

    def stretch(self, delta_column: str | None, start_ms: int | None, end_ms: int | None) -> Iterable[dict[str, Any]]:
        """The rows of a window; see `Table.stretch`. Every value of delimited text is text."""
        rows = self.table.stretch(delta_column, start_ms, end_ms)
        if self.type != "delimited":
            return rows
        return ({name: None if value is None else _text(value) for name, value in row.items()} for row in rows)

    def foresee(self, delta_column: str, moments: Sequence[int | None]) -> None:
        """Prepare the windows between these moments; see `Table.foresee`."""

    def preview(self, stop: int, delimiter: str | None = None) -> tuple[list[Column], list[dict[str, Any]]]:
        """Columns and first rows. Delimited text is really written and parsed, so a wrong delimiter garbles both."""
        if self.type != "delimited":
            return list(self.columns), self.table.records(stop)
        header = [column.name for column in self.table.columns]
        text = csv_text([header, *self.table.rows(0, stop)], self.delimiter)
        first, *rest = csv.reader(io.StringIO(text), delimiter=delimiter or self.delimiter)
        records = [dict(zip(first, row, strict=False)) for row in rest]
        return [Column(name, "text") for name in first], records


def listing(files: Mapping[str, File], folder: str) -> list[dict[str, Any]] | None:
    """The contents of a folder, files first, in the form of Adobe's samples; None if the folder does not exist.

    The root always exists. Paths of folders end with a slash.
    """
    inside = normal(folder).rstrip("/") + "/"
    below = [path for path in files if path.startswith(inside)]
    if not below and inside != "/":
        return None
    found = [files[path] for path in below if "/" not in path[len(inside) :]]
    folders = dict.fromkeys(path[len(inside) :].split("/")[0] for path in below if "/" in path[len(inside) :])
    return [
        *(_item("file", file.name, file.path, explorable=True) for file in found),
        *(_item("folder", name, f"{inside}{name}/", explorable=False) for name in folders),
    ]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def normal(path: str) -> str:
    """An absolute path without a trailing slash. `root` names the root (tutorial's sample)."""
    parts = [part for part in path.split("/") if part]
    return "/" if path == "root" else "/" + "/".join(parts)


def _item(kind: str, name: str, path: str, *, explorable: bool) -> dict[str, Any]:
    return {"type": kind, "name": name, "path": path, "canPreview": explorable, "canFetchSchema": explorable}
