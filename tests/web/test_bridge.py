"""Tests of the bridge between the server and a WSGI application (PEP 3333)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mockserver.web.bridge import HttpAnswer, call
from mockserver.web.received import PACE
from tests.rows import each
from tests.server.wire import HEAD, PATIENT, Client, running


class _Parts:
    """A response in parts, of which one raises; it counts how often it is closed."""

    def __init__(self, error: type[Exception], fails_at: int, *, declared: bool) -> None:
        self.error, self.fails_at, self.declared = error, fails_at, declared
        self.closed = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> _Parts:
        start_response("200 OK", [("Content-Length", "2")] if self.declared else [])
        return self

    def __iter__(self) -> Iterator[bytes]:
        for number in range(2):
            if number == self.fails_at:
                raise self.error("a bug")
            yield b"x"

    def close(self) -> None:
        """See PEP 3333."""
        self.closed += 1


class _Unreadable(_Parts):
    """A response that no part can be taken of."""

    def __iter__(self) -> Iterator[bytes]:
        raise self.error("a bug")


class _OfText(_Parts):
    """A response whose parts are no bytes."""

    def __iter__(self) -> Iterator[Any]:
        yield "x"


def _called(app: _Parts) -> HttpAnswer:
    return call(app, {"REQUEST_METHOD": "GET", "SERVER_PROTOCOL": "HTTP/1.1", PACE: None})


@each("error, told", [(RuntimeError, 500), (ConnectionResetError, 200)])
@each("declared, fails_at", [(True, 0), (True, 1), (False, 0)])
def test_a_response_is_closed_once_when_one_of_its_parts_fails(
    error: type[Exception], told: int, declared: bool, fails_at: int
) -> None:
    app = _Parts(error, fails_at, declared=declared)
    answer = _called(app)
    assert (app.closed, answer.status, answer.reset) == (1, told, told == 200)


@each("kind", [_Unreadable, _OfText])
def test_a_response_without_readable_parts_is_closed(kind: type[_Parts]) -> None:
    app = kind(RuntimeError, 0, declared=True)
    assert (_called(app).status, app.closed) == (500, 1)


def test_a_response_whose_rest_fails_is_closed_by_it() -> None:
    app = _Parts(RuntimeError, 1, declared=False)
    answer = _called(app)
    assert answer.rest is not None and not app.closed
    try:
        next(answer.rest)
    except RuntimeError:
        assert app.closed == 1
    else:
        raise AssertionError


@each("declared", [True, False])
def test_a_complete_response_is_closed_once(declared: bool) -> None:
    app = _Parts(RuntimeError, 9, declared=declared)
    answer = _called(app)
    assert answer.body + b"".join(answer.rest or ()) == b"xx" and app.closed == 1


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.0\r\n", b"GET /" + HEAD], ids=["1.0", "1.1"])
def test_the_parts_of_a_response_are_sent_as_they_are_made(request_line: bytes) -> None:
    """For HTTP/1.0 they were joined: an export of 240 MB was in memory as a whole."""
    arrived, seen = threading.Event(), []

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"first"
        yield b"second"
        seen.append(arrived.wait(10))

    with running(PATIENT, app=app) as server:
        client = Client(server, request_line + b"Connection: close\r\n\r\n")
        received = b""
        while b"second" not in received and (data := client.socket.recv(65_536)):
            received += data
        arrived.set()
        client.read()
    assert seen == [True]
