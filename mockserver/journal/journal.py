"""A bounded record of what was asked and answered, without the secrets in it.

Headers and queries are masked before they are kept. JSON is kept as it was sent, in memory only, and masked when
somebody reads it: most entries make room for others unread, and to mask each took as long as to answer. Nothing leaves
the journal by another way. An answer whose credentials the service has not masked is masked at once, with its question.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlencode

from mockserver import secrecy
from mockserver.exchange import Call, Result, Tenant, Violation
from mockserver.journal.entries import TOKEN_OPERATION, Entry, Told, Traces, scrubbed
from mockserver.json_input import Json
from mockserver.runtime import stop_watch_ms

_BODY_EXCERPT = 4096
_OPEN_FIELDS = frozenset({"grant_type", "client_id", "scope"})
"""What is shown of a token call; every other value may be a credential."""

_SECRET_FIELDS = frozenset({"client_secret", "code", "jwt_token", "refresh_token", "assertion", "password"})
"""Of these is shown that they were sent; a name outside both lists may itself be a credential."""

_ENTRY_OVERHEAD, _HEADER_OVERHEAD = 1000, 60
"""Bytes an entry and each of its headers cost besides their texts, roughly: for the bound, not for accounts."""

_VIOLATION_OVERHEAD = 700
"""With a pointer of the longest kind."""

_LATE_BODY = 8192
"""Characters of a longer body are not kept to be masked later: half of them would not be shown."""

_MOST_HEADERS, _USUAL_HEADERS = 64, 8192
"""How many calls' headers are kept to be known again, and of how many characters at most."""

_MOST_SHOWN = 512
"""Characters of one header."""

_SLACK = 32
"""Entries above the bound, never shown, until room is made: dropped one by one, they cost the calls twice as much."""

_MASK = secrecy.MASK.encode()
_PATCHED = b'"value":'
"""Whether what follows is a secret, a `path` beside it tells, and that may be cut off."""


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
    secrets: frozenset[str]
    """Those of the headers and the query."""
    body: str | bytes
    """Bytes are JSON as it was sent, to be masked by whoever reads it."""
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

    def __repr__(self) -> str:
        """Nothing of what is not masked yet."""
        return f"<call {self.number}>"

    def read(self, found: set[str]) -> Entry:
        """The entry as others see it; `found` gathers the secrets that it tells."""
        found |= self.secrets
        body, answer, told = self.body, self.answer, self.told
        body_hash, sent_mask = self.body_traces or _traces_of(body if isinstance(body, bytes) else b"")
        if told is None:
            told = Told.of(json.loads(answer) if answer else None)
        if isinstance(body, bytes):
            body = secrecy.excerpt(json.loads(body), _BODY_EXCERPT, found)
        if isinstance(answer, bytes):
            answer = secrecy.late_excerpt(answer, _BODY_EXCERPT, found)
        return Entry(
            number=self.number,
            at_ms=self.at_ms,
            method=self.method,
            path=self.path,
            query=self.query,
            headers=dict(self.headers),
            body=body,
            operation=self.operation,
            tenant=self.tenant,
            status=self.status,
            error=self.error,
            answer=answer,
            answer_headers=dict(self.said),
            fault=self.fault,
            violations=self.violations,
            request_id=self.request_id,
            traces=Traces(body_hash, sent_mask, self.watch_ms, told),
        )


_Texts: TypeAlias = "tuple[str | bytes, str | bytes, Told | None]"
"""Body, answer, and what it told, as a kept call has them."""


class _Headers(NamedTuple):
    """The headers of a call, and what the journal makes of them."""

    sent: Mapping[str, str]
    """As they came, to tell whether the next call has the same; mostly they are one value, made once at the edge.
    In memory only and bounded, as the secrets are.
    """
    shown: Mapping[str, str]
    secrets: frozenset[str]
    size: int
    """Bytes they take, roughly."""

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> _Headers:
        found = set[str]()
        shown = secrecy.headers(sent, found, _MOST_SHOWN)
        size = _HEADER_OVERHEAD * len(shown) + sum(map(len, shown.values()))
        return cls(sent, shown, frozenset(found), size)

    def with_etag(self, if_match: str) -> _Headers:
        """The same with another `If-Match`, which is all that differs from one update to the next."""
        return _Headers(self.sent, {**self.shown, "if-match": if_match[:_MOST_SHOWN]}, self.secrets, self.size)


