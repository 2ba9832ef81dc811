"""Tests that what a client did to an emulator through `/_mock` is repeated in a comparison, or named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from werkzeug.test import Client

from mockserver import Config, Emulator, create_app
from mockserver.comparison import comparing
from mockserver.comparison.replay import ReplayOutcome
from mockserver.contract import Contract
from mockserver.exchange import Result
from mockserver.flows import progress
from mockserver.har import answers
from mockserver.recordings.recording import Recording
from tests.calls import HEADERS, made, send
from tests.dataflows import HOUR, TENANT, flow, pass_time
from tests.recordings.story import Recorded, as_har


def session(path: Path, method: str = "DELETE", control: str = "/_mock/runs/FLOW", status: int = 204) -> Recording:
    """Record a flow whose runs are listed, deleted after the flow, and listed again."""
    recorded = Recorded(Emulator(Config(seed=3)))
    emulator = recorded.emulator
    new = made(emulator, flow(emulator), "/flows")["id"]
    pass_time(emulator, HOUR)
    send(emulator, "GET", "/runs")
    send(emulator, "DELETE", f"/flows/{new}")
    emulator.runtime.clock.advance(10)
    at_ms = emulator.runtime.clock.now_ms()
    if status < 300 and "FLOW" in control:
        progress.forget(emulator.world, TENANT, new)
    emulator.runtime.clock.advance(10)
    send(emulator, "GET", "/runs")
    document = as_har(recorded.recording)
    entry = {
        "startedDateTime": datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(),
        "request": {
            "method": method,
            "url": "http://127.0.0.1:8080" + control.replace("FLOW", new),
            "headers": [{"name": name, "value": value} for name, value in HEADERS.items()],
            "bodySize": 0,
        },
        "response": {"status": status, "headers": [], "content": {"size": 0, "text": ""}},
    }
    document["log"]["entries"].append(entry)
    path.write_text(json.dumps(document), encoding="utf-8")
    return Recording.load(path, Contract.load())


def compared(recording: Recording) -> ReplayOutcome:
    emulator = Emulator(Config(seed=7))
    client = Client(create_app(emulator))

    def sending(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Result:
        answer = client.open(target, method=method, headers=dict(headers), data=body)
        shown, status = answer.get_json(silent=True), answer.status_code
        return Result(status, shown, answers.kept(answer.headers.items()), answers.error_code(status, shown))

    return comparing.with_emulator(recording, emulator, sending)


def test_deleted_runs_are_deleted_here_too(tmp_path: Path) -> None:
    recording = session(tmp_path / "x.har")
    runs = [one.result.body["items"] for one in recording.exchanges if one.operation == "listFlowRuns"]  # type: ignore[index,call-overload]
    assert runs[0] and runs[1] == []
    outcome = compared(recording)
    assert [str(cause.difference) for cause in outcome.causes] == []
    assert outcome.count("same") == len(recording.exchanges) and outcome.notes == ()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_mock/reset"),
        ("POST", "/_mock/clock"),
        ("DELETE", "/_mock/journal"),
        ("DELETE", "/_mock/runs/../state"),
    ],
)
def test_other_changes_through_the_own_api_are_named(tmp_path: Path, method: str, path: str) -> None:
    recording = session(tmp_path / "x.har", method, path)
    assert len(recording.controls) == 1
    kind = "/".join(path.split("/")[:3])
    assert compared(recording).notes == (f"not repeated, as only an emulator has it: {method} {kind} (1)",)


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("DELETE", 404), ("DELETE", 0)])
def test_what_changed_nothing_is_ignored(tmp_path: Path, method: str, status: int) -> None:
    recording = session(tmp_path / "x.har", method, "/_mock/runs/FLOW", status)
    assert recording.controls == ()
    assert compared(recording).notes == ()
