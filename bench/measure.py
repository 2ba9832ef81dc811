"""One run: servers side by side, filled and then loaded in turn, so that disturbances affect all of them."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from bench import servers, subjects, wrk
from bench.cases import LOADS, POST_VALID, Workload
from bench.load import Figures
from bench.peers import race
from bench.plan import Plan, Progress
from bench.subjects import Subject
from bench.switched import FIGURES, Spent
from mockserver import __version__


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One load with a number of client connections. Figures are medians of the rounds; ratios are of one round each."""

    load: str
    connections: int
    bare: Figures
    ours: tuple[Figures, ...]
    """By the number of stored connections, as in `Plan.stored`."""
    to_bare: float
    """Requests per second with the fewest connections stored, over the bare application's."""
    to_fewest: tuple[float, ...]
    """Requests per second with more connections stored, over those with the fewest."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The cost of the journal under one load: one server without and with it, with the fewest stored connections."""

    load: str
    connections: int
    off: Spent
    on: Spent
    on_to_off: float
    """Requests per second; the median of the ratios of slices that follow each other."""
    wrong: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a process after the load, with a full journal. `kind` is PSS or RSS, in bytes."""

    kind: str
    bare: int
    ours: tuple[int, ...]
    stored: tuple[int, ...]

    @property
    def each(self) -> float:
        """Bytes per additional stored connection."""
        return (self.ours[-1] - self.ours[0]) / max(1, self.stored[-1] - self.stored[0])


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """All results of a run. Times are in seconds."""

    version: str
    python: str
    cores: int
    generator: str
    http_server: str
    plan: Plan
    rows: tuple[FigureRow, ...]
    start: float
    start_bare: float
    judged: tuple[Judged, ...]
    memory: Memory | None
    durable: tuple[tuple[int, Figures], ...]
    """Creates that are on disk before the response, by the number of client connections; medians of the rounds."""
    peers: race.Race
    """Ours beside other tools, if there are any."""


def run(plan: Plan, progress: Progress) -> LoadOutcome:
    """Measure. Raises LoadError if a server does not start or responds unexpectedly."""
    start, start_bare = _starts(plan, progress)
    with ExitStack() as stack:
        bare = stack.enter_context(servers.bare())
        ours = [stack.enter_context(servers.ours()) for _ in plan.stored]
        for program, number in zip(ours, plan.stored, strict=True):
            progress(f"storing {number:,} connections")
            subjects.fill(program, number)
        sides = (subjects.bare(bare), *map(subjects.ours, ours))
        rows = tuple(
            _row(load, connections, sides, plan, progress) for load in LOADS for connections in plan.connections
        )
        memory = _memory(bare, ours)
        http_server = bare.words
    return LoadOutcome(
        version=__version__,
        python=f"{platform.python_implementation()} {platform.python_version()} on {sys.platform}",
        cores=os.cpu_count() or 1,
        generator="wrk" if wrk.available() else "bench/load.py",
        http_server=http_server,
        plan=plan,
        rows=rows,
        start=start,
        start_bare=start_bare,
        judged=_judged(plan, progress),
        memory=memory,
        durable=_durable(plan, progress),
        peers=race.run(plan, progress),
    )


def _row(load: Workload, connections: int, sides: Sequence[Subject], plan: Plan, progress: Progress) -> FigureRow:
    for side in sides:
        side.check(load)
    rounds = []
    for number in range(plan.rounds):
        progress(f"{load.label}, {connections} at a time, round {number + 1} of {plan.rounds}")
        rounds.append([side.loaded(load, connections, plan.seconds) for side in sides])
    bare, fewest, *more = ([figures[side] for figures in rounds] for side in range(len(sides)))
    return FigureRow(
        load=load.label,
        connections=connections,
        bare=subjects.middle(bare),
        ours=tuple(map(subjects.middle, (fewest, *more))),
        to_bare=subjects.ratio(fewest, bare),
        to_fewest=tuple(subjects.ratio(one, fewest) for one in more),
    )


def _judged(plan: Plan, progress: Progress) -> tuple[Judged, ...]:
    rows, connections = [], max(plan.connections)
    with servers.switched() as program:
        subjects.fill(program, plan.stored[0])
        side = subjects.ours(program)
        for load in LOADS:
            progress(f"{load.label}, without a journal and with one in turn")
            side.loaded(load, connections, plan.seconds)  # fills the journal with entries of this load
            program.ask("GET", FIGURES)
            wrong = side.loaded(load, connections, plan.judged_seconds).wrong
            seen = program.ask("GET", FIGURES).json
            off, on = Spent(**seen["without"]), Spent(**seen["with_one"])
            rows.append(Judged(load.label, connections, off, on, seen["ratio"], wrong))
    return tuple(rows)


def _durable(plan: Plan, progress: Progress) -> tuple[tuple[int, Figures], ...]:
    found = []
    with servers.ours(durable=True) as program:
        subjects.fill(program, 1)
        side = subjects.ours(program)
        for connections in plan.connections:
            progress(f"creates that are on disk before the response, {connections} at a time")
            rounds = [side.loaded(POST_VALID, connections, plan.seconds) for _ in range(plan.rounds)]
            found.append((connections, subjects.middle(rounds)))
    return tuple(found)


def _starts(plan: Plan, progress: Progress) -> tuple[float, float]:
    """Median seconds from process start to the first successful response: ours, the bare application's."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(plan.starts):
        progress(f"starting, {number + 1} of {plan.starts}")
        for found, start in zip(seconds, (servers.ours, servers.bare), strict=True):
            with start() as program:
                found.append(program.start_seconds)
    return median(seconds[0]), median(seconds[1])


def _memory(bare: servers.Program, ours: Sequence[servers.Program]) -> Memory | None:
    found = [one for one in (program.memory() for program in (bare, *ours)) if one]
    if len(found) <= len(ours):
        return None
    (kind, of_bare), *of_ours = found
    return Memory(kind, of_bare, tuple(size for _, size in of_ours), tuple(map(subjects.stored, ours)))
