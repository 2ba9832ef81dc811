"""Tests that odd traffic passes through a recorder as it would without one, and is recorded as far as it arrived."""

from __future__ import annotations

import gzip
import json
import logging
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from mockserver import Config
from mockserver.clients.program import PrivateServer
from mockserver.exchange import BASE_PATH, Call
from mockserver.exchange import Result as Answer
from mockserver.intercept import relay
from mockserver.recordings.recorder import Aside
from tests.calls import HEADERS, connection
from tests.recordings.test_record_command import recorder, run, scripted_service
from tests.recordings.test_unchanged import OK, Service, accepted, connected, received

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
URL = BASE_PATH + "/connections"


@contextmanager
def recorded(path: Path, upstream: str) -> Iterator[str]:
    kept = recorder(path, upstream)

    def seen(call: Call, result: Answer, ended_ms: int, whole: bool, aside: Aside) -> None:
        kept.add(call, result, ended_ms, whole=whole, aside=aside)

    server = relay.Relay(seen, upstream).server()
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
        kept.close(complete=True)


def entries(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["log"]["entries"]
    return found


@pytest.mark.parametrize(
    "answer",
    [
        JSON + b'Content-Length: 100\r\n\r\n{"items":',
        JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        JSON + b'Transfer-Encoding: chunked\r\n\r\n9\r\n{"items":\r\n',
    ],
    ids=["too short", "no chunk", "chunk missing"],
)
def test_a_response_that_breaks_is_not_an_error_of_the_recorder(
    tmp_path: Path, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.WARNING),
        recorded(tmp_path / "x.har", scripted_service(answer)) as url,
        pytest.raises(requests.RequestException),
    ):
        requests.get(url + URL, headers=HEADERS, timeout=10)
    assert caplog.records == []
    (entry,) = entries(tmp_path / "x.har")
    assert entry["_flow"]["whole"] is False


@pytest.mark.parametrize(
    ("coding", "body", "whole"),
    [
        ("gzip", gzip.compress(b'{"items": []}'), True),
        ("deflate", zlib.compress(b'{"items": []}'), True),
        ("deflate", zlib.compress(b'{"items": []}', wbits=-15), True),
        ("gzip", gzip.compress(b'{"items": []}')[:-9], False),
        ("gzip", b"\x1f\x8bno", False),
        ("gzip", gzip.compress(b"[]") + gzip.compress(b"[]"), False),
        ("gzip", gzip.compress(b'"' + bytes(17_000_000) + b'"'), False),
        ("gzip, gzip", gzip.compress(gzip.compress(b"[]")), False),
        ("br", b"\x0b\x02\x80{}\x03", False),
    ],
    ids=["gzip", "zlib", "deflate", "cut", "damaged", "two members", "too large", "twice", "brotli"],
)
def test_a_compressed_response_passes_as_it_is_and_is_recorded_if_it_can_be_read(
    tmp_path: Path, coding: str, body: bytes, whole: bool
) -> None:
    head = JSON + f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with recorded(tmp_path / "x.har", scripted_service(head + body)) as url:
        answer = requests.get(url + URL, headers=HEADERS, timeout=10, stream=True)
        assert answer.raw.read(decode_content=False) == body
    (entry,) = entries(tmp_path / "x.har")
    assert entry["_flow"]["whole"] is whole
    assert json.loads(entry["response"]["content"]["text"] or "{}") == ({"items": []} if whole else {})


def test_a_response_that_expands_does_not_fill_the_memory() -> None:
    bomb = gzip.compress(bytes(100_000_000), 1)
    tracemalloc.start()
    try:
        assert relay.decompressed(bomb, b"gzip")[1] is False
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50_000_000


def test_a_request_larger_than_the_emulator_accepts_reaches_the_service(tmp_path: Path) -> None:
    body = b'{"name": "' + b"x" * 2_000_000 + b'"}'
    with (
        PrivateServer(Config(log="none", max_body=4_000_000)) as service,
        recorded(tmp_path / "x.har", service.url) as url,
    ):
        headers = {**HEADERS, "content-type": "application/json"}
        answers = [requests.post(base + URL, data=body, headers=headers, timeout=10) for base in (url, service.url)]
        assert len(service.emulator.journal.entries()) == 2
    assert [answer.status_code for answer in answers] == [400, 400]
    (entry,) = entries(tmp_path / "x.har")
    assert len(entry["request"]["postData"]["text"]) > 2_000_000


def test_a_compressed_request_passes_as_it_is_and_is_recorded_without_compression_and_secrets(tmp_path: Path) -> None:
    """A replay sends what was recorded."""
    params = {**connection()["auth"]["params"], "password": "c4n4ry-s3cret"}
    sent = connection(auth={"specName": "Basic Authentication", "params": params})
    body, service = gzip.compress(json.dumps(sent).encode()), Service()
    lines = (
        "POST /connections HTTP/1.1",
        f"Host: {service.name}",
        "Content-Encoding: gzip",
        f"Content-Length: {len(body)}",
    )
    message = "\r\n".join((*lines, "Content-Type: application/json", "", "")).encode() + body
    with recorded(tmp_path / "x.har", f"http://{service.name}") as url, connected(url) as client:
        client.sendall(message)
        with accepted(service.listener) as peer:
            assert received(peer, len(message)) == message
            peer.sendall(OK)
        assert received(client, len(OK)) == OK
    (entry,) = entries(tmp_path / "x.har")
    params = json.loads(entry["request"]["postData"]["text"])["auth"]["params"]
    assert params["server"] == "db.example.com" and "s3cret" not in params["password"]
    assert "content-encoding" not in [row["name"] for row in entry["request"]["headers"]]


def test_a_user_is_told_how_many_requests_got_no_response(tmp_path: Path) -> None:
    options = ("--out", tmp_path / "x.har", "--upstream", "http://127.0.0.1:9", "--ca-folder", tmp_path / "ca")
    client = "import requests; requests.get('https://platform.adobe.io/x')"
    done = run("record", *options, "--", sys.executable, "-c", client)
    assert done.exit_code == 0 and "Note: requests without a response: 1 of 1\n" in done.output
