"""A client's connection, with limits of time. Runs in the event loop's thread."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any

from mockserver.runtime import monotonic
from mockserver.server.crowd import Crowd
from mockserver.server.leaving import has_left
from mockserver.server.messages import Fields, HttpRequest, response
from mockserver.server.reading import RequestReader

log = logging.getLogger("mockserver.server")

_LINGER_SECONDS = 2.0
"""Time a refused client may continue sending. Closing at once would reset the connection before it reads."""
_MAX_PIPELINED = 16


class ClientConnection(RequestReader):
    """A client's connection: when its requests are read and answered, and when it ends."""

    raw: Any
    """Its transport, see asyncio. During a handshake of TLS, that below it."""

    def __init__(self, crowd: Crowd) -> None:
        super().__init__(crowd)
        self.answered: HttpRequest | None = None
        """The request that is being answered; None also once the client has gone."""
        self._ending = self._client_done = self._reading = False
        self._write_deadline = math.inf
        """Time by which the client must have read what it left unread."""
        self.writable, self.gone = asyncio.Event(), asyncio.Event()
        """Whether the client has left nothing unread; whether nothing can be sent to it any more."""
        self.writable.set()
        self._on_hang_up: Callable[[], None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: Any) -> None:
        """See asyncio."""
        self.raw = transport
        transport.set_write_buffer_limits(1, 0)  # writing pauses as soon as the client leaves anything unread
        self.scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self.client = (transport.get_extra_info("peername") or ("",))[0]
        self.server = transport.get_extra_info("sockname")[:2]
        self._crowd.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._ignores_input, self._unread, self._part, self.deadline = True, b"", None, math.inf
        self._crowd.clients.discard(self)
        self._leave()
        self._release(0)
        self._report_hang_up()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if not self._ignores_input:
            self._unread += data
            self._read()
            if self._part == "body" and has_left(self.raw, self._declared - self._body_bytes):
                self.raw.abort()

    def eof_received(self) -> bool:
        """See asyncio. A client that has finished sending still receives its responses, except over TLS."""
        self._client_done = True
        self._report_hang_up()
        return self.busy and self._part is None and self.scheme == "http"

    def respond(self, status: int, fields: Fields, body: bytes = b"", *, more: bool = False) -> None:
        """Send a response to the current request. If `more` is to come, `finish` ends it."""
        if self.answered is not None:
            body = b"" if self.answered.method == "HEAD" else body
            self.raw.write(response(status, fields, body, self._crowd.common))
            if not more:
                self.finish()

    async def send(self, data: bytes | memoryview) -> None:
        """Send a part of a response, once the client has read the parts before."""
        await self.writable.wait()
        if self.answered is not None:
            self.raw.write(data)

    def finish(self) -> None:
        """End the current response, which was passed to the transport; the next request can be answered."""
        if self.answered is None:
            return
        keep_alive, self.answered, self._on_hang_up = self.answered.keep_alive, None, None
        self._release(self.raw.get_write_buffer_size())
        if not keep_alive:
            self.close()
        elif self._part is None and not (self._waiting or self._ending):
            self.deadline = monotonic() + self._limits.idle_seconds
        self._read()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what must wait before the current request is answered."""
        task = self._crowd.loop.create_task(self._guarded(work))
        self._tasks.add(task)  # the event loop has weak references only
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Reset the connection after an unexpected error, whose text may quote the request."""
        log.error("a response failed: %s", type(error).__name__)
        self.cut(reset=True)

    def watch(self, on_hang_up: Callable[[], None]) -> None:
        """Set the function to call if the client disconnects or ends its side before the response is complete."""
        self._on_hang_up = on_hang_up
        if self._client_done or self.raw.is_closing():
            self._report_hang_up()

    def _report_hang_up(self) -> None:
        callback, self._on_hang_up = self._on_hang_up, None
        if callback is not None:
            callback()

    def pause_writing(self) -> None:
        """See asyncio."""
        self.writable.clear()
        self.hold(max(self.held, self.raw.get_write_buffer_size()))
        self._write_deadline = monotonic() + self._limits.write_seconds

    def resume_writing(self) -> None:
        """See asyncio."""
        self.writable.set()
        self._write_deadline = math.inf
        if not self.busy:
            self.hold(0)

    def close(self) -> None:
        """Close the connection once everything is sent. A refused client may continue sending for a moment."""
        lingering = self._refused and not self._client_done
        self._ending = self._ignores_input = True
        self._waiting.clear()
        self.deadline = monotonic() + (_LINGER_SECONDS if lingering else self._limits.write_seconds)
        if not (lingering or self.raw.is_closing()):  # closed twice, TLS would forget its connection
            self.raw.close()
        elif lingering and self.raw.can_write_eof():  # TLS cannot end one side only: there the deadline closes it
            with contextlib.suppress(OSError):  # the client has disconnected and asyncio has not noticed yet
                self.raw.write_eof()

    def end(self) -> None:
        """Close the connection after the requests that were received or begun."""
        if self.busy or self._part == "body":
            self._request.keep_alive = False
        else:
            self.close()

    def cut(self, *, reset: bool = False) -> None:
        """Close the connection in the middle of a response, or reset it. A reset discards unread bytes."""
        self._leave()
        if not reset:
            self.close()
            return
        sock = self.raw.get_extra_info("socket")  # TLS has none once its connection is lost
        with contextlib.suppress(OSError):  # already disconnected
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.raw.abort()

    def _leave(self) -> None:
        """Forget all requests: nothing is sent any more."""
        self.answered = None
        self._waiting.clear()
        self.gone.set()
        self.writable.set()

    def expire(self) -> None:
        """Handle a missed deadline: the client was too slow or idle."""
        if self._ending or not self.writable.is_set():
            self.cut(reset=True)
        elif self._part == "head":
            self._refuse("body_timeout", "The head of the request did not arrive in time.")
        elif self._part == "body":
            self._reject_body("too_slow")
        else:
            self.close()
        self._read()

    @property
    def due(self) -> float:
        """Time at which the server calls `expire`."""
        return self.deadline if self.writable.is_set() or self._ending else self._write_deadline

    @property
    def idle(self) -> bool:
        """Whether no request is being received or answered."""
        return not (self.busy or self._part or self._ending)

    @property
    def busy(self) -> bool:
        """Whether a request was received and its response is not complete."""
        return bool(self.answered or self._waiting)

    def _read(self) -> None:
        """Parse received bytes, unless too many requests wait, and answer one request after the other."""
        if self._reading:
            return  # called by a response that was complete at once: the loop below continues
        self._reading = True
        while True:
            if self._waiting and self.answered is None:
                self.answered = self._waiting.popleft()
                self._answer(self.answered)
            elif self._unread and not self._ignores_input and len(self._waiting) < _MAX_PIPELINED:
                self._parse()
            else:
                break
        self._reading = False
        if self._expects_continue and not self.busy:
            self._expects_continue = False
            self.raw.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._waiting or self._unread:
            self.raw.pause_reading()
        else:
            self.raw.resume_reading()
        if (self._refusal or self._client_done) and not (self.busy or self._ending):
            self.raw.write(self._refusal)
            self.close()

    def _answer(self, request: HttpRequest) -> None:
        try:
            self._crowd.app(self, request)
        except Exception as error:
            self.fail(error)

    def _release(self, size: int) -> None:
        if self.held or size:
            self.hold(size)
        if self._crowd.large is self:
            self._crowd.large = None
