"""Tests that the command blocks of every page run in one shell, or the page says why not."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mockserver import Config
from mockserver.clients.program import PrivateServer
from tests import pages
from tests.programs import needs
from tests.rows import each

PAGES = sorted([*pages.ROOT.glob("*.md"), *pages.ROOT.glob("docs/*.md"), *pages.ROOT.glob("skills/*/*.md")])
WITH_COMMANDS = [
    page for page in PAGES if page.name != "README.md" and any(block.reason is None for block in pages.blocks(page))
]
WALKED = "from-table-to-run.md"
"""Its blocks are `bash`: tests/web/test_walk_through.py compares what each of them prints."""

LANGUAGES = {"sh", "", "python", "yaml", "json", "java", "ts", "js", "sql"}
PROMPT = re.compile(r"^\s*(?:\$ |> )")
COMMAND = re.compile(r"(?:mockserver|make|curl|docker|pip|pipx|uv|python|npm|git) ")


def name(page: Path) -> str:
    return str(page.relative_to(pages.ROOT))


@needs("curl")
@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name)
def test_the_commands_of_a_page_run_as_they_stand(page: Path, tmp_path: Path) -> None:
    shutil.copytree(pages.ROOT / "examples", tmp_path / "examples")
    script = "\n".join(block.text for block in pages.blocks(page) if block.reason is None)
    with PrivateServer(Config(log="none")) as server:
        done = pages.run(script, tmp_path, server)
    assert done.returncode == 0, done.stdout + done.stderr


@each("page", PAGES)
def test_blocks_that_are_not_run_can_be_parsed_and_say_why(page: Path) -> None:
    for block in pages.blocks(page):
        parsed = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True)
        assert parsed.returncode == 0, f"{block.text}\n{parsed.stderr}"
        assert block.reason is None or len(block.reason.split()) > 1


@each("page", PAGES)
def test_commands_and_what_they_print_stand_apart(page: Path) -> None:
    for fence in pages.fences(page):
        assert fence.language in LANGUAGES or (fence.language, page.name) == ("bash", WALKED)
        for line in fence.text.splitlines():
            if fence.language == "sh":
                assert not PROMPT.match(line) and not re.match(r"HTTP/|\{\"", line), line
            elif fence.language == "":
                assert not PROMPT.match(line) and not COMMAND.match(line), line


def test_blocks_that_nothing_runs_are_few_and_the_others_name_their_test() -> None:
    reasons = [block.reason for page in PAGES for block in pages.blocks(page) if block.reason]
    named = [test for reason in reasons for test in re.findall(r"tests/[\w./]*\w", reason)]
    assert [test for test in named if not (pages.ROOT / test).exists()] == []
    assert len([reason for reason in reasons if "tests/" not in reason]) <= 16, reasons


TEST_RUNS = sorted(
    {args for page in PAGES for args in re.findall(r'make test ARGS="([^"]+)"', page.read_text("utf-8"))}
)


@each("args", TEST_RUNS)
def test_a_selection_of_tests_selects_some(args: str) -> None:
    """`-k etag` in a folder without such a test ended with an error."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", *shlex.split(args)]
    done = subprocess.run(command, cwd=pages.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr[-300:]


def test_the_skill_has_the_front_matter_that_agents_read() -> None:
    text = (pages.ROOT / "skills" / "mock-flow-service" / "SKILL.md").read_text(encoding="utf-8")
    found = re.match(r"---\n(.*?)\n---\n", text, re.S)
    assert found
    front = yaml.safe_load(found[1])
    assert front["name"] == "mock-flow-service", "the name is that of its folder"
    assert 1 <= len(front["description"]) <= 1024 and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", front["name"])
    assert len(text.splitlines()) < 500


def test_a_page_for_agents_fits_on_a_screen() -> None:
    assert len((pages.ROOT / "AGENTS.md").read_text(encoding="utf-8").splitlines()) <= 45
