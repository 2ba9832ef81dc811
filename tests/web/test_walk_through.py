"""Tests that each block of `docs/from-table-to-run.md`, pasted into a shell, prints exactly what the page says."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.programs import needs
from tests.torture.server import Server

PAGE = Path(__file__).parents[2] / "docs" / "from-table-to-run.md"
BLOCK = re.compile(r"```bash\n(?P<script>.*?)```(?:\n\n```\n(?P<printed>.*?)```)?", re.DOTALL)
MARK = "---- end of block ----"


def blocks(text: str) -> list[tuple[str, str]]:
    """Each script of a page, and its output."""
    return [(match["script"], match["printed"] or "") for match in BLOCK.finditer(text)]


def pasted(scripts: list[str], url: str, lake: Path) -> list[str]:
    """The output of each script when all are pasted into one shell."""
    text = f"\necho '{MARK}'\n".join(scripts)
    environ = {**os.environ, "URL": url, "LAKE": str(lake)}
    done = subprocess.run(["bash", "-eu", "-c", text], capture_output=True, text=True, timeout=120, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout.split(f"{MARK}\n")


@pytest.mark.slow
@needs("curl")
@needs("jq")
def test_every_block_prints_what_the_page_says(tmp_path: Path) -> None:
    page = blocks(PAGE.read_text(encoding="utf-8"))
    assert len(page) > 10
    with Server(tmp_path, "--seed", "42", "--lake", "lake") as server:
        url = f"http://127.0.0.1:{server.port}"
        printed = pasted([script for script, _ in page], url, tmp_path / "lake")
    for number, ((_, expected), came) in enumerate(zip(page, printed, strict=True), 1):
        assert came == expected, f"block {number}"
