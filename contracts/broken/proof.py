"""What the own checks make of wrong servers and of the right one, without sockets; and a port for any of them."""

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
from contracts.document import Document
from contracts.registry import CHECKS
from contracts.verdicts import FAILED, UNTESTABLE, Outcome
from mockserver import Config, Emulator, create_app

UNKNOWN_TOKEN = "gateway.token-unknown"
_MINUTES = 10
"""That pass for the right server with each look at runs, so that they come to an end."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of one server."""

    caught: frozenset[str]
    """Checks that failed."""
    missed: tuple[str, ...]
    """Those named by the server that did not."""
    seconds: float


def right(options: Mapping[str, Any]) -> tuple[Any, str | None]:
    """The right server as an application, and the token that it asks for, if it does.

    Its clock takes ten minutes for each look at the runs, and moves on for each creation: entities made
    within one millisecond would have no order of creation that a wrong server could keep to.
    """
    emulator = Emulator(Config(log="none", **options))
    app = create_app(emulator)

    def hurried(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "GET" and "/runs" in environ["PATH_INFO"]:
            emulator.runtime.clock.advance(_MINUTES * 60_000)
        if environ["REQUEST_METHOD"] == "POST":
            emulator.runtime.clock.advance(1)
        return app(environ, start_response)

    return hurried, emulator.tokens.issue()[0] if emulator.config.strict else None


def prove(server: BrokenServer, document: Document) -> Proof:
    """Run the checks that must catch it."""
    began = time.perf_counter()
    app, token = right(server.options)
    outcomes = trial.judge(server.over(app), server.checks, document=document, kinds=server.kinds, token=token)
    caught = frozenset(outcome.check for outcome in outcomes if outcome.verdict == FAILED)
    missed = tuple(name for name in server.caught_by if name not in caught)
    return Proof(caught, missed, time.perf_counter() - began)


def false_alarms(seed: int, document: Document) -> list[Outcome]:
    """What the whole suite, but for generated requests, has against the right server: nothing, whatever the seed.

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
    """An application on a port of its own; its base URL."""
    server = make_server("127.0.0.1", 0, app, _Server, _Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what the suite sees is in its report."""
