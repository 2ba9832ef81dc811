"""Answers calls to Flow Service: by the emulator, or with a refusal before it. Does not need Flask."""

from __future__ import annotations

import logging
import traceback
from time import perf_counter
from typing import TextIO

from mockserver import __version__
from mockserver.emulator import Emulator
from mockserver.errors import ApiError, Refusal
from mockserver.exchange import Call, Result
from mockserver.web.hosts import PAGE_HEADERS, host_check
from mockserver.web.received import Received
from mockserver.web.request_log import RequestLog, printable

log = logging.getLogger("mockserver")


MAX_STATE_BYTES = 512 * 1_048_576
LARGER_BODIES = dict.fromkeys(("/_mock/state", "/_mock/console/settings/import"), MAX_STATE_BYTES)
"""path -> maximum body. Imported exports may be larger than requests of the API."""


def health_of() -> Result:
    """The response to `/_mock/health`."""
    return Result(200, {"status": "ok", "version": __version__}, PAGE_HEADERS)


class Api:
    """An emulator with its request log and the check of the Host header."""

    def __init__(self, emulator: Emulator, log_to: TextIO | None = None) -> None:
        self.emulator = emulator
        self.first_segments = frozenset(one.segments[0] for one in emulator.contract.operations.values()) | {"data"}
        """The first path segments of the API, with and without the base path."""
        self.log = RequestLog(emulator.config.log, self.first_segments, log_to)
        self.check_host = host_check(emulator.config)

    def allows(self, received: Received) -> bool:
        """Whether the host of a request is allowed."""
        try:
            self.check_host(received.headers.get("host", ""), received.version)
        except ApiError:
            return False
        return True

    def unread(self, refusal: Refusal, call: Call) -> Result:
        """Refuse a request before it reaches the emulator, and record it in the journal."""
        result = refusal.result(call.request_id, self.emulator.quirks)
        self.emulator.journal.record_unread(call, result)
        return result

    def malformed(self, method: str, refusal: ApiError) -> Result:
        """Refuse a request that the HTTP server could not read, and record and log it. `method` may be empty."""
        runtime = self.emulator.runtime
        call = Call(method or "-", "-", "", {}, b"", runtime.request_id(), runtime.clock.now_ms())
        result = self.unread(refusal, call)
        self.log.write(call.method, call.path, result.status, call.request_id, perf_counter(), result)
        return result

    def refused(self, refusal: Refusal) -> tuple[Result, str]:
        """Refuse a request before it is handled; returns the result and the request id."""
        request_id = self.emulator.runtime.request_id("page")
        return refusal.result(request_id, self.emulator.quirks), request_id

    def failed(self, error: Exception, method: str, path: str) -> tuple[Result, str]:
        """Answer 1400-500 after an unexpected exception, and log its traceback.

        The message of the exception is not logged: it may quote a password that the client sent.
        """
        where = "".join(traceback.format_tb(error.__traceback__))
        target = f"{printable(method)} {self.log.path(path)}"
        log.error("unexpected failure in %s\n%s%s", target, where, type(error).__name__)
        return self.refused(ApiError("internal"))
