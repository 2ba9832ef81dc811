"""A bounded record of what was asked and answered; secrets are masked before anything is stored."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
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

_ENTRY_OVERHEAD = 600
"""Bytes an entry costs besides its texts, roughly: for the bound, not for accounts."""

_VIOLATION_OVERHEAD = 150


class NothingRecorded(RuntimeError):
    """There are no calls to show or to judge, because none is recorded."""

    def __init__(self) -> None:
        super().__init__(
            "The journal is off, so no call is recorded and none can be judged. "
            "Start the server with --journal 1000, or set journal_entries, to say how many are remembered."
        )


class Traces(NamedTuple):
    """What judging needs beyond the masked and shortened texts. Never printed, and no secret can be read from it."""

    body: int = 0
    """Equal for equal bodies. Python's own hash, which is keyed anew by each process."""
    etags: tuple[str, ...] = ()
    """Every etag the answer showed."""
    ids: tuple[str, ...] = ()
    """Every entity's id the answer showed."""
    next_page: str = ""
    """The continuation token the answer offered."""
    sent_mask: bool = False
    """Whether the client sent our mask in place of a secret."""
    watch_ms: int | None = None
    """When it was recorded, by a clock that nobody can set; None for what was recorded elsewhere."""

    @classmethod
    def of(cls, call: Call, result: Result) -> Traces:
        """Read off an exchange."""
        answer = result.body if isinstance(result.body, dict) else {}
        items = answer.get("items")
        records = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else [answer]
        return cls(
            body=hash(call.body) if call.body else 0,
            etags=tuple(etag for record in records if isinstance(etag := record.get("etag"), str)),
            ids=tuple(found for record in records if isinstance(found := record.get("id"), str)),
            next_page=_next_page(answer),
            sent_mask=masking.MASK.encode() in call.body,
            watch_ms=stop_watch_ms(),
        )

    @property
    def size(self) -> int:
        """Bytes it takes, roughly."""
        return 90 * (len(self.etags) + len(self.ids)) + len(self.next_page)


def _next_page(answer: Mapping[str, Any]) -> str:
    links = answer.get("_links")
    following = links.get("next") if isinstance(links, dict) else None
    href = following.get("href") if isinstance(following, dict) else None
    return href.partition(_LINK)[2].partition("&")[0] if isinstance(href, str) else ""


_NO_TRACES = Traces()


@dataclass(frozen=True, slots=True)
class Entry:
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
        shown = dataclasses.asdict(dataclasses.replace(self, traces=_NO_TRACES))
        del shown["traces"]
        shown["tenant"] = self.tenant._asdict() if self.tenant else None
        return shown

    @property
    def size(self) -> int:
        """Bytes it takes, roughly."""
        texts = len(self.path) + len(self.query) + len(self.body) + len(self.answer)
        both = (*self.headers.items(), *self.answer_headers.items())
        headers = sum(len(name) + len(value) for name, value in both)
        departures = sum(_VIOLATION_OVERHEAD + len(one.pointer) + len(one.expected) for one in self.violations)
        return _ENTRY_OVERHEAD + texts + headers + departures + self.traces.size


class Journal:
    """The latest entries, bounded in number and in bytes. Of 0 entries it is off: nothing is looked at."""

    def __init__(self, most_entries: int, most_bytes: int) -> None:
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._entries: deque[tuple[Entry, int]] = deque()
        """With the bytes that each takes."""
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
            return self._entries[-1][0].number if self._entries else 0

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

        `answer_masked` says that credentials in the answer are masked as it is.
        """
        if not self.on:
            return
        found: set[str] = set()
        excerpt = masking.list_excerpt if answer_masked else masking.excerpt
        entry = Entry(
            number=next(self._numbers),
            at_ms=call.received_ms,
            method=call.method[:40],
            path=call.path[:1024],
            query=masking.query(call.query, found)[:2048],
            headers={name: value[:512] for name, value in masking.headers(call.headers, found).items()},
            body=_shown(call, body, found),
            operation=operation,
            tenant=tenant,
            status=result.status,
            error=result.error,
            answer=excerpt(result.body, _BODY_EXCERPT, found),
            answer_headers=dict(result.headers),
            fault=fault,
            violations=tuple(violations),
            request_id=call.request_id,
            traces=Traces.of(call, result),
        )
        size = entry.size
        with self._lock:
            self._secrets.add(found)
            self._entries.append((entry, size))
            self._bytes += size
            while len(self._entries) > self._most_entries or self._bytes > self._most_bytes:
                self._bytes -= self._entries.popleft()[1]

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
            kept = [entry for entry, _ in self._entries if entry.number > since]
            spellings = self._secrets.spellings()
        return [_scrubbed(entry, spellings) for entry in kept] if spellings else kept

    def learn(self, secrets: Iterable[str]) -> None:
        """Secrets to mask wherever they turn up, which no record of ours would tell."""
        with self._lock:
            self._secrets.add(secrets)

    def clear(self) -> None:
        """Forget everything; numbers go on."""
        with self._lock:
            self._entries.clear()
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
    return dataclasses.replace(
        entry,
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
