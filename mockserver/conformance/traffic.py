"""Recorded traffic as rules look at it: each exchange parsed once, when first asked.

Everything here comes from masked journal entries, so nothing a rule can reach holds a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from mockserver.conformance.unfilled import unfilled_header, unfilled_places
from mockserver.contract import Contract
from mockserver.exchange import Tenant, Violation
from mockserver.journal.entries import NOT_RECORDED, TOKEN_OPERATION, Entry
from mockserver.json_input import Json
from mockserver.secrecy import is_placeholder

_UNHEARD = frozenset({"answer-lost", "latency", "slow-body", "truncate"})
"""Faults after which a client may have heard no answer, whatever was answered."""

_ANSWERED = _UNHEARD | {
    *("malformed-json", "empty-answer", "unknown-members", "reordered-members"),
    *("draft-state", "empty-list", "short-pages"),
}
"""Faults that leave the status of an answer as the service chose it: what it refused, it would have refused anyway."""

_IDENTITY = ("authorization", "x-api-key", "x-gw-ims-org-id")

_SERVICE_CODE = re.compile(r"[0-9]{4}-[0-9]{3}")
"""An error code of Flow Service; the gateway's have six digits."""

_NO_LETTER = re.compile(r"[^a-z]")
_PAGES = frozenset({
    *("continuationtoken", "continuation", "continuationkey", "continuetoken", "nextcontinuationtoken", "cursor"),
    *("pagetoken", "nextpagetoken", "nexttoken", "nextpage", "next", "page", "pagenumber", "offset", "start", "skip"),
    *("skiptoken", "after", "marker"),
})  # fmt: skip

_CREDENTIALS = frozenset({
    *("accesstoken", "authorization", "authtoken", "bearer", "bearertoken", "clientsecret", "jwt"),
    *("jwttoken", "passwd", "password", "pwd", "refreshtoken", "secret", "secretkey", "token"),
})  # fmt: skip
"""Names of parameters, of which only the letters count."""

_PARAMETER = re.compile(r"\{[^}]*\}")

