"""A bounded record of what was asked and answered, shown without secrets.

Everything is kept as it was sent, in memory only, and redacted when somebody reads it: most entries make room for
others unread. `Redaction` alone makes entries of it, and nothing leaves the journal by another way.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from mockserver import json_input, secrecy
from mockserver.exchange import Call, Result, Tenant, Violation
from mockserver.journal import redaction
from mockserver.journal.entries import TOKEN_OPERATION, UNREAD, CallFilter, Entry, Told, Traces
from mockserver.journal.redaction import Redaction
from mockserver.json_input import Json
from mockserver.runtime import stop_watch_ms

_BODY_EXCERPT = 4096
_MAX_QUERY = 2048
"""Characters of a query."""

_ENTRY_OVERHEAD, _HEADER_OVERHEAD = 1000, 60
"""Bytes an entry and each of its headers cost besides their texts, roughly: for the bound, not for accounts."""

_VIOLATION_OVERHEAD = 700
"""With a pointer of the longest kind."""

_LATE_BODY = 8192
"""Characters of a longer body are redacted at once: half of them would not be shown."""

_MAX_HEADERS, _USUAL_HEADERS = 64, 8192
"""How many calls' headers are kept to be known again, and of how many characters at most."""

_MAX_SHOWN = 512
"""Characters of one header."""

_SLACK = 32
"""Entries above the bound, never shown, until room is made: dropped one by one, they cost the calls twice as much."""

_MAX_CLIENTS = 16
"""Clients with a share of their own; later ones have one together, so that inventing client ids gains nothing."""

_NOBODY = ("", "")
"""The client of calls that were refused before it was known, and of the token endpoint."""

_MASK = secrecy.MASK.encode()

EVERY_CALL = CallFilter()


class NothingRecorded(RuntimeError):
    """There are no calls to show or to judge, because none is recorded."""

    def __init__(self) -> None:
        super().__init__(
            "The journal is off, so no call is recorded and none can be judged. "
            "Start the server with --journal 1000, or set journal_entries, to say how many are remembered."
        )


class _Kept(NamedTuple):
    """A call as the journal has it: flat, and made into an entry by who reads it, since its client waits meanwhile."""

    number: int
    size: int
    at_ms: int
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str | bytes
    """Bytes are JSON as it was sent, to be redacted by whoever reads it."""
    answer: str | bytes
    """The same, and only its beginning."""
    told: Told | None
    """None where it can be read off the answer."""
    operation: str | None
    tenant: Tenant | None
    status: int
    error: str | None
    said: tuple[tuple[str, str], ...]
    """The answer's headers."""
    fault: str | None
    violations: tuple[Violation, ...]
    request_id: str
    body_traces: tuple[int, bool] | None
    """Of `Traces`; None where they can be read off the body."""
    watch_ms: int
    source: str | None

    def __repr__(self) -> str:
        """Nothing of what is not redacted yet."""
        return f"<call {self.number}>"

    def read(self, shown: Redaction) -> Entry:
        """The entry as others see it."""
        body, answer, told = self.body, self.answer, self.told
        body_hash, sent_mask = self.body_traces or _traces_of(body if isinstance(body, bytes) else b"")
        repeats: tuple[str, ...] = ()
        if isinstance(body, bytes):
            parsed = json.loads(body)
            repeats = shown.repeats(parsed, self.operation)
            body = shown.body(parsed, self.operation, _BODY_EXCERPT)
        if told is None:
            told = Told.of(json.loads(answer) if answer else None)
        if isinstance(answer, bytes):
            answer = shown.beginning(answer, self.operation, self.status, _BODY_EXCERPT)
        return Entry(
            number=self.number,
            at_ms=self.at_ms,
            method=secrecy.name(self.method),
            path=secrecy.path(self.path, known=self.operation is not None),
            query=shown.query(self.query, self.operation),
            headers=dict(self.headers),
            body=body,
            operation=self.operation,
            tenant=self.tenant,
            status=self.status,
            error=self.error,
            answer=answer,
            answer_headers=secrecy.answer_headers(self.said),
            fault=self.fault,
            violations=redaction.named(self.violations),
            request_id=self.request_id,
            traces=Traces(body_hash, sent_mask, self.watch_ms, told, repeats=repeats),
            source=self.source,
        )


_Texts: TypeAlias = "tuple[str | bytes, str | bytes, Told | None]"
"""Body, answer, and what it told, as a kept call has them."""


