"""Flow Service for a test: a private server, and a hand on everything behind it.

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

from mockserver.clients.program import PrivateServer, variables
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
    """A client did what the contract forbids; the message is the report."""


class FlowService:
    """A running service and what the client under test did to it."""

    def __init__(self, server: PrivateServer) -> None:
        self._server = server
        self.emulator: Emulator = server.emulator
        self.url = server.url + BASE_PATH
        """Where the API begins: `service.url + "/connections"`."""
        self.token_url = f"{server.url}/ims/token/v3"
        self.headers: dict[str, str] = {}
        """Complete headers of an imaginary client, to send as they are or changed."""
        self.reset()

    @property
    def faults(self) -> Faults:
        """`service.faults.strike("rate-limit", 2, times=1)`; `mockserver faults` lists what there is."""
        return self.emulator.faults

    @property
    def learned(self) -> Learned | None:
        """What the service began with, if it was told to `learn` from a recording."""
        return self._server.learned

    @property
    def clock(self) -> Clock:
        """The service's clock: `service.clock.advance(3_600_000)` lets an hour pass for tokens and times."""
        return self.emulator.runtime.clock

    @property
    def calls(self) -> list[Entry]:
        """What the client asked and was answered, numbered from 1; credentials are masked."""
        return self.emulator.journal.entries()

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables for a client that is a program of its own: FLOW_SERVICE_URL and the like."""
        return variables(self._server.url, {})

    def reset(self) -> None:
        """As new: no records but learned ones, no calls, no faults; clock, quirks and headers as they were."""
        self.emulator.reset()
        self.emulator.quirks.update(dict(Quirks(self.emulator.config.quirk)))
        given = variables(self._server.url, {})
        self.headers = {
            "Authorization": f"Bearer {given['FLOW_SERVICE_TOKEN']}",
            "x-api-key": given["FLOW_SERVICE_API_KEY"],
            "x-gw-ims-org-id": given["FLOW_SERVICE_ORG"],
            "x-sandbox-name": given["FLOW_SERVICE_SANDBOX"],
        }

    def report(self) -> Report:
        """The judgement on all calls so far."""
        return evaluate(self.calls, self.emulator.contract)

    def assert_conformant(self, level: str = "warn", ignore: Collection[str] = ()) -> None:
        """Raises NotConformant for findings of `level` (fail, warn, info) or worse, rules in `ignore` aside.

        A client that made no call is not conformant either: nobody has seen what it does.
        """
        __tracebackhide__ = True  # pytest shows where the test asked, not this
        report = self.report()
        bad = findings(report, level, ignore)
        if not report.judged:
            raise NotConformant(NOTHING_JUDGED)
        if bad:
            raise NotConformant("\n" + summary(replace(report, findings=bad)))

    @contextlib.contextmanager
    def scenario(self, scenario_id: str) -> Iterator[Playing]:
        """Play a scenario while the block lasts; `mockserver scenarios` lists them. Raises ValueError.

        An exception that leaves the block counts as the client's stopping, and goes on its way.
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
    """A scenario that is or was on."""

    verdict: ScenarioVerdict | None = None
    """Once it has ended."""


def findings(report: Report, level: str, ignore: Collection[str]) -> tuple[Finding, ...]:
    """The findings of a level or worse that are not ignored. Raises ValueError for a level or rule that is none."""
    from mockserver.conformance import rules

    unknown = sorted(set(ignore) - rules.load().keys())
    if unknown:
        raise ValueError(f"unknown rule: {', '.join(unknown)}; `mockserver rules` lists all")
    threshold = Level.parse(level)
    return tuple(one for one in report.open if one.level.reaches(threshold) and one.rule not in ignore)


@contextlib.contextmanager
def flow_service(**settings: Any) -> Iterator[FlowService]:
    """A service for the length of the block; `settings` are members of `Config`. Raises ConfigError."""
    with PrivateServer(Config(**{"log": "none", **settings})) as server:
        yield FlowService(server)
