"""Command blocks of Markdown pages: which are run by tests, and how."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from mockserver.clients.program import PrivateServer
from tests import programs

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "http://127.0.0.1:8080"
"""The server's URL on pages; a test replaces it by its own server's."""

_REASON = re.compile(r"<!-- not run by tests: (.+) -->")
_FENCE = re.compile(r"( *)```(\w*)")


class Fence(NamedTuple):
    """A fenced block of a page without its indentation, and why no test runs it, if so."""

    language: str
    text: str
    reason: str | None


def fences(page: Path) -> list[Fence]:
    """All fenced blocks of a page, in order."""
    found: list[Fence] = []
    opened: re.Match[str] | None = None
    reason, inside, before = None, list[str](), ""
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = _FENCE.fullmatch(line)
        if opened is None and fence:
            said = _REASON.fullmatch(before.strip())
            opened, reason, inside = fence, said[1] if said else None, []
        elif opened is not None and fence:
            found.append(Fence(opened[2], "\n".join(inside), reason))
            opened = None
        elif opened is not None:
            inside.append(line.removeprefix(opened[1]))
        before = line
    return found


def blocks(page: Path) -> list[Fence]:
    """The fenced blocks of commands."""
    return [fence for fence in fences(page) if fence.language == "sh"]


def run(commands: str, folder: Path, server: PrivateServer) -> subprocess.CompletedProcess[str]:
    """Paste commands into a shell that has the installed command on its path and ends at the first failure."""
    for program in programs.DEBIAN:
        if re.search(rf"(?:^|[|;&(]) *{program} ", commands, re.MULTILINE) and not shutil.which(program):
            pytest.skip(programs.missing(program))
    port = server.url.rpartition(":")[2]
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MOCKSERVER_CA_FOLDER": str(folder / "ca"),
        "MOCKSERVER_PORT": port,  # so that `mockserver env` prints the test server's URL
    }
    script = commands.replace(ADDRESS, server.url)
    return subprocess.run(
        ["bash", "-euc", script], cwd=folder, env=environ, capture_output=True, text=True, timeout=240
    )
