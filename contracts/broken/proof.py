"""Runs the suite's own checks against faulty and correct servers without sockets, and serves one on a port."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from contracts import registry, trial
from contracts.broken import BrokenServer
from contracts.findings.verdicts import FAILED, UNTESTABLE, Outcome
from contracts.registry import CHECKS
from contracts.schema.document import Document
from mockserver import Config, Emulator, create_app

UNKNOWN_TOKEN = "gateway.token-unknown"
_MINUTES = 10
"""Minutes by which the correct server's clock advances at each request of runs, so that they end."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The result for one faulty server."""

    caught: frozenset[str]
    """The checks that failed."""
    missed: tuple[str, ...]
    """The checks that should have failed and did not."""
    seconds: float


def right(options: Mapping[str, Any]) -> tuple[Any, str | None]:
    """The correct server as an application, and the token that it requires, if any."""
    emulator = emulated(options)
    return hurried(emulator), emulator.tokens.issue()[0] if emulator.config.strict else None


def emulated(options: Mapping[str, Any]) -> Emulator:
    """The correct server."""
    return Emulator(Config(**{"log": "none", "journal_entries": 0, **options}))


def hurried(emulator: Emulator) -> Any:
    """The correct server as an application.

    Its clock advances at each request of runs, and at each write: entities written within
    one millisecond would have no order for a faulty server to keep, nor a time for it to change.
    """
    app = create_app(emulator, flask=False)

    def advancing(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "GET" and "/runs" in environ["PATH_INFO"]:
            emulator.runtime.clock.advance(_MINUTES * 60_000)
        if environ["REQUEST_METHOD"] in ("POST", "PATCH"):
            emulator.runtime.clock.advance(1)
        return app(environ, start_response)

    return advancing


def prove(server: BrokenServer, document: Document) -> Proof:
    """Run the checks that must catch a faulty server."""
    began = time.perf_counter()
    app, token = right(server.options)
    outcomes = trial.judge(server.over(app), server.checks, document=document, kinds=server.kinds, token=token)
    caught = frozenset(outcome.check for outcome in outcomes if outcome.verdict == FAILED)
    missed = tuple(name for name in server.caught_by if name not in caught)
    return Proof(caught, missed, time.perf_counter() - began)


def false_alarms(seed: int, document: Document) -> list[Outcome]:
    """Run the whole suite, without generated requests, against the correct server; returns the failures.

    Two checks depend on settings; they see a server with these too.
    """
    registry.load()
    outcomes = trial.judge(
        right({})[0], [name for name in CHECKS if name != UNKNOWN_TOKEN], document=document, seed=seed
    )
    for options, check in (({"strict": True}, UNKNOWN_TOKEN), ({"platform": "aws"}, "create.unlisted-auth-spec")):
        app, token = right(options)
        outcomes += trial.judge(app, [check], document=document, seed=seed, token=token)
    return [outcome for outcome in outcomes if outcome.verdict in (FAILED, UNTESTABLE)]


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an application on a free port; yields its base URL."""
    server = make_server("127.0.0.1", 0, app, _ThreadingServer, _Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128  # five, the default, delay a busy machine's connections by seconds


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing, since the suite reports what it sees."""
