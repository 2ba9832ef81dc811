"""Recorded traffic for rules. Each exchange is parsed once, on first use.

All data comes from masked journal entries, so that rules never see a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from mockserver.conformance.unfilled import unfilled_header, unfilled_places
from mockserver.contract import Contract, Operation
from mockserver.exchange import Tenant, Violation
from mockserver.journal.entries import NOT_RECORDED, TOKEN_OPERATION, Entry
from mockserver.json_input import Json
from mockserver.secrecy import hidden
from mockserver.secrecy.placeholders import is_placeholder

_UNRECEIVED = frozenset({"answer-lost", "latency", "slow-body", "truncate"})
"""Faults with which a client may not have received the response."""

_COMPARED = re.compile(r"(?<=[=,])\s*\"?([0-9a-f-]{36})(?![0-9a-f-])")
"""An id that a filter compares with."""

ANSWERED = _UNRECEIVED | {
    *("malformed-json", "empty-answer", "unknown-members", "reordered-members"),
    *("draft-state", "empty-list", "short-pages"),
}
"""Faults that do not change the status, so that a refused request would also be refused without them."""

_IDENTITY = ("authorization", "x-api-key", "x-gw-ims-org-id")

_SERVICE_CODE = re.compile(r"[0-9]{4}-[0-9]{3}")
"""An error code of Flow Service; the gateway's have six digits."""

_NO_LETTER = re.compile(r"[^a-z]")
_CREDENTIALS = frozenset({
    *("accesstoken", "authorization", "authtoken", "bearer", "bearertoken", "clientsecret", "jwt"),
    *("jwttoken", "passwd", "password", "pwd", "refreshtoken", "secret", "secretkey", "token"),
})  # fmt: skip
"""Names of parameters; only letters are compared."""

_PARAMETER = re.compile(r"\{[^{}]*\}")

