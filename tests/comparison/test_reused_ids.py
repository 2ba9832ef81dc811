"""Tests that a service which gives an id again, or keeps one, has one finding without the id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.contract import Contract
from mockserver.recordings.recording import Recording
from tests.calls import connection, made, send
from tests.comparison.test_consequences import compared, findings, recording, show
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


def test_a_finding_about_objects_with_ids_as_names_has_no_id(tmp_path: Path) -> None:
    """A data set is listed after its deletion. One that existed before the recording says nothing."""
    data_sets = "/data/foundation/catalog/dataSets"

    def client(emulator: Emulator) -> None:
        (at,) = send(emulator, "POST", data_sets, {"name": "x"}).body  # type: ignore[misc]
        send(emulator, "DELETE", f"{data_sets}/{at.rpartition('/')[2]}")
        send(emulator, "GET", data_sets)

    def change(entries: list[dict[str, Any]]) -> None:
        deleted = entries[1]["request"]["url"].rpartition("/")[2]
        show(entries[2], {key: {"name": "x"} for key in (deleted, "b" * 24)})

    outcome = compared(recording(tmp_path / "x.har", client, change))
    assert findings(outcome) == [("listDatasets", "missing member /*: recorded object, here absent")]
