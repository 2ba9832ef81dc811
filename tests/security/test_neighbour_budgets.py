"""Tests of the cost of one request to Data Prep, Schema Registry, Catalog and inlets, in calls and bytes.

The budgets are the table in SECURITY.md. No test here looks at a clock.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.exchange import Result
from mockserver.flows import events, mapping
from mockserver.resources import _catalog_filters, catalog
from mockserver.resources._catalog_filters import conditional
from mockserver.specs import xdm
from mockserver.state import records
from tests.arrival import CATALOG, arrival, arriving
from tests.calls import send
from tests.dataflows import DAY, flowing
from tests.resources.test_inlet import connection, flow, inlet, post
from tests.work import counted

PREP = "/data/foundation/conversion/mappingSets"
REGISTRY = "/data/foundation/schemaregistry/tenant"
DATA_SETS = "/data/foundation/catalog/dataSets"
FULL = {"accept": "application/vnd.adobe.xed-full+json; version=1"}
PROFILE = {"$ref": "https://ns.adobe.com/xdm/context/profile"}
MIB = 1_048_576
MAX_CALLS = 1_500_000


def bounded(request: Callable[[], Result], largest: int = 16 * MIB) -> Result:
    """The response to a request, which is made twice: once its calls are counted, once the bytes that it allocates."""
    with counted() as work:
        request()
    assert work.calls < MAX_CALLS
    tracemalloc.start()
    try:
        result = request()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < largest
    return result


def rule(source: str = "a", destination: str = "b", kind: str = "ATTRIBUTE") -> dict[str, str]:
    return {"source": source, "destination": destination, "sourceType": kind}


def mappings(*rules: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"outputSchema": {"schemaRef": {"id": "x", "contentType": "1.0"}}, "mappings": list(rules), **more}


def grown(times: int) -> str:
    return f"replace({grown(times - 1)}, 'a', '{'a' * 300}')" if times else "a"


LONG = "concat(" + "a," * 300_000 + "a)"
PREVIEWS: dict[str, tuple[list[dict[str, str]], Any]] = {
    "many rows for many mappings": ([rule()] * 900, [{"a": 1}] * 2500),
    "a long path on many rows": ([rule("a." * 400_000 + "a")], [{}] * 4000),
    "a long destination on many rows": ([rule("a", "b." * 400_000 + "b")], [{"a": 1}] * 4000),
    "a long expression": ([rule(LONG, kind="EXPRESSION")], [{}]),
    "distant items": ([rule("'x'", f"a{n}[9999].b[9999].c[9999]", "STATIC") for n in range(700)], {}),
    "a text that grows": ([rule(grown(4), kind="EXPRESSION")], {"a": "aaaa"}),
    "a large text many times": ([rule("concat(a,a)", f"b{n}", "EXPRESSION") for n in range(99)], {"a": "x" * 900_000}),
    "a large member many times": ([rule("a", f"b{n}") for n in range(1200)], {"a": [[1] * 90] * 40}),
}  # fmt: skip


@pytest.mark.parametrize("case", PREVIEWS)
def test_a_preview_of_mappings_does_not_take_more_than_its_work(emulator: Emulator, case: str) -> None:
    rules, data = PREVIEWS[case]
    body = {"mappingSet": mappings(*rules), "data": data}
    result: Any = bounded(lambda: send(emulator, "POST", f"{PREP}/preview", body))
    assert result.status == 400 and "too much work" in str(result.body)


def test_a_preview_within_its_work_is_answered(emulator: Emulator) -> None:
    rules = [rule(f"concat(a, ' {number}')", f"b{number}", "EXPRESSION") for number in range(100)]
    body = {"mappingSet": mappings(*rules), "data": [{"a": "x"}] * 40}
    result: Any = bounded(lambda: send(emulator, "POST", f"{PREP}/preview", body))
    assert result.status == 200 and result.body["data"][39]["b99"] == "x 99"


@pytest.mark.parametrize("path", [PREP, f"{PREP}/validate"])
def test_mappings_that_no_row_could_be_mapped_with_are_refused(emulator: Emulator, path: str) -> None:
    result = bounded(lambda: send(emulator, "POST", path, mappings(rule(LONG, kind="EXPRESSION"))))
    assert result.status == 400 and "too much work" in str(result.body)
    assert send(emulator, "POST", path, mappings(*[rule(f"a{n}", f"b.c{n}") for n in range(2_000)])).status == 200


def test_mapping_sets_are_listed_up_to_the_bytes_of_a_page(emulator: Emulator) -> None:
    for number in range(8):
        body = mappings(rule(), name=str(number), inputSchema={"x": "x" * 900_000})
        assert send(emulator, "POST", PREP, body).status == 200
    names: list[str] = []
    while len(names) < 8:
        path = f"{PREP}?limit=100&start={len(names)}"
        page: Any = bounded(partial(send, emulator, "GET", path)).body
        assert page["data"]
        names += [item["name"] for item in page["data"]]
    assert names == [str(number) for number in reversed(range(8))]


def resource(emulator: Emulator, kind: str, **body: Any) -> Any:
    return send(emulator, "POST", f"{REGISTRY}/{kind}", {"title": "t", "type": "object", **body}).body


def text_fields(count: int, name: str = "p") -> dict[str, Any]:
    return {f"{name}{number}": {"type": "string"} for number in range(count)}


def in_full(emulator: Emulator, kind: str, made: Any) -> Result:
    path = f"{REGISTRY}/{kind}/{made['meta:altId']}"
    return bounded(lambda: send(emulator, "GET", path, headers=FULL))


def test_a_resource_has_only_so_many_parts(emulator: Emulator) -> None:
    group = {"$ref": resource(emulator, "fieldgroups", properties=text_fields(3))["$id"]}
    assert resource(emulator, "schemas", allOf=[PROFILE, *[group] * 199])["meta:class"] == PROFILE["$ref"]
    body = {"title": "t", "type": "object", "allOf": [PROFILE, *[group] * 200]}
    assert bounded(lambda: send(emulator, "POST", f"{REGISTRY}/schemas", body)).status == 400


def test_parts_of_parts_are_merged_once_each(emulator: Emulator) -> None:
    """With nine references in each of ten groups there are nine to the tenth ways to the last one."""
    group = resource(emulator, "fieldgroups", properties=text_fields(20))
    for _ in range(10):
        group = resource(emulator, "fieldgroups", allOf=[{"$ref": group["$id"]}] * 9)
    result: Any = in_full(emulator, "fieldgroups", group)
    assert result.status == 200 and len(result.body["properties"]) == 20


def test_resources_that_refer_to_each_other_are_composed(emulator: Emulator) -> None:
    group = resource(emulator, "fieldgroups", properties=text_fields(2))
    other = resource(emulator, "fieldgroups", allOf=[{"$ref": group["$id"]}] * 3, properties=text_fields(2, "q"))
    circle = [{"op": "add", "path": "/allOf", "value": [{"$ref": other["$id"]}, {"$ref": group["$id"]}] * 3}]
    assert send(emulator, "PATCH", f"{REGISTRY}/fieldgroups/{group['meta:altId']}", circle).status == 200
    result: Any = in_full(emulator, "fieldgroups", other)
    assert set(result.body["properties"]) == {"p0", "p1", "q0", "q1"}
    schema = resource(emulator, "schemas", allOf=[PROFILE, {"$ref": other["$id"]}])
    sent = {"outputSchema": {"schemaRef": {"id": schema["$id"], "contentType": "1"}}, "mappings": [rule("a", "q0")]}
    answer: Any = bounded(lambda: send(emulator, "POST", f"{PREP}/validate", sent)).body
    assert answer["validationResponse"][0]["status"] == "SUCCESS"


def test_a_resource_of_too_many_fields_is_refused_where_all_are_asked_for(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xdm, "MAX_FIELDS", 100)
    group = {"$ref": resource(emulator, "fieldgroups", properties=text_fields(90))["$id"]}
    other = {"$ref": resource(emulator, "fieldgroups", properties=text_fields(90, "q"))["$id"]}
    assert in_full(emulator, "fieldgroups", resource(emulator, "fieldgroups", allOf=[group])).status == 200
    assert in_full(emulator, "fieldgroups", resource(emulator, "fieldgroups", allOf=[group, other])).status == 400


@pytest.mark.parametrize("order", ["", "?orderby=title", "?orderby=-title"])
def test_resources_are_listed_up_to_the_bytes_of_a_page(emulator: Emulator, order: str) -> None:
    for number in range(6):
        resource(emulator, "fieldgroups", title=str(number), description="x" * 900_000)
    accept = {"accept": "application/vnd.adobe.xed+json"}
    result: Any = bounded(lambda: send(emulator, "GET", f"{REGISTRY}/fieldgroups{order}", headers=accept))
    assert [one["title"] for one in result.body["results"]] == (["0", "1"] if "=t" in order else ["5", "4"])


FILTERS = {
    "many wildcards": "name=" + "a*," * 20_000,
    "many conditions": "&".join(["property=name==a*"] * 3_000),
    "a long path": "property=" + "a." * 30_000 + "a==1",
    "many steps": "property=" + "a." * 40 + "a==1",
    "many tags": "tags=" + "a:b," * 15_000,
    "many orders": "orderBy=" + "asc:name," * 1_000,
}


@pytest.mark.parametrize("query", FILTERS.values(), ids=list(FILTERS))
def test_a_filter_of_catalog_that_is_too_long_is_refused(emulator: Emulator, query: str) -> None:
    send(emulator, "POST", DATA_SETS, {"name": "d"})
    assert bounded(lambda: send(emulator, "GET", f"{DATA_SETS}?{query}")).status == 400


def test_what_filters_of_catalog_look_at_is_counted_over_all_entries(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = {"id": "https://ns.adobe.com/x/schemas/1", "contentType": "application/vnd.adobe.xed-full+json;version=1"}
    for number in range(10):
        made = {"name": str(number), "schemaRef": schema, "tags": {"a": ["x"] * 100}}
        assert send(emulator, "POST", DATA_SETS, made).status == 201
    path = f"{DATA_SETS}?tags=a:x&limit=100"
    assert len(send(emulator, "GET", path).encoded) > 1_000
    monkeypatch.setattr(_catalog_filters, "MAX_WORK", 10_000)
    assert send(emulator, "GET", path).status == 400


def test_a_list_next_door_reads_so_many_bytes_of_a_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of Catalog kept every data set in memory until the last was read, 100 MB of 100 requests."""
    monkeypatch.setattr(records, "MAX_EXAMINED_BYTES", 1_000_000)
    emulator = Emulator(Config(state=str(tmp_path / "flow.db"), journal_entries=0))
    for number in range(9):
        assert send(emulator, "POST", DATA_SETS, {"name": str(number), "description": "x" * 120_000}).status == 201
    refused = bounded(lambda: send(emulator, "GET", f"{DATA_SETS}?limit=1"))
    assert refused.status == 400 and b"1000000 bytes" in refused.encoded
    first = send(emulator, "GET", "/data/foundation/catalog/batches")
    assert first.status == 200
    emulator.close()


