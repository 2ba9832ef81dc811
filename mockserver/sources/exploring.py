"""Answers explore by connector family (facts §8.3) and configs, and finds the objects that flow runs read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mockserver.json_input import Json
from mockserver.sources import filters
from mockserver.sources.asked import ExploreRequest
from mockserver.sources.columns import Column
from mockserver.sources.files import File, listing, normal
from mockserver.sources.refusals import absent, refusal
from mockserver.sources.source import Opened
from mockserver.sources.tables import Tabular

if TYPE_CHECKING:
    from mockserver.specs.connectors import Access

PREVIEW_ROWS = 100
"""Rows in a preview (assumed: no page states the limit, facts §8.3)."""


def explore(source: Opened, access: Access, asked: ExploreRequest) -> Json:
    """Answer explore. Raises SourceError. A family missing from `ANSWERS` shows tables."""
    answers = ANSWERS.get(access.family, TABLES)
    if not answers:
        raise refusal("explore", access.connector)
    answer = answers.get(asked.object_type)
    if answer is None:
        raise refusal("object_type", access.connector, " or ".join(answers))
    if asked.object_type not in ("root", "rest") and not asked.object:
        raise refusal("object", asked.object_type)
    return answer(source, access.connector, asked)


def configs(source: Opened, access: Access) -> Json:
    """The columns of the source's first table or file, in the form of the official document's example.

    Which columns the service lists is not documented: assumed.
    """
    if access.family in HOLD_NOTHING:
        raise refusal("operation", access.connector, "configs")
    held: Mapping[str, Tabular | File] = source.files if access.family == "storage" else source.tables
    first = next(iter(held.values()), None)
    columns = first.columns if first else ()
    return {"items": [{"columnName": column.name, "columnType": column.config_type} for column in columns]}


def objects(source: Opened, access: Access, name: str | None) -> tuple[Tabular | File, ...]:
    """The objects that a flow run reads: a table, a file, or all files below a folder. Raises SourceError.

    A REST source names none in a common way: it has its first table, which `explore` shows too (assumed).
    """
    if access.family == "rest":
        return tuple(source.tables.values())[:1]
    if access.family in HOLD_NOTHING or name is None:
        return ()
    if access.family != "storage":
        table = source.tables.get(name)
        if table is None:
            raise refusal("table", name)
        return (table,)
    path = normal(name)
    if path in source.files:
        return (source.files[path],)
    inside = path.rstrip("/") + "/"
    found = tuple(file for file in source.files.values() if file.path.startswith(inside))
    if not found:
        raise absent("file or folder", name)
    return found


def _tables(source: Opened, connector: str, asked: ExploreRequest) -> Json:
    labels = source.labels
    return [
        {"type": "table", "name": labels.get(name, name), "path": name, "canPreview": True, "canFetchSchema": True}
        for name in source.tables
    ]


def _streamed_tables(source: Opened, connector: str, asked: ExploreRequest) -> Json:
    """Snowflake streaming's page prints the tables in `items`, with type and name alone."""
    return {"items": [{"type": "table", "name": name} for name in source.tables]}


def _table(source: Opened, connector: str, asked: ExploreRequest) -> Json:
    table = source.tables.get(asked.object)
    if table is None:
        raise refusal("table", asked.object)
    fits = None if asked.filters is None else filters.read(asked.filters, connector, table.columns)
    return _flat(table.columns, table.records(PREVIEW_ROWS, fits) if asked.preview else None)


def _resource(source: Opened, connector: str, asked: ExploreRequest) -> Json:
    """The response of a REST source: a JSON document, its schema first (SAP Commerce's page).

    `sourceParams` belongs to the source's own API, which sources files do not describe. It is ignored,
    and the source's first table answers (assumed).
    """
    if asked.file_type not in (None, "json"):
        raise refusal("value", "fileType", "json for objectType rest")
    table = next(iter(source.tables.values()), None)
    if table is None:
        raise refusal("table", asked.object)
    properties: Json = {column.name: column.shape.property() for column in table.columns}
    answer: dict[str, Any] = {"format": "hierarchical", "schema": {"type": "object", "properties": properties}}
    return {**answer, "data": table.records(PREVIEW_ROWS)} if asked.preview else answer


def _folder(source: Opened, connector: str, asked: ExploreRequest) -> Json:
    items = listing(source.files, asked.object or "/")
    if items is None:
        raise absent("folder", asked.object)
    return [*items]


def _file(source: Opened, connector: str, asked: ExploreRequest) -> Json:
    file = source.files.get(normal(asked.object))
    if file is None:
        raise absent("file", asked.object)
    if asked.determine:
        if asked.described:
            raise refusal("determine_with", ", ".join(asked.described))
        return {"properties": _properties(file), **_content(file, asked)}
    if asked.file_type is None:
        raise refusal("missing", "fileType")
    if asked.file_type != file.type:
        raise refusal("format", file.path, asked.file_type)
    if file.compression and asked.compression is None:
        raise refusal("missing", "compressionType")
    if asked.compression not in (None, file.compression):
        raise refusal("format", file.path, f"a {asked.compression} file")
    return _content(file, asked)


TABLES: dict[str, Callable[[Opened, str, ExploreRequest], Json]] = {"root": _tables, "table": _table}
FILES: dict[str, Callable[[Opened, str, ExploreRequest], Json]] = {"root": _folder, "folder": _folder, "file": _file}
RESOURCES: dict[str, Callable[[Opened, str, ExploreRequest], Json]] = {"rest": _resource}
HOLD_NOTHING = ("streaming", "lake", "platform", "destination")
"""Connector families without data to explore or read."""

ANSWERS = {
    "storage": FILES,
    "rest": RESOURCES,
    "table-stream": {**TABLES, "root": _streamed_tables},
    **{family: {} for family in HOLD_NOTHING},
}
"""Connector family -> objectType -> the answer."""


def _content(file: File, asked: ExploreRequest) -> dict[str, Any]:
    columns, records = file.preview(PREVIEW_ROWS if asked.preview else 0, asked.delimiter)
    return _flat(columns, records if asked.preview else None)


def _properties(file: File) -> dict[str, Any]:
    """The detected properties of a file (landing zone page)."""
    found = {"fileType": file.type, "compressionType": file.compression}
    delimiter = file.delimiter if file.type == "delimited" else None
    return {name: value for name, value in {**found, "columnDelimiter": delimiter}.items() if value}


def _flat(columns: tuple[Column, ...] | list[Column], records: list[dict[str, Any]] | None) -> dict[str, Any]:
    answer: dict[str, Any] = {"format": "flat", "schema": {"columns": [column.describe() for column in columns]}}
    return answer if records is None else {**answer, "data": records}
