"""Tests of tables and views of a live database that are odd, huge, slow, broken or not read-only."""

from __future__ import annotations

import json
import re
import socket
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from mockserver import Emulator, world
from mockserver.sources.dialling import Patience
from tests import dataflows, live
from tests.calls import made, send
from tests.dataflows import HOUR, pass_time, runs_of, seconds, status_of, total
from tests.sources.test_live_runs import copy

MIB = 1_048_576
WIDE = 1_600
"""Columns of the widest table that PostgreSQL can have."""

PATIENT = Patience(connect_seconds=10, statement_ms=60_000, session_ms=60_000)
"""For tests of bytes, which must not fail on a busy machine."""

AT = "timestamptz '2026-01-01 00:00:30Z' AS at"
OBJECTS = """
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN several AS int[];
CREATE DOMAIN moment AS timestamptz;
CREATE TABLE odd (
 nan float8, inf numeric, neg real, raw bytea, arr int[], nested text[][], j json, jb jsonb, huge numeric, bc date,
 bct timestamptz, pair pair, mood mood, several several, at moment, iv interval, tt time, ttz timetz, mon money,
 bits bit(5), rng int4range, ts tsvector, id uuid, ip inet, o oid, rc regclass, ch "char", lsn pg_lsn, pt point,
 short numeric(3,-2), "quote""d" int, "new
line" int, "ünï %s {} ;--" int);
INSERT INTO odd VALUES (
 'NaN', 'Infinity', '-Infinity', '\\xff00', '{1,NULL}', '{{a,b},{c,d}}', '{"a":1,"a":2}', '{"a":[1]}',
 ('1' || repeat('0', 131071))::numeric, '4713-01-01 BC', '0044-03-15 12:00Z BC', '(1,"x,""y")', 'fine', '{1}',
 'infinity', '1 year -3 days', '24:00', '00:00+15:59', '$1,000.00', '10101', '[1,5)', 'a:1',
 '00000000-0000-0000-0000-000000000000', '::1', 4294967295, 'pg_class', 'x', 'FFFFFFFF/FFFFFFFF', '(1,2)', 12345,
 1, 2, 3);
CREATE VIEW lazy AS SELECT id, pg_sleep(1)::text AS z, <AT> FROM customers;
CREATE VIEW bomb AS SELECT repeat('x', 1000000000) AS t, <AT> FROM generate_series(1, 3);
CREATE FUNCTION effect() RETURNS int LANGUAGE plpgsql AS $$BEGIN DELETE FROM customers; RETURN 1; END$$;
CREATE VIEW writing AS SELECT effect() AS n, <AT>;
CREATE FUNCTION freed() RETURNS int LANGUAGE plpgsql AS $$BEGIN
 PERFORM set_config('transaction_read_only', 'off', false); DELETE FROM customers; RETURN 1; END$$;
CREATE VIEW freeing AS SELECT freed() AS n, <AT>;
CREATE FUNCTION died() RETURNS bool LANGUAGE sql AS $$SELECT pg_terminate_backend(pg_backend_pid())$$;
CREATE VIEW dying AS SELECT died() AS n, <AT>;
CREATE FUNCTION told() RETURNS int LANGUAGE plpgsql AS $$BEGIN
 RAISE EXCEPTION '%', repeat('c4n4ry-row', 1000); END$$;
CREATE VIEW telling AS SELECT told() AS n, <AT>;
CREATE FUNCTION noisy() RETURNS int LANGUAGE plpgsql AS $$BEGIN
 FOR i IN 1..9999 LOOP RAISE NOTICE '%', repeat('n', 500); END LOOP; RETURN 1; END$$;
CREATE VIEW loud AS SELECT noisy() AS n, <AT>;
CREATE VIEW later AS SELECT 1 / (n - 150) AS v, <AT> FROM generate_series(1, 300) n;
CREATE TABLE fat AS SELECT 1 AS id, repeat('x', 100000000) AS t, repeat('y', 10000000)::bytea AS b, NULL::json AS no,
 ('"' || repeat('z', 50000000) || '"')::json AS j, ('"' || repeat('z', 50000000) || '"')::jsonb AS jb, <AT>;
INSERT INTO fat SELECT n, t, b, no, j, jb, at FROM fat, generate_series(2, 3) n; -- compressed as they are
CREATE TABLE lots AS SELECT n AS id, repeat('y', 100) AS t, <AT> FROM generate_series(1, 20000) n;
""".replace("<AT>", AT)

