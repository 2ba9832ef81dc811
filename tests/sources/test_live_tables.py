"""Tests of exploring a live PostgreSQL database. Forms are documented; type mapping beyond samples is assumed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Emulator
from mockserver.sources.live import printed, read_name
from tests import live
from tests.calls import INTEGER, LONG, made, refused, send
from tests.rows import each


@pytest.fixture(scope="module")
def emulator() -> Emulator:
    return live.emulator()


@pytest.fixture(scope="module")
def base(emulator: Emulator) -> str:
    return made(emulator, live.basic())["id"]


@pytest.fixture(scope="module")
def reader(emulator: Emulator) -> str:
    """A connection of a user with few permissions."""
    return made(emulator, live.basic(username="reader", password="reader-c4n4ry"))["id"]


def test_the_root_lists_the_tables_and_views_of_every_schema(emulator: Emulator, base: str) -> None:
    answer: Any = live.explore(emulator, base)
    assert answer.status == 200
    assert answer.body[1] == {
        "type": "table", "name": "hidden.salaries", "path": "hidden.salaries", "canPreview": True,
        "canFetchSchema": True,
    }  # fmt: skip
    listed = set(live.names(answer.body))
    assert {"public.customers", "public.empty_one", "public.failing", '"Sales.EU"."Say ""hi"" %s"'} <= listed
    assert not any(name.startswith(("pg_", "information_schema")) for name in listed)


def test_a_user_is_shown_what_that_user_may_read(emulator: Emulator, reader: str) -> None:
    answer: Any = live.explore(emulator, reader)
    assert live.names(answer.body) == ["public.customers", "public.partly"]
    table: Any = live.explore(emulator, reader, "public.partly")
    assert live.names(table.body["schema"]["columns"]) == ["open"]
    assert live.rows(emulator, reader, "public.partly") == []
    assert refused(live.explore(emulator, reader, "hidden.salaries"))[:2] == (400, "1100-400")


def test_every_name_the_root_lists_can_be_explored(emulator: Emulator, base: str) -> None:
    answer: Any = live.explore(emulator, base)
    for name in set(live.names(answer.body)) - {"public.without_columns"}:
        assert live.explore(emulator, base, name).status == 200, name


def test_names_that_need_quotes_come_back_as_they_are(emulator: Emulator, base: str) -> None:
    assert live.rows(emulator, base, '"Sales.EU"."Say ""hi"" %s"') == [{"Id %s": 1, "a.b": "x", "select": "y"}]


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(NAMES, NAMES)
def test_a_printed_name_is_read_as_what_it_was(schema: str, table: str) -> None:
    assert read_name(printed(schema, table)) == (schema, table)


@each(
    "name",
    [
        "customers", "public.nothing", "PUBLIC.customers", "public.customers.id", "public.customers; DROP TABLE orders",
        "public.customers' OR '1'='1", '"public".customers"', "pg_catalog.pg_authid", "information_schema.tables",
        "public.without_columns", ".", "public.", 'public.""', "public.%s", "x" * 5_000,
    ],
)  # fmt: skip
def test_a_name_that_is_no_table_has_no_columns(emulator: Emulator, base: str, name: str) -> None:
    result = live.explore(emulator, base, name, preview=True)
    assert refused(result)[:2] == (400, "1100-400")
    assert "1330-400" in str(result.body)


@each(
    "declared, written, shape, shown",
    [
        ("int2", "-1", {"type": "integer", "xdm": INTEGER}, -1),
        ("int8", "9007199254740993", {"type": "long", "xdm": LONG}, 9007199254740993),
        ("years", "42", {"type": "integer", "xdm": INTEGER}, 42),
        ("numeric(10,2)", "12.50", {"type": "double", "xdm": {"type": "number"}}, 12.5),
        ("float8", "NaN", {"type": "double", "xdm": {"type": "number"}}, None),
        ("real", "-Infinity", {"type": "double", "xdm": {"type": "number"}}, None),
        ("bool", "true", {"type": "boolean", "xdm": {"type": "boolean"}}, True),
        ("timestamp(3)", "2022-06-22 17:19:33.9", "date-time", "2022-06-22T17:19:33"),
        ("timestamptz", "2022-06-22 17:19:33+02", "date-time", "2022-06-22T15:19:33"),
        ("timestamptz", "infinity", "date-time", None),
        ("timestamp", "0044-03-15 BC", "date-time", None),
        ("date", "2022-01-31", "date", "2022-01-31"),
        ("text", "hé", "text", "hé"),
        ("varchar(10)", "v", "text", "v"),
        ("uuid", "d91f3d3a-0000-4000-8000-000000000000", "text", "d91f3d3a-0000-4000-8000-000000000000"),
        ("jsonb", '{"a":1}', "text", '{"a": 1}'),
        ("bytea", "\\xdeadbeef", "text", "3q2+7w=="),
        ("int[]", "{1,2}", "text", "{1,2}"),
        ("mood", "fine", "text", "fine"),
        ("int4range", "[1,5)", "text", "[1,5)"),
        ("interval", "1 day", "text", "1 day"),
    ],
)
def test_each_type_has_its_shape_and_its_cells(
    emulator: Emulator, base: str, declared: str, written: str, shape: Any, shown: Any
) -> None:
    live.execute(f"DROP TABLE IF EXISTS typed; CREATE TABLE typed (c {declared})")
    live.execute(f"INSERT INTO typed VALUES ('{written}'), (NULL)")  # noqa: S608
    if shape == "text":
        shape = {"type": "string", "xdm": {"type": "string"}}
    elif isinstance(shape, str):
        shape = {"type": "string", "meta:xdmType": shape, "xdm": {"type": "string", "format": shape}}
    answer: Any = live.explore(emulator, base, "public.typed", preview=True)
    assert answer.body == {
        "format": "flat",
        "schema": {"columns": [{"name": "c", **shape}]},
        "data": [{"c": shown}, {"c": None}],
    }


def test_a_preview_holds_a_hundred_rows_assumed(emulator: Emulator, base: str) -> None:
    found = live.rows(emulator, base, "public.customers")
    assert len(found) == 100
    assert found[1] == {"id": 2, "email": "c2@example.com", "active": True, "balance": 0.5}


def test_an_empty_table_has_columns_and_no_rows(emulator: Emulator, base: str) -> None:
    answer: Any = live.explore(emulator, base, "public.empty_one", preview=True)
    assert live.names(answer.body["schema"]["columns"]) == ["id", "seen"]
    assert answer.body["data"] == []


def test_what_is_long_is_cut_before_it_travels(emulator: Emulator, base: str) -> None:
    (row,) = live.rows(emulator, base, "public.long")
    assert row["t"] == "x" * 4096
    assert len(row["b"]) < 6000
    assert row["n"] is None  # JSON has no such number


def test_configs_are_the_columns_of_the_first_table_assumed(emulator: Emulator, base: str) -> None:
    answer: Any = send(emulator, "GET", f"/connections/{base}/configs")
    assert answer.body["items"][0] == {"columnName": "Id %s", "columnType": "integer"}


def test_a_database_without_tables_lists_none(emulator: Emulator) -> None:
    base = made(emulator, live.basic(database="template1"))["id"]
    assert live.explore(emulator, base).body == []
    assert send(emulator, "GET", f"/connections/{base}/configs").body == {"items": []}


def test_bytes_that_are_no_text_are_shown_as_such(emulator: Emulator) -> None:
    live.execute("CREATE DATABASE raw ENCODING 'SQL_ASCII' TEMPLATE template0")
    base = made(emulator, live.basic(database="raw"))["id"]
    live.execute("CREATE TABLE t AS SELECT convert_from('\\xff41', 'SQL_ASCII') AS c", "raw")
    assert live.rows(emulator, base, "public.t") == [{"c": "\ufffdA"}]


@pytest.mark.parametrize(
    ("table", "status", "code", "says"),
    [
        ("public.failing", 400, "1100-400", "failed while it was read"),
        ("public.slow", 504, "1104-504", "did not answer in time"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_in_the_services_form_assumed(
    emulator: Emulator, base: str, table: str, status: int, code: str, says: str
) -> None:
    assert live.explore(emulator, base, table).status == 200
    result = live.explore(emulator, base, table, preview=True)
    assert refused(result)[:2] == (status, code)
    assert says in str(result.body) and "division" not in str(result.body)


def test_filters_are_not_for_postgresql(emulator: Emulator, base: str) -> None:
    result = send(
        emulator, "GET", f"/connections/{base}/explore?objectType=table&object=public.customers&filters=e30%3D"
    )
    assert "1353-400" in str(result.body)


def test_nothing_is_changed_by_looking(emulator: Emulator, base: str) -> None:
    live.execute(
        "DROP TABLE IF EXISTS seen CASCADE; CREATE TABLE seen (id int);"
        " CREATE FUNCTION note() RETURNS int LANGUAGE sql AS 'INSERT INTO seen VALUES (1) RETURNING id';"
        " CREATE VIEW noting AS SELECT note() AS id"
    )
    assert refused(live.explore(emulator, base, "public.noting", preview=True))[:2] == (400, "1100-400")
    assert live.rows(emulator, base, "public.seen") == []
