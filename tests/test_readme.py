"""Tests that each command block of the README runs with the installed command, or says why not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver.clients.program import PrivateServer
from tests import pages

_TEXT = (pages.ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = pages.blocks(pages.ROOT / "README.md")
RUN = [block.text for block in BLOCKS if block.reason is None]


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateServer]:
    with PrivateServer() as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A reader's folder: empty except for the examples."""
    shutil.copytree(pages.ROOT / "examples", tmp_path / "examples")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("commands", RUN, ids=[commands.split("\n")[0][:40] for commands in RUN])
def test_a_block_runs_as_it_stands(commands: str, folder: Path, server: PrivateServer) -> None:
    script = commands.replace("curl -i", "curl -i --fail")  # its exit status alone does not show a refusal
    done = pages.run(script, folder, server)
    assert done.returncode == 0, done.stdout + done.stderr


def test_blocks_that_are_not_run_are_few() -> None:
    assert len(RUN) >= 3 and len(BLOCKS) - len(RUN) <= 6


@pytest.mark.parametrize("name", sorted(set(re.findall(r"examples/[\w.]+", _TEXT))))
def test_files_that_it_names_are_shipped(name: str) -> None:
    assert (pages.ROOT / name).is_file()
