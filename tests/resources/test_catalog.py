"""Tests of Catalog and Data Access: data sets, batches of runs, and their files."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from mockserver import Config, Emulator
from tests.arrival import CATALOG, arrival, arriving, data_set, schema, target_to
from tests.calls import refused, send
from tests.dataflows import EXAMPLE_SOURCES, HOUR, declared, events, flowing, runs_of

EXPORT = "/data/foundation/export"


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(Config(seed=1))


def got(emulator: Emulator, path: str, **headers: Any) -> Any:
    result = send(emulator, "GET", path, headers=headers)
    assert result.status == 200, result
    return result.body


def test_a_data_set_is_made_looked_up_changed_and_deleted(emulator: Emulator) -> None:
    """Documented: create-dataset.md, and the data sets of Adobe's catalog document."""
    found = data_set(emulator, schema(emulator))
    assert len(found) == 24
    shown = got(emulator, f"{CATALOG}/dataSets/{found}")
    assert list(shown) == [found] and shown[found]["name"] == "Store visits" and shown[found]["version"] == "1.0.0"
    path = f"{CATALOG}/dataSets/{found}"
    assert send(emulator, "PATCH", path, {"description": "who came"}).body == [f"@/dataSets/{found}"]
    patch = [{"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:true"]}]
    send(emulator, "PATCH", path, [{"op": "add", "path": "/tags", "value": {}}])
    media = {"content-type": "application/json-patch+json"}
    assert send(emulator, "PATCH", path, patch, headers=media).status == 200
    changed = got(emulator, path)[found]
    assert changed["description"] == "who came" and changed["tags"] == {"unifiedProfile": ["enabled:true"]}
    assert changed["version"] == "1.0.3"
    assert send(emulator, "DELETE", path).status == 200
    gone: Any = send(emulator, "GET", path)
    assert gone.status == 404 and set(gone.body) == {"type", "title", "status", "detail"}


def test_data_sets_are_listed_by_id_and_belong_to_their_sandbox(emulator: Emulator) -> None:
    uri = schema(emulator)
    ids = {name: data_set(emulator, uri, name) for name in ("b", "a", "c")}
    assert list(got(emulator, f"{CATALOG}/dataSets")) == [ids["b"], ids["a"], ids["c"]]  # chronologically
    assert list(got(emulator, f"{CATALOG}/dataSets?orderBy=asc:name&limit=2&start=1")) == [ids["b"], ids["c"]]
    assert got(emulator, f"{CATALOG}/dataSets?name=a&properties=name") == {ids["a"]: {"name": "a"}}
    assert got(emulator, f"{CATALOG}/dataSets?name=a*&properties=name") == {ids["a"]: {"name": "a"}}
    assert len(got(emulator, f"{CATALOG}/dataSets?name=*")) == len(ids)
    assert len(got(emulator, f"{CATALOG}/dataSets?property=schemaRef.id=={uri}")) == 3
    assert got(emulator, f"{CATALOG}/dataSets", **{"x-sandbox-name": "dev"}) == {}


# documented: filter-data.md
@pytest.mark.parametrize(
    "query, wanted",
    [
        ("name=alpha", "a"), ("name=alpha,beta", "ab"), ("name=!alpha,beta", "cd"), ("name=al*", "a"),
        ("name=*ta", "bd"), ("name=a*p*a", "a"), ("name=*a*a*a*a*", ""), ("name=*", "abcd"), ("name=!*", ""),
        ("name=a*b", "c"), ("name=a**b", "c"), ("tags=one:1", "ab"), ("tags=one:1,two:*", "b"), ("tags=two:se*", "b"),
        ("tags=one:2", ""), ("tags=none:*", ""), ("tags=unifiedProfile:enabled:true", "c"), ("tags=one", ""),
        ("property=description", "abc"), ("property=!description", "d"), ("property=name==al*", "a"),
        ("property=name==\"beta\"", "b"), ("property=name!=alpha", "bcd"), ("property=name~^al", "a"),
        ("property=name~et", "b"), ("property=name~^a.*a$", "a"), ("property=version>1.0.0", "abc"),
        ("property=version<=1.0.0", "d"), ("property=version>=1.0.10", ""), ("property=created>1000000000000", "abcd"),
        ("property=nothing>1", ""), ("name=*&property=version>1.0.0&property=name!=alpha", "bc"),
        ("name=!beta&tags=one:1", "a"),
    ],
)  # fmt: skip
def test_data_sets_can_be_filtered_as_documented(emulator: Emulator, query: str, wanted: str) -> None:
    uri = schema(emulator)
    tags: Any = {"a": {"one": ["1"]}, "b": {"one": ["1"], "two": ["second"]}, "c": {"unifiedProfile": ["enabled:true"]}}
    made = {}
    for name in ("alpha", "beta", "a*b", "delta"):
        label = "abcd"[len(made)]
        made[data_set(emulator, uri, name)] = label
        if label in tags:
            send(emulator, "PATCH", f"{CATALOG}/dataSets/{list(made)[-1]}", {"tags": tags[label], "description": "x"})
    listed = got(emulator, f"{CATALOG}/dataSets?{quote(query, safe='=&,:*!')}")
    assert "".join(sorted(made[one] for one in listed)) == wanted


