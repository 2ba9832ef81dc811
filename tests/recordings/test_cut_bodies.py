"""Tests that a secret in a body that was cut, or is not JSON, is hidden where another exchange has it."""

from __future__ import annotations

import json
import socket
import zlib
from pathlib import Path

import pytest

from mockserver.contract import Contract
from mockserver.exchange import BASE_PATH
from mockserver.recordings.recording import Recording
from tests.calls import connection
from tests.recordings.test_record_command import recorder
from tests.recordings.test_recording_secrecy import views
from tests.recordings.test_unchanged import Service, accepted, connected, received, reset

SECRET = "Xk29-c4n4ry-Qz7"
JSON = b"Content-Type: application/json\r\n"
PARAMS = {"server": "db.example.com", "username": "reader", "password": SECRET}
SENT = json.dumps(connection(auth={"specName": "Basic Authentication", "params": PARAMS})).encode()
TOKEN = b'{"expires_in": 3600, "access_token": "%b", "token_type": "bearer"}' % SECRET.encode()
ENDS = {"after the secret": -1, "in the next member": 40, "at the end of the secret": len(SECRET)}
"""Where a body ends, in bytes from the begin of the secret."""


def cut(body: bytes, end: int) -> bytes:
    return body[:-1] if end < 0 else body[: body.index(SECRET.encode()) + end]


def post(body: bytes, path: str = f"{BASE_PATH}/connections", kind: bytes = JSON, more: int = 999) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body) + more}\r\n".encode()
    return head + kind + b"\r\n" + body


def answer(body: bytes, fields: bytes = JSON) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n%b" % (len(body) + 999, fields, body)


ASK = post(b"", "/ims/token/v3", more=0)
DEFLATE = b"Content-Encoding: deflate\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
CASES = {
    **{f"request, {name}": (post(cut(SENT, end)), b"") for name, end in ENDS.items()},
    **{f"response, {name}": (ASK, answer(cut(TOKEN, end))) for name, end in ENDS.items()},
    "a part of compressed": (ASK, answer(zlib.compress(TOKEN + b" " * 99, 0)[:-50], JSON + DEFLATE)),
    "form": (post(b"grant_type=password&password=" + SECRET.encode(), "/oauth2/token", FORM, more=0), b""),
    "damaged": (post(b'{"connectionSpec": 1, "auth": {"params": {"password": "%b"}},' % SECRET.encode(), more=0), b""),
}  # fmt: skip
"""What client and service send, and then reset the connection."""


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("sent", "told"), CASES.values(), ids=CASES)
def test_a_secret_of_a_body_that_cannot_be_read_is_hidden_elsewhere(
    sent: bytes, told: bytes, first: bool, tmp_path: Path
) -> None:
    kept = recorder(tmp_path / "session.har")
    service = Service(lambda call, result, ended, whole, aside: kept.add(call, result, ended, whole=whole, aside=aside))
    shown = f'{{"items": [{{"id": "1", "name": "of {SECRET}", "description": "a harmless text"}}]}}'.encode()
    list_of_it = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(shown), shown)
    listing = f"GET {BASE_PATH}/connections HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    both = [(sent, told), (listing, list_of_it)]
    with service.recorded() as client:
        url = f"http://127.0.0.1:{client.getpeername()[1]}"
        for request, response in both if first else reversed(both):
            with connected(url) as asking:
                asking.sendall(request)
                peer = accepted(service.listener)
                received(peer, len(request))
                peer.sendall(response)
                received(asking, len(response))
                reset(peer)
                received_until_reset(asking)
    kept.close(complete=True)
    assert not [view for view in views(kept.path.read_bytes()) if SECRET in view]
    recording = Recording.load(kept.path, Contract.load())
    assert len(recording.exchanges) == 2 and "a harmless text" in kept.path.read_text(encoding="utf-8")


def received_until_reset(client: socket.socket) -> None:
    """Wait until the recorder has ended the connection, and so has seen the exchange."""
    with pytest.raises(ConnectionResetError):
        while client.recv(65_536):
            pass
        raise ConnectionResetError
