"""Tests of third-party clients, unmodified: Adobe's own, Postman's runner, and one generated from our contract."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver.clients.program import run, variables
from mockserver.conformance import evaluate
from tests.intercept.conftest import Intercepted
from tests.intercept.test_unmodified_clients import PROGRAMS
from tests.programs import missing

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / ".venv-clients"
NODE_PROGRAMS = CLIENTS / "node_modules" / ".bin"

A_CONNECTION = {"createConnection", "listConnections", "patchConnection", "getByConnectionId", "deleteConnection"}
TO_A_FINISHED_RUN = A_CONNECTION | {
    *("testConnection", "createSourceConnection", "createTargetConnection", "createFlow", "listFlowRuns"),
    *("deleteByFlow", "deleteTargetConnection", "deleteSourceConnection"),
}
"""Operations that a client must call; `getByConnectionId` explores."""


def installed(program: Path) -> str:
    """The path of a client's program. A missing one skips the test, except in CI."""
    if not program.exists():
        if NODE_PROGRAMS in program.parents and not shutil.which("npm"):
            pytest.skip(missing("npm"))
        reason = f"{program.relative_to(ROOT)} is missing: `make clients` installs it, where it reaches a package index"
        if os.environ.get("CI") and os.environ.get("CLIENTS") != "no":
            pytest.fail(reason)
        pytest.skip(reason)
    return str(program)


def aepp(tmp_path: Path) -> list[str]:
    return [installed(CLIENTS / "bin" / "python"), str(PROGRAMS / "with_aepp.py")]


def newman(tmp_path: Path) -> list[str]:
    installed(NODE_PROGRAMS / "newman")
    return ["sh", str(PROGRAMS / "with_newman.sh")]


def openapi_fetch(tmp_path: Path) -> list[str]:
    """Strip the program of its types, which tests/clients/test_generated_clients.py checks, and run it."""
    (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")
    program = tmp_path / "with_openapi_fetch.mts"
    program.write_bytes((PROGRAMS / program.name).read_bytes())
    alone = ["--noCheck", "--noResolve", "--lib", "es5"]  # the other test reads the rest, which takes long
    strip = [installed(NODE_PROGRAMS / "tsc"), *alone, "--module", "nodenext", "--target", "es2022", str(program)]
    done = subprocess.run(strip, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return ["node", str(program.with_suffix(".mjs"))]


Client = Callable[[Path], list[str]]
"""Creates the command that runs it, in its own folder."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("client", "operations", "further_pages"),
    [
        (aepp, TO_A_FINISHED_RUN | {"patchFlow", "postStateTransition", "retrieveFlowRun"}, 2),
        (newman, TO_A_FINISHED_RUN, 0),
        (openapi_fetch, A_CONNECTION, 1),
    ],
    ids=["aepp", "newman", "openapi-fetch"],
)
def test_a_client_of_others_is_led_here_by_exec_and_by_a_base_url(
    client: Client,
    operations: set[str],
    further_pages: int,
    intercepted: Intercepted,
    ca_folder: Path,
    tmp_path: Path,
) -> None:
    command = client(tmp_path)
    environ = {**os.environ, "PATH": f"{NODE_PROGRAMS}{os.pathsep}{os.environ['PATH']}"}

    by_exec = [sys.executable, "-m", "mockserver", "exec", "--ca-folder", str(ca_folder), "--", *command]
    done = subprocess.run(by_exec, capture_output=True, text=True, env=environ, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no findings" in done.stderr

    ending = run([*command, intercepted.url], variables(intercepted.url, environ), seconds=120, show=False)
    assert ending.status == 0, ending.output
    calls = intercepted.emulator.journal.entries()
    assert operations <= {call.operation for call in calls}
    assert sum("continuationToken=" in call.query for call in calls) == further_pages
    assert {call.headers["host"] for call in calls} == {intercepted.url.removeprefix("http://")}
    assert not evaluate(calls, intercepted.emulator.contract).open
