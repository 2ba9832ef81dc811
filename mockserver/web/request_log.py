"""The request log: one line per request, as text or JSON, without query, headers and body."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from typing import TextIO

from mockserver.exchange import BASE_PATH, Result
from mockserver.secrecy import http

QUIET = ("/_mock/console/now", "/_mock/console/assets/")
"""Requests that an open console makes by itself. They are not logged, because they would hide those of clients."""


class RequestLog:
    """Logs requests to standard error."""

    def __init__(self, style: str, collections: Collection[str], stream: TextIO | None = None) -> None:
        """`collections` are the first path segments of the API. The segment after one is an id.

        With a stream, lines go there directly: a record of `logging` takes 13 µs more, a tenth of a request.
        """
        self._style, self._collections, self._stream = style, collections, stream
        self._log = logging.getLogger("mockserver.requests")

    def path(self, path: str, *, is_known: bool = True) -> str:
        """Format a path on one line, with possible secrets redacted. `is_known`: whether it is that of an operation."""
        known = is_known and path.removeprefix(BASE_PATH).strip("/").partition("/")[0] in self._collections
        return printable(http.path(path[:200], known=known).replace("‹", "<").replace("›", ">"))

    def write(
        self,
        method: str,
        path: str,
        status: int,
        request_id: str | None,
        begun: float,
        answered: Result | None = None,
    ) -> None:
        """Log one request. `begun` is a value of `time.perf_counter`; `answered` is the core's result, if any."""
        if self._style == "none" or (self._stream is None and not self._log.isEnabledFor(logging.INFO)):
            return
        facts = (
            {} if answered is None else {"error": answered.error, "reason": answered.reason, "source": answered.source}
        )
        notes = {name: text for name, text in facts.items() if text}
        took = (time.perf_counter() - begun) * 1000
        # an error without a code of its own comes from no operation: the journal hides the ids of such a path, too
        path = self.path(path, is_known=answered is None or answered.error != str(status))
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
        if self._stream is None:
            self._log.info(line)
            return
        with suppress(OSError, ValueError):  # the reader has gone, or the stream is closed
            self._stream.write(line + "\n")
            self._stream.flush()


def printable(text: str) -> str:
    """Escape control characters, which could forge a log line or control a terminal."""
    return text.encode("unicode_escape").decode("ascii")


def configure(style: str) -> None:
    """Configure logging to standard error. Called by the command line only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainFormatter(style))
    logger = logging.getLogger("mockserver")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO)


class PlainFormatter(logging.Formatter):
    """Formats request lines unchanged and other records with their level, or as JSON."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self._json = style == "json"

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        if record.name == "mockserver.requests":
            return record.getMessage()
        message = super().format(record)
        if self._json:
            return json.dumps({"level": record.levelname, "message": message})
        return f"{record.levelname}: {message}"
