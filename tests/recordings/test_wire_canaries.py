"""Tests that no byte of a secret that passes a recorder on the wire is in a file, or printed by its command."""

from __future__ import annotations

import gzip
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mockserver.contract import Contract
from mockserver.recordings.recording import Recording
from tests.recordings.test_canaries import SHAPES, as_text, found_in, token

SECONDS = 20


def reply(*fields: str, body: bytes = b"", status: str = "400 Bad Request", length: int | None = None) -> bytes:
    """A response with a length; another than that of the body if it is given."""
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {length or len(body)}", *fields]
    return "\r\n".join([*head, "", ""]).encode() + body


def chunked(body: bytes, trailers: str = "", size: int = 3) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    head = b"HTTP/1.1 400 x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + chunks + b"0\r\n" + trailers.encode() + b"\r\n"


def title(secret: str) -> bytes:
    return f'{{"title": "Login with {secret} failed", "status": 400}}'.encode()


WIRES: dict[str, Callable[[str], bytes]] = {
    "reason phrase": lambda secret: reply(status=f"400 {secret}", body=b"{}"),
    "early hints": lambda secret: (
        f"HTTP/1.1 103 {secret}\r\nLink: <{secret}>\r\nx-{token(secret)}: 1\r\n\r\n".encode() + reply(body=b"{}")
    ),
    "two informational responses": lambda secret: (
        f"HTTP/1.1 102 x\r\nx: {secret}\r\n\r\nHTTP/1.1 103 x\r\nSet-Cookie: {secret}\r\n\r\n".encode()
        + reply(body=b"{}")
    ),
    "trailer": lambda secret: chunked(b"{}", f"x: {secret}\r\n"),
    "name of a trailer": lambda secret: chunked(b"{}", f"{token(secret)}: 1\r\n"),
    "split by chunks": lambda secret: chunked(title(secret)),
    "chunk extension": lambda secret: chunked(b"{}").replace(b"2\r\n", f"2;x={token(secret)}\r\n".encode(), 1),
    "gzip": lambda secret: reply("Content-Encoding: gzip", body=gzip.compress(title(secret))),
    "deflate": lambda secret: reply("Content-Encoding: deflate", body=zlib.compress(title(secret))),
    "gzip by chunks": lambda secret: chunked(gzip.compress(title(secret))).replace(
        b"Transfer", b"Content-Encoding: gzip\r\nTransfer", 1
    ),
    "stored by gzip": lambda secret: reply("Content-Encoding: br", body=gzip.compress(title(secret), 0)),
    "cut gzip": lambda secret: reply("Content-Encoding: gzip", body=gzip.compress(title(secret), 0)[:-4]),
    "HTML": lambda secret: reply(body=f"<html><title>{secret}</title>{secret}</html>".encode(), status="502 x"),
    "XML": lambda secret: reply(body=f"<?xml version='1.0'?><{token(secret)}>{secret}</{token(secret)}>".encode()),
    "lines of JSON": lambda secret: reply(body=title(secret) + b"\n" + title(secret)),
    "UTF-16": lambda secret: reply(body=title(secret).decode().encode("utf-16")),
    "cut body": lambda secret: reply(body=title(secret), length=999),
    "cut JSON": lambda secret: reply(body=title(secret)[:-1]),
    "header": lambda secret: reply(f"X-{token(secret)}: {secret}", f"WWW-Authenticate: {secret}", body=b"{}"),
    "cookies": lambda secret: reply(f"Set-Cookie: {secret}=1", f"Set-Cookie: a={secret}; Domain={secret}", body=b"{}"),
    "location": lambda secret: reply(f"Location: https://{secret}.example.com/{secret}./?{secret}#x", status="302 x"),
    "folded header": lambda secret: reply(f"X-Long: a\r\n {secret}", body=b"{}"),
    "none of HTTP": lambda secret: f"{secret} 200 {secret}\r\n\r\n{secret}".encode(),
    "after the response": lambda secret: reply(body=b"{}") + f"HTTP/1.1 408 {secret}\r\n\r\n".encode(),
    "switched protocol": lambda secret: reply(f"Upgrade: {token(secret)}", status="101 x") + secret.encode(),
    "success": lambda secret: reply(body=f'{{"{secret}": ["{secret}"]}}'.encode(), status="200 OK"),
}
"""What a service sends, whose secret is in no request."""


class Service:
    """A service that sends what the number in the path selects, and resets the connection."""

    def __init__(self, answers: list[bytes]) -> None:
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            peer, _ = self._listener.accept()
            with peer:
                found = re.search(rb"/runs/(\d+)", peer.recv(65_536))
                peer.sendall(self._answers[int(found[1])] if found else b"")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", int(bool(found)) - 1, 0))


@contextmanager
def recording(out: Path, upstream: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A recording server of its own process, and its port."""
    command = [sys.executable, "-m", "mockserver", "record", "--out", str(out), "--listen", "0", "--upstream", upstream]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        found = re.search(r"127\.0\.0\.1:(\d+);", process.stderr.readline())
        assert found
        yield process, int(found[1])
    finally:
        process.kill()
        process.communicate()


def ask(port: int, request: bytes) -> bytes:
    """Send bytes and read until the end."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as peer:
        peer.sendall(request)
        try:
            while data := peer.recv(65_536):
                got += data
        except ConnectionError:
            pass
    return got


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_no_byte_of_a_secret_on_the_wire_is_in_a_file_or_printed(tmp_path: Path, name: str) -> None:
    ending = getattr(signal, name, signal.SIGTERM)
    chance = random.Random(ending.name)
    shapes = list(SHAPES.values())
    made = [(place, shapes[(number + ending) % len(shapes)](chance)) for number, place in enumerate([*WIRES] * 3)]
    service = Service([WIRES[place](secret) for place, secret in made])
    with recording(tmp_path / "session.har", service.url) as (process, port):
        for number in range(len(made)):
            assert ask(port, b"GET /runs/%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % number)
        process.send_signal(ending)
        printed = "".join(process.communicate(timeout=SECONDS))
    seen = "\0".join([*(as_text(path.read_bytes()) for path in tmp_path.iterdir()), printed.lower()])
    lost = {place: found for place, secret in made if (found := found_in(seen, secret))}
    assert lost == {}
    written = Recording.load(tmp_path / "session.har", Contract.load())
    assert len(written.exchanges) == len(made)
    assert written.complete is (ending != signal.SIGKILL)
