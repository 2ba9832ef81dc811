"""Tests of several stores on one PostgreSQL database."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from mockserver import listing
from mockserver.config import how_to_get
from mockserver.exchange import Tenant
from mockserver.listing import Listable, ListQuery
from mockserver.quirks import Quirks
from mockserver.runtime import Runtime
from mockserver.state import statements
from mockserver.state.places import open_store
from mockserver.state.store import Missing, Put, Stale, StateError, StorageUnavailable, Store, Taken
from tests.postgres import PASSWORD, new_url, shared_server
from tests.state.stored import asked, walk
from tests.work import counted

TENANT = Tenant("org", "prod")
KIND = "connections"
LISTABLE = Listable(KIND, frozenset({"id", "name"}), frozenset({"id", "name"}))


@pytest.fixture
def url() -> str:
    return new_url()


@pytest.fixture
def pair(url: str) -> Iterator[tuple[Store, Store]]:
    opened = open_store(url, Runtime()), open_store(url, Runtime())
    yield opened
    for store in opened:
        store.close()


def put(store: Store, entity_id: str, name: Any = "a") -> str:
    return str(store.insert(TENANT, KIND, {"id": entity_id, "name": name, "updatedAt": 5})["etag"])


def test_tables_that_were_just_created_are_not_looked_for(url: str) -> None:
    """The catalogue of the database tells of them in half the time of a first start."""
    open_store(new_url(), Runtime()).close()  # imports and compiles
    works = []
    for _ in range(2):
        with counted() as work:
            open_store(url, Runtime()).close()
        works.append(work.calls)
    assert works[0] < works[1]


LATIN = "café \xa0ÿ"


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "EUC_JP"])
def test_a_database_of_another_encoding_keeps_every_character(encoding: str) -> None:
    """It refuses characters that its encoding lacks, unless they are written with escapes."""
    server = shared_server()
    with psycopg.connect(server.url(), autocommit=True) as db:
        db.execute(f"CREATE DATABASE of_{encoding} ENCODING '{encoding}' TEMPLATE template0")  # type: ignore[arg-type]
    for number in range(2):
        store = open_store(server.url().replace("/postgres", f"/of_{encoding.lower()}"), Runtime())
        for text in (LATIN, "中\U0001f600", "x" * 9_000 + "\U0001f600"):
            put(store, f"{number}{len(text)}", text)
            assert seen(store, f"{number}{len(text)}") == text
            rename(store, f"{number}{len(text)}", text * 2)
            assert next(doc["name"] for doc in store.all(TENANT, KIND)) == text * 2
        store.restore(store.export())
        store.close()


def test_the_encoding_of_a_connection_is_not_that_of_the_url(url: str) -> None:
    store = open_store(f"{url}&client_encoding=latin1", Runtime())
    put(store, "1", "中\U0001f600")
    assert seen(store, "1") == "中\U0001f600"
    store.close()


def rename(store: Store, entity_id: str, name: Any) -> str:
    now = store.get(TENANT, KIND, entity_id)
    assert now is not None
    return str(store.replace(TENANT, KIND, entity_id, {**now, "name": name}, now["etag"])["etag"])


def seen(store: Store, entity_id: str) -> Any:
    found = store.get(TENANT, KIND, entity_id)
    return None if found is None else found["name"]


@pytest.mark.parametrize("order", ["", "name", "-name"])
def test_large_records_beyond_a_batch_are_not_even_sent(url: str, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver keeps everything that a statement returns."""
    received: list[int] = []

    def cut(rows: Any) -> list[Any]:
        received.append(rows.rowcount)
        return cut_batch(rows)

    cut_batch = statements._cut_batch
    monkeypatch.setattr(statements, "_cut_batch", cut)
    monkeypatch.setattr(statements, "MAX_BATCH_BYTES", 100_000)
    monkeypatch.setattr(statements, "_compiled", {})  # they contain both
    store = open_store(url, Runtime())
    for number in range(12):
        put(store, f"{number:02}", f"{number:02}" + "é" * 15_000)
    assert walk(store, asked(5, order)) == [f"{number:02}" for number in sorted(range(12), reverse=order != "name")]
    store.close()
    assert max(received) == 4 and len(received) > 3


