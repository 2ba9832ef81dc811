"""Our own server, started as users start it, held to the whole contract: in memory, and on SQLite under --strict."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = "1"
STRICT_GAPS = ["create.unknown-members", "list.unknown-parameters"]
"""What --strict refuses on purpose although public clients rely on it."""


@contextmanager
def served(*options: str) -> Iterator[str]:
    """`mockserver serve` in a process of its own; its base URL."""
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--log", "none", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            banner = "".join(process.stdout.readline() for _ in range(2))
            yield re.findall(r"http://127\.0\.0\.1:\d+", banner)[0]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def contract(*arguments: str, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mockserver", "contract", *arguments]
    environ = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, env=environ)


def test_our_server_keeps_every_promise_in_memory(tmp_path: Path) -> None:
    with served() as url:
        done = contract(url, "--examples", EXAMPLES, "--json", "--fail-on", "may", "--report", str(tmp_path))
    report = json.loads(done.stdout)
    assert (report["failures"], report["trouble"], report["left"]) == ([], [], [])
    untestable = {promise for promise, verdict in report["promises"].items() if verdict != "passed"}
    assert untestable <= {"gateway.token-unknown", "generated.ignored_auth"}, untestable  # it takes any token
    assert done.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "junit.xml", "exchanges.har"}


def test_our_server_keeps_every_promise_on_sqlite_and_under_strict(tmp_path: Path) -> None:
    gaps = tmp_path / "gaps.yaml"
    gaps.write_text(json.dumps(STRICT_GAPS))
    with served("--strict", "--state", str(tmp_path / "flow.db")) as url:
        done = contract(
            f"{url}/data/foundation/flowservice", "--examples", EXAMPLES, "--json", "--known-gaps", str(gaps)
        )
    report = json.loads(done.stdout)
    assert (report["failures"], report["staleGaps"], report["trouble"], report["left"]) == ([], [], [], [])
    verdicts = {promise: verdict for promise, verdict in report["promises"].items() if verdict != "passed"}
    assert verdicts == dict.fromkeys(STRICT_GAPS, "known gap")
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["http://127.0.0.1:9"], "does not answer"),
        (["ftp://example.com"], "is not a server's URL"),
        (["https://platform.adobe.io"], "needs credentials"),
        (["http://127.0.0.1:9", "--header", "x"], "NAME:VALUE"),
    ],
)
def test_wrong_use_is_told_in_a_line_and_ends_with_2(arguments: list[str], says: str) -> None:
    done = contract(*arguments)
    assert done.returncode == 2
    assert says in done.stderr and "Traceback" not in done.stderr