LOOKUPS = frozenset({"GET", "HEAD", "OPTIONS"})
ACTIONS = frozenset({"action", "test", "explore", "configs", "search"})


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a rule detected: a sentence about the client, and the calls that prove it."""

    detail: str
    calls: tuple[int, ...]
    operation: str | None


class Exchange:
    """One journal entry, with the properties that rules need."""

    def __init__(self, entry: Entry, operation: Operation | None) -> None:
        self.entry = entry
        self.template = shortened(operation.template) if operation else entry.path
        self.segments = tuple(part for part in entry.path.split("/") if part)
        self._operation = operation

    def seen(self, detail: str, *proof: Exchange) -> Sighting:
        """Create a sighting at this exchange. `proof`: earlier exchanges that belong to it."""
        calls = (*(other.entry.number for other in proof), self.entry.number)
        return Sighting(detail, calls, self.entry.operation)

    @property
    def headers(self) -> Mapping[str, str]:
        """Request headers with names in lower case and masked credentials."""
        return self.entry.headers

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.entry.method

    @property
    def status(self) -> int:
        """Status of the response; 0 if there was none."""
        return self.entry.status

    @property
    def preflight(self) -> bool:
        """Whether this is a CORS preflight request of a browser."""
        return self.method == "OPTIONS" and "access-control-request-method" in self.headers

    @property
    def unread(self) -> bool:
        """Whether the request was refused before the emulator, for its framing, size, Host or slowness."""
        return any(self.violations("request"))

    @property
    def open(self) -> bool:
        """Whether this is called without the credentials of the gateway."""
        return self._operation is not None and self._operation.open

    @property
    def succeeded(self) -> bool:
        """Whether the response was a 2xx."""
        return 200 <= self.status < 300

    @cached_property
    def faults(self) -> frozenset[str]:
        """Names of the faults injected into this exchange."""
        return frozenset(part.partition("=")[0].strip() for part in (self.entry.fault or "").split(";")) - {""}

    @property
    def refused(self) -> bool:
        """Whether the service or the gateway refused the request: a 4xx other than 429 that no fault caused."""
        return 400 <= self.status < 500 and self.status != 429 and self.faults <= ANSWERED

    @property
    def admitted(self) -> bool:
        """Whether the response proves that the gateway accepted the request, because only the service sends it."""
        answered = self.succeeded or _SERVICE_CODE.fullmatch(self.entry.error or "") is not None
        return answered and self.faults <= ANSWERED

    def recorded(self, header: str) -> bool:
        """Whether the record contains what the client sent in this header, including nothing."""
        return NOT_RECORDED not in self.headers.get(header, "")

    @property
    def token(self) -> str:
        """The masked access token; empty if there is none or the record does not distinguish tokens."""
        return self.headers.get("authorization", "").partition("‹")[2] if self.recorded("authorization") else ""

    @property
    def sample(self) -> bool:
        """Whether token, API key and organisation are placeholders, as in an unchanged sample of the documentation.

        Some samples lack one of them.
        """
        sent = [self.headers[name].rpartition(" ")[2] for name in _IDENTITY if self.headers.get(name)]
        return bool(sent) and all(map(is_placeholder, sent))

    @cached_property
    def unfilled_headers(self) -> dict[str, str]:
        """Headers whose value was never filled in, with what they contain."""
        held = {name: unfilled_header(name, value) for name, value in self.headers.items() if name != "origin"}
        return {name: what for name, what in held.items() if what}

    @cached_property
    def unfilled_members(self) -> dict[str, str]:
        """Pointers to members of the body that were never filled in, with what they contain."""
        return dict(unfilled_places(self.body))

    @property
    def unknown_outcome(self) -> bool:
        """Whether the client cannot know if the request was executed: no response, or a 5xx."""
        return self.status == 0 or self.status >= 500 or not self.faults.isdisjoint(_UNRECEIVED)

    @property
    def neighbouring(self) -> bool:
        """Whether this calls a neighbouring service, which has other paths, codes and updates than Flow Service."""
        return self.segments[:1] in (("data",), ("collection",))

    @property
    def collection(self) -> str:
        """The collection that the path belongs to: `connections`, `data/foundation/catalog/dataSets`."""
        if self.neighbouring:
            return "/".join(self.segments[:-1] if self.entity else self.segments)
        return self.segments[0] if self.segments else ""

    @property
    def entity(self) -> str | None:
        """The id in the path, if it addresses one entity."""
        if self.neighbouring:
            return self.segments[-1] if self.template.endswith("}") else None
        return self.segments[1] if len(self.segments) > 1 and self.segments[1] not in ACTIONS else None

    @property
    def looks_up(self) -> bool:
        """Whether this requests one entity and nothing below it."""
        return self.method == "GET" and self.entity is not None and self.segments[-1] == self.entity

    @property
    def updates(self) -> bool:
        """Whether this is an update that must name the current version by If-Match."""
        headers = self._operation.headers if self._operation else ()
        return any(one.name == "if-match" and one.required for one in headers)

    @property
    def lists(self) -> bool:
        """Whether this requests a list."""
        return (self.method == "GET" and len(self.segments) == 1) or self.segments[1:] == ("search",)

    @property
    def creates(self) -> bool:
        """Whether this creates an entity."""
        return self.method == "POST" and len(self.segments) == 1

    @property
    def key(self) -> tuple[str | int, ...]:
        """Method, path, query, hash of the body, organisation and sandbox: equal for repetitions of a call."""
        sandbox = (self.headers.get(name, "") for name in ("x-gw-ims-org-id", "x-sandbox-name"))
        return self.method, self.entry.path, self.entry.query, self.entry.traces.body, *sandbox

    @cached_property
    def query(self) -> tuple[tuple[str, str], ...]:
        """Decoded query parameters, with masked secrets."""
        return tuple(parse_qsl(self.entry.query, keep_blank_values=True))

    def argument(self, name: str) -> str | None:
        """The first value of a query parameter, or None."""
        return next((value for key, value in self.query if key == name), None)

    @property
    def filtered_ids(self) -> list[str]:
        """The ids that a list was filtered by, if the list is empty."""
        if not (self.lists and self.succeeded) or self.entry.traces.response.ids:
            return []
        searched = self.members.get("queryString")
        texts = [text for name, text in self.query if name == "property"]
        texts += [searched] if isinstance(searched, str) else []
        return [value for text in texts for value in _COMPARED.findall(text)]

    @cached_property
    def body(self) -> Json:
        """The masked request body; None if it was not JSON or too long to be stored completely."""
        return _parsed(self.entry.body)

    @property
    def members(self) -> Mapping[str, Any]:
        """The request body, if it is an object; otherwise empty."""
        return self.body if isinstance(self.body, dict) else {}

    @cached_property
    def answer(self) -> Json:
        """The masked response body; None if it was too long to be stored completely."""
        return _parsed(self.entry.answer)

    @cached_property
    def made(self) -> str | None:
        """The id of the created entity, if any."""
        if self.creates and self.succeeded and isinstance(self.answer, dict):
            made = self.answer.get("id")
            return made if isinstance(made, str) else None
        return None

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """The entity in the response to a lookup."""
        items = self.answer.get("items") if isinstance(self.answer, dict) else None
        if self.entity and isinstance(items, list) and len(items) == 1 and isinstance(items[0], dict):
            return items[0]
        return {}

    @property
    def blamed(self) -> str | None:
        """The member or parameter that the error names."""
        report = self.answer.get("report") if isinstance(self.answer, dict) else None
        pointer = report.get("pointer") if isinstance(report, dict) else None
        return pointer if isinstance(pointer, str) else None

    def violations(self, where: str, *keywords: str) -> Iterator[Violation]:
        """Contract violations of this call, by place and, if given, by keyword.

        Values that were never filled in are left out: another rule reports them.
        """
        for violation in self.entry.violations:
            if violation.where != where or (keywords and violation.keyword not in keywords):
                continue
            if where != "body" or violation.pointer not in self.unfilled_members:
                yield violation

    def gap_ms(self, before: Exchange) -> int:
        """Milliseconds since `before`, by the service's clock or the monotonic clock, whichever shows more."""
        by_clock = self.entry.at_ms - before.entry.at_ms
        watch, earlier = self.entry.traces.watch_ms, before.entry.traces.watch_ms
        return max(by_clock, watch - earlier) if watch is not None and earlier is not None else by_clock


