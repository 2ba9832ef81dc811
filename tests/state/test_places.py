"""Tests of `--state`: which store it selects, and that a connection string is neither a file name nor repeated."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from mockserver.runtime import Runtime
from mockserver.state.places import open_store
from mockserver.state.store import StateError

SECRET = "hush-canary-7f3a"


@pytest.mark.parametrize(
    "state",
    [
        f"host=db.example.com password={SECRET}",
        f"host = 'db' dbname=flow user=u password='{SECRET}'",
        f"password={SECRET}",
        f"PASSWORD={SECRET} HOST=db",
        f"service=flow passfile=/{SECRET}",
        f"hostaddr=10.0.0.1 {SECRET}",
        f"Server=db;Database=flow;Uid=u;Pwd={SECRET};",
        f"Data Source=db;User ID=u;Password={SECRET}",
        f"u:{SECRET}@db.example.com:5432/flow",
        f"//u:{SECRET}@db/flow",
        f"postgresql:u:{SECRET}@db/flow",
        f"postgresql:/u:{SECRET}@db/flow",
        f"postgres:{SECRET}",
        f"PostgreSQL:u:{SECRET}@db/flow",
        f"mysql://u:{SECRET}@db/flow",
        f"mysql://u:{SECRET}@db/flow://x",
        f"jdbc:postgresql://db/flow?user=u&password={SECRET}",
        f"https://u:{SECRET}@db/flow",
        f"sqlite://u:{SECRET}@db/flow",
        f"file:flow.db?key={SECRET}://",
        f"POSTGRESQL://u:{SECRET}@127.0.0.1:1/flow",
        f"postgres+psycopg://u:{SECRET}@127.0.0.1:1/flow",
        f"db.example.com:5432:flow:u:{SECRET}",
        f"u/{SECRET}@db.example.com:1521/flow",
        f"password: {SECRET}",
        f'{{"password": "{SECRET}"}}',
        f"--password {SECRET}",
    ],
)
def test_a_connection_string_becomes_no_file_and_is_not_repeated(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(StateError) as caught:
        open_store(state, Runtime())
    assert list(tmp_path.iterdir()) == []
    message = str(caught.value)
    assert SECRET not in message + repr(caught.value) + caplog.text and "\n" not in message and message.endswith(".")


@pytest.mark.parametrize("drive", ["C:/no folder/flow.db", "c:\\none/flow.db", "sqlite:///C:/none/flow.db"])
def test_a_path_may_begin_with_a_drive(drive: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StateError, match="folder that does not exist"):
        open_store(drive, Runtime())


@pytest.mark.parametrize("name", ["flow.db", "a=b.db", "host.db", "my password.db", "x@y.db", "é.db", "a b.db"])
def test_a_path_is_a_path(name: str, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / name), Runtime())
    assert store.place == str(tmp_path / name)
    store.close()
    store = open_store(f"sqlite:///{tmp_path / name}", Runtime())
    assert store.place == str(tmp_path / name)
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
