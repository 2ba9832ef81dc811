"""A bounded, in-memory record of requests and responses.

Calls are stored as sent and redacted on read, because most entries are dropped unread. Only `Redaction` converts them
to entries, and nothing else leaves the journal.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from mockserver import json_input, secrecy
from mockserver.exchange import Call, Result, Tenant, Violation
from mockserver.journal import redaction
from mockserver.journal.entries import TOKEN_OPERATION, UNREAD, CallFilter, Entry, ResponseFacts, Traces
from mockserver.journal.redaction import Redaction
from mockserver.json_input import Json
from mockserver.runtime import stop_watch_ms
from mockserver.secrecy import http

_BODY_EXCERPT = 4096
_MAX_QUERY = 2048
"""Maximum characters stored of a query."""

_ENTRY_OVERHEAD, _HEADER_OVERHEAD = 1000, 60
"""Estimated bytes of an entry and of each of its headers, without their texts."""

_VIOLATION_OVERHEAD = 700
"""Estimated bytes of a violation with the longest pointer."""

_MAX_DEFERRED_BODY = 8192
"""Maximum bytes of a body that is redacted on read. Less than half of a larger one would be shown."""

_MAX_HEADERS, _MAX_CACHED_HEADERS = 64, 8192
"""Size of the cache of redacted headers, and maximum characters of the headers of a cached call."""

_MAX_SHOWN = 512
"""Maximum characters shown of one header."""

_SLACK = 32
"""Entries that may exceed the limit before some are dropped; they are never shown. Dropping in batches is cheaper."""

_MAX_CLIENTS = 16
"""Clients with a share of their own: the first ones. All later ones have one share, so that inventing clients gains
nothing."""

_OTHERS = ("*", "")
"""The client of that share. No organisation has this id."""

_NOBODY = ("", "")
"""The client of token requests, and of requests refused before their client was known."""

_MASK = secrecy.MASK.encode()

EVERY_CALL = CallFilter()


class NothingRecorded(RuntimeError):
    """The journal is off, so there are no calls to show or judge."""

    def __init__(self) -> None:
        super().__init__(
            "The journal is off: no call is recorded, and none can be judged. "
            "Start the server with --journal 1000, or set journal_entries to the number of calls to keep."
        )


class _StoredCall(NamedTuple):
    """A call as stored. It is flat and converted to an `Entry` on read, because its client waits while it is stored."""

    number: int
    size: int
    at_ms: int
    method: str
    path: str
    query: str
    shown_query: str | None
    """The redacted query, if it was redacted at once."""
    headers: Mapping[str, str]
    body: str | bytes
    """Bytes are JSON as sent, not redacted yet; a string is redacted."""
    answer: str | bytes
    """The same, cut after `_BODY_EXCERPT`."""
    facts: ResponseFacts | None
    """None if `answer` is complete, so that they can be extracted on read."""
    operation: str | None
    tenant: Tenant | None
    status: int
    error: str | None
    answer_headers: tuple[tuple[str, str], ...]
    fault: str | None
    violations: tuple[Violation, ...]
    request_id: str
    body_traces: tuple[int, bool] | None
    """`Traces.body` and `Traces.sent_mask`; None if they can be computed from the body."""
    watch_ms: int
    source: str | None

    def __repr__(self) -> str:
        """The number only, because the rest is not redacted yet."""
        return f"<call {self.number}>"

    def read(self, shown: Redaction) -> Entry:
        """Redact the call and convert it to an entry."""
        body, answer, facts = self.body, self.answer, self.facts
        body_hash, sent_mask = self.body_traces or _traces_of(body if isinstance(body, bytes) else b"")
        repeats: tuple[str, ...] = ()
        if isinstance(body, bytes):
            parsed = json.loads(body)
            repeats = shown.repeats(parsed, self.operation)
            body = shown.body(parsed, self.operation, _BODY_EXCERPT)
        if facts is None:
            facts = ResponseFacts.of(json.loads(answer) if answer else None)
        if isinstance(answer, bytes):
            answer = shown.beginning(answer, self.operation, self.status, _BODY_EXCERPT)
        return Entry(
            number=self.number,
            at_ms=self.at_ms,
            method=secrecy.name(self.method),
            path=http.path(self.path, known=self.operation is not None),
            query=shown.query(self.query, self.operation) if self.shown_query is None else self.shown_query,
            headers=dict(self.headers),
            body=body,
            operation=self.operation,
            tenant=_shown(self.tenant),
            status=self.status,
            error=self.error,
            answer=answer,
            answer_headers=http.answer_headers(self.answer_headers),
            fault=self.fault,
            violations=redaction.named(self.violations),
            request_id=self.request_id,
            traces=Traces(body_hash, sent_mask, self.watch_ms, facts, repeats=repeats),
            source=self.source,
        )


_Texts: TypeAlias = "tuple[str | bytes, str | bytes, ResponseFacts | None]"
"""`body`, `answer` and `facts` of a stored call."""


class _Headers(NamedTuple):
    """The headers of a call, as sent and redacted."""

    sent: Mapping[str, str]
    """To recognise the same headers in the next call. The adapter caches them, so they are usually the same object."""
    shown: Mapping[str, str]
    size: int
    """Estimated memory in bytes."""

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> _Headers:
        shown = http.headers(sent, _MAX_SHOWN)
        return cls(sent, shown, _HEADER_OVERHEAD * len(shown) + sum(map(len, shown.values())))

    def with_etag(self, if_match: str) -> _Headers:
        """The same headers with another `If-Match`. Updates by one client often differ in nothing else."""
        return _Headers(self.sent, {**self.shown, **http.headers({"if-match": if_match}, _MAX_SHOWN)}, self.size)


class _Share:
    """The calls of one client, oldest first."""

    __slots__ = ("kept", "size")

    def __init__(self) -> None:
        self.kept: deque[_StoredCall] = deque()
        self.size = 0


class Journal:
    """The latest entries, limited in number and bytes. A limit of 0 entries turns the journal off.

    Above a limit, the oldest entry of the client that uses most is dropped, so that no client evicts the others.
    """

    def __init__(self, max_entries: int, max_bytes: int, shown: Redaction) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._shown = shown
        self._lock = threading.Lock()
        self._shares: dict[tuple[str, str], _Share] = {}
        self._headers: dict[tuple[str | None, str | None], _Headers] = {}
        self._count = self._bytes = self._latest = self._version = 0
        self._numbers = itertools.count(1)
        self._hung_up: set[str] = set()
        """Request ids of calls whose clients disconnected."""

    @property
    def on(self) -> bool:
        """Whether calls are recorded."""
        return self._max_entries > 0

    @property
    def latest(self) -> int:
        """The number of the latest entry; 0 for none. Raises NothingRecorded when the journal is off."""
        if not self.on:
            raise NothingRecorded
        with self._lock:
            return self._latest

    @property
    def version(self) -> int:
        """A number that is higher after each change, also after a reset."""
        with self._lock:
            return self._version

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
        """Store a request and its response. `body` is the parsed request body; a body that is not JSON is not stored.

        `now` redacts both at once. It is for rules of redaction that may have changed when the entry is read.
        """
        if not self._max_entries:
            return
        headers = self._redacted(call.headers)
        query, shown_query = call.query, None
        if now or len(query) > _MAX_QUERY:
            query, shown_query = "", (now or self._shown).query(query, operation)[:_MAX_QUERY]
        deferred = now is None and len(call.body) <= _MAX_DEFERRED_BODY
        texts = _as_sent(call, body, result) if deferred else _redact(call, body, result, operation, now or self._shown)
        shown, answer, facts = texts
        departures = tuple(violations)
        size = _ENTRY_OVERHEAD + headers.size + len(call.path) + len(shown_query or query) + len(shown) + len(answer)
        size += _VIOLATION_OVERHEAD * len(departures) + (facts.size if facts else 0) + len(fault or "")
        values = (
            next(self._numbers), size, call.received_ms, call.method[:40], call.path[:1024], query, shown_query,
            headers.shown, shown, answer, facts, operation, tenant,
            result.status, result.error, result.headers, fault, departures, call.request_id,
            None if shown is call.body or not call.body else _traces_of(call.body), stop_watch_ms(), result.source,
        )  # fmt: skip
        client = (tenant.org, call.headers.get("x-api-key", "")) if tenant else _NOBODY
        with self._lock:
            share = self._shares.get(client) or self._share(client)
            share.kept.append(_StoredCall._make(values))  # twice as fast as keyword arguments
            share.size += size
            self._latest, self._count, self._bytes = values[0], self._count + 1, self._bytes + size
            self._version += 1
            if self._count >= self._max_entries + _SLACK or self._bytes > self._max_bytes:
                self._make_room()

    def _share(self, client: tuple[str, str]) -> _Share:
        """Create the share of a client that has none, or return the common one."""
        common = self._shares.keys() & {_NOBODY, _OTHERS}
        if client != _NOBODY and len(self._shares) - len(common) >= _MAX_CLIENTS:
            client = _OTHERS
        return self._shares.setdefault(client, _Share())

    def _make_room(self) -> None:
        """Drop entries above the limits, each time the oldest of the client that uses most."""
        while self._count > self._max_entries or self._bytes > self._max_bytes:
            by_bytes = self._bytes > self._max_bytes
            share = max(self._shares.values(), key=lambda share: share.size if by_bytes else len(share.kept))
            dropped = share.kept.popleft()
            share.size -= dropped.size
            self._bytes -= dropped.size
            self._count -= 1

    def _redacted(self, sent: Mapping[str, str]) -> _Headers:
        """Redact headers. They are cached, because a client sends the same ones with each call."""
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
        if sum(map(len, sent.values())) <= _MAX_CACHED_HEADERS:
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
        """Store a request to the token endpoint. Its form is stored as a JSON body."""
        body: Json = dict(form)
        whole = call._replace(body=json_input.dumps(body))
        self.record(
            whole, result, operation=TOKEN_OPERATION, tenant=None, body=body, violations=violations, fault=fault
        )

    def record_unread(self, call: Call, result: Result) -> None:
        """Store a request that was refused before it reached the emulator."""
        self.record(call, result, operation=None, tenant=None, body=None, violations=(UNREAD,))

    def entries(self, since: int = 0) -> list[Entry]:
        """Entries with a number above `since`, oldest first. Raises NothingRecorded if the journal is off."""
        if not self.on:
            raise NothingRecorded
        with self._lock:
            self._make_room()
            kept = [one for share in self._shares.values() for one in share.kept if one.number > since]
            gone = frozenset(self._hung_up)
        entries = [one.read(self._shown) for one in sorted(kept, key=lambda one: one.number)]
        return [_hung_up(one) if one.request_id in gone else one for one in entries] if gone else entries

    def newest(self, limit: int, selected: CallFilter = EVERY_CALL, before: int | None = None) -> list[Entry]:
        """The latest selected entries with a number below `before`, newest first.

        Only these are redacted, so the cost of a page does not depend on the length of the journal.
        Raises NothingRecorded if the journal is off.
        """
        if not self.on:
            raise NothingRecorded
        with self._lock:
            self._make_room()
            kept = [
                one for share in self._shares.values() for one in share.kept if before is None or one.number < before
            ]
        kept.sort(key=lambda one: one.number, reverse=True)
        found = (one for one in kept if selected.matches(one.method, one.path, one.status, one.fault, one.answer))
        return [one.read(self._shown) for one in itertools.islice(found, limit)]

    def count(self) -> int:
        """Number of entries."""
        with self._lock:
            self._make_room()
            return self._count

    def hung_up(self, request_id: str) -> None:
        """Note that a client disconnected before its response was complete. Only known if a fault delayed it."""
        with self._lock:
            if self.on and len(self._hung_up) < self._max_entries:
                self._hung_up.add(request_id)
                self._version += 1

    def clear(self, *, renumber: bool = False) -> None:
        """Remove all entries. Numbering continues unless `renumber` is set, for a service that was reset."""
        with self._lock:
            if renumber:
                self._numbers = itertools.count(1)
            self._shares, self._headers, self._hung_up = {}, {}, set()
            self._version += 1
            self._count = self._bytes = self._latest = 0


def _shown(tenant: Tenant | None) -> Tenant | None:
    """A tenant whose names come from headers, redacted like these."""
    if tenant is None:
        return None
    return Tenant(http.header("x-gw-ims-org-id", tenant.org), http.header("x-sandbox-name", tenant.sandbox))


def _hung_up(entry: Entry) -> Entry:
    return entry._replace(traces=entry.traces._replace(hung_up=True))


def _as_sent(call: Call, body: Json, result: Result) -> _Texts:
    """Body and response, to be redacted on read."""
    encoded = result.encoded
    whole = len(encoded) <= _BODY_EXCERPT
    # copied, because a result of orjson occupies 4 or 8 kB however short it is; a full slice would not copy
    sent = b"".join((encoded, b"")) if whole else encoded[: _BODY_EXCERPT + 1]  # one more byte marks it as cut
    return _not_stored(call) if body is None else call.body, sent, None if whole else ResponseFacts.of(result.body)


def _redact(call: Call, body: Json, result: Result, operation: str | None, shown: Redaction) -> _Texts:
    text = _not_stored(call) if body is None else shown.body(body, operation, _BODY_EXCERPT)
    return text, shown.answer(result.body, operation, result.status, _BODY_EXCERPT), ResponseFacts.of(result.body)


def _traces_of(body: bytes) -> tuple[int, bool]:
    return hash(body), _MASK in body


def _not_stored(call: Call) -> str:
    return f"({len(call.body)} bytes, not JSON or not expected)" if call.body else ""
