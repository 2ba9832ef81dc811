"""Tests that replaying our own recording on a fresh server shows no difference."""

from __future__ import annotations

import pytest

from mockserver import Config, Emulator
from mockserver.comparison.replay import Replay, outcome
from tests.recordings.story import Server, described, tell


@pytest.mark.parametrize("seed", [1, 2, None])
def test_a_recording_of_ourselves_replays_without_a_difference(seed: int | None, state: str | None) -> None:
    recording = tell(Emulator(Config(seed=7)))
    server = Server(Emulator(Config(seed=seed, state=state)))
    replay = Replay(recording, server.send)
    compared = replay.run(server.before)
    assert not described(compared)
    assert replay.bindings.ambiguous == 0
    assert outcome(compared).status == 0 and len(compared) > 40
