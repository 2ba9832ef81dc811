"""Tests that the ids of responses are in a recording as they were, because a comparison maps them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from mockserver import Config, Emulator
from mockserver.comparison.symbols import Symbol, symbols_in
from mockserver.contract import Contract
from mockserver.exchange import Call
from mockserver.recordings.recording import Recording
from tests.calls import HEADERS, made, send
from tests.comparison.test_consequences import compared, findings, reasons
from tests.dataflows import HOUR, flow, pass_time
from tests.recordings.story import Recorded, connections, flows, lists
from tests.recordings.test_record_command import recorder

CATALOG = "/data/foundation/catalog"


def next_door(emulator: Emulator) -> None:
    """Read the batches of a flow's runs, and what else shows ids beside Flow Service."""
    made(emulator, flow(emulator), "/flows")
    pass_time(emulator, HOUR)
    for path in ("batches", "lastBatches", "dataSets"):
        send(emulator, "GET", f"{CATALOG}/{path}")
    (batch, *_) = send(emulator, "GET", f"{CATALOG}/batches").body  # type: ignore[misc]
    for path in (f"{CATALOG}/batches/{batch}", f"/data/foundation/export/batches/{batch}/files"):
        send(emulator, "GET", path)


def test_ids_of_responses_are_written_as_they_were(tmp_path: Path) -> None:
    recorded = Recorded(Emulator(Config(seed=3)))
    for story in (connections, lists, flows, next_door):
        story(recorded.emulator)
    kept = recorder(tmp_path / "x.har")
    for one in recorded.exchanges:
        kept.add(one.call, one.result, one.call.received_ms + 1)
    kept.close(complete=True)
    written = Recording.load(tmp_path / "x.har", Contract.load())
    assert len(written.exchanges) == len(recorded.exchanges)
    for was, one in zip(recorded.exchanges, written.exchanges, strict=True):
        shown, written_ids = (Counter(symbols_in(body)) for body in (was.result.body, one.result.body))
        cursors = [sum(count for (kind, _), count in made.items() if kind == "page") for made in (shown, written_ids)]
        assert cursors[0] == cursors[1], one.operation  # a cursor has a stand-in
        assert without_cursors(shown) - {("id", HEADERS["x-gw-ims-org-id"])} == without_cursors(written_ids), (
            one.operation
        )


def without_cursors(symbols: Iterable[Symbol]) -> set[Symbol]:
    return {symbol for symbol in symbols if symbol[0] != "page"}


def test_a_refused_api_key_says_nothing_about_another_server(tmp_path: Path) -> None:
    emulator = Emulator(Config(seed=3, api_keys=("known",)))
    kept = recorder(tmp_path / "x.har")
    for key in (str(uuid.UUID(int=7)), "two words"):
        call = Call("GET", "/connections", "", {**HEADERS, "x-api-key": key}, b"", "", 1_700_000_000_000)
        kept.add(call, emulator.handle(call), 1_700_000_000_001)
    kept.close(complete=True)
    outcome = compared(Recording.load(tmp_path / "x.har", Contract.load()))
    assert findings(outcome) == []
    assert reasons(outcome) == ["only the recorded service knows the API keys"] * 2
