"""Tests that a contributed recording becomes samples: agreeing, differing with a reason, and failing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mockserver import Config, Emulator
from mockserver.cli import main
from mockserver.contract import Contract
from mockserver.evidence import contributed, page
from mockserver.evidence.fidelity import table
from mockserver.evidence.samples import folder
from tests.recordings.story import as_har, tell

Contribute = Callable[..., Path]
OTHER_STATUS = [{"operation": "deleteConnection", "kind": "status", "pointer": "", "reason": "as in that region"}]


@pytest.fixture(scope="module")
def recorded() -> str:
    return json.dumps(as_har(tell(Emulator(Config(seed=5)))))


@pytest.fixture
def contribute(tmp_path: Path, recorded: str) -> Contribute:
    """Write a recording and its description, in which a deletion has another status than here."""

    def write(status: int = 204, **description: Any) -> Path:
        har = json.loads(recorded)
        for entry in har["log"]["entries"]:
            if entry["request"]["method"] == "DELETE" and "/connections/" in entry["request"]["url"]:
                entry["response"]["status"] = status
        path = tmp_path / "mine.har"
        path.write_text(json.dumps(har), encoding="utf-8")
        page = {"page": "recording of a test", "read": "2026-11-29", **description}
        path.with_suffix(".yaml").write_text(json.dumps(page), encoding="utf-8")
        return path

    return write


def test_a_recording_becomes_samples(contribute: Contribute) -> None:
    found = list(contributed.replay(contribute()))
    assert len(found) > 30 and all(sample.passed for sample in found)
    assert {sample.aspect for sample in found} == {"success", "state", "list", "refusal"}
    assert {(sample.provenance, sample.source, sample.page) for sample in found} == {
        ("recorded", "recording of a test", "mine")
    }


def test_a_difference_is_a_sample_that_fails_and_names_its_reason(contribute: Contribute) -> None:
    [failed] = [one for one in contributed.replay(contribute(202)) if not one.passed and "status" in one.departures[0]]
    assert failed.operation == "deleteConnection" and failed.differs == ""
    [told] = [one for one in contributed.replay(contribute(202, differs=OTHER_STATUS)) if one.differs]
    assert told.differs == "as in that region" and not told.passed


def test_the_command_names_what_differs_and_where_to_give_the_reason(
    contribute: Contribute, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tuple(contributed.replay(contribute(202)))
    monkeypatch.setattr(contributed, "samples", lambda: found)
    done = CliRunner().invoke(main, ["fidelity"])
    assert done.exit_code == 1
    number = next(one.id for one in found if not one.passed)
    assert f"differs: mine/{number} (deleteConnection): status /: recorded 202, here 204" in done.output
    assert done.output.endswith("see fidelity/README.md.\n")


def test_errors_that_have_no_code_are_answered_alike(tmp_path: Path) -> None:
    recording = as_har(tell(Emulator(Config(seed=5, quirk={"error-body": "legacy"}))))
    path = tmp_path / "mine.har"
    path.write_text(json.dumps(recording), encoding="utf-8")
    described = {"page": "recording of a test", "read": "2026-11-29", "quirks": {"error-body": "legacy"}}
    path.with_suffix(".yaml").write_text(json.dumps(described), encoding="utf-8")
    assert all(sample.passed for sample in contributed.replay(path))


def test_the_page_tells_what_it_measures(contribute: Contribute) -> None:
    found = tuple(contributed.replay(contribute()))
    with_recordings, without = (page.write(table(one, Contract.load()), one) for one in (found, ()))
    assert "fidelity to the real service" in with_recordings and "Until recordings" in without
    assert "Until recordings" not in with_recordings


def test_a_quirk_of_the_description_is_set(contribute: Contribute) -> None:
    found = contributed.replay(contribute(202, quirks={"delete-status": "202"}))
    assert {one.operation for one in found if not one.passed} == {"deleteByFlow"}  # recorded with 204


def test_a_reason_that_is_no_longer_needed_is_refused(contribute: Contribute) -> None:
    with pytest.raises(ValueError, match="differs no longer: deleteConnection"):
        list(contributed.replay(contribute(differs=OTHER_STATUS)))


@pytest.mark.parametrize("description", [{"page": 1, "date": "x"}, {"quirk": {}}])
def test_a_description_of_another_form_is_refused(contribute: Contribute, description: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"mine\.yaml"):
        list(contributed.replay(contribute(**description)))


def test_a_recording_without_a_description_is_refused(contribute: Contribute) -> None:
    path = contribute()
    assert contributed.files(path.parent) == [path]
    path.with_suffix(".yaml").unlink()
    with pytest.raises(ValueError, match="mine"):
        contributed.files(path.parent)


def test_the_recordings_of_this_repository_are_answered_alike_or_say_why_not() -> None:
    found = [one for path in contributed.files(folder() / "recorded") for one in contributed.replay(path)]
    assert not [f"{one.page}/{one.id}" for one in found if not one.passed and not one.differs]
