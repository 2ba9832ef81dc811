"""Assesses how far a client can rely on the emulator: what the client uses, and the evidence for each part."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mockserver import secrecy
from mockserver.contract import Contract
from mockserver.evidence.fidelity import SampleFigures
from mockserver.journal.entries import TOKEN_OPERATION, Entry
from mockserver.specs.connectors import Connectors

Reliance: TypeAlias = Literal["recorded", "documented", "assumed", "absent"]
RELIANCES: Mapping[Reliance, str] = {
    "recorded": "as recorded from the real service",
    "documented": "as printed on a page of Adobe",
    "assumed": "no sample; the emulator follows the contract",
    "absent": "not emulated: an operation, status or connector that the emulator does not have, or 501",
}
_ID = re.compile(r"[0-9a-fA-F-]{36}")
_TOKENS = "token endpoint"
OF_ANY = ("405", "413", "414", "429", "431", "500", "502", "503", "504")
"""Statuses that the server or a fault gives to requests of any operation."""


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
    own: set[str] = set()
    for entry in entries:
        counts.update(_used(entry, contract))
        own.update(_made_spec(entry))
    uses = [
        Use("connector", *_connector(name, connectors, own, count))
        if kind == "connector"
        else Use(kind, name, count, _reliance(kind, name, passed, contract))  # type: ignore[arg-type]
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


def _made_spec(entry: Entry) -> Iterable[str]:
    """The id of a connection spec that the client has created."""
    with suppress(ValueError, AttributeError, LookupError):
        made = json.loads(entry.answer) if entry.operation == "createConnectionSpec" and entry.status == 201 else {}
        yield str((made.get("items") or [made])[0]["id"])


def _connector(spec: str, connectors: Connectors, own: set[str], count: int) -> tuple[str, int, Reliance]:
    """The arguments of `Use` for a connection spec."""
    if (known := connectors.get(spec)) is not None:
        return f"{known.name} ({spec})", count, "documented"
    shown = spec if _ID.fullmatch(spec) else f"an id of another form {secrecy.described(spec)}"
    return (f"a spec of the client ({shown})", count, "assumed") if spec in own else (shown, count, "absent")


def _reliance(kind: str, name: str, passed: Sequence[SampleFigures], contract: Contract) -> Reliance:
    operation, _, rest = name.partition(" ")
    if name == _TOKENS:
        return "documented"
    if operation not in contract.operations:
        return "absent"
    shown = [sample for sample in passed if sample.operation == operation]
    if kind == "status":
        if rest not in {*contract.operations[operation].responses, *OF_ANY, "0"}:  # no response
            return "absent"
        shown = [sample for sample in shown if str(sample.status) == rest]
    if any(sample.provenance == "recorded" for sample in shown):
        return "recorded"
    return "documented" if shown else "assumed"
