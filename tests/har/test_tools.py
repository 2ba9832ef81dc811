"""Tests that the HAR files of real tools are read whole, and that what a tool left out is said.

`tools/` has one short session of each tool, reduced by hand: a connection is created, shown, changed, changed again
with an outdated etag, and deleted.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mockserver import har
from mockserver.cli import main
from mockserver.contract import Contract
from mockserver.recordings.recording import Recording

TOOLS = Path(__file__).parent / "tools"
PLAYWRIGHT = TOOLS / "playwright" / "session.har"
FILES = {path.stem: path for path in TOOLS.glob("*.har")} | {"playwright": PLAYWRIGHT}
WITHOUT_BODIES = "newman-trace"
WHOLE = pytest.mark.parametrize("tool", sorted(FILES.keys() - {WITHOUT_BODIES}))
SESSION = ["createConnection", "retrieveConnection", "patchConnection", "patchConnection", "deleteConnection"]
STATUSES = [201, 200, 200, 412, 204]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def read(path: Path) -> Recording:
    return Recording.load(path, Contract.load())


@WHOLE
def test_a_session_is_read_whole(tool: str) -> None:
    recording = read(FILES[tool])
    assert recording.remarks == ()
    served = [one for one in recording.exchanges if one.operation in SESSION]
    assert [(one.operation, one.result.status) for one in served] == list(zip(SESSION, STATUSES, strict=True))
    assert isinstance(served[0].body, dict) and served[0].body["name"] == "Übung recorded"
    assert served[2].body == [{"op": "add", "path": "/description", "value": "changed"}]
    assert all(one.call.headers["x-sandbox-name"] == "prod" for one in served)
    assert all(one.call.headers["authorization"].count("Bearer") == 1 for one in served)


@WHOLE
def test_a_session_is_compared_and_the_client_judged(tool: str) -> None:
    compared = run("compare", FILES[tool])
    assert compared.exit_code == 0 and "not comparable" not in compared.output, compared.output
    checked = json.loads(run("check", FILES[tool], "--json").stdout)
    rules = {finding["rule"] for finding in checked["findings"]}
    assert rules <= {"etag.outdated-by-itself", "token.not-issued"}, rules  # the session's own, and newman's variable


@pytest.mark.parametrize("command", ["check", "compare", "calibrate", "assess"])
def test_what_a_tool_left_out_is_said(command: str) -> None:
    said = run(command, FILES[WITHOUT_BODIES])
    assert "requests without their body: 4 of 6" in said.output
    assert "Traceback" not in said.output


def test_requests_about_what_could_not_be_created_are_no_differences() -> None:
    compared = json.loads(run("compare", FILES[WITHOUT_BODIES], "--json").stdout)
    assert compared["causes"] == []


def test_bodies_in_files_of_their_own_are_not_taken_from_elsewhere(tmp_path: Path) -> None:
    text = PLAYWRIGHT.read_text(encoding="utf-8")
    (tmp_path / "secret.json").write_text('{"name": "not yours"}', encoding="utf-8")
    inside = tmp_path / "session"
    inside.mkdir()
    (inside / "x.har").write_text(text.replace("post-201-request.json", "../secret.json"), encoding="utf-8")
    assert read(inside / "x.har").exchanges[0].body is None
    assert "requests without their body: 3 of 5" in read(inside / "x.har").remarks


def test_an_archive_of_playwright_is_read(tmp_path: Path) -> None:
    path = Path(shutil.make_archive(str(tmp_path / "session"), "zip", PLAYWRIGHT.parent))
    assert [one.body for one in read(path).exchanges] == [one.body for one in read(PLAYWRIGHT).exchanges]


@pytest.mark.parametrize("name", ["readme.txt", "session.har"])
def test_an_archive_without_a_har_file_is_refused_in_words(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "no HAR")
    with pytest.raises(har.HarError, match="not a HAR file"):
        har.load(path, Contract.load())


def test_a_comparison_says_nothing_of_entities_that_the_file_never_shows(tmp_path: Path) -> None:
    har_file = json.loads(FILES["mitmproxy"].read_text(encoding="utf-8"))
    entries = har_file["log"]["entries"]
    har_file["log"]["entries"] = [one for one in entries if one["request"]["method"] == "DELETE"]
    path = tmp_path / "deleted.har"
    path.write_text(json.dumps(har_file), encoding="utf-8")
    compared = run("compare", path)
    assert compared.exit_code == 3 and "the recording does not show" in compared.output
