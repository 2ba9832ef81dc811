"""Tests that a run leaves nothing in the folder where the user works."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.broken import proof
from contracts.broken.wrapping import Asked, GivenAnswer, Right, Wrapped
from tests.contracts.test_wrong_servers import judged

ROOT = Path(__file__).parents[2]
LACKING = {"detail": [{"loc": ["query", "limit"], "msg": "Field required", "type": "missing"}]}


def refuses_generated_requests(asked: Asked, right: Right) -> GivenAnswer:
    """Refuse in a form from which Schemathesis learns, and which it would keep for its next run."""
    if not asked.headers.get("user-agent", "").startswith("schemathesis"):
        return right(asked)
    right.memory["generated"] = True
    return GivenAnswer(422, (("Content-Type", "application/json"),), json.dumps(LACKING).encode())


@pytest.mark.slow
def test_a_run_leaves_no_file_where_it_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command = [sys.executable, "-m", "mockserver", "contract"]
    options = ["--read-only", "--examples", "1", "--operations", "listFlowSpecs"]
    app = Wrapped(proof.right({})[0], refuses_generated_requests)
    with proof.served(app) as url:
        subprocess.run([*command, url, *options], cwd=tmp_path, capture_output=True, timeout=600)
    assert app.memory, "no request was generated"
    assert list(tmp_path.iterdir()) == []


def test_hypothesis_finds_the_characters_of_utf_8_and_does_not_try_each_of_them() -> None:
    """Trying a million takes a second of each run."""
    program = """
from contracts.generation.home import without_traces
from hypothesis.internal import charmap
tried = []
class Tried(str):
    def encode(self, *arguments):
        tried.append(self)
        return super().encode(*arguments)
charmap.chr = lambda number: Tried(chr(number))
with without_traces():
    print(*charmap.intervals_from_codec("utf-8"), len(tried))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "IntervalSet(((0, 55295), (57344, 1114111))) IntervalSet(()) 0\n", done.stderr


def test_a_run_without_generated_requests_does_not_import_what_generates_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes half a second."""
    monkeypatch.setitem(sys.modules, "contracts.generation", None)
    found = judged(lambda asked, right: right(asked), operations=frozenset({"listFlowSpecs"}))
    assert found.report.exchanges and not found.report.ended and found.findings == []


def test_a_seed_gives_the_same_requests_whatever_programs_are_beside() -> None:
    """Hypothesis would draw from the constants of every module that is not installed, and first collect them."""
    program = """
from contracts.generation.home import without_traces
from hypothesis import given, settings, strategies
from hypothesis.internal.constants_ast import constants_from_module

@settings(max_examples=200, database=None)
@given(strategies.integers(), strategies.text())
def draw(number, text):
    pass

with without_traces():
    draw()
    print(constants_from_module.cache_info().misses)
draw()
print(constants_from_module.cache_info().misses > 0)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "0\nTrue\n", done.stdout + done.stderr
