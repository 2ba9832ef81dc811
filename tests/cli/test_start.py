"""Tests which modules a start imports, since each costs time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rows import each

_ROOT = Path(__file__).resolve().parents[2]
_SERVE = """
import sys
from mockserver.cli import main
from mockserver.cli import serving

def answer_one_call_instead(made, announce):
    made.start()
    import urllib.request
    headers = {"Authorization": "Bearer t", "x-api-key": "k", "x-gw-ims-org-id": "o@AdobeOrg", "x-sandbox-name": "prod"}
    before = set(sys.modules)
    asked = urllib.request.Request(made.url + "/connections?limit=1", headers=headers)
    assert urllib.request.urlopen(asked, timeout=10).status == 200
    made.stop()
    print(*sorted(sys.modules))
    return 0

serving.run = answer_one_call_instead
main(["serve", "--port", "0", "--log", "none"])
"""

NOT_AT_A_START = {
    "contracts",
    "flask",
    "hypothesis",
    "jsonpatch",
    "jsonpointer",
    "jsonschema",
    "mockserver.conformance.families",
    "mockserver.state.sql",
    "mockserver.sources.declared",
    "mockserver.sources.live",
    "mockserver.sources.tables",
    "psycopg",
    "pytest",
    "referencing",
    "requests",
    "schemathesis",
    "sqlalchemy",
    "sqlite3",
    "tomllib",
    "werkzeug",
    "yaml",
}
"""Modules that would together double the time to the first response."""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules of a server after its first response; an earlier start has parsed the documents."""
    unwanted = ("MOCKSERVER_", "PYTHONDONT", "COVERAGE_")  # coverage imports modules that a start does not need
    environ = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    environ["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.mktemp("bytecode"))
    environ["PYTHONPATH"] = str(_ROOT)
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, "-c", _SERVE],
            env=environ,
            cwd=tmp_path_factory.mktemp("empty"),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.split())


@each("module", sorted(NOT_AT_A_START))
def test_a_start_does_without(module: str, imported: set[str]) -> None:
    assert "mockserver.emulator" in imported
    assert module not in imported, "import it where it is used"


@pytest.fixture(scope="module")
def imported_later() -> tuple[set[str], set[str]]:
    """The modules with which a client can be judged, and those after everything for a refusal is imported, too."""
    program = (
        "import mockserver.conformance, sys; print(*sys.modules)\n"
        "from mockserver.contract import Contract as C; C.load().prepare_refusals(); print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=_ROOT)
    to_judge, to_refuse = ran.stdout.splitlines()
    return set(to_judge.split()), set(to_refuse.split())


def test_a_client_is_judged_without_the_parser_of_baselines(imported_later: tuple[set[str], set[str]]) -> None:
    assert "mockserver.conformance.baseline" in imported_later[0] and "yaml" not in imported_later[0]


def test_what_the_first_refusal_needs_can_be_imported_ahead(
    imported: set[str], imported_later: tuple[set[str], set[str]]
) -> None:
    needed = {"jsonschema", "referencing"}
    assert needed <= imported_later[1] and not needed & imported
