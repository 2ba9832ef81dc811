"""Tests that a missing program is neither overlooked nor a failure, except under `--no-skips`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import programs

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent
SKIPPED = "from tests.programs import needs\n\n@needs('curl')\ndef test_with_curl(): pass\n\ndef test_without(): pass\n"


@pytest.mark.parametrize(("option", "status"), [((), 0), (("--no-skips",), 1)], ids=["usually", "in CI"])
def test_a_skip_fails_a_run_that_allows_none(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, option: tuple[str, ...], status: int
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PATH", "/nowhere")
    pytester.makepyfile(SKIPPED)
    done = pytester.runpytest_subprocess("-p", "tests.conftest", "-p", "no:cacheprovider", *option)
    done.assert_outcomes(passed=1, skipped=1)
    assert done.ret == status
    assert ("curl is not installed: apt-get install curl" in done.stdout.str()) == bool(option)


def test_the_packages_of_missing_programs_are_what_ci_installs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs.shutil, "which", lambda name: name not in ("java", "keytool", "zsh"))
    assert programs.absent() == ["default-jre-headless", "zsh"]
    assert "$(.venv/bin/python -m tests.programs)" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_no_test_vanishes_where_a_program_is_missing() -> None:
    """A parameter that exists only where its program does would be missed by nobody."""
    hidden = re.compile(r"parametrize\([^\n]*\bfor\b[^\n]*\bif shutil\.which")
    files = ROOT.joinpath("tests").rglob("test_*.py")
    assert [path.name for path in files if hidden.search(path.read_text(encoding="utf-8"))] == []
