"""Measures ours, the bare application and the other tools side by side: what each checks, and how fast."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

from bench import servers, subjects, wrk
from bench.cases import (
    BAD,
    CONNECTION,
    CREATE,
    GET_ONE,
    INVALID,
    PAGE,
    PAGE_OF_100,
    POST_VALID,
    READ,
    STALE,
    UNKNOWN,
    UNKNOWN_ID,
    WRONG_TYPE,
    Case,
    Workload,
)
from bench.load import Figures, LoadError
from bench.peers.rows import PEERS, Peer
from bench.plan import Plan, Progress
from bench.subjects import Subject

_START_SECONDS = 120
_MARK = "stored by the benchmark"
_FEW = 100

_LOADS = (GET_ONE, PAGE_OF_100, WRONG_TYPE, POST_VALID)
_AT_ONE = (GET_ONE, POST_VALID)
"""Loads that run with one client connection as well as with many."""


@dataclass(frozen=True, slots=True)
class Checks:
    """The statuses that show what a tool checks; None if it has no such request."""

    wrong_type: int | None
    """A name that is a number, which violates the contract's schema."""
    invalid: int | None
    """Params that the connection spec does not allow."""
    unknown_id: int | None
    """A look-up of a connection that was never created."""
    stale_etag: int | None
    """A change with an invalid etag."""
    kept: bool
    """Whether what was created can be read."""


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """One load with a number of client connections: medians of the rounds."""

    load: str
    connections: int
    figures: Figures
    status: int
    """The statuses of the responses."""
    ours: float
    """Our requests per second over its, the median of the rounds' ratios."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The results of one server. Seconds and bytes; memory as PSS, or RSS if PSS is not available."""

    name: str
    version: str
    kind: str
    start: float
    memory_before: int
    memory_after: int
    checks: Checks | None
    """None for the bare application, which checks nothing."""
    seen: tuple[PeerAnswer, ...]

    def at(self, load: str, connections: int) -> PeerAnswer | None:
        """The results under one load."""
        return next((one for one in self.seen if (one.load, one.connections) == (load, connections)), None)


