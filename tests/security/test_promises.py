"""Tests that every promise in SECURITY.md names existing tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| (?P<promise>[^|]+) \| (?P<tests>`test_[^|]+) \|$", re.MULTILINE)


def test_every_promise_names_tests_that_exist() -> None:
    rows = _ROW.findall((ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    known = set(re.findall(r"def (test_\w+)\(", sources))
    named = {name for _, tests in rows for name in re.findall(r"`(test_\w+)`", tests)}
    assert len(rows) >= 9 and len(named) > 20
    assert named <= known, sorted(named - known)
