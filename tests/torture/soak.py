"""Trials of a long steady load on a server, measured from outside, and of many open connections."""

from __future__ import annotations

import random
import select
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from mockserver.cli.serving import raise_descriptors
from tests.calls import connection
from tests.torture.server import Client, Server, patch
from tests.torture.trial import Outcome, Say, trial

MIB = 1_048_576
_WINDOWS = 10


class _Process:
    """Measurements of a process from /proc."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def memory(self) -> int:
        fields = (self._folder / "status").read_text()
        return int(fields.split("VmRSS:")[1].split()[0]) * 1024

    def descriptors(self) -> int:
        return len(list((self._folder / "fd").iterdir()))

    def threads(self) -> int:
        return len(list((self._folder / "task").iterdir()))


@trial("soak", "memory, descriptors, threads and latency stay constant, the journal is bounded", full=600, short=1)
def soak(seconds: int, say: Say) -> Outcome:
    """Send 70 % look-ups, 20 % lists, 10 % writes, with a constant number of records and a full journal."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder), MOCKSERVER_JOURNAL_ENTRIES="300") as server:
        process, mixture = _Process(server.process.pid), _Mixture(server.client())
        for _ in range(600):
            mixture.call()
        server.client()("POST", "/connections", {})  # a refusal and a page import what they need
        server.client()("GET", "/_mock/journal")
        windows = []
        for number in range(_WINDOWS):
            times: list[float] = []
            until = time.monotonic() + seconds / _WINDOWS
            while time.monotonic() < until:
                began = time.perf_counter()
                mixture.call()
                times.append(time.perf_counter() - began)
            times.sort()
            windows.append((process.memory(), process.descriptors(), process.threads(), times, len(times)))
            say(f"{number + 1} of {_WINDOWS} parts, {process.memory() / MIB:.1f} MiB")
        _, journal = server.client()("GET", "/_mock/journal")
    memory, descriptors, threads, times, calls = zip(*windows, strict=True)
    grown = memory[-1] - memory[1]
    share = 0.05 if seconds >= 60 else 0.2  # nothing has settled within seconds
    outcome.demand(grown < share * memory[1], f"memory grew by {grown / MIB:.1f} MiB")
    outcome.demand(max(descriptors) - min(descriptors) <= 2, f"descriptors: {descriptors}")
    outcome.demand(max(threads) - min(threads) <= 2, f"threads: {threads}")
    outcome.demand(len(journal["entries"]) <= 300, f"the journal has {len(journal['entries'])} entries")
    outcome.wrong += mixture.wrong
    quantile = [part[len(part) * 99 // 100] * 1000 for part in times]
    outcome.figures = {
        "calls": sum(calls),
        "s": seconds,
        "MiB in the second tenth": round(memory[1] / MIB, 1),
        "MiB in the last": round(memory[-1] / MIB, 1),
        "descriptors": max(descriptors),
        "threads": max(threads),
        "ms p99 in the second tenth": round(quantile[1], 2),
        "ms p99 in the last": round(quantile[-1], 2),
    }
    return outcome


class _Mixture:
    """One client's requests in turn, on a hundred records."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._chance = random.Random(7)
        self._records: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        for _ in range(100):
            self._create()

    def call(self) -> None:
        dice = self._chance.random()
        at = self._chance.randrange(len(self._records))
        record = self._records[at]
        path = f"/connections/{record['id']}"
        if dice < 0.7:
            self._expect(200, self._client("GET", path))
        elif dice < 0.9:
            self._expect(200, self._client("GET", "/connections?limit=20&orderby=-name"))
        elif dice < 0.97:
            answer = self._client("PATCH", path, patch(f"{dice}"), {"If-Match": record["etag"]})
            self._records[at] = self._expect(200, answer)
        else:
            self._expect((200, 204), self._client("DELETE", path))
            del self._records[at]
            self._create()

    def _create(self) -> None:
        self._records.append(self._expect(201, self._client("POST", "/connections", connection())))

    def _expect(self, status: int | tuple[int, ...], answer: tuple[int, Any]) -> Any:
        if answer[0] not in (status if isinstance(status, tuple) else (status,)):
            self.wrong.append(f"{answer[0]} instead of {status}")
        return answer[1]


@trial("crowd", "another client is served while this many connections stay open", full=10_000, short=300)
def crowd(count: int, say: Say) -> Outcome:
    """Open many connections, half of them silent, half with half a request."""
    outcome = Outcome()
    raise_descriptors()
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        ends = []
        try:
            for number in range(count):
                end = socket.create_connection(("127.0.0.1", server.port), timeout=5)
                if number % 2:
                    end.sendall(b"GET /connections HTTP/1.1\r\nHost: 127.0.0.1\r\n")
                ends.append(end)
            slowest = 0.0
            for _ in range(5):
                began = time.monotonic()
                status, _ = server.client()("GET", "/connections?limit=1")
                slowest = max(slowest, time.monotonic() - began)
                outcome.demand(status == 200, f"another client is told {status}")
            let_go = select.poll()  # select() takes no descriptor above 1,023
            for end in ends[-2:]:
                let_go.register(end, select.POLLIN)
            outcome.demand(not let_go.poll(0), "it was served when the crowd had been let go")
        except OSError as error:
            outcome.wrong.append(f"after {len(ends)} connections: {error}")
        finally:
            for end in ends:
                end.close()
    outcome.figures = {"open connections": len(ends), "s for another client": round(slowest, 3)}
    return outcome
