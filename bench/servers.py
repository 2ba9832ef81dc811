"""The measured programs, ours and the bare one, each as a process: start, requests, memory."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import perf_counter, sleep
from types import TracebackType
from typing import Any

from bench.cases import HEADERS
from bench.load import LoadError

_ROOT = Path(__file__).resolve().parents[1]
_URL = re.compile(r"http://127\.0\.0\.1:(\d+)")
_STOP_SECONDS = 10
_ANSWER_SECONDS = 30
_POLL_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """The response to one request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.body)


class Program:
    """A running server on a free loopback port; a context manager that ends it and its processes."""

    def __init__(
        self,
        command: Sequence[str],
        probe: str,
        *,
        port: int = 0,
        files: Mapping[str, str] | None = None,
        patience: float = _ANSWER_SECONDS,
    ) -> None:
        """Start it in its own folder with these files, and wait for a 200 from the path `probe`.

        Without a `port` it must print its URL. Raises LoadError if it is not ready within `patience` seconds.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="mockserver-bench-", ignore_cleanup_errors=True)
        for name, text in (files or {}).items():
            place = Path(self._folder.name, name)
            place.parent.mkdir(exist_ok=True)
            place.write_text(text, encoding="utf-8")
        self._said = Path(self._folder.name, "output.txt")
        began = perf_counter()
        with self._said.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder.name,  # no settings file
                env=_environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.port, self.words = port, ""
        try:
            self._wait(probe, began + patience)
        except BaseException:
            self.stop()
            raise
        self.start_seconds = perf_counter() - began
        """Seconds from the start of the process to its first successful response."""

    def _wait(self, probe: str, until: float) -> None:
        problem = "it printed nothing"
        while perf_counter() < until and self._process.poll() is None:
            if self.port or self._announced():
                try:
                    answer = self.ask("GET", probe)
                except LoadError as error:
                    problem = str(error)
                else:
                    if answer.status == 200:
                        return
                    problem = f"it answers {answer.status} to GET {probe}: {answer.body[:300]!r}"
            sleep(_POLL_SECONDS)
        said = self._said.read_text(errors="replace").strip()[-500:]
        raise LoadError(f"{self._process.args!r} does not start: {problem}. It said: {said or 'nothing'}")

    def _announced(self) -> bool:
        for line in self._said.read_text(errors="replace").splitlines(keepends=True):
            if line.endswith("\n") and (found := _URL.search(line)):
                self.port, self.words = int(found[1]), line[found.end() :].strip()
        return self.port > 0

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> RawAnswer:
        """Send one request on its own connection. Raises LoadError without a response."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_SECONDS)
        sent = {**HEADERS, **({} if body is None else {"Content-Type": "application/json"}), **(headers or {})}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            return RawAnswer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        except (OSError, HTTPException) as error:
            raise LoadError(f"no response to {method} {path}: {error!r}") from None
        finally:
            connection.close()

    def memory(self) -> tuple[str, int] | None:
        """The kind of figure (PSS if available, otherwise RSS) and bytes; None if neither is available."""
        try:
            return "PSS", pss(self._process.pid)
        except (OSError, IndexError):
            pass
        try:
            shown = subprocess.run(["ps", "-o", "rss=", "-p", str(self._process.pid)], capture_output=True, text=True)
            return "RSS", int(shown.stdout) * 1024
        except (OSError, ValueError):
            return None

    def cpu_seconds(self) -> float:
        """CPU time of the program and its processes so far; NaN if the system does not provide it."""
        try:
            return sum(_cpu_seconds(pid) for pid in family(self._process.pid))
        except OSError:
            return math.nan

    def stop(self) -> None:
        """End it and wait until it has ended."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._folder.cleanup()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def family(pid: int) -> list[int]:
    """A process and its descendants, from /proc. Raises OSError without /proc."""
    tasks, pids = list(Path(f"/proc/{pid}/task").iterdir()), [pid]
    for task in tasks:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # ended meanwhile
            for child in (task / "children").read_text().split():
                tasks += Path(f"/proc/{child}/task").iterdir()
                pids.append(int(child))
    return pids


def pss(pid: int) -> int:
    """Memory of a process and its descendants in bytes, with shared memory divided by the number of its users.

    Raises OSError or IndexError if the system does not provide it.
    """
    rolled = (Path(f"/proc/{one}/smaps_rollup").read_text() for one in family(pid))
    return sum(int(text.split("Pss:")[1].split()[0]) for text in rolled) * 1024


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ours(*, durable: bool = False) -> Program:
    """The emulator as a user starts it, without the request log.

    `durable` keeps its records on disk, in the folder for temporary files.
    """
    more = ["--state", "flow.db"] if durable else []
    started = ["mockserver", "serve", "--port", "0", "--log", "none", *more]
    return Program([sys.executable, "-m", *started], "/connections?limit=1")


def switched() -> Program:
    """The emulator whose journal is switched off and on."""
    return Program([sys.executable, "-m", "bench.switched"], "/connections?limit=1")


def bare() -> Program:
    """The bare Flask application under the same HTTP server."""
    return Program([sys.executable, "-m", "bench.bare"], "/GET-one")


def _environment() -> dict[str, str]:
    """Our environment without settings of the emulator, and with cached bytecode."""
    dropped = ("MOCKSERVER_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"PYTHONPATH": str(_ROOT), "PYTHONUNBUFFERED": "1"}
