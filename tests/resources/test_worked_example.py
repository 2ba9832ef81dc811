"""Tests that CONTRIBUTING's worked example, followed step by step in a copy, works and keeps the tests green."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_architecture import ROOT, tracked

TESTS = (
    "tests/contract/test_operations.py", "tests/contract/test_published.py", "tests/contract/test_examples.py",
    "tests/contracts/test_requirements.py", "tests/evidence/test_fidelity.py", "tests/state/test_shapes.py",
    "tests/test_names.py", "tests/security/test_found_records.py::test_every_kind_of_record_is_there",
    "tests/security/test_found_records.py::"
    "test_a_bad_record_in_a_database_is_named_in_the_log_and_answered_503[sqlite]",
    "tests/security/test_bad_input.py::test_no_bytes_are_too_much_for_a_body[createNote]",
    "tests/security/test_declared_places.py::"
    "test_the_examples_of_the_contract_are_exported_as_they_are_but_for_their_secrets",
)  # fmt: skip
"""The tests that an addition to the contract concerns most."""

CALLS = """
from mockserver import Config, Emulator
from tests.calls import refused, send

emulator, notes = Emulator(Config(seed=1)), "/data/foundation/notes"
receipt = send(emulator, "POST", notes, {"text": "Rotate the password in May"}).body
path = f"{notes}/{receipt['id']}"
(shown,) = send(emulator, "GET", path).body["items"]
assert shown["text"] == "Rotate the password in May" and shown["etag"] == receipt["etag"]
assert refused(send(emulator, "POST", notes, {"text": ""})) == (400, "1100-400", "/text")
assert refused(send(emulator, "GET", path, headers={"x-sandbox-name": "dev"}))[:2] == (404, "1439-404")

on_disk = Emulator(Config(state="flow.db"))
on_disk.restore(emulator.export())
assert send(on_disk, "GET", path).body["items"][0]["text"] == "Rotate the password in May"
assert send(on_disk, "POST", notes, {"text": "another"}).status == 201
on_disk.close()
"""


PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The blocks of this language on the page."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def follow(folder: Path) -> None:
    """Insert the blocks of the example where the page says."""
    (document,) = blocks("yaml")
    paths, _, schemas = document.removeprefix("paths:\n").partition("components:\n  schemas:\n")
    module, row = blocks("python")
    (request,) = re.findall(r"`(\(f\"{NEIGHBOURS}.*\),)`", PAGE)
    insert(folder / "openapi.yaml", "\npaths:\n", paths)
    insert(folder / "openapi.yaml", "\n  schemas:\n", schemas)
    insert(folder / "mockserver/state/shapes.py", "\n_INTERNAL: dict[str, dict[str, Any]] = {\n", row)
    insert(folder / "tests/security/found.py", "\nCREATED: tuple[tuple[str, Any], ...] = (\n", f"    {request}\n")
    (folder / "mockserver/resources/notes.py").write_text(module, encoding="utf-8")


def insert(file: Path, heading: str, lines: str) -> None:
    """Insert lines below a heading that the file has once."""
    text = file.read_text(encoding="utf-8")
    assert lines and text.count(heading) == 1
    file.write_text(text.replace(heading, heading + lines), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository in which the example was followed."""
    folder = tmp_path_factory.mktemp("followed")
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    for place in {(ROOT / name).parent for name in tracked()}:
        for kept in place.glob("__pycache__/*"):  # valid, because the sources keep their times
            if kept.suffix in (".pyc", ".json"):  # not those that are being written
                (folder / kept.relative_to(ROOT).parent).mkdir(exist_ok=True)
                shutil.copyfile(kept, folder / kept.relative_to(ROOT))
    if not (folder / "mockserver/resources/notes.py").exists():  # otherwise it was followed in this checkout
        follow(folder)
    run(folder, "-m", "mockserver", "fidelity", "--write", ".")
    return folder


def run(folder: Path, *arguments: str) -> None:
    """Run Python in a folder, whose modules it imports, and expect success."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def test_a_resource_of_one_module_is_stored_checked_and_kept_apart(copy: Path) -> None:
    run(copy, "-c", CALLS)


@pytest.mark.slow
def test_the_tests_stay_green(copy: Path) -> None:
    of_notes = "Note or not test_an_example_is_accepted"  # the other examples take most of the time
    run(copy, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-k", of_notes, *TESTS)
