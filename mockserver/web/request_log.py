"""The request log: one line per request, as text or JSON; never anything of a query, a body or a header."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Collection

from flask import Flask, Response, g, request

from mockserver import secrecy
from mockserver.exchange import BASE_PATH, Result

_QUIET = ("/_mock/console/now", "/_mock/console/assets/")
"""What an open console asks for by itself: between the lines of its requests nobody would find a client's."""


class RequestLog:
    """Writes what was answered to standard error."""

    def __init__(self, style: str, collections: Collection[str]) -> None:
        """`collections` are the first segments of paths of the API; what follows one is an id."""
        self._style, self._collections = style, collections
        self._log = logging.getLogger("mockserver.requests")

    def watch(self, app: Flask) -> None:
        """Log every request of the app, unless logging is off."""
        if self._style == "none":
            return
        app.before_request(self._begin)
        app.after_request(self._end)

    def _begin(self) -> None:
        g.begun = time.perf_counter()

    def _end(self, response: Response) -> Response:
        if response.status_code < 400 and request.path.startswith(_QUIET):
            return response
        request_id = response.headers.get("x-request-id")
        begun, answered = g.get("begun", time.perf_counter()), g.get("answered")
        self.write(request.method, request.path, response.status_code, request_id, begun, answered)
        return response

    def path(self, path: str) -> str:
        """A path on one line, without what may be a secret."""
        known = path.removeprefix(BASE_PATH).strip("/").partition("/")[0] in self._collections
        return printable(secrecy.path(path[:200], known=known).replace("‹", "<").replace("›", ">"))

    def write(
        self,
        method: str,
        path: str,
        status: int,
        request_id: str | None,
        begun: float,
        answered: Result | None = None,
    ) -> None:
        """Log one response; `begun` is a reading of `time.perf_counter`, `answered` what the core answered."""
        if self._style == "none":
            return
        told = (
            {} if answered is None else {"error": answered.error, "reason": answered.reason, "source": answered.source}
        )
        notes = {name: text for name, text in told.items() if text}
        took = (time.perf_counter() - begun) * 1000
        path = self.path(path)
        if self._style == "json":
            line = json.dumps(
                {
                    "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                    "method": method,
                    "path": path,
                    "status": status,
                    "ms": round(took, 2),
                    "requestId": request_id,
                    **notes,
                }
            )
        else:
            clock = time.strftime("%H:%M:%S")
            line = "  ".join((f"{clock}  {status}  {method:<6} {path}  {took:.1f} ms", *map(printable, notes.values())))
        self._log.info(line)


def printable(text: str) -> str:
    """A text from a client on one line: control characters could forge another, or paint a terminal."""
    return text.encode("unicode_escape").decode("ascii")


def configure(style: str) -> None:
    """Send log lines to standard error, bare; only the command line does this, never an import."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain(style))
    logger = logging.getLogger("mockserver")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO)


class _Plain(logging.Formatter):
    """Request lines as they are, others with their level; JSON objects when asked for."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self._json = style == "json"

    def format(self, record: logging.LogRecord) -> str:
        if record.name == "mockserver.requests":
            return record.getMessage()
        message = super().format(record)
        if self._json:
            return json.dumps({"level": record.levelname, "message": message})
        return f"{record.levelname}: {message}"
