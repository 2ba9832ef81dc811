"""One run: servers side by side, filled, then loaded in turn, so that what disturbs the machine disturbs them all."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from statistics import median

from bench import load, servers, wrk
from bench.cases import CASES, CONNECTION, ETAG, Case
from bench.load import Figures, LoadError
from mockserver import __version__

_FILL_CONNECTIONS = 8
_AT_ONCE = 32
"""Client connections under which the journal's cost is measured."""

_READ_IN_TURN = 100
"""So many of the stored connections are read and changed in turn."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    few: int = 100
    many: int = 100_000
    rounds: int = 3
    seconds: float = 2
    starts: int = 7
    server: str = "auto"
    """The value of `mockserver serve --server`; the bare application runs under the same."""


QUICK = Plan(many=5_000, rounds=1, seconds=1, starts=3)


@dataclass(frozen=True, slots=True)
class Row:
    """One case with so many client connections. Figures are the medians of the rounds; ratios are of one round each."""

    case: str
    connections: int
    bare: Figures
    few: Figures
    many: Figures
    to_bare: float
    """Requests per second with few connections stored, over the bare application's."""
    many_to_few: float


@dataclass(frozen=True, slots=True)
class Judged:
    """What the journal costs in one case: the same server without and with one, few connections stored."""

    case: str
    connections: int
    off: Figures
    on: Figures
    on_to_off: float
    """Requests per second; the median of the rounds' ratios."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process holds after the load, journal full. `kind` is PSS or RSS; bytes; connections stored then."""

    kind: str
    bare: int
    few: int
    few_stored: int
    many: int
    many_stored: int

    @property
    def each(self) -> float:
        """Bytes that one more stored connection takes."""
        return (self.many - self.few) / max(1, self.many_stored - self.few_stored)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything a run showed. Times in seconds."""

    version: str
    python: str
    cores: int
    generator: str
    http_server: str
    plan: Plan
    rows: tuple[Row, ...]
    start: float
    start_bare: float
    judged: tuple[Judged, ...]
    memory: Memory | None
    durable: tuple[tuple[int, Figures], ...]
    """Creates that are on disk before they are answered, by the number of client connections; medians of the rounds."""


def run(plan: Plan, progress: Progress) -> Outcome:
    """Measure. Raises LoadError when a server does not start or answers otherwise than it should."""
    start, start_bare = _starts(plan, progress)
    with ExitStack() as stack:
        bare = stack.enter_context(servers.bare(plan.server))
        few = stack.enter_context(servers.ours(plan.server))
        many = stack.enter_context(servers.ours(plan.server))
        for program, number in ((few, plan.few), (many, plan.many)):
            progress(f"storing {number:,} connections")
            _fill(program, number)
        rows = []
        for case in CASES:
            sides = (_Side(bare, case, None), _Side(few, case, _some_ids(few)), _Side(many, case, _some_ids(many)))
            for connections in case.connections:
                rows.append(_row(case, connections, sides, plan, progress))
        memory = _memory(bare, few, many)
        judged = _judged(plan, progress)
        durable = _durable(plan, progress)
        return Outcome(
            version=__version__,
            python=f"{platform.python_implementation()} {platform.python_version()} on {sys.platform}",
            cores=os.cpu_count() or 1,
            generator="wrk, 1 thread" if wrk.available() else "bench/load.py",
            http_server=bare.words,
            plan=plan,
            rows=tuple(rows),
            start=start,
            start_bare=start_bare,
            judged=judged,
            memory=memory,
            durable=durable,
        )


class _Side:
    """One server under one case."""

    def __init__(self, program: servers.Program, case: Case, ids: list[str] | None) -> None:
        """Raises LoadError unless the first answer has the status the case names. Without ids: the bare application."""
        self.program = program
        self.status = case.status
        self.requests = case.bare_requests() if ids is None else case.requests(ids)
        self.path = f"/{case.name}" if ids is None else case.path.replace("{id}", ids[0])
        self.follows_etag = case.follows_etag and ids is not None
        headers = {name: value.replace(ETAG, self._etag()) for name, value in case.headers.items()}
        answer = program.ask(case.method, self.path, case.body, headers)
        if answer.status != case.status:
            said = f"{answer.status}, not {case.status}: {answer.body[:300]!r}"
            raise LoadError(f"{case.method} {self.path} answers {said}")

    def loaded(self, connections: int, seconds: float) -> Figures:
        """Figures of some seconds of load."""
        drive, etag = wrk.drive if wrk.available() else load.drive, self._etag()
        before = self.program.cpu_seconds()
        seen = drive(self.program.port, self.requests, self.status, connections, seconds=seconds, etag=etag)
        took = self.program.cpu_seconds() - before
        return replace(seen, cpu_us=took / max(1, seen.requests) * 1e6)

    def _etag(self) -> str:
        return self.program.ask("GET", self.path).headers["etag"] if self.follows_etag else ""


def _row(case: Case, connections: int, sides: tuple[_Side, _Side, _Side], plan: Plan, progress: Progress) -> Row:
    rounds = []
    for number in range(plan.rounds):
        progress(f"{case.label}, {connections} at a time, round {number + 1} of {plan.rounds}")
        rounds.append([side.loaded(connections, plan.seconds) for side in sides])
    bare, few, many = ([figures[side] for figures in rounds] for side in range(len(sides)))
    return Row(
        case=case.label,
        connections=connections,
        bare=_middle(bare),
        few=_middle(few),
        many=_middle(many),
        to_bare=median(ours.per_second / theirs.per_second for ours, theirs in zip(few, bare, strict=True)),
        many_to_few=median(ours.per_second / theirs.per_second for ours, theirs in zip(many, few, strict=True)),
    )


def _judged(plan: Plan, progress: Progress) -> tuple[Judged, ...]:
    """In turn, and each first in every other round: what a load leaves behind disturbs both alike."""
    rows = []
    with servers.ours(plan.server, journal=False) as off, servers.ours(plan.server) as on:
        for program in (off, on):
            _fill(program, plan.few)
        for case in (case for case in CASES if _AT_ONCE in case.connections):
            sides = (_Side(off, case, _some_ids(off)), _Side(on, case, _some_ids(on)))
            rounds: tuple[list[Figures], list[Figures]] = ([], [])
            for number in range(2 * plan.rounds):
                progress(f"{case.label}, journal off and on, round {number + 1} of {2 * plan.rounds}")
                for place in (0, 1) if number % 2 else (1, 0):
                    rounds[place].append(sides[place].loaded(_AT_ONCE, plan.seconds))
            ratio = median(with_it.per_second / without.per_second for without, with_it in zip(*rounds, strict=True))
            rows.append(Judged(case.label, _AT_ONCE, _middle(rounds[0]), _middle(rounds[1]), ratio))
    return tuple(rows)


def _durable(plan: Plan, progress: Progress) -> tuple[tuple[int, Figures], ...]:
    create = next(case for case in CASES if case.body is CONNECTION)
    with servers.ours(plan.server, durable=True) as program:
        side = _Side(program, create, [""])
        rounds = []
        for number in range(plan.rounds):
            progress(f"creates that are on disk before they are answered, round {number + 1} of {plan.rounds}")
            rounds.append([side.loaded(connections, plan.seconds) for connections in create.connections])
    middles = [_middle([one[place] for one in rounds]) for place in range(len(create.connections))]
    return tuple(zip(create.connections, middles, strict=True))


def _middle(figures: list[Figures]) -> Figures:
    return Figures(
        per_second=median(one.per_second for one in figures),
        p50_ms=median(one.p50_ms for one in figures),
        p99_ms=median(one.p99_ms for one in figures),
        wrong=sum(one.wrong for one in figures),
        requests=sum(one.requests for one in figures),
        cpu_us=median(one.cpu_us for one in figures),
    )


def _starts(plan: Plan, progress: Progress) -> tuple[float, float]:
    """Median seconds from the start of the process to the first good answer: ours, the bare application's."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(plan.starts):
        progress(f"starting, {number + 1} of {plan.starts}")
        for found, start in zip(seconds, (servers.ours, servers.bare), strict=True):
            with start(plan.server) as program:
                found.append(program.start_seconds)
    return median(seconds[0]), median(seconds[1])


def _fill(program: servers.Program, number: int) -> None:
    post = next(case for case in CASES if case.body is CONNECTION)
    figures = load.drive(program.port, post.requests([""]), post.status, _FILL_CONNECTIONS, count=number)
    stored = _stored(program)
    if figures.wrong or stored != number:
        raise LoadError(f"{number} connections were to be stored and {stored} are; {figures.wrong} answers were wrong")


def _stored(program: servers.Program) -> int:
    return int(program.ask("GET", "/connections?count=true").json["count"])


def _some_ids(program: servers.Program) -> list[str]:
    return [item["id"] for item in program.ask("GET", f"/connections?limit={_READ_IN_TURN}").json["items"]]


def _memory(bare: servers.Program, few: servers.Program, many: servers.Program) -> Memory | None:
    found = [program.memory() for program in (bare, few, many)]
    if None in found:
        return None
    (kind, of_bare), (_, of_few), (_, of_many) = (one for one in found if one)
    return Memory(kind, of_bare, of_few, _stored(few), of_many, _stored(many))
