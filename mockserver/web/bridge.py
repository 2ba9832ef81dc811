"""Serves a WSGI application. It receives complete requests and runs in the event loop or in a thread.

An application may have two methods: `plan(received)` decides where and how a request is answered without WSGI, and
`refuse_unread(method, refusal)` answers requests that the server could not read.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import queue
import threading
import traceback
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from mockserver.errors import ApiError
from mockserver.runtime import monotonic
from mockserver.server import Certificate, ClientConnection, HttpRequest, Limits, Refuse, Server, make_server, refuse
from mockserver.web.received import PACE, Environ, Received, environ_of, received

log = logging.getLogger("mockserver.server")
THREADS = 16
"""Threads for requests that may block. More requests wait."""

BUSY_THREADS = 2
"""Threads for requests that only compute. More would not be faster, but would delay the event loop (GIL)."""

TURN_TAKING_THREADS = 2
"""Threads for writes, which are carried out one by one: while one waits for the disk, another is computed."""

_PIECE = 262_144
_PIECES_PER_SECOND = 10
_ROUND_SECONDS, _SHORT_SECONDS = 0.025, 0.005
"""Time that responses may take in the event loop before it serves connections; time below which none is measured."""

_Jobs: TypeAlias = "queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None]"
Job: TypeAlias = "Callable[[], HttpAnswer]"
Plan: TypeAlias = "Callable[[Received], tuple[Turn, Job] | None]"
Application: TypeAlias = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Turn(Enum):
    """Where a request is answered."""

    NOW = "in the event loop, before all others"
    SOON = "in the event loop"
    BUSY = "in one of a few threads: it takes long but does not block"
    TURN_TAKING = "in one of a few others: it waits for a disk that serves one at a time"
    THREAD = "in a thread"


@dataclass(frozen=True, slots=True)
class Pace:
    """How to send a response: after `delay_seconds`, with at most `bytes_per_second`."""

    delay_seconds: float = 0
    bytes_per_second: int | None = None
    hung_up: Callable[[], None] | None = None
    """Called if the client disconnects before everything is sent."""


_AT_ONCE = Pace()


@dataclass(slots=True)
class HttpAnswer:
    """The response of an application."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    pace: Pace = _AT_ONCE
    rest: Generator[bytes] | None = None
    """The parts after `body` if the application sent no Content-Length."""
    reset: bool = False
    """Whether to reset the connection."""

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        """The `start_response` of PEP 3333."""
        if exc_info and self.rest is not None:
            raise exc_info[1]
        self.status = int(status[:3])
        self.headers = headers
        text = "".join([value for _, value in headers])
        if "\n" in text or "\r" in text:
            raise ValueError("a header of the response holds a line break")
        return self._add

    def _add(self, part: bytes) -> None:
        self.body += part


def call(app: Application, environ: Environ) -> HttpAnswer:
    """Call the application. Never raises."""
    answer = HttpAnswer()
    try:
        parts = app(environ, answer.start)
        answer.pace = environ[PACE] or _AT_ONCE
        if isinstance(parts, list | tuple):
            answer.body += b"".join(parts)
            return answer
        rest = iter(parts)
        answer.body += next(rest, b"")
        if (
            any(name.lower() == "content-length" for name, _ in answer.headers)
            or environ["SERVER_PROTOCOL"] == "HTTP/1.0"
        ):
            answer.body += b"".join(rest)
            _close(parts)
        else:
            answer.rest = _closing(rest, parts)
    except ConnectionError:  # raised by an application to reset the connection
        answer.reset = True
    except Exception as error:  # its text may quote the request
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("the application failed in %s\n%s%s", environ["REQUEST_METHOD"], where, type(error).__name__)
        result = refuse(environ["REQUEST_METHOD"], ApiError("internal"))
        return HttpAnswer(result.status, [("content-type", "application/json")], result.encoded)
    return answer


