"""Assesses how far a client can rely on the emulator: what the client uses, and the evidence for each part."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mockserver.contract import Contract
from mockserver.evidence.fidelity import SampleFigures
from mockserver.journal.entries import TOKEN_OPERATION, Entry
from mockserver.specs.connectors import Connectors

Reliance: TypeAlias = Literal["recorded", "documented", "assumed", "absent"]
RELIANCES: Mapping[Reliance, str] = {
    "recorded": "as recorded from the real service",
    "documented": "as printed on a page of Adobe",
    "assumed": "no sample; the emulator follows the contract",
    "absent": "not in the contract, or 501",
}
_TOKENS = "token endpoint"


@dataclass(frozen=True, slots=True)
class Use:
    """A feature that a client uses."""

    kind: Literal["operation", "status", "parameter", "connector"]
    name: str
    count: int
    reliance: Reliance


def assess(
    entries: Iterable[Entry], samples: Sequence[SampleFigures], contract: Contract, connectors: Connectors
) -> list[Use]:
    """The features that a client's requests use, least reliable first."""
    passed = [sample for sample in samples if sample.passed]
    counts: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        counts.update(_used(entry, contract))
    uses = [
        Use(kind, name, count, _reliance(kind, name, passed, contract, connectors))  # type: ignore[arg-type]
        for (kind, name), count in counts.items()
    ]
    order: list[Reliance] = ["absent", "assumed", "documented", "recorded"]
    return sorted(uses, key=lambda use: (order.index(use.reliance), use.kind, use.name))


def _used(entry: Entry, contract: Contract) -> Iterable[tuple[str, str]]:
    if entry.operation == TOKEN_OPERATION:
        yield "operation", _TOKENS
        return
    if entry.operation is None or entry.status == 501:
        first = entry.path.split("/")[: 4 if entry.path.startswith("/data/") else 2]
        yield "operation", f"{entry.method} {'/'.join(first)}"
        return
    yield "operation", entry.operation
    yield "status", f"{entry.operation} {entry.status}"
    for part in filter(None, entry.query.split("&")):
        name = part.partition("=")[0]
        if name in contract.operations[entry.operation].query:
            yield "parameter", f"{entry.operation} {name}"
    with suppress(ValueError, AttributeError):
        spec = json.loads(entry.body).get("connectionSpec") or {}
        if isinstance(spec.get("id"), str):
            yield "connector", spec["id"]


def _reliance(
    kind: str, name: str, passed: Sequence[SampleFigures], contract: Contract, connectors: Connectors
) -> Reliance:
    if kind == "connector":
        return "assumed" if connectors.get(name) is None else "documented"
    operation, _, rest = name.partition(" ")
    if name == _TOKENS:
        return "documented"
    if operation not in contract.operations:
        return "absent"
    shown = [sample for sample in passed if sample.operation == operation]
    if kind == "status":
        shown = [sample for sample in shown if str(sample.status) == rest]
    if any(sample.provenance == "recorded" for sample in shown):
        return "recorded"
    return "documented" if shown else "assumed"
