"""Tests that requests sent at the same time are not blamed on the service: their order is unknown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.comparison import overlaps
from mockserver.contract import Contract
from mockserver.recordings.recording import Recording
from tests.calls import connection, made, send
from tests.comparison.test_consequences import compared, findings, reasons, shown
from tests.dataflows import flow
from tests.recordings.story import Recorded, as_har

Entries = list[dict[str, Any]]


def recorded(path: Path, client: Callable[[Emulator], None], took: dict[int, float]) -> tuple[Recording, Entries]:
    """Record a client that sends a request every second. `took`: entry, by place -> duration in seconds."""
    story = Recorded(Emulator(Config(seed=3)))
    tick = story.emulator.runtime.clock
    handle = story.emulator.handle

    def later(call: Any) -> Any:
        tick.advance(1001)
        return handle(call)

    story.emulator.handle = later  # type: ignore[method-assign]
    client(story.emulator)
    document = as_har(story.recording)
    entries = document["log"]["entries"]
    for place, entry in enumerate(entries):
        entry["time"] = took.get(place, 0.3) * 1000
    path.write_text(json.dumps(document), encoding="utf-8")
    return Recording.load(path, Contract.load()), entries


def patch(emulator: Emulator, new: Any, value: str) -> None:
    steps = [{"op": "replace", "path": "/description", "value": value}]
    send(emulator, "PATCH", f"/connections/{new['id']}", steps, headers={"if-match": new["etag"]})


def race(emulator: Emulator) -> None:
    """Two clients change a connection by the same etag: the first wins."""
    new, other = made(emulator), made(emulator, connection("other"))
    for value in ("first", "second"):
        patch(emulator, new, value)
    for one in (new, other):
        send(emulator, "GET", f"/connections/{one['id']}")
    send(emulator, "GET", "/connections")


def swapped(path: Path, recording_path: Path, first: int, second: int) -> Recording:
    """The recording of a service that processed two requests in the other order: their responses are swapped."""
    document = json.loads(recording_path.read_text(encoding="utf-8"))
    entries = document["log"]["entries"]
    entries[first]["response"], entries[second]["response"] = entries[second]["response"], entries[first]["response"]
    path.write_text(json.dumps(document), encoding="utf-8")
    return Recording.load(path, Contract.load())


@pytest.mark.parametrize(
    ("took", "parallel"), [((1.5, 0.3), True), ((1.5, 0), True), ((1.001, 0), False), ((0.3, 0), False)]
)
def test_who_wins_a_race_is_no_difference(tmp_path: Path, took: tuple[float, float], parallel: bool) -> None:
    recorded(tmp_path / "race.har", race, dict(zip((2, 3), took, strict=True)))
    outcome = compared(swapped(tmp_path / "other.har", tmp_path / "race.har", 2, 3))
    assert bool(findings(outcome)) is not parallel
    if parallel:
        assert reasons(outcome)[0] == "overlapped a change of the same entity or list"
        assert [one.verdict for one in outcome.compared[5:]] == ["same", "same"]


@pytest.mark.parametrize(("status", "found"), [(202, True), (404, False)])
def test_the_order_does_not_explain_another_success(tmp_path: Path, status: int, found: bool) -> None:
    def client(emulator: Emulator) -> None:
        new = made(emulator)
        patch(emulator, new, "first")
        send(emulator, "DELETE", f"/connections/{new['id']}")

    recorded(tmp_path / "x.har", client, {1: 1.5})
    document = json.loads((tmp_path / "x.har").read_text(encoding="utf-8"))
    document["log"]["entries"][2]["response"]["status"] = status
    (tmp_path / "x.har").write_text(json.dumps(document), encoding="utf-8")
    assert bool(findings(compared(Recording.load(tmp_path / "x.har", Contract.load())))) is found


def test_two_changes_at_the_same_time_leave_an_unknown_state(tmp_path: Path) -> None:
    def client(emulator: Emulator) -> None:
        new = made(emulator, flow(emulator), "/flows")
        for action in ("disable", "enable"):
            assert send(emulator, "POST", f"/flows/{new['id']}/action?op={action}").status == 200
        send(emulator, "GET", f"/flows/{new['id']}")

    recording, entries = recorded(tmp_path / "x.har", client, {})
    first = len(entries) - 3
    recorded(tmp_path / "x.har", client, {first: 1.5})
    document = json.loads((tmp_path / "x.har").read_text(encoding="utf-8"))
    page = shown(document["log"]["entries"][-1])
    page["items"][0]["state"] = "disabled"
    document["log"]["entries"][-1]["response"]["content"]["text"] = json.dumps(page)
    (tmp_path / "x.har").write_text(json.dumps(document), encoding="utf-8")
    outcome = compared(Recording.load(tmp_path / "x.har", Contract.load()))
    assert findings(outcome) == []
    why = f"exchanges {first + 1} and {first + 2} changed the entity at the same time"
    assert reasons(outcome) == [why]
    assert len(recording.exchanges) == len(outcome.compared)


def test_a_list_that_overlaps_a_creation_may_lack_the_entity(tmp_path: Path) -> None:
    def client(emulator: Emulator) -> None:
        made(emulator, connection("a"))
        made(emulator, connection("b"))
        send(emulator, "GET", "/connections")

    recorded(tmp_path / "x.har", client, {1: 1.5})
    document = json.loads((tmp_path / "x.har").read_text(encoding="utf-8"))
    page = shown(document["log"]["entries"][2])
    page["items"] = [item for item in page["items"] if item["name"] == "a"]
    document["log"]["entries"][2]["response"]["content"]["text"] = json.dumps(page)
    (tmp_path / "x.har").write_text(json.dumps(document), encoding="utf-8")
    outcome = compared(Recording.load(tmp_path / "x.har", Contract.load()))
    assert (findings(outcome), reasons(outcome)) == ([], ["overlapped a change of the same entity or list"])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda entries: None, {4: 3}),
        (lambda entries: [entry.pop("time") for entry in entries], {}),
        (lambda entries: [entry.update(time=-1) for entry in entries], {}),
        (lambda entries: [entry.update(time="1500") for entry in entries], {}),
        (lambda entries: [entry.update(time=1e300) for entry in entries], {}),
        (lambda entries: [entry.update(startedDateTime=entry["startedDateTime"][:19] + "Z") for entry in entries], {}),
    ],
    ids=["as recorded", "no time", "unknown time", "a text", "too long", "whole seconds"],
)
def test_only_times_that_are_known_show_an_overlap(
    tmp_path: Path, change: Callable[[Entries], Any], expected: dict[int, int]
) -> None:
    recorded(tmp_path / "x.har", race, {2: 1.5})
    document = json.loads((tmp_path / "x.har").read_text(encoding="utf-8"))
    change(document["log"]["entries"])
    (tmp_path / "x.har").write_text(json.dumps(document), encoding="utf-8")
    recording = Recording.load(tmp_path / "x.har", Contract.load())
    assert overlaps.rivals(recording.exchanges) == expected
