"""Measures the cost of the journal: our server, whose journal is switched off and on five times a second.

Two processes never run equally fast: their memory layout makes up to a tenth, as much as a journal costs. So one
process measures both, under the same disturbances. `python -m bench.switched KIND` prints its URL.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter, process_time, sleep
from typing import Any

from mockserver import Config, Emulator
from mockserver.cli import collector
from mockserver.cli.serving import run
from mockserver.journal import Journal
from mockserver.journal.redaction import Redaction
from mockserver.server import Server
from mockserver.web.bridge import HttpAnswer, Turn
from mockserver.web.received import Received
from mockserver.web.served import Served

FIGURES = "/bench/figures"
"""Path that returns the figures since the last request: two `Spent`, without and with a journal, and the ratio."""

_SLICE_SECONDS = 0.1
_CHANGING_SECONDS = 0.01
"""Seconds after a switch that do not count, because earlier requests are still in progress."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Requests per second, and microseconds of CPU time per request."""

    per_second: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class _Slice:
    requests: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


class Switch(Served):
    """Counts the emulator's responses and switches its journal meanwhile."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(emulator)
        self._journals = (
            Journal(0, 0, Redaction(emulator.contract, emulator.world.connectors.auth_place)),
            emulator.journal,
        )
        self._answered = 0
        self._pairs: list[tuple[_Slice, _Slice]] = []

    def plan(self, received: Received) -> tuple[Turn, Callable[[], HttpAnswer]]:
        """See `Served`."""
        if received.path == FIGURES.encode():
            body = json.dumps(self._told()).encode()
            return Turn.NOW, lambda: HttpAnswer(200, [("content-type", "application/json")], body)
        self._answered += 1
        return super().plan(received)

    def start(self) -> None:
        """Begin to switch."""
        threading.Thread(target=self._change, daemon=True).start()

    def _change(self) -> None:
        while True:
            without, with_one, again, before = (self._slice(place) for place in (0, 1, 1, 0))
            self._pairs += [(without, with_one), (before, again)]

    def _slice(self, place: int) -> _Slice:
        self._emulator.journal = self._journals[place]
        sleep(_CHANGING_SECONDS)
        answered, began, cpu = self._answered, perf_counter(), process_time()
        sleep(_SLICE_SECONDS - _CHANGING_SECONDS)
        return _Slice(self._answered - answered, perf_counter() - began, process_time() - cpu)

    def _told(self) -> dict[str, Any]:
        pairs, self._pairs = self._pairs, []
        busy = [pair for pair in pairs if all(one.requests for one in pair)]
        without, with_one = (_spent(pair[place] for pair in busy) for place in (0, 1))
        ratio = median(one.rate / other.rate for other, one in busy)
        return {"without": asdict(without), "with_one": asdict(with_one), "ratio": ratio}


def _spent(slices: Iterable[_Slice]) -> Spent:
    all_ = list(slices)
    requests = sum(one.requests for one in all_)
    cpu = sum(one.cpu_seconds for one in all_)
    return Spent(median(one.rate for one in all_), cpu / requests * 1e6)


def _serve() -> int:
    with collector.own_process() as started:
        emulator = Emulator(Config(log="none"))
        switch = Switch(emulator)

        def listening(server: Server) -> None:
            print(server.url, "uvicorn", flush=True)
            started()
            emulator.contract.prepare_refusals()
            switch.start()

        return run(switch.listen(), listening)


if __name__ == "__main__":
    sys.exit(_serve())
