"""Tests of the built-in shop as seen by test, explore, configs and flow runs.

Expected answers are marked: documented (Adobe shows it), or assumed (no sample exists).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.sources import SourceError, Sources
from mockserver.sources.columns import shape_of
from mockserver.specs.connectors import Access
from tests.calls import INTEGER, LONG, question
from tests.dataflows import flowing, pass_time, runs_of
from tests.rows import each

POSTGRESQL = Access("database", "postgre-sql", "db.example.com", "5432", "shop", "reader", "s3cret")
CRM = Access("crm", "salesforce")
STORAGE = Access("storage", "amazon-s3")
STREAM = Access("streaming", "kinesis")


@pytest.fixture(scope="module")
def sources() -> Sources:
    return Sources.load()


def explore(sources: Sources, access: Access, **query: str) -> Any:
    return sources.explore(access, question(tuple(query.items())))


def refused(sources: Sources, access: Access, *query: tuple[str, str]) -> tuple[str | None, str]:
    with pytest.raises(SourceError) as caught:
        sources.explore(access, question(query))
    return caught.value.code, caught.value.message


def test_a_further_emulator_reads_no_shipped_file_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def runs() -> list[dict[str, Any]]:
        emulator = Emulator(Config(seed=1))
        flow_id = flowing(emulator)
        pass_time(emulator, 3_600_000)
        return runs_of(emulator, flow_id)

    first, read = runs(), []
    monkeypatch.setattr(Path, "open", lambda path, *how, **more: read.append(path))
    assert (runs(), read) == (first, []) and first


# tables


def test_the_root_of_a_database_lists_schema_qualified_tables_documented(sources: Sources) -> None:
    names = [item["name"] for item in explore(sources, POSTGRESQL, objectType="root")]
    assert names[:4] == ["public.customers", "public.products", "public.orders", "public.order_items"]
    item = explore(sources, POSTGRESQL, objectType="ROOT")[0]
    assert item == {
        "type": "table",
        "name": "public.customers",
        "path": "public.customers",
        "canPreview": True,
        "canFetchSchema": True,
    }


def test_a_crm_names_its_tables_without_a_schema(sources: Sources) -> None:
    assert [item["path"] for item in explore(sources, CRM, objectType="root")] == ["Account", "Contact", "Opportunity"]


def test_a_table_without_preview_is_its_columns_alone_documented(sources: Sources) -> None:
    answer = explore(sources, POSTGRESQL, objectType="table", object="public.customers")
    assert list(answer) == ["format", "schema"] and answer["format"] == "flat"
    assert explore(sources, POSTGRESQL, objectType="TABLE", object="public.customers", preview="false") == answer


@each(
    "declared, entry",
    [
        # documented
        ("text", {"type": "string", "xdm": {"type": "string"}}),
        (
            "timestamp",
            {"type": "string", "meta:xdmType": "date-time", "xdm": {"type": "string", "format": "date-time"}},
        ),
        ("boolean", {"type": "boolean", "xdm": {"type": "boolean"}}),
        ("double precision", {"type": "double", "xdm": {"type": "number"}}),
        ("INTEGER", {"type": "integer", "xdm": INTEGER}),
        ("int8", {"type": "long", "xdm": LONG}),
        # assumed
        ("int2", {"type": "integer", "xdm": INTEGER}),
        ("numeric(10, 2)", {"type": "double", "xdm": {"type": "number"}}),
        ("date", {"type": "string", "meta:xdmType": "date", "xdm": {"type": "string", "format": "date"}}),
        ("varchar(40)", {"type": "string", "xdm": {"type": "string"}}),
        ("uuid", {"type": "string", "xdm": {"type": "string"}}),
        ("int4[]", {"type": "string", "xdm": {"type": "string"}}),
    ],
)
def test_a_postgresql_type_shows_as_one_kind_of_column(declared: str, entry: dict[str, Any]) -> None:
    shape = shape_of(declared)
    assert shape is not None and shape.describe("c") == {"name": "c", **entry}


def test_a_preview_shows_at_most_100_rows_beside_the_columns_assumed(sources: Sources) -> None:
    answer = explore(sources, POSTGRESQL, objectType="table", object="public.customers", preview="true")
    assert list(answer) == ["format", "schema", "data"]
    assert len(answer["data"]) == 100
    assert list(answer["data"][0]) == [column["name"] for column in answer["schema"]["columns"]]
    small = explore(sources, POSTGRESQL, objectType="table", object="public.products", preview="true")
    assert len(small["data"]) == 48


def test_preview_values_are_json_values_and_moments_have_no_zone_documented(sources: Sources) -> None:
    row = explore(sources, POSTGRESQL, objectType="table", object="public.customers", preview="true")["data"][0]
    assert (row["customer_id"], row["email"]) == (1001, "customer1001@example.com")
    assert isinstance(row["marketing_consent"], bool) and isinstance(row["loyalty_points"], int)
    assert row["created_at"] == "2025-01-02T02:11:18"
    order = explore(sources, POSTGRESQL, objectType="table", object="public.orders", preview="true")["data"][0]
    assert isinstance(order["total"], float)


def test_the_shop_has_nulls_and_is_the_same_every_time(sources: Sources) -> None:
    asked = {"objectType": "table", "object": "public.customers", "preview": "true"}
    rows = explore(sources, POSTGRESQL, **asked)["data"]
    assert any(row["phone"] is None for row in rows) and not all(row["phone"] is None for row in rows)
    assert explore(Sources.load(), POSTGRESQL, **asked)["data"] == rows


# refusals: texts are ours, codes Adobe's

CSV = [("objectType", "file"), ("object", "/readme.csv"), ("fileType", "delimited")]


@each(
    "access, query, wire, connector",
    [
        (POSTGRESQL, [], "1100-400", "1359-400"),
        (POSTGRESQL, [("objectType", "")], "1100-400", "1334-400"),
        (POSTGRESQL, [("objectType", "view")], "1100-400", "1358-400"),
        (POSTGRESQL, [("objectType", "file"), ("object", "x")], "1100-400", "1358-400"),
        (POSTGRESQL, [("objectType", "table")], "1100-400", "1337-400"),
        (POSTGRESQL, [("objectType", "table"), ("object", "")], "1100-400", "1337-400"),
        (POSTGRESQL, [("objectType", "table"), ("object", "public.nope")], "1100-400", "1330-400"),
        (
            POSTGRESQL,
            [("objectType", "table"), ("object", "public.orders"), ("preview", "yes")],
            "1100-400",
            "1312-400",
        ),
        (POSTGRESQL, [("objectType", "root"), ("objectType", "table")], "1100-400", "1358-400"),
        (POSTGRESQL, [("objectType", "table"), ("object", "a"), ("object", "b")], "1100-400", "1330-400"),
        (POSTGRESQL, [("objectType", "root"), ("preview", "true")], "1100-400", "1312-400"),
        (
            POSTGRESQL,
            [("objectType", "table"), ("object", "public.orders"), ("fileType", "json")],
            "1100-400",
            "1312-400",
        ),
        (
            POSTGRESQL,
            [("objectType", "table"), ("object", "public.orders"), ("filters", "e30=")],
            "1100-400",
            "1353-400",
        ),
        (STORAGE, [("objectType", "table"), ("object", "x")], "1100-400", "1358-400"),
        (STORAGE, [("objectType", "folder")], "1100-400", "1337-400"),
        (STORAGE, [("objectType", "file")], "1100-400", "1337-400"),
        (STORAGE, [("objectType", "file"), ("object", "/readme.csv")], "1100-400", "1359-400"),
        (STORAGE, [("objectType", "file"), ("object", "/readme.csv"), ("fileType", "xml")], "1100-400", "1312-400"),
        (STORAGE, [("objectType", "file"), ("object", "/readme.csv"), ("fileType", "json")], "1100-400", "1396-400"),
        (STORAGE, [*CSV, ("encoding", "UTF-16")], "1100-400", "1312-400"),
        (STORAGE, [*CSV, ("columnDelimiter", ";;")], "1100-400", "1312-400"),
        (STORAGE, [*CSV, ("columnDelimiter", '"')], "1100-400", "1312-400"),
        (
            STORAGE,
            [("objectType", "file"), ("object", "/readme.csv"), ("fileType", "json"), ("FileType", "json")],
            "1100-400",
            "1312-400",
        ),
        (STREAM, [("objectType", "root")], "1100-400", "1336-400"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_by_the_connector(
    sources: Sources, access: Access, query: list[tuple[str, str]], wire: str, connector: str
) -> None:
    code, message = refused(sources, access, *query)
    assert (code, connector in message) == (wire, True), message


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_path_that_is_not_there_is_a_404_assumed(sources: Sources, kind: str) -> None:
    extra = [("fileType", "json")] if kind == "file" else []
    code, message = refused(sources, STORAGE, ("objectType", kind), ("object", "/nope"), *extra)
    assert code == "1101-404" and "/nope" in message


def test_a_refusal_shows_a_long_or_odd_name_clipped(sources: Sources) -> None:
    _, message = refused(sources, POSTGRESQL, ("objectType", "table"), ("object", "\x00\t{x}aaa" + " a" * 10_000))
    assert len(message) < 200 and message.isprintable() and "{x}aaa" in message


# files


def test_the_root_of_a_storage_lists_files_and_folders_documented(sources: Sources) -> None:
    assert explore(sources, STORAGE, objectType="root") == [
        {"type": "file", "name": "readme.csv", "path": "/readme.csv", "canPreview": True, "canFetchSchema": True},
        {"type": "folder", "name": "shop", "path": "/shop/", "canPreview": False, "canFetchSchema": False},
    ]
    assert explore(sources, STORAGE, objectType="folder", object="root") == explore(sources, STORAGE, objectType="root")


@pytest.mark.parametrize("path", ["/shop", "/shop/", "shop", "shop//"])
def test_a_folder_is_found_with_or_without_its_slashes(sources: Sources, path: str) -> None:
    names = [item["name"] for item in explore(sources, STORAGE, objectType="folder", object=path)]
    assert names == ["customers.csv", "customers.parquet", "orders.json", "exports"]


def test_delimited_text_has_text_columns_and_text_values_documented(sources: Sources) -> None:
    asked = {"objectType": "file", "object": "/shop/customers.csv", "preview": "true"}
    answer = explore(sources, STORAGE, FileType="Delimited", **asked)
    assert answer["schema"]["columns"][0] == {"name": "customer_id", "type": "string", "xdm": {"type": "string"}}
    assert answer["data"][0]["customer_id"] == "1001" and len(answer["data"]) == 100
    assert any(row["email"] == "" for row in answer["data"])
    assert explore(sources, STORAGE, fileType="DELIMITED", **asked) == answer


@pytest.mark.parametrize(("path", "kind"), [("/shop/orders.json", "json"), ("/shop/customers.parquet", "parquet")])
def test_json_and_parquet_keep_their_types_assumed(sources: Sources, path: str, kind: str) -> None:
    answer = explore(sources, STORAGE, objectType="file", object=path, fileType=kind, preview="true")
    assert answer["schema"]["columns"][0]["type"] == "long"
    assert type(next(iter(answer["data"][0].values()))) is int


def test_a_wrong_delimiter_gives_one_wide_column(sources: Sources) -> None:
    asked = {"objectType": "file", "object": "/shop/exports/orders.tsv", "fileType": "delimited"}
    wide = explore(sources, STORAGE, columnDelimiter=";", **asked)["schema"]["columns"]
    assert [column["name"] for column in wide] == ["order_id\tcustomer_id\tstatus\ttotal\tpaid\tplaced_at"]
    right = explore(sources, STORAGE, columnDelimiter=r"\t", **asked)["schema"]["columns"]
    assert len(right) == 6


def test_a_compressed_file_needs_its_compression_named_documented(sources: Sources) -> None:
    asked = (("objectType", "file"), ("object", "/shop/exports/clicks.csv.gz"), ("fileType", "delimited"))
    assert "compressionType is missing" in refused(sources, STORAGE, *asked)[1]
    assert "1396-400" in refused(sources, STORAGE, *asked, ("compressionType", "tar"))[1]
    assert explore(sources, STORAGE, **dict(asked), CompressionType="GZIP")["format"] == "flat"


def test_properties_are_determined_when_asked_for_documented(sources: Sources) -> None:
    answer = explore(
        sources, STORAGE, objectType="file", object="/shop/exports/clicks.csv.gz", determineProperties="true"
    )
    assert answer["properties"] == {"fileType": "delimited", "compressionType": "gzip", "columnDelimiter": ","}


# documented on the landing zone page: both together are an error, neither is not
@pytest.mark.parametrize(
    "told", [{"fileType": "delimited"}, {"compressionType": "gzip"}, {"columnDelimiter": ","}], ids=" ".join
)
def test_properties_are_determined_or_told_not_both(sources: Sources, told: dict[str, str]) -> None:
    asked = {"objectType": "file", "object": "/shop/exports/clicks.csv.gz"}
    key, message = refused(sources, STORAGE, *asked.items(), ("determineProperties", "true"), *told.items())
    assert key == "1100-400" and next(iter(told)) in message
    assert refused(sources, STORAGE, *asked.items())[0] == "1100-400"


# configs and flow runs


def test_configs_are_names_and_types_documented_of_the_first_table_assumed(sources: Sources) -> None:
    answer: Any = sources.configs(POSTGRESQL)
    assert {"columnName": "email", "columnType": "string"} in answer["items"]
    assert {"columnName": "date_of_birth", "columnType": "date"} in answer["items"]
    with pytest.raises(SourceError):
        sources.configs(STREAM)


def test_windows_of_the_delta_column_add_up_to_the_whole_table(sources: Sources) -> None:
    (table,) = sources.objects(POSTGRESQL, "public.orders")
    whole = table.window("updated_at")
    assert (whole.rows, whole.bytes) == (table.row_count, table.byte_count) == (1200, whole.bytes)
    assert whole.first_ms is not None and whole.last_ms is not None
    day = 86_400_000
    edges = range(whole.first_ms - whole.first_ms % day, whole.last_ms + day + 1, day)
    windows = [table.window("updated_at", start, start + day) for start in edges]
    assert sum(window.rows for window in windows) == 1200
    assert sum(window.bytes for window in windows) == table.byte_count


def test_rows_without_a_date_are_in_no_window(sources: Sources) -> None:
    (table,) = sources.objects(POSTGRESQL, "public.orders")
    filled = sum(row[-2] is not None for row in table.rows())
    assert table.window("shipped_on").rows == filled < table.row_count


def test_only_moments_and_dates_can_be_delta_columns(sources: Sources) -> None:
    (table,) = sources.objects(POSTGRESQL, "public.orders")
    for name in ("status", "nope"):
        with pytest.raises(SourceError, match="rejected"):
            table.window(name)


def test_a_folder_stands_for_all_files_below_it(sources: Sources) -> None:
    assert [item.row_count for item in sources.objects(STORAGE, "/shop/exports")] == [5000, 1200]
    assert [item.row_count for item in sources.objects(STORAGE, "readme.csv")] == [2]
    assert sources.objects(STREAM, "anything") == ()
    for access, name in ((STORAGE, "/nope"), (POSTGRESQL, "public.nope")):
        with pytest.raises(SourceError):
            sources.objects(access, name)


def test_nothing_is_asked_of_the_credentials_of_the_shop(sources: Sources) -> None:
    for access in (POSTGRESQL, CRM, STORAGE, STREAM, Access("database", "postgre-sql", server="{SERVER}")):
        sources.check(access)


def test_a_family_without_answers_of_its_own_shows_tables(sources: Sources) -> None:
    names = [item["name"] for item in explore(sources, Access("protocols", "odata"), objectType="root")]
    assert names[0] == "public.customers"


def test_a_connection_is_made_without_reading_the_shop() -> None:
    program = (
        "import sys; from mockserver.sources import Sources; from mockserver.specs.connectors import Access;"
        "Sources.load().check(Access('database', 'postgre-sql', 'db'));"
        "print([name for name in sys.modules if name.startswith('mockserver.sources.')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['mockserver.sources.refusals', 'mockserver.sources.asked']"
