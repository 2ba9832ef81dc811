"""Tests of `mockserver compare` and `calibrate`: verdicts, exit statuses, reports, accepted differences."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from mockserver import Config, Emulator
from mockserver.cli import main
from mockserver.clients.program import PrivateServer
from tests.calls import made
from tests.recordings.story import as_har, tell
from tests.recordings.test_calibrating import every_disagreement

ORG = "0123456789ABCDEF01234567@AdobeOrg"
ODD = {"delete-status": "202", "run-answer": "bare"}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def session(tmp_path: Path) -> Path:
    file = tmp_path / "session.har"
    file.write_text(json.dumps(as_har(tell(Emulator(Config(seed=7))))), encoding="utf-8")
    return file


@pytest.fixture
def odd_session(tmp_path: Path) -> Path:
    file = tmp_path / "odd.har"
    file.write_text(json.dumps(as_har(every_disagreement(Emulator(Config(seed=7, quirk=ODD))))), encoding="utf-8")
    return file


def test_a_recording_of_ourselves_is_the_same_on_a_fresh_emulator(session: Path) -> None:
    done = run("compare", session)
    assert done.exit_code == 0, done.output
    assert " same" in done.output and "different" not in done.output


@pytest.mark.parametrize("command", ["compare", "calibrate"])
def test_the_settings_of_a_server_do_not_count(
    command: str, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records in a file were replaced by those of the recording, and all was refused for another organisation."""
    settings = {"state": "flow.db", "faults": "none.yaml", "lake": "rows", "orgs": [ORG]}
    (tmp_path / "mockserver.toml").write_text(
        "".join(f"{name} = {json.dumps(one)}\n" for name, one in settings.items())
    )
    monkeypatch.chdir(tmp_path)
    kept = Emulator(Config(state="flow.db"))
    made(kept)
    kept.close()
    before = (tmp_path / "flow.db").read_bytes()
    done = run(command, session)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "flow.db").read_bytes() == before and not (tmp_path / "rows").exists()


def test_options_for_the_emulator_are_refused_where_none_is_started(session: Path) -> None:
    done = run("compare", session, "--against", "http://127.0.0.1:1", "--quirk", "delete-status=202", "--sandbox", "a")
    assert done.exit_code == 2
    assert "--quirk, --sandbox cannot be used with --against" in done.output


def test_one_cause_is_one_finding_with_its_place(odd_session: Path, tmp_path: Path) -> None:
    done = run("compare", odd_session, "--report", tmp_path / "report")
    assert done.exit_code == 1
    assert "deleteConnection: status /: recorded 202, here 204" in done.output
    assert "createFlowRun: type /: recorded an object of etag, id, here an object of items" in done.output
    document = json.loads((tmp_path / "report" / "comparison.json").read_text())
    assert document["counts"]["different"] == 2 and document["status"] == 1
    assert ElementTree.parse(tmp_path / "report" / "comparison.xml").getroot()[0].get("failures") == "2"  # noqa: S314
    page = (tmp_path / "report" / "comparison.html").read_text()
    assert "Responses differ" in page and "<mark>" in page
    assert "| `deleteConnection` |" in (tmp_path / "report" / "comparison.md").read_text()


def test_no_value_of_a_client_stands_in_any_report(odd_session: Path, tmp_path: Path) -> None:
    done = run("compare", odd_session, "--report", tmp_path / "report")
    files = [path.read_text() for path in (tmp_path / "report").iterdir()]
    assert len(files) == 4
    for text in (done.output, *files):
        assert "c4n4ry" not in text and "db.example.com" not in text and "hush" not in text


def test_calibration_finds_the_switches_and_ends_without_a_difference(odd_session: Path, tmp_path: Path) -> None:
    done = run("calibrate", odd_session, "--write", tmp_path / "mockserver.toml")
    assert done.exit_code == 0, done.output
    written = (tmp_path / "mockserver.toml").read_text()
    assert 'delete-status = "202"' in written and 'run-answer = "bare"' in written


def test_an_accepted_difference_is_excused_and_one_that_excuses_nothing_is_told(
    odd_session: Path, tmp_path: Path
) -> None:
    accepted = tmp_path / "accepted.yaml"
    rows = [
        {"operation": "deleteConnection", "kind": "status", "pointer": "", "reason": "our region answers 202"},
        {"operation": "createFlowRun", "kind": "type", "pointer": "", "reason": "the older form"},
    ]
    accepted.write_text(json.dumps(rows), encoding="utf-8")
    done = run("compare", odd_session, "--accepted", accepted)
    assert done.exit_code == 0, done.output
    rows.append({"operation": "listFlows", "kind": "order", "pointer": "", "reason": "nobody knows"})
    accepted.write_text(json.dumps(rows), encoding="utf-8")
    done = run("compare", odd_session, "--accepted", accepted)
    assert done.exit_code == 1 and "no longer occurs: listFlows: order /" in done.output


@pytest.mark.parametrize("rows", ["- {operation: a}", "{}", "- {operation: a, kind: odd, pointer: '', reason: b}", "["])
def test_a_file_of_accepted_differences_that_cannot_be_used_is_named(session: Path, tmp_path: Path, rows: str) -> None:
    (tmp_path / "accepted.yaml").write_text(rows, encoding="utf-8")
    done = run("compare", session, "--accepted", tmp_path / "accepted.yaml")
    assert done.exit_code == 2 and "accepted.yaml" in done.output


def test_a_running_server_can_be_compared(session: Path) -> None:
    with PrivateServer(Config(log="none")) as server:
        done = run("compare", session, "--against", server.url)
    assert done.exit_code in (0, 1) and " same" in done.output


def test_a_server_that_is_not_there_cannot_be_compared(session: Path) -> None:
    done = run("compare", session, "--against", "http://127.0.0.1:9")
    assert done.exit_code == 3 and "no response" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--against", "ftp://x"), "http://127.0.0.1:8080"),
        (("--against", "http://me:hush@x"), "without user name"),
        (("--header", "a:b"), "--against"),
        (("--against", "http://127.0.0.1:9", "--header", "a"), "NAME:VALUE"),
    ],
)
def test_wrong_use_says_what_is_right(session: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run("compare", session, *arguments)
    assert done.exit_code == 2 and said in done.output and "hush" not in done.output