class Journal:
    """The latest entries, bounded in number and in bytes. Of 0 entries it is off: nothing is looked at."""

    def __init__(self, most_entries: int, most_bytes: int) -> None:
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: deque[_Kept] = deque()
        self._secrets = secrecy.Remembered()
        self._unread: deque[bytes] = deque(maxlen=secrecy.Remembered.MOST)
        """Bodies that were dropped before anybody read them, whose secrets may turn up again."""
        self._learned = 0
        """Up to this number, the secrets of entries are among those remembered."""
        self._headers: dict[tuple[str | None, str | None], _Headers] = {}
        self._bytes = 0
        self._numbers = itertools.count(1)

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
            return self._kept[-1].number if self._kept else 0

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
        answer_masked: bool = False,
    ) -> None:
        """Keep one exchange. `body` is the parsed request body; an unparsable one is not kept at all.

        `answer_masked`: credentials in the answer are masked as it is.
        """
        if not self._most_entries:
            return
        headers = self._masked(call.headers)
        secrets, query = headers.secrets, ""
        if call.query:
            query, secrets = _asked(call.query, secrets)
        texts = _as_sent(call, body, result) if answer_masked else None
        if texts is None:
            texts, secrets = _masked_at_once(call, body, result, secrets)
        shown, answer, told = texts
        departures = tuple(violations)
        size = _ENTRY_OVERHEAD + headers.size + len(call.path) + len(query) + len(shown) + len(answer)
        size += _VIOLATION_OVERHEAD * len(departures) + (told.size if told else 0)
        values = (
            next(self._numbers), size, call.received_ms, call.method[:40], call.path[:1024], query,
            headers.shown, secrets, shown, answer, told, operation, tenant,
            result.status, result.error, result.headers, fault, departures, call.request_id,
            None if shown is call.body or not call.body else _traces_of(call.body), stop_watch_ms(),
        )  # fmt: skip
        with self._lock:
            if secrets is not headers.secrets:
                self._secrets.add(secrets)
            self._kept.append(_Kept._make(values))  # in half the time that naming each takes
            self._bytes += size
            if len(self._kept) >= self._most_entries + _SLACK or self._bytes > self._most_bytes:
                self._make_room()

    def _make_room(self) -> None:
        """Drop what is too much."""
        while len(self._kept) > self._most_entries or self._bytes > self._most_bytes:
            dropped = self._kept.popleft()
            self._bytes -= dropped.size
            if isinstance(dropped.body, bytes) and dropped.number > self._learned and secrecy.may_tell(dropped.body):
                self._unread.append(dropped.body)

    def _masked(self, sent: Mapping[str, str]) -> _Headers:
        """Headers masked. A client sends the same ones with each call: they are masked, measured and kept once."""
        key = (sent.get("authorization"), sent.get("content-length"))
        known = self._headers.get(key)
        if known is not None:
            if known.sent is sent or known.sent == sent:
                return known
            if "if-match" in sent and {**known.sent, "if-match": sent["if-match"]} == sent:
                return known.with_etag(sent["if-match"])
        made = _Headers.of(sent)
        if len(self._headers) >= _MOST_HEADERS:
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
        """Keep a call of the token endpoint, of its form only what cannot be a credential."""
        if not self.on:
            return
        values = dict(form)
        shown: dict[str, Any] = {
            name: value if name in _OPEN_FIELDS else secrecy.MASK
            for name, value in values.items()
            if name in _OPEN_FIELDS | _SECRET_FIELDS
        }
        self.learn(value for name, value in values.items() if name not in _OPEN_FIELDS)
        query = urlencode({name: shown[name] for name, _ in call.parameters() if name in shown}, safe="*,@")
        masked = dataclasses.replace(call, query=query)
        self.record(
            masked, result, operation=TOKEN_OPERATION, tenant=None, body=shown, violations=violations, fault=fault
        )

    def entries(self, since: int = 0) -> list[Entry]:
        """Entries with a number above `since`, oldest first, without any secret that any call told us.

        Raises NothingRecorded when the journal is off.
        """
        if not self.on:
            raise NothingRecorded
        with self._lock:
            self._make_room()
            kept = [one for one in self._kept if one.number > min(since, self._learned)]
            unread = list(self._unread)
            known = list(self._headers.values())
        found = [secret for body in unread for secret in secrecy.secrets_in(json.loads(body))]
        found += [secret for headers in known for secret in headers.secrets]
        entries = []
        for one in kept:
            told = set[str]()
            entries.append(one.read(told))
            found += told
        with self._lock:
            self._unread.clear()
            self._learned = kept[-1].number if kept else self._learned
            self._secrets.add(found)
            spellings = self._secrets.spellings()
        asked = (entry for entry in entries if entry.number > since)
        return [scrubbed(entry, spellings) if spellings else entry for entry in asked]

    def learn(self, secrets: Iterable[str]) -> None:
        """Secrets to mask wherever they turn up, which no record of ours would tell."""
        with self._lock:
            self._secrets.add(secrets)

    def clear(self, *, anew: bool = False) -> None:
        """Forget everything. Numbers go on, unless a service begins anew, of which every call is known then."""
        with self._lock:
            if anew:
                self._numbers, self._learned = itertools.count(1), 0
            self._kept.clear()
            self._unread.clear()
            self._secrets.clear()
            self._headers = {}
            self._bytes = 0


def _as_sent(call: Call, body: Json, result: Result) -> _Texts | None:
    """Body and answer to be masked by whoever reads them; None where that would be too late, or too much to keep."""
    encoded = result.encoded
    whole = len(encoded) <= _BODY_EXCERPT
    # a copy, which a slice of everything is not: what orjson returns holds 4 or 8 kB of memory, however short it is
    sent = b"".join((encoded, b"")) if whole else encoded[: _BODY_EXCERPT + 1]  # one more says that it was cut
    if len(call.body) > _LATE_BODY or not (whole or _PATCHED not in sent):
        return None
    return _unwanted(call) if body is None else call.body, sent, None if whole else Told.of(result.body)


def _masked_at_once(call: Call, body: Json, result: Result, secrets: frozenset[str]) -> tuple[_Texts, frozenset[str]]:
    found = set(secrets)
    shown = _unwanted(call) if body is None else secrecy.excerpt(body, _BODY_EXCERPT, found)
    answer = secrecy.excerpt(result.body, _BODY_EXCERPT, found)
    return (shown, answer, Told.of(result.body)), frozenset(found)


def _asked(query: str, secrets: frozenset[str]) -> tuple[str, frozenset[str]]:
    found = set(secrets)
    shown = secrecy.query(query, found)[:2048]
    return shown, secrets if len(found) == len(secrets) else frozenset(found)


def _traces_of(body: bytes) -> tuple[int, bool]:
    return hash(body), _MASK in body


def _unwanted(call: Call) -> str:
    return f"({len(call.body)} bytes that are not JSON or not wanted)" if call.body else ""
