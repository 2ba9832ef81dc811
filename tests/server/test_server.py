"""Tests of the HTTP server on raw bytes: refusals, requests passed to the application, responses.

Statuses are those of RFC 9110 and 9112; that a refusal has the service's JSON shape is our own choice.
"""

import dataclasses
import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mockserver.server import Server
from mockserver.web.received import Received
from tests.rows import each
from tests.server.wire import (
    CLOSE,
    HEAD,
    NEXT,
    PATIENT,
    REFUSED,
    SHORT,
    AtOnce,
    Client,
    app,
    ask,
    chunked,
    post,
    running,
)


@pytest.fixture(scope="module", params=["in-threads", "in-the-loop", "beside-another-client"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The server. With several clients, responses are not written at once, and still before all that follows them."""
    limits = dataclasses.replace(SHORT, idle_seconds=PATIENT.idle_seconds)
    with running(limits, app=app if request.param == "in-threads" else AtOnce()) as server:
        other = Client(server) if request.param == "beside-another-client" else None
        yield server
        if other is not None:
            other.send(b"GET /" + HEAD + CLOSE)
            assert other.answers()[0][0] == 200, "it was there all the time"


@each("case", REFUSED)
def test_what_cannot_be_trusted_is_refused_once_and_ends_the_connection(server: Server, case: str) -> None:
    sent, status = REFUSED[case]
    [(answered, body)] = Client(server, sent).answers()
    assert answered == status
    refusal = json.loads(body)
    assert refusal.get("status", answered) == answered and b"smuggled" not in body


def test_what_is_refused_comes_after_the_answers_to_what_was_sent_before(server: Server) -> None:
    sent = b"GET /first" + HEAD + b"\r\n" + post(b"Content-Length: +5", body=NEXT)
    assert [status for status, _ in Client(server, sent).answers()] == [200, 400]


UNDERSTOOD: dict[str, tuple[bytes, dict[str, Any]]] = {
    "body-by-length": (post(b"Content-Length: 5", b"Connection: close", body=b"hello"), {"length": 5}),
    "body-in-chunks": (
        post(b"Transfer-Encoding: chunked", b"Connection: close", body=b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nA: b\r\n\r\n"),
        {"length": 5},
    ),
    "http-1.0": (b"GET /old HTTP/1.0\r\n\r\n", {"PATH_INFO": "/old", "SERVER_PROTOCOL": "HTTP/1.0"}),
    "no-host-in-http-1.0": (b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", {"PATH_INFO": "/", "length": 5}),
    "empty-host": (b"GET / HTTP/1.1\r\nHost:\r\n" + CLOSE, {"PATH_INFO": "/"}),
    "absolute-form": (
        b"GET http://platform.adobe.io/connections?a=b" + HEAD + CLOSE,
        {"PATH_INFO": "/connections", "QUERY_STRING": "a=b"},
    ),
    "escaped-path": (
        b"GET /a%20%C3%A9%2Fb?c=%20" + HEAD + CLOSE,
        {"PATH_INFO": "/a \xc3\xa9/b", "QUERY_STRING": "c=%20"},
    ),
    "tenant-twice": (
        b"GET /" + HEAD + b"x-sandbox-name: a\r\nX-Sandbox-Name: b\r\n" + CLOSE,
        {"HTTP_X_SANDBOX_NAME": "a, b"},
    ),
    "if-match-twice": (b"GET /" + HEAD + b'If-Match: "a"\r\nIf-Match: "b"\r\n' + CLOSE, {"HTTP_IF_MATCH": '"a", "b"'}),
    "underscore-is-no-hyphen": (
        b"GET /" + HEAD + b"x_sandbox_name: b\r\nx-sandbox-name: a\r\n" + CLOSE,
        {"HTTP_X_SANDBOX_NAME": "a"},
    ),
    "content-encoding-is-the-applications-business": (
        post(b"Content-Encoding: gzip", b"Content-Length: 2", b"Connection: close", body=b"hi"),
        {"HTTP_CONTENT_ENCODING": "gzip", "length": 2},
    ),
}
"""Sent bytes, and what the application must receive."""


@each(
    "sent, says",
    [
        (REFUSED["http-2-preface"][0], b"The request is in HTTP/2. This server speaks HTTP/1.1 and 1.0."),
        (b"GET /connections?property=name==My Flow HTTP/1.1\r\nHost: x\r\n\r\n", b"must be sent as %20"),
        (b"\x16\x03\x01\x02\x00\x01\x00", b"Call this server by http://"),
        (REFUSED["garbage"][0], b"The request cannot be read"),
    ],
)
def test_what_is_no_request_is_told_in_words(server: Server, sent: bytes, says: bytes) -> None:
    assert says in Client(server, sent).read()


@each("case", UNDERSTOOD)
def test_what_is_allowed_reaches_the_application_as_it_was_meant(server: Server, case: str) -> None:
    sent, expected = UNDERSTOOD[case]
    seen = ask(server, sent)
    assert {name: seen.get(name) for name in expected} == expected


def test_a_request_that_comes_byte_by_byte_is_one_request(server: Server) -> None:
    client = Client(server)
    for byte in post(b"Content-Length: 5", b"Connection: close", body=b"hello"):
        client.send(bytes((byte,)))
    [(status, body)] = client.answers()
    assert (status, json.loads(body)["length"]) == (200, 5)


def test_pipelined_requests_are_answered_in_their_order(server: Server) -> None:
    paths = [f"/{number}" for number in range(40)]
    sent = b"".join(b"GET " + path.encode() + HEAD + b"\r\n" for path in paths[:-1])
    answers = Client(server, sent + b"GET /39" + HEAD + CLOSE).answers()
    assert [json.loads(body)["PATH_INFO"] for _, body in answers] == paths


def test_a_client_that_has_finished_sending_gets_every_answer(server: Server) -> None:
    client = Client(server, (b"GET /" + HEAD + b"\r\n") * 20)
    client.socket.shutdown(socket.SHUT_WR)
    assert len(client.answers()) == 20


def test_what_follows_a_last_request_is_not_answered(server: Server) -> None:
    assert len(Client(server, b"GET /" + HEAD + CLOSE + NEXT).answers()) == 1


def test_head_gets_the_head_of_the_answer_only(server: Server) -> None:
    head, _, body = Client(server, b"HEAD /" + HEAD + CLOSE).read().partition(b"\r\n\r\n")
    assert b"200 OK" in head and not body


def test_an_http_1_0_client_may_keep_its_connection(server: Server) -> None:
    line = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    stream = Client(server, line + b"GET / HTTP/1.0\r\n\r\n").read()
    assert stream.count(b"200 OK") == 2 and b"keep-alive" in stream.lower()


def test_a_client_that_waits_for_100_continue_gets_it(server: Server) -> None:
    client = Client(server, post(b"Expect: 100-continue", b"Content-Length: 5", b"Connection: close"))
    assert client.socket.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"hello")
    assert [status for status, _ in client.answers()] == [200]


def test_an_offer_of_h2c_is_declined_and_the_body_still_read(server: Server) -> None:
    # java.net.http offers it with the first request of every connection
    offer = (
        b"Connection: Upgrade, HTTP2-Settings",
        b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABkAAQ",
        b"Content-Length: 5",
    )
    answers = Client(server, post(*offer, body=b"hello") + b"GET /next" + HEAD + CLOSE).answers()
    assert [(status, json.loads(body)["length"]) for status, body in answers] == [(200, 5), (200, 0)]


def test_the_authority_of_an_absolute_form_wins_over_the_field(server: Server) -> None:
    assert ask(server, b"GET http://platform.adobe.io/a" + HEAD + CLOSE)["HTTP_HOST"] == "platform.adobe.io"


def test_a_tunnel_is_refused(server: Server) -> None:
    assert [status for status, _ in Client(server, b"CONNECT example.com:443" + HEAD + b"\r\n").answers()] == [405]


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_over_the_limit_is_answered_while_it_still_comes(server: Server, framing: str) -> None:
    size = SHORT.max_body + 1
    if framing == "length":
        sent = post(b"Content-Length: %d" % size, body=b"a" * size)
    else:
        sent = chunked(b"%x\r\n" % size + b"a" * size + b"\r\n0\r\n\r\n")
    assert [status for status, _ in Client(server, sent + NEXT).answers()] == [413]


def test_a_body_of_exactly_the_limit_is_taken(server: Server) -> None:
    sent = post(b"Content-Length: %d" % SHORT.max_body, b"Connection: close", body=b"a" * SHORT.max_body)
    assert ask(server, sent)["length"] == SHORT.max_body


def test_one_client_at_a_time_may_send_a_larger_body_where_one_is_expected() -> None:
    size = 2 * SHORT.max_body
    sent = post(b"Content-Length: %d" % size, b"Connection: close", body=b"a" * size)
    import_ = sent.replace(b"POST / ", b"POST /state?x ")
    with running(dataclasses.replace(SHORT, larger_bodies={"/state": size})) as server:
        assert [status for status, _ in Client(server, sent).answers()] == [413]
        head, _, body = import_.partition(b"\r\n\r\n")
        head = head.replace(b"\r\nConnection: close", b"")  # it stays open and delays nobody
        first = Client(server, head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert first.socket.recv(25).startswith(b"HTTP/1.1 100 ")
        assert [status for status, _ in Client(server, import_).answers()] == [413]
        first.send(body)
        assert first.socket.recv(15) == b"HTTP/1.1 200 OK"
        assert ask(server, import_)["length"] == size


def test_a_body_that_ends_early_stores_nothing(server: Server) -> None:
    client = Client(server, post(b"Content-Length: 10", body=b"hello"))
    client.socket.shutdown(socket.SHUT_WR)
    assert client.answers() == []


def _stream(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield from (b"one ", b"", b"two")


def _short(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Length", "10")])
    yield b"half"


def _reset(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Length", "10")])
    yield b"half"
    raise ConnectionResetError


def _long(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "4")])
    return [b"more than four"]


def _longer(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Length", "4")])
    yield from (b"four", b"more")


def _nothing(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [])
    yield from ()


def _fails_late(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [])
    yield b"half"
    try:
        raise RuntimeError("a bug")
    except RuntimeError:
        start_response("500 Internal Server Error", [], sys.exc_info())


def _empty(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("204 No Content", [])
    return []


def _fails(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    raise RuntimeError("a bug")


def _injects(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("X-A", "b\r\nX-C: d"), ("Content-Length", "0")])
    return [b""]


ANSWERS: dict[str, tuple[Callable[..., Any], bytes, bytes]] = {
    "stream-in-chunks": (_stream, b"200 OK", b"4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"),
    "body-shorter-than-promised": (_short, b"200 OK", b"half"),
    "body-longer-than-promised": (_long, b"200 OK", b"more"),
    "parts-beyond-what-was-promised": (_longer, b"200 OK", b"four"),
    "nothing": (_nothing, b"200 OK", b"0\r\n\r\n"),
    "no-content": (_empty, b"204 No Content", b""),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_is_framed_as_the_application_made_it(case: str) -> None:
    application, status, expected = ANSWERS[case]
    with running(app=application) as server:
        head, _, body = Client(server, b"GET /" + HEAD + CLOSE).read().partition(b"\r\n\r\n")
    assert status in head and body == expected


def test_an_answer_of_unknown_length_is_whole_for_an_old_client() -> None:
    with running(app=_stream) as server:
        stream = Client(server, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + NEXT).read()
    head, _, body = stream.partition(b"\r\n\r\n")
    assert b"connection: close" in head and body == b"one two"  # the end of the connection tells where it ends
    assert b"content-length" not in head and b"transfer-encoding" not in head


def test_an_application_can_end_the_connection_with_its_answer() -> None:
    def last(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Connection", "close")])
        return [b"bye"]

    with running(app=last) as server:
        answers = Client(server, b"GET /" + HEAD + b"\r\n" + NEXT).answers()
    assert answers == [(200, b"bye")]


def test_an_answer_that_fails_after_its_beginning_is_cut() -> None:
    with running(app=_fails_late) as server:
        received = Client(server, b"GET /" + HEAD + b"\r\n").read()
    assert not received.endswith(b"0\r\n\r\n") and b"a bug" not in received and b"500" not in received


def test_a_request_about_the_server_as_a_whole_has_no_path(server: Server) -> None:
    assert ask(server, b"OPTIONS *" + HEAD + CLOSE)["PATH_INFO"] == "*"


@pytest.mark.parametrize("application", [_fails, _injects], ids=["raises", "puts-a-line-break-in-a-header"])
def test_an_application_that_fails_costs_one_answer_in_the_services_shape(application: Callable[..., Any]) -> None:
    with running(app=application) as server:
        [(status, body)] = Client(server, b"GET /" + HEAD + b"\r\n").answers()
    assert status == 500 and json.loads(body)["type"].endswith("1400-500") and b"a bug" not in body


def test_a_plan_that_fails_costs_its_connection_and_its_error_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Failing:
        __call__ = staticmethod(app)

        def plan(self, received: Received) -> None:
            if received.path == b"/fails":
                raise RuntimeError(received.headers["authorization"])

    with running(app=Failing()) as server:
        assert Client(server, b"GET /fails" + HEAD + b"Authorization: c4n4ry\r\n\r\n").read() == b""
        assert ask(server, b"GET /" + HEAD + CLOSE)["PATH_INFO"] == "/"
    assert "RuntimeError" in caplog.text and "c4n4ry" not in caplog.text


def test_an_application_can_break_the_connection() -> None:
    with running(app=_reset) as server:
        client = Client(server, b"GET /" + HEAD + b"\r\n")
        with pytest.raises(ConnectionResetError):
            while client.socket.recv(100):
                pass


@each("version", ["1.0", "1.1"])
def test_the_length_of_a_body_that_was_not_made_is_not_told(version: str) -> None:
    """RFC 9110 §8.6: the Content-Length of a HEAD response is that of the GET, or missing."""
    with running(app=_nothing) as server:
        sent = f"HEAD / HTTP/{version}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        head = Client(server, sent.encode()).read()
    assert head.startswith(b"HTTP/1.1 200 OK") and b"content-length" not in head


class _Streamed:
    """A response in parts. The client leaves before the part with the number `left_before`."""

    def __init__(self, left_before: int) -> None:
        self.left_before = left_before
        self.reached, self.left, self.closed = threading.Event(), threading.Event(), threading.Event()
        self.closed_in = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> "_Streamed":
        start_response("200 OK", [])
        return self

    def __iter__(self) -> Iterator[bytes]:
        for number in range(3):
            if number == self.left_before:
                self.reached.set()
                self.left.wait(30)
            yield b"x" * 100_000

    def close(self) -> None:
        """See PEP 3333."""
        self.closed_in = threading.current_thread().name
        self.closed.set()


@pytest.mark.parametrize("left_before", [0, 1])
def test_a_response_in_parts_is_closed_in_a_thread_when_its_client_has_left(
    left_before: int, caplog: pytest.LogCaptureFixture
) -> None:
    streamed = _Streamed(left_before)
    with running(PATIENT, app=streamed, threads=1) as server:
        client = Client(server, (b"GET /" + HEAD + b"\r\n") * 2)  # the second one waits, so that nothing more is read
        assert streamed.reached.wait(30)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()
        streamed.left.set()
        assert streamed.closed.wait(30)
    assert streamed.closed_in == "mockserver-0" and not caplog.records
