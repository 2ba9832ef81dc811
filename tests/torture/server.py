"""A server in its own process that can be killed and restarted, and a client that keeps its connection."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.calls import HEADERS

ROOT = Path(__file__).resolve().parents[2]
_URL = re.compile(r"http://127\.0\.0\.1:(\d+)")


class Server:
    """`mockserver serve` on a free port; a context manager that ends it."""

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self._folder = folder
        self._command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--log", "none", *options]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSERVER_")}
        self._environment = {**kept, "PYTHONPATH": str(ROOT), **environment}
        self.said = ""
        self.start()

    def start(self) -> None:
        """Start, and wait until it prints its URL."""
        self.process = subprocess.Popen(
            self._command, cwd=self._folder, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if found := _URL.search(line):
                self.port = int(found[1])
                return
        raise RuntimeError(f"the server did not start: {self.said}")

    def kill(self) -> None:
        """Kill it by SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> str:
        """End it; returns the rest of its output."""
        self.process.terminate()
        rest, _ = self.process.communicate(timeout=20)
        return str(rest)

    def client(self) -> Client:
        """A new connection."""
        return Client(self.port)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()


class Nursery:
    """Servers on one state file, one after the other, each forked: see `nursery.py`."""

    def __init__(self, folder: Path, state: str) -> None:
        command = [sys.executable, "-m", "tests.torture.nursery", "--state", str(folder / state)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSERVER_")}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.start()

    def start(self) -> None:
        """Fork a server, and wait until it prints its URL."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        said = ""
        for line in self._process.stdout:
            said += line
            if line.startswith("pid "):
                self._pid = int(line[4:])
            elif found := _URL.search(line):
                self.port = int(found[1])
                return
        raise RuntimeError(f"the server did not start: {said}")

    def kill(self) -> None:
        """Kill it by SIGKILL."""
        os.kill(self._pid, signal.SIGKILL)
        assert self._process.stdout is not None
        while self._process.stdout.readline() not in ("dead\n", ""):
            pass

    def client(self) -> Client:
        """A new connection."""
        return Client(self.port)

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.communicate(timeout=20)


class Client:
    """Sends valid requests over one connection."""

    def __init__(self, port: int, seconds: float = 20) -> None:
        self._http = HTTPConnection("127.0.0.1", port, timeout=seconds)

    def __call__(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Return status and body. Raises Gone without a complete response."""
        sent = {**HEADERS, **({} if body is None else {"content-type": "application/json"}), **(headers or {})}
        try:
            self._http.request(method, path, None if body is None else json.dumps(body), sent)
            answer = self._http.getresponse()
            if answer.status != 204 and answer.getheader("Content-Length") is None and not answer.chunked:
                raise HTTPException("the head of the answer is cut")  # which the library treats as complete
            content = answer.read()
        except (OSError, HTTPException) as error:
            self._http.close()
            raise Gone(str(error)) from None
        return answer.status, json.loads(content) if content else None

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


class Gone(Exception):
    """There was no complete response, so the outcome is unknown."""


def patch(value: str) -> list[dict[str, str]]:
    """A body that changes the description."""
    return [{"op": "replace", "path": "/description", "value": value}]
