"""A server under load: how the calls of the benchmark are put to it, and what it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import median

from bench import load, servers, wrk
from bench.cases import ETAG, POST_VALID, Case, Workload
from bench.load import Figures, LoadError

_FILL_CONNECTIONS = 8
_READ_IN_TURN = 100
"""So many of the stored connections are read and changed in turn."""


class Subject:
    """A running program, and how it wants to be asked."""

    def __init__(self, program: servers.Program, ids: Sequence[str], asked: Callable[[Case], Case]) -> None:
        """`ids` are those of stored connections; `asked` puts a call the way this program understands it."""
        self.program = program
        self.ids = ids
        self.asked = asked

    def answer(self, case: Case) -> servers.RawAnswer:
        """What it answers to one call, asked as it wants to be asked."""
        path, headers = self._path(case), dict(case.headers)
        if case.follows_etag:
            headers = {name: value.replace(ETAG, self._etag(path)) for name, value in headers.items()}
        return self.program.ask(case.method, path, case.body, headers)

    def check(self, work: Workload) -> None:
        """Raises LoadError unless each call of a load gets the answer that it names."""
        for case in work.cases:
            answer = self.answer(self.asked(case))
            if answer.status != case.status:
                said = f"{answer.status}, not {case.status}: {answer.body[:300]!r}"
                raise LoadError(f"{case.method} {self._path(self.asked(case))} answers {said}")

    def loaded(self, work: Workload, connections: int, seconds: float) -> Figures:
        """Figures of some seconds of load."""
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
        # The bare application has no etags, and is sent what looks like one.
        return self.program.ask("GET", path).headers.get("etag", '"0"')


def ours(program: servers.Program) -> Subject:
    """The emulator with what is stored in it."""
    items = program.ask("GET", f"/connections?limit={_READ_IN_TURN}").json["items"]
    return Subject(program, [item["id"] for item in items], lambda case: case)


def bare(program: servers.Program) -> Subject:
    """The bare application, whose paths are the names of the cases."""
    return Subject(program, [""] * _READ_IN_TURN, lambda case: replace(case, path=f"/{case.name}"))


def fill(program: servers.Program, number: int) -> None:
    """Store so many connections in an empty emulator. Raises LoadError when that many are not there then."""
    stream = POST_VALID.stream([""], "")
    figures = load.drive(program.port, [stream], POST_VALID.statuses, _FILL_CONNECTIONS, count=number)
    there = stored(program)
    if figures.wrong or there != number:
        raise LoadError(f"{number} connections were to be stored and {there} are; {figures.wrong} answers were wrong")


def stored(program: servers.Program) -> int:
    """How many connections the emulator holds."""
    return int(program.ask("GET", "/connections?count=true").json["count"])


def middle(figures: Iterable[Figures]) -> Figures:
    """The medians of the rounds; what went wrong in any of them is added up."""
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
    """Requests per second over theirs: the median of the rounds' ratios."""
    return median(one.per_second / other.per_second for one, other in zip(ours, theirs, strict=True))
