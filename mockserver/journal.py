"""A bounded record of what was asked and answered, without the secrets in it.

What a client sent is masked before it is kept. So is an answer, unless the service has masked its credentials
already: then as much as is shown is kept as it was sent, and what else there looks like a secret is masked, and
learned, when somebody reads it. Nothing leaves the journal by another way.
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

from mockserver import masking
from mockserver.exchange import Call, Json, Result, Tenant, Violation
from mockserver.runtime import stop_watch_ms

TOKEN_OPERATION = "issueToken"  # noqa: S105  (a name)
"""What entries of the token endpoint are recorded under; it is no operation of Flow Service."""

_BODY_EXCERPT = 4096
_LINK = "continuationToken="
_OPEN_FIELDS = frozenset({"grant_type", "client_id", "scope"})
"""What is shown of a token call; every other value may be a credential."""

_SECRET_FIELDS = frozenset({"client_secret", "code", "jwt_token", "refresh_token", "assertion", "password"})
"""Of these is shown that they were sent; a name outside both lists may itself be a credential."""

_ENTRY_OVERHEAD, _HEADER_OVERHEAD = 1000, 60
"""Bytes an entry and each of its headers cost besides their texts, roughly: for the bound, not for accounts."""

_VIOLATION_OVERHEAD = 150

_MASK = masking.MASK.encode()
_PATCHED = b'"value":'
"""Whether what follows is a secret, a `path` beside it tells, and that may be cut off."""


class NothingRecorded(RuntimeError):
    """There are no calls to show or to judge, because none is recorded."""

    def __init__(self) -> None:
        super().__init__(
            "The journal is off, so no call is recorded and none can be judged. "
            "Start the server with --journal 1000, or set journal_entries, to say how many are remembered."
        )


class Told(NamedTuple):
    """What an answer told its client that the client may use later."""

    etags: tuple[str, ...] = ()
    """Every etag the answer showed."""
    ids: tuple[str, ...] = ()
    """Every entity's id the answer showed."""
    next_page: str = ""
    """The continuation token the answer offered."""

    @classmethod
    def of(cls, answer: Json) -> Told:
        """Read off an answer."""
        if not isinstance(answer, dict):
            return cls()
        items = answer.get("items")
        records = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else [answer]
        return cls(
            etags=tuple([etag for record in records if isinstance(etag := record.get("etag"), str)]),
            ids=tuple([found for record in records if isinstance(found := record.get("id"), str)]),
            next_page=_next_page(answer),
        )

    @property
    def size(self) -> int:
        """Bytes it takes, roughly."""
        return 90 * (len(self.etags) + len(self.ids)) + len(self.next_page)


NOTHING_TOLD = Told()


def _next_page(answer: Mapping[str, Any]) -> str:
    links = answer.get("_links")
    following = links.get("next") if isinstance(links, dict) else None
    href = following.get("href") if isinstance(following, dict) else None
    return href.partition(_LINK)[2].partition("&")[0] if isinstance(href, str) else ""


class Traces(NamedTuple):
    """What judging needs beyond the masked and shortened texts. Never printed, and no secret can be read from it."""

    body: int = 0
    """Equal for equal bodies. Python's own hash, which is keyed anew by each process."""
    sent_mask: bool = False
    """Whether the client sent our mask in place of a secret."""
    watch_ms: int | None = None
    """When it was recorded, by a clock that nobody can set; None for what was recorded elsewhere."""
    told: Told = NOTHING_TOLD


_NO_TRACES = Traces()


class Entry(NamedTuple):
    """One call and its answer, masked."""

    number: int
    at_ms: int
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str
    operation: str | None
    tenant: Tenant | None
    status: int
    error: str | None
    answer: str
    answer_headers: Mapping[str, str]
    """What the answer said in headers: ETag, Location, Allow, Retry-After."""
    fault: str | None
    """The fault that was injected into this exchange, if one was."""
    violations: tuple[Violation, ...]
    request_id: str
    traces: Traces = _NO_TRACES

    def as_json(self) -> dict[str, Any]:
        """The entry as `/_mock/journal` prints it."""
        shown = self._asdict()
        del shown["traces"]
        shown["tenant"] = self.tenant._asdict() if self.tenant else None
        shown["violations"] = [dataclasses.asdict(violation) for violation in self.violations]
        return shown


_Kept: TypeAlias = "tuple[int, int, str | bytes, Told | None, tuple[Any, ...], tuple[Any, ...]]"
"""A call as the journal has it: number, size, answer, what it told, and the members of its entry and its traces.

A plain tuple, since one is made of each call while its client waits: the named ones above would double the time.
Bytes are the beginning of an answer as it was sent, to be masked by whoever reads it. What it told is None where that
can be read off it then.
"""


def _read(kept: _Kept, found: set[str]) -> Entry:
    """The entry as others see it; `found` gathers the secrets that its answer tells."""
    number, _, answer, told, (*seen, headers, fault, violations, request_id), traces = kept
    if told is None:
        told = Told.of(json.loads(answer) if answer else None)
    if isinstance(answer, bytes):
        answer = masking.late_excerpt(answer, _BODY_EXCERPT, found)
    members = (number, *seen, answer, dict(headers), fault, violations, request_id, Traces._make((*traces, told)))
    return Entry._make(members)


