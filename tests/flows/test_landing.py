"""Tests that runs write their mapped rows to `--lake`, as many as the batch says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from mockserver import Config, Emulator, runtime, world
from mockserver.flows import mapping
from tests.arrival import CATALOG, Arrival, arrival, arriving, data_set, schema, target_to
from tests.calls import send
from tests.dataflows import DAY, EXAMPLE_SOURCES, HOUR, TENANT, declared, events, files, flowing, once
from tests.work import counted


@pytest.fixture
def emulator(tmp_path: Path) -> Emulator:
    return Emulator(Config(seed=1, lake=str(tmp_path)))


def batches(emulator: Emulator) -> Any:
    """All batches as Catalog shows them."""
    return send(emulator, "GET", f"{CATALOG}/batches?limit=100").body


def landed(emulator: Emulator, to: Arrival) -> dict[str, list[Any]]:
    """Batch -> its rows in the lake."""
    assert emulator.config.lake is not None
    place = Path(emulator.config.lake, TENANT.org, TENANT.sandbox, to.data_set)
    return {path.stem: [json.loads(line) for line in path.read_text().splitlines()] for path in place.glob("*.jsonl")}


def test_each_batch_is_there_with_as_many_rows_as_it_says(emulator: Emulator) -> None:
    to = arrival(emulator)
    flowing(emulator, arriving(emulator, to))
    emulator.runtime.clock.advance(2 * DAY)
    told: dict[str, Any] = {}
    for start in (0, 100):
        page: Any = send(emulator, "GET", f"{CATALOG}/batches?limit=100&start={start}").body
        told |= page
    rows = landed(emulator, to)
    assert {name: len(found) for name, found in rows.items()} == {
        name: batch["recordCount"] for name, batch in told.items() if batch["recordCount"]
    }
    first = max(rows.values(), key=len)[0]
    assert isinstance(first["_id"], str) and isinstance(first["person"]["name"]["fullName"], str)
    ids = [row["_id"] for found in rows.values() for row in found]
    assert len(ids) == len(set(ids)) > 1000, "no row arrives twice"


def test_parquet_holds_the_same_rows(emulator: Emulator, tmp_path: Path) -> None:
    to = arrival(emulator)
    flowing(emulator, arriving(emulator, to))
    emulator.runtime.clock.advance(HOUR)
    batches(emulator)
    (name, rows), *_ = landed(emulator, to).items()
    (path,) = tmp_path.rglob(f"{name}.parquet")
    assert pyarrow.parquet.read_table(path).to_pylist() == rows
    assert not list(tmp_path.rglob("*.new")), "nothing is left half-written"


@pytest.mark.parametrize(("all_rows", "each_row"), [(10_000, 0), (0, 100_000)], ids=["together", "each"])
def test_the_rows_of_a_run_have_only_so_much_work(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, all_rows: int, each_row: int
) -> None:
    monkeypatch.setattr(mapping, "MAX_RUN_WORK", all_rows)
    monkeypatch.setattr(mapping, "RUN_WORK_PER_ROW", each_row)
    to = arrival(emulator)
    flowing(emulator, arriving(emulator, to))
    emulator.runtime.clock.advance(DAY)
    batches(emulator)
    rows = max(landed(emulator, to).values(), key=len)
    mapped = [bool(row) for row in rows]
    assert len(rows) > 100 and mapped == sorted(mapped, reverse=True), "the first rows use up what all have"
    assert any(mapped) and all(mapped) is bool(each_row)
    assert ("are empty: their mappings take too much work" in caplog.text) is bool(all_rows)


def run_states(emulator: Emulator) -> list[str]:
    page: Any = send(emulator, "GET", "/runs?limit=100").body
    return [run["metrics"]["statusSummary"]["status"] for run in page["items"]]


def test_rows_beyond_the_work_of_a_request_are_written_after_it(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rows of a table were written in the request that first showed the run: 12 s of CPU time for 400,000."""
    calls = []
    for work in (10**7, 10**5):
        monkeypatch.setattr(world, "MAX_LANDED_WORK", work)
        to = arrival(emulator)
        flowing(emulator, once(emulator, targetConnectionIds=[to.target]))
        emulator.runtime.clock.advance(HOUR)
        with counted() as spent:
            first = run_states(emulator)
        calls.append(spent.calls)
        assert ("inProgress" in first) == (work == 10**5)
        while "inProgress" in run_states(emulator):
            assert len(landed(emulator, to)) <= 1
        (rows,) = landed(emulator, to).values()
        assert len(rows) == batches(emulator)[next(iter(landed(emulator, to)))]["recordCount"] > 100
    assert calls[1] < calls[0] / 2


