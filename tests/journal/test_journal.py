"""Tests of the journal: bounded, and without secrets."""

from __future__ import annotations

import base64
import json
import re
import tracemalloc
from typing import Any
from urllib.parse import quote

import pytest

from mockserver import Config, Emulator, secrecy
from mockserver.config import ConfigError
from mockserver.contract import Contract
from mockserver.exchange import Result
from mockserver.journal import Journal, NothingRecorded
from mockserver.journal.entries import Entry, ResponseFacts
from mockserver.journal.redaction import Redaction
from mockserver.specs.connectors import Connectors
from tests.calls import HEADERS, by_string, call, connection, made, send
from tests.memory import reachable, texts_of

CANARY = "c4n4ry-s3cret"
LIMIT = 400_000


def hidden_in(text: str, secret: str) -> str:
    return text.format(secrecy.hidden(secret))


def journal(entries: int = 10) -> Journal:
    return Journal(entries, 10**9, Redaction(Contract.load(), Connectors.load().auth_place))


def everything(emulator: Emulator) -> str:
    return json.dumps([entry.as_json() for entry in emulator.journal.entries()])


def _leaks(text: str) -> list[str]:
    spellings = {CANARY, base64.b64encode(CANARY.encode()).decode(), quote(CANARY), CANARY.encode().hex()}
    return [spelling for spelling in spellings if spelling in text]


