"""Tests that the jobs of examples/ci work: their steps run in a shell, with a server if they need one."""

from __future__ import annotations

import json
import re
import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mockserver import __version__
from mockserver.clients.program import PrivateServer
from mockserver.config import NAME, load
from tests.programs import needs
from tests.publishing.files import ACTION, JOBS, ROOT, WORKFLOWS, Step, folder, run, steps

__all__ = ["folder"]
REPORT = {"index.html", "junit.xml", "report.json", "report.sarif", "summary.md"}


def by_job(file: str) -> dict[str, list[Step]]:
    """The steps of a file by variant: `exec`, or with a separate server."""
    found = steps(JOBS / file)
    beside = next((n for n, step in enumerate(found) if "start" in step.name or step.name == "service"), len(found))
    return {"exec": found[:beside], "beside": found[beside:]}


@pytest.fixture
def server() -> Iterator[PrivateServer]:
    """A server like the service container, with the variables of the jobs."""
    given = yaml.safe_load((JOBS / "gitlab.yml").read_text(encoding="utf-8"))["service"]["variables"]
    with PrivateServer(load({"log": "none"}, given, Path("/nonexistent"))) as started:
        yield started


@pytest.mark.slow
@pytest.mark.parametrize("file", ["github.yml", "gitlab.yml", "Jenkinsfile", "azure-pipelines.yml"])
def test_a_client_is_run_and_judged_and_its_report_is_kept(file: str, folder: Path) -> None:
    told = {"GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    for step in by_job(file)["exec"]:
        script = step.script
        if script.startswith("python -m venv"):  # the environment with the package
            (folder / ".flow-service").symlink_to(ROOT / ".venv")
            continue
        done = run(script, folder, **told, **step.environ)
        assert done.returncode == 0, f"{step.name}\n{done.stdout}{done.stderr}"
    assert {path.name for path in (folder / "flow-report").iterdir()} == REPORT
    text = (JOBS / file).read_text(encoding="utf-8")
    named = [name for name in REPORT if f"flow-report/{name}" in text]
    assert named, "the job shows a form of the report"
    if file == "github.yml":
        assert (folder / "summary.md").read_text() == (folder / "flow-report" / "summary.md").read_text()
        (ran,) = json.loads((folder / "flow-report" / "report.sarif").read_text())["runs"]
        places = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in ran["results"]]
        assert set(places) <= {"examples/sync_accounts.py"}


@pytest.mark.slow
@pytest.mark.parametrize("file", [pytest.param("github.yml", marks=needs("curl")), "gitlab.yml"])
def test_a_client_beside_a_server_is_judged_at_the_end(file: str, folder: Path, server: PrivateServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = {"GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    ending = "\nkill %1; wait"  # a runner ends the processes that a job left running
    scripts = [step.script for step in by_job(file)["beside"]]
    script = "\n".join([*scripts[:-1], f"({scripts[-1]})"]) + (ending if file == "github.yml" else "")
    script = script.replace("8080", str(port)).replace(f"http://flow-service:{port}", server.url)
    done = run(script, folder, **told, **by_job(file)["beside"][0].environ)
    assert done.returncode in (0, 143), done.stdout + done.stderr
    assert "Passed" in done.stdout, done.stdout + done.stderr
    assert {path.name for path in (folder / "flow-report").iterdir()} == REPORT


def test_a_careless_client_fails_the_job(folder: Path) -> None:
    source = folder / "examples" / "sync_accounts.py"
    text = source.read_text(encoding="utf-8").replace('{**headers, "If-Match": made["etag"]}', '{"x-api-key": "k"}')
    source.write_text(text, encoding="utf-8")
    judging = next(step for step in by_job("gitlab.yml")["exec"])
    done = run(judging.script, folder, **judging.environ)
    assert done.returncode != 0 and "FAIL" in done.stderr


def test_the_tests_of_the_composition_run_against_its_server(folder: Path) -> None:
    services = yaml.safe_load((JOBS / "compose.yaml").read_text(encoding="utf-8"))["services"]
    settings = load({"log": "none"}, services["flow-service"]["environment"], Path("/nonexistent"))
    assert settings.allow_host == ("flow-service",) and settings.admin_token
    assert services["flow-service"]["image"] == f"{NAME}:{__version__}" and "ports" not in services["flow-service"]
    program, script = services["tests"]["command"]
    with PrivateServer(settings) as server:
        environ = {
            name: text.replace("http://flow-service:8080", server.url)
            for name, text in services["tests"]["environment"].items()
        }
        done = run(f"{program} {script.removeprefix('/')}", folder, **environ)
    assert done.returncode == 0 and "customers" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    "file", [*sorted(JOBS.iterdir()), *(ROOT / "docs").glob("*.md"), ROOT / "RELEASING.md"], ids=lambda file: file.name
)
def test_versions_named_in_jobs_and_pages_are_this_one(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    named = re.findall(rf"""(?:VERSION['"]?\s*[:=]\s*['"]|{NAME}:|{NAME}@v|(?<![-\w])version: ")(\d[\w.]*)""", text)
    assert set(named) <= {__version__}, named


def test_package_and_image_have_one_name() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"] == NAME
    assert f'default = "{NAME}"' in (ROOT / "docker-bake.hcl").read_text()
    assert re.search(rf"^IMAGE \?= {NAME}$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for file in (*WORKFLOWS, ACTION, *sorted(JOBS.iterdir())):
        text = file.read_text(encoding="utf-8")
        other = re.findall(r"[\w-]*mock[\w-]*flow[\w-]*(?=[\[=:@])", text)
        assert set(other) <= {NAME}, f"{file.name}: {other}"
