"""Tests of the cost of one request in bytes and steps: the worst input within each budget, and the first beyond.

The budgets are the table in SECURITY.md. No test here looks at a clock.
"""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.contract.written import MAX_STEPS, MAX_WEIGHT, untaken
from mockserver.exchange import Result
from mockserver.listing import property_filter
from mockserver.listing.property_filter import MAX_CONDITIONS, MAX_VISITS
from mockserver.listing.property_filter import MAX_STEPS as MAX_PATH
from mockserver.resources._specs import MAX_WRITTEN_BYTES
from mockserver.state import records, statements
from mockserver.state.records import MAX_PAGE_BYTES
from tests.calls import HEADERS, connection, made, send, source
from tests.dataflows import flow
from tests.rows import each
from tests.work import counted, named

SERVICE = (HEADERS["x-api-key"],)


def report(result: Result) -> Any:
    assert isinstance(result.body, dict)
    return result.status, result.error, result.body["report"].get("pointer")


def steps_taken(function: Any) -> int:
    """Executed lines of our own code, a measure of work that is independent of the machine."""
    count = 0

    def local(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return local

    def trace(frame: Any, event: str, argument: Any) -> Any:
        return local if "mockserver" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


DEEP = ".".join(["auth", *["a"] * (MAX_PATH - 1)])


@pytest.mark.parametrize(
    "query",
    [
        f"property={DEEP}.a==1",
        "property=auth.params[]" + "[]" * MAX_PATH + "==1",
        "&".join(["property=name==a"] * (MAX_CONDITIONS + 1)),
        "property=name==" + "a" * 8192,
        "property=auth.a" + ".a" * 4000 + "==1",
    ],
)
def test_a_filter_that_is_too_long_too_deep_or_too_many_is_refused(emulator: Emulator, query: str) -> None:
    made(emulator)
    for path in (f"/connections?{query}", f"/flows?{query.replace('auth', 'scheduleParams')}"):
        assert report(send(emulator, "GET", path)) == (400, "1452-400", "property")


def test_the_deepest_path_and_the_most_filters_are_taken(emulator: Emulator) -> None:
    made(emulator)
    assert send(emulator, "GET", f"/connections?property={DEEP}==1").status == 200
    many = "&".join(["property=name==a"] * MAX_CONDITIONS)
    assert send(emulator, "GET", f"/connections?{many}").status == 200


def test_a_search_is_bounded_like_a_list(emulator: Emulator) -> None:
    body = {"queryString": "&".join(["property=name==a"] * (MAX_CONDITIONS + 1))}
    assert report(send(emulator, "POST", "/connections/search", body))[:2] == (400, "1452-400")


def test_what_filters_look_at_is_counted_over_all_records(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = connection(auth={"specName": "Basic Authentication", "params": {"x": [[1] * 40] * 40}})
    for _ in range(5):
        made(emulator, wide, "/connections?mode=draft")
    path = "/connections?property=auth.params.x[][]==2"
    assert send(emulator, "GET", path).status == 200
    monkeypatch.setattr(property_filter, "MAX_VISITS", 100)
    assert report(send(emulator, "GET", path)) == (400, "1452-400", "property")
    assert report(send(emulator, "GET", path + "&count=true"))[:2] == (400, "1452-400")
    assert MAX_VISITS < 10_000_000


def test_work_grows_with_the_budget_and_not_with_the_filter(emulator: Emulator) -> None:
    for number in range(50):
        made(emulator, connection(str(number)))
    shallow = steps_taken(lambda: send(emulator, "GET", "/connections?property=auth.a==1"))
    deep = steps_taken(lambda: send(emulator, "GET", f"/connections?property={DEEP}==1"))
    assert deep < 2 * shallow, "a path that leads nowhere ends where it does"


def large(emulator: Emulator, count: int, size: int) -> None:
    for number in range(count):
        made(emulator, connection(f"{number:03}", description="x" * size))


def test_a_page_ends_before_it_is_too_large_and_no_record_is_left_out(emulator: Emulator) -> None:
    large(emulator, 11, 900_000)
    seen: list[str] = []
    path: str | None = "/connections?orderby=name"
    while path:
        page = send(emulator, "GET", path)
        assert isinstance(page.body, dict) and page.status == 200
        assert len(page.encoded) < MAX_PAGE_BYTES + 1_100_000
        assert page.encoded == json.dumps(page.body, ensure_ascii=False, separators=(",", ":")).encode()
        seen += [item["name"] for item in page.body["items"]]
        path = page.body["_links"].get("next", {}).get("href")
    assert seen == [f"{number:03}" for number in range(11)]


def test_a_page_has_only_so_many_values(emulator: Emulator) -> None:
    """100 records of 9,900 empty objects took 1 s of CPU and 77 MiB to show."""
    base = made(emulator)["id"]
    for _ in range(40):
        made(emulator, source(base, params={"tableName": "t", "x": [{} for _ in range(9_900)]}), "/sourceConnections")
    seen, pages, path = 0, 0, "/sourceConnections?limit=100"
    while path:
        page: Any = send(emulator, "GET", path).body
        seen, pages = seen + len(page["items"]), pages + 1
        path = page["_links"].get("next", {}).get("href", "")
    assert (seen, pages) == (40, 3)


@pytest.mark.parametrize(
    "query", ["limit=100", "limit=100&orderby=name", "property=name==017", "count=true&property=name==x"]
)
def test_a_page_from_a_disk_reads_no_more_than_it_shows(
    tmp_path: Path, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that Python allocates; if everything was read at once, they would be those of all records."""
    monkeypatch.setattr(records, "MAX_PAGE_BYTES", 100_000)
    monkeypatch.setattr(statements, "MAX_BATCH_BYTES", 100_000)
    made_elsewhere, emulator = Emulator(), Emulator(Config(state=str(tmp_path / "flow.db"), journal_entries=0))
    large(made_elsewhere, 100, 50_000)
    emulator.restore(made_elsewhere.export(credentials=True))
    send(emulator, "GET", "/connections?limit=1")
    tracemalloc.start()
    try:
        assert send(emulator, "GET", f"/connections?{query}").status == 200
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        emulator.close()
    assert peak < 1_500_000


@pytest.mark.parametrize("order", ["", "&orderby=name", "&orderby=-name"])
def test_pages_that_end_by_their_bytes_leave_no_record_out(
    tmp_path: Path, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MAX_PAGE_BYTES", 100_000)
    monkeypatch.setattr(statements, "MAX_BATCH_BYTES", 70_000)
    emulator = Emulator(Config(state=str(tmp_path / "flow.db")))
    large(emulator, 12, 30_000)
    seen: list[str] = []
    path: str | None = f"/connections?limit=5{order}"
    while path:
        page: Any = send(emulator, "GET", path).body
        assert 1 <= len(page["items"]) <= 3
        seen += [item["name"] for item in page["items"]]
        path = page["_links"].get("next", {}).get("href")
    emulator.close()
    assert seen == sorted(seen, reverse=order != "&orderby=name") and len(set(seen)) == 12


LOOKING = ["property=name==x", "orderby=-name", "property=name==x&count=true"]


@pytest.mark.parametrize("query", LOOKING)
@pytest.mark.parametrize("place", ["memory", "flow.db"])
def test_a_filter_or_an_order_looks_at_so_many_records_only(
    tmp_path: Path, place: str, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = Emulator(Config(state=None if place == "memory" else str(tmp_path / place)))
    for number in range(12):
        made(emulator, connection(str(number)))
    parameter = "orderby" if "orderby" in query else "property"
    for limit, status in ((12, 200), (11, 400)):
        monkeypatch.setattr(records, "MAX_EXAMINED", limit)
        found = send(emulator, "GET", f"/connections?{query}")
        assert found.status == status and (status == 200 or report(found) == (400, "1452-400", parameter))
        searched = {"queryString": query.partition("&")[0]} if "property" in query else {"orderby": "-name"}
        assert send(emulator, "POST", "/connections/search", searched).status == status
    assert (
        send(emulator, "GET", "/connections").status == send(emulator, "GET", "/connections?count=true").status == 200
    )
    emulator.close()


@pytest.mark.parametrize("query", LOOKING)
def test_a_filter_or_an_order_reads_so_many_bytes_of_a_file_only(
    tmp_path: Path, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = Emulator(Config(state=str(tmp_path / "flow.db")))
    large(emulator, 5, 10_000)
    for limit, status in ((60_000, 200), (50_000, 400)):
        monkeypatch.setattr(records, "MAX_EXAMINED_BYTES", limit)
        assert send(emulator, "GET", f"/connections?{query}").status == status
    assert len(send(emulator, "GET", "/connections").body["items"]) == 5  # type: ignore[index]
    emulator.close()


def test_written_specs_of_a_tenant_fit_one_response() -> None:
    emulator = Emulator(Config(seed=1, service_clients=SERVICE))
    body = {"name": "mine", "providerId": "p", "version": "1.0", "attributes": {"x": "x" * 900_000}}
    statuses = [send(emulator, "POST", "/connectionSpecs", body).status for _ in range(6)]
    assert statuses == [201] * 4 + [400] * 2
    own = send(emulator, "GET", "/connectionSpecs?property=name==mine")
    assert len(own.encoded) <= MAX_WRITTEN_BYTES + 10_000


def test_a_fault_adds_only_so_many_records() -> None:
    emulator = Emulator(Config(seed=1))
    for pages, status in (("101", 400), ("999999999", 400), ("100", 200)):
        assert send(emulator, "GET", "/flows", headers={"x-mock-fault": f"short-pages={pages}"}).status == status
    assert send(emulator, "GET", "/flows?count=true").body == {"count": 100}
    assert len(emulator.world.store.export()["records"]) < 110


HEAVY: dict[str, Any] = {
    "many subschemas": {"properties": {f"p{number}": {"type": "string"} for number in range(MAX_WEIGHT)}},
    "many alternatives": {"oneOf": [{"const": number} for number in range(MAX_WEIGHT)]},
    "many listed values": {"contains": {"enum": list(range(MAX_WEIGHT))}},
    "lists in listed values": {"contains": {"enum": [[[[number]]] for number in range(MAX_WEIGHT // 4)]}},
    "alternatives in alternatives": {"anyOf": [{"anyOf": [{"const": 1}] * 100}] * 10},
}


@pytest.mark.parametrize("schema", HEAVY.values(), ids=list(HEAVY))
def test_a_schema_that_weighs_too_much_is_not_taken(schema: dict[str, Any]) -> None:
    assert "at most" in str(untaken(schema))
    emulator = Emulator(Config(seed=1, service_clients=SERVICE))
    body = {"name": "mine", "providerId": "p", "transformationSpecs": [{"name": "T", "spec": schema}]}
    assert report(send(emulator, "POST", "/flowSpecs", body)) == (400, "1100-400", "/transformationSpecs/0/spec")


LONG = "(?i)" + r"[\x00-\U0010ffff]" * 500  # half a second of CPU time to compile: 30,000 of them fit in a body
PATTERNS = {"long": LONG, "nested": "(" * 2_000 + ")" * 2_000, "a large number": "x{99999999999999999999}", "none": "("}
PATTERNED: dict[str, Callable[[str], dict[str, Any]]] = {
    "of a value": lambda pattern: {"properties": {"a": {"pattern": pattern}}},
    "of names": lambda pattern: {"propertyNames": {"pattern": pattern}},
    "of members": lambda pattern: {"patternProperties": {pattern: {}}},
    "of a word that the dialect has no more": lambda pattern: {"dependencies": {"enum": {"pattern": pattern}}},
}


@each("place", PATTERNED)
def test_no_pattern_of_a_written_schema_is_compiled(place: str) -> None:
    """Some took a second for each 6 kB, others were answered 500."""
    untaken(PATTERNED[place]("x"))
    for name, pattern in PATTERNS.items():
        with named() as names:
            fault = untaken(PATTERNED[place](pattern))
        assert names and "compile" not in names, name  # that of `_sre`
        assert fault is None or "pattern" in fault.lower(), name


def _with_params(*names: str) -> dict[str, Any]:
    schema = {"properties": {name: {"type": "string", "format": "password"} for name in names}}
    auth = {"name": "Key", "type": "K", "spec": schema}
    return {"name": "mine", "providerId": "p", "version": "1.0", "authSpec": [auth]}


def _connection_of(spec: Any, auth: str) -> dict[str, Any]:
    return connection(connectionSpec={"id": spec["id"], "version": "1.0"}, auth={"specName": auth, "params": {}})


def test_auth_specs_that_weigh_too_much_are_not_taken() -> None:
    """25 connections of 25 specs with 1,000 auth specs each took 5 s to list."""
    emulator = Emulator(Config(seed=1, service_clients=SERVICE))
    body = _with_params(*(f"p{number}" for number in range(170)))
    assert report(send(emulator, "POST", "/connectionSpecs", body)) == (400, "1100-400", "/authSpec")
    own: Any = send(emulator, "POST", "/connectionSpecs", _with_params("p")).body
    replaced = send(emulator, "PUT", f"/connectionSpecs/{own['id']}", body)
    assert report(replaced) == (400, "1100-400", "/authSpec")


def test_a_list_compiles_no_more_than_the_auth_spec_that_each_connection_uses() -> None:
    def calls(count: int) -> int:
        emulator = Emulator(Config(seed=1, service_clients=SERVICE))
        described = {**_with_params(), "authSpec": [{"name": f"Key{n}", "type": "K", "spec": {}} for n in range(count)]}
        spec: Any = send(emulator, "POST", "/connectionSpecs", described).body
        body = _connection_of(spec, "Key0")
        assert send(emulator, "POST", "/connections", body).status == 201
        with counted() as work:
            assert send(emulator, "GET", "/connections").status == 200
        return work.calls

    assert calls(90) < 1.5 * calls(1)


def test_a_list_reads_and_compiles_each_written_spec_once(tmp_path: Path) -> None:
    """With a file, 100 connections of one spec of 0.9 MB took 1.8 s to list."""
    emulator = Emulator(Config(seed=1, service_clients=SERVICE, state=str(tmp_path / "flow.db")))
    spec: Any = send(emulator, "POST", "/connectionSpecs", _with_params(*(f"p{number}" for number in range(150)))).body
    body = _connection_of(spec, "Key")
    calls = []
    for _ in range(2):
        for _ in range(20):
            assert send(emulator, "POST", "/connections", body).status == 201
        for query in ("", "?property=auth.params.p1==x"):
            with counted() as work:
                assert send(emulator, "GET", f"/connections{query}").status == 200
            calls.append(work.calls)
    emulator.close()
    first_list, first_filter, second_list, second_filter = calls
    assert second_list < 1.6 * first_list and second_filter < 1.6 * first_filter


def test_a_tenant_writes_only_so_many_specs() -> None:
    emulator = Emulator(Config(seed=1, service_clients=SERVICE))
    statuses = [send(emulator, "POST", "/connectionSpecs", _with_params("p")).status for _ in range(51)]
    assert statuses == [201] * 50 + [400]


def test_the_versions_of_a_spec_have_only_so_many_secrets() -> None:
    emulator = Emulator(Config(seed=1, service_clients=SERVICE))
    own: Any = send(emulator, "POST", "/connectionSpecs", _with_params("p")).body
    statuses = []
    for version in range(12):
        body = _with_params(*(f"p{version}x{number}" for number in range(150)))
        statuses.append(send(emulator, "PUT", f"/connectionSpecs/{own['id']}", body).status)
    assert statuses == [200] * 7 + [400] * 5


def test_a_check_that_would_take_too_long_is_refused() -> None:
    emulator = Emulator(Config(seed=1, service_clients=SERVICE))
    schema = {"properties": {"x": {"items": {"oneOf": [{"const": number} for number in range(200)]}}}}
    spec = send(emulator, "GET", "/flowSpecs?property=name==CRMToAEP").body
    assert isinstance(spec, dict)
    own = {**spec["items"][0], "name": "Mine", "transformationSpecs": [{"name": "T", "spec": schema}]}
    for name in ("id", "version"):
        own.pop(name, None)
    created = send(emulator, "POST", "/flowSpecs", own)
    assert created.status == 201, created.body
    assert isinstance(created.body, dict)
    values = MAX_STEPS // 200
    body = flow(emulator, flowSpec={"id": created.body["id"], "version": "1.0"})
    body["transformations"] = [{"name": "T", "params": {"x": list(range(values))}}]
    refused = send(emulator, "POST", "/flows", body)
    assert report(refused) == (400, "1100-400", "/transformations/0/params"), refused.body
