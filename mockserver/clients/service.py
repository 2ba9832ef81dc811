"""Flow Service for a test: a private server with access to its state, journal, clock and faults.

    with mockserver.flow_service() as service:
        sync_accounts(service.url, service.headers)
        service.assert_conformant()

The pytest fixture `flow_service` is the same object.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mockserver.clients.program import PrivateServer, accepted, variables
from mockserver.config import Config
from mockserver.conformance import NOTHING_JUDGED, Finding, Level, Report, ScenarioVerdict, evaluate, summary
from mockserver.emulator import Emulator
from mockserver.exchange import BASE_PATH
from mockserver.faults import Faults
from mockserver.journal.entries import Entry
from mockserver.quirks import Quirks
from mockserver.runtime import Clock
from mockserver.scenarios import ScenarioStage, choose

if TYPE_CHECKING:
    from mockserver.recordings.learning import Learned


class NotConformant(AssertionError):
    """A client broke the contract; the message is the report."""


class FlowService:
    """A running service and the calls of the client under test."""

    def __init__(self, server: PrivateServer) -> None:
        self._server = server
        self.emulator: Emulator = server.emulator
        self.url = server.url + BASE_PATH
        """Base URL of the API: `service.url + "/connections"`."""
        self.token_url = f"{server.url}/ims/token/v3"
        self._variables: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        """Complete request headers, to send unchanged or modified."""
        self.reset()

    @property
    def faults(self) -> Faults:
        """Fault injection: `service.faults.strike("rate-limit", 2, times=1)`. `mockserver faults` lists all faults."""
        return self.emulator.faults

    @property
    def learned(self) -> Learned | None:
        """The initial state from a recording, if the setting `learn` names one."""
        return self._server.learned

    @property
    def clock(self) -> Clock:
        """The service's clock: `service.clock.advance(3_600_000)` moves it by an hour."""
        return self.emulator.runtime.clock

    @property
    def calls(self) -> list[Entry]:
        """The client's requests and their responses, numbered from 1. Credentials are redacted."""
        return self.emulator.journal.entries()

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables for a client in another process: FLOW_SERVICE_URL and related ones."""
        return dict(self._variables)

    def reset(self) -> None:
        """Return to the start: no calls, no records but learned ones, and the first faults, clock and quirks."""
        self.emulator.reset()
        self.emulator.quirks.update(dict(Quirks(self.emulator.config.quirk)))
        given = self._variables = {**variables(self._server.url, {}), **accepted(self.emulator.config)}
        if self.emulator.config.strict:
            given["FLOW_SERVICE_TOKEN"] = self.emulator.tokens.issue()[0]
        self.headers = {
            "Authorization": f"Bearer {given['FLOW_SERVICE_TOKEN']}",
            "x-api-key": given["FLOW_SERVICE_API_KEY"],
            "x-gw-ims-org-id": given["FLOW_SERVICE_ORG"],
            "x-sandbox-name": given["FLOW_SERVICE_SANDBOX"],
        }

    def report(self) -> Report:
        """Judge all calls so far."""
        return evaluate(self.calls, self.emulator.contract)

    def assert_conformant(self, level: str = "warn", ignore: Collection[str] = ()) -> None:
        """Raise NotConformant for findings of at least `level` (fail, warn, info), except those of rules in `ignore`.

        `ignore` is a rule or several.

        A client without any calls is not conformant either: nothing was tested.
        """
        __tracebackhide__ = True  # pytest shows the line of the test instead
        report = self.report()
        bad = findings(report, level, ignore)
        if not report.judged:
            raise NotConformant(NOTHING_JUDGED)
        if bad:
            raise NotConformant("\n" + summary(replace(report, findings=bad)))

    @contextlib.contextmanager
    def scenario(self, scenario_id: str) -> Iterator[Playing]:
        """Play a scenario within the block. `mockserver scenarios` lists them. Raises ValueError for an unknown one.

        An exception that leaves the block counts as the client stopping with an error; it is not suppressed.
        """
        [chosen] = choose(scenario_id)
        stage, playing = ScenarioStage(self.emulator), Playing()
        stage.start(chosen)
        status = 1
        try:
            yield playing
            status = 0
        finally:
            playing.verdict = stage.stop(status)


class Playing:
    """A scenario, in progress or finished."""

    verdict: ScenarioVerdict | None = None
    """Set when the scenario has ended."""


def findings(report: Report, level: str, ignore: Collection[str]) -> tuple[Finding, ...]:
    """Findings of at least a level, except ignored rules. Raises ValueError for an unknown level or rule."""
    from mockserver.conformance import rules

    ignored = {ignore} if isinstance(ignore, str) else set(ignore)
    unknown = sorted(ignored - rules.load().keys())
    if unknown:
        raise ValueError(f"unknown rule: {', '.join(unknown)}; `mockserver rules` lists all")
    threshold = Level.parse(level)
    return tuple(one for one in report.open if one.level.reaches(threshold) and one.rule not in ignored)


@contextlib.contextmanager
def flow_service(**settings: Any) -> Iterator[FlowService]:
    """Run a service within the block. `settings` are members of `Config`. Raises ConfigError."""
    with PrivateServer(Config(**{"log": "none", **settings})) as server:
        yield FlowService(server)