class Journal:
    """The latest entries, bounded in number and in bytes. Of 0 entries it is off: nothing is looked at."""

    def __init__(self, most_entries: int, most_bytes: int) -> None:
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: deque[_Kept] = deque()
        self._secrets = masking.Remembered()
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
            return self._kept[-1][0] if self._kept else 0

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
        found = set[str]()
        headers = masking.headers(call.headers, found, 512)
        query = masking.query(call.query, found)[:2048]
        shown = _shown(call, body, found)
        answer, told = _answered(result, found, answer_masked)
        departures = tuple(violations)
        size = _size(call, query, headers, shown, departures) + len(answer) + (told.size if told else 0)
        kept: _Kept = (
            next(self._numbers),
            size,
            answer,
            told,
            (
                *(call.received_ms, call.method[:40], call.path[:1024], query, headers, shown),
                *(operation, tenant, result.status, result.error, result.headers, fault, departures, call.request_id),
            ),
            (hash(call.body), _MASK in call.body, stop_watch_ms()),
        )
        with self._lock:
            self._secrets.add(found)
            self._kept.append(kept)
            self._bytes += size
            while len(self._kept) > self._most_entries or self._bytes > self._most_bytes:
                self._bytes -= self._kept.popleft()[1]

    def record_token_call(
        self, call: Call, result: Result, form: Iterable[tuple[str, str]], fault: str | None = None
    ) -> None:
        """Keep a call of the token endpoint, of its form only what cannot be a credential."""
        if not self.on:
            return
        values = dict(form)
        shown: dict[str, Any] = {
            name: value if name in _OPEN_FIELDS else masking.MASK
            for name, value in values.items()
            if name in _OPEN_FIELDS | _SECRET_FIELDS
        }
        self.learn(value for name, value in values.items() if name not in _OPEN_FIELDS)
        query = urlencode({name: shown[name] for name, _ in call.parameters() if name in shown}, safe="*,@")
        masked = dataclasses.replace(call, query=query)
        self.record(masked, result, operation=TOKEN_OPERATION, tenant=None, body=shown, violations=(), fault=fault)

    def entries(self, since: int = 0) -> list[Entry]:
        """Entries with a number above `since`, oldest first, without any secret that any call told us.

        Raises NothingRecorded when the journal is off.
        """
        if not self.on:
            raise NothingRecorded
        with self._lock:
            kept = [one for one in self._kept if one[0] > since]
        told: list[set[str]] = [set() for _ in kept]
        entries = [_read(one, found) for one, found in zip(kept, told, strict=True)]
        with self._lock:
            self._secrets.add(itertools.chain.from_iterable(told))
            spellings = self._secrets.spellings()
        return [_scrubbed(entry, spellings) for entry in entries] if spellings else entries

    def learn(self, secrets: Iterable[str]) -> None:
        """Secrets to mask wherever they turn up, which no record of ours would tell."""
        with self._lock:
            self._secrets.add(secrets)

    def clear(self) -> None:
        """Forget everything; numbers go on."""
        with self._lock:
            self._kept.clear()
            self._secrets.clear()
            self._bytes = 0


def _scrubbed(entry: Entry, spellings: list[str]) -> Entry:
    """The entry without the secrets, wherever the client put them."""
    asked, linked = masking.unveiled(entry.query), masking.unveiled(entry.answer.partition(_LINK)[2])
    pointers = "\n".join(violation.pointer for violation in entry.violations)
    texts = (entry.method, entry.path, entry.query, entry.body, entry.answer, pointers, asked, linked)
    everything = "\n".join((*texts, *entry.headers, *entry.headers.values(), *entry.answer_headers.values()))
    present = [spelling for spelling in spellings if spelling in everything]
    if not present:
        return entry

    def clean(text: str) -> str:
        return masking.scrubbed(text, present)

    answer = clean(entry.answer)
    # whatever somebody's password is, a call to a collection stays one
    collection = "/" + entry.path[1:].partition("/")[0] if entry.operation else ""
    return entry._replace(
        method=clean(entry.method),
        path=collection + clean(entry.path[len(collection) :]),
        query=clean(entry.query) if clean(asked) == asked else masking.MASK,
        headers={clean(name): clean(value) for name, value in entry.headers.items()},
        body=clean(entry.body),
        tenant=Tenant(clean(entry.tenant.org), clean(entry.tenant.sandbox)) if entry.tenant else None,
        answer=answer if clean(linked) == linked else answer.partition(_LINK)[0] + _LINK + masking.MASK,
        answer_headers={name: clean(value) for name, value in entry.answer_headers.items()},
        violations=tuple(
            dataclasses.replace(violation, pointer=clean(violation.pointer), came=clean(violation.came))
            for violation in entry.violations
        ),
    )


def _shown(call: Call, body: Json, found: set[str]) -> str:
    if body is None:
        return f"({len(call.body)} bytes that are not JSON or not wanted)" if call.body else ""
    return masking.excerpt(body, _BODY_EXCERPT, found)


def _answered(result: Result, found: set[str], masked: bool) -> tuple[str | bytes, Told | None]:
    """What is kept of an answer, and what it told. As it was sent only where nothing must be masked at once."""
    if masked:
        encoded = result.encoded
        # a copy: what orjson returns holds up to eight times the memory of its bytes
        sent = bytes(memoryview(encoded)[: _BODY_EXCERPT + 1])  # one more says that it was cut
        whole = len(encoded) <= _BODY_EXCERPT
        if not masking.repeats(sent, found) and (whole or _PATCHED not in sent):
            return sent, None if whole else Told.of(result.body)
    return masking.excerpt(result.body, _BODY_EXCERPT, found), Told.of(result.body)


def _size(call: Call, query: str, headers: Mapping[str, str], body: str, departures: tuple[Violation, ...]) -> int:
    """Bytes an entry takes besides its answer, roughly."""
    size = _ENTRY_OVERHEAD + len(call.path) + len(query) + len(body)
    size += _HEADER_OVERHEAD * len(headers) + sum(map(len, headers.values()))
    for violation in departures:
        size += _VIOLATION_OVERHEAD + len(violation.pointer) + len(violation.expected)
    return size
