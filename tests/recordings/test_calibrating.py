"""Tests that a recording of our server with one changed quirk shows exactly this quirk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockserver import Config, Emulator
from mockserver.comparison.replay import Replay
from mockserver.contract import Contract
from mockserver.quirks import QUIRKS
from mockserver.recordings.calibrating import chosen, fragment, observe
from mockserver.recordings.observers import NOT_OBSERVABLE, OBSERVERS
from mockserver.recordings.recording import Recording
from tests.calls import connection, made, send
from tests.dataflows import once, seconds
from tests.recordings.story import Recorded, Server, as_har, described, tell
from tests.recordings.test_record_command import recorder
from tests.rows import each

SFTP_DESTINATION = "36965a81-b1c6-401b-99f8-22508f1e6a26"


def every_disagreement(emulator: Emulator) -> Recording:
    """A client that meets every point where Adobe's documents disagree, as far as possible."""
    recorded = Recorded(emulator)
    receipt = made(emulator)
    path = f"/connections/{receipt['id']}"
    send(emulator, "GET", path)
    send(emulator, "GET", "/connections/00000000-0000-4000-8000-000000000000")
    send(emulator, "GET", "/connections", headers={"authorization": None})
    send(emulator, "GET", "/connections", headers={"x-api-key": None})
    send(emulator, "GET", "/connections", headers={"x-sandbox-name": None})
    send(emulator, "GET", "/connections", headers={"x-gw-ims-org-id": None})
    send(emulator, "GET", "/connections?limit=500")
    send(emulator, "GET", "/connections?colour=red")
    send(emulator, "POST", "/connections", connection(), headers={"content-type": "text/plain"})
    send(emulator, "POST", "/connections", connection(connectionSpec={"id": connection()["connectionSpec"]["id"]}))
    odd = connection()
    odd["auth"]["params"]["sslMode"] = "Verify-Full"
    send(emulator, "POST", "/connections", odd)
    patch = [{"op": "replace", "path": "/name", "value": "renamed"}]
    send(emulator, "PATCH", path, patch, headers={"if-match": receipt["etag"].strip('"')})
    params = {"domain": "files.example.com", "host": "files.example.com", "username": "reader", "password": "hush"}
    auth = {"specName": "Basic Authentication for sftp", "params": params}
    send(
        emulator,
        "POST",
        "/connections",
        connection(auth=auth, connectionSpec={"id": SFTP_DESTINATION, "version": "1.0"}),
    )
    draft = send(emulator, "POST", "/connections?mode=draft", connection("draft")).body
    assert isinstance(draft, dict)
    send(emulator, "POST", f"/connections/{draft['id']}/action?op=publish")
    flow = made(emulator, once(emulator), "/flows")
    now = seconds(emulator)
    window = {"startTime": now + 60, "windowStartTime": now - 3600, "windowEndTime": now}
    params = {**window, "deltaColumn": {"name": "entered_at"}}
    send(emulator, "POST", "/runs", {"flowId": flow["id"], "params": params})
    spec = {"name": "acme-crm", "providerId": "0ed90a81-07f4-4586-8190-b40eccef1c5a"}
    send(emulator, "POST", "/connectionSpecs", spec)
    send(emulator, "DELETE", path)
    return recorded.recording


HARD_TO_MEET = {"partial-run-status", "activation-status", "spec-answer"}
"""Quirks that need a source with bad rows, a destination flow or a service token; tested by example."""
SWITCHES = [(name, value) for name, row in QUIRKS.items() for value in row.values if name not in HARD_TO_MEET]


@each("quirk, value", SWITCHES)
def test_a_switched_quirk_is_observed_and_no_other(quirk: str, value: str) -> None:
    found = {one.quirk: one for one in observe(every_disagreement(Emulator(Config(seed=3, quirk={quirk: value}))))}
    assert found[quirk].value == value, str(found[quirk])
    usual = {name: (None, QUIRKS[name].default) for name in found if name != quirk}
    assert not {name: found[name].value for name in usual if found[name].value not in usual[name]}


