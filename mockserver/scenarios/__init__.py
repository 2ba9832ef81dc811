"""Situations a client of Flow Service must be able to take, each judged by how it reacts.

    stage = ScenarioStage(emulator)
    stage.start(SCENARIOS["conflict.stale-etag"])
    ...                       # the client does what it does
    stage.stop(exit_status=0)

A situation that never arose makes a scenario untestable, which is no pass.
"""

from __future__ import annotations

from mockserver.scenarios.scenario import Scenario, choose, load
from mockserver.scenarios.stage import ScenarioStage

__all__ = ["SCENARIOS", "Scenario", "ScenarioStage", "choose"]


def __getattr__(name: str) -> dict[str, Scenario]:
    """`SCENARIOS`, id -> scenario: loaded when first asked for."""
    if name == "SCENARIOS":
        return load()
    raise AttributeError(name)