@pytest.mark.parametrize("condition", ["", "!", "=", "name=a", "==a", "name~(a+)+$", "name~[a]", "name~a|b"])
def test_a_condition_that_cannot_be_read_is_refused(emulator: Emulator, condition: str) -> None:
    result: Any = send(emulator, "GET", f"{CATALOG}/dataSets?property={quote(condition)}")
    assert (result.status, result.body["title"]) == (400, "Invalid request")


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": 1}, {"name": "x", "schemaRef": {}}, []])
def test_what_is_no_data_set_is_refused(emulator: Emulator, body: Any) -> None:
    result: Any = send(emulator, "POST", f"{CATALOG}/dataSets", body)
    assert result.status == 400 and set(result.body) == {"type", "title", "status", "detail"}


def test_a_change_leaves_a_data_set_or_is_refused(emulator: Emulator) -> None:
    path = f"{CATALOG}/dataSets/{data_set(emulator, schema(emulator))}"
    for wrong in (
        {"name": 1},
        [{"op": "remove", "path": "/name"}],
        [{"op": "replace", "path": "/imsOrg", "value": "x"}],
    ):
        assert send(emulator, "PATCH", path, wrong).status == 400


def test_each_run_leaves_a_batch_whose_counts_are_its_metrics(emulator: Emulator) -> None:
    """Documented: batches of dataset-data.md, and a data set's members of Adobe's catalog document."""
    to = arrival(emulator)
    flow_id = flowing(emulator, arriving(emulator, to))
    emulator.runtime.clock.advance(3 * HOUR)
    runs = [run for run in runs_of(emulator, flow_id) if run["metrics"]["statusSummary"]["status"] == "success"]
    found = got(emulator, f"{CATALOG}/batches?dataSet={to.data_set}&limit=100")
    assert len(found) == len(runs) > 5
    by_run = {batch["tags"]["flowRunId"][0]: (batch_id, batch) for batch_id, batch in found.items()}
    for run in runs:
        batch_id, batch = by_run[run["id"]]
        assert run["activities"][1]["targetInfo"][0]["reference"]["ids"] == [batch_id]
        metrics = run["metrics"]["recordSummary"]
        assert batch["recordCount"] == metrics["createdRecordCount"] and batch["status"] == "success"
        assert batch["size"] == run["metrics"]["sizeSummary"]["outputBytes"]
        assert {"type": "dataSet", "id": to.data_set} in batch["relatedObjects"]
        assert got(emulator, f"{CATALOG}/batches/{batch_id}") == {batch_id: batch}
        files = got(emulator, f"{EXPORT}/batches/{batch_id}/files")["data"]
        sizes = [
            int(got(emulator, file["_links"]["self"]["href"][len("http://127.0.0.1") :])["data"][0]["length"])
            for file in files
        ]
        assert sum(sizes) == batch["size"] and len(files) == run["metrics"]["fileSummary"]["outputFileCount"]
    last = max(found, key=lambda batch_id: found[batch_id]["updated"])
    shown = got(emulator, f"{CATALOG}/dataSets/{to.data_set}")[to.data_set]
    assert (shown["lastBatchId"], shown["lastBatchStatus"], shown["lastSuccessfulBatch"]) == (last, "success", last)
    assert got(emulator, f"{CATALOG}/lastBatches?dataSetId={to.data_set}")[to.data_set]["lastBatchId"] == last


