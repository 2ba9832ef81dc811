"""README's commands paste as they stand: each block runs with the installed command, or says why it cannot."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver.clients.program import PrivateServer

_ROOT = Path(__file__).resolve().parents[1]
_TEXT = (_ROOT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"(?:<!-- not run by tests: (?P<reason>[^>]+) -->\n)?```sh\n(?P<commands>.*?)\n```", re.DOTALL)
BLOCKS = [(found["commands"], found["reason"]) for found in _BLOCK.finditer(_TEXT)]
RUN = [commands for commands, reason in BLOCKS if reason is None]


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateServer]:
    with PrivateServer() as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a reader has: an empty folder, but for the examples."""
    shutil.copytree(_ROOT / "examples", tmp_path / "examples")
    return tmp_path


@pytest.mark.parametrize("commands", RUN, ids=[commands.split("\n")[0][:40] for commands in RUN])
def test_a_block_runs_as_it_stands(commands: str, folder: Path, server: PrivateServer) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "MOCKSERVER_CA_FOLDER": str(folder / "ca")}
    here = commands.replace("http://127.0.0.1:8080", server.url)
    script = here.replace("curl -i", "curl -i --fail")  # its status alone does not tell a refusal
    done = subprocess.run(
        ["bash", "-euc", script], cwd=folder, env=environ, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_blocks_hold_commands_alone_and_those_that_are_not_run_are_few() -> None:
    assert len(RUN) >= 3 and len(BLOCKS) - len(RUN) <= 6
    for commands, _ in BLOCKS:
        assert not re.search(r"^\s*(?:\$ |> |HTTP/|\{)", commands, re.MULTILINE), commands


def test_every_block_is_either_commands_or_output() -> None:
    fences = re.findall(r"^```(.*)$", _TEXT, re.MULTILINE)[::2]
    assert set(fences) <= {"sh", ""}
    for text in re.findall(r"^```\n(.*?)^```$", _TEXT, re.DOTALL | re.MULTILINE):
        assert not re.match(r"(?:mockserver|make|curl|docker|pip) ", text), text


@pytest.mark.parametrize("name", sorted(set(re.findall(r"examples/[\w.]+", _TEXT))))
def test_files_that_it_names_are_shipped(name: str) -> None:
    assert (_ROOT / name).is_file()
