"""Tests that a service which gives an id again has one finding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockserver import Config, Emulator
from mockserver.contract import Contract
from mockserver.recordings.recording import Recording
from tests.calls import connection, made, send
from tests.comparison.test_consequences import compared, findings
from tests.recordings.story import Recorded, as_har


@pytest.mark.parametrize("deleted", [True, False])
def test_an_id_that_is_given_again_is_one_finding(tmp_path: Path, deleted: bool) -> None:
    recorded = Recorded(Emulator(Config(seed=3)))
    emulator, ids = recorded.emulator, []
    for name in ("first", "second"):
        new = made(emulator, connection(name))
        ids.append(new["id"])
        one = f"/connections/{new['id']}"
        emulator.runtime.clock.advance(1_000)
        send(emulator, "GET", one)
        patch = [{"op": "replace", "path": "/description", "value": name}]
        send(emulator, "PATCH", one, patch, headers={"if-match": new["etag"]})
        send(emulator, "GET", one)
        if deleted:
            send(emulator, "DELETE", one)
            send(emulator, "GET", one)
    text = json.dumps(as_har(recorded.recording)).replace(ids[1], ids[0])
    (tmp_path / "x.har").write_text(text, encoding="utf-8")
    outcome = compared(Recording.load(tmp_path / "x.har", Contract.load()))
    found = "reference /id: recorded the id of an earlier entity, here a new id"
    assert findings(outcome) == [("createConnection", found)]
