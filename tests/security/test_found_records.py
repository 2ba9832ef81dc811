"""Tests of records that this program did not write, in imports, SQLite files and PostgreSQL databases.

Each is refused by name, shown like any other, or answered 503 with its name in the log: never 500, never a traceback.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mockserver import Emulator, create_app
from mockserver.exchange import Result, Tenant
from mockserver.runtime import Runtime
from mockserver.state import tables
from mockserver.state.places import open_store
from mockserver.state.records import Change
from mockserver.state.store import StateError
from tests.calls import send
from tests.postgres import new_url
from tests.security import found
from tests.security.found import Row

EVERY = 7
"""Of the odd values one in so many is tried, beginning with another one for each record."""

GROUPS = 12
"""States with an accepted odd record of every form."""

SAID = re.compile(r"(Member )?(/.*)( is missing|: expected | is unknown| is not allowed).*")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return found.rows()


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The place of an empty state in a database."""
    return new_url() if request.param == "postgresql" else str(tmp_path / "state.db")


def changed(rows: list[Row], every: int = EVERY) -> Iterator[tuple[int, str, Row]]:
    """The place of a record among the rows, what was changed, and the record."""
    for number, row in enumerate(found.of_each_form(rows)):
        place = next(place for place, other in enumerate(rows) if other is row)
        for what, doc in islice(found.mutants(row["doc"]), number % every, None, every):
            yield place, what, {**row, "doc": doc}


def fault(emulator: Emulator, row: Row) -> str | None:
    tenant = Tenant(row["org"], row["sandbox"])
    return emulator.shapes.fault(Change(tenant, row["kind"], row["id"], row["revision"], row["doc"]))


def test_every_kind_of_record_is_there(rows: list[Row]) -> None:
    emulator = found.emulator()
    with pytest.raises(ValueError, match="/kind: expected one of") as caught:
        emulator.restore(found.export([{**rows[0], "kind": "x"}]))
    kinds = str(caught.value).partition("one of ")[2].split(", ")
    missing = sorted(set(kinds) - {row["kind"] for row in rows})
    assert not missing, f"add requests that create these kinds to CREATED in tests/security/found.py: {missing}"
    assert [fault(emulator, row) for row in rows] == [None] * len(rows)


def test_an_odd_record_is_refused_by_name_or_answered_like_any_other(rows: list[Row]) -> None:
    emulator = found.emulator()
    accepted: dict[int, list[Row]] = defaultdict(list)
    refused = 0
    for place, what, row in changed(rows):
        said = fault(emulator, row)
        if said is None:
            accepted[place].append(row)
        else:
            refused += 1
            assert SAID.fullmatch(said), (row["kind"], what, said)
    assert refused > 1_500 and sum(map(len, accepted.values())) > 400
    for number in range(GROUPS):
        chosen = {place: group[number * 5 % len(group)] for place, group in accepted.items()}
        state = [chosen.get(place, row) for place, row in enumerate(rows)]
        emulator.restore(found.export(state))
        for asked, result in answers(emulator, state, "prod"):
            assert result.status < 500 or result.status == 501, (asked, result.body)


def answers(emulator: Emulator, rows: list[Row], sandbox: str) -> Iterator[tuple[found.Asked, Result]]:
    """The response to every request about the records."""
    etags = {row["id"]: str(row["doc"].get("etag")) for row in rows}
    for asked in (*found.lists(), *(asked for row in rows for asked in found.visits(row))):
        key = asked[1].split("/")[-1].partition("?")[0]
        headers = {"x-sandbox-name": sandbox, "if-match": etags.get(key, '"x"')}
        yield asked, send(emulator, *asked, headers=headers)


