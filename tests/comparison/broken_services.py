"""A deliberately wrong server in the place of the real service: what is recorded of it, and what a comparison finds."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from werkzeug.test import Client

from contracts import registry, trial
from contracts.broken import BrokenServer, load
from contracts.broken.proof import UNKNOWN_TOKEN
from contracts.broken.wrapping import Asked, GivenAnswer, Right, Wrapped
from contracts.registry import CHECKS
from contracts.schema.document import Document
from mockserver import Config, Emulator, create_app
from mockserver.comparison import comparing
from mockserver.comparison.replay import ReplayOutcome
from mockserver.exchange import Call, Result
from mockserver.har import answers
from mockserver.recordings.recording import RecordedExchange, Recording, exchange

_FIRST_MS = 1_790_000_000_000
_RUNS_TAKE_MS = 600_000


class RecordedService:
    """The right server with a fault before it, as the service that a client was recorded with."""

    def __init__(self, server: BrokenServer | None, options: Mapping[str, Any]) -> None:
        self.exchanges: list[RecordedExchange] = []
        self.emulator = Emulator(Config(log="none", seed=1, **options))
        self.emulator.runtime.clock.freeze(_FIRST_MS)
        self._fault = server.fault if server else None
        self._memory: dict[str, Any] = {}
        self.token = self.emulator.tokens.issue()[0] if self.emulator.config.strict else None
        self.app = Wrapped(create_app(self.emulator, flask=False), self._listen)

    def _listen(self, asked: Asked, right: Right) -> GivenAnswer:
        clock = self.emulator.runtime.clock
        runs = asked.method == "GET" and "/runs" in asked.path
        clock.advance(_RUNS_TAKE_MS if runs else 1)
        call = Call(asked.method, asked.path, asked.query, asked.headers, asked.body, "0" * 32, clock.now_ms())
        faulty = Right(right.answer, self._memory)
        given = self._fault(asked, faulty) if self._fault else right(asked)
        result = _result(given.status, given.json, given.headers)
        number = len(self.exchanges) + 1
        self.exchanges.append(exchange(number, call, result, self.emulator.contract, host="platform.adobe.io"))
        return given


def recorded(server: BrokenServer | None, checks: tuple[str, ...], document: Document) -> tuple[Recording, Config]:
    """What the checks that catch a server send to it, and what it answers; None is the right server."""
    options = server.options if server else {}
    service = RecordedService(server, options)
    trial.judge(service.app, checks, document=document, kinds=server.kinds if server else None, token=service.token)
    return Recording(tuple(service.exchanges)), replace(service.emulator.config, quirk={}, seed=2)


def compared(recording: Recording, config: Config) -> ReplayOutcome:
    """The comparison of a recording with a fresh emulator."""
    emulator = Emulator(config)
    client = Client(create_app(emulator, flask=False))

    def send(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Result:
        answer = client.open(target, method=method, headers=dict(headers), data=body)
        return _result(answer.status_code, answer.get_json(silent=True), answer.headers.items())

    return comparing.with_emulator(recording, emulator, send)


def _result(status: int, body: Any, headers: Iterable[tuple[str, str]]) -> Result:
    return Result(status, body, answers.kept(headers), answers.error_code(status, body))


ARGUED: dict[str, tuple[str, ...]] = {
    "how many there are depends on what others made there before": (
        "counts-lack-drafts",
        "counts-one-page",
        "counts-cross-sandboxes",
        "count-off-by-one",
        "count-ignores-filters",
        "pages-count-one-more",
    ),
    "texts of errors differ between services that agree; their codes are compared": (
        "names-no-param",
        "names-no-version",
        "errors-repeat-the-value",
        "two-texts-for-one-error",
    ),
    "an order that the client did not ask for is nobody's promise in a recording": (
        "pages-in-another-order",
        "writes-move-nothing-up",
    ),
    "data of a source, a schedule or a run: only its form can be compared": (
        "leads-to-all-runs",
        "invents-columns-in-configs",
        "preview-is-the-whole-table",
        "every-stretch-of-data-sets-is-the-last",
        "all-batches-are-listed",
        "ignores-filters-by-status",
        "runs-lose-records",
        "runs-end-before-they-start",
        "keys-end-sooner-in-lists",
        "sandboxes-are-listed-in-another-region",
    ),
    "credentials and addresses are masked in a recording, or belong to one server": (
        "takes-any-authorization",
        "knows-only-bearer-with-a-capital",
        "filters-look-at-secrets",
        "inlets-are-at-another-address",
        "location-behind-the-proxy",
        "places-of-schemas-are-cut",
        "signatures-are-left-out",
        "keys-come-without-a-session",
        "credentials-are-for-another-container",
        "all-sandboxes-share-a-landing-zone",
        "files-stay-for-no-day",
    ),
    "headers of the connection are not part of a recording": (
        "password-in-a-header",
        "json-called-text",
        "request-id-of-another-exchange",
        "no-request-id",
        "one-request-id-for-all",
    ),
    "an etag is any text in quotes": ("etag-without-a-time",),
    "a response that never came, or a 5xx, says nothing about another server": (
        "tests-take-for-ever",
        "fails-on-odd-bytes",
    ),
}
"""Why a comparison cannot find a wrong server -> the names of those servers. The contract suite finds them all."""


def _main() -> int:
    """Try every wrong server and the right one; print what was found, what was missed, and what is argued in vain."""
    registry.load()
    excused = {name for names in ARGUED.values() for name in names}
    document, failed = Document.load(), 0
    for name, server in load().items():
        found = bool(compared(*recorded(server, server.checks, document)).causes)
        failed += found is (name in excused)
        print(name, "found" if found else "missed", "argued" if name in excused else "", flush=True)
    checks = tuple(name for name in CHECKS if name != UNKNOWN_TOKEN)
    right = compared(*recorded(None, checks, document))
    print(f"right service: {right.count('same')} exchanges the same, {len(right.causes)} differences")
    return int(bool(failed or right.causes))


if __name__ == "__main__":
    sys.exit(_main())
