"""Tests of how tests are run: no skip goes unnoticed in CI, and nothing stays in the checkout."""

from __future__ import annotations

import re
import shutil
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


@pytest.mark.parametrize(("left", "workers"), [(".schemathesis", "1"), ("flow.db", "0"), ("__pycache__", "0")])
def test_a_file_in_the_checkout_fails_the_same_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, left: str, workers: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(f"import os\n\ndef test_it(): os.makedirs({left!r}, exist_ok=True)")
    plugins = ("-p", "tests.conftest", "-p", "xdist", "-p", "no:cacheprovider")
    done = pytester.runpytest_subprocess(*plugins, "--no-skips", "-n", workers)
    done.assert_outcomes(passed=1)
    assert done.ret == (0 if left == "__pycache__" else 1)
    assert ("left in the checkout" in done.stdout.str()) == (left != "__pycache__")


def test_the_packages_of_missing_programs_are_what_ci_installs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: name not in ("java", "keytool", "zsh"))
    assert programs.absent() == ["default-jre-headless", "zsh"]
    assert "$(.venv/bin/python -m tests.programs)" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_no_test_vanishes_where_a_program_is_missing() -> None:
    """A parameter that exists only where its program does would be missed by nobody."""
    hidden = re.compile(r"parametrize\([^\n]*\bfor\b[^\n]*\bif shutil\.which")
    files = ROOT.joinpath("tests").rglob("test_*.py")
    assert [path.name for path in files if hidden.search(path.read_text(encoding="utf-8"))] == []
