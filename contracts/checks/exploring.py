"""Checks of the source behind a connection: test, explore, preview and configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from contracts.findings.verdicts import expect, of_json_type, same, untestable
from contracts.registry import check
from contracts.stage import Made, Stage
from contracts.stage.expectations import NOWHERE, refused, succeeded

EXPLORE = ("getByConnectionId",)
VALUES: Mapping[str, str] = {
    "integer": "integer",
    "long": "integer",
    "double": "number",
    "number": "number",
    "boolean": "boolean",
    "string": "string",
}
"""Type of a column -> JSON type of its values in a preview; other types are not checked."""
COLUMN_TYPES = {*VALUES, "date", "date-time", "timestamp", "time", "float", "decimal", "short", "byte", "binary"}
"""Column types in documents or of such sources."""
MAX_TABLES = 3
"""Maximum tables to explore."""


@check("explore.test", operations=("testConnection",))
def the_credentials_are_tried(stage: Stage) -> None:
    """Test returns `{"result": true}` for a connection that the server accepted."""
    made = stage.make("connections")
    same(succeeded(stage.call("GET", f"{made.path}/test")), {"result": True}, "result")


@check("explore.root", operations=EXPLORE)
def the_root_is_an_array(stage: Stage) -> None:
    """The root is an array of objects; `objectType` is case-insensitive."""
    made = stage.make("connections")
    lower = _root(stage, made)
    same(succeeded(stage.call("GET", f"{made.path}/explore?objectType=ROOT")), lower, "with objectType=ROOT")
    for entry in lower:
        missing = {"type", "name", "path", "canPreview", "canFetchSchema"} - set(entry)
        expect(not missing, f"an entry without {', '.join(sorted(missing))}")


@check("explore.table", operations=EXPLORE)
def a_table_has_columns(stage: Stage) -> None:
    """A table has `format` and `schema.columns`, and rows only on request."""
    made = stage.make("connections")
    table = _table(stage, made)
    body = succeeded(stage.call("GET", f"{made.path}/explore?objectType=table&object={table}"))
    same(body.get("format"), "flat", "format")
    expect(body["schema"]["columns"], "a table without columns")
    expect("data" not in body, "rows without preview=true")
    target = f"{made.path}/explore?objectType=table&object={table}&preview=false"
    same(succeeded(stage.call("GET", target)), body, "a table with preview=false")


@check("explore.each-table", operations=EXPLORE)
def each_table_shows_its_own(stage: Stage) -> None:
    """Paths are unique and end with the name; a preview has the same columns; tables differ."""
    made = stage.make("connections")
    root = _root(stage, made)
    paths = [entry["path"] for entry in root]
    same(sorted(set(paths)), sorted(paths), "paths of the root, each once")
    for entry in root:
        expect(str(entry["path"]).endswith(str(entry["name"])), f"the path {entry['path']!r} of {entry['name']!r}")
    tables = [entry["path"] for entry in root if entry["type"] == "table"][:MAX_TABLES]
    shown = []
    for path in tables:
        target = f"{made.path}/explore?objectType=table&object={quote(path, safe='')}"
        plain, preview = (succeeded(stage.call("GET", target + more)) for more in ("", "&preview=true"))
        same(preview["schema"], plain["schema"], f"columns of {path} with a preview")
        shown.append((plain["schema"], preview["data"]))
    expect(len(tables) < 2 or any(one != shown[0] for one in shown), f"{', '.join(tables)} have the same content")


@check("explore.rows", operations=EXPLORE)
def rows_tell_apart(stage: Stage) -> None:
    """The first tables have different rows and values that are not null."""
    made = stage.make("connections")
    rows: list[list[dict[str, Any]]] = []
    for entry in [entry for entry in _root(stage, made) if entry["type"] == "table"][:MAX_TABLES]:
        target = f"{made.path}/explore?objectType=table&object={quote(entry['path'], safe='')}&preview=true"
        rows.append(succeeded(stage.call("GET", target))["data"])
    several = [found for found in rows if len(found) > 1]
    expect(
        not several or any(row != found[0] for found in several for row in found), "all rows of each preview are equal"
    )
    values = [value for found in rows for row in found for value in row.values()]
    expect(not values or any(value is not None for value in values), "all values of all previews are null")


@check("explore.preview", operations=EXPLORE)
def a_preview_has_rows_of_those_columns(stage: Stage) -> None:
    """A preview has at most 100 rows whose members are columns of the table."""
    made = stage.make("connections")
    target = f"{made.path}/explore?objectType=table&object={_table(stage, made)}&preview=true"
    body = succeeded(stage.call("GET", target))
    columns = {column["name"] for column in body["schema"]["columns"]}
    expect(isinstance(body["data"], list), "a preview whose data are no list")
    expect(0 < len(body["data"]) <= 100, f"{len(body['data'])} rows in a preview")
    for row in body["data"]:
        expect(set(row) <= columns, f"a row with members that are no columns: {sorted(set(row) - columns)}")
    shown = {name for row in body["data"] for name in row}
    same(sorted(columns - shown), [], "columns that no row has")
    for column in body["schema"]["columns"]:
        what, wanted = f"column {column['name']} of type {column.get('type')}", VALUES.get(str(column.get("type")))
        for value in (row.get(column["name"]) for row in body["data"]):
            if wanted and value is not None:
                of_json_type(value, wanted, what)
            expect(wanted == "boolean" or not isinstance(value, bool), f"{what} with the value {value!r}")


@check("explore.unknown-table", operations=EXPLORE)
def an_unknown_table_is_refused(stage: Stage) -> None:
    """Exploring an unknown table is refused."""
    made = stage.make("connections")
    answer = stage.call("GET", f"{made.path}/explore?objectType=table&object=no.such.table")
    expect(answer.status in (400, 404), f"{answer}, expected 400 or 404")


@check("explore.wrong", operations=EXPLORE)
def wrong_questions_are_refused(stage: Stage) -> None:
    """A missing or unknown `objectType` and a table without a name are refused."""
    made = stage.make("connections")
    for query in ("", "?objectType=shelf", "?objectType=table", "?objectType="):
        refused(stage.call("GET", f"{made.path}/explore{query}"), 400)


@check("explore.unknown-connection", writes=False, operations=EXPLORE)
def an_unknown_connection_is_not_explored(stage: Stage) -> None:
    """Exploring an unknown or deleted connection gets 1439."""
    for below in ("/test", "/explore?objectType=root", "/configs"):
        refused(stage.call("GET", f"/connections/{NOWHERE}{below}"), 404, "1439-404")


@check("explore.configs", operations=("exploreConfigByConnectionId",))
def configs_are_columns(stage: Stage) -> None:
    """`items` has the names and types of columns."""
    made = stage.make("connections")
    items = succeeded(stage.call("GET", f"{made.path}/configs"))["items"]
    expect(items, "configs without a column")
    for item in items:
        expect({"columnName", "columnType"} <= set(item), f"a column without name or type: {item}")


@check("explore.configs-of-a-table", operations=("exploreConfigByConnectionId",))
def configs_are_those_of_a_table(stage: Stage) -> None:
    """The columns are those of an explorable table."""
    made = stage.make("connections")
    items = succeeded(stage.call("GET", f"{made.path}/configs"))["items"]
    names = [item["columnName"] for item in items]
    types = {item["columnType"] for item in items}
    expect(types <= COLUMN_TYPES, f"column types {', '.join(sorted(types - COLUMN_TYPES))}, which no column has")
    tables = [entry["path"] for entry in _root(stage, made) if entry["type"] == "table"]
    found = []
    for path in tables:
        target = f"{made.path}/explore?objectType=table&object={quote(path, safe='')}"
        found.append([column["name"] for column in succeeded(stage.call("GET", target))["schema"]["columns"]])
        if found[-1] == names:
            return
    expect(names in found, f"configs has the columns {', '.join(names)}, which no table has")


def _root(stage: Stage, made: Made) -> list[dict[str, Any]]:
    body = succeeded(stage.call("GET", f"{made.path}/explore?objectType=root"))
    expect(isinstance(body, list), "the root is not an array")
    return list(body)


def _table(stage: Stage, made: Made) -> str:
    tables = [entry["path"] for entry in _root(stage, made) if entry["type"] == "table"]
    if not tables:
        untestable("there is no table behind the connection")
    return quote(tables[0], safe="")