def _auth(value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": "/auth", "value": value}


# (method, path, body): a secret in each place
PLACES: list[tuple[str, str, Any]] = [
    ("POST", "/connections", connection()),
    ("POST", "/connections", by_string(f"Server=h;Database=d;UID=u;Password={CANARY}")),
    ("POST", "/connections", by_string(f"Server=h;Pwd={{{CANARY}}}")),
    ("POST", "/connections", by_string(f"no string at all {CANARY}")),
    ("POST", "/connections", connection(auth={"specName": "Other", "params": {"anything": CANARY}})),
    ("POST", "/connections", connection(auth={"specName": "Other", "params": {"nested": {"deep": [{"key": CANARY}]}}})),
    ("POST", "/connections", {"password": CANARY}),
    ("POST", "/connections", {"auth": {"params": {"x": CANARY, "password": CANARY}}}),
    ("PATCH", "/connections/x", [{"op": "replace", "path": "/auth/params/password", "value": CANARY}]),
    ("PATCH", "/connections/x", [_auth({"specName": "Basic Authentication", "params": {"password": CANARY}})]),
    ("PATCH", "/connections/x", _auth({"params": {"other": CANARY}})),
    ("GET", f"/connections?property=auth.params.password=={CANARY}", None),
    ("GET", f"/connections?client_secret={CANARY}", None),
    ("GET", f"/connections?access_token={CANARY}&limit=1", None),
]


@pytest.mark.parametrize("answers", ["show", "mask"])
@pytest.mark.parametrize(("method", "path", "body"), PLACES)
def test_a_secret_is_masked_wherever_a_client_puts_it(
    emulator: Emulator, method: str, path: str, body: Any, answers: str, capfd: pytest.CaptureFixture[str]
) -> None:
    emulator.quirks.choose("secrets", answers)
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
    assert string == hidden_in("Server=db;Database=shop;UID=reader;Password={};EncryptionMethod=1", "hunter22")
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
    for number in range(100):  # also without reading
        send(by_number, "GET", f"/connections/look-up-{number}")
    assert 3 <= sum("/look-up-" in text for text in set(texts_of(by_number.journal))) < 3 + 32
    assert [entry.number for entry in by_number.journal.entries()] == [103, 104, 105]
    by_size = Emulator(Config(journal_bytes=20_000))
    for number in range(50):
        send(by_size, "POST", "/connections", connection(f"n{number}", description="x" * 3000))
    assert len(by_size.journal.entries()) > 1 and len(everything(by_size)) <= 20_000
    assert by_size.journal.entries()[-1].number == 50


def test_a_huge_request_costs_little_in_the_journal() -> None:
    emulator = Emulator()
    big = call("POST", "/connections?x=" + "y" * 100_000, connection(description="z" * 500_000))
    emulator.handle(big)
    assert len(everything(emulator)) < 20_000


def test_entries_since_a_number(emulator: Emulator) -> None:
    for _ in range(3):
        send(emulator, "GET", "/connections")
    assert [entry.number for entry in emulator.journal.entries(since=2)] == [3]


def test_a_journal_of_no_entries_keeps_nothing_and_says_so() -> None:
    emulator = Emulator(Config(journal_entries=0))
    send(emulator, "POST", "/connections", connection(name=CANARY))
    assert not emulator.journal.on and _leaks("".join(texts_of(emulator.journal))) == []
    for look in (emulator.journal.entries, lambda: emulator.journal.latest):
        with pytest.raises(NothingRecorded, match="--journal 1000"):
            look()


def test_fewer_entries_than_none_are_refused() -> None:
    with pytest.raises(ConfigError, match="journal_entries must be 0 or more, not -1"):
        Config(journal_entries=-1)


def _recorded(answer: Any, body: Any = None, **more: Any) -> Entry:
    """An entry as read, for an exchange whose response had masked credentials."""
    kept = journal()
    sent = call("POST", "/connections", body)
    kept.record(sent, Result(200, answer), operation=None, tenant=None, body=body, violations=(), **more)
    (entry,) = kept.entries()
    return entry


FILLING = ["x" * 90] * 60
"""More bytes than the journal keeps of a response."""


@pytest.mark.parametrize("filling", [[], FILLING], ids=["whole", "cut"])
def test_an_answer_kept_as_it_was_sent_is_masked_when_it_is_read(filling: list[str]) -> None:
    entry = _recorded({"items": [{"params": {"password": CANARY}, "name": "shop"}, *filling]})
    assert entry.answer.startswith('{"items":[{"params":{"password":"‹string, 13 characters, #')
    assert entry.answer.endswith("…") is bool(filling)


def test_a_patched_secret_is_masked_though_its_path_is_cut_off() -> None:
    entry = _recorded({"items": [{"value": CANARY, "more": FILLING, "path": "/auth/params/password"}]})
    assert entry.answer.startswith('{"items":[{"value":"‹string, 13 characters, #')


def test_an_answer_without_a_body_is_read_as_none() -> None:
    entry = _recorded(None)
    assert (entry.answer, entry.traces.response) == ("", ResponseFacts())


@pytest.mark.parametrize("filling", ["", "x" * 5000], ids=["whole", "cut"])
def test_etags_ids_and_the_next_page_are_known_however_much_of_a_response_is_kept(filling: str) -> None:
    href = "/connections?continuationToken=abc&limit=2"
    items = [{"name": filling, "id": "a", "etag": '"1"'}, {"id": "b", "etag": '"2"'}, "no entity", {"id": 5}]
    facts = _recorded({"items": items, "_links": {"next": {"href": href}}}).traces.response
    assert facts == ResponseFacts(etags=('"1"', '"2"'), ids=("a", "b"), next_page="abc")


def _named(emulator: Emulator, name: str) -> None:
    send(emulator, "POST", "/connections", {"name": name})


def test_calls_with_one_token_keep_their_own_headers(emulator: Emulator) -> None:
    for agent in ("curl", "aepp", "curl"):
        send(emulator, "GET", "/connections", headers={"user-agent": agent})
    assert [entry.headers["user-agent"] for entry in emulator.journal.entries()] == ["curl", "aepp", "curl"]


def test_updates_that_differ_in_their_etag_alone_keep_each_its_own(emulator: Emulator) -> None:
    sent = ['"1"', '"2"', '"2"', '"' + "3" * 200]
    for etag in sent:
        send(emulator, "PATCH", "/connections/x", [], headers={"if-match": etag, "authorization": f"Bearer {CANARY}"})
    entries = emulator.journal.entries()
    assert [entry.headers["if-match"] for entry in entries] == [etag[:512] for etag in sent]
    assert len({entry.headers["authorization"] for entry in entries}) == 1
    assert _leaks(everything(emulator)) == []


def test_what_waits_to_be_masked_is_not_printed(emulator: Emulator) -> None:
    send(emulator, "POST", "/connections", connection(name=CANARY))
    kept = [one for one in reachable(emulator.journal) if type(one).__module__ == Journal.__module__]
    assert _leaks("".join(texts_of(kept))) == [CANARY] and _leaks(repr(kept)) == []


def test_headers_to_be_known_again_are_bounded(emulator: Emulator) -> None:
    for number in range(300):
        send(emulator, "GET", "/connections", headers={"authorization": f"Bearer {number}"})
    send(emulator, "GET", "/connections", headers={"authorization": "Bearer " + "x" * 9000})
    as_sent = [text for text in texts_of(emulator.journal) if re.fullmatch(r"Bearer (\d+|x+)", text)]
    assert 0 < len(as_sent) <= 64
    assert all(len(text) < 9000 for text in as_sent)


def test_a_body_too_long_to_be_masked_later_is_masked_at_once() -> None:
    kept = journal()
    body = {"password": CANARY, "more": "x" * 9000}
    kept.record(
        call("POST", "/x", body), Result(200, {}), operation=None, tenant=None, body=body, violations=(),
    )  # fmt: skip
    assert _leaks("".join(texts_of(kept))) == []
    assert kept.entries()[0].body.startswith('{"password":"‹string, 13 characters, #')


def test_after_a_reset_calls_are_numbered_from_one_as_nothing_came_before(emulator: Emulator) -> None:
    send(emulator, "GET", "/connections")
    emulator.reset()
    send(emulator, "GET", "/connections")
    assert [entry.number for entry in emulator.journal.entries()] == [1]


def test_the_journal_takes_no_more_memory_than_it_may() -> None:
    """Also for responses, whose JSON writer has a larger buffer than its output."""
    emulator = Emulator(Config(seed=1, journal_bytes=LIMIT))
    ids = [made(emulator)["id"] for _ in range(20)]

    def once(number: int) -> None:
        fresh = {name: f"{value} "[:-1] for name, value in HEADERS.items()}  # as in a server: not shared
        send(emulator, "GET", f"/connections/{ids[number % 20]}", headers=fresh)
        send(emulator, "POST", "/connections", {"name": f"{number}" * 100, "auth": {"params": {"password": "x" * 50}}})

    for number in range(50):
        once(number)
    emulator.journal.clear()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(200):
            once(number)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert emulator.journal.count() < 300, "the journal is full"
    assert 0.4 * LIMIT < taken < LIMIT
