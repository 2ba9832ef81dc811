"""Tests of the composite action: its steps run in a shell like in a runner, from start to verdict."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from mockserver import __version__
from tests.publishing.files import ACTION, ROOT, folder

__all__ = ["folder"]
DOCUMENT = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
BASE = "/data/foundation/flowservice"


class Runner:
    """Runs the action's steps with inputs and keeps their outputs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.temp = folder, folder / "temp"
        self.summary, self.output = folder / "summary.md", folder / "output"
        self.said = ""
        (self.temp / "mock-flow-service" / "bin").mkdir(parents=True)
        # already installed, as for the second use of the action
        (self.temp / "mock-flow-service" / "bin" / "mockserver").symlink_to(Path(sys.executable).parent / "mockserver")

    def use(self, **inputs: str) -> int:
        """Run the action; returns the exit status of the first failing step, else 0."""
        given = {name: inputs.get(name, str(row.get("default", ""))) for name, row in DOCUMENT["inputs"].items()}
        for step in DOCUMENT["runs"]["steps"]:
            wanted = {"inputs.report == ''": not given["report"], "inputs.report != ''": bool(given["report"])}
            if not wanted.get(step.get("if", ""), True):
                continue
            status = self._run(step["run"], {name: self._filled(text, given) for name, text in step["env"].items()})
            if status:
                return status
        return 0

    @property
    def url(self) -> str:
        """The output `url`."""
        return self.output.read_text().splitlines()[-1].removeprefix("url=")

    def _filled(self, text: str, given: Mapping[str, str]) -> str:
        text = text.replace("${{ runner.temp }}", str(self.temp))
        for name, value in given.items():
            text = text.replace(f"${{{{ inputs.{name} }}}}", value)
        assert "${{" not in text
        return text

    def _run(self, script: str, environ: Mapping[str, str]) -> int:
        files = {"GITHUB_OUTPUT": str(self.output), "GITHUB_STEP_SUMMARY": str(self.summary)}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env={**os.environ, **files, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
        )
        self.said += done.stdout
        return done.returncode

    def stop(self) -> None:
        """End the server, like a runner at the end of a job."""
        for stat in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if str(self.temp).encode() in stat.read_bytes():
                    os.kill(int(stat.parent.name), signal.SIGTERM)


@pytest.fixture
def runner(folder: Path) -> Iterator[Runner]:
    made = Runner(folder)
    yield made
    made.stop()


def call(url: str, path: str, **headers: str) -> int:
    sent = {
        "Authorization": "Bearer t0k3n-of-mine",
        "x-api-key": "key",
        "x-gw-ims-org-id": "0123456789ABCDEF01234567@AdobeOrg",
    }
    return requests.get(f"{url}{BASE}{path}", headers={**sent, **headers}, timeout=30).status_code


def test_the_server_is_ready_when_the_action_ends_and_is_judged_by_the_second_use(runner: Runner) -> None:
    assert runner.use(version=__version__, port="0") == 0, runner.said
    assert call(runner.url, "/connections", **{"x-sandbox-name": "prod"}) == 200
    assert runner.use(version=__version__, report="flow-report") == 0, runner.said
    assert "no findings" in runner.summary.read_text() or "Keeps" in runner.summary.read_text()
    assert call(runner.url, "/connections") == 400
    assert runner.use(version=__version__, report="flow-report") == 1
    assert "header.sandbox-missing" in runner.summary.read_text()
    assert (runner.folder / "flow-report" / "junit.xml").is_file()


def test_its_inputs_are_the_servers_options(runner: Runner) -> None:
    (runner.folder / "faults.yaml").write_text("- {fault: forbidden, operation: listConnections}\n", encoding="utf-8")
    inputs = {"port": "0", "strict": "true", "state": "flow.db", "faults": "faults.yaml"}
    assert runner.use(version=__version__, **inputs) == 0, runner.said
    assert (runner.folder / "flow.db").is_file()
    assert call(runner.url, "/connections", **{"x-sandbox-name": "prod"}) == 403, "the fault is in force"
    assert call(runner.url, "/connections/7", **{"x-sandbox-name": "prod"}) == 401, "only tokens issued here"


@pytest.mark.parametrize(
    ("inputs", "status", "says"),
    [
        ({"version": "1.0; touch planted"}, 2, "version must be a release"),
        ({"version": "$(touch planted)"}, 2, "version must be a release"),
        ({"version": __version__, "port": "$(touch planted)"}, 1, "did not start"),
        ({"version": __version__, "port": "0", "faults": "nothing.yaml"}, 1, "did not start"),
        ({"version": __version__, "report": "out"}, 2, "without 'report' first"),
    ],
    ids=["command", "substitution", "port", "no-faults-file", "report-first"],
)
def test_wrong_inputs_end_the_step_and_are_never_run(
    runner: Runner, inputs: dict[str, Any], status: int, says: str
) -> None:
    assert runner.use(**inputs) == status, runner.said
    assert says in runner.said and not (runner.folder / "planted").exists()


def test_inputs_reach_the_shell_by_variables_alone() -> None:
    for step in DOCUMENT["runs"]["steps"]:
        assert "${{" not in step["run"] and step["shell"] == "bash"
    assert DOCUMENT["inputs"]["version"]["required"] is True
    assert {name for name, row in DOCUMENT["inputs"].items() if "default" not in row} == {"version"}


def test_the_readme_of_ci_lists_every_input() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    assert [name for name in DOCUMENT["inputs"] if f"`{name}`" not in page] == []