def test_batches_are_filtered_by_time_and_tenant(emulator: Emulator) -> None:
    flowing(emulator, arriving(emulator, arrival(emulator)))
    emulator.runtime.clock.advance(HOUR)
    found = got(emulator, f"{CATALOG}/batches")
    middle = sorted(batch["created"] for batch in found.values())[1]
    after = got(emulator, f"{CATALOG}/batches?createdAfter={middle}")
    before = got(emulator, f"{CATALOG}/batches?createdBefore={middle}")
    assert len(after) + len(before) == len(found) - 1
    assert got(emulator, f"{CATALOG}/batches", **{"x-sandbox-name": "dev"}) == {}
    assert send(emulator, "GET", f"{CATALOG}/batches?createdAfter=yesterday").status == 400


def test_a_failed_run_leaves_a_failed_batch_unless_it_failed_before_writing(emulator: Emulator) -> None:
    declared(emulator, EXAMPLE_SOURCES)
    uri = schema(emulator)
    target = target_to(emulator, data_set(emulator, uri), uri)
    flow_id = flowing(emulator, events(emulator, targetConnectionIds=[target]))
    emulator.runtime.clock.advance(6 * HOUR)
    written = [run for run in runs_of(emulator, flow_id) if len(run["activities"]) == 2]
    found = got(emulator, f"{CATALOG}/batches?limit=100")
    ended = [run for run in written if "completedAtUTC" in run["metrics"].get("durationSummary", {})]
    assert len(found) == len(ended)
    for batch in found.values():
        if batch["status"] == "failed":
            assert batch["recordCount"] == 0 and batch["errors"]


@pytest.mark.parametrize("path", [f"{CATALOG}/batches/none", f"{EXPORT}/batches/none/files", f"{EXPORT}/files/none"])
def test_what_is_not_there_is_not_found(emulator: Emulator, path: str) -> None:
    assert send(emulator, "GET", path).status == 404


def test_a_target_connection_has_the_schema_of_its_data_set(emulator: Emulator) -> None:
    to = arrival(emulator)
    other = schema(emulator, title="Other")
    body = {
        "name": "target",
        "data": {"schema": {"id": other, "version": "1"}},
        "params": {"dataSetId": to.data_set},
        "connectionSpec": {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"},
    }
    assert refused(send(emulator, "POST", "/targetConnections", body))[:2] == (400, "1100-400")


@pytest.mark.parametrize("member", ["data_set", "schema", "mapping"])
def test_a_closed_sandbox_takes_what_was_made_in_it(member: str) -> None:
    emulator = Emulator(Config(seed=1, closed=True))
    to = arrival(emulator)
    assert send(emulator, "POST", "/flows", arriving(emulator, to)).status == 201
    elsewhere = {
        "data_set": "5e8b2d8a1d2f3a18a8a1b2c3",
        "schema": "https://ns.adobe.com/x/schemas/1",
        "mapping": "0" * 32,
    }
    wrong = to._replace(**{member: elsewhere[member]})
    if member == "mapping":
        assert refused(send(emulator, "POST", "/flows", arriving(emulator, wrong)))[0] == 400
        return
    body = {
        "name": "target",
        "data": {"schema": {"id": wrong.schema, "version": "1"}},
        "params": {"dataSetId": wrong.data_set},
        "connectionSpec": {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"},
    }
    assert refused(send(emulator, "POST", "/targetConnections", body))[:2] == (400, "1100-400")
    assert (
        send(emulator, "POST", f"{CATALOG}/dataSets", {"name": "x", "schemaRef": {"id": elsewhere["schema"]}}).status
        == 400
    )


def test_data_sets_and_batches_move_with_the_state(emulator: Emulator) -> None:
    flowing(emulator, arriving(emulator, arrival(emulator)))
    emulator.runtime.clock.advance(HOUR)
    before = got(emulator, f"{CATALOG}/dataSets"), got(emulator, f"{CATALOG}/batches")
    other = Emulator(Config(seed=1))
    other.restore(emulator.export())
    assert (got(other, f"{CATALOG}/dataSets"), got(other, f"{CATALOG}/batches")) == before
