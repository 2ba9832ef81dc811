"""A client's connection and the one to the service behind it. Messages are read from the bytes that pass."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from mockserver.intercept.messages import Kept, RelayedRequest, RelayedResponse, Unreadable
from mockserver.intercept.routes import NotForwarded, Routes, Upstream
from mockserver.intercept.streams import PIECE, ByteStream
from mockserver.json_input import dumps
from mockserver.runtime import Clock

_LINGER_SECONDS = 2.0
"""Time a client may go on sending after the connection to the service has ended."""
_clock = Clock()


@dataclass
class RelayedExchange:
    """A request and its response, as far as they were received."""

    request: RelayedRequest
    began_ms: int = field(default_factory=_clock.now_ms)
    response: RelayedResponse | None = None
    ended_ms: int = 0


class Conversation:
    """The exchanges of one client."""

    def __init__(
        self,
        client: ByteStream,
        routes: Routes,
        connect: Callable[[Upstream], Awaitable[ByteStream]],
        seen: Callable[[RelayedExchange], None],
        kept: Kept,
    ) -> None:
        """`connect` raises OSError. `seen` is called for each exchange once its response is read or cannot come."""
        self._client, self._routes, self._connect, self._seen = client, routes, connect, seen
        self._kept = kept
        self._unread = b""
        """Received bytes of the next request."""
        self._service: tuple[Upstream, ByteStream] | None = None
        self._responses: asyncio.Task[None] | None = None
        self._waiting: deque[RelayedExchange] = deque()
        """Those without a complete response."""
        self._answered = asyncio.Event()
        """Whether none is waiting."""
        self._answered.set()
        self._is_readable = True
        self._switched: ByteStream | None = None
        """The service, once both sides speak another protocol."""
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Whether, or with which error, the service has ended the connection."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Pass bytes on until either side ends. A reset of one side resets the other."""
        try:
            await _first(self._serve(), self._until_closed(), self._until_stopped(stopping))
        except (OSError, asyncio.CancelledError):
            for stream in (self._client, self._service[1] if self._service else None):
                if stream:
                    stream.reset()
            raise
        finally:
            self._disconnect()
            self._give_up()

    async def _serve(self) -> None:
        try:
            while await self._pass_request():
                pass
        except NotForwarded as refused:
            await self._answer(refused)
        if self._service:
            self._service[1].end()
        await self._answered.wait()

    async def _until_stopped(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        await self._answered.wait()

    async def _until_closed(self) -> None:
        await asyncio.shield(self._closed)
        if self._client.end():  # closing at once could reset the connection before the client has read
            await asyncio.sleep(_LINGER_SECONDS)

    async def _pass_request(self) -> bool:
        """Pass on a request. False if the client has finished. Raises NotForwarded."""
        request, received = RelayedRequest(self._kept), b""
        while not request.method:
            data, self._unread = self._unread or await self._client.reader.read(PIECE), b""
            if not data:
                return False
            if self._switched:
                await self._send(self._switched, data)
                continue
            received += data
            try:
                self._unread = request.read(data)
            except Unreadable as error:
                if not request.method:
                    raise NotForwarded(400, str(error)) from None
        try:
            place, head = self._routes.lead(request)
        except NotForwarded:
            request.forget()
            raise
        service = await self._reach(place, RelayedExchange(request))
        await self._send(service, head + received[len(request.head) : len(received) - len(self._unread)])
        return await self._pass_body(request, service)

    async def _pass_body(self, request: RelayedRequest, service: ByteStream) -> bool:
        while not request.is_complete:
            data = await self._client.reader.read(PIECE)
            if not data:
                return False
            with contextlib.suppress(Unreadable):  # the service will say so; what follows is passed on, too
                self._unread = request.read(data)
            await self._send(service, data[: len(data) - len(self._unread)])
        return True

    async def _send(self, service: ByteStream, data: bytes) -> None:
        """Send to the service. If it stops reading, the client gets its response before the connection ends."""
        try:
            await service.send(data)
        except OSError:
            await asyncio.shield(self._closed)
            raise

    async def _reach(self, place: Upstream, exchange: RelayedExchange) -> ByteStream:
        """The connection to an upstream, for an exchange that now waits for it. Raises NotForwarded."""
        if self._service and self._service[0] != place:
            await self._answered.wait()
            self._disconnect()
        self._waiting.append(exchange)
        self._answered.clear()
        if self._service is None:
            try:
                self._service = place, await self._connect(place)
            except OSError as error:
                self._give_up()
                raise NotForwarded(502, f"{place.host} cannot be reached: {_reason(error)}") from None
            self._responses = asyncio.create_task(self._pass_responses(self._service[1]))
        return self._service[1]

    def _disconnect(self) -> None:
        if self._responses:
            self._responses.cancel()
        if self._service:
            self._service[1].writer.close()
        self._service = None

    async def _pass_responses(self, service: ByteStream) -> None:
        try:
            while data := await service.reader.read(PIECE):
                self._read(data)  # first, so that a client that has its response finds it recorded
                await self._client.send(data)
                if not self._waiting:
                    self._answered.set()
            self._read(b"")
            self._give_up()
        except Exception as error:
            self._closed.set_exception(error)
            self._closed.exception()  # known, even if the conversation has just ended for another reason
        else:
            self._closed.set_result(None)

    def _read(self, data: bytes) -> None:
        """Read the responses that the exchanges wait for. Bytes that nobody waits for are only passed on."""
        while self._waiting and self._is_readable:
            exchange = self._waiting[0]
            if exchange.response is None:
                exchange.response = RelayedResponse(exchange.request, self._kept)
            try:
                data = exchange.response.read(data)
            except Unreadable:
                self._is_readable = False
            if not exchange.response.is_complete:
                return
            self._finish(self._waiting.popleft())
            if exchange.response.status == 101 and self._service:
                self._switched = self._service[1]
            if not data:
                return

    def _give_up(self) -> None:
        """Finish the exchanges whose responses will not arrive."""
        while self._waiting:
            self._finish(self._waiting.popleft())
        self._answered.set()

    def _finish(self, exchange: RelayedExchange) -> None:
        exchange.ended_ms = _clock.now_ms()
        self._seen(exchange)
        for message in (exchange.request, exchange.response):
            if message:
                message.forget()

    async def _answer(self, refused: NotForwarded) -> None:
        """Answer in place of the service, and end the connection when the client has read it."""
        body = dumps({"error_code": str(refused.status), "message": f"mockserver record: {refused.reason}"})
        lines = f"HTTP/1.1 {refused.status} Not passed on\r\ncontent-type: application/json\r\n"
        head = f"{lines}content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        await self._answered.wait()
        await self._client.send(head.encode() + body)
        self._client.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while await self._client.reader.read(PIECE):
                    pass


def _reason(error: OSError) -> str:
    return getattr(error, "verify_message", "") or error.strerror or str(error) or type(error).__name__


async def _first(*works: Coroutine[Any, Any, None]) -> None:
    """Wait until one of several has ended, cancel the others, and raise what it raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