class Traffic:
    """All exchanges of one client, oldest first, with indexes for rules."""

    def __init__(self, entries: Sequence[Entry], contract: Contract) -> None:
        self.contract = contract
        exchanges = [Exchange(entry, self.contract.operations.get(entry.operation or "")) for entry in entries]
        self.unread = [one for one in exchanges if one.unread]
        """Requests that were refused before the emulator."""
        others = [one for one in exchanges if one.entry.operation != TOKEN_OPERATION and not one.unread]
        self.calls = [one for one in others if not one.preflight]
        """Calls to Flow Service, without CORS preflight requests."""
        self.gated = [one for one in self.calls if not one.open]
        """Calls that pass the gateway, which are all but those to inlets."""
        self.tokens = [exchange for exchange in exchanges if exchange.entry.operation == TOKEN_OPERATION]
        """Calls to the token endpoint."""
        self.partial = any(entry.traces.partial for entry in entries)
        """Whether response bodies are missing from the record."""
        self.whole = not self.partial and (not entries or (entries[0].number, entries[-1].number) == (1, len(entries)))
        """Whether the record contains every call from the first on, and every response."""
        self.named: dict[int, set[str]] = {}
        """Number of a call -> rules with findings about it. Filled while rules run, for those that come last."""

    @cached_property
    def _collections(self) -> frozenset[str]:
        return frozenset(one.template.split("/")[1] for one in self.contract.operations.values())

    def misjoined(self, call: Exchange) -> bool:
        """Whether the path has the name of a collection in place of an id, as a link that was joined to a list has."""
        return not call.succeeded and not call.neighbouring and call.entity in self._collections

    @cached_property
    def pages_given(self) -> dict[str, Exchange]:
        """Continuation token -> first exchange whose response contains it."""
        given: dict[str, Exchange] = {}
        for exchange in self.calls:
            if exchange.entry.traces.response.next_page:
                given.setdefault(exchange.entry.traces.response.next_page, exchange)
        return given

    def secret_parameters(self, call: Exchange) -> list[str]:
        """Query parameters with a credential's name and a value that is not a known continuation token."""
        named = [(name, value) for name, value in call.query if _NO_LETTER.sub("", name.lower()) in _CREDENTIALS]
        return [name for name, value in named if value and value not in self._pages_hidden]

    @cached_property
    def _pages_hidden(self) -> frozenset[str]:
        """The known continuation tokens, in the form in which an unknown parameter shows them."""
        return frozenset(hidden(given) for given in self.pages_given)

    @cached_property
    def etags_shown(self) -> dict[str, list[Exchange]]:
        """Etag -> exchanges whose response contains it."""
        shown: dict[str, list[Exchange]] = {}
        for exchange in self.calls:
            for etag in exchange.entry.traces.response.etags:
                shown.setdefault(etag, []).append(exchange)
        return shown

    @cached_property
    def by_entity(self) -> dict[str, list[Exchange]]:
        """Id -> calls with it in their path."""
        named: dict[str, list[Exchange]] = {}
        for exchange in self.calls:
            if exchange.entity:
                named.setdefault(exchange.entity, []).append(exchange)
        return named

    @cached_property
    def made(self) -> dict[str, Exchange]:
        """Id -> call that created the entity."""
        return {exchange.made: exchange for exchange in self.calls if exchange.made}

    @cached_property
    def from_elsewhere(self) -> dict[int, Exchange]:
        """Number of a call -> exchange in another sandbox or organisation that showed an id in the call.

        Refused calls are checked, and empty lists that were filtered by such an id.
        """
        shown: dict[str, dict[Tenant, Exchange]] = {}
        found: dict[int, Exchange] = {}
        for call in self.calls:
            here = call.entry.tenant
            if here is None:
                continue
            named = (call.entity or "", *(text for _, text in texts(call.body))) if call.refused else call.filtered_ids
            for entity in named:
                elsewhere = shown.get(entity, {})
                if elsewhere and here not in elsewhere:
                    found.setdefault(call.entry.number, next(iter(elsewhere.values())))
            for entity in call.entry.traces.response.ids:
                shown.setdefault(entity, {}).setdefault(here, call)
        return found


def shortened(template: str) -> str:
    """A path template with `{id}` for each parameter: `/connections/{id}`."""
    return _PARAMETER.sub("{id}", template)


def texts(value: Json, at: str = "") -> Iterator[tuple[str, str]]:
    """JSON Pointer and value of every string in a body."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, f"{at}/{index}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, f"{at}/{name}")


def _parsed(text: str) -> Json:
    try:
        value: Json = json.loads(text) if text else None
    except ValueError:
        return None
    return value
