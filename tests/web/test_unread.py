"""Tests that requests refused before the emulator are in journal, log and report, without their content."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from mockserver import Config, Emulator, create_app
from mockserver.conformance import evaluate
from mockserver.errors import ApiError
from mockserver.intercept.front import EmulatedHostsOnly
from mockserver.journal.entries import Entry
from mockserver.server import Server
from mockserver.web.served import Served
from tests.calls import HEADERS
from tests.rows import each
from tests.server.wire import BIG, HEAD, REFUSED, SHORT, Client, chunked, post

SECRET = b"hunter2-canary"
FIELDS = b"Authorization: Bearer %s\r\nX-Other: %s\r\n" % (SECRET, SECRET)


def to_api(sent: bytes) -> bytes:
    """The same request to the API."""
    return sent.replace(b" / ", b" /connections ", 1)


LOST: dict[str, tuple[bytes, int, str, str]] = {
    "half-a-head": (b"PUT /%s" % SECRET + HEAD + FIELDS, 408, "PUT", "-"),
    "half-a-body": (to_api(post(FIELDS[:-2], b"Content-Length: 99", body=SECRET)), 408, "POST", "/connections"),
    "half-a-chunk": (to_api(chunked(b"ff\r\n" + SECRET)), 408, "POST", "/connections"),
    "long-target": (b"GET /%s" % SECRET + BIG + HEAD + FIELDS, 414, "GET", "-"),
    "many-fields": (b"GET /%s" % SECRET + HEAD + FIELDS + b"A: b\r\n" * 101 + b"\r\n", 431, "GET", "-"),
    "two-lengths": (post(FIELDS[:-2], b"Content-Length: 5", b"Content-Length: 6", body=SECRET), 400, "POST", "-"),
    "bad-chunk": (to_api(chunked(b"g\r\n" + SECRET)), 400, "POST", "/connections"),
    "no-request": (b"\x00\x01" + SECRET + b"\r\n\r\n", 400, "-", "-"),
    "tunnel": (b"CONNECT %s:443" % SECRET + HEAD + b"\r\n", 405, "CONNECT", "-"),
    "form-of-an-upload": (to_api(post(FIELDS[:-2], b"Transfer-Encoding: gzip", body=SECRET)), 400, "POST", "-"),
    "other-host": (b"GET /connections HTTP/1.1\r\nHost: evil.example\r\n%s\r\n" % FIELDS, 421, "GET", "/connections"),
}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, Server]]:
    emulator = Emulator(Config(seed=1, log="json"))
    server = Served(emulator).listen(limits=SHORT)
    server.start()
    yield emulator, server
    server.stop()


Spoken = tuple[list[tuple[int, bytes]], list[Entry]]
"""The responses of a server, and its journal."""


def said(served: tuple[Emulator, Server], sent: bytes) -> Spoken:
    """The shared server's response to these bytes."""
    emulator, server = served
    emulator.reset()
    return Client(server, sent).answers(), emulator.journal.entries()


@pytest.mark.parametrize("case", LOST)
def test_a_refused_request_is_on_record_without_what_it_held(
    case: str, served: tuple[Emulator, Server], caplog: pytest.LogCaptureFixture
) -> None:
    sent, status, method, path = LOST[case]
    caplog.set_level(logging.INFO, "mockserver.requests")
    answers, [entry] = said(served, sent)
    assert [answered for answered, _ in answers] == [status]
    assert (entry.status, entry.method, entry.path, entry.error) == (status, method, path, str(status))
    assert entry.request_id in answers[0][1].decode()
    [finding] = evaluate([entry], served[0].contract).findings
    assert finding.rule == "call.unread" and f"refused with {status}: " in finding.detail
    shown = f"{entry.as_json()} {finding} {caplog.text}"
    assert f'"status": {status}' in caplog.text and SECRET.decode() not in shown


def spoken(emulator: Emulator, sent: bytes) -> Spoken:
    """The response of a separate server to these bytes."""
    server = Served(emulator).listen(limits=SHORT)
    server.start()
    answers = Client(server, sent).answers()
    server.stop()
    return answers, emulator.journal.entries()


@each("case", [case for case, (_, status) in REFUSED.items() if status != 413])
def test_whatever_the_server_refuses_is_one_entry(case: str, served: tuple[Emulator, Server]) -> None:
    answers, entries = said(served, to_api(REFUSED[case][0]))
    assert [entry.status for entry in entries] == [status for status, _ in answers] == [REFUSED[case][1]]


def test_a_client_that_speaks_tls_to_a_plain_port_is_told_so(served: tuple[Emulator, Server]) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)
    answers, [entry] = said(served, hello)
    assert b"Call this server by http://" in answers[0][1] and "http://" in entry.answer


def test_a_flood_of_refused_requests_leaves_room_for_others() -> None:
    emulator = Emulator(Config(seed=1, log="none", journal_entries=20))
    web = create_app(emulator).test_client()
    for _ in range(3):
        assert web.get("/connections", headers=HEADERS).status_code == 200
    for _ in range(100):
        Served(emulator).refuse_unread("GET", ApiError("framing"))
    entries = emulator.journal.entries()
    assert len(entries) == 20 and [entry.status for entry in entries].count(200) == 3


def test_refusals_keep_the_form_of_errors_that_the_server_was_told() -> None:
    emulator = Emulator(Config(seed=1, log="none", quirk={"error-body": "legacy"}))
    answers, _ = spoken(emulator, REFUSED["two-hosts"][0])
    assert answers[0][1].startswith(b'{"errorMessage":')


def test_pages_of_ours_are_not_on_record_and_a_journal_that_is_off_stays_so() -> None:
    emulator = Emulator(Config(seed=1, log="none"))
    assert create_app(emulator).test_client().get("/_mock/journal", headers={"Host": "evil.example"}).status_code == 421
    assert emulator.journal.entries() == []
    off = Emulator(Config(seed=1, log="none", journal_entries=0))
    assert Served(off).refuse_unread("", ApiError("framing")).status == 400


def test_an_intercepted_client_is_on_record_too() -> None:
    emulator = Emulator(Config(seed=1, log="none"))
    front = EmulatedHostsOnly(Served(emulator))
    assert front.refuse_unread("GET", ApiError("framing")).status == 400
    assert [entry.status for entry in emulator.journal.entries()] == [400]


@pytest.mark.parametrize("path", ["/connections", "/ims/token/v3"])
def test_a_host_of_nobody_is_on_record_under_hooks_and_at_the_token_endpoint(path: str) -> None:
    emulator = Emulator(Config(seed=1, log="none"))
    app = create_app(emulator)
    app.before_request(lambda: None)
    assert app.test_client().post(path, headers={"Host": "evil.example"}).status_code == 421
    assert [entry.status for entry in emulator.journal.entries()] == [421]
