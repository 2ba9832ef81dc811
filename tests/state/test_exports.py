"""Tests that an export shows one moment of a store, and that no more of it is in memory than a batch."""

from __future__ import annotations

import itertools
import json
import re
import socket
import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator, create_app
from mockserver.errors import ApiError
from mockserver.exchange import Tenant
from mockserver.runtime import Runtime
from mockserver.state.places import open_store
from mockserver.state.sql import MAX_EXPORTS
from mockserver.state.store import Put, StorageUnavailable, Store
from mockserver.web import admin
from tests.calls import connection, made
from tests.rows import each
from tests.server.wire import PATIENT, Client, running
from tests.work import counted

TENANTS = [Tenant("org", "prod"), Tenant("org", "qa"), Tenant("other", "prod")]
MIB = 1 << 20


@pytest.fixture
def store(state: str | None) -> Iterator[Store]:
    opened = open_store(state, Runtime(seed=1))
    for tenant, kind in itertools.product(TENANTS, ("flows", "runs")):
        docs = [{"id": str(number), "updatedAt": 1, "name": "é" * 10} for number in range(900)]
        opened.transact(tenant, [Put(kind, doc) for doc in docs])  # one by one they take most of the time
    yield opened
    opened.close()


def change(store: Store, time: int) -> None:
    """Add, replace and delete records of the first and the last tenant, other ones each time."""
    for tenant, kind in itertools.product((TENANTS[0], TENANTS[-1]), ("flows", "runs")):
        old: Any = store.get(tenant, kind, "7")
        store.replace(tenant, kind, "7", {**old, "name": f"new {time}"}, old["etag"])
        store.delete(tenant, kind, str(8 + time))
        store.insert(tenant, kind, {"id": f"new-{time}", "updatedAt": 1})


@pytest.mark.slow
@each("time, taken", enumerate([0, 1, 3_000]))
def test_an_export_shows_one_moment_whatever_is_written_meanwhile(store: Store, time: int, taken: int) -> None:
    before = store.export()
    with store.snapshot() as (revision, records):
        found = list(itertools.islice(records, taken))
        change(store, time)
        found += records
    after = store.export()
    assert revision == before["revision"] < after["revision"]
    shown = sorted(((*one.tenant, one.kind, one.doc) for one in found), key=json.dumps)
    for state, same in ((before, True), (after, False)):
        rows = [(row["org"], row["sandbox"], row["kind"], row["doc"]) for row in state["records"]]
        assert (sorted(rows, key=json.dumps) == shown) is same


def whole(emulator: Emulator) -> int:
    return sum(len(json.dumps(row)) for row in emulator.export(credentials=True)["records"])


def in_pieces(emulator: Emulator) -> int:
    web = create_app(emulator).test_client()
    return sum(len(piece) for piece in web.get("/_mock/state?credentials=include").iter_encoded())


def in_pieces_masked(emulator: Emulator) -> int:
    return sum(len(piece) for piece in create_app(emulator).test_client().get("/_mock/state").iter_encoded())


def _peak(emulator: Emulator, export: Callable[[Emulator], int]) -> tuple[int, int]:
    tracemalloc.start()
    try:
        return export(emulator), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_no_more_of_an_export_is_in_memory_than_a_batch(tmp_path: Path) -> None:
    """It took the memory of all records, and twice that with masks."""
    emulator = Emulator(Config(state=str(tmp_path / "flow.db"), journal_entries=0))
    for number in range(60):
        made(emulator, connection(str(number), description="x" * 500_000))
    in_pieces(emulator)  # imports what it needs
    size, most = _peak(emulator, whole)
    assert size > 28 * MIB and most > size
    for export in (in_pieces, in_pieces_masked):
        size, most = _peak(emulator, export)
        assert size > 28 * MIB and most < 10 * MIB, export
    emulator.close()


def test_exports_that_are_broken_off_hold_no_connection(tmp_path: Path) -> None:
    """Of a file 16 may be read at once."""
    emulator = Emulator(Config(state=str(tmp_path / "flow.db")))
    for number in range(40):
        made(emulator, connection(str(number), description="x" * 10_000))
    web = create_app(emulator).test_client()
    for _ in range(40):
        response = web.get("/_mock/state", buffered=False)
        next(response.iter_encoded())
        response.close()
    assert json.loads(web.get("/_mock/state").data)["records"]
    emulator.close()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("begun", [True, False], ids=["after its beginning", "before its beginning"])
