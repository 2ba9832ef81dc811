"""Tests that what a wrong service does is still found in a recording of our recorder, which is masked."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts import registry
from contracts.broken import SERVERS, load
from contracts.schema.document import Document
from mockserver.contract import Contract
from mockserver.recordings.recording import Recording
from tests.comparison.broken_services import compared, recorded
from tests.recordings.test_record_command import recorder

registry.load()
load()
DOCUMENT = Document.load()


@pytest.mark.parametrize(
    "name",
    ["password-in-lists", "refuses-methods-without-allow", "stale-is-409", "drops-description", "lost-patch", None],
)
def test_a_wrong_service_is_found_although_its_recording_is_masked(tmp_path: Path, name: str | None) -> None:
    checks = SERVERS[name].checks if name else ("create.as-sent", "etag.stable-on-read", "list.search")
    recording, config = recorded(SERVERS[name] if name else None, checks, DOCUMENT)
    kept = recorder(tmp_path / "x.har")
    for one in recording.exchanges:
        kept.add(one.call, one.result, one.call.received_ms + 1)
    kept.close(complete=True)
    found = compared(Recording.load(tmp_path / "x.har", Contract.load()), config).causes
    assert bool(found) is (name is not None), [str(cause.difference) for cause in found]