DOCS: dict[str, Callable[[Row], str]] = {
    "no members": lambda row: "{}",
    "NaN": lambda row: json.dumps({**row["doc"], "more": float("nan")}),
    "a number without end": lambda row: json.dumps(row["doc"])[:-1] + ', "more": 1e999}',
    "too many digits": lambda row: json.dumps(row["doc"])[:-1] + f', "more": {"9" * 5_000}}}',
    "deep": lambda row: json.dumps(row["doc"])[:-1] + f', "more": {"[" * 500}{"]" * 500}}}',
    "NUL": lambda row: json.dumps({**row["doc"], "more": "\0"}),
    "half a surrogate": lambda row: json.dumps({**row["doc"], "more": "\ud800"}),
    "huge": lambda row: json.dumps({**row["doc"], "more": "x" * 17 * 1_048_576}),
    "another id": lambda row: json.dumps({**row["doc"], "id": "0" * 8}),
    "another tenant": lambda row: json.dumps({**row["doc"], "imsOrgId": "other@AdobeOrg", "body": {}}),
    "no time": lambda row: json.dumps({**row["doc"], "updatedAt": -(10**20)}),
    "an etag of two lines": lambda row: json.dumps({**row["doc"], "etag": '"a\r\nb"', "version": '"a"'}),
}  # fmt: skip
COLUMNS = ("org", "sandbox", "kind", "id", "revision", "doc", "checksum")
INSERT = "INSERT INTO mockserver_records (org, sandbox, kind, id, revision, doc, checksum) VALUES "


def written(row: Row, revision: int, doc: str | None = None) -> tuple[Any, ...]:
    """A row of the database, with the right checksum."""
    text = json.dumps(row["doc"]) if doc is None else doc
    tenant = Tenant(row["org"], row["sandbox"])
    checksum = tables.checksum(tenant, row["kind"], row["id"], revision, text.encode())
    return row["org"], row["sandbox"], row["kind"], row["id"], revision, text, checksum


def sandboxes(rows: list[Row]) -> Iterator[tuple[str, Row, str]]:
    """A sandbox for each bad record: its name, the record that is bad in it, and the text of that record."""
    forms = found.of_each_form(rows)
    kinds = {row["kind"]: row for row in forms}
    for number, row in enumerate(kinds.values()):
        sandbox = f"s{number}"
        yield sandbox, found.moved(row, sandbox), "{}"
    for number, (name, make) in enumerate(DOCS.items()):
        row = found.moved(forms[number % len(forms)], f"d{number}")
        yield f"d{number}", row, make(row)
        assert name


@contextmanager
def database(state: str) -> Iterator[Any]:
    """A connection to the database of a state, whose tables take any text as a record."""
    with closing(psycopg.connect(state) if "://" in state else sqlite3.connect(state)) as db:
        if "://" in state:
            found = db.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = 'mockserver_records'::regclass AND contype = 'c'"
            )
            for (name,) in found.fetchall():
                db.execute(f"ALTER TABLE mockserver_records DROP CONSTRAINT {name}")
        else:
            db.execute("PRAGMA ignore_check_constraints = ON")
        yield db
        db.commit()


