"""The server in pure Python: waitress, with the settings and the strictness that it lacks by default."""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import Any

import waitress.server
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask

from mockserver.web.server.limits import Limits, refusal
from mockserver.web.server.wsgi import Application

_CONNECTIONS = 20_000
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
            app,
            map=self._map,
            sockets=[listener],
            threads=limits.threads,
            ident=None,
            connection_limit=_CONNECTIONS,
            channel_timeout=int(limits.header_seconds) or 1,
            cleanup_interval=min(30, int(limits.header_seconds) or 1),
            max_request_header_size=limits.header_bytes,
            max_request_body_size=limits.max_body + 1,  # waitress refuses what equals its limit
            asyncore_use_poll=True,  # select ends at descriptor 1024
            clear_untrusted_proxy_headers=True,
            expose_tracebacks=False,
        )
        server.channel_class = _Channel
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
        until = time.monotonic() + self._limits.grace_seconds
        while self._busy() and time.monotonic() < until:
            self._poll()
        self._close()

    def _poll(self) -> None:
        wasyncore.loop(timeout=_TICK_SECONDS, map=self._map, count=1, use_poll=True)

    def _busy(self) -> bool:
        channels = self._server.active_channels.values()
        return any(channel.requests or channel.total_outbufs_len for channel in list(channels))

    def _close(self) -> None:
        self._server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map)


class _Parser(HTTPRequestParser):
    """Refuses what two readers could understand differently (RFC 9112 §6.1, §5.1, §5.2)."""

    def parse_header(self, header_plus: bytes) -> None:
        """See waitress; raises ParsingError."""
        lines = header_plus.split(b"\r\n")[1:]
        if any(line[:1] in (b" ", b"\t") for line in lines):
            raise ParsingError("a header field is folded over two lines")
        if len(lines) > 100 + 1:
            raise ParsingError("more than 100 header fields")
        names = [line.partition(b":")[0].lower() for line in lines]
        lengths, codings = names.count(b"content-length"), names.count(b"transfer-encoding")
        if lengths + codings > 1:
            raise ParsingError("Content-Length and Transfer-Encoding: send one of them, once")
        if names.count(b"host") > 1:
            raise ParsingError("more than one Host")
        super().parse_header(header_plus)
        if codings and self.version != "1.1":
            raise ParsingError("Transfer-Encoding in HTTP/1.0")


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
