"""Tests that a recording is compared alike when the clocks of client and service differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.contract import Contract
from mockserver.recordings import moments
from mockserver.recordings.recording import Recording
from tests.calls import connection, made, send
from tests.comparison.test_consequences import compared, findings
from tests.recordings.story import Recorded, as_har

Entries = list[dict[str, Any]]


def session(path: Path, change: Callable[[Entries], None]) -> Recording:
    """Record a client that finds an earlier connection, creates others, and lists them by time."""
    recorded = Recorded(Emulator(Config(seed=3)))
    emulator = recorded.emulator
    made(emulator, connection("earlier"))
    emulator.runtime.clock.advance(600_000)
    before = len(recorded.exchanges)
    send(emulator, "GET", "/connections")
    for name in ("a", "b", "c"):
        emulator.runtime.clock.advance(2_000)
        new = made(emulator, connection(name))
        shown: Any = send(emulator, "GET", f"/connections/{new['id']}").body
        for sign in "<>":
            send(emulator, "GET", f"/connections?property=createdAt{sign}={shown['items'][0]['createdAt']}")
    document = as_har(recorded.recording)
    document["log"]["entries"] = document["log"]["entries"][before:]
    change(document["log"]["entries"])
    path.write_text(json.dumps(document), encoding="utf-8")
    return Recording.load(path, Contract.load())


def shifted(**by: int) -> Callable[[Entries], None]:
    def change(entries: Entries) -> None:
        for entry in entries:
            moved = datetime.fromisoformat(entry["startedDateTime"]) + timedelta(**by)
            entry["startedDateTime"] = moved.isoformat(timespec="milliseconds")

    return change


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ({"seconds": 0}, ""),
        ({"seconds": 40}, ""),
        ({"seconds": -40}, ""),
        ({"hours": 2}, "the client's clock was 2 hours ahead of the service's"),
        ({"hours": -2}, "the client's clock was 2 hours behind the service's"),
        ({"days": 400}, "the client's clock was 400 days ahead of the service's"),
    ],
)
def test_another_clock_of_the_client_is_no_difference(tmp_path: Path, by: dict[str, int], said: str) -> None:
    outcome = compared(session(tmp_path / "x.har", shifted(**by)))
    assert findings(outcome) == [] and outcome.count("same") == len(outcome.compared)
    assert outcome.notes == ((said,) if said else ())


def untimed(entries: Entries) -> None:
    for entry in entries:
        del entry["startedDateTime"]


def in_another_age(entries: Entries) -> None:
    for entry in entries:
        entry["startedDateTime"] = "1970-01-02T00:00:00Z"


@pytest.mark.parametrize("change", [untimed, in_another_age], ids=lambda change: change.__name__)
def test_a_clock_that_cannot_be_known_is_left_as_it_is(tmp_path: Path, change: Callable[[Entries], None]) -> None:
    recording = session(tmp_path / "x.har", change)
    assert moments.aligned(recording) is recording
    compared(recording)
