"""Adapts a WSGI application to ASGI. It receives complete requests and runs in the event loop or in a thread.

An application may have two methods: `plan(received)` decides where and how a request is answered without WSGI, and
`refuse_unread(method, refusal)` answers requests that the server could not read.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import math
import queue
import threading
import traceback
from collections.abc import Awaitable, Callable, Generator, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from mockserver.errors import ApiError
from mockserver.runtime import monotonic
from mockserver.server import Certificate, Limits, Refuse, Server, make_server, refuse
from mockserver.web.received import PACE, Environ, Pieces, Received, environ_of, received

log = logging.getLogger("mockserver.server")
THREADS = 16
"""Threads for requests that may block. More requests wait."""

BUSY_THREADS = 2
"""Threads for requests that only compute. More would not be faster, but would delay the event loop (GIL)."""

PAGE_THREADS = 2
"""Threads for pages, which compute for long, too, but are no reason to delay requests of clients."""

TURN_TAKING_THREADS = 2
"""Threads for writes, which take turns at the disk: while one waits for it, the next one is prepared."""

_PIECE = 262_144
_PIECES_PER_SECOND = 10
_ROUND_SECONDS, _SHORT_SECONDS = 0.025, 0.005
"""Time that responses may take in the event loop before it serves connections. Shorter requests are not measured."""

_Jobs: TypeAlias = "queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None]"
Job: TypeAlias = "Callable[[], HttpAnswer]"
Plan: TypeAlias = "Callable[[Received], tuple[Turn, Job] | None]"
Application: TypeAlias = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Turn(Enum):
    """Where a request is answered."""

    NOW = "in the event loop, before all others"
    SOON = "in the event loop"
    BUSY = "in one of a few threads: it takes long but does not block"
    PAGE = "in one of a few others: it shows what was recorded, and does not block"
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
    missing: int | None = None
    """Bytes that the body is shorter than its Content-Length; None until it is framed."""

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
        rest = _closing(parts)
        answer.body += next(rest, b"")
        if any(name.lower() == "content-length" for name, _ in answer.headers):
            answer.body += b"".join(rest)
        else:
            answer.rest = rest
    except ConnectionError:  # raised by an application to reset the connection
        answer.reset = True
    except Exception as error:  # its text may quote the request
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("the application failed in %s\n%s%s", environ["REQUEST_METHOD"], where, type(error).__name__)
        result = refuse(environ["REQUEST_METHOD"], ApiError("internal"))
        return HttpAnswer(result.status, [("content-type", "application/json")], result.encoded)
    return answer


class Bridge:
    """Runs a WSGI application as an ASGI application, with its own threads."""

    def __init__(self, app: Application, threads: int = THREADS) -> None:
        self._app = app
        self._plan: Plan = getattr(app, "plan", lambda received: None)
        self._spent, self._ends_round = 0.0, False
        """Seconds spent on responses in this iteration of the event loop, and at most `_SHORT_SECONDS` before."""
        few = {Turn.BUSY: BUSY_THREADS, Turn.PAGE: PAGE_THREADS, Turn.TURN_TAKING: TURN_TAKING_THREADS}
        self._threads = {Turn.THREAD: threads, **few}
        self._jobs: dict[Turn, _Jobs] = {turn: queue.SimpleQueue() for turn in self._threads}

    def at_once(self, connection: Any) -> bool:
        """Answer a complete request in the event loop if it need not wait; returns whether it was answered.

        Otherwise `__call__` sends the response, which a thread may still be computing.
        """
        scope = connection.answered.scope
        try:
            turn, job = self._planned(received(scope, connection.received_body()))
            if turn in self._jobs or (turn is Turn.SOON and self._spent > _ROUND_SECONDS):
                scope["state"]["answer"] = self._later(turn, job)
                return False
            answer = self._in_loop(job)
            if connection.flow.write_paused or answer.pace is not _AT_ONCE or not self._respond(answer, connection):
                scope["state"]["answer"] = _known(answer)
                return False
        except Exception as error:
            _fail(connection, error)
        return True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or handle the start and stop of the server (ASGI lifespan)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        try:
            await self._serve(scope, receive, send)
        except asyncio.CancelledError:
            pass  # the grace period of a stop has passed
        except Exception as error:
            _fail(scope["state"]["connection"], error)

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        state = scope["state"]
        if "answer" not in state:
            body = await _body(receive, state["max_body"])
            if body is None:
                return
            state["answer"] = self._later(*self._planned(received(scope, body)))
        await self._send(await state.pop("answer"), state["connection"], send)

    def _planned(self, request: Received) -> tuple[Turn, Job]:
        return self._plan(request) or (Turn.THREAD, functools.partial(call, self._app, environ_of(request)))

    def _later(self, turn: Turn, job: Job) -> Awaitable[HttpAnswer]:
        return _in_thread(job, self._jobs[turn]) if turn in self._jobs else self._in_turn(job)

    async def _in_turn(self, job: Job) -> HttpAnswer:
        while self._spent > _ROUND_SECONDS:  # however many requests wait
            await asyncio.sleep(0)
        return self._in_loop(job)

    async def _send(self, answer: HttpAnswer, connection: Any, send: Any) -> None:
        pace = answer.pace
        if pace.hung_up is not None:
            connection.watch(pace.hung_up)
        if pace.delay_seconds:
            connection.hold(len(answer.body))
            if not await _wait(pace.delay_seconds, connection):
                return
        if answer.reset:
            connection.cut(reset=True)
            return
        if connection.flow.write_paused:
            await connection.flow.drain()
        if self._respond(answer, connection):
            return
        head = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        if len(answer.body) > _PIECE:
            connection.hold(len(answer.body))
        await _send_body(answer.body, pace, bool(answer.missing or answer.rest), connection, send)
        connection.watch(None)
        if answer.rest:
            await self._send_rest(answer.rest, connection, send)
        elif answer.missing:
            connection.cut()

    def _respond(self, answer: HttpAnswer, connection: Any) -> bool:
        """Frame a response, and send it if it is small, complete and not slowed; returns whether it was sent."""
        if answer.reset:
            return False
        if answer.missing is None:
            answer.missing = _frame(answer, connection)
        if answer.missing or answer.rest or answer.pace.bytes_per_second or len(answer.body) > _PIECE:
            return False
        connection.respond(answer.status, answer.headers, answer.body)
        connection.watch(None)
        return True

    async def _send_rest(self, rest: Generator[bytes], connection: Any, send: Any) -> None:
        """Send the parts of a body as the application yields them."""
        try:
            while not connection.raw.is_closing():
                part = await _in_thread(lambda: next(rest, None), self._jobs[Turn.THREAD])
                if part is None:
                    connection.answered.expected_content_length = 0
                await send({"type": "http.response.body", "body": part or b"", "more_body": part is not None})
                if part is None:
                    return
            connection.cut()  # otherwise uvicorn logs an error where a client left
        except Exception as error:
            log.error("a response failed after its beginning: %s", type(error).__name__)
            connection.cut(reset=True)
        finally:
            _in_thread(rest.close, self._jobs[Turn.THREAD])  # it may wait for a database

    async def _live(self, receive: Any, send: Any) -> None:
        """Run the threads while the server runs. They are daemons, so that they do not delay the end of the process."""
        await receive()
        threads = [jobs for turn, jobs in self._jobs.items() for _ in range(self._threads[turn])]
        for number, jobs in enumerate(threads):
            threading.Thread(target=_work, args=(jobs,), name=f"mockserver-{number}", daemon=True).start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for jobs in threads:
            jobs.put(None)
        await send({"type": "lifespan.shutdown.complete"})

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


def _fail(connection: Any, error: Exception) -> None:
    """Reset a connection after an unexpected error, whose text may quote the request: uvicorn would log it."""
    log.error("a response failed: %s", type(error).__name__)
    connection.cut(reset=True)


async def _known(answer: HttpAnswer) -> HttpAnswer:
    return answer


async def _body(receive: Any, max_whole: int) -> bytes | Pieces | None:
    """Wait for the rest of a request; returns its body, or None if the client disconnects."""
    pieces: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message["body"])
        more = message["more_body"]
    return b"".join(pieces) if sum(map(len, pieces)) <= max_whole else Pieces(pieces)


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


async def _wait(seconds: float, connection: Any) -> bool:
    """Wait until the time is over or the server stops. If the client disconnects, return False to free its response."""
    until, cycle = monotonic() + seconds, connection.answered
    while not (cycle.disconnected or connection.is_stopping) and (left := until - monotonic()) > 0:
        cycle.message_event.clear()
        waiting = asyncio.ensure_future(cycle.message_event.wait())
        await asyncio.wait([waiting], timeout=left)  # `wait_for` needs a task, which a request begins without
        waiting.cancel()
    return not cycle.disconnected


async def _send_body(body: bytes, pace: Pace, more: bool, connection: Any, send: Any) -> None:
    """Send a body in pieces, as long as the client is connected."""
    piece, left = _PIECE, memoryview(body)
    if pace.bytes_per_second:
        await send({"type": "http.response.body", "more_body": True})  # sends the head at once
        piece = max(1, pace.bytes_per_second // _PIECES_PER_SECOND)
    while len(left) > piece and not connection.raw.is_closing():
        await send({"type": "http.response.body", "body": left[:piece], "more_body": True})
        left = left[piece:]
        await asyncio.sleep(piece / pace.bytes_per_second if pace.bytes_per_second else 0)  # lets other tasks run
    await send({"type": "http.response.body", "body": left, "more_body": more})


def _frame(answer: HttpAnswer, connection: Any) -> int:
    """Add what frames the response; returns how many bytes the body is shorter than its Content-Length."""
    cycle, sent = connection.answered, {name.lower(): value for name, value in answer.headers}
    if answer.rest and cycle.scope["http_version"] == "1.0":  # without chunks: the connection ends with the body
        cycle.keep_alive, cycle.chunked_encoding, cycle.expected_content_length = False, False, math.inf
    if "connection" in sent:
        cycle.keep_alive = False
    elif not cycle.keep_alive or cycle.scope["http_version"] == "1.0":
        answer.headers.append(("connection", "keep-alive" if cycle.keep_alive else "close"))
    if answer.status < 200 or answer.status in (204, 304):
        answer.body = b""
        return 0
    named = sent.get("content-length")
    if named is None and answer.rest is None and (answer.body or cycle.scope["method"] != "HEAD"):
        answer.headers.append(("content-length", str(len(answer.body))))
    if named is None or cycle.scope["method"] == "HEAD":
        return 0
    answer.body = answer.body[: int(named)]
    return int(named) - len(answer.body)


def _closing(parts: Iterable[bytes]) -> Generator[bytes]:
    """Yield the parts, and close them as WSGI requires, also after an error. Only a started generator closes them."""
    try:
        yield from parts
    finally:
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
