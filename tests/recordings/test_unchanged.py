"""Tests that bytes pass a recorder as they are, in both directions and at the moment when they are sent."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mockserver.exchange import Call
from mockserver.exchange import Result as Answer
from mockserver.intercept.relay import Relay, Seen
from mockserver.recordings.recorder import Aside
from tests.recordings.test_record_command import recorder
from tests.rows import each

SECONDS = 10
GET = b"GET /connections HTTP/1.1\r\nHost: %host\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CLIENT, SERVICE = "client", "service"


def request(line: bytes, *fields: bytes, body: bytes = b"") -> tuple[str, bytes]:
    return CLIENT, b"\r\n".join((line, *fields, b"", body))


def answer(*lines: bytes, body: bytes = b"") -> tuple[str, bytes]:
    return SERVICE, b"\r\n".join((*lines, b"", body))


def get(*fields: bytes) -> tuple[str, bytes]:
    return request(b"GET /connections HTTP/1.1", b"Host: %host", *fields)


def asked(target: bytes) -> list[tuple[str, bytes]]:
    return [request(b"GET " + target + b" HTTP/1.1", b"Host: %host"), (SERVICE, OK)]


DIALOGUES: dict[str, list[tuple[str, bytes]]] = {
    "names and order of header fields": [
        get(b"x-b: 1", b"X-A: 2", b"x-B:3", b"AUTHORIZATION:  Bearer x ", b"Empty:", b"X-Latin: \xfc", b"x_y: z"),
        answer(b"HTTP/1.1 200 OK", b"sErver: x", b"x-b: 1", b"X-A:2", b"X-B: 3", b"Via: 1.1 y", b"content-length: 0"),
    ],
    "fields that repeat": [
        get(b"Cookie: a=1", b"Cookie: b=2", b"Accept: a", b"Accept: b"),
        answer(b"HTTP/1.1 200 OK", b"Set-Cookie: a=1", b"Set-Cookie: b=2", b"Content-Length: 0"),
    ],
    "no Date and no Server": [get(), (SERVICE, OK)],
    "Date of the service": [
        get(), answer(b"HTTP/1.1 200 OK", b"Date: Thu, 01 Jan 1970 00:00:00 GMT", b"Content-Length: 0")
    ],
    "fields of the connection": [
        get(b"Connection: keep-alive, X-Own", b"Keep-Alive: 5", b"X-Own: 1", b"TE: trailers", b"Via: 1.0 z"),
        answer(b"HTTP/1.1 200 OK", b"Connection: keep-alive", b"Keep-Alive: timeout=5", b"Content-Length: 0"),
    ],
    "reason phrase": [get(), answer(b"HTTP/1.1 299 Fine, thanks \xfc", b"Content-Length: 0")],
    "no reason phrase": [get(), answer(b"HTTP/1.1 200 ", b"Content-Length: 0")],
    "unknown status": [get(), answer(b"HTTP/1.1 799 Odd", b"Content-Length: 0")],
    "HEAD": [
        request(b"HEAD /x HTTP/1.1", b"Host: %host"), answer(b"HTTP/1.1 200 OK", b"Content-Length: 99"), *asked(b"/"),
    ],
    "204 with fields": [get(), answer(b"HTTP/1.1 204 No Content", b"ETag: \"1\"", b"X: y"), *asked(b"/")],
    "304 with a length": [get(), answer(b"HTTP/1.1 304 Not Modified", b"Content-Length: 99"), *asked(b"/")],
    "GET with a body": [
        request(b"GET /x HTTP/1.1", b"Host: %host", b"Content-Length: 2", body=b"{}"), (SERVICE, OK), *asked(b"/")
    ],
    "DELETE with length 0": [request(b"DELETE /x HTTP/1.1", b"Host: %host", b"Content-Length: 0"), (SERVICE, OK)],
    "methods of others": [request(b"PROPFIND /x HTTP/1.1", b"Host: %host"), (SERVICE, OK),
                          request(b"get /x HTTP/1.1", b"Host: %host"), (SERVICE, OK)],
    "encoding of the path": [*asked(b"/a%2Fb%2f%c3%9c/%7E~/+%20;x=y"), *asked(b"/%zz"), *asked(b"/\xc3\x9c?\"<>|")],
    "dots and slashes": [*asked(b"//a/../b/./c//"), *asked(b"/a\\b")],
    "queries": [*asked(b"/x?"), *asked(b"/x?a&a=&=b&&a=%26+"), *asked(b"/x?a=b?c#d"), *asked(b"/?http://x/y")],
    "compressed": [
        get(b"Accept-Encoding: gzip, deflate"),
        answer(b"HTTP/1.1 200 OK", b"Content-Encoding: br", b"Content-Length: 3", body=b"\x0b\x80\x03"),
    ],
    "pieces of a slow body": [
        get(), answer(b"HTTP/1.1 200 OK", b"Content-Length: 6"), (SERVICE, b"{"), (SERVICE, b"   "), (SERVICE, b" }"),
    ],
    "pieces of a slow head": [
        get(), (SERVICE, b"HTT"), (SERVICE, b"P/1.1 200 O"), (SERVICE, b"K\r\nContent-L"),
        (SERVICE, b"ength: 0\r\n"), (SERVICE, b"\r\n"),
    ],
    "chunks, their extensions and trailers": [
        request(b"POST /x HTTP/1.1", b"Host: %host", b"Transfer-Encoding: chunked", b"Trailer: X-Sum"),
        (CLIENT, b"1;a=b\r\n{\r\n"), (CLIENT, b"000001\r"), (CLIENT, b"\n}\r\n0\r\n"), (CLIENT, b"X-Sum: 1\r\n\r\n"),
        answer(b"HTTP/1.1 200 OK", b"Trailer: X-Sum", b"transfer-encoding: Chunked"),
        (SERVICE, b"1;c=d\r\n{\r\n"), (SERVICE, b"1\r\n}\r\n"), (SERVICE, b"0\r\nX-SUM: 2\r\nX-Sum:3\r\n\r\n"),
        *asked(b"/"),
    ],
    "100 Continue": [
        request(b"POST /x HTTP/1.1", b"Host: %host", b"Expect: 100-continue", b"Content-Length: 2"),
        answer(b"HTTP/1.1 100 Go on", b"X-Vault: 1"), (CLIENT, b"{}"), (SERVICE, OK), *asked(b"/"),
    ],
    "refusal in place of 100 Continue": [
        request(b"POST /x HTTP/1.1", b"Host: %host", b"Expect: 100-continue", b"Content-Length: 2"),
        answer(b"HTTP/1.1 417 Expectation Failed", b"Content-Length: 0"),
    ],
    "100 Continue that nobody asked for": [
        request(b"POST /x HTTP/1.1", b"Host: %host", b"Content-Length: 2"), answer(b"HTTP/1.1 100 Continue"),
        (CLIENT, b"{}"), (SERVICE, OK),
    ],
    "early hints": [
        get(), answer(b"HTTP/1.1 103 Early Hints", b"Link: </a>; rel=preload"), answer(b"HTTP/1.1 102 Processing"),
        (SERVICE, OK),
    ],
    "response before the body of the request": [
        request(b"POST /x HTTP/1.1", b"Host: %host", b"Content-Length: 4"), (CLIENT, b"{"),
        answer(b"HTTP/1.1 413 Too Large", b"Connection: close", b"Content-Length: 0"), (CLIENT, b"  }"),
    ],
    "requests in advance": [(CLIENT, GET * 3), (SERVICE, OK * 2), (SERVICE, OK), *asked(b"/")],
    "requests on one connection": [get(), (SERVICE, OK), get(), (SERVICE, OK), get(), (SERVICE, OK)],
    "HTTP/1.0": [request(b"GET /x HTTP/1.0"), answer(b"HTTP/1.0 200 OK", b"X: y", body=b"{}")],
    "body to the end of the connection": [get(), answer(b"HTTP/1.1 200 OK", body=b"{")],
    "another protocol": [
        get(b"Connection: Upgrade", b"Upgrade: websocket"),
        answer(b"HTTP/1.1 101 Switching Protocols", b"Connection: Upgrade", b"Upgrade: websocket", body=b"\x81\x00"),
        (CLIENT, b"\x81\x80abcd"), (SERVICE, b"\x88\x00"),
    ],
    "response that is none of HTTP": [get(), (SERVICE, b"ICY 200 OK\r\n\r\n\x00\xff"), (SERVICE, b"more")],
    "damaged chunks": [
        request(b"POST /x HTTP/1.1", b"Host: %host", b"Transfer-Encoding: chunked", body=b"zz\r\n"), (CLIENT, b"more"),
        answer(b"HTTP/1.1 400 Bad Request", b"Content-Length: 0"),
    ],
    "bytes of nobody": [get(), (SERVICE, OK), answer(b"HTTP/1.1 408 Request Timeout", b"Content-Length: 0")],
}  # fmt: skip
"""Who sends which bytes, one after the other."""


class Service:
    """The one place where all connections of a test arrive."""

    def __init__(self, seen: Seen | None = None) -> None:
        """`seen` gets the exchanges in place of the list."""
        self._seen = seen
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(SECONDS)
        self.name = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.seen: list[tuple[Call, Answer, int, bool, Aside]] = []

    @contextmanager
    def recorded(self, path: str = "") -> Iterator[socket.socket]:
        """A client of a recorder of this service."""
        server = Relay(self._seen or (lambda *one: self.seen.append(one)), f"http://{self.name}{path}").server()
        server.start()
        try:
            with connected(server.url) as client:
                yield client
        finally:
            server.stop()
            self.listener.close()


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=SECONDS)


def received(peer: socket.socket, size: int) -> bytes:
    """So many bytes, or those until the end."""
    got = b""
    while len(got) < size and (data := peer.recv(size - len(got))):
        got += data
    return got


def accepted(listener: socket.socket) -> socket.socket:
    peer, _ = listener.accept()
    peer.settimeout(SECONDS)
    return peer


@each("name", DIALOGUES)
def test_bytes_pass_as_they_are_and_when_they_are_sent(name: str) -> None:
    service = Service()
    peer: socket.socket | None = None
    with service.recorded() as client:
        for sender, template in DIALOGUES[name]:
            data = template.replace(b"%host", service.name.encode())
            if sender == CLIENT:
                client.sendall(data)
                peer = peer or accepted(service.listener)
                assert received(peer, len(data)) == data
            else:
                assert peer is not None
                peer.sendall(data)
                assert received(client, len(data)) == data
        assert peer is not None
        peer.close()
        assert client.recv(1) == b""
    assert len(service.seen) == sum(data.count(b" HTTP/1.") for sender, data in DIALOGUES[name] if sender == CLIENT)


CHANGED = {
    "Host": (b"Host: a.example", b"Host: %host"),
    "name of Host": (b"hOST:a.example", b"hOST:%host"),
    "brotli": (b"accept-encoding: br, gzip;q=0.5,zstd", b"accept-encoding: gzip;q=0.5"),
    "brotli alone": (b"Accept-Encoding: br", b"Accept-Encoding: identity"),
    "any compression": (b"Accept-Encoding: gzip, *", b"Accept-Encoding: gzip"),
    "HTTP/2": (b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c", b"Connection: Upgrade, HTTP2-Settings"),
    "proxy": (b"Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nX: y", b"X: y"),
}
"""Lines of a request -> lines that reach the service."""


@pytest.mark.parametrize(("sent", "expected"), CHANGED.values(), ids=CHANGED)
def test_only_what_is_documented_is_changed(sent: bytes, expected: bytes) -> None:
    service = Service()
    host = b"" if b"host" in sent.lower() else b"Host: %host\r\n"
    with service.recorded("/base/") as client:
        client.sendall((b"GET /x HTTP/1.1\r\n" + host + sent + b"\r\n\r\n").replace(b"%host", service.name.encode()))
        peer = accepted(service.listener)
        wanted = b"GET /base/x HTTP/1.1\r\n" + host + expected + b"\r\n\r\n"
        assert peer.recv(65_536) == wanted.replace(b"%host", service.name.encode())
        peer.close()


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"], ids=["no response", "half of one"]
)
def test_a_reset_by_the_service_reaches_the_client(head: bytes) -> None:
    service = Service()
    with service.recorded() as client:
        client.sendall(GET)
        peer = accepted(service.listener)
        peer.recv(65_536)
        peer.sendall(head)
        assert received(client, len(head)) == head
        reset(peer)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    ((_, result, _, whole, _),) = service.seen
    assert (result.status, whole) == (200 if head else 0, False)


def test_an_answer_to_a_request_that_the_service_does_not_read_reaches_the_client() -> None:
    """A gateway refuses a large upload at once and closes the connection. Half of the clients got a reset alone."""
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"

    def refuse(listener: socket.socket) -> None:
        with accepted(listener) as peer:
            peer.recv(4_096)
            peer.sendall(refusal)  # closing resets, because much was not read

    for _ in range(30):
        service = Service()
        with service.recorded() as client:
            refusing = threading.Thread(target=refuse, args=(service.listener,))
            refusing.start()
            with suppress(OSError):
                client.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 8_000_000)
            assert received(client, len(refusal)) == refusal
            refusing.join()
        ((_, result, _, whole, _),) = service.seen
        assert (result.status, whole) == (413, False)


def test_a_reset_by_the_client_reaches_the_service() -> None:
    service = Service()
    with service.recorded() as client:
        client.sendall(GET)
        peer = accepted(service.listener)
        peer.recv(65_536)
        reset(client)
        with pytest.raises(ConnectionResetError):
            peer.recv(1)


def test_a_client_that_ends_its_side_gets_its_response() -> None:
    service = Service()
    with service.recorded() as client:
        client.sendall(GET)
        client.shutdown(socket.SHUT_WR)
        peer = accepted(service.listener)
        while peer.recv(65_536):
            pass
        peer.sendall(OK)
        assert received(client, len(OK) + 1) == OK
    assert [(result.status, whole) for _, result, _, whole, _ in service.seen] == [(200, True)]


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"], ids=["no response", "half of one"]
)
def test_a_request_that_is_under_way_at_the_end_is_recorded_as_far_as_it_came(
    head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockserver.intercept.relay.GRACE_SECONDS", 0.1)
    service = Service()
    server = Relay(lambda *one: service.seen.append(one), f"http://{service.name}").server()
    server.start()
    with connected(server.url) as client:
        client.sendall(GET)
        with accepted(service.listener) as peer:
            peer.recv(65_536)
            peer.sendall(head)
            assert received(client, len(head)) == head
            server.stop()
            with pytest.raises(ConnectionResetError):
                client.recv(1)
    ((_, result, _, whole, _),) = service.seen
    assert (result.status, whole) == (200 if head else 0, False)


REFUSED = {
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "speaks TLS"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\n", "does not begin with"),
    "not HTTP": (b"hello\r\n\r\n", "does not begin with"),
    "no Host": (b"GET /x HTTP/1.1\r\n\r\n", "Host"),
    "two lengths": (b"GET /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "Content-Length"),
    "large head": (b"GET /x HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 300_000, "larger than"),
    "no path": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "not a path"),
    "tunnel": (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", "not a path"),
}


@each("sent, reason", REFUSED.values())
def test_what_is_no_request_is_refused_in_plain_words(sent: bytes, reason: str) -> None:
    service = Service()
    with service.recorded() as client:
        client.sendall(sent)
        told = received(client, 65_536).decode()
    assert told.startswith("HTTP/1.1 400 ") and reason in told
    assert service.seen == []


def test_an_address_that_is_none_is_refused() -> None:
    nothing: Any = None
    for address in ("platform.adobe.io", "ftp://x", "http://", "http://u:p@x", "http://x?a", "http://x#a"):
        with pytest.raises(ValueError, match="--upstream must be"):
            Relay(nothing, address)


def test_what_came_beside_headers_and_bodies_is_recorded_without_its_values(tmp_path: Path) -> None:
    """A secret in a trailer or an informational response is a secret of the whole recording."""
    kept = recorder(tmp_path / "session.har")
    service = Service(lambda call, result, ended, whole, aside: kept.add(call, result, ended, whole=whole, aside=aside))
    secrets = {name: f"c4n4ry-{name}-s3cret" for name in ("sent", "hint", "sum")}
    told = ", ".join(secrets.values()).encode()
    shown = b'{"items": [{"id": "1", "name": "%b"}]}' % told
    with service.recorded() as client:
        client.sendall(
            b"POST /connections HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;x=%b\r\n{}\r\n0\r\n"
            b"X-Sent: %b\r\n\r\n" % (told, secrets["sent"].encode())
        )
        peer = accepted(service.listener)
        peer.recv(65_536)
        peer.sendall(
            b"HTTP/1.1 103 Early Hints\r\nX-Hint: %b\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            b'%x\r\n%b\r\n0\r\nX-Sum: %b\r\nEtag: "1"\r\n\r\n'
            % (secrets["hint"].encode(), len(shown), shown, secrets["sum"].encode())
        )
        while b"Etag" not in client.recv(65_536):
            pass
        peer.close()
    kept.close(complete=True)
    written = kept.path.read_text(encoding="utf-8")
    assert "c4n4ry" not in written
    (entry,) = json.loads(written)["log"]["entries"]
    assert (entry["_flow"]["informational"], entry["_flow"]["trailers"], entry["_flow"]["whole"]) == ([103], 3, True)
    assert [row["name"] for row in entry["response"]["headers"]] == ["content-type", "transfer-encoding"]