def test_more_runs_than_may_wait_for_their_rows_get_them_one_after_the_other(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "MAX_LANDED_WORK", 0)
    monkeypatch.setattr(runtime, "MAX_JOBS", 3)
    to = arrival(emulator)
    for _ in range(8):
        flowing(emulator, once(emulator, targetConnectionIds=[to.target]))
    emulator.runtime.clock.advance(HOUR)
    assert run_states(emulator) == ["inProgress"] * 8
    while "inProgress" in run_states(emulator):
        with emulator.runtime.background.working:  # until the next is written
            pass
    assert run_states(emulator) == ["success"] * 8 and len(landed(emulator, to)) == 8


def reimport(emulator: Emulator) -> None:
    emulator.restore(emulator.export(credentials=True))


@pytest.mark.parametrize("end", [Emulator.reset, Emulator.close, reimport])
def test_rows_that_are_being_written_at_the_end_leave_no_file(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    monkeypatch.setattr(world, "MAX_LANDED_WORK", 0)
    declared(emulator, EXAMPLE_SOURCES)
    flowing(emulator, events(emulator))
    emulator.runtime.clock.advance(DAY)
    with emulator.runtime.background.working:
        assert run_states(emulator) and list(tmp_path.rglob("*.new"))
    end(emulator)
    assert not list(tmp_path.rglob("*.new"))


@pytest.mark.parametrize("place", ["organisation", "sandbox", "data set", "unfinished"])
def test_a_folder_that_is_a_link_is_refused(emulator: Emulator, tmp_path: Path, place: str) -> None:
    """Whoever can write in the lake's folder could lead the rows elsewhere, or have other files replaced."""
    to, victim = arrival(emulator), tmp_path / "elsewhere"
    victim.mkdir()
    parts = [TENANT.org, TENANT.sandbox, to.data_set]
    places = ["organisation", "sandbox", "data set"]
    planted = tmp_path.joinpath(*parts[: places.index(place) + 1] if place in places else [".unfinished"])
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.symlink_to(victim)
    flowing(emulator, arriving(emulator, to))
    emulator.runtime.clock.advance(2 * DAY)
    assert batches(emulator) == {} and not list(victim.iterdir())
    planted.unlink()
    assert batches(emulator) and landed(emulator, to), "the rows come as soon as they can be written"


def test_links_in_place_of_files_are_replaced(emulator: Emulator, tmp_path: Path) -> None:
    to, victim = arrival(emulator), tmp_path / "victim"
    victim.write_text("precious")
    flowing(emulator, arriving(emulator, to))
    emulator.runtime.clock.advance(HOUR)
    told: Any = batches(emulator)
    folder = tmp_path / TENANT.org / TENANT.sandbox / to.data_set
    for name in [path.stem for path in folder.glob("*.jsonl")]:
        for file in (f"{name}.jsonl", f"{name}.parquet"):
            (folder / file).unlink(missing_ok=True)
            (folder / file).symlink_to(victim)
        (tmp_path / ".unfinished" / f".{name}.jsonl.0.new").symlink_to(victim)
    again = Emulator(Config(seed=1, lake=str(tmp_path)))
    same = arrival(again)
    flowing(again, arriving(again, same))
    again.runtime.clock.advance(HOUR)
    assert batches(again).keys() == told.keys() and victim.read_text() == "precious"
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_unfinished_files_of_killed_servers_are_removed_when_rows_are_written(
    emulator: Emulator, tmp_path: Path
) -> None:
    """They stayed in the folder of the data set for ever, where readers of all files found them."""
    (tmp_path / ".unfinished").mkdir()
    (tmp_path / ".unfinished" / ".one.jsonl.0.new").write_text('{"half": ')
    flowing(emulator, once(emulator, targetConnectionIds=[arrival(emulator).target]))
    emulator.runtime.clock.advance(HOUR)
    assert len(batches(emulator)) == 1 and not list(tmp_path.rglob("*.new"))


@pytest.mark.parametrize("kind", ["files", "once"])
def test_what_is_read_whole_arrives_once(emulator: Emulator, kind: str) -> None:
    to = arrival(emulator)
    unmapped = [{"name": "Mapping", "params": {"mappingId": "0" * 32, "mappingVersion": 0}}]
    changes: Any = {"targetConnectionIds": [to.target], "transformations": unmapped}
    flowing(emulator, files(emulator, **changes) if kind == "files" else once(emulator, **changes))
    emulator.runtime.clock.advance(3 * HOUR)
    told = batches(emulator)
    (rows,) = landed(emulator, to).values()
    assert len(rows) == sum(batch["recordCount"] for batch in told.values())
    assert "_id" not in rows[0], "a mapping set from elsewhere is not known: columns keep their names"


def test_rows_that_fail_do_not_arrive(emulator: Emulator) -> None:
    declared(emulator, EXAMPLE_SOURCES)
    uri = schema(emulator)
    found = data_set(emulator, uri)
    to = Arrival(uri, found, "", target_to(emulator, found, uri))
    flowing(emulator, events(emulator, targetConnectionIds=[to.target]))
    emulator.runtime.clock.advance(3 * HOUR)
    told = batches(emulator)
    assert any(batch["failedRecordCount"] for batch in told.values())
    rows = landed(emulator, to)
    written = {name: batch["recordCount"] for name, batch in told.items() if batch["recordCount"]}
    assert {name: len(found) for name, found in rows.items()} == written


def test_names_from_outside_stay_below_the_lake(emulator: Emulator, tmp_path: Path) -> None:
    target = target_to(emulator, "../../outside", "https://ns.adobe.com/acme/schemas/1")
    flowing(emulator, once(emulator, targetConnectionIds=[target]))
    emulator.runtime.clock.advance(HOUR)
    send(emulator, "GET", "/runs")
    assert [path for path in tmp_path.rglob("*.jsonl") if "outside" in str(path)]
    assert not list(tmp_path.parent.glob("outside*"))


def test_a_lake_that_cannot_be_written_to_leaves_runs_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    emulator = Emulator(Config(seed=1, lake=str(tmp_path / "file")))
    flowing(emulator, once(emulator, targetConnectionIds=[arrival(emulator).target]))
    emulator.runtime.clock.advance(HOUR)
    result: Any = send(emulator, "GET", "/runs")
    assert result.status == 200
    emulator = Emulator(Config(seed=1))
    flowing(emulator, once(emulator, targetConnectionIds=[arrival(emulator).target]))
    emulator.runtime.clock.advance(HOUR)
    assert len(batches(emulator)) == 1, "without a lake nothing is written and the batch is there"


def test_rows_of_a_flow_that_is_deleted_meanwhile_are_complete_before_its_run_is(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run was successful at once, while its rows were still being written."""
    monkeypatch.setattr(world, "MAX_LANDED_WORK", 0)
    to = arrival(emulator)
    flow = flowing(emulator, once(emulator, targetConnectionIds=[to.target]))
    emulator.runtime.clock.advance(HOUR)
    with emulator.runtime.background.working:
        assert run_states(emulator) == ["inProgress"]
        assert send(emulator, "DELETE", f"/flows/{flow}").status == 204
        assert run_states(emulator) == ["inProgress"] and not landed(emulator, to)
    while run_states(emulator) == ["inProgress"]:
        pass
    assert run_states(emulator) == ["success"] and len(landed(emulator, to)) == 1


def test_a_run_of_another_sandbox_with_the_same_id_gets_its_rows(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(world, "MAX_LANDED_WORK", 0)
    to = arrival(emulator)
    flowing(emulator, once(emulator, targetConnectionIds=[to.target]))
    export = emulator.export(credentials=True)
    copies = json.loads(json.dumps(export["records"]).replace(f'"{TENANT.sandbox}"', '"copy"'))
    moved = [{**copy, "revision": copy["revision"] + export["revision"]} for copy in copies]
    emulator.restore({**export, "revision": 2 * export["revision"], "records": [*export["records"], *moved]})
    emulator.runtime.clock.advance(HOUR)
    assert run_states(emulator) == ["inProgress"]
    for sandbox in ("copy", TENANT.sandbox):
        headers = {"x-sandbox-name": sandbox}
        while "inProgress" in json.dumps(send(emulator, "GET", "/runs", headers=headers).body):
            pass
    one, other = sorted(tmp_path.rglob("*.jsonl"))
    assert one.name == other.name and one.read_bytes() == other.read_bytes() != b""
