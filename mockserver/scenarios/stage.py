"""Plays scenarios in a running emulator, one at a time: set the faults, let the client act, remove them, judge."""

from __future__ import annotations

import threading

from mockserver.conformance import ScenarioVerdict
from mockserver.emulator import Emulator
from mockserver.scenarios.scenario import Scenario


class ScenarioStage:
    """The scenario in progress and the verdicts so far. Thread-safe."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._lock = threading.Lock()
        self._playing: Scenario | None = None
        self._faults: list[int] = []
        self._since = 0
        self._verdicts: dict[str, ScenarioVerdict] = {}

    @property
    def playing(self) -> Scenario | None:
        """The scenario in progress; None if someone else removed its faults."""
        on = {one.number for one in self._emulator.faults.active()}
        return self._playing if on.intersection(self._faults) else None

    def start(self, scenario: Scenario) -> None:
        """Start a scenario, ending one in progress. Raises NothingRecorded if the journal is off."""
        self.stop()
        with self._lock:
            self._since = self._emulator.journal.latest
            self._faults = [one.number for one in self._emulator.faults.order(list(scenario.orders))]
            self._playing = scenario

    def verdict(self, exit_status: int | None = None) -> ScenarioVerdict | None:
        """The current verdict on the scenario in progress."""
        scenario = self.playing
        if scenario is None:
            return None
        return scenario.verdict(self._emulator.journal.entries(self._since), self._emulator.contract, exit_status)

    def stop(self, exit_status: int | None = None) -> ScenarioVerdict | None:
        """End the scenario in progress and keep its verdict."""
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
        """The verdicts of all finished scenarios, in the order they were first played."""
        return list(self._verdicts.values())