def insert(db: Any, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows into the table of records."""
    mark = "?" if isinstance(db, sqlite3.Connection) else "%s"
    db.cursor().executemany(f"{INSERT} ({', '.join([mark] * len(COLUMNS))})", rows)


def pages(emulator: Emulator) -> list[Any]:
    """The responses of pages and controls that read records."""
    web = create_app(emulator).test_client()
    console = ("/now", "/resources?kind=flows", "/resources?kind=runs", "/specs", "/sources")
    return [web.get(path) for path in ("/_mock/state", "/_mock/", *(f"/_mock/console{page}" for page in console))]


@pytest.mark.slow
def test_a_bad_record_in_a_database_is_named_in_the_log_and_answered_503(
    rows: list[Row], kept: str, caplog: pytest.LogCaptureFixture
) -> None:
    found.emulator(state=kept).close()
    bad = list(sandboxes(rows))
    content: list[tuple[Any, ...]] = []
    for sandbox, wrong, text in bad:
        for row in rows:
            is_bad = (row["kind"], row["id"]) == (wrong["kind"], wrong["id"])
            content.append(written(found.moved(row, sandbox), len(content) + 1, text if is_bad else None))
    content += [written(row, len(content) + number) for number, row in enumerate(rows, 1)]
    with database(kept) as db:
        insert(db, content)
        db.execute("UPDATE mockserver_meta SET revision = 1000000")
    emulator = found.emulator(state=kept)
    for sandbox, wrong, _ in bad:
        caplog.clear()
        results = list(answers(emulator, [wrong], sandbox))
        for asked, result in results:
            assert result.status < 500 or result.status in (501, 503), (wrong["kind"], asked, result.body)
            assert result.status != 503 or "record is damaged" in str(result.body)
        assert any(result.status == 503 for _, result in results), wrong["kind"]
        assert f"{wrong['kind']}/{wrong['id']}" in caplog.text and "Traceback" not in caplog.text
    assert {page.status_code for page in pages(emulator)} <= {200, 503} and "Traceback" not in caplog.text
    for asked, result in answers(emulator, rows, "prod"):
        assert result.status < 500 or result.status == 501, (asked, result.body)
    emulator.close()


BLOBS = ("org", "sandbox", "kind", "id", "doc")


@pytest.mark.parametrize(
    ("column", "value"),
    [*((name, b"\xff\x00") for name in BLOBS), ("revision", "x"), ("revision", 1.5), ("checksum", b"x"), ("doc", 5)],
)
def test_a_column_of_another_type_is_answered_503(rows: list[Row], tmp_path: Path, column: str, value: Any) -> None:
    """SQLite keeps any type in any column."""
    path = str(tmp_path / "state.db")
    found.emulator(state=path).close()
    good = [row for row in rows if row["kind"] in ("connections", "flows")]
    with database(path) as db:
        insert(db, [written(row, number) for number, row in enumerate(good, 1)])
        db.execute(f"UPDATE mockserver_records SET {column} = ? WHERE revision = 1", [value])  # noqa: S608  # constants
    emulator = found.emulator(state=path)
    shown = pages(emulator)
    assert {page.status_code for page in shown} <= {200, 503} and shown[0].status_code == 503
    for asked, result in answers(emulator, good[:2], "prod"):
        assert result.status < 500 or result.status in (501, 503), (asked, result.body)
    emulator.close()


META: dict[str, tuple[str, Any]] = {
    "a negative revision": ("revision", -1),
    "a revision without end": ("revision", 2**62),
    "no key": ("page_key", b""),
    "a long key": ("page_key", b"x" * 100),
    "no position": ("drawn", "x"),
    "a position of another form": ("drawn", "[]"),
    "a deep position": ("drawn", "[" * 100_000),
    "a position without seed": ("drawn", "{}"),
    "a negative position": ("drawn", '{"seed": 1, "ticks": -1, "streams": {}}'),
    "streams of texts": ("drawn", '{"seed": 1, "ticks": 1, "streams": {"connections": "x"}}'),
}


@pytest.mark.parametrize("case", META)
def test_wrong_counters_and_keys_are_refused_at_the_start(case: str, kept: str) -> None:
    open_store(kept, Runtime(1)).close()
    column, value = META[case]
    with database(kept) as db:
        mark = "?" if isinstance(db, sqlite3.Connection) else "%s"
        db.execute(f"UPDATE mockserver_meta SET {column} = {mark}", [value])  # noqa: S608  # constants
    with pytest.raises(StateError, match=r"is damaged|lacks acknowledged") as caught:
        open_store(kept, Runtime(1))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["x", 1.5, b"x"])
def test_a_counter_of_another_type_is_refused_at_the_start(value: Any, tmp_path: Path) -> None:
    state = str(tmp_path / "state.db")
    open_store(state, Runtime(1)).close()
    with database(state) as db:
        db.execute("UPDATE mockserver_meta SET revision = ?", [value])
    with pytest.raises(StateError, match="is damaged"):
        open_store(state, Runtime(1))


@pytest.mark.parametrize("damaged", [0, 1, 2], ids="{} damaged".format)
def test_a_counter_that_was_set_back_continues_after_the_intact_records(
    damaged: int, kept: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A counter behind the records would give out etags twice. A damaged record may have any number."""
    tenant = Tenant("ACME@AdobeOrg", "prod")
    store = open_store(kept, Runtime(1))
    written = [store.insert(tenant, "connections", {"id": str(number), "updatedAt": 5}) for number in range(4)]
    store.close()
    with database(kept) as db:
        mark = "?" if isinstance(db, sqlite3.Connection) else "%s"
        db.execute("UPDATE mockserver_meta SET revision = 0")
        for number in range(damaged):
            db.execute(
                f"UPDATE mockserver_records SET revision = {mark} WHERE id = {mark}",  # noqa: S608  # constants
                [2**50 + number, str(number)],
            )
    store = open_store(kept, Runtime(1))
    warned = [it.getMessage() for it in caplog.records if "less than records have" in it.getMessage()]
    first = store.insert(tenant, "connections", {"id": "new", "updatedAt": 5})
    assert first["etag"] not in {doc["etag"] for doc in written} and len(warned) == 1
    assert damaged or next(store.all(tenant, "connections"))["id"] == "new"
    store.close()
    caplog.clear()
    open_store(kept, Runtime(1)).close()
    assert "less than records have" not in caplog.text