LOOKUPS = frozenset({"GET", "HEAD", "OPTIONS"})
ACTIONS = frozenset({"action", "test", "explore", "configs", "search"})


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a rule saw: a sentence about the client, and the calls that prove it."""

    detail: str
    calls: tuple[int, ...]
    operation: str | None


class Exchange:
    """One journal entry with what rules ask of it."""

    def __init__(self, entry: Entry, template: str | None) -> None:
        self.entry = entry
        self.template = shortened(template) if template else entry.path
        self.segments = tuple(part for part in entry.path.split("/") if part)

    def seen(self, detail: str, *proof: Exchange) -> Sighting:
        """A sighting at this exchange; `proof` are earlier ones that belong to it."""
        calls = (*(other.entry.number for other in proof), self.entry.number)
        return Sighting(detail, calls, self.entry.operation)

    @property
    def headers(self) -> Mapping[str, str]:
        """Request headers, names in lower case, credentials masked."""
        return self.entry.headers

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.entry.method

    @property
    def status(self) -> int:
        """The answer's status; 0 where there was no answer."""
        return self.entry.status

    @property
    def preflight(self) -> bool:
        """Whether a browser asked by itself whether it may make a call (CORS)."""
        return self.method == "OPTIONS" and "access-control-request-method" in self.headers

    @property
    def unread(self) -> bool:
        """Whether the request was refused before the emulator: for its framing, its size, its Host, its slowness."""
        return any(self.violations("request"))

    @property
    def succeeded(self) -> bool:
        """Whether the answer was a 2xx."""
        return 200 <= self.status < 300

    @cached_property
    def faults(self) -> frozenset[str]:
        """Names of the faults injected into this exchange."""
        return frozenset(part.partition("=")[0].strip() for part in (self.entry.fault or "").split(";")) - {""}

    @property
    def refused(self) -> bool:
        """Whether the service or the gateway refused the request: a 4xx that no fault caused, other than 429."""
        return 400 <= self.status < 500 and self.status != 429 and self.faults <= _ANSWERED

    @property
    def admitted(self) -> bool:
        """Whether the answer proves that the gateway let the request through: only the service answers like this."""
        answered = self.succeeded or _SERVICE_CODE.fullmatch(self.entry.error or "") is not None
        return answered and self.faults <= _ANSWERED

    def recorded(self, header: str) -> bool:
        """Whether the record has what the client sent in this header, nothing included."""
        return NOT_RECORDED not in self.headers.get(header, "")

    @property
    def token(self) -> str:
        """What is shown of the access token; empty without one, or where the record does not tell tokens apart."""
        return self.headers.get("authorization", "").partition("‹")[2] if self.recorded("authorization") else ""

    @property
    def sample(self) -> bool:
        """Whether this is a sample of the documentation as it stands: token, API key and organisation are left open."""
        sent = (self.headers.get(name, "").rpartition(" ")[2] for name in _IDENTITY)
        return all(map(is_placeholder, sent))

    @cached_property
    def unfilled_headers(self) -> dict[str, str]:
        """Headers whose value was never filled in, and what they hold."""
        held = {name: unfilled_header(value) for name, value in self.headers.items() if name != "origin"}
        return {name: what for name, what in held.items() if what}

    @cached_property
    def unfilled_members(self) -> dict[str, str]:
        """Pointers to members of the body that were never filled in, and what they hold."""
        return dict(unfilled_places(self.body))

    @property
    def unknown_outcome(self) -> bool:
        """Whether the client cannot know if the service acted: no answer, or a server's failure."""
        return self.status == 0 or self.status >= 500 or not self.faults.isdisjoint(_UNHEARD)

    @property
    def collection(self) -> str:
        """The first segment of the path: such as `connections`."""
        return self.segments[0] if self.segments else ""

    @property
    def entity(self) -> str | None:
        """The id in the path, if the path names one entity."""
        return self.segments[1] if len(self.segments) > 1 and self.segments[1] not in ACTIONS else None

    @property
    def lists(self) -> bool:
        """Whether this asks for a list."""
        return (self.method == "GET" and len(self.segments) == 1) or self.segments[1:] == ("search",)

    @property
    def creates(self) -> bool:
        """Whether this asks for a new entity."""
        return self.method == "POST" and len(self.segments) == 1

    @property
    def key(self) -> tuple[str, str, str, int]:
        """The same for the same call made again: method, path, query and the very bytes of the body."""
        return self.method, self.entry.path, self.entry.query, self.entry.traces.body

    @cached_property
    def query(self) -> tuple[tuple[str, str], ...]:
        """Query parameters, decoded; secrets masked."""
        return tuple(parse_qsl(self.entry.query, keep_blank_values=True))

    def argument(self, name: str) -> str | None:
        """The first value of a query parameter, or None."""
        return next((value for key, value in self.query if key == name), None)

    @property
    def secret_parameters(self) -> list[str]:
        """Query parameters with a credential's name and a value."""
        return [name for name, value in self.query if value and _NO_LETTER.sub("", name.lower()) in _CREDENTIALS]

    @cached_property
    def body(self) -> Json:
        """The masked request body; None where it was not JSON or too long to be kept whole."""
        return _parsed(self.entry.body)

    @property
    def members(self) -> Mapping[str, Any]:
        """The request body if it is an object."""
        return self.body if isinstance(self.body, dict) else {}

    @cached_property
    def answer(self) -> Json:
        """The masked answer; None where it was too long to be kept whole."""
        return _parsed(self.entry.answer)

    @cached_property
    def made(self) -> str | None:
        """The id of the entity that this call created."""
        if self.creates and self.succeeded and isinstance(self.answer, dict):
            made = self.answer.get("id")
            return made if isinstance(made, str) else None
        return None

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """The one entity of a lookup's answer."""
        items = self.answer.get("items") if isinstance(self.answer, dict) else None
        if self.entity and isinstance(items, list) and len(items) == 1 and isinstance(items[0], dict):
            return items[0]
        return {}

    @property
    def blamed(self) -> str | None:
        """The member or parameter that the refusal names."""
        report = self.answer.get("report") if isinstance(self.answer, dict) else None
        pointer = report.get("pointer") if isinstance(report, dict) else None
        return pointer if isinstance(pointer, str) else None

    def violations(self, where: str, *keywords: str) -> Iterator[Violation]:
        """What the contract had against this call, by place and, if given, by keyword."""
        for violation in self.entry.violations:
            if violation.where == where and (not keywords or violation.keyword in keywords):
                yield violation

    def gap_ms(self, before: Exchange) -> int:
        """Milliseconds since `before`, by the service's clock or by a stop watch, whichever saw more."""
        by_clock = self.entry.at_ms - before.entry.at_ms
        watch, earlier = self.entry.traces.watch_ms, before.entry.traces.watch_ms
        return max(by_clock, watch - earlier) if watch is not None and earlier is not None else by_clock