@dataclass(frozen=True, slots=True)
class Race:
    """All servers, ours first, and those that could not be measured, with the reason."""

    standings: tuple[Standing, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()


class _Runner:
    """A server in the race."""

    def __init__(self, name: str, version: str, kind: str, side: Subject, checks: Checks | None) -> None:
        self.name, self.version, self.kind, self.side, self.checks = name, version, kind, side, checks
        self.before = _memory(side)
        self.rounds: dict[tuple[str, int], list[Figures]] = {}
        self.statuses: dict[str, int] = {}

    def run(self, load: Workload, connections: int, seconds: float) -> None:
        """Run one round, if the load applies to this server."""
        if not _has(self.side, load.steps[0]):
            return
        seen = self.side.loaded(load, connections, seconds)
        self.rounds.setdefault((load.label, connections), []).append(seen)
        self.statuses[load.label] = self.side.asked(load.steps[0]).status

    def warm_up(self, loads: Iterable[Workload], connections: int, seconds: float) -> None:
        """Generate load that does not count."""
        for load in (load for load in loads if _has(self.side, load.steps[0])):
            self.side.loaded(load, connections, seconds)

    def standing(self, ours: _Runner) -> Standing:
        """The results, relative to ours."""
        seen = tuple(
            PeerAnswer(
                load=load,
                connections=connections,
                figures=subjects.middle(rounds),
                status=self.statuses[load],
                ours=subjects.ratio(ours.rounds[load, connections], rounds),
            )
            for (load, connections), rounds in self.rounds.items()
        )
        start = self.side.program.start_seconds
        return Standing(self.name, self.version, self.kind, start, self.before, _memory(self.side), self.checks, seen)


def run(plan: Plan, progress: Progress) -> Race:
    """Measure those that start. Raises LoadError when our own server does not."""
    if not plan.peers:
        return Race()
    if not wrk.available():  # bench/load.py reads no chunks and opens no connection again
        return Race(absent=tuple((name, "wrk is not installed") for name in plan.peers))
    absent = []
    with ExitStack() as stack:
        runners = [*_own(plan, stack)]
        for peer in (peer for peer in PEERS if peer.name in plan.peers):
            progress(f"starting {peer.name}")
            try:
                with ExitStack() as own:
                    runner = _started(peer, own)
                    progress(f"warming up {peer.name}")
                    loads = (GET_ONE,) if peer.page else _LOADS  # stored records slow some of them down
                    runner.warm_up(loads, max(plan.connections), plan.seconds * peer.warm_up)
                    runners.append(runner)
                    stack.push(own.pop_all())
            except LoadError as error:
                absent.append((peer.name, str(error)))
        for load in _LOADS:
            for connections in plan.connections if load in _AT_ONE else (max(plan.connections),):
                for number in range(plan.peer_rounds):
                    progress(f"{load.label}, {connections} at a time, all tools, round {number + 1}")
                    absent += _round(runners, load, connections, plan.seconds)
        return Race(tuple(runner.standing(runners[0]) for runner in runners), tuple(absent))


def _round(runners: list[_Runner], load: Workload, connections: int, seconds: float) -> Iterator[tuple[str, str]]:
    """Load each server in turn. A tool that fails leaves the race and is named."""
    for runner in tuple(runners):
        try:
            runner.run(load, connections, seconds)
        except LoadError as error:
            if runner is runners[0]:
                raise
            runners.remove(runner)
            yield runner.name, f"{load.label}, {connections} at a time: {error}"


def _own(plan: Plan, stack: ExitStack) -> Iterator[_Runner]:
    ours = stack.enter_context(servers.ours())
    subjects.fill(ours, _FEW)
    side = subjects.ours(ours)
    yield _Runner("ours", "", "the service, emulated", side, _checks(side))
    side = subjects.bare(stack.enter_context(servers.bare()))
    yield _Runner("bare Flask", "", "checks nothing", side, None)


def _started(peer: Peer, stack: ExitStack) -> _Runner:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    files = {name: text() for name, text in peer.files.items()}
    command = peer.command(peer.package, str(port))
    program = stack.enter_context(
        servers.Program(command, peer.base + peer.probe, port=port, files=files, patience=_START_SECONDS)
    )
    before = Subject(program, [UNKNOWN_ID], peer.asked)
    for case in peer.opening:
        before.answer(case)
    created = before.answer(peer.asked(CREATE))
    if created.status >= 300:
        raise LoadError(f"it answers {created.status} to the valid POST: {created.body[:200]!r}")
    for _ in range(_FEW if peer.page else 0):
        before.answer(peer.asked(CREATE))
    side = Subject(program, [_id(created)], peer.asked)
    answered = {
        case.name: replace(peer.asked(case), status=side.answer(peer.asked(case)).status)
        for case in (READ, PAGE, BAD, CREATE)
        if _has(side, case)
    }
    if answered[READ.name].status != 200:
        raise LoadError(f"it answers {answered[READ.name].status} to the look-up of what it has created")
    checks = _checks(side)
    return _Runner(
        peer.name, peer.package.version, peer.kind, Subject(program, side.ids, lambda case: answered[case.name]), checks
    )


def _id(created: servers.RawAnswer) -> str:
    """The id in the response to a creation, or any well-formed id."""
    try:
        return str(created.json["id"] or UNKNOWN_ID)
    except (ValueError, KeyError, TypeError):
        return UNKNOWN_ID


def _has(side: Subject, case: Case) -> bool:
    try:
        side.asked(case)
    except KeyError:
        return False
    return True


def _checks(side: Subject) -> Checks:
    def status(case: Case) -> int | None:
        return side.answer(side.asked(case)).status if _has(side, case) else None

    marked = json.loads(json.dumps(side.asked(CREATE).body).replace(CONNECTION["name"], _MARK))
    created = side.answer(replace(side.asked(CREATE), body=marked))
    read = Subject(side.program, [_id(created)], side.asked).answer(side.asked(READ))
    return Checks(
        wrong_type=status(BAD),
        invalid=status(INVALID),
        unknown_id=status(UNKNOWN),
        stale_etag=status(STALE),
        kept=_MARK.encode() in read.body,
    )


def _memory(side: Subject) -> int:
    found = side.program.memory()
    return found[1] if found else 0
