"""Tests that the run of a stream counts the rows that are in the lake, whatever ends its server in between."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator
from tests import postgres
from tests.arrival import arrival, arriving
from tests.calls import send
from tests.dataflows import HOUR, flowing
from tests.full_disk import limited_files
from tests.resources.test_inlet import connection, counted, flow, inlet, post

SENDER = """
import sys
from mockserver import Config, Emulator
from tests import postgres
from tests.resources.test_inlet import post

emulator = Emulator(Config(state=sys.argv[1], lake=sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
print(post(emulator, sys.argv[3], {"name": "unacknowledged"}).status, flush=True)
"""


class Stream:
    """A flow that lands events in a lake."""

    def __init__(self, folder: Path, state: str | None = None) -> None:
        self.config = Config(state=state, lake=str(folder / "lake"))
        self.emulator = Emulator(self.config)
        base = connection(self.emulator, dataType="raw")
        self.flow, self.door, self._folder = flow(self.emulator, base, mapped=True), inlet(self.emulator, base), folder

    def restart(self) -> None:
        """Stop the server and start it again."""
        self.emulator.close()
        self.emulator = Emulator(self.config)

    def post(self, *names: str) -> list[int]:
        """Send an event for each name; returns the statuses."""
        return [post(self.emulator, self.door, {"name": name}).status for name in names]

    @property
    def rows(self) -> list[str]:
        """The names in the lake."""
        lines = [line for path in self._folder.rglob("*.jsonl") for line in path.read_text().splitlines()]
        return [json.loads(line)["name"] for line in lines]

    @property
    def counts(self) -> list[tuple[int, int]]:
        """Rows and failed rows of each run."""
        return counted(self.emulator, self.flow)


def test_events_that_cannot_be_written_are_not_counted(tmp_path: Path) -> None:
    """They were: a client that sent them again had them counted twice."""
    stream = Stream(tmp_path)
    assert stream.post("Ada") == [200]
    with limited_files(len('{"name":"Ada"}\n') + 5):
        refused: Any = post(stream.emulator, stream.door, {"name": "Grace"})
    assert refused.status == 503 and "The lake cannot be written to: File too large" in str(refused.body)
    assert stream.counts == [(1, 0)] and stream.rows == ["Ada"]
    assert stream.post("Grace") == [200]
    assert stream.counts == [(2, 0)] and stream.rows == ["Ada", "Grace"]


def folder_is_a_file(folder: Path) -> None:
    """Put a file in place of the lake."""
    (folder / "lake").write_text("")


@pytest.mark.parametrize(
    ("limit", "prepare", "reason"),
    [(0, lambda folder: None, "File too large"), (10_000_000, folder_is_a_file, "File exists")],
    ids=["full", "no folder"],
)
def test_runs_whose_rows_cannot_be_written_come_later_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, limit: int, prepare: Callable[[Path], None], reason: str
) -> None:
    """They were only missing."""
    emulator = Emulator(Config(seed=1, lake=str(tmp_path / "lake")))
    flowing(emulator, arriving(emulator, arrival(emulator)))
    emulator.runtime.clock.advance(HOUR)
    prepare(tmp_path)
    with limited_files(limit):
        missing: Any = send(emulator, "GET", "/runs")
    assert (missing.status, missing.body["items"]) == (200, [])
    assert f"Lake {tmp_path / 'lake'} cannot be written to: {reason}" in caplog.text
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "lake"]
    if (tmp_path / "lake").is_file():
        (tmp_path / "lake").unlink()
    there: Any = send(emulator, "GET", "/runs").body
    assert there["items"] and list(tmp_path.rglob("*.jsonl"))


@pytest.mark.parametrize("known", [[], ["Ada"]], ids=["first", "later"])
def test_a_server_that_is_killed_between_rows_and_count_leaves_no_row_that_is_counted_or_kept(
    known: list[str], tmp_path: Path
) -> None:
    """It counted first, so the run had events without rows."""
    state = tmp_path / "flow.db"
    stream = Stream(tmp_path, str(state))
    stream.post(*known)
    stream.emulator.close()
    command = [sys.executable, "-c", SENDER, str(state), str(stream.config.lake), stream.door]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdin is not None and sender.stdout is not None and sender.stdout.readline() == "ready\n"
        with closing(sqlite3.connect(state, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")  # the run cannot be written
            sender.stdin.write("\n")
            sender.stdin.flush()
            while stream.rows == known and sender.poll() is None:
                time.sleep(0.01)  # nothing tells when a file is written
            sender.kill()
    assert stream.rows == [*known, "unacknowledged"]
    stream.emulator = Emulator(stream.config)
    assert stream.counts == ([(1, 0)] if known else [])
    assert stream.post("unacknowledged", "Grace") == [200, 200]
    assert stream.counts == [(len(known) + 2, 0)] and stream.rows == [*known, "unacknowledged", "Grace"]
    stream.emulator.close()


@pytest.mark.parametrize("state", [None, "flow.db"])
def test_events_of_many_clients_are_counted_as_they_are_written(tmp_path: Path, state: str | None) -> None:
    stream = Stream(tmp_path, state and str(tmp_path / state))
    names = [f"n{number}" for number in range(80)]
    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(lambda name: stream.post(name)[0], names)) == {200}
    assert stream.counts == [(80, 0)] and sorted(stream.rows) == sorted(names)
    stream.emulator.close()


def test_a_masked_export_of_a_stream_is_imported_again(tmp_path: Path) -> None:
    stream = Stream(tmp_path)
    stream.post("Ada")
    stream.emulator.restore(stream.emulator.export())
    assert stream.post("Grace") == [200] and stream.counts == [(2, 0)] and stream.rows == ["Ada", "Grace"]


def test_a_run_that_counted_no_bytes_yet_goes_on_at_the_end_of_its_file(tmp_path: Path) -> None:
    """As of a server of release 0.1."""
    stream = Stream(tmp_path)
    stream.post("Ada")
    export: Any = stream.emulator.export(credentials=True)
    for record in export["records"]:
        record["doc"].pop("landed", None)
    stream.emulator.restore(export)
    assert stream.post("Grace") == [200] and stream.rows == ["Ada", "Grace"]
    assert send(stream.emulator, "GET", "/runs").status == 200


def test_events_of_two_servers_are_counted_as_they_are_written(tmp_path: Path) -> None:
    """Servers that share a database may share the folder."""
    one = Stream(tmp_path, postgres.new_url())
    other = Emulator(one.config)
    one.post("first")
    with ThreadPoolExecutor(6) as clients:
        asked = [
            clients.submit(post, (one.emulator, other)[number % 2], one.door, {"name": f"n{number}"})
            for number in range(60)
        ]
        assert {result.result().status for result in asked} == {200}
    assert one.counts == [(61, 0)] and sorted(one.rows) == sorted(["first", *(f"n{number}" for number in range(60))])
    one.emulator.close()
    other.close()
