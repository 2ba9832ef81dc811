"""Tests of `--learn`: an emulator starts with the state at the end of a recording, and says what it guessed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mockserver import Config, Emulator, flow_service
from mockserver.cli import main
from mockserver.clients.program import PrivateServer
from mockserver.config import ConfigError
from mockserver.contract import Contract
from mockserver.exchange import Tenant
from mockserver.recordings import learning
from mockserver.recordings.before import existing_before
from mockserver.recordings.recording import Recording
from mockserver.specs.connectors import Connectors
from tests.calls import HEADERS, connection, made, send
from tests.dataflows import HOUR, flow, pass_time
from tests.recordings.story import Recorded, as_har
from tests.recordings.test_record_command import recorder
from tests.resources.test_specs import CONNECTION_SPEC, SERVICE

OTHER_ORG = "0123456789ABCDEF01234567@AdobeOrg"


@pytest.fixture
def recorded() -> Recorded:
    return Recorded(Emulator(Config(seed=3, service_clients=(SERVICE["x-api-key"],))))


def saved(recorded: Recorded, folder: Path) -> Path:
    path = folder / "session.har"
    path.write_text(json.dumps(as_har(recorded.recording)), encoding="utf-8")
    return path


def learnt(path: Path, **settings: Any) -> tuple[Emulator, learning.Learned]:
    emulator = Emulator(Config(learn=str(path), **settings))
    return emulator, learning.start_from(emulator, str(path), OTHER_ORG)


def item(emulator: Emulator, path: str, **headers: str) -> dict[str, Any]:
    answer = send(emulator, "GET", path, headers=headers)
    assert answer.status == 200, answer.body
    assert isinstance(answer.body, dict)
    found: dict[str, Any] = answer.body["items"][0]
    return found


def test_what_was_shown_is_there_as_it_was_shown(recorded: Recorded, tmp_path: Path) -> None:
    emulator = recorded.emulator
    made_flow = made(emulator, flow(emulator), "/flows")
    pass_time(emulator, HOUR)
    shown = {kind: send(emulator, "GET", f"/{kind}").body for kind in ("connections", "sourceConnections", "flows")}
    before = item(emulator, f"/flows/{made_flow['id']}")
    ours, learned = learnt(saved(recorded, tmp_path))
    ours.runtime.clock.freeze(emulator.runtime.clock.now_ms())
    for kind, list_ in shown.items():
        assert isinstance(list_, dict)
        for one in list_["items"]:
            assert item(ours, f"/{kind}/{one['id']}")["etag"] == one["etag"]
    after = item(ours, f"/flows/{made_flow['id']}")
    assert {**after, "lastRunDetails": 0, "lastOperation": 0} == {**before, "lastRunDetails": 0, "lastOperation": 0}
    assert not [line for line in learned.left_out if "targetConnections" not in line]
    again = send(ours, "PATCH", f"/flows/{made_flow['id']}", [{"op": "replace", "path": "/name", "value": "new"}],
                 headers={"if-match": before["etag"]})  # fmt: skip
    assert again.status == 200


def test_what_was_created_and_never_shown_is_there_and_said_to_be_guessed(recorded: Recorded, tmp_path: Path) -> None:
    emulator = recorded.emulator
    kept, gone = made(emulator, connection("kept")), made(emulator, connection("gone"))
    patch = [{"op": "Replace", "path": "/name", "value": "renamed"}]
    patched: Any = send(emulator, "PATCH", f"/connections/{kept['id']}", patch, headers={"if-match": kept["etag"]}).body
    send(emulator, "DELETE", f"/connections/{gone['id']}")
    made_flow = made(emulator, flow(emulator), "/flows")
    send(emulator, "POST", f"/flows/{made_flow['id']}/action?op=disable")
    ours, learned = learnt(saved(recorded, tmp_path))
    found = item(ours, f"/connections/{kept['id']}")
    assert (found["name"], found["etag"], found["state"]) == ("renamed", patched["etag"], "enabled")
    assert send(ours, "GET", f"/connections/{gone['id']}").status == 404
    there = item(ours, f"/flows/{made_flow['id']}")
    assert there["state"] == "disabled" and there["inheritedAttributes"]["sourceConnections"]
    assert send(ours, "POST", f"/flows/{made_flow['id']}/action?op=enable").status == 200
    assert send(ours, "GET", f"/flows/{made_flow['id']}").status == 200
    assert any(kept["id"] in line and "never shown" in line for line in learned.guessed)


def test_a_companys_own_connector_can_be_connected_to(recorded: Recorded, tmp_path: Path) -> None:
    emulator = recorded.emulator
    own: Any = send(emulator, "POST", "/connectionSpecs", CONNECTION_SPEC, headers=SERVICE).body
    item(emulator, f"/connectionSpecs/{own['id']}")
    ours, learned = learnt(saved(recorded, tmp_path))
    assert item(ours, f"/connectionSpecs/{own['id']}")["name"] == CONNECTION_SPEC["name"]
    auth = CONNECTION_SPEC["authSpec"][0]["name"]
    body = {"name": "own", "connectionSpec": {"id": own["id"], "version": "1.0"}, "auth": {"specName": auth}}
    refused: Any = send(ours, "POST", "/connections", {**body, "auth": {"specName": "No Such", "params": {}}})
    assert refused.status == 400 and auth in json.dumps(refused.body)  # the connector's params are known
    assert learned.learned == [f"connectionSpecs {own['id']}"]


def test_the_catalogues_specs_are_no_news(recorded: Recorded, tmp_path: Path) -> None:
    send(recorded.emulator, "GET", "/connectionSpecs")
    send(recorded.emulator, "GET", "/flowSpecs")
    with pytest.raises(ValueError, match="nothing to learn"):
        learnt(saved(recorded, tmp_path))


def test_an_organisation_that_is_named_gets_what_the_recording_shows(recorded: Recorded, tmp_path: Path) -> None:
    first = made(recorded.emulator)
    item(recorded.emulator, f"/connections/{first['id']}")
    ours, learned = learnt(saved(recorded, tmp_path), orgs=(OTHER_ORG,))
    found = item(ours, f"/connections/{first['id']}", **{"x-gw-ims-org-id": OTHER_ORG})
    assert found["imsOrgId"] == OTHER_ORG and learned.tenants == (Tenant(OTHER_ORG, "prod"),)
    assert OTHER_ORG in learned.summary


def masked(recorded: Recorded, folder: Path) -> str:
    """The recording as `mockserver record` writes it."""
    kept = recorder(folder / "masked.har")
    for one in recorded.exchanges:
        kept.add(one.call, one.result, one.call.received_ms)
    kept.close(complete=True)
    return str(kept.path)


def test_a_client_finds_what_was_learned_under_the_stand_in_of_an_organisation(
    recorded: Recorded, tmp_path: Path
) -> None:
    """No client sends the stand-in: `exec`, the fixture and a server had nothing for any client."""
    first = made(recorded.emulator)
    item(recorded.emulator, f"/connections/{first['id']}")
    path = masked(recorded, tmp_path)
    with flow_service(learn=path) as service:
        org = service.headers["x-gw-ims-org-id"]
        assert item(service.emulator, f"/connections/{first['id']}", **{"x-gw-ims-org-id": org})["imsOrgId"] == org
    with PrivateServer(Config(log="none", learn=path), {"FLOW_SERVICE_ORG": OTHER_ORG}) as server:
        assert item(server.emulator, f"/connections/{first['id']}", **{"x-gw-ims-org-id": OTHER_ORG})


def test_what_is_missing_is_said(recorded: Recorded, tmp_path: Path) -> None:
    emulator = recorded.emulator
    first = made(emulator)
    recorded.exchanges.clear()  # as in a recording that begins later
    send(emulator, "GET", f"/connections/{first['id']}/test")
    send(emulator, "GET", "/data/foundation/catalog/dataSets")
    made(emulator, connection("other"))
    _, learned = learnt(saved(recorded, tmp_path))
    assert f"connections {first['id']}: used, but never shown completely" in learned.left_out
    assert any(line.startswith("catalog: ") for line in learned.left_out)


def test_a_reset_returns_to_what_was_learned(recorded: Recorded, tmp_path: Path) -> None:
    first = made(recorded.emulator)
    item(recorded.emulator, f"/connections/{first['id']}")
    with flow_service(learn=str(saved(recorded, tmp_path))) as service:
        assert service.learned is not None and service.learned.learned == [f"connections {first['id']}"]
        assert send(service.emulator, "DELETE", f"/connections/{first['id']}").status == 204
        service.reset()
        assert item(service.emulator, f"/connections/{first['id']}")["etag"] == first["etag"]


def test_exec_prints_what_was_guessed(recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made(recorded.emulator)
    monkeypatch.setenv("MOCKSERVER_LEARN", str(saved(recorded, tmp_path)))
    monkeypatch.setenv("MOCKSERVER_CA_FOLDER", str(tmp_path / "ca"))
    headers = {name: HEADERS[name] for name in ("authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name")}
    program = (
        "import os, sys, json, urllib.request as u\n"
        f"r = u.Request(os.environ['FLOW_SERVICE_URL'] + '/connections/{first['id']}', headers={headers!r})\n"
        "assert json.load(u.urlopen(r))['items'][0]['name']"
    )
    done = CliRunner().invoke(main, ["exec", "--", sys.executable, "-c", program])
    assert "learned from " in done.output and "guessed: connections" in done.output
    assert done.exit_code == 0, done.output


def test_records_that_are_kept_are_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="learn cannot be used with state"):
        Config(learn="session.har", state=str(tmp_path / "flow.db"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"log": {"entries": [{"request": {}}]}}', '{"log": {"entries": []}}'])
def test_a_file_that_cannot_be_learned_from_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "session.har").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["exec", "--learn", str(tmp_path / "session.har"), "--", "true"])
    assert done.exit_code == 2 and "session.har" in done.output


def test_a_document_that_would_break_a_later_call_is_left_out(recorded: Recorded, tmp_path: Path) -> None:
    first = made(recorded.emulator)
    item(recorded.emulator, f"/connections/{first['id']}")
    document = as_har(recorded.recording)
    answer = json.loads(document["log"]["entries"][-1]["response"]["content"]["text"])
    for member, value in (("etag", 7), ("updatedAt", "now"), ("connectionSpec", None), ("auth", "x"), ("state", 3)):
        broken = {"items": [{**answer["items"][0], member: value}]}
        document["log"]["entries"][-1]["response"]["content"]["text"] = json.dumps(broken)
        path = tmp_path / f"{member}.har"
        path.write_text(json.dumps({"log": {"entries": document["log"]["entries"][-1:]}}), encoding="utf-8")
        contract = Contract.load()
        found = learning.alive_at_end(Recording.load(path, contract), contract, recorded.emulator.world.connectors)
        assert not found.learned and len(found.left_out) == 1, (member, found)


FLOW_MEMBERS: list[dict[str, Any]] = [
    {"sourceConnectionIds": [{"a": 1}]},
    {"sourceConnectionIds": "text", "targetConnectionIds": None},
    {"inheritedAttributes": {"sourceConnections": [5]}, "sourceConnectionIds": ["x"]},
    {"inheritedAttributes": {"sourceConnections": "text"}},
    {"inheritedAttributes": []},
    {"inheritedAttributes": "text"},
    {"flowSpec": 5},
    {"updatedAt": "yesterday"},
    {"lastOperation": "text"},
    {"id": "\x1b[31m", "scheduleParams": 7},
]


@pytest.mark.parametrize("members", FLOW_MEMBERS, ids=lambda members: "-".join(members))
def test_a_flow_of_another_form_is_left_out_with_its_reason(
    recorded: Recorded, tmp_path: Path, members: dict[str, Any]
) -> None:
    emulator = recorded.emulator
    new = made(emulator, flow(emulator), "/flows")
    send(emulator, "GET", f"/flows/{new['id']}")
    document = as_har(recorded.recording)
    document["log"]["entries"] = document["log"]["entries"][-1:]
    content = document["log"]["entries"][0]["response"]["content"]
    page = json.loads(content["text"])
    content["text"] = json.dumps({"items": [{**page["items"][0], **members}]})
    (tmp_path / "x.har").write_text(json.dumps(document), encoding="utf-8")
    recording = Recording.load(tmp_path / "x.har", Contract.load())
    learned = learning.alive_at_end(recording, Contract.load(), Connectors.load())
    assert learned.learned == []
    assert learned.left_out[0].startswith("flows ") and "\x1b" not in learned.left_out[0]
    earlier = existing_before(recording, Contract.load()).learned
    told = [line for line in (*earlier.left_out, *earlier.guessed) if line.startswith("flows ")]
    assert told and "\x1b" not in told[0]
    with pytest.raises(ValueError, match=r"nothing to learn\n  flows "):
        learnt(tmp_path / "x.har")


@pytest.mark.parametrize(
    "steps",
    [
        [{"op": "remove", "path": ""}],
        [{"op": "replace", "path": "", "value": "text"}],
        [{"op": "replace", "path": "/id", "value": 7}],
        [{"op": "replace", "path": "/updatedAt", "value": "yesterday"}, {"op": 5}],
    ],
)
def test_a_patch_that_no_service_accepts_is_ignored(recorded: Recorded, tmp_path: Path, steps: Any) -> None:
    emulator = recorded.emulator
    new = made(emulator)
    send(emulator, "GET", f"/connections/{new['id']}")
    send(emulator, "GET", f"/connections/{new['id']}", headers={"if-match": new["etag"]})
    document = as_har(recorded.recording)
    body = json.dumps(steps)
    document["log"]["entries"][-1]["request"] |= {"method": "PATCH", "postData": {"mimeType": "", "text": body}}
    (tmp_path / "x.har").write_text(json.dumps(document), encoding="utf-8")
    ours, learned = learnt(tmp_path / "x.har")
    assert item(ours, f"/connections/{new['id']}")["id"] == new["id"]
    assert any("patches cannot be applied" in line for line in learned.guessed)
