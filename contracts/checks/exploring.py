"""What stands behind a connection: test, explore, preview and configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from contracts.expectations import NOWHERE, refused, succeeded
from contracts.registry import check
from contracts.stage import Made, Stage
from contracts.verdicts import expect, same, untestable

EXPLORE = ("getByConnectionId",)
VALUES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "string": (str,),
}
"""Type of a column -> types of its values in a preview; other types are not judged."""


@check("explore.test", operations=("testConnection",))
def the_credentials_are_tried(stage: Stage) -> None:
    """`{"result": true}` for a connection that the server took."""
    made = stage.make("connections")
    same(succeeded(stage.call("GET", f"{made.path}/test")), {"result": True}, "result")


@check("explore.root", operations=EXPLORE)
def the_root_is_an_array(stage: Stage) -> None:
    """Of what there is, in whatever case `objectType` is written."""
    made = stage.make("connections")
    lower = _root(stage, made)
    same(succeeded(stage.call("GET", f"{made.path}/explore?objectType=ROOT")), lower, "with objectType=ROOT")
    for entry in lower:
        missing = {"type", "name", "path", "canPreview", "canFetchSchema"} - set(entry)
        expect(not missing, f"an entry without {', '.join(sorted(missing))}")


@check("explore.table", operations=EXPLORE)
def a_table_has_columns(stage: Stage) -> None:
    """`format` and `schema.columns`, no rows unless asked for."""
    made = stage.make("connections")
    table = _table(stage, made)
    body = succeeded(stage.call("GET", f"{made.path}/explore?objectType=table&object={table}"))
    same(body.get("format"), "flat", "format")
    expect(body["schema"]["columns"], "a table without columns")
    expect("data" not in body, "rows that nobody asked for")


@check("explore.preview", operations=EXPLORE)
def a_preview_has_rows_of_those_columns(stage: Stage) -> None:
    """At most 100 rows, whose members are columns."""
    made = stage.make("connections")
    target = f"{made.path}/explore?objectType=table&object={_table(stage, made)}&preview=true"
    body = succeeded(stage.call("GET", target))
    columns = {column["name"] for column in body["schema"]["columns"]}
    expect(isinstance(body.get("data"), list), "a preview without data")
    expect(0 < len(body["data"]) <= 100, f"{len(body['data'])} rows in a preview")
    for row in body["data"]:
        expect(set(row) <= columns, f"a row with members that are no columns: {sorted(set(row) - columns)}")
    shown = {name for row in body["data"] for name in row}
    same(sorted(columns - shown), [], "columns that no row has")
    for column in body["schema"]["columns"]:
        kinds = VALUES.get(str(column.get("type")), (object,))
        for value in (row.get(column["name"]) for row in body["data"]):
            right = value is None or (isinstance(value, kinds) and isinstance(value, bool) <= (bool in kinds))
            expect(right, f"column {column['name']} of type {column.get('type')} with the value {value!r}")


@check("explore.unknown-table", operations=EXPLORE)
def an_unknown_table_is_refused(stage: Stage) -> None:
    """Not an empty one."""
    made = stage.make("connections")
    answer = stage.call("GET", f"{made.path}/explore?objectType=table&object=no.such.table")
    expect(answer.status in (400, 404), f"{answer}, expected 400 or 404")


@check("explore.wrong", operations=EXPLORE)
def wrong_questions_are_refused(stage: Stage) -> None:
    """No `objectType`, one nobody knows, a table without its name."""
    made = stage.make("connections")
    for query in ("", "?objectType=shelf", "?objectType=table", "?objectType="):
        refused(stage.call("GET", f"{made.path}/explore{query}"), 400)


@check("explore.unknown-connection", writes=False, operations=EXPLORE)
def an_unknown_connection_is_not_explored(stage: Stage) -> None:
    """1439 below a connection that is not there, and after its deletion."""
    for below in ("/test", "/explore?objectType=root", "/configs"):
        refused(stage.call("GET", f"/connections/{NOWHERE}{below}"), 404, "1439-404")


@check("explore.configs", operations=("exploreConfigByConnectionId",))
def configs_are_columns(stage: Stage) -> None:
    """Names and types in `items`."""
    made = stage.make("connections")
    for item in succeeded(stage.call("GET", f"{made.path}/configs"))["items"]:
        expect({"columnName", "columnType"} <= set(item), f"a column without name or type: {item}")


def _root(stage: Stage, made: Made) -> list[dict[str, Any]]:
    body = succeeded(stage.call("GET", f"{made.path}/explore?objectType=root"))
    expect(isinstance(body, list), "the root is not an array")
    return list(body)


def _table(stage: Stage, made: Made) -> str:
    tables = [entry["path"] for entry in _root(stage, made) if entry["type"] == "table"]
    if not tables:
        untestable("there is no table behind the connection")
    return quote(tables[0], safe="")
