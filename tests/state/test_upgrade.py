"""Tests of the upgrade of files and tables written by release 0.1 (`release_0_1/`)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from mockserver.exchange import Tenant
from mockserver.runtime import Runtime
from mockserver.state.places import open_store
from mockserver.state.store import StateError
from tests.postgres import new_url

WRITTEN = Path(__file__).with_name("release_0_1")
EXPORT = json.loads((WRITTEN / "export.json").read_text(encoding="utf-8"))

Old = Callable[[str], str]


def in_file(tmp_path: Path, changed: str) -> str:
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as db:
        db.executescript((WRITTEN / "sqlite.sql").read_text(encoding="utf-8") + changed.format(of=""))
    db.close()
    return str(path)


def in_database(tmp_path: Path, changed: str) -> str:
    url = new_url()
    with psycopg.connect(url) as db:
        script = (WRITTEN / "postgresql.sql").read_text(encoding="utf-8") + changed.format(of="mockserver_")
        for statement in script.split(";\n"):
            db.execute(statement.encode())
    return url


@pytest.fixture(params=[in_file, in_database], ids=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Old:
    """A place with the data of release 0.1, and one more statement."""
    return lambda changed: str(request.param(tmp_path, changed))


def test_records_etags_and_counter_are_kept(old: Old) -> None:
    state = old("")
    for _ in range(2):  # the second time it is already upgraded
        store = open_store(state, Runtime())
        assert store.export() == EXPORT
        store.close()
    store = open_store(state, Runtime())
    row = EXPORT["records"][0]
    tenant = Tenant(row["org"], row["sandbox"])
    stored = store.replace(tenant, row["kind"], row["doc"]["id"], {**row["doc"], "name": "new"}, row["doc"]["etag"])
    assert stored["etag"] not in json.dumps(EXPORT) and store.export()["revision"] == EXPORT["revision"] + 1
    store.close()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("UPDATE {of}records SET doc = 'no json'", "damaged|no JSON"),
        ("UPDATE {of}records SET doc = '[]'", "damaged|no JSON"),
        ("UPDATE {of}records SET doc = '5'", "damaged|no JSON"),
        ("DELETE FROM {of}meta", "counts revisions"),
        ("DROP TABLE {of}records", "damaged|cannot be used"),
    ],
)
def test_what_is_not_right_is_refused_by_name_and_left_as_it_was(old: Old, changed: str, said: str) -> None:
    state = old(changed)
    messages = set()
    for _ in range(2):  # the first attempt changed nothing
        with pytest.raises(StateError, match=said) as caught:
            open_store(state, Runtime())
        messages.add(str(caught.value))
    assert len(messages) == 1 and "\n" not in messages.pop()
