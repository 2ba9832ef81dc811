"""The server in pure Python: waitress, with the settings and the strictness that it lacks by default."""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import Any

import waitress.server
from waitress import wasyncore
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask
from waitress.utilities import RequestHeaderFieldsTooLarge

from mockserver.server.limits import BACKLOG, Limits, descriptors, refusal
from mockserver.server.wsgi import Application

_OTHER_DESCRIPTORS = 32
_ACCEPTED_TOGETHER = 64
_TICK_SECONDS = 0.25
_KEYS = {408: "body_timeout", 413: "too_large", 431: "headers_too_large", 500: "internal"}


class WaitressServer:
    """A waitress server on a listening socket, run by a thread of its own."""

    def __init__(self, app: Application, listener: socket.socket, limits: Limits) -> None:
        """Ready to start; connections wait in the listener's queue until then."""
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a queue is normal under load
        self._limits = limits
        self._map: dict[int, Any] = {}
        server: Any = waitress.server.create_server(
            _breakable(app),
            map=self._map,
            sockets=[listener],
            threads=limits.threads,
            ident=None,
            backlog=BACKLOG,
            connection_limit=descriptors() - _OTHER_DESCRIPTORS,
            channel_timeout=int(limits.header_seconds) or 1,
            cleanup_interval=max(1, int(limits.header_seconds / 6)),
            max_request_header_size=limits.header_bytes,
            # waitress has one limit for all paths, and refuses what equals it; the application refuses the rest
            max_request_body_size=max(limits.max_body, *limits.larger_bodies.values(), 0) + 1,
            asyncore_use_poll=True,  # select ends at descriptor 1024
            clear_untrusted_proxy_headers=True,
            expose_tracebacks=False,
        )
        server.channel_class = _Channel
        self._accept_one, server.handle_accept = server.handle_accept, self._accept_several
        server.adj.header_fields = limits.header_fields  # for _Parser
        self._server = server
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="mockserver-waitress", daemon=True)

    def start(self) -> None:
        """See `Server`."""
        self._thread.start()

    def stop(self) -> None:
        """See `Server`."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._server.pull_trigger()
        if self._thread.is_alive():
            self._thread.join()
        else:
            self._close()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            self._poll()
        self._server.accepting = False
        self._server.socket.close()
        self._server.del_channel()
        for channel in self._channels():
            channel.will_close = channel.request is None and not _busy(channel)
        until = time.monotonic() + self._limits.grace_seconds
        while any(map(_busy, self._channels())) and time.monotonic() < until:
            self._poll()
        self._close()

    def _poll(self) -> None:
        wasyncore.loop(timeout=_TICK_SECONDS, map=self._map, count=1, use_poll=True)

    def _accept_several(self) -> None:
        """Waitress accepts one client for each look at all others, too slow for a crowd."""
        for _ in range(_ACCEPTED_TOGETHER):
            before = len(self._map)
            self._accept_one()
            if len(self._map) == before:
                return

    def _channels(self) -> list[Any]:
        return list(self._server.active_channels.values())

    def _close(self) -> None:
        self._server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map)


def _breakable(app: Application) -> Application:
    """The application, whose wish for a broken connection waitress takes for the client's own departure."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return app(environ, start_response)
        except ConnectionError:
            raise ClientDisconnected from None

    return application


def _busy(channel: Any) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)


class _Parser(HTTPRequestParser):
    """Refuses what two readers could understand differently (RFC 9112 §5.1, §5.2, §6.1, §6.3)."""

    adj: Any
    _fields = 0

    def received(self, data: bytes) -> int:
        """See waitress; the number of fields is bounded, too."""
        consumed: int = super().received(data)
        if self.headers_finished and self._fields > self.adj.header_fields:
            self.error = RequestHeaderFieldsTooLarge(f"more than {self.adj.header_fields} fields")
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """See waitress; raises ParsingError."""
        first, *lines = header_plus.rstrip(b"\r\n").split(b"\r\n")
        self._fields = len(lines)
        if any(line[:1] in (b" ", b"\t") for line in lines):
            raise ParsingError("A field is folded over two lines")
        names = [line.partition(b":")[0].lower() for line in lines]
        codings = names.count(b"transfer-encoding")
        if names.count(b"content-length") + codings > 1:
            raise ParsingError("Content-Length and Transfer-Encoding: send one of them, once")
        if names.count(b"host") > 1:
            raise ParsingError("More than one Host")
        if not first.endswith((b" HTTP/1.1", b" HTTP/1.0")) or (codings and first.endswith(b"0")):
            raise ParsingError("Only HTTP/1.1, and HTTP/1.0 without Transfer-Encoding, are understood")
        super().parse_header(header_plus)


class _ErrorTask(ErrorTask):
    """Says in JSON what waitress says in plain text."""

    request: Any
    response_headers: Any

    def execute(self) -> None:
        """See waitress."""
        error = self.request.error
        key = _KEYS.get(error.code, "framing")
        _, body = refusal(key, "" if key == "internal" else f"The request cannot be read: {error.body.rstrip('.')}.")
        self.status = f"{error.code} {error.reason}" if key != "framing" else "400 Bad Request"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):
    parser_class = _Parser
    error_task_class = _ErrorTask