READ: dict[str, Any] = {
    "nan": None, "inf": None, "neg": None, "raw": "/wA=", "arr": "{1,NULL}", "nested": "{{a,b},{c,d}}",
    "j": '{"a":1,"a":2}', "jb": '{"a": [1]}', "huge": None, "bc": None, "bct": None, "pair": '(1,"x,""y")',
    "mood": "fine", "several": "{1}", "at": None, "iv": "1 year -3 days", "tt": "24:00:00", "ttz": "00:00:00+15:59",
    "mon": "$1,000.00", "bits": "10101", "rng": "[1,5)", "ts": "'a':1", "id": "00000000-0000-0000-0000-000000000000",
    "ip": "::1/128", "o": "4294967295", "rc": "pg_class", "ch": "x", "lsn": "FFFFFFFF/FFFFFFFF", "pt": "(1,2)",
    "short": 12300, 'quote"d': 1, "new\nline": 2, "ünï %s {} ;--": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def objects() -> None:
    """Create the tables and views, once."""
    live.port()
    live.execute(OBJECTS)
    columns = ", ".join(f'"{"ü" * 28}{number:04}" text' for number in range(WIDE))
    live.execute(f"CREATE TABLE wide ({columns})")
    cells = ", ".join(["chr(128512)"] * WIDE)  # longer ones do not fit into a page of PostgreSQL
    live.execute(f"INSERT INTO wide SELECT {cells} FROM generate_series(1, 100)")  # noqa: S608  # constants


@pytest.fixture
def emulator(objects: None) -> Emulator:
    return live.emulator()


def test_odd_values_are_shown_as_documented(emulator: Emulator) -> None:
    base = made(emulator, live.basic())["id"]
    assert live.rows(emulator, base, "public.odd") == [READ]


PREVIEWS = {
    "lazy": (504, "did not answer in time"),
    "bomb": (504, "did not answer in time"),
    "writing": (400, "failed while it was read"),
    "freeing": (400, "failed while it was read"),
    "dying": (400, "failed while it was read"),
    "telling": (400, "failed while it was read"),
    "loud": (200, ""),
    "later": (200, ""),
}


@pytest.mark.parametrize("table", PREVIEWS)
def test_a_view_that_fails_waits_or_writes_is_refused_in_the_services_form(
    emulator: Emulator, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    base = made(emulator, live.basic())["id"]
    status, says = PREVIEWS[table]
    answer = live.explore(emulator, base, f"public.{table}", preview=True)
    assert answer.status == status and says in str(answer.body)
    assert "c4n4ry" not in str(answer.body) + caplog.text and "Traceback" not in caplog.text
    assert len(live.rows(emulator, base, "public.customers")) == 100, "nothing has been deleted"


ENDLESS = {
    "an error": "RAISE EXCEPTION USING MESSAGE = repeat('x', 3000000)",
    "a huge error": "RAISE EXCEPTION USING MESSAGE = repeat('x', 40000000)",
    "notices that the view has turned on": """PERFORM set_config('client_min_messages', 'notice', true);
 FOR n IN 1..40 LOOP RAISE NOTICE USING MESSAGE = repeat('x', 1000000); END LOOP""",
}


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="sockets cannot be replaced on this system")
@pytest.mark.parametrize("what", ENDLESS)
def test_a_view_that_sends_without_end_is_cut_off(what: str, caplog: pytest.LogCaptureFixture) -> None:
    """Libpq reads errors and notices of any length, and an error takes eight times its size."""
    emulator = live.emulator(patience=PATIENT)
    live.execute(f"""CREATE OR REPLACE FUNCTION endless() RETURNS int LANGUAGE plpgsql AS $$ BEGIN {ENDLESS[what]};
 RETURN 1; END $$; CREATE OR REPLACE VIEW endless AS SELECT endless() AS id""")
    base = made(emulator, live.basic())["id"]
    answer = live.explore(emulator, base, "public.endless", preview=True)
    assert answer.status == 400 and "failed while it was read" in str(answer.body)
    assert "ProgramLimitExceeded" in caplog.text
    assert len(live.rows(emulator, base, "public.customers")) == 100, "and others are answered"


def test_long_texts_of_large_characters_are_cut_to_as_many_bytes(objects: None) -> None:
    """Otherwise 100 rows of them would be more than one response of a database may have."""
    cells = ", ".join(f"repeat('😀', 3000) AS c{number}" for number in range(4))
    live.execute(f"CREATE VIEW faces AS SELECT {cells} FROM generate_series(1, 100)")  # noqa: S608  # constants
    emulator = live.emulator(patience=PATIENT)
    rows = live.rows(emulator, made(emulator, live.basic())["id"], "public.faces")
    assert len(rows) == 100 and {text for row in rows for text in row.values()} == {"😀" * 1024}


def test_of_large_values_the_database_reads_the_beginning_or_the_size(objects: None, tmp_path: Path) -> None:
    """Its own memory and time were those of whole values, so that a run over a cell of 300 MB ended in a timeout."""
    emulator = live.emulator(lake=str(tmp_path))
    for row in live.rows(emulator, made(emulator, live.basic())["id"], "public.fat"):
        assert {*row["t"]} == {"x"} and {*row["b"].rstrip("=")} <= {*"eXl5Q"} and row["no"] is None
        assert re.fullmatch(r"\(\d{6} bytes\)", row["j"]) and re.fullmatch(r"\(\d{6} bytes\)", row["jb"])
    (run,) = landing(emulator, "fat")
    assert status_of(run) == "success" and total([run]) == 3
    assert 3 * 10**8 < run["metrics"]["sizeSummary"]["inputBytes"] < 4 * 10**8


def test_the_rows_of_a_table_with_many_long_cells_are_read_in_small_batches(objects: None, tmp_path: Path) -> None:
    """200 rows of it were read at once: 80 MiB."""
    cells = ", ".join(f"repeat('x', 5000) AS c{number}" for number in range(100))
    live.execute(f"CREATE TABLE broad AS SELECT {cells}, {AT} FROM generate_series(1, 60)")  # noqa: S608  # constants
    emulator = live.emulator(lake=str(tmp_path), patience=PATIENT)
    live.explore(emulator, made(emulator, live.basic())["id"], "public.customers", preview=True)
    tracemalloc.start()
    try:
        (run,) = landing(emulator, "broad")
        run = when_landed(emulator, run)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total([run]) == 60 and peak < 16 * MIB


def test_a_preview_of_the_widest_table_is_bounded(objects: None) -> None:
    emulator = live.emulator(patience=PATIENT)
    base = made(emulator, live.basic())["id"]
    live.explore(emulator, base, "public.customers", preview=True)
    tracemalloc.start()
    try:
        answer: Any = live.explore(emulator, base, "public.wide", preview=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status == 200 and len(answer.body["schema"]["columns"]) == WIDE
    assert len(answer.body["data"]) == 12 and set(answer.body["data"][0].values()) == {"😀"}
    assert len(answer.encoded) < 4 * MIB and peak < 16 * MIB


def landing(emulator: Emulator, table: str) -> list[dict[str, Any]]:
    """The runs of a flow over a view, an hour after it was created."""
    base = made(emulator, live.basic())["id"]
    read = dataflows.source(emulator, f"public.{table}", baseConnectionId=base)
    schedule = {"startTime": seconds(emulator) + 60, "frequency": "hour", "interval": 1}
    steps = [copy("at"), dataflows.MAPPING]
    flow_id = dataflows.flowing(
        emulator,
        dataflows.flow(emulator, sourceConnectionIds=[read], transformations=steps, scheduleParams=schedule),
    )
    pass_time(emulator, HOUR - 1)
    return runs_of(emulator, flow_id)


def when_landed(emulator: Emulator, run: Any) -> Any:
    """The run once its rows have been written, or could not be."""
    while status_of(run) == "inProgress":
        with emulator.runtime.background.working:  # not at once, because each request takes time from the writing
            pass
        run = dataflows.looked_up(emulator, f"/runs/{run['id']}")
    return run


def test_a_run_whose_view_fails_after_the_request_that_began_it_fails(
    objects: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "MAX_LANDED_WORK", 0)
    emulator = live.emulator(lake=str(tmp_path))
    (run,) = landing(emulator, "later")
    assert status_of(run) == "inProgress" and status_of(when_landed(emulator, run)) == "failed"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("table", ["lazy", "bomb", "writing", "freeing", "dying", "telling", "later"])
def test_a_run_over_a_view_that_cannot_be_read_fails_and_leaves_no_rows(
    objects: None, table: str, tmp_path: Path
) -> None:
    """`later` can be counted, and fails at its 150th row. All lists of runs were refused then, for ever."""
    emulator = live.emulator(lake=str(tmp_path))
    (run,) = landing(emulator, table)
    (error,) = run["metrics"]["statusSummary"]["errors"]
    assert status_of(run) == "failed" and error["code"] == "CONNECTOR-2001-500"
    assert total([run], "outputRecordCount") == 0 and [activity["name"] for activity in run["activities"]] == [
        "Copy Activity"
    ]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert send(emulator, "GET", "/runs").status == 200


def test_the_rows_of_a_large_table_are_read_in_batches(objects: None, tmp_path: Path) -> None:
    emulator = live.emulator(lake=str(tmp_path), patience=PATIENT)
    live.explore(emulator, made(emulator, live.basic())["id"], "public.customers", preview=True)
    tracemalloc.start()
    try:
        (run,) = landing(emulator, "lots")
        assert status_of(run) == "inProgress", "its rows take longer than a request may"
        run = when_landed(emulator, run)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    (lines,) = tmp_path.rglob("*.jsonl")
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    assert len(rows) == total([run]) == 20_000 and rows[-1]["id"] == 20_000
    assert peak < 4 * MIB, "all rows at once take 10 MiB"