def test_each_sees_what_the_other_wrote(pair: tuple[Store, Store]) -> None:
    one, other = pair
    etag = put(one, "1")
    assert seen(other, "1") == "a"
    other.replace(TENANT, KIND, "1", {"id": "1", "name": "b", "updatedAt": 5}, etag)
    assert seen(one, "1") == "b"
    with pytest.raises(Stale):
        one.replace(TENANT, KIND, "1", {"id": "1", "name": "c", "updatedAt": 5}, etag)
    one.delete(TENANT, KIND, "1")
    assert seen(other, "1") is None
    with pytest.raises(Missing):
        other.delete(TENANT, KIND, "1")


def test_a_write_is_decided_by_what_the_others_wrote_and_not_by_old_memory(pair: tuple[Store, Store]) -> None:
    one, other = pair
    etag = put(one, "1")
    with pytest.raises(Taken):
        put(other, "1")
    assert other.get(TENANT, KIND, "1") is not None  # received with the refused write
    rename(one, "1", "b")
    with pytest.raises(Stale):
        other.transact(TENANT, [Put(KIND, {"id": "2", "updatedAt": 5}), Put(KIND, {"id": "1", "updatedAt": 5}, etag)])
    assert seen(one, "2") is None

    def forbid() -> None:
        assert other.count(TENANT, KIND) == 2
        raise PermissionError

    put(one, "3")
    with pytest.raises(PermissionError):
        other.delete(TENANT, KIND, "1", forbid)


def test_of_writers_on_two_servers_exactly_one_wins_and_no_increment_is_lost(pair: tuple[Store, Store]) -> None:
    put(pair[0], "1", 0)
    start, etags = threading.Barrier(8), set()

    def increment(number: int) -> None:
        store = pair[number % 2]
        start.wait()
        for _ in range(15):
            while True:
                now = store.get(TENANT, KIND, "1")
                assert now is not None
                try:
                    changed = {**now, "name": now["name"] + 1}
                    etags.add(store.replace(TENANT, KIND, "1", changed, now["etag"])["etag"])
                    break
                except Stale:
                    continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(increment, range(8)))
    assert seen(pair[0], "1") == seen(pair[1], "1") == 120 == len(etags)


def test_a_listing_goes_on_at_the_other_server_while_both_write(pair: tuple[Store, Store]) -> None:
    for number in range(40):
        put(pair[number % 2], str(number), f"n{number:02}")
    for order in ("name", ""):
        ids, turn, query = (
            [],
            0,
            listing.parse({"limit": 7, "orderby": order or None}, LISTABLE, Quirks()),
        )
        while True:
            store = pair[turn % 2]
            docs, after = store.page(TENANT, KIND, query)
            ids += [doc["id"] for doc in docs]
            if after is None:
                break
            query = ListQuery(order=query.order, limit=7, after=after)
            for number in range(0, 40, 3):
                rename(pair[(turn + number) % 2], str(number), f"m{turn}")
            put(pair[turn % 2], f"{order}-{turn}")
            turn += 1
        assert len(set(ids)) == len(ids) and {str(number) for number in range(40)} <= set(ids), order
        for extra in (name for name in list(ids) if "-" in name):
            pair[0].delete(TENANT, KIND, extra)


def test_clear_and_restore_reach_the_others(pair: tuple[Store, Store]) -> None:
    one, other = pair
    first = put(one, "1")
    saved = other.export()
    assert [row["doc"]["id"] for row in saved["records"]] == ["1"]
    one.clear()
    assert seen(other, "1") is None
    again = put(other, "1")
    assert again != first and seen(one, "1") == "a"
    one.restore(saved)
    assert other.export()["records"] == saved["records"]
    assert rename(other, "1", "b") not in (first, again)


