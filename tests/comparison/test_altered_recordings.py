"""Tests that a comparison tells what somebody did to a recording, in place of findings about the service."""

from __future__ import annotations

import json
from pathlib import Path

from mockserver import Config, Emulator
from mockserver.contract import Contract
from mockserver.recordings.recording import Recording
from tests.calls import HEADERS, connection, made, send
from tests.comparison.test_consequences import compared, findings, reasons
from tests.recordings.story import Recorded, as_har
from tests.recordings.test_record_command import recorder

OTHER_ORG = "0123456789ABCDEF01234567@AdobeOrg"


def test_what_follows_from_a_removed_change_is_not_comparable(tmp_path: Path) -> None:
    recorded = Recorded(Emulator(Config(seed=3)))
    new = made(recorded.emulator)
    path, patch = f"/connections/{new['id']}", [{"op": "replace", "path": "/name", "value": "renamed"}]
    send(recorded.emulator, "PATCH", path, patch, headers={"if-match": new["etag"]})
    send(recorded.emulator, "GET", path)
    send(recorded.emulator, "PATCH", path, patch, headers={"if-match": new["etag"]})
    kept = recorder(tmp_path / "x.har")
    for one in recorded.exchanges:
        kept.add(one.call, one.result, one.call.received_ms)
    kept.close(complete=True)
    document = json.loads(kept.path.read_bytes())
    del document["log"]["entries"][1]
    kept.path.write_text(json.dumps(document), encoding="utf-8")
    done = compared(Recording.load(kept.path, Contract.load()))
    assert findings(done) == []
    assert reasons(done) == ["the recording lacks exchanges, which may have changed the entity"] * 2
    assert "exchanges that the file lacks: 1, the first: 2" in done.notes


def test_organisations_that_have_been_given_one_name_are_told(tmp_path: Path) -> None:
    recorded = Recorded(Emulator(Config(seed=3)))
    for org in (HEADERS["x-gw-ims-org-id"], OTHER_ORG):
        send(recorded.emulator, "POST", "/connections", connection(org), headers={"x-gw-ims-org-id": org})
        send(recorded.emulator, "GET", "/connections", headers={"x-gw-ims-org-id": org})
    told = []
    for name in (OTHER_ORG, HEADERS["x-gw-ims-org-id"]):
        text = json.dumps(as_har(recorded.recording)).replace(OTHER_ORG, name)
        (tmp_path / "x.har").write_text(text, encoding="utf-8")
        notes = compared(Recording.load(tmp_path / "x.har", Contract.load())).notes
        told.append(any("several sandboxIds" in one for one in notes))
    assert told == [False, True]
