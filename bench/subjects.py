"""Puts the requests of the benchmark to a server under load and measures it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import median

from bench import load, servers, wrk
from bench.cases import ETAG, POST_VALID, Case, Workload
from bench.load import Figures, LoadError

_FILL_CONNECTIONS = 8
_READ_IN_TURN = 100
"""Number of stored connections that are read and changed in turn."""


class Subject:
    """A running program and how it is addressed."""

    def __init__(self, program: servers.Program, ids: Sequence[str], asked: Callable[[Case], Case]) -> None:
        """`ids` are stored connections; `asked` adapts a request to this program."""
        self.program = program
        self.ids = ids
        self.asked = asked

    def answer(self, case: Case) -> servers.RawAnswer:
        """The response to one request."""
        path, headers = self._path(case), dict(case.headers)
        if case.follows_etag:
            headers = {name: value.replace(ETAG, self._etag(path)) for name, value in headers.items()}
        return self.program.ask(case.method, path, case.body, headers)

    def check(self, work: Workload) -> None:
        """Raise LoadError unless each request of a load gets its expected response."""
        for case in work.cases:
            answer = self.answer(self.asked(case))
            if answer.status != case.status:
                said = f"{answer.status}, not {case.status}: {answer.body[:300]!r}"
                raise LoadError(f"{case.method} {self._path(self.asked(case))} answers {said}")

    def loaded(self, work: Workload, connections: int, seconds: float) -> Figures:
        """The figures of some seconds of load."""
        asked = Workload(work.name, tuple(self.asked(case) for case in work.steps))
        streams = [asked.stream(share, self._first_etag(asked, share)) for share in asked.shares(self.ids, connections)]
        drive = wrk.drive if wrk.available() else load.drive
        before = self.program.cpu_seconds()
        seen = drive(self.program.port, streams, asked.statuses, connections, seconds=seconds)
        took = self.program.cpu_seconds() - before
        return replace(seen, cpu_us=took / max(1, seen.requests) * 1e6)

    def _path(self, case: Case) -> str:
        return case.path.replace("{id}", self.ids[0])

    def _first_etag(self, work: Workload, ids: Sequence[str]) -> str:
        changes = [case for case in work.cases if case.follows_etag]
        return self._etag(changes[0].path.replace("{id}", ids[0])) if changes else ""

    def _etag(self, path: str) -> str:
        # The bare application has no etags and is sent an invented one.
        return self.program.ask("GET", path).headers.get("etag", '"0"')


def ours(program: servers.Program) -> Subject:
    """The emulator with its stored connections."""
    items = program.ask("GET", f"/connections?limit={_READ_IN_TURN}").json["items"]
    return Subject(program, [item["id"] for item in items], lambda case: case)


def bare(program: servers.Program) -> Subject:
    """The bare application, whose paths are the names of the cases."""
    return Subject(program, [""] * _READ_IN_TURN, lambda case: replace(case, path=f"/{case.name}"))


def fill(program: servers.Program, number: int) -> None:
    """Store connections in an empty emulator. Raises LoadError if they are not all there afterwards."""
    stream = POST_VALID.stream([""], "")
    figures = load.drive(program.port, [stream], POST_VALID.statuses, _FILL_CONNECTIONS, count=number)
    there = stored(program)
    if figures.wrong or there != number:
        raise LoadError(f"{number} connections were to be stored and {there} are; {figures.wrong} answers were wrong")


def stored(program: servers.Program) -> int:
    """The number of connections in the emulator."""
    return int(program.ask("GET", "/connections?count=true").json["count"])


def middle(figures: Iterable[Figures]) -> Figures:
    """The medians of the rounds; wrong responses of all rounds are added."""
    rounds = list(figures)
    return Figures(
        per_second=median(one.per_second for one in rounds),
        p50_ms=median(one.p50_ms for one in rounds),
        p99_ms=median(one.p99_ms for one in rounds),
        wrong=sum(one.wrong for one in rounds),
        requests=sum(one.requests for one in rounds),
        cpu_us=median(one.cpu_us for one in rounds),
    )


def ratio(ours: Iterable[Figures], theirs: Iterable[Figures]) -> float:
    """Requests per second relative to another subject: the median of the rounds' ratios."""
    return median(one.per_second / other.per_second for one, other in zip(ours, theirs, strict=True))