def test_lists_of_batches_look_at_the_newest_runs_only(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a year of runs every quarter of an hour, a list of data sets took a second."""
    to = arrival(emulator)
    flowing(emulator, arriving(emulator, to))
    emulator.runtime.clock.advance(DAY)
    every: Any = send(emulator, "GET", f"{CATALOG}/batches?limit=100").body
    monkeypatch.setattr(catalog, "MAX_RUNS", 10)
    newest: Any = send(emulator, "GET", f"{CATALOG}/batches?limit=100").body
    assert 0 < len(newest) <= 10 < len(every) and list(every)[: len(newest)] == list(newest)
    oldest = list(every)[-1]
    assert send(emulator, "GET", f"{CATALOG}/batches/{oldest}").status == 200
    shown: Any = send(emulator, "GET", f"{DATA_SETS}/{to.data_set}").body
    assert shown[to.data_set]["lastBatchId"] == next(iter(newest))


def test_the_events_of_a_request_have_only_so_many_schemas(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_SCHEMAS", 3)
    group = {"$ref": resource(emulator, "fieldgroups", properties=text_fields(400))["$id"]}
    schemas = [resource(emulator, "schemas", allOf=[PROFILE, group])["$id"] for _ in range(4)]
    base = connection(emulator, dataType="xdm")
    reads, path = flow(emulator, base, schema=schemas[0]), f"batch/{inlet(emulator, base)}"

    def message(schema: str) -> dict[str, Any]:
        ref = {"id": schema, "contentType": "application/vnd.adobe.xed-full+json;version=1"}
        return {"header": {"schemaRef": ref, "flowId": reads}, "body": {"xdmEntity": {"p1": "x"}}}

    many = {"messages": [message(schema) for schema in schemas[:3]] * 250}
    assert bounded(lambda: post(emulator, path, many)).status == 207
    assert bounded(lambda: post(emulator, path, {"messages": [message(schema) for schema in schemas]})).status == 400


SEARCHES = {"empty parts": "&" * 1_000_000, "parts": "a=b&" * 250_000, "at the limit": "property=name==a&" * 3_800}


@pytest.mark.parametrize("text", SEARCHES.values(), ids=list(SEARCHES))
@pytest.mark.parametrize("path", ["/connections/search", "/flowSpecs/search"])
def test_the_text_of_a_search_is_bounded(emulator: Emulator, path: str, text: str) -> None:
    assert bounded(lambda: send(emulator, "POST", path, {"queryString": text})).status == 400


def test_the_path_of_a_patch_has_only_so_many_levels(emulator: Emulator) -> None:
    base: Any = send(emulator, "POST", "/connections", {"name": "x"}).body
    change = [{"op": "add", "path": "/auth/params" + "/~0~1" * 180_000, "value": 1}]
    result = bounded(lambda: send(emulator, "PATCH", "/connections/x", change, headers={"if-match": '"x"'}), 12 * MIB)
    assert 400 <= result.status < 500 and base


def test_the_least_work_that_is_too_much_is_refused() -> None:
    work = mapping.Work(30)
    work.spend(30)
    with pytest.raises(mapping.TooMuchWork):
        work.spend(1)


def test_a_long_condition_of_catalog_takes_no_more_than_its_length() -> None:
    """A list of 2,700 names held the interpreter for 0.4 s; searched from each character, this takes many minutes."""
    for text in ("id," * 100_000, "!" + "a" * 300_000):
        assert conditional(text)({}) is text.startswith("!")
