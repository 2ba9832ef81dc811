"""The journal: bounded, and nothing secret ever gets into it."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from mockserver import Config, Emulator
from mockserver.config import ConfigError
from mockserver.journal import Journal, NothingRecorded
from tests.calls import by_string, call, connection, made, send

CANARY = "c4n4ry-s3cret"


def everything(emulator: Emulator) -> str:
    return json.dumps([entry.as_json() for entry in emulator.journal.entries()])


def _leaks(text: str) -> list[str]:
    spellings = {CANARY, base64.b64encode(CANARY.encode()).decode(), quote(CANARY), CANARY.encode().hex()}
    return [spelling for spelling in spellings if spelling in text]


def _auth(value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": "/auth", "value": value}


# (method, path, body): a secret in each place where a client can put one
PLACES: list[tuple[str, str, Any]] = [
    ("POST", "/connections", connection()),
    ("POST", "/connections", by_string(f"Server=h;Database=d;UID=u;Password={CANARY}")),
    ("POST", "/connections", by_string(f"Server=h;Pwd={{{CANARY}}}")),
    ("POST", "/connections", by_string(f"no string at all {CANARY}")),
    ("POST", "/connections", connection(name=f"db with {CANARY}")),
    ("POST", "/connections", connection(auth={"specName": "Other", "params": {"anything": CANARY}})),
    ("POST", "/connections", connection(auth={"specName": "Other", "params": {"nested": {"deep": [{"key": CANARY}]}}})),
    ("POST", "/connections", {"password": CANARY}),
    ("POST", "/connections", {"auth": {"params": {CANARY: "x", "password": CANARY}}}),
    ("PATCH", "/connections/x", [{"op": "replace", "path": "/auth/params/password", "value": CANARY}]),
    ("PATCH", "/connections/x", [_auth({"specName": "Basic Authentication", "params": {"password": CANARY}})]),
    ("PATCH", "/connections/x", _auth({"params": {"other": CANARY}})),
    ("GET", f"/connections?property=auth.params.password=={CANARY}", None),
    ("GET", f"/connections?client_secret={CANARY}", None),
    ("GET", f"/connections?access_token={CANARY}&limit=1", None),
]


@pytest.mark.parametrize(("method", "path", "body"), PLACES)
def test_a_secret_is_masked_wherever_a_client_puts_it(
    emulator: Emulator, method: str, path: str, body: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    emulator.quirks.choose("secrets", "show")
    send(emulator, method, path, body, headers={"authorization": f"Bearer {CANARY}"})
    send(emulator, "GET", "/connections")
    out, err = capfd.readouterr()
    assert len(emulator.journal.entries()) == 2
    assert _leaks(everything(emulator) + out + err) == []


def test_a_body_that_does_not_parse_is_not_kept(emulator: Emulator) -> None:
    send(emulator, "POST", "/connections", raw=f'{{"password": "{CANARY}"'.encode())
    assert _leaks(everything(emulator)) == []


def test_tokens_are_told_apart_by_a_fingerprint(emulator: Emulator) -> None:
    for token in ("one", "two", "one"):
        send(emulator, "GET", "/connections", headers={"authorization": f"Bearer {token}"})
    shown = [entry.headers["authorization"] for entry in emulator.journal.entries()]
    assert shown[0] == shown[2] != shown[1]


def test_what_is_not_secret_stays_readable(emulator: Emulator) -> None:
    made(emulator, by_string("Server=db;Database=shop;UID=reader;Password=hunter22;EncryptionMethod=1"))
    (entry,) = emulator.journal.entries()
    string = json.loads(entry.body)["auth"]["params"]["connectionString"]
    assert string == "Server=db;Database=shop;UID=reader;Password=********;EncryptionMethod=1"
    assert (entry.operation, entry.status, entry.error) == ("createConnection", 201, None)


def test_refusals_unknown_paths_and_methods_are_recorded_too(emulator: Emulator) -> None:
    send(emulator, "GET", "/connections", headers={"x-api-key": None})
    send(emulator, "GET", "/nowhere")
    send(emulator, "PUT", "/connections")
    entries = emulator.journal.entries()
    assert [(entry.status, entry.error) for entry in entries] == [(403, "403000"), (404, "404"), (405, "405")]
    assert "x-api-key" in [violation.pointer for violation in entries[0].violations]


def test_it_is_bounded_in_entries_and_in_bytes() -> None:
    by_number = Emulator(Config(journal_entries=3))
    for _ in range(5):
        send(by_number, "GET", "/connections")
    assert [entry.number for entry in by_number.journal.entries()] == [3, 4, 5]
    by_size = Emulator(Config(journal_bytes=20_000))
    for number in range(50):
        send(by_size, "POST", "/connections", connection(f"n{number}", description="x" * 3000))
    assert sum(entry.size for entry in by_size.journal.entries()) <= 20_000
    assert by_size.journal.entries()[-1].number == 50


def test_a_huge_request_costs_little_in_the_journal() -> None:
    journal = Journal(10, 10**9)
    emulator = Emulator()
    big = call("POST", "/connections?x=" + "y" * 100_000, connection(description="z" * 500_000))
    emulator.handle(big)
    (entry,) = emulator.journal.entries()
    assert entry.size < 20_000 and journal.entries() == []


def test_entries_since_a_number(emulator: Emulator) -> None:
    for _ in range(3):
        send(emulator, "GET", "/connections")
    assert [entry.number for entry in emulator.journal.entries(since=2)] == [3]


def test_a_journal_of_no_entries_keeps_nothing_and_says_so() -> None:
    emulator = Emulator(Config(journal_entries=0))
    send(emulator, "POST", "/connections", connection())
    assert not emulator.journal.on and not emulator.journal._entries and not emulator.journal._secrets.spellings()
    for look in (emulator.journal.entries, lambda: emulator.journal.latest):
        with pytest.raises(NothingRecorded, match="--journal 1000"):
            look()


def test_fewer_entries_than_none_are_refused() -> None:
    with pytest.raises(ConfigError, match="journal_entries takes 0 and more, not -1"):
        Config(journal_entries=-1)


def test_where_answers_show_credentials_the_whole_list_is_searched_for_them() -> None:
    """The newest of many connections is named like the password of the oldest, which no request told this server."""
    before = Emulator(Config(seed=1))
    made(before)
    for number in range(40):
        made(before, connection(f"n{number}", auth=by_string("Server=h;Database=d;UID=u;Password=other")["auth"]))
    made(before, connection("named c4n4ry-s3cret", auth=by_string("Server=h;Database=d;UID=u;Password=other")["auth"]))
    after = Emulator(Config(seed=1, quirk={"secrets": "show"}))
    after.world.store.restore(before.export(credentials=True))
    shown = send(after, "GET", "/connections")
    assert "named c4n4ry-s3cret" in json.dumps(shown.body)
    assert "c4n4ry-s3cret" not in after.journal.entries()[-1].answer
