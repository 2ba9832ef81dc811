"""Tests that a recording whose file cannot grow stays valid and without secrets, and does not disturb its client."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockserver.contract import Contract
from mockserver.exchange import Result as Answer
from mockserver.recordings.recorder import Leak
from mockserver.recordings.recording import Recording
from tests.calls import HEADERS
from tests.full_disk import limited_files
from tests.recordings.test_record_command import recorder
from tests.recordings.test_recording_secrecy import LATE, a_call, assert_clean


def named(text: str) -> Answer:
    return Answer(200, {"items": [{"id": "1", "name": text}]})


@pytest.mark.parametrize("size", range(9_000, 10_500, 100))
def test_a_file_that_cannot_grow_ends_with_the_last_exchange_that_fits(tmp_path: Path, size: int) -> None:
    kept = recorder(tmp_path / "x.har")
    with limited_files(size):
        for number in range(20):
            kept.add(a_call(number), named(f"entity {number}"), number)
            json.loads(kept.path.read_text(encoding="utf-8"))
        with pytest.raises(Leak, match=r"lacks all from exchange \d+ \(File too large\)"):
            kept.close(complete=True)
    recording = Recording.load(kept.path, Contract.load())
    assert [one.number for one in recording.exchanges] == list(range(1, len(recording.exchanges) + 1))
    assert 3 < len(recording.exchanges) < 20 and not recording.complete


@pytest.mark.parametrize("place", [0, 1, 3])
def test_what_cannot_be_masked_again_is_cut_off(tmp_path: Path, place: int) -> None:
    """A folder in the place of the new copy makes it fail."""
    kept = recorder(tmp_path / "x.har")
    for number in range(4):
        kept.add(a_call(number), named(f"my {LATE}" if number == place else "other"), number)
    (tmp_path / "x.har.part").mkdir()
    kept.add(a_call(5, headers={**HEADERS, "x-vault": LATE}), named("other"), 5)
    (tmp_path / "x.har.part").rmdir()
    assert_clean(tmp_path, LATE)
    with pytest.raises(Leak, match=rf"lacks all from exchange {place + 1} "):
        kept.close(complete=True)
    assert_clean(tmp_path, LATE)
    assert len(Recording.load(kept.path, Contract.load()).exchanges) == place