class Bridge:
    """Answers requests by a WSGI application, with its own threads."""

    def __init__(self, app: Application, threads: int = THREADS) -> None:
        self._app = app
        self._plan: Plan = getattr(app, "plan", lambda received: None)
        self._spent, self._ends_round = 0.0, False
        """Seconds spent on responses in this iteration of the event loop, and at most `_SHORT_SECONDS` before."""
        self._threads = {Turn.THREAD: threads, Turn.BUSY: BUSY_THREADS, Turn.TURN_TAKING: TURN_TAKING_THREADS}
        self._jobs: dict[Turn, _Jobs] = {turn: queue.SimpleQueue() for turn in self._threads}

    def open(self) -> None:
        """Start the threads. They are daemons, so that they do not delay the end of the process."""
        jobs = [jobs for turn, jobs in self._jobs.items() for _ in range(self._threads[turn])]
        for number, queued in enumerate(jobs):
            threading.Thread(target=_work, args=(queued,), name=f"mockserver-{number}", daemon=True).start()

    def close(self) -> None:
        """End the threads."""
        for turn, jobs in self._jobs.items():
            for _ in range(self._threads[turn]):
                jobs.put(None)

    def __call__(self, connection: ClientConnection, request: HttpRequest) -> None:
        """Answer a request, at once or when a thread has computed the response."""
        asked = received(request)
        turn, job = self._plan(asked) or (Turn.THREAD, functools.partial(call, self._app, environ_of(asked)))
        if turn in self._jobs:
            connection.spawn(self._deliver_from(_in_thread(job, self._jobs[turn]), connection))
        elif turn is Turn.SOON and self._spent > _ROUND_SECONDS:
            connection.spawn(self._deliver_from(self._in_turn(job), connection))
        else:
            self._deliver(self._in_loop(job), connection)

    async def _deliver_from(self, answer: Awaitable[HttpAnswer], connection: ClientConnection) -> None:
        self._deliver(await answer, connection)

    async def _in_turn(self, job: Job) -> HttpAnswer:
        while self._spent > _ROUND_SECONDS:  # however many requests wait
            await asyncio.sleep(0)
        return self._in_loop(job)

    def _deliver(self, answer: HttpAnswer, connection: ClientConnection) -> None:
        """Send a response, at once if it is small and neither delayed nor broken by a fault."""
        if connection.answered is None:
            return
        if answer.pace is _AT_ONCE and not answer.reset:
            self._send(answer, connection)
        else:
            connection.spawn(self._send_later(answer, connection))

    async def _send_later(self, answer: HttpAnswer, connection: ClientConnection) -> None:
        pace = answer.pace
        if pace.hung_up is not None:
            connection.watch(pace.hung_up)
        if pace.delay_seconds:
            connection.hold(len(answer.body))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(connection.gone.wait(), pace.delay_seconds)
        if connection.answered is None:
            return  # else the response would stay in memory
        if answer.reset:
            connection.cut(reset=True)
        else:
            self._send(answer, connection)

    def _send(self, answer: HttpAnswer, connection: ClientConnection) -> None:
        missing = _frame(answer, connection)
        whole = not (missing or answer.rest or answer.pace.bytes_per_second) and len(answer.body) <= _PIECE
        if whole and connection.writable.is_set():
            connection.respond(answer.status, answer.headers, answer.body)
        else:
            connection.spawn(self._send_in_pieces(answer, missing, connection))

    async def _send_in_pieces(self, answer: HttpAnswer, missing: int, connection: ClientConnection) -> None:
        assert connection.answered is not None
        has_body = connection.answered.method != "HEAD" and not _is_empty(answer.status)
        if answer.rest and has_body:
            answer.headers.append(("transfer-encoding", "chunked"))
        await connection.writable.wait()
        connection.respond(answer.status, answer.headers, more=True)
        if answer.rest:
            await self._send_rest(answer.body, answer.rest, has_body, connection)
        elif has_body:
            await _send_body(answer.body, answer.pace, connection)
        if missing:
            connection.cut()
        connection.finish()

    async def _send_rest(
        self, part: bytes | None, rest: Generator[bytes], has_body: bool, connection: ClientConnection
    ) -> None:
        """Send the parts of a body as the application yields them."""
        try:
            while part is not None and connection.answered:
                if part and has_body:
                    await connection.send(b"%x\r\n%b\r\n" % (len(part), part))
                part = await _in_thread(lambda: next(rest, None), self._jobs[Turn.THREAD])
        finally:
            _in_thread(rest.close, self._jobs[Turn.THREAD])  # it may wait for a database
        await connection.send(b"0\r\n\r\n" if has_body else b"")

    def _in_loop(self, job: Job) -> HttpAnswer:
        """Answer in the event loop, and measure how long that takes."""
        began = monotonic()
        answer = job()
        self._spent += monotonic() - began
        if self._spent > _SHORT_SECONDS and not self._ends_round:
            self._ends_round = True
            asyncio.get_running_loop().call_soon(self._begin_round)
        return answer

    def _begin_round(self) -> None:
        self._spent, self._ends_round = 0.0, False


