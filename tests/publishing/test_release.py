"""Tests of a release without publishing: what the workflow's steps build, check and refuse."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from mockserver import __version__
from tests.publishing.files import ROOT, WORKFLOWS, linter

RELEASE = next(file for file in WORKFLOWS if file.name == "release.yml")


def make(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words], cwd=ROOT, capture_output=True, text=True, timeout=500, env={**os.environ, **environ}
    )


@pytest.fixture(scope="module")
def distributions() -> Path:
    linter("twine")
    done = make("dist")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASSED" in done.stdout
    return ROOT / "build" / "dist"


def test_wheel_and_source_archive_are_built_and_pass_twine(distributions: Path) -> None:
    names = {path.name for path in distributions.iterdir()}
    stem = f"mock_flow_service-{__version__}"
    assert names == {f"{stem}-py3-none-any.whl", f"{stem}.tar.gz"}
    inside = set(zipfile.ZipFile(distributions / f"{stem}-py3-none-any.whl").namelist())
    assert {"mockserver/openapi.yaml", "mockserver/testcontainers/__init__.py"} <= inside
    with tarfile.open(distributions / f"{stem}.tar.gz") as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "action.yml",
        "docker-bake.hcl",
        "skills/mock-flow-service/SKILL.md",
        ".github/workflows/release.yml",
    } <= packed


@pytest.mark.parametrize("tag", [f"v{__version__}", "v9.9.9", "", "v0.1.0; echo", "$(false)"])
def test_a_tag_that_is_not_the_version_is_refused(tag: str) -> None:
    done = make("release-check", f"TAG={tag}") if "$" not in tag else make("release-check", TAG=tag)
    assert (done.returncode == 0) == (tag == f"v{__version__}"), done.stdout + done.stderr


def test_every_target_that_a_workflow_makes_exists() -> None:
    wanted = {"make dist", "make sbom", "make release-check", "make docs", "make image"}
    said = "\n".join(file.read_text(encoding="utf-8") for file in WORKFLOWS)
    help_text = make("help").stdout
    for words in wanted:
        assert words in said and words in help_text, words


def test_publishing_needs_no_stored_password_and_rights_are_given_job_by_job() -> None:
    document = yaml.safe_load(RELEASE.read_text(encoding="utf-8"))
    assert document["permissions"] == {}
    rights = {name: job["permissions"] for name, job in document["jobs"].items()}
    assert rights["package"]["id-token"] == "write" and "id-token" not in rights["image"]
    assert all(job["environment"] == "release" for name, job in document["jobs"].items() if name != "build")
    assert "secrets." not in RELEASE.read_text(encoding="utf-8").replace("secrets.GITHUB_TOKEN", "")


def test_every_python_that_is_promised_is_tested() -> None:
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    promised = {row.rpartition(" :: ")[2] for row in classifiers if "Python :: 3." in row}
    tests = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    assert set(tests["jobs"]["test"]["strategy"]["matrix"]["python"]) == promised == {"3.11", "3.12", "3.13", "3.14"}
