"""Replays a recording against a server and finds differences in its responses.

Each cause is one finding: requests that depend on a failed request are not sent, and name the one they depend on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from mockserver.comparison import masked, overlaps
from mockserver.comparison.accepted import Accepted
from mockserver.comparison.differences import Comparison, Difference, Grade
from mockserver.comparison.pairing import Pairing
from mockserver.comparison.symbols import Bindings
from mockserver.comparison.unseen import ENDS, Unseen, is_lookup, named_in_body
from mockserver.exchange import Result
from mockserver.har.gaps import is_left_out
from mockserver.journal.entries import TOKEN_OPERATION
from mockserver.recordings import strangers
from mockserver.recordings.before import Before, made_by_others
from mockserver.recordings.lives import ENTITIES, caller_of
from mockserver.recordings.recording import RecordedExchange, Recording

Verdict: TypeAlias = Literal["same", "different", "not served", "not comparable", "not called"]
VERDICTS: tuple[Verdict, ...] = ("same", "different", "not served", "not comparable", "not called")

Send: TypeAlias = Callable[[str, str, Mapping[str, str], bytes], Result]
"""Sends method, target with query, headers and body. Raises OSError when no response came."""

_OF_THE_CONNECTION = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "accept-encoding", "cookie"}
)
_THROTTLED = frozenset({429, 500, 502, 503, 504})
_READING = ("GET", "HEAD", "OPTIONS")
_TEXTS = ("/name", "/description")
_OF_A_BODY = (400, 422)
"""Statuses by which a value in a body is refused."""
_OF_THE_FORM = frozenset({"type", "form", "missing header", "added header"})
_EXPIRED = ("401013", "ErrInvalidOauthToken")
_UNKNOWN_KEY = ("403003", "ErrInvalidApiKey")


@dataclass(frozen=True, slots=True)
class Compared:
    """One exchange after its replay."""

    exchange: RecordedExchange
    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    why: str = ""
    """Why it was not compared or not sent."""
    ours: Result | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """A finding: equal differences of one operation."""

    operation: str
    difference: Difference
    exchanges: tuple[int, ...]
    accepted: str = ""
    """The reason for accepting it; empty if it is open."""

    @property
    def grade(self) -> Grade:
        """Its importance for clients."""
        return self.difference.grade


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """The result of a comparison."""

    compared: tuple[Compared, ...]
    causes: tuple[Cause, ...]
    ambiguous: int = 0
    """Number of symbols with two different values here."""
    stale: tuple[str, ...] = ()
    """Accepted differences that did not occur."""
    complete: bool = True
    notes: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[Cause, ...]:
        """The findings that are not accepted."""
        return tuple(cause for cause in self.causes if not cause.accepted)

    def count(self, verdict: Verdict) -> int:
        """Number of exchanges with a verdict."""
        return sum(one.verdict == verdict for one in self.compared)

    @property
    def status(self) -> int:
        """Exit status: 0 same, 1 different, 3 nothing could be compared."""
        if not any(one.verdict in ("same", "different", "not served") for one in self.compared):
            return 3
        return int(bool(self.open or self.stale or self.count("not served")))


class Replay:
    """Sends the requests of a recording to a server, one by one."""

    def __init__(
        self, recording: Recording, send: Send, *, shared: bool = False, token: str = "", before: Before | None = None
    ) -> None:
        """`shared`: others use the server too. `token` replaces the recorded one. `before`: what was created first."""
        self._recording = recording
        self._send = send
        self._token = token
        self._caller = caller_of(recording)
        self.bindings = Bindings.of(recording.exchanges, made_by_others(recording))
        known = before.ids if before else frozenset[str]()
        self._comparison = Comparison(self.bindings, Pairing(self.bindings, known, shared=shared))
        self._comparison.given = before.values if before else frozenset()
        self._comparison.pairing.apart.update(before.unsure if before else {})
        self._unseen = Unseen(recording, self.bindings, known)
        self._named = before.named if before else frozenset[str]()
        self._masked = before.masked if before else frozenset[str]()
        """Connections whose credentials are made up here. What is asked of their sources may be refused."""
        self._gaps = frozenset(name for exchange in recording.exchanges for name in exchange.gaps.headers)
        self._unrepeated: dict[str, str] = {}
        self._strange = strangers.changes(recording, known)
        self._rivals = overlaps.rivals(recording.exchanges)

    def run(self, before: Callable[[RecordedExchange], None] = lambda exchange: None) -> list[Compared]:
        """Replay all exchanges. `before` is called before each request, for example to set a clock."""
        compared = []
        for exchange in self._recording.exchanges:
            before(exchange)
            compared.append(self._one(exchange))
            self._unseen.note(exchange)
            self._note_unrepeated(compared[-1])
        return compared

    def _one(self, exchange: RecordedExchange) -> Compared:
        self._comparison.pairing.apart.update(self._strange.get(exchange.number, {}))
        if why := _incomparable(exchange):
            return Compared(exchange, "not comparable", why=why)
        if lost := self.bindings.lost(exchange):
            why = f"needs the {lost[0]} from exchange {self.bindings.born[lost]}"
            return Compared(exchange, "not called", why=why)
        if why := self._unseen.precedes(exchange):
            return Compared(exchange, "not comparable", why=why)
        if self.bindings.others.intersection(exchange.ids.values()):
            return Compared(exchange, "not comparable", why="about an entity that another client created")
        try:
            ours = self._send(*self._request(exchange))
        except OSError as error:
            return Compared(exchange, "not comparable", why=f"no response ({type(error).__name__})")
        if ours.status == 501 and exchange.result.status != 501:
            why = f"{exchange.operation or exchange.call.path} is answered with 501"
            return Compared(exchange, "not served", why=why, ours=ours)
        if why := self._unseen.explains(exchange, ours):
            return Compared(exchange, "not comparable", why=why, ours=ours)
        differences = tuple(self._comparison.compare(exchange, ours))
        why = self._consequence(exchange, ours, differences)
        self._note_masked_name(exchange)
        self._note_one_sided(exchange, ours)
        self._note_overlap(exchange)
        if why:
            return Compared(exchange, "not comparable", why=why, ours=ours)
        return Compared(exchange, "different" if differences else "same", differences, ours=ours)

    def _consequence(self, exchange: RecordedExchange, ours: Result, differences: Sequence[Difference]) -> str:
        """Why the differences of an exchange have an earlier cause; empty if they do not."""
        if not differences:
            return ""
        if replaced := masked.in_target(exchange):
            return f"the value of {replaced} was not recorded"
        refused = any(one.kind in ("status", "error code") for one in differences)
        statuses = {exchange.result.status, ours.status}
        about_body = all(status < 300 or status in _OF_A_BODY for status in statuses)
        if refused and about_body and (replaced := masked.in_body(exchange)):
            return f"the value at {replaced} in the body was not recorded"
        if not all(map(_may_be_of_the_state, differences)):
            return ""
        of_source = refused or all(one.pointer == "/result" for one in differences)  # of a test
        if of_source and exchange.call.path.count("/") > 2 and not self._masked.isdisjoint(exchange.ids.values()):
            return "the credentials of the connection were not recorded"
        if exchange.number in self._rivals:
            return "overlapped a change of the same entity or list"
        apart = self._comparison.pairing.apart
        if is_lookup(exchange) and exchange.result.status != 404 and not self._named.isdisjoint(exchange.ids.values()):
            return ""  # it would have shown the entity
        ends = [value for member, value in named_in_body(exchange) if member in ENDS and refused]
        return next((apart[entity] for entity in (*exchange.ids.values(), *ends) if entity in apart), "")

    def _note_overlap(self, exchange: RecordedExchange) -> None:
        """Exclude an entity that two requests changed at the same time, because either may have been last."""
        rival = self._rivals.get(exchange.number)
        for entity in overlaps.changed_by(exchange) if rival else ():
            first, last = sorted((rival or 0, exchange.number))
            why = f"exchanges {first} and {last} changed the entity at the same time"
            self._comparison.pairing.apart.setdefault(entity, why)

    def _note_unrepeated(self, done: Compared) -> None:
        """Exclude an entity that a recorded request changed, or may have changed, if that request was not sent here."""
        exchange, apart = done.exchange, self._comparison.pairing.apart
        why = f"exchange {exchange.number} may have changed the entity and was not repeated"
        status = exchange.result.status
        if done.ours is None and exchange.call.method not in _READING and (200 <= status < 300 or not 0 < status < 500):
            self._unrepeated |= {
                entity: why for entity in exchange.ids.values() if apart.setdefault(entity, why) == why
            }
        elif done.verdict == "same" and exchange.call.headers.get("if-match") and status < 300:
            for entity in exchange.ids.values():  # its etag shows that nothing had changed
                if apart.get(entity) == self._unrepeated.pop(entity, ""):
                    del apart[entity]

    def _note_masked_name(self, exchange: RecordedExchange) -> None:
        """Exclude an entity from lists that are filtered or ordered by a text that was replaced in its creation."""
        place, new = masked.in_body(exchange), exchange.result.body
        if exchange.result.status == 201 and place in _TEXTS and isinstance(new, dict):
            why = f"the value at {place} in its creation was not recorded"
            self._comparison.pairing.apart.setdefault(str(new.get("id")), why)

    def _note_one_sided(self, exchange: RecordedExchange, ours: Result) -> None:
        """Exclude from later comparisons what only one side accepted.

        An entity that only we created is deleted; one that only one side changed is no longer compared.
        """
        if exchange.call.method in ("GET", "HEAD") or exchange.result.status // 100 == ours.status // 100:
            return
        new = ours.body.get("id") if isinstance(ours.body, dict) else None
        path = exchange.call.path.strip("/")
        if ours.status == 201 and isinstance(new, str) and path in ENTITIES:
            _, target, headers, _ = self._request(exchange)
            kept = {name: value for name, value in headers.items() if name not in ("content-type", "if-match")}
            with suppress(OSError):
                self._send("DELETE", f"{target.partition('?')[0]}/{quote(new)}", kept, b"")
        if exchange.call.method == "POST" and not path.endswith("/action"):
            return  # an event at an inlet changes no entity
        for entity in exchange.ids.values():
            why = f"exchange {exchange.number} changed the entity on one side only"
            self._comparison.pairing.apart.setdefault(entity, why)

    def _is_gap(self, exchange: RecordedExchange, name: str) -> bool:
        """Whether a tool removed a header. A variable in a refused request counts, if requests with it passed."""
        if name in exchange.gaps.headers:
            return True
        return name in self._gaps and is_left_out(exchange.call.headers.get(name, ""), passed=True)

    def _request(self, exchange: RecordedExchange) -> tuple[str, str, Mapping[str, str], bytes]:
        call, query = exchange.call, self.bindings.in_query(exchange)
        headers = {
            name: self.bindings.in_header(name, value)
            for name, value in call.headers.items()
            if name not in _OF_THE_CONNECTION
        }
        headers |= {name: value for name, value in self._caller.items() if self._is_gap(exchange, name)}
        if "authorization" in headers and self._token:
            headers["authorization"] = f"Bearer {self._token}"
        sent, changed = exchange.body, self.bindings.in_body(exchange.body)
        body = call.body if sent == changed else json.dumps(changed, ensure_ascii=False).encode()
        return call.method, self.bindings.in_path(exchange) + (f"?{query}" if query else ""), headers, body


def _may_be_of_the_state(difference: Difference) -> bool:
    """Whether another state of an entity can cause a difference. It changes neither forms nor a success status."""
    succeeded = difference.recorded[:1] == difference.ours[:1] == "2"
    return difference.kind not in _OF_THE_FORM and not (difference.kind == "status" and succeeded)


def _incomparable(exchange: RecordedExchange) -> str:
    """Why an exchange cannot be compared with another server; empty if it can."""
    result = exchange.result
    if result.status == 0:
        return "no response was recorded"
    if not exchange.whole:
        return "the recorded response is incomplete"
    if exchange.gaps.body:
        return "the request body was not recorded"
    if result.status in _THROTTLED:
        return f"the service was unavailable ({result.status})"
    if result.status == 304:
        return "the response confirms what the client had stored"
    if result.error in _EXPIRED and "authorization" in exchange.call.headers:
        return "the token had expired, which another server cannot know"
    if result.error in _UNKNOWN_KEY:
        return "only the recorded service knows the API keys"
    if exchange.operation == TOKEN_OPERATION and result.status >= 400:
        return "only the recorded service knows the client credentials"
    return ""


def outcome(
    compared: Sequence[Compared],
    accepted: Accepted | None = None,
    *,
    ambiguous: int = 0,
    complete: bool = True,
    notes: Iterable[str] = (),
) -> ReplayOutcome:
    """Group differences by cause, and mark the accepted ones."""
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
    """Reasons why exchanges were not compared, with their number."""
    return Counter(one.why for one in compared if one.why)
