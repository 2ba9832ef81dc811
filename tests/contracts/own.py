"""Our own server, and the command that runs the suite, each in a process of its own, as users start them."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def served(*options: str) -> Iterator[str]:
    """Run `mockserver serve` in its own process; yields its base URL."""
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--log", "none", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            banner = "".join(process.stdout.readline() for _ in range(2))
            yield re.findall(r"http://127\.0\.0\.1:\d+", banner)[0]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(100)


def contract_as_users_run_it(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mockserver", "contract", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
