"""Tests that a response is read as the service sent it, or marked as unread, and is never taken for an empty one."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import requests

from mockserver import Config, Emulator, json_input
from mockserver.contract import Contract
from mockserver.exchange import BASE_PATH
from mockserver.har import answers
from mockserver.recordings.recording import Recording
from tests.calls import HEADERS, connection, made, send
from tests.recordings.test_record_command import recorded, run, scripted_service

LARGE = {"items": [{"id": f"{number:024x}"} for number in range(json_input.MAX_VALUES)]}
DEEP = b"[" * 100 + b"]" * 100


def service_with(body: bytes) -> str:
    """Start a service that answers everything with a body."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return scripted_service(head.encode() + body)


def session(path: Path, upstream: str) -> Recording:
    """Record one list."""
    with recorded(path, upstream) as url:
        requests.get(url + BASE_PATH + "/connectionSpecs", headers=HEADERS, timeout=10)
    return Recording.load(path, Contract.load())


def test_a_response_may_have_more_values_than_a_request(tmp_path: Path) -> None:
    upstream = service_with(json.dumps(LARGE).encode())
    (exchange,) = session(tmp_path / "session.har", upstream).exchanges
    assert exchange.result.body == LARGE
    compared = run("compare", tmp_path / "session.har", "--against", upstream)
    assert compared.output == "1 same\n"
    other = run("compare", tmp_path / "session.har", "--against", service_with(b'{"items": []}'))
    assert "missing item /items/*" in other.output and "null" not in other.output


@pytest.mark.parametrize("body", [b'{"items": ["' + b"x" * 17_000_000 + b'"]}', DEEP], ids=["too large", "too deep"])
def test_a_response_that_is_not_kept_is_marked_as_incomplete(tmp_path: Path, body: bytes) -> None:
    recording = session(tmp_path / "session.har", service_with(body))
    assert recording.remarks == ("incomplete responses: 1 of 1",)
    compared = run("compare", tmp_path / "session.har")
    assert compared.exit_code == 3 and "the recorded response is incomplete" in compared.output


@pytest.mark.parametrize("text", ['{"items": [{"id": "a", "na', DEEP.decode()], ids=["cut by a tool", "too deep"])
def test_a_body_that_cannot_be_read_from_a_file_is_missing_and_not_empty(tmp_path: Path, text: str) -> None:
    path = tmp_path / "session.har"
    path.write_text(json.dumps({"log": {"entries": [listing(text)]}}), encoding="utf-8")
    recording = Recording.load(path, Contract.load())
    assert recording.remarks == ("responses without their body: 1 of 1",)
    assert run("compare", path).output.endswith("\n1 same\n")


def listing(text: str) -> dict[str, Any]:
    """An entry of a HAR file whose response has a text."""
    return {
        "startedDateTime": "2026-11-02T10:00:00.000Z",
        "request": {
            "method": "GET",
            "url": f"https://platform.adobe.io{BASE_PATH}/connectionSpecs",
            "headers": [{"name": name, "value": value} for name, value in HEADERS.items()],
        },
        "response": {"status": 200, "headers": [], "content": {"size": 5000, "text": text}},
    }


@pytest.mark.parametrize(
    ("accepted", "asked"),
    [
        ("br, gzip, deflate", "gzip, deflate"),
        ("gzip;q=0.5, zstd, identity", "gzip;q=0.5, identity"),
        ("br", "identity"),
        ("*", "identity"),
        ("", "identity"),
    ],
)
def test_a_service_is_asked_for_no_compression_that_the_recorder_cannot_read(
    tmp_path: Path, accepted: str, asked: str
) -> None:
    arrived: list[bytes] = []
    upstream = scripted_service(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", arrived)
    with recorded(tmp_path / "session.har", upstream) as url:
        requests.get(url + BASE_PATH + "/connections", headers={"accept-encoding": accepted}, timeout=10)
    head = arrived[0].decode().lower().split("\r\n")
    assert [line for line in head if line.startswith("accept-encoding")] == [f"accept-encoding: {asked}"]


@pytest.mark.parametrize(
    ("coding", "body", "whole"),
    [("gzip", gzip.compress(b"{}"), True), ("br", b"\x8b\x00\x80{}\x03", False), ("gzip", b"\x1f\x8bdamaged", False)],
    ids=["gzip", "br", "damaged"],
)
def test_a_compressed_response_is_read_or_marked_as_incomplete(
    tmp_path: Path, coding: str, body: bytes, whole: bool
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    with recorded(tmp_path / "session.har", scripted_service(head.encode() + body)) as url:
        answer = requests.get(url + BASE_PATH + "/connections", timeout=10, stream=True)
        assert answer.raw.read(decode_content=False) == body
    (exchange,) = Recording.load(tmp_path / "session.har", Contract.load()).exchanges
    assert (exchange.whole, exchange.result.body) == (whole, {} if whole else None)


@pytest.mark.parametrize("quirks", [{}, {"content-type": "415", "gateway-body": "2026", "not-found-status": "400"}])
def test_the_code_of_an_error_is_the_same_in_the_journal_and_in_a_recording(quirks: dict[str, str]) -> None:
    """A comparison of both once reported `content-type` and `400` as two codes of one error."""
    emulator = Emulator(Config(quirk=quirks))
    entity = f"/connections/{made(emulator)['id']}"
    refused = [
        *(send(emulator, "GET", entity, headers={name: None}) for name in HEADERS),
        send(emulator, "GET", "/connections/00000000-0000-4000-8000-000000000000"),
        send(emulator, "GET", "/nothing"),
        send(emulator, "PUT", entity),
        send(emulator, "PATCH", entity, []),
        send(emulator, "POST", "/connections", connection(), headers={"content-type": "text/plain"}),
        send(emulator, "POST", "/connections", {"name": 5}),
    ]
    read = [answers.error_code(result.status, result.body) for result in refused]
    assert read == [result.error for result in refused] and None not in read
