"""Tests that the work for a recording grows with its exchanges and not faster, counted in function calls."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.comparison import comparing
from mockserver.comparison.pairing import Pairing
from mockserver.comparison.symbols import Bindings
from mockserver.conformance import evaluate
from mockserver.contract import Contract
from mockserver.exchange import Result as Answer
from mockserver.har import journaling
from mockserver.recordings import before, calibrating, learning
from mockserver.recordings.recording import Recording
from mockserver.specs.connectors import Connectors
from tests.calls import HEADERS, connection, made, send
from tests.recordings.story import Recorded, Server, as_har
from tests.recordings.test_record_command import recorder
from tests.recordings.test_recording_secrecy import a_call

CONTRACT, CONNECTORS = Contract.load(), Connectors.load()
SMALL, LARGE = 10, 40
"""Rounds. Fewer would not fill the pages of five, whose work grows until then."""
MARGIN = 1.2


def session(path: Path, rounds: int) -> Path:
    """Write a recording in which each round creates, changes, lists and sometimes deletes a connection."""
    emulator = Emulator(Config(seed=3))
    recorded = Recorded(emulator)
    for number in range(rounds):
        emulator.runtime.clock.advance(1500)
        receipt = made(emulator, connection(f"round {number}"))
        one = f"/connections/{receipt['id']}"
        send(emulator, "GET", one)
        patch = [{"op": "replace", "path": "/name", "value": f"changed {number}"}]
        for _ in range(2):  # the second with an outdated etag
            send(emulator, "PATCH", one, patch, headers={"if-match": receipt["etag"]})
        send(emulator, "GET", "/connections?limit=5&orderby=-createdAt")
        send(emulator, "GET", f"{one}/explore?objectType=root")
        if number % 2:
            send(emulator, "DELETE", one)
    path.write_text(json.dumps(as_har(recorded.recording)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("sessions")
    return session(folder / "small.har", SMALL), session(folder / "large.har", LARGE)


def compare(path: Path) -> None:
    server = Server(Emulator(Config(seed=7)))
    outcome = comparing.with_emulator(Recording.load(path, CONTRACT), server.emulator, server.send)
    assert outcome.status == 0


def check(path: Path) -> None:
    evaluate(journaling.read(path, CONTRACT, CONNECTORS), CONTRACT)


def calibrate(path: Path) -> None:
    calibrating.observe(Recording.load(path, CONTRACT))


def learn(path: Path) -> None:
    learning.alive_at_end(Recording.load(path, CONTRACT), CONTRACT, CONNECTORS)


def supply(path: Path) -> None:
    before.made_by_others(Recording.load(path, CONTRACT))


def calls(work: Callable[[Path], None], path: Path) -> int:
    """The number of function calls of some work."""
    count = 0

    def counted(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        work(path)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("work", [compare, check, calibrate, learn, supply])
def test_the_work_grows_with_the_exchanges(files: tuple[Path, Path], work: Callable[[Path], None]) -> None:
    small, large = files
    work(small)  # caches
    assert calls(work, large) < MARGIN * LARGE / SMALL * calls(work, small)


def test_the_memory_is_a_multiple_of_the_file(files: tuple[Path, Path]) -> None:
    _, large = files
    Recording.load(large, CONTRACT)
    tracemalloc.start()
    try:
        Recording.load(large, CONTRACT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * large.stat().st_size


def test_the_work_of_a_recorder_grows_with_the_exchanges(tmp_path: Path) -> None:
    """Each has a token of its own; all tokens begin alike. It had been the square of their number."""

    def record(path: Path, number: int) -> None:
        kept = recorder(path)
        for one in range(number):
            headers = {**HEADERS, "authorization": f"Bearer {one:06}-token-of-a-client", "x-vault": f"vault-{one:06}"}
            kept.add(a_call(one, headers=headers), Answer(200, {"items": []}), one)
        kept.close(complete=True)

    record(tmp_path / "caches.har", 1)
    few, many = (calls(lambda path, n=n: record(path, n), tmp_path / f"{n}.har") for n in (60, 240))  # type: ignore[misc]
    assert many < MARGIN * 4 * few


def test_a_list_costs_the_same_however_many_entities_were_changed(tmp_path: Path) -> None:
    """Each list had looked at every entity that differs on the other side: the square of their number."""
    theirs, ours = ([{"id": f"{side}-{one}"} for one in range(5)] for side in ("there", "here"))

    def listed(differing: int) -> int:
        bindings = Bindings({})
        pairing = Pairing(bindings)
        for one in range(differing):
            bindings.bind(("id", f"there-{one}"), f"here-{one}")
            pairing.apart[f"there-{one}"] = "changed on one side only"
        return calls(lambda _: check_emptied(pairing), tmp_path)

    def check_emptied(pairing: Pairing) -> None:
        assert pairing.pair(theirs, ours) == ([], [])

    assert listed(1000) == listed(10)