class Traffic:
    """All exchanges of one client, oldest first, and the indexes that several rules share."""

    def __init__(self, entries: Sequence[Entry], contract: Contract) -> None:
        self.contract = contract
        exchanges = [Exchange(entry, self._template(entry)) for entry in entries]
        self.unread = [one for one in exchanges if one.unread]
        """Requests that were refused before the emulator."""
        others = [one for one in exchanges if one.entry.operation != TOKEN_OPERATION and not one.unread]
        self.calls = [one for one in others if not one.preflight]
        """Calls to Flow Service; what a browser asks by itself is not the client's."""
        self.gated = [one for one in self.calls if not self._is_open(one.entry)]
        """Those that pass the gateway: senders of events do not."""
        self.tokens = [exchange for exchange in exchanges if exchange.entry.operation == TOKEN_OPERATION]
        """Calls to the token endpoint."""
        self.partial = any(entry.traces.partial for entry in entries)
        """Whether answers are missing from the record."""
        gapless = not entries or (entries[0].number, entries[-1].number) == (1, len(entries))
        self.whole = gapless and not self.partial
        """Whether the record has every call from the first on, and every answer."""
        self.named: dict[int, set[str]] = {}
        """Number of a call -> rules whose findings rest on it; filled as rules run, for those that come last."""

    @cached_property
    def pages_given(self) -> dict[str, Exchange]:
        """Continuation token -> the answer that offered it first."""
        given: dict[str, Exchange] = {}
        for exchange in self.calls:
            if exchange.entry.traces.told.next_page:
                given.setdefault(exchange.entry.traces.told.next_page, exchange)
        return given

    @cached_property
    def etags_shown(self) -> dict[str, list[Exchange]]:
        """Etag -> the answers that showed it."""
        shown: dict[str, list[Exchange]] = {}
        for exchange in self.calls:
            for etag in exchange.entry.traces.told.etags:
                shown.setdefault(etag, []).append(exchange)
        return shown

    @cached_property
    def by_entity(self) -> dict[str, list[Exchange]]:
        """Id in the path -> the calls that name it."""
        named: dict[str, list[Exchange]] = {}
        for exchange in self.calls:
            if exchange.entity:
                named.setdefault(exchange.entity, []).append(exchange)
        return named

    @cached_property
    def made(self) -> dict[str, Exchange]:
        """Id -> the call that created the entity."""
        return {exchange.made: exchange for exchange in self.calls if exchange.made}

    @cached_property
    def from_elsewhere(self) -> dict[int, Exchange]:
        """Number of a refused call -> the answer that had told an id it names, in another sandbox or organisation."""
        told: dict[str, dict[Tenant, Exchange]] = {}
        found: dict[int, Exchange] = {}
        for call in self.calls:
            here = call.entry.tenant
            if here is None:
                continue
            for entity in (call.entity or "", *(text for _, text in texts(call.body))) if call.refused else ():
                elsewhere = told.get(entity, {})
                if elsewhere and here not in elsewhere:
                    found.setdefault(call.entry.number, next(iter(elsewhere.values())))
            for entity in call.entry.traces.told.ids:
                told.setdefault(entity, {}).setdefault(here, call)
        return found

    def _is_open(self, entry: Entry) -> bool:
        operation = self.contract.operations.get(entry.operation or "")
        return operation is not None and operation.open

    def _template(self, entry: Entry) -> str | None:
        operation = self.contract.operations.get(entry.operation or "")
        return operation.template if operation else None


def shortened(template: str) -> str:
    """A path of the contract with `{id}` for its parameters: `/connections/{id}`."""
    return _PARAMETER.sub("{id}", template)


def texts(value: Json, at: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a body with the JSON Pointer to it."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, f"{at}/{index}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, f"{at}/{name}")


def means_page(name: str) -> bool:
    """Whether a client that uses this name means a page: its token, its number or where it starts."""
    return _NO_LETTER.sub("", name.lower()) in _PAGES


def listed(words: Iterable[str]) -> str:
    """Words for a sentence: `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _parsed(text: str) -> Json:
    try:
        value: Json = json.loads(text) if text else None
    except ValueError:
        return None
    return value
