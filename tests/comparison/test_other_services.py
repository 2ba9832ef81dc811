"""Tests that what always differs between two services is no difference: sandbox ids, earlier runs, data of sources.

Each case was seen when servers that are not ours were recorded; see docs/recording.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver import Config, Emulator
from mockserver.comparison import comparing
from mockserver.comparison.replay import ReplayOutcome
from mockserver.contract import Contract
from mockserver.recordings import learning
from mockserver.recordings.recording import Recording
from tests.calls import connection, made, send
from tests.dataflows import HOUR, flow, pass_time
from tests.recordings.story import Recorded, Server, as_har

SANDBOX = "1bd86660-c5da-11e9-93d4-6d5fc3a66a8e"


@pytest.fixture
def har(tmp_path: Path) -> Callable[..., Recording]:
    """Record a session in a sandbox that has a connection, a flow and its runs, and change what the file shows."""

    def write(change: Callable[[str], str] = lambda text: text) -> Recording:
        emulator = Emulator(Config(seed=3))
        made(emulator, connection("earlier"))
        earlier = made(emulator, flow(emulator), "/flows")["id"]
        pass_time(emulator, 5 * HOUR)
        recorded = Recorded(emulator)
        send(emulator, "GET", "/connections")
        send(emulator, "GET", f"/flows/{earlier}")
        send(emulator, "GET", f"/runs?property=flowId=={earlier}")
        new = made(emulator, connection("new"))["id"]
        send(emulator, "GET", f"/connections/{new}")
        send(emulator, "GET", f"/connections/{new}/explore?objectType=root")
        send(emulator, "DELETE", f"/connections/{new}")
        path = tmp_path / "session.har"
        path.write_text(change(json.dumps(as_har(recorded.recording))), encoding="utf-8")
        return Recording.load(path, Contract.load())

    return write


def compared(recording: Recording) -> ReplayOutcome:
    server = Server(Emulator(Config(seed=7)))
    return comparing.with_emulator(recording, server.emulator, server.send)


def of_another_sandbox(text: str) -> str:
    changed = re.sub(r'(sandboxId\\":\\")[0-9a-f-]{36}', rf"\g<1>{SANDBOX}", text)
    assert changed != text
    return changed


def with_a_table_more(text: str) -> str:
    table = r"{\"type\":\"table\",\"name\":\"x.y\",\"path\":\"x.y\",\"canPreview\":true,\"canFetchSchema\":true}"
    changed = text.replace(r'"text": "[{\"type\":\"table\"', rf'"text": "[{table},{{\"type\":\"table\"')
    assert changed != text
    return changed


def with_fewer_runs(text: str) -> str:
    document = json.loads(text)
    content = document["log"]["entries"][2]["response"]["content"]
    page = json.loads(content["text"])
    assert len(page["items"]) > 2
    content["text"] = json.dumps({**page, "items": page["items"][:2]})
    return json.dumps(document)


@pytest.mark.parametrize("change", [str, of_another_sandbox, with_a_table_more, with_fewer_runs])
def test_what_always_differs_is_no_difference(har: Callable[..., Recording], change: Callable[[str], str]) -> None:
    outcome = compared(har(change))
    assert [(cause.operation, str(cause.difference)) for cause in outcome.causes] == []
    assert outcome.count("same") >= 6


def test_a_source_with_tables_is_not_one_without(har: Callable[..., Recording]) -> None:
    def emptied(text: str) -> str:
        entries = json.loads(text)
        for entry in entries["log"]["entries"]:
            if "/explore" in entry["request"]["url"]:
                entry["response"]["content"] = {"size": 2, "text": "[]"}
        return json.dumps(entries)

    assert [cause.operation for cause in compared(har(emptied)).causes] == ["getByConnectionId"]


def test_a_lookup_of_another_entity_is_one_finding(har: Callable[..., Recording]) -> None:
    def another(text: str) -> str:
        entries = json.loads(text)
        first, lookup = (entries["log"]["entries"][number]["response"] for number in (0, 4))
        shown = json.loads(first["content"]["text"])["items"]
        lookup["content"]["text"] = json.dumps({"items": [one for one in shown if one["name"] == "earlier"]})
        return json.dumps(entries)

    [cause] = compared(har(another)).causes
    assert (cause.operation, cause.difference.kind, cause.difference.pointer) == (
        "retrieveConnection", "reference", "/items/*/id",
    )  # fmt: skip


def test_what_needs_an_entity_with_an_id_of_another_form_is_not_called(har: Callable[..., Recording]) -> None:
    def refused_here(text: str) -> str:
        entries = json.loads(text)
        create = entries["log"]["entries"][3]
        new = json.loads(create["response"]["content"]["text"])["id"]
        create["request"]["postData"]["text"] = json.dumps({"name": "refused here"})
        return json.dumps(entries).replace(new, "JKLNE")

    outcome = compared(har(refused_here))
    assert [cause.operation for cause in outcome.causes] == ["createConnection"]
    assert outcome.count("not called") == 3


def test_an_entity_with_an_id_of_another_form_is_followed(har: Callable[..., Recording]) -> None:
    def renamed(text: str) -> str:
        create = json.loads(text)["log"]["entries"][3]
        return text.replace(json.loads(create["response"]["content"]["text"])["id"], "JKLNE")

    outcome = compared(har(renamed))
    assert {(cause.operation, cause.difference.kind) for cause in outcome.causes} == {("createConnection", "form")}
    assert outcome.count("not called") == 0


def test_equal_reasons_are_one_line() -> None:
    lines = ["flows 1: no etag", "flows 2: no etag", "flows 3: no etag", "connections 4: no etag", "flows 5: other"]
    assert list(learning.grouped(lines)) == [
        "flows 1 and 2 more flows: no etag", "connections 4: no etag", "flows 5: other",
    ]  # fmt: skip


def test_flows_without_the_members_that_are_derived_are_learned(har: Callable[..., Recording]) -> None:
    def without(text: str) -> str:
        return text.replace(r"\"properties\":{\"isSourceFlow\":true},", "")

    recording = har(without)
    emulator = Emulator(Config())
    learned = learning.alive_at_end(recording, emulator.contract, emulator.world.connectors)
    assert any(name.startswith("flows") for name in learned.learned), learned.left_out
    assert not [line for line in learned.left_out if line.startswith("flows")]


@pytest.mark.parametrize(("other", "kind"), [(None, "reference"), ("LPQTG", "form")], ids=["id", "word"])
def test_a_lookup_of_another_spec_is_one_finding(tmp_path: Path, other: str | None, kind: str) -> None:
    """Specs have no etag. Specmatic gives random words as ids."""
    recorded = Recorded(Emulator(Config(seed=3)))
    specs = {name: f"/connectionSpecs?property=name=={name}" for name in ("postgre-sql", "amazon-s3")}
    found = {name: send(recorded.emulator, "GET", path).body for name, path in specs.items()}
    ids = {name: page["items"][0]["id"] for name, page in found.items()}  # type: ignore[call-overload,index]
    send(recorded.emulator, "GET", f"/connectionSpecs/{ids['postgre-sql']}")
    document = as_har(recorded.recording)
    text = json.dumps(found["amazon-s3"]).replace(ids["amazon-s3"], other or ids["amazon-s3"])
    document["log"]["entries"][2]["response"]["content"]["text"] = text
    path = tmp_path / "session.har"
    path.write_text(json.dumps(document), encoding="utf-8")
    [cause] = compared(Recording.load(path, Contract.load())).causes
    assert (cause.operation, cause.difference.kind, cause.difference.pointer) == (
        "retrieveConnectionSpec", kind, "/items/*/id",
    )  # fmt: skip
