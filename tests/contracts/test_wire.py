"""Tests of what a response may be on the wire: a server can neither hold up a run nor fill its memory."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from contracts import wire
from contracts.wire import HttpTransport, Sent, parsed

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture
def said(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that sends a head and then the same piece again and again, until the client leaves."""
    head, piece, pause = request.param
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        with client, contextlib.suppress(OSError):
            client.recv(65_536)
            client.sendall(head + b"\r\n")
            while not over.wait(pause):
                client.sendall(piece)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    over.set()
    thread.join()
    listener.close()


@pytest.mark.parametrize(
    ("said", "most", "silence"),
    [
        ((HEAD + b"Content-Length: 100000\r\n", b" ", 0.01), 2**20, "did not end its response within 0.2 s"),
        ((HEAD + b"Connection: close\r\n", b" ", 0.01), 2**20, "did not end its response within 0.2 s"),
        (
            (HEAD + b"Transfer-Encoding: chunked\r\n", b"1\r\n \r\n", 0.01),
            2**20,
            "did not end its response within 0.2 s",
        ),
        ((HEAD + b"Connection: close\r\n", b" " * 65_536, 0), 2**20, "sent more than 1 MiB"),
        ((HEAD + b"Transfer-Encoding: chunked\r\n", b"10000\r\n" + b" " * 65_536 + b"\r\n", 0), 2**20, "sent more"),
    ],
    indirect=["said"],
)
def test_a_body_without_end_is_no_response(said: str, most: int, silence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_BODY", most)
    answer = HttpTransport(said, seconds=0.2 if "within" in silence else 30).send(Sent("GET", "/connections"))
    assert answer.silence.startswith(silence)


@pytest.mark.parametrize(
    "deep", [b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100 + b"1" + b"}" * 100, b"[" * 600 + b"]" * 600]
)
def test_json_that_python_stumbles_over_counts_as_no_json_or_is_made_harmless(deep: bytes) -> None:
    assert parsed(deep) is None
    assert parsed(b'{"id": "\\uD800x \\ud83d\\ude00"}') == {"id": "?x \U0001f600"}
    assert parsed(b"[" * 60 + b"]" * 60) is not None
