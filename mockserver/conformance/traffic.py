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

from mockserver.contract import Contract
from mockserver.exchange import Violation
from mockserver.journal.entries import TOKEN_OPERATION, Entry
from mockserver.json_input import Json

PLACEHOLDER = re.compile(r"\{\{?[A-Za-z0-9_ -]{1,64}\}?\}")
"""A value of the documentation left to be filled in, `{ORG_ID}`, or Postman's `{{ORG_ID}}`."""

_UNHEARD = frozenset({"answer-lost", "latency", "slow-body", "truncate"})
"""Faults after which a client may have heard no answer, whatever was answered."""

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
    def succeeded(self) -> bool:
        """Whether the answer was a 2xx."""
        return 200 <= self.status < 300

    @property
    def unknown_outcome(self) -> bool:
        """Whether the client cannot know if the service acted: no answer, or a server's failure."""
        return self.status == 0 or self.status >= 500 or self.entry.fault in _UNHEARD

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
        self.calls = [exchange for exchange in exchanges if exchange.entry.operation != TOKEN_OPERATION]
        """Calls to Flow Service."""
        self.tokens = [exchange for exchange in exchanges if exchange.entry.operation == TOKEN_OPERATION]
        """Calls to the token endpoint."""
        self.whole = not entries or entries[0].number == 1
        """Whether the record begins with the client's first call."""

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