class _Headers(NamedTuple):
    """The headers of a call, and what the journal makes of them."""

    sent: Mapping[str, str]
    """As they came, to tell whether the next call has the same; mostly they are one value, made once at the edge."""
    shown: Mapping[str, str]
    size: int
    """Bytes they take, roughly."""

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> _Headers:
        shown = secrecy.headers(sent, _MAX_SHOWN)
        return cls(sent, shown, _HEADER_OVERHEAD * len(shown) + sum(map(len, shown.values())))

    def with_etag(self, if_match: str) -> _Headers:
        """The same with another `If-Match`, which is all that differs from one update to the next."""
        return _Headers(self.sent, {**self.shown, **secrecy.headers({"if-match": if_match}, _MAX_SHOWN)}, self.size)


class _Share:
    """The calls of one client, oldest first."""

    __slots__ = ("kept", "size")

    def __init__(self) -> None:
        self.kept: deque[_Kept] = deque()
        self.size = 0


class Journal:
    """The latest entries, bounded in number and in bytes. Of 0 entries it is off: nothing is looked at.

    Where there is no room, the client goes first that takes most of it, so that none can push out the others' entries.
    """

    def __init__(self, most_entries: int, most_bytes: int, shown: Redaction) -> None:
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._shown = shown
        self._lock = threading.Lock()
        self._shares: dict[tuple[str, str], _Share] = {}
        self._headers: dict[tuple[str | None, str | None], _Headers] = {}
        self._count = self._bytes = self._latest = 0
        self._numbers = itertools.count(1)
        self._hung_up: set[str] = set()
        """Request ids of calls whose clients hung up."""

    @property
    def on(self) -> bool:
        """Whether calls are recorded."""
        return self._most_entries > 0

    @property
    def latest(self) -> int:
        """The number of the latest entry; 0 for none. Raises NothingRecorded when the journal is off."""
        if not self.on:
            raise NothingRecorded
        with self._lock:
            return self._latest

    def record(
        self,
        call: Call,
        result: Result,
        *,
        operation: str | None,
        tenant: Tenant | None,
        body: Json,
        violations: Iterable[Violation],
        fault: str | None = None,
        now: Redaction | None = None,
    ) -> None:
        """Keep one exchange. `body` is the parsed request body; an unparsable one is not kept at all.

        `now` redacts body and answer at once: later it might say otherwise.
        """
        if not self._most_entries:
            return
        headers = self._redacted(call.headers)
        query = call.query if len(call.query) <= _MAX_QUERY else self._shown.query(call.query, operation)[:_MAX_QUERY]
        late = now is None and len(call.body) <= _LATE_BODY
        texts = _as_sent(call, body, result) if late else _at_once(call, body, result, operation, now or self._shown)
        shown, answer, told = texts
        departures = tuple(violations)
        size = _ENTRY_OVERHEAD + headers.size + len(call.path) + len(query) + len(shown) + len(answer)
        size += _VIOLATION_OVERHEAD * len(departures) + (told.size if told else 0)
        values = (
            next(self._numbers), size, call.received_ms, call.method[:40], call.path[:1024], query,
            headers.shown, shown, answer, told, operation, tenant,
            result.status, result.error, result.headers, fault, departures, call.request_id,
            None if shown is call.body or not call.body else _traces_of(call.body), stop_watch_ms(), result.source,
        )  # fmt: skip
        client = (tenant.org, call.headers.get("x-api-key", "")) if tenant else _NOBODY
        with self._lock:
            share = self._shares.get(client) or self._share(client)
            share.kept.append(_Kept._make(values))  # in half the time that naming each takes
            share.size += size
            self._latest, self._count, self._bytes = values[0], self._count + 1, self._bytes + size
            if self._count >= self._most_entries + _SLACK or self._bytes > self._most_bytes:
                self._make_room()

    def _share(self, client: tuple[str, str]) -> _Share:
        """The share of a client that has none yet."""
        return self._shares.setdefault(client if len(self._shares) < _MAX_CLIENTS else _NOBODY, _Share())

    def _make_room(self) -> None:
        """Drop what is too much, each time of the client that has most."""
        while self._count > self._most_entries or self._bytes > self._most_bytes:
            by_bytes = self._bytes > self._most_bytes
            share = max(self._shares.values(), key=lambda share: share.size if by_bytes else len(share.kept))
            dropped = share.kept.popleft()
            share.size -= dropped.size
            self._bytes -= dropped.size
            self._count -= 1

    def _redacted(self, sent: Mapping[str, str]) -> _Headers:
        """Headers redacted. A client sends the same ones with each call: they are read, measured and kept once."""
        key = (sent.get("authorization"), sent.get("content-length"))
        known = self._headers.get(key)
        if known is not None:
            if known.sent is sent or known.sent == sent:
                return known
            if "if-match" in sent and {**known.sent, "if-match": sent["if-match"]} == sent:
                return known.with_etag(sent["if-match"])
        made = _Headers.of(sent)
        if len(self._headers) >= _MAX_HEADERS:
            self._headers.clear()
        if sum(map(len, sent.values())) <= _USUAL_HEADERS:
            self._headers[key] = made
        return made

    def record_token_call(
        self,
        call: Call,
        result: Result,
        form: Iterable[tuple[str, str]],
        fault: str | None = None,
        violations: Iterable[Violation] = (),
    ) -> None:
        """Keep a call of the token endpoint; its form is shown like a body."""
        body: Json = dict(form)
        whole = dataclasses.replace(call, body=json_input.dumps(body))
        self.record(
            whole, result, operation=TOKEN_OPERATION, tenant=None, body=body, violations=violations, fault=fault
        )

    def record_unread(self, call: Call, result: Result) -> None:
        """Keep a request that was refused before the emulator."""
        self.record(call, result, operation=None, tenant=None, body=None, violations=(UNREAD,))

    def entries(self, since: int = 0) -> list[Entry]:
        """Entries with a number above `since`, oldest first. Raises NothingRecorded when the journal is off."""
        if not self.on:
            raise NothingRecorded
        with self._lock:
            self._make_room()
            kept = [one for share in self._shares.values() for one in share.kept if one.number > since]
            gone = frozenset(self._hung_up)
        entries = [one.read(self._shown) for one in sorted(kept, key=lambda one: one.number)]
        return [_left(one) if one.request_id in gone else one for one in entries] if gone else entries

    def newest(self, most: int, wanted: CallFilter = EVERY_CALL, before: int | None = None) -> list[Entry]:
        """The latest entries that are wanted, newest first, of those with a number below `before`.

        Only these are redacted, so a page of a long journal costs no more than one of a short one.
        Raises NothingRecorded when the journal is off.
        """
        if not self.on:
            raise NothingRecorded
        with self._lock:
            self._make_room()
            kept = [
                one for share in self._shares.values() for one in share.kept if before is None or one.number < before
            ]
        kept.sort(key=lambda one: one.number, reverse=True)
        found = (one for one in kept if wanted.takes(one.method, one.path, one.status, one.fault, one.answer))
        return [one.read(self._shown) for one in itertools.islice(found, most)]

    def count(self) -> int:
        """How many entries there are."""
        with self._lock:
            self._make_room()
            return self._count

    def hung_up(self, request_id: str) -> None:
        """The client of a call hung up before everything was sent. Known of answers that a fault delays."""
        with self._lock:
            if self.on and len(self._hung_up) < self._most_entries:
                self._hung_up.add(request_id)

    def clear(self, *, anew: bool = False) -> None:
        """Forget everything. Numbers go on, unless a service begins anew, of which every call is known then."""
        with self._lock:
            if anew:
                self._numbers = itertools.count(1)
            self._shares, self._headers, self._hung_up = {}, {}, set()
            self._count = self._bytes = self._latest = 0


def _left(entry: Entry) -> Entry:
    return entry._replace(traces=entry.traces._replace(hung_up=True))


def _as_sent(call: Call, body: Json, result: Result) -> _Texts:
    """Body and answer to be redacted by whoever reads them."""
    encoded = result.encoded
    whole = len(encoded) <= _BODY_EXCERPT
    # a copy, which a slice of everything is not: what orjson returns holds 4 or 8 kB of memory, however short it is
    sent = b"".join((encoded, b"")) if whole else encoded[: _BODY_EXCERPT + 1]  # one more says that it was cut
    return _unwanted(call) if body is None else call.body, sent, None if whole else Told.of(result.body)


def _at_once(call: Call, body: Json, result: Result, operation: str | None, shown: Redaction) -> _Texts:
    text = _unwanted(call) if body is None else shown.body(body, operation, _BODY_EXCERPT)
    return text, shown.answer(result.body, operation, result.status, _BODY_EXCERPT), Told.of(result.body)


def _traces_of(body: bytes) -> tuple[int, bool]:
    return hash(body), _MASK in body


def _unwanted(call: Call) -> str:
    return f"({len(call.body)} bytes that are not JSON or not wanted)" if call.body else ""
