"""Explore: what a client may ask of a source, and the answers by family (facts §8.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mockserver.exchange import Json, Pairs
from mockserver.sources import filters
from mockserver.sources.columns import Column
from mockserver.sources.files import COMPRESSIONS, FILE_TYPES, File, listing, normal
from mockserver.sources.refusals import absent, refusal
from mockserver.sources.source import Source

PREVIEW_ROWS = 100
"""Rows in a preview. No page states the limit (facts §8.3): assumed."""

SPELLINGS = {"FileType": "fileType", "CompressionType": "compressionType"}
"""The official document's spelling -> the tutorials'."""

PARAMETERS = (
    "objectType", "object", "preview", "fileType", "compressionType", "columnDelimiter", "encoding", "filters",
    "determineProperties",
)  # fmt: skip

TAKES: dict[str, frozenset[str]] = {
    "root": frozenset(),
    "table": frozenset({"object", "preview", "filters"}),
    "folder": frozenset({"object"}),
    "file": frozenset({*PARAMETERS} - {"objectType", "filters"}),
}
"""objectType -> the parameters that go with it."""


@dataclass(frozen=True, slots=True)
class ExploreRequest:
    """The question, checked as far as it can be without knowing the source."""

    object_type: str
    """In small letters, as the tutorials write it; any case is accepted."""
    object: str = ""
    preview: bool = False
    file_type: str | None = None
    compression: str | None = None
    delimiter: str | None = None
    filters: str | None = None
    """PQL in JSON, in base64."""
    determine: bool = False
    """Whether the file's type, compression and delimiter are to be found out."""

    @classmethod
    def parse(cls, query: Pairs) -> ExploreRequest:
        """Read the query. Raises SourceError: a parameter that is missing, doubled, out of place or wrong."""
        given = _single(query)
        object_type = given.get("objectType", "").lower()
        if not object_type:
            raise refusal("empty" if "objectType" in given else "missing", "objectType")
        for name in given:
            if name != "objectType" and name not in TAKES.get(object_type, PARAMETERS):
                raise refusal("misplaced", name, object_type)
        encoding = given.get("encoding", "UTF-8").upper()
        if encoding not in ("UTF-8", "ISO-8859-1"):
            raise refusal("value", "encoding", "UTF-8 or ISO-8859-1")
        return cls(
            object_type=object_type,
            object=given.get("object", ""),
            preview=_flag(given, "preview"),
            file_type=_one_of(given, "fileType", FILE_TYPES),
            compression=_one_of(given, "compressionType", COMPRESSIONS),
            delimiter=_delimiter(given.get("columnDelimiter")),
            filters=given.get("filters"),
            determine=_flag(given, "determineProperties"),
        )


def explore(source: Source, family: str, connector: str, asked: ExploreRequest) -> Json:
    """The answer, or SourceError. Families other than storage and streaming show tables."""
    if family == "streaming":
        raise refusal("explore", connector)
    answers = FILES if family == "storage" else TABLES
    answer = answers.get(asked.object_type)
    if answer is None:
        raise refusal("object_type", connector, " or ".join(answers))
    if asked.object_type != "root" and not asked.object:
        raise refusal("object", asked.object_type)
    return answer(source, connector, asked)


def _tables(source: Source, connector: str, asked: ExploreRequest) -> Json:
    return [
        {"type": "table", "name": name, "path": name, "canPreview": True, "canFetchSchema": True}
        for name in source.tables
    ]


def _table(source: Source, connector: str, asked: ExploreRequest) -> Json:
    table = source.tables.get(asked.object)
    if table is None:
        raise refusal("table", asked.object)
    fits = None if asked.filters is None else filters.read(asked.filters, connector, table.columns)
    return _flat(table.columns, table.records(PREVIEW_ROWS, fits) if asked.preview else None)


def _folder(source: Source, connector: str, asked: ExploreRequest) -> Json:
    items = listing(source.files, asked.object or "/")
    if items is None:
        raise absent("folder", asked.object)
    return [*items]


def _file(source: Source, connector: str, asked: ExploreRequest) -> Json:
    file = source.files.get(normal(asked.object))
    if file is None:
        raise absent("file", asked.object)
    if asked.determine:
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


TABLES: dict[str, Callable[[Source, str, ExploreRequest], Json]] = {"root": _tables, "table": _table}
FILES: dict[str, Callable[[Source, str, ExploreRequest], Json]] = {"root": _folder, "folder": _folder, "file": _file}


def _content(file: File, asked: ExploreRequest) -> dict[str, Any]:
    columns, records = file.preview(PREVIEW_ROWS if asked.preview else 0, asked.delimiter)
    return _flat(columns, records if asked.preview else None)


def _properties(file: File) -> dict[str, Any]:
    """What the service finds out about a file (landing zone page)."""
    found = {"fileType": file.type, "compressionType": file.compression}
    delimiter = file.delimiter if file.type == "delimited" else None
    return {name: value for name, value in {**found, "columnDelimiter": delimiter}.items() if value}


def _flat(columns: tuple[Column, ...] | list[Column], records: list[dict[str, Any]] | None) -> dict[str, Any]:
    answer: dict[str, Any] = {"format": "flat", "schema": {"columns": [column.describe() for column in columns]}}
    return answer if records is None else {**answer, "data": records}


def _single(query: Pairs) -> dict[str, str]:
    """The parameters of explore, each at most once whatever its spelling; others are the contract's business."""
    given: dict[str, str] = {}
    for name, value in query:
        name = SPELLINGS.get(name, name)
        if name in given:
            raise refusal("value", name, "one value")
        if name in PARAMETERS:
            given[name] = value
    return given


def _flag(given: dict[str, str], name: str) -> bool:
    value = given.get(name, "false").lower()
    if value not in ("true", "false"):
        raise refusal("value", name, "true or false")
    return value == "true"


def _one_of(given: dict[str, str], name: str, values: tuple[str, ...]) -> str | None:
    """The documented spelling of a value sent in any case."""
    if name not in given:
        return None
    for value in values:
        if value.lower() == given[name].lower():
            return value
    raise refusal("value", name, "one of " + ", ".join(values))


def _delimiter(value: str | None) -> str | None:
    r"""One character; a tab may be written `\t`, as the tutorial does."""
    if value == r"\t":
        return "\t"
    if value is not None and (len(value) != 1 or value in '\r\n"'):
        raise refusal("value", "columnDelimiter", "one character")
    return value