@pytest.mark.parametrize("which", [0, 1], ids=["defaults", "others"])
def test_masking_hides_no_quirk(which: int, tmp_path: Path) -> None:
    """A recorder replaced the code 1439-400, because no document has 1439 with this status."""
    quirks = {name: row.values[which] for name, row in QUIRKS.items() if name != "error-body"}  # "legacy" has no codes
    recording = every_disagreement(Emulator(Config(seed=3, quirk=quirks)))
    kept = recorder(tmp_path / "session.har")
    for one in recording.exchanges:
        kept.add(one.call, one.result, one.call.received_ms)
    kept.close(complete=True)
    seen = observe(recording)
    assert observe(Recording.load(kept.path, Contract.load())) == seen
    unseen = sorted(QUIRKS.keys() - chosen(seen).keys())
    assert len(unseen) <= len(HARD_TO_MEET), f"let every_disagreement() send a request that shows {unseen}"


@pytest.mark.parametrize("which", [0, 1], ids=["defaults", "others"])
def test_errors_that_have_no_code_show_the_same_quirks(which: int, tmp_path: Path) -> None:
    quirks, seen = {name: row.values[which] for name, row in QUIRKS.items()}, []
    for form in ("problem", "legacy"):
        recording = every_disagreement(Emulator(Config(seed=3, quirk={**quirks, "error-body": form})))
        path = tmp_path / f"{form}.har"
        path.write_text(json.dumps(as_har(recording)), encoding="utf-8")
        seen.append(chosen(observe(Recording.load(path, Contract.load()))))
    assert [one.pop("error-body") for one in seen] == ["problem", "legacy"]
    assert seen[1] == seen[0]


def test_a_calibrated_emulator_shows_no_difference() -> None:
    odd = {"delete-status": "202", "run-answer": "bare", "gateway-body": "2026", "error-body": "legacy"}
    recording = every_disagreement(Emulator(Config(seed=3, quirk=odd)))
    before = Replay(recording, (server := Server(Emulator(Config()))).send).run(server.before)
    assert described(before)
    quirks = chosen(observe(recording))
    after = Replay(recording, (server := Server(Emulator(Config(quirk=quirks)))).send).run(server.before)
    assert not described(after)


def test_what_contradicts_itself_is_not_chosen() -> None:
    one, other = (every_disagreement(Emulator(Config(quirk={"delete-status": value}))) for value in ("204", "202"))
    found = {row.quirk: row for row in observe(Recording((*one.exchanges, *other.exchanges)))}
    assert found["delete-status"].finding == "contradictory" and found["delete-status"].value is None
    assert "contradictory" in str(found["delete-status"])


def test_what_was_not_met_stays_as_it_is() -> None:
    found = {row.quirk: row for row in observe(tell(Emulator(Config(seed=1))))}
    assert found["content-type"].finding == "not observed" and str(found["content-type"]) == "default 400"
    assert "content-type" not in fragment(list(found.values()))
    assert 'delete-status = "204"' in fragment(list(found.values()))


def test_every_quirk_has_an_observer_or_says_why_not() -> None:
    missing = set(QUIRKS) - set(OBSERVERS) - set(NOT_OBSERVABLE)
    assert not missing, f"add to mockserver/recordings/observers.py: {', '.join(sorted(missing))}"
    assert set(OBSERVERS) <= set(QUIRKS)


@pytest.mark.parametrize("value", ["bare", "items"])
def test_the_answer_to_a_new_spec_is_observed(value: str) -> None:
    emulator = Emulator(Config(seed=3, quirk={"spec-writers": "any", "spec-answer": value}))
    found = {one.quirk: one for one in observe(every_disagreement(emulator))}
    assert (found["spec-answer"].value, found["spec-writers"].value) == (value, "any")


@pytest.mark.parametrize(
    ("path", "headers", "value"),
    [
        ("/connections?limit=101", {}, "clamp"),
        ("/connections?limit=5000", {}, "clamp"),
        ("/connections?limit=100", {}, None),
        ("/connections?limit=101", {"authorization": None}, None),
        (f"/connectionSpecs/{connection()['connectionSpec']['id']}/configs?limit=101", {}, None),
    ],
)
def test_a_limit_is_observed_in_lists_alone_and_a_refusal_by_its_reason(
    path: str, headers: dict[str, None], value: str | None
) -> None:
    """An older version refused it in `configs`, and was calibrated to refuse it in lists."""
    recorded = Recorded(Emulator(Config(seed=3)))
    send(recorded.emulator, "GET", path, headers=headers)
    assert {one.quirk: one.value for one in observe(recorded.recording)}["limit-above-maximum"] == value