def test_a_new_server_finds_what_there_is_and_two_that_start_together_make_the_tables_once(url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: open_store(url, Runtime()), range(6)))
    etags = {put(store, str(number)) for number, store in enumerate(stores)}
    assert len(etags) == 6 and all(seen(store, "0") == "a" for store in stores)
    late = open_store(url, Runtime())
    assert late.count(TENANT, KIND) == 6 and late.export() == stores[0].export()
    for store in [late, *stores]:
        store.close()


def test_a_look_up_among_many_imported_records_uses_the_index(url: str) -> None:
    store = open_store(url, Runtime())
    put(store, "1")
    state = store.export()
    row, first = state["records"][0], state["revision"]
    rows = [{**row, "revision": first + n, "doc": {**row["doc"], "id": str(n)}} for n in range(5_000)]
    store.restore({**state, "records": rows, "revision": first + 5_000})
    asked = "SELECT doc FROM mockserver_records WHERE org = 'org' AND sandbox = 'prod' AND kind = %s AND id = '7'"
    with psycopg.connect(url) as db:
        plan = " ".join(line for (line,) in db.execute("EXPLAIN " + asked.replace("%s", "'connections'")))
    assert "mockserver_records_pkey" in plan
    store.close()


def test_newer_tables_are_refused(url: str) -> None:
    open_store(url, Runtime()).close()
    with psycopg.connect(url) as db:
        db.execute("INSERT INTO mockserver_schema VALUES (99)")
    with pytest.raises(StateError, match="newer release"):
        open_store(url, Runtime())


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://flow:{PASSWORD}@127.0.0.1:1/postgres",
        f"postgresql://flow:{PASSWORD}x@127.0.0.1:{{port}}/postgres",
        f"postgresql://flow:{PASSWORD}@127.0.0.1:{{port}}/none",
        f"postgresql://flow:{PASSWORD}/x@127.0.0.1:{{port}}/postgres",
        f"postgresql://flow:{PASSWORD}@[::1/postgres",
        f"postgresql://flow@127.0.0.1:1/postgres?password={PASSWORD}",
        f"postgresql://flow@127.0.0.1:1/postgres?nonsense={PASSWORD}",
        f"postgresql://flow:{PASSWORD}%@127.0.0.1:1/postgres",
    ],
    ids=["refused", "wrong password", "no database", "slash", "bracket", "parameter", "unknown parameter", "percent"],
)
def test_a_database_that_cannot_be_used_is_refused_without_its_password(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(StateError) as caught:
        open_store(url.format(port=shared_server().port), Runtime())
    message = str(caught.value)
    assert PASSWORD not in message + repr(caught.value) + caplog.text and "\n" not in message and message.endswith(".")


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "mockserver.state.postgresql", raising=False)
    with pytest.raises(StateError, match=re.escape(how_to_get("postgres"))):
        open_store("postgresql://localhost/flow", Runtime())


TRIGGER = """CREATE FUNCTION quote() RETURNS trigger AS $$ BEGIN RAISE {}; END $$ LANGUAGE plpgsql;
    CREATE TRIGGER quoting BEFORE INSERT ON mockserver_records FOR EACH ROW EXECUTE FUNCTION quote()"""
QUOTING = {
    "a trigger": TRIGGER.format("EXCEPTION 'no: %', NEW.doc"),
    "a code of its own": TRIGGER.format("SQLSTATE 'ZZ001' USING MESSAGE = NEW.doc"),
    "a conversion": "ALTER TABLE mockserver_records ADD CHECK (doc::integer > 0) NOT VALID",
}


