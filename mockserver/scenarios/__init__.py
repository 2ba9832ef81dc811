"""Scenarios: situations that a client must handle, each with a judgement of its reaction.

    stage = ScenarioStage(emulator)
    stage.start(SCENARIOS["conflict.stale-etag"])
    ...                       # the client does what it does
    stage.stop(exit_status=0)

If the situation does not occur, the scenario is untestable, which does not count as passed.
"""

from __future__ import annotations

from mockserver.scenarios.scenario import Scenario, choose, load
from mockserver.scenarios.stage import ScenarioStage

__all__ = ["SCENARIOS", "Scenario", "ScenarioStage", "choose"]


def __getattr__(name: str) -> dict[str, Scenario]:
    """Load `SCENARIOS` (id -> scenario) on first use."""
    if name == "SCENARIOS":
        return load()
    raise AttributeError(name)
