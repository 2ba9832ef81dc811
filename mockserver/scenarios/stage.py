"""Plays scenarios in a running emulator, one at a time: faults on, client's turn, faults off, verdict."""

from __future__ import annotations

import threading

from mockserver.conformance import ScenarioVerdict
from mockserver.emulator import Emulator
from mockserver.scenarios.scenario import Scenario


class ScenarioStage:
    """What is being played, and the verdicts so far. Safe for any number of threads."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._lock = threading.Lock()
        self._playing: Scenario | None = None
        self._faults: list[int] = []
        self._since = 0
        self._verdicts: dict[str, ScenarioVerdict] = {}

    @property
    def playing(self) -> Scenario | None:
        """The scenario that is on; none where its faults were lifted by other hands."""
        on = {one.number for one in self._emulator.faults.active()}
        return self._playing if on.intersection(self._faults) else None

    def start(self, scenario: Scenario) -> None:
        """Put a scenario on; one that is on ends with its verdict. Raises NothingRecorded when the journal is off."""
        self.stop()
        with self._lock:
            self._since = self._emulator.journal.latest
            self._faults = [one.number for one in self._emulator.faults.order(list(scenario.orders))]
            self._playing = scenario

    def verdict(self, exit_status: int | None = None) -> ScenarioVerdict | None:
        """The verdict on the scenario that is on, as things stand."""
        scenario = self.playing
        if scenario is None:
            return None
        return scenario.verdict(self._emulator.journal.entries(self._since), self._emulator.contract, exit_status)

    def stop(self, exit_status: int | None = None) -> ScenarioVerdict | None:
        """End the scenario that is on and keep its verdict."""
        with self._lock:
            verdict = self.verdict(exit_status)
            if verdict is None:
                return None
            for number in self._faults:
                self._emulator.faults.remove(number)
            self._playing, self._faults = None, []
            self._verdicts[verdict.id] = verdict
            return verdict

    def verdicts(self) -> list[ScenarioVerdict]:
        """Those of all scenarios that have ended, in the order they were first played."""
        return list(self._verdicts.values())