@pytest.mark.parametrize("how", QUOTING)
def test_an_error_of_the_database_that_quotes_a_record_is_not_logged(
    pair: tuple[Store, Store], url: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(url) as db:
        db.execute(QUOTING[how].encode())
    with pytest.raises(StorageUnavailable) as caught:
        pair[0].insert(TENANT, KIND, {"id": "1", "updatedAt": 5, "password": "c4n4ry"})
    assert "c4n4ry" not in caplog.text + str(caught.value) and "SQLSTATE" in caplog.text


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM mockserver_meta", "counts revisions"),
        ("DROP TABLE mockserver_meta", "lacks the table mockserver_meta"),
        ("DROP TABLE mockserver_records", "lacks the table mockserver_records"),
    ],
)
def test_tables_that_are_not_right_are_refused_by_name_and_a_running_server_says_503(
    pair: tuple[Store, Store], url: str, statement: str, said: str
) -> None:
    put(pair[0], "1")
    with psycopg.connect(url) as db:
        db.execute(statement.encode())
    for act in (lambda: put(pair[0], "2"), lambda: pair[1].delete(TENANT, KIND, "1"), pair[0].export, pair[0].clear):
        with pytest.raises(StorageUnavailable):
            act()
    with pytest.raises(StateError, match=said) as caught:
        open_store(url, Runtime())
    assert PASSWORD not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("lost", ["DROP TABLE mockserver_schema", "DELETE FROM mockserver_schema"])
def test_tables_without_their_version_are_refused_and_left_alone(url: str, lost: str) -> None:
    store = open_store(url, Runtime())
    put(store, "1")
    store.close()
    with psycopg.connect(url) as db:
        db.execute(lost.encode())
    for _ in range(2):
        with pytest.raises(StateError, match=r"has the table mockserver_history, but lacks .* mockserver_schema"):
            open_store(url, Runtime())
    with psycopg.connect(url) as db:
        db.execute("CREATE TABLE IF NOT EXISTS mockserver_schema (version integer NOT NULL)")
        db.execute("INSERT INTO mockserver_schema VALUES (2)")
    store = open_store(url, Runtime())
    assert seen(store, "1") == "a"
    store.close()


def test_a_database_with_tables_of_others_is_taken(url: str) -> None:
    with psycopg.connect(url) as db:
        db.execute("CREATE TABLE records (x int); CREATE TABLE meta (x int)")
    open_store(url, Runtime()).close()


@pytest.mark.parametrize("column", ["records.checksum", "records.doc", "history.ordered", "meta.drawn"])
def test_tables_without_a_column_are_refused_by_name(url: str, column: str) -> None:
    open_store(url, Runtime()).close()
    table, _, name = column.partition(".")
    with psycopg.connect(url) as db:
        db.execute(f"ALTER TABLE mockserver_{table} DROP COLUMN {name} CASCADE".encode())
    with pytest.raises(StateError, match=f"lacks the column {name} of mockserver_{table}"):
        open_store(url, Runtime())


@pytest.mark.parametrize("doc", ["no json", "[]", "5", "", '"text"'])
def test_the_tables_refuse_a_record_that_is_no_object(pair: tuple[Store, Store], url: str, doc: str) -> None:
    put(pair[0], "1")
    with psycopg.connect(url) as db, pytest.raises(psycopg.Error):
        db.execute("UPDATE mockserver_records SET doc = %s", (doc,))


@pytest.mark.parametrize("doc", ["{}", '{"id": "2"}'])
def test_a_record_that_was_changed_by_hand_is_not_shown_and_the_log_names_it(
    pair: tuple[Store, Store], url: str, doc: str, caplog: pytest.LogCaptureFixture
) -> None:
    put(pair[0], "1")
    with psycopg.connect(url) as db:
        db.execute("UPDATE mockserver_records SET doc = %s", (doc,))
    for act in (lambda: pair[1].get(TENANT, KIND, "1"), lambda: rename(pair[0], "1", "b"), pair[0].export):
        with pytest.raises(StorageUnavailable, match="damaged"):
            act()
    assert "connections/1" in caplog.text
