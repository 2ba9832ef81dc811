"""Tests of row filters. Operators and node types are documented; codes are Adobe's, their use is assumed."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from mockserver.sources import SourceError, Sources
from mockserver.specs.connectors import Access
from tests.calls import question
from tests.rows import each

SNOWFLAKE = Access("database", "snowflake", "a")

ROWS = """
sources:
  - match: {server: a}
    tables:
      t:
        columns: {name: text, age: int4, height: numeric, employed: boolean, joined: timestamp, born: date}
        rows:
          - [Ramen, 25, 1.69, true, 2022-06-22T17:19:33, 1997-01-01]
          - [John, 42, 1.55, false, 2022-09-07T17:19:33, 1980-02-02]
          - [Denzel, 16, 1.85, true, 2022-09-14T05:02:33, 2006-03-03]
          - [null, null, null, null, null, null]
      long:
        generate: {rows: 1000000}
        columns: {id: int8}
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    file: Path = tmp_path_factory.mktemp("filters") / "sources.yaml"
    file.write_text(ROWS, encoding="utf-8")
    return Sources.load(str(file))


def apply(function: str, *params: Any) -> dict[str, Any]:
    return {"nodeType": "fnApply", "fnName": function, "params": list(params)}


def field(name: str) -> dict[str, Any]:
    return {"nodeType": "fieldLookup", "fieldName": name}


def literal(value: Any) -> dict[str, Any]:
    return {"nodeType": "literal", "value": value}


def compare(name: str, function: str, value: Any) -> dict[str, Any]:
    return apply(function, field(name), literal(value))


def encoded(value: Any, **changes: Any) -> str:
    return base64.b64encode(
        json.dumps({"type": "PQL", "format": "pql/json", "value": value, **changes}).encode()
    ).decode()


def preview(sources: Sources, filters: str, table: str = "t", access: Access = SNOWFLAKE) -> Any:
    query = (("objectType", "table"), ("object", table), ("preview", "true"), ("filters", filters))
    answer: Any = sources.explore(access, question(query))
    return answer["data"]


@each(
    "condition, names",
    [
        (compare("name", "=", "John"), ["John"]),
        (compare("NAME", "==", "John"), ["John"]),
        (compare("name", "!=", "John"), ["Ramen", "Denzel"]),
        (compare("age", "<", 25), ["Denzel"]),
        (compare("age", ">=", 25), ["Ramen", "John"]),
        (compare("age", "<=", 24.5), ["Denzel"]),
        (compare("height", ">", 1.6), ["Ramen", "Denzel"]),
        (compare("employed", "=", True), ["Ramen", "Denzel"]),
        (compare("joined", ">", "2022-09-08"), ["Denzel"]),
        (compare("born", "=", "1980-02-02"), ["John"]),
        (compare("name", "like", "%n"), ["Ramen", "John"]),
        (compare("name", "like", "_o%"), ["John"]),
        (compare("name", "like", "D%z%l"), ["Denzel"]),
        (compare("name", "like", "John"), ["John"]),
        (compare("name", "like", "J%o%hn%n"), []),
        (compare("name", "in", ["Ramen", "John", "Zoe"]), ["Ramen", "John"]),
        (apply("isNull", field("name")), [None]),
        (apply("NOT", apply("isNull", field("name"))), ["Ramen", "John", "Denzel"]),
        (apply("not", compare("age", "<", 25)), ["Ramen", "John"]),
        (apply("and", compare("age", ">=", 20), compare("age", "<=", 30)), ["Ramen"]),
        (apply("or", compare("age", ">", 40), compare("name", "like", "D%")), ["John", "Denzel"]),
        (apply("or", apply("isNull", field("age")), compare("age", ">", 40)), ["John", None]),
    ],
)
def test_a_filter_narrows_the_preview_documented(sources: Sources, condition: Any, names: list[str | None]) -> None:
    assert [row["name"] for row in preview(sources, encoded(condition))] == names


@each(
    "filters, code",
    [
        ("%%%", "1389-400"),
        ("e30", "1389-400"),
        (base64.b64encode(b"{").decode(), "1389-400"),
        (base64.b64encode(b"[" * 500 + b"]" * 500).decode(), "1389-400"),
        ("é", "1389-400"),
        (base64.b64encode(b"[]").decode(), "1349-400"),
        (encoded(compare("age", "=", 1), type="SQL"), "1355-400"),
        (encoded(compare("age", "=", 1), format="pql/text"), "1356-400"),
        (encoded(None), "1357-400"),
        (encoded({}), "1349-400"),
        (encoded({"nodeType": "fnApply", "params": [1]}), "1350-400"),
        (encoded({"nodeType": "fnApply", "fnName": "="}), "1349-400"),
        (encoded(apply("=", field("age"))), "1349-400"),
        (encoded(apply("=", literal(1), literal(1))), "1349-400"),
        (encoded(apply("=", field("age"), field("age"))), "1349-400"),
        (encoded(compare("age", "~", 1)), "1351-400"),
        (encoded(compare("age", "=", None)), "1377-400"),
        (encoded(compare("salary", "=", 1)), "1378-400"),
        (encoded(compare("age", "=", "old")), "1379-400"),
        (encoded(compare("age", "=", 10**301)), "1379-400"),
        (encoded(compare("age", "=", 10**400)), "1389-400"),
        (encoded(compare("name", "<", 5)), "1379-400"),
        (encoded(compare("age", "like", "1%")), "1379-400"),
        (encoded(compare("name", "in", "John")), "1379-400"),
        (encoded(compare("name", "in", [None])), "1379-400"),
        (encoded(compare("joined", "=", "soon")), "1379-400"),
        (encoded(apply("not", compare("age", "=", 1), compare("age", "=", 2))), "1390-400"),
    ],
)
def test_a_filter_that_is_wrong_is_refused(sources: Sources, filters: str, code: str) -> None:
    with pytest.raises(SourceError) as caught:
        preview(sources, filters)
    assert (caught.value.code, code in caught.value.message) == ("1100-400", True), caught.value.message


def test_filters_are_for_four_connectors_only_documented(sources: Sources) -> None:
    with pytest.raises(SourceError, match="rejected") as caught:
        preview(sources, encoded(compare("age", "=", 1)), access=Access("database", "postgre-sql", "a"))
    assert "1353-400" in caught.value.message


def test_a_filter_that_would_look_at_too_much_is_refused(sources: Sources) -> None:
    """260 conditions on 10,000 rows took 13 seconds."""
    many = apply("or", *[compare("id", "=", -number) for number in range(1, 260)])
    with pytest.raises(SourceError, match="rejected") as caught:
        preview(sources, encoded(many), "long")
    assert "1349-400" in caught.value.message and "too much" in caught.value.message
    assert preview(sources, encoded(compare("id", "=", -1)), "long") == []
    assert preview(sources, encoded(apply("or", *[compare("age", "=", number) for number in range(25, 280)])), "t")


def test_a_filter_looks_at_the_first_10_000_rows_assumed(sources: Sources) -> None:
    assert [row["id"] for row in preview(sources, encoded(compare("id", "=", 10_000)), "long")] == [10_000]
    assert preview(sources, encoded(compare("id", "=", 10_001)), "long") == []
    assert len(preview(sources, encoded(compare("id", ">", 5)), "long")) == 100