def _in_thread(job: Callable[[], Any], jobs: _Jobs) -> asyncio.Future[Any]:
    future = asyncio.get_running_loop().create_future()
    jobs.put((job, future))
    return future


def _work(jobs: _Jobs) -> None:
    while (job := jobs.get()) is not None:
        _finish(*job)
        del job  # a thread that waits for the next one would keep the request and its response


def _finish(function: Callable[[], Any], future: asyncio.Future[Any]) -> None:
    try:
        settle, result = future.set_result, function()
    except Exception as error:
        settle, result = future.set_exception, error
    with contextlib.suppress(RuntimeError):  # the event loop is closed
        future.get_loop().call_soon_threadsafe(_settle, future, settle, result)


def _settle(future: asyncio.Future[Any], settle: Callable[[Any], None], result: Any) -> None:
    if not future.done():  # cancelled by a stop
        settle(result)


async def _send_body(body: bytes, pace: Pace, connection: ClientConnection) -> None:
    """Send a body in pieces, as long as the client is connected."""
    piece, left = _PIECE, memoryview(body)
    if len(body) > _PIECE:
        connection.hold(len(body))
    if pace.bytes_per_second:
        piece = max(1, pace.bytes_per_second // _PIECES_PER_SECOND)
    while len(left) > piece and connection.answered:
        await connection.send(left[:piece])
        left = left[piece:]
        await asyncio.sleep(piece / pace.bytes_per_second if pace.bytes_per_second else 0)  # lets other tasks run
    await connection.send(left)


def _frame(answer: HttpAnswer, connection: ClientConnection) -> int:
    """Add what frames the response; returns how many bytes the body is shorter than its Content-Length."""
    request = connection.answered
    assert request is not None
    sent = {name.lower(): value for name, value in answer.headers}
    if "connection" in sent:
        request.keep_alive = False
    elif not request.keep_alive or request.version == "1.0":
        answer.headers.append(("connection", "keep-alive" if request.keep_alive else "close"))
    if _is_empty(answer.status):
        answer.body = b""
        return 0
    named = sent.get("content-length")
    if named is None and answer.rest is None:
        answer.headers.append(("content-length", str(len(answer.body))))
    if named is None or request.method == "HEAD":
        return 0
    answer.body = answer.body[: int(named)]
    return int(named) - len(answer.body)


def _is_empty(status: int) -> bool:
    """Whether responses of this status have no body (RFC 9110 §6.4.1)."""
    return status < 200 or status in (204, 304)


def _closing(parts: Iterator[bytes], owner: Any) -> Generator[bytes]:
    """Yield the parts, then close their owner as WSGI requires."""
    try:
        yield from parts
    finally:
        _close(owner)


def _close(parts: Any) -> None:
    if hasattr(parts, "close"):
        parts.close()


def wsgi_server(
    app: Application,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    limits: Limits | None = None,
    certificate: Certificate | None = None,
    threads: int = THREADS,
) -> Server:
    """Create a listening server for a WSGI application. Raises OSError, whose message can be shown to users."""
    refused: Refuse = getattr(app, "refuse_unread", refuse)
    bridge = Bridge(app, threads)
    return make_server(bridge, host=host, port=port, limits=limits, certificate=certificate, refused=refused)
