"""Tests that a comparison tells what a service says in unknown words, although a recording does not have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.contract import Contract
from mockserver.exchange import Result as Answer
from mockserver.recordings.recording import Recording
from tests.calls import HEADERS
from tests.comparison.test_consequences import compared, findings
from tests.recordings.test_record_command import recorder
from tests.recordings.test_recording_secrecy import a_call

UNKNOWN_ITEM = "/connections/00000000-0000-4000-8000-000000000000"
REFUSED: Any = Emulator(Config(seed=3)).handle(a_call(path=UNKNOWN_ITEM)).body


def found(tmp_path: Path, answer: Answer, **members: Any) -> list[str]:
    kept = recorder(tmp_path / "x.har")
    kept.add(a_call(**members), answer, 1_700_000_000_001)
    kept.close(complete=True)
    assert "zuckerbrot" not in kept.path.read_text(encoding="utf-8").lower()
    return [difference for _, difference in findings(compared(Recording.load(kept.path, Contract.load())))]


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({}, []),
        ({"errorMessage": "Zuckerbrot"}, []),
        ({"title": "Zuckerbrot not found"}, ["value /title: recorded an unknown text, here a fixed value"]),
        ({"type": "https://ns.adobe.com/aep/errors/FLOW-4711-404"}, ["error code /: recorded 404, here 1439-404"]),
        ({"zuckerbrot": 1}, ["missing member /pseudo-"]),
    ],
    ids=["nothing", "text", "title", "code", "member"],
)
def test_an_error_in_unknown_words_is_another_one(
    tmp_path: Path, changed: dict[str, Any], difference: list[str]
) -> None:
    shown = found(tmp_path, Answer(404, {**REFUSED, **changed}), path=UNKNOWN_ITEM)
    assert len(shown) == len(difference)
    assert all(expected in one for expected, one in zip(difference, shown, strict=True))


@pytest.mark.parametrize(("code", "differs"), [("403000", False), ("403999", True), ("Zuckerbrot", True)])
def test_an_unknown_code_of_the_gateway_is_another_one(tmp_path: Path, code: str, differs: bool) -> None:
    headers = {name: value for name, value in HEADERS.items() if name != "x-api-key"}
    answer = Answer(403, {"error_code": code, "message": "Api Key is required"})
    assert bool(found(tmp_path, answer, headers=headers)) is differs


def test_members_of_unknown_names_are_paired_with_those_that_are_only_here(tmp_path: Path) -> None:
    listed = {"items": [], "_links": {}}
    assert found(tmp_path, Answer(200, listed)) == []
    (tmp_path / "x.har").unlink()
    (only,) = found(tmp_path, Answer(200, {**listed, "zuckerbrot": 1}))
    assert "missing member /pseudo-" in only and "recorded number, here absent" in only
    (tmp_path / "x.har").unlink()
    assert found(tmp_path, Answer(200, {"items": [], "zuckerbrot": {}})) == []
