"""The programs that are measured: ours and the bare one, each a process of its own; their start and their memory."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any

from bench.cases import HEADERS
from bench.load import LoadError

_ROOT = Path(__file__).resolve().parents[1]
_URL = re.compile(r"http://127\.0\.0\.1:(\d+)")
_STOP_SECONDS = 10
_ANSWER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one call."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Program:
    """A running server on a free port of loopback; a context manager that ends it."""

    def __init__(self, arguments: list[str], probe: str) -> None:
        """Start it, and wait for a 200 from the path `probe`. Raises LoadError when it does not come up."""
        self._folder = tempfile.TemporaryDirectory(prefix="mockserver-bench-")
        began = perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=self._folder.name,  # nobody's settings file
            env=_environment(),
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        try:
            self.port, self.words = self._announced()
            answer = self.ask("GET", probe)
            if answer.status != 200:
                raise LoadError(f"{arguments[0]} answers {answer.status} to GET {probe}: {answer.body[:300]!r}")
        except BaseException:
            self.stop()
            raise
        self.start_seconds = perf_counter() - began
        """From the start of the process to its first good answer."""

    def _announced(self) -> tuple[int, str]:
        assert self._process.stdout is not None
        said = ""
        for line in self._process.stdout:
            said += line
            if found := _URL.search(line):
                return int(found[1]), line[found.end() :].strip()
        raise LoadError(f"the server did not start: {said.strip()[-500:] or 'it said nothing'}")

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """One call on a connection of its own. Raises LoadError when no answer comes."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_SECONDS)
        sent = {**HEADERS, **(headers or {})} | ({} if body is None else {"Content-Type": "application/json"})
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        except (OSError, HTTPException) as error:
            raise LoadError(f"no answer to {method} {path}: {error!r}") from None
        finally:
            connection.close()

    def memory(self) -> tuple[str, int] | None:
        """The kind of figure (PSS where the system knows it, else RSS) and bytes; None where neither can be had."""
        pid = self._process.pid
        try:
            fields = Path(f"/proc/{pid}/smaps_rollup").read_text()
            return "PSS", int(fields.split("Pss:")[1].split()[0]) * 1024
        except (OSError, IndexError):
            pass
        try:
            shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True)
            return "RSS", int(shown.stdout) * 1024
        except (OSError, ValueError):
            return None

    def cpu_seconds(self) -> float:
        """Processor time it has taken so far, in all threads; not a number where the system does not tell."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return math.nan
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._folder.cleanup()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def ours(server: str, *, durable: bool = False, journal: bool = True) -> Program:
    """The emulator as a user starts it, without the request log; `server` is the value of `--server`.

    `durable` puts its records on disk, where temporary files are; without a `journal` it judges nobody.
    """
    more = [*(["--state", "flow.db"] if durable else []), *([] if journal else ["--journal", "0"])]
    started = ["mockserver", "serve", "--port", "0", "--log", "none", "--server", server, *more]
    return Program(started, "/connections?limit=1")


def bare(server: str) -> Program:
    """The bare Flask application under the same HTTP server."""
    return Program(["bench.bare", server], "/GET-one")


def _environment() -> dict[str, str]:
    """Ours without settings; bytecode is kept, as it is wherever nobody forbids it."""
    dropped = ("MOCKSERVER_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"PYTHONPATH": str(_ROOT)}
