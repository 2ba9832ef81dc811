"""Replays a recording against a server and tells where it answers otherwise.

One cause, one finding: what depends on a request that went wrong here is not sent, and says on what it depends.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from mockserver.exchange import Result
from mockserver.journal.entries import TOKEN_OPERATION
from mockserver.recordings.accepted import Accepted
from mockserver.recordings.differences import Comparison, Difference, Grade
from mockserver.recordings.learning import made_by_others
from mockserver.recordings.recording import RecordedExchange, Recording
from mockserver.recordings.symbols import Bindings

Verdict: TypeAlias = Literal["same", "different", "not served", "not comparable", "not called"]
VERDICTS: tuple[Verdict, ...] = ("same", "different", "not served", "not comparable", "not called")

Send: TypeAlias = Callable[[str, str, Mapping[str, str], bytes], Result]
"""Sends method, target with query, headers and body. Raises OSError when no response came."""

_OF_THE_CONNECTION = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "accept-encoding", "cookie"}
)
_THROTTLED = frozenset({429, 500, 502, 503, 504})
_EXPIRED = ("401013", "ErrInvalidOauthToken")


@dataclass(frozen=True, slots=True)
class Compared:
    """One exchange after its replay."""

    exchange: RecordedExchange
    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    why: str = ""
    """Why it could not be compared or was not called."""
    ours: Result | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Equal differences of one operation: one finding."""

    operation: str
    difference: Difference
    exchanges: tuple[int, ...]
    accepted: str = ""
    """The reason given for accepting it; empty if it is open."""

    @property
    def grade(self) -> Grade:
        """How much it matters to a client."""
        return self.difference.grade


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """What a comparison found."""

    compared: tuple[Compared, ...]
    causes: tuple[Cause, ...]
    ambiguous: int = 0
    """Symbols that two values here would have stood for."""
    stale: tuple[str, ...] = ()
    """Rows of the accepted differences that excuse nothing."""
    complete: bool = True
    notes: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[Cause, ...]:
        """The findings that nobody accepted."""
        return tuple(cause for cause in self.causes if not cause.accepted)

    def count(self, verdict: Verdict) -> int:
        """How many exchanges have a verdict."""
        return sum(one.verdict == verdict for one in self.compared)

    @property
    def status(self) -> int:
        """The exit status: 0 same, 1 different, 3 nothing could be compared."""
        if not any(one.verdict in ("same", "different", "not served") for one in self.compared):
            return 3
        return int(bool(self.open or self.stale or self.count("not served")))


class Replay:
    """Sends the requests of a recording to a server, one after the other."""

    def __init__(self, recording: Recording, send: Send, *, shared: bool = False, token: str = "") -> None:
        """`shared`: a server that others use too. `token`: sent in place of the recorded one."""
        self._recording = recording
        self._send = send
        self._token = token
        self.bindings = Bindings.of(recording.exchanges, made_by_others(recording))
        self._comparison = Comparison(self.bindings, shared=shared)

    def run(self, before: Callable[[RecordedExchange], None] = lambda exchange: None) -> list[Compared]:
        """Replay everything; `before` is called ahead of each request, to move a clock."""
        compared = []
        for exchange in self._recording.exchanges:
            before(exchange)
            compared.append(self._one(exchange))
        return compared

    def _one(self, exchange: RecordedExchange) -> Compared:
        if why := _incomparable(exchange):
            return Compared(exchange, "not comparable", why=why)
        if lost := self.bindings.lost(exchange):
            why = f"needs the {lost[0]} that exchange {self.bindings.born[lost]} showed"
            return Compared(exchange, "not called", why=why)
        if self.bindings.others.intersection(exchange.ids.values()):
            return Compared(exchange, "not comparable", why="is about an entity that somebody else made meanwhile")
        try:
            ours = self._send(*self._request(exchange))
        except OSError as error:
            return Compared(exchange, "not comparable", why=f"no response ({type(error).__name__})")
        if ours.status == 501 and exchange.result.status != 501:
            why = f"{exchange.operation or exchange.call.path} answers 501"
            return Compared(exchange, "not served", why=why, ours=ours)
        differences = tuple(self._comparison.compare(exchange, ours))
        return Compared(exchange, "different" if differences else "same", differences, ours=ours)

    def _request(self, exchange: RecordedExchange) -> tuple[str, str, Mapping[str, str], bytes]:
        call, query = exchange.call, self.bindings.in_query(exchange)
        headers = {
            name: self.bindings.in_header(name, value)
            for name, value in call.headers.items()
            if name not in _OF_THE_CONNECTION
        }
        if "authorization" in headers and self._token:
            headers["authorization"] = f"Bearer {self._token}"
        sent, changed = exchange.body, self.bindings.in_body(exchange.body)
        body = call.body if sent == changed else json.dumps(changed, ensure_ascii=False).encode()
        return call.method, self.bindings.in_path(exchange) + (f"?{query}" if query else ""), headers, body


def _incomparable(exchange: RecordedExchange) -> str:
    """Why the recorded exchange says nothing about another server, or nothing at all."""
    result = exchange.result
    if result.status == 0:
        return "no response was recorded"
    if not exchange.whole:
        return "the response ended early"
    if exchange.gaps.body:
        return "the request body was not recorded"
    if result.status in _THROTTLED:
        return f"the service was not able to answer ({result.status})"
    if result.error in _EXPIRED and "authorization" in exchange.call.headers:
        return "the token had expired; no other server can know"
    if exchange.operation == TOKEN_OPERATION and result.status >= 400:
        return "client credentials are known to the recorded service only"
    return ""


def outcome(
    compared: Sequence[Compared],
    accepted: Accepted | None = None,
    *,
    ambiguous: int = 0,
    complete: bool = True,
    notes: Iterable[str] = (),
) -> ReplayOutcome:
    """Group what was found by its cause, and set aside what was accepted."""
    accepted = accepted or Accepted()
    places: dict[tuple[str, Difference], list[int]] = {}
    for one in compared:
        for difference in one.differences:
            operation = one.exchange.operation or f"{one.exchange.call.method} (no operation)"
            places.setdefault((operation, difference), []).append(one.exchange.number)
    causes = [
        Cause(operation, difference, tuple(numbers), accepted.reason(operation, difference))
        for (operation, difference), numbers in places.items()
    ]
    order: dict[Any, int] = {"high": 0, "medium": 1, "low": 2}
    causes.sort(key=lambda cause: (bool(cause.accepted), order[cause.grade], cause.exchanges))
    return ReplayOutcome(tuple(compared), tuple(causes), ambiguous, accepted.stale(), complete, tuple(notes))


def reasons(compared: Iterable[Compared]) -> Counter[str]:
    """Why exchanges were not compared, with how often."""
    return Counter(one.why for one in compared if one.why)
