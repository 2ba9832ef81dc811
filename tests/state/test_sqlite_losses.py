"""Tests that a damaged or incomplete state file is refused by name and left unchanged."""

from __future__ import annotations

import functools
import itertools
import os
import re
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mockserver.exchange import Tenant
from mockserver.state.store import StateError, StorageUnavailable
from tests.state.stored import asked, rename
from tests.state.test_sqlite import KIND, TENANT, Files, opened, path, put, refused, writer, written

__all__ = ["path"]


def _sql(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with sqlite3.connect(path) as db:
            for statement in statements:
                db.execute(statement)
        db.close()

    return change


def _cut(size: int) -> Callable[[Path], None]:
    return lambda path: os.truncate(path, size)


def _foreign(path: Path) -> None:
    path.unlink()
    _sql("CREATE TABLE theirs (a)", "INSERT INTO theirs VALUES (1)")(path)


def _text(path: Path) -> None:
    path.write_text("name: this is no database\n" * 100)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_sql("PRAGMA user_version = 99"), "newer release"),
        (
            _sql("PRAGMA user_version = 0"),
            "has the table mockserver_history, but lacks the version of its tables, user_v",
        ),
        (_sql("PRAGMA application_id = 7"), "another program"),
        (_foreign, "another program"),
        (_text, "not an SQLite database"),
        (_cut(4096), "damaged"),
        (_cut(5000), "damaged"),
        (_cut(100), "damaged|not an SQLite"),
        (_cut(1), "not an SQLite"),
        (_sql("DROP TABLE mockserver_records"), "lacks the table mockserver_records"),
        (_sql("DROP TABLE mockserver_history"), "lacks the table mockserver_history"),
        (_sql("DROP TABLE mockserver_meta"), "lacks the table mockserver_meta"),
        (_sql("ALTER TABLE mockserver_meta DROP COLUMN drawn"), "lacks the column drawn of mockserver_meta"),
        (_sql("ALTER TABLE mockserver_records RENAME COLUMN checksum TO x"), "lacks the column checksum"),
        (_sql("DELETE FROM mockserver_meta"), "lacks the row that counts revisions"),
    ],
)
def test_a_file_that_is_not_right_is_refused_and_left_alone(
    path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(path)
    for _ in range(2):
        assert re.search(message, refused(path))
        assert not path.with_name("state.db-guard").exists()


@pytest.mark.parametrize("doc", ["'no json'", "'[]'", "'5'", "x'ff'", "''"])
def test_the_file_itself_refuses_a_record_that_is_no_object(path: Path, doc: str) -> None:
    with pytest.raises(sqlite3.Error):
        _sql(f"UPDATE mockserver_records SET doc = {doc} WHERE id = '5'")(path)  # noqa: S608  # constants


@pytest.mark.parametrize(
    "change",
    [
        "org = 'other'",
        "revision = revision + 1000",
        "doc = replace(doc, 'name 5', 'name 6')",
        "doc = '{}'",
        "checksum = 5",
    ],
)
def test_a_damaged_record_is_never_shown_and_the_log_names_it(
    path: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    _sql(f"UPDATE mockserver_records SET {change} WHERE id = '5'")(path)  # noqa: S608  # constants
    tenant = Tenant("other", "prod") if "org" in change else TENANT
    store = opened(path)
    for read in (
        lambda: store.get(tenant, KIND, "5"),
        lambda: list(store.all(tenant, KIND)),
        lambda: store.replace(tenant, KIND, "5", {"id": "5", "updatedAt": 5}, "x"),
        store.export,
    ):
        with pytest.raises(StorageUnavailable):
            read()
    assert "connections/5" in caplog.text and store.get(TENANT, KIND, "6") is not None
    store.close()


@pytest.mark.parametrize("written", ["", "x", "{", "[]", "1", "null"])
def test_a_damaged_history_refuses_the_pages_that_need_it(
    path: Path, written: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A list that began before an update was answered 500, with a traceback."""
    store = opened(path)
    _, after = store.page(TENANT, KIND, asked(1, "name"))
    rename(store, "5", "z")
    with sqlite3.connect(path) as db:
        assert db.execute("UPDATE mockserver_history SET ordered = ?", [written]).rowcount == 1
    db.close()
    with pytest.raises(StorageUnavailable, match="damaged"):
        store.page(TENANT, KIND, replace(asked(1, "name"), after=after))
    assert "history" in caplog.text and store.page(TENANT, KIND, asked(1, "name"))[1] is not None
    store.close()


@pytest.mark.slow
def test_no_changed_byte_gives_wrong_records(path: Path) -> None:
    """A changed byte in free space is harmless; any other is refused, at the latest on reading."""
    store = opened(path)
    records = store.export()["records"]
    store.close()
    good = path.read_bytes()
    refusals = 0
    for place in range(7, len(good), max(1, len(good) // 300)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])
        for rest in path.parent.glob("state.db-*"):
            rest.unlink()
        try:
            store = opened(path)
        except StateError:
            refusals += 1
            continue
        try:
            listed = {doc["id"] for doc in store.all(TENANT, KIND)}
            if listed == {row["doc"]["id"] for row in records}:  # an index may be damaged, too
                assert store.export()["records"] == records
        except StorageUnavailable:
            refusals += 1
        store.close()
    assert refusals > 100


@functools.cache
def of_a_killed_server() -> Files:
    with tempfile.TemporaryDirectory() as folder:
        # with more writes, those at the beginning of the log may be in the file already, and its middle of no account
        process = writer(Path(folder, "state.db"), "x", acknowledged=50)
        assert process.stdout is not None
        list(itertools.islice(process.stdout, 50))
        process.kill()
        process.communicate()
        return {file.name: file.read_bytes() for file in Path(folder).iterdir()}


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A state file of a killed server, whose writes are only in the write-ahead log."""
    assert of_a_killed_server()["state.db-wal"]
    return written(tmp_path, of_a_killed_server())


def _damage(path: Path, place: float) -> None:
    content = path.read_bytes()
    at = int(len(content) * place)
    path.write_bytes(content[:at] + bytes(byte ^ 0x55 for byte in content[at : at + 64]) + content[at + 64 :])


LOSSES: dict[str, Callable[[Path, Path], None]] = {
    "file cut to nothing": lambda path, wal: os.truncate(path, 0),
    "file cut to a byte": lambda path, wal: os.truncate(path, 1),
    "file gone": lambda path, wal: path.unlink(),
    "log gone": lambda path, wal: wal.unlink(),
    "log empty": lambda path, wal: os.truncate(wal, 0),
    "log's head damaged": lambda path, wal: _damage(wal, 0),
    "log damaged in the middle": lambda path, wal: _damage(wal, 0.5),
    "log cut": lambda path, wal: os.truncate(wal, wal.stat().st_size // 2),
    "log and guard gone": lambda path, wal: (wal.unlink(), path.with_name("state.db-guard").unlink())[0],
    "guard damaged": lambda path, wal: path.with_name("state.db-guard").write_bytes(b"4\0") and None,
    "log of another file": lambda path, wal: wal.write_bytes(os.urandom(5000)) and None,
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_start_that_would_lose_acknowledged_writes_is_refused_and_changes_nothing(killed: Path, loss: str) -> None:
    wal = killed.with_name("state.db-wal")
    LOSSES[loss](killed, wal)
    before = {path.name: path.read_bytes() for path in killed.parent.glob("state.db*") if path.suffix != ".db-shm"}
    for _ in range(2):
        with pytest.raises(StateError) as caught:
            opened(killed)
        assert "state.db" in str(caught.value) and "\n" not in str(caught.value)
    after = {path.name: path.read_bytes() for path in killed.parent.glob("state.db*") if path.suffix != ".db-shm"}
    assert after == before


@pytest.mark.parametrize("loss", ["log gone", "log cut", "log damaged in the middle", "log and guard gone"])
def test_an_operator_may_go_on_with_what_is_left(killed: Path, loss: str) -> None:
    LOSSES[loss](killed, killed.with_name("state.db-wal"))
    killed.with_name("state.db-guard").write_bytes(b"")
    store = opened(killed)
    put(store, "new")
    store.close()
    opened(killed).close()


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.touch()
    store = opened(path)
    put(store, "1")
    store.close()
    assert [file.name for file in tmp_path.iterdir()] == ["state.db"]


@pytest.mark.parametrize("change", ["deleted", "replaced", "log deleted"])
def test_a_file_that_goes_away_is_noticed_by_the_next_write(
    path: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(path)
    put(store, "first")
    assert store.get(TENANT, KIND, "first") is not None  # on a connection that stays open
    wal, aside = path.with_name("state.db-wal"), path.with_name("aside")
    moved = wal if change == "log deleted" else path
    moved.rename(aside)
    if change == "replaced":
        path.write_bytes(aside.read_bytes())
    for _ in range(2):
        with pytest.raises(StorageUnavailable, match="deleted, cut or replaced"):
            put(store, "second")
    assert store.get(TENANT, KIND, "second") is None and store.get(TENANT, KIND, "first") is not None
    assert str(path) in caplog.text
    aside.rename(moved)
    put(store, "second")
    store.close()
    store = opened(path)
    assert store.get(TENANT, KIND, "second") is not None
    store.close()


def test_a_file_that_another_program_made_smaller_takes_writes(path: Path) -> None:
    """It was taken for one that was cut, and each write was refused until a restart."""
    store = opened(path)
    for number in range(40):
        put(store, f"large-{number}", name="x" * 8_000)
    store.close()
    store = opened(path)
    size = path.stat().st_size
    for number in range(40):
        store.delete(TENANT, KIND, f"large-{number}")
    _sql("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")(path)
    assert path.stat().st_size < size / 2
    for number in range(20):
        put(store, f"new-{number}", name="x" * 8_000)
    _sql("PRAGMA wal_checkpoint(TRUNCATE)")(path)
    put(store, "first")
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(StorageUnavailable):
        put(store, "second")
    store.close()


@pytest.mark.parametrize("left", [0, 1, 600])
def test_a_file_that_is_cut_takes_no_more_writes_and_is_told_at_the_next_start(path: Path, left: int) -> None:
    """Such a write was acknowledged, and lost when the server ended. The start after it tells what was lost."""
    store = opened(path)
    put(store, "first")
    os.truncate(path, left)
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            put(store, "second")
    store.close()
    assert path.with_name("state.db-guard").exists()
    with pytest.raises(StateError):
        opened(path)


@pytest.mark.parametrize("name", ["state.db", "state.db-wal", "state.db-shm", "state.db-journal", "state.db-guard"])
@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing"])
def test_no_planted_link_is_followed(tmp_path: Path, name: str, there: bool) -> None:
    victim = tmp_path / "victim"
    if there:
        victim.write_text("theirs")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / name).symlink_to(victim)
    with pytest.raises(StateError, match="not a regular file"):
        opened(folder / "state.db")
    assert victim.exists() == there and (not there or victim.read_text() == "theirs")