def test_a_damaged_record_ends_an_export_without_a_traceback(
    begun: bool, version: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """To a client of HTTP/1.0 it was an internal error."""
    emulator = Emulator(Config(state=str(tmp_path / "flow.db")))
    ids = [made(emulator, connection(str(number), description="x" * 50_000))["id"] for number in range(9)]
    with closing(sqlite3.connect(tmp_path / "flow.db")) as db, db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("UPDATE mockserver_records SET doc = '[]' WHERE id = ?", (ids[-1 if begun else 0],))
    with running(PATIENT, app=create_app(emulator)) as server:
        client = Client(server, f"GET /_mock/state HTTP/{version}\r\nHost: 127.0.0.1\r\n\r\n".encode())
        received = b""
        if begun:
            with pytest.raises(ConnectionResetError):  # a body that is cut differs from a complete one
                while data := client.socket.recv(65_536):
                    received += data
            assert received.startswith(b"HTTP/1.1 200 ")
        else:
            client.socket.shutdown(socket.SHUT_WR)
            received = client.read()
            assert received.startswith(b"HTTP/1.1 503 ") and b"a record is damaged" in received
    emulator.close()
    assert ids[-1 if begun else 0] in caplog.text and "Traceback" not in caplog.text


@pytest.mark.parametrize("state", ["sqlite", "postgresql"], indirect=True)
def test_exports_that_nobody_reads_on_leave_connections_to_requests(state: str) -> None:
    """At most 16 connections read at once."""
    opened = open_store(state, Runtime(seed=1))
    opened.insert(TENANTS[0], "flows", {"id": "1", "updatedAt": 1})
    with ExitStack() as stalled:
        for _ in range(MAX_EXPORTS):
            stalled.enter_context(opened.snapshot())
        for _ in range(16):
            with pytest.raises(StorageUnavailable):
                stalled.enter_context(opened.snapshot())
        assert opened.get(TENANTS[0], "flows", "1")
    assert len(opened.export()["records"]) == 1
    opened.close()


MANY = 400_000
_EMPTY = Emulator(Config(seed=1))


@cache
def many(part: bytes) -> bytes:
    """Members or items, each with its number."""
    return b"".join([part % number for number in range(MANY)])


@each(
    "begin, part, end, problem",
    [
        (b"{", b'"m%d":0,', b'"m":0}', "Member /m0 is unknown; expected one of version, revision, records"),
        (b'{"version":1,', b'"m%d":0,', b'"m":0}', "Member /m0 is unknown; expected one of"),
        (b"[", b"[%d],", b"0]", "/: expected an object, got an array"),
        (b'{"version":[', b"[%d],", b"0]}", "/version: expected an integer, got an array"),
        (b'{"revision":{', b'"m%d":0,', b'"m":0}}', "/revision: expected an integer, got an object"),
        (b'{"records":{', b'"m%d":0,', b'"m":0}}', "/records: expected an array, got an object"),
        (b'{"records":[', b"%d,", b"0]}", "/records/0: expected an object, got a number"),
        (b'{"version":1,"revision":1,"records":[', b'{"":%d},', b"0]}", "Member /records/0/org is missing"),
    ],
)
def test_a_large_document_that_is_no_export_is_refused_where_it_first_departs(
    begin: bytes, part: bytes, end: bytes, problem: str
) -> None:
    """One of 2.5 million members took 11 s, an array of 6 million items 8."""
    raw = begin + many(part) + end
    with counted() as work, pytest.raises(ValueError, match=re.escape(problem)):
        admin.restored(_EMPTY, BytesIO(raw).read)
    assert len(raw) > 2 * MIB and work.calls < 1_000


def test_a_record_is_imported_up_to_the_size_of_four_bodies() -> None:
    """One of 18 MB took 8 s."""
    emulator = Emulator(Config(seed=1, max_body=400_000))
    for name in "abcd":
        made(emulator, connection(name, description="x" * 390_000))
    raw = json.dumps(emulator.export(credentials=True), ensure_ascii=False).encode()
    assert len(raw) > MIB and admin.restored(emulator, BytesIO(raw).read) == 0
    longer = b'{"version":1,"revision":9,"records":[{"doc":["' + b'","' * 1_000_000 + b'"]}]}'
    with pytest.raises(ApiError) as refused:
        admin.restored(emulator, BytesIO(longer).read)
    assert refused.value.detail == "a value of more than 1600000 characters"
