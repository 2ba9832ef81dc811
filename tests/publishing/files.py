"""Files that other programs run: workflows, jobs of other CIs, the action; and their shell steps."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
LINTERS = ROOT / "build" / "lint" / "bin"
JOBS = ROOT / "examples" / "ci"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / "action.yml"
INSTALLS = re.compile(r'[\w./-]*python -m pip install ("[^"]+")')


def linter(name: str) -> Path:
    """The path of a program of `make lint`; a missing one skips the test."""
    if not (LINTERS / name).exists():
        pytest.skip(f"{name} is not installed: make lint")
    return LINTERS / name


def linted(name: str, *arguments: object) -> None:
    """Run a linter and expect no findings."""
    path = f"{LINTERS}{os.pathsep}{os.environ['PATH']}"  # actionlint uses shellcheck
    done = subprocess.run(
        [linter(name), *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True, slots=True)
class Step:
    """A shell step and its place."""

    file: str
    name: str
    script: str
    environ: Mapping[str, str]


def steps(file: Path) -> list[Step]:
    """The shell steps of a file in order, with the variables of the file and the step."""
    text = file.read_text(encoding="utf-8")
    if file.name == "Jenkinsfile":
        found = re.findall(r"\bsh '([^']*)'", text)
        version = re.search(r"VERSION = '([^']+)'", text)
        environ = {"VERSION": version[1]} if version else {}
        return [Step(file.name, f"sh {number}", script, environ) for number, script in enumerate(found, 1)]
    document = yaml.safe_load(text)
    common = {name: str(value) for name, value in (document.get("variables") or document.get("env") or {}).items()}
    return [Step(file.name, name, script, {**common, **environ}) for name, script, environ in _shell(document, "")]


def _shell(node: Any, name: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Every `run:` and `script:` below a node of YAML."""
    if isinstance(node, list):
        for part in node:
            yield from _shell(part, name)
    elif isinstance(node, dict):
        title = str(node.get("displayName") or node.get("name") or name)
        for key in ("run", "script"):
            if key in node:
                lines = node[key] if isinstance(node[key], list) else [node[key]]
                environ = node.get("env") or node.get("variables") or {}
                yield title, "\n".join(lines), {each: str(value) for each, value in environ.items()}
        for key, part in node.items():
            yield from _shell(part, title if key in ("steps", "jobs", "runs") else str(key))


def run(script: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a step like a CI: bash that stops at the first failure, with the installed command on the path.

    No package index is used: the packages of a step are already installed, otherwise the step fails. pip, which takes
    twice as long as the rest, runs once for each requirement, not for each step that has it.
    """
    version = environ.get("VERSION", "")
    script = INSTALLS.sub(lambda found: "true" if _installed(found[1], version) else found[0], script)
    return _run(script, folder, **environ)


@functools.cache
def _installed(requirement: str, version: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        return _run(f"python -m pip install {requirement}", Path(folder), VERSION=version).returncode == 0


def _run(script: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    fixed = {"PATH": path, "PIP_NO_INDEX": "1", "MOCKSERVER_CA_FOLDER": str(folder / "ca"), "HOME": str(folder)}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **fixed, **environ},
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's checkout, with the examples as the client."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path
