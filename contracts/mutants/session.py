"""A session of the suite against the correct server: the exchanges of each check."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from contracts import registry
from contracts.broken import proof
from contracts.broken.wrapping import Asked, GivenAnswer, Right, Wrapped
from contracts.registry import CHECKS
from contracts.schema.document import Document
from contracts.settings import MADE_UP, Settings
from contracts.stage import Stage
from contracts.wire import WsgiTransport

Run = tuple[str, str]
"""A check and its collection, or an empty text."""


@dataclass(frozen=True, slots=True)
class Said:
    """One request of a check, with its operation of the contract."""

    run: Run
    operation: str
    """The operation's id; empty for a path or method outside the contract."""
    asked: Asked
    given: GivenAnswer


@dataclass(slots=True)
class Session:
    """All exchanges of one run of the suite's own checks."""

    document: Document
    exchanges: list[Said]
    _repeating: dict[str, frozenset[Run]] = field(default_factory=dict)

    def of(self, operation: str) -> Iterator[Said]:
        """The exchanges of one operation."""
        return (exchange for exchange in self.exchanges if exchange.operation == operation)

    def repeating(self, operation: str) -> frozenset[Run]:
        """The checks that call an operation with more than one result, so that an earlier one can return."""
        if operation not in self._repeating:
            counts: Counter[Run] = Counter()
            for exchange in self.of(operation):
                counts[exchange.run] += max(1, len(exchange.given.items)) if exchange.given.done else 0
            self._repeating[operation] = frozenset(run for run, count in counts.items() if count > 1)
        return self._repeating[operation]

    @property
    def operations(self) -> list[str]:
        """The operations that were called, of Flow Service and of neighbouring services."""
        return list(dict.fromkeys(exchange.operation for exchange in self.exchanges if exchange.operation))

    def next_door(self, operation: str) -> bool:
        """Whether an operation belongs to another service."""
        return any(operation == neighbour.id for neighbour in self.document.neighbours)


def record(document: Document) -> Session:
    """Run every check once against the correct server, each in its own organisation, as trials do."""
    registry.load()
    exchanges: list[Said] = []
    current: Run = ("", "")

    def listen(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        operation = operation_of(document, asked)
        exchanges.append(Said(current, operation, asked, given))
        return given

    app = Wrapped(proof.right({})[0], listen)
    numbers = itertools.count()
    for check in CHECKS.values():
        for kind in check.subjects(stage_before(app, document, next(numbers))):
            current = (check.id, kind.name if kind else "")
            check.judge(stage_before(app, document, next(numbers)), kind)
    return Session(document, exchanges)


def stage_before(app: Any, document: Document, number: int, **hear: Any) -> Stage:
    """A stage in front of a server, in its own organisation, isolated from other checks."""
    headers = {**MADE_UP, "x-gw-ims-org-id": f"{number:024X}@AdobeOrg"}
    settings = Settings("http://127.0.0.1", headers, frozenset(), seed=number, lasting=True)
    return Stage(WsgiTransport(app), settings, document, **hear)


def operation_of(document: Document, asked: Asked) -> str:
    """The operation of a request; empty if there is none."""
    found = document.match(asked.method, asked.path)
    return found.id if found else ""
