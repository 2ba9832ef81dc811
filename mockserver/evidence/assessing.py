"""Assesses how far a client can rely on the emulator: what the client uses, and the evidence for each part."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from mockserver import secrecy
from mockserver.contract import Contract
from mockserver.evidence.documented import OfficialDocument
from mockserver.evidence.fidelity import SampleFigures
from mockserver.exchange import BASE_PATH, Call
from mockserver.journal.entries import TOKEN_OPERATION, Entry
from mockserver.specs.connectors import Connectors

Kind: TypeAlias = Literal["operation", "status", "parameter", "connector"]
Reliance: TypeAlias = Literal["recorded", "documented", "assumed", "absent"]
RELIANCES: Mapping[Reliance, str] = {
    "recorded": "as recorded from the real service",
    "documented": "as printed on a page of Adobe",
    "assumed": "no sample; the emulator follows the contract",
    "absent": "not emulated: an operation, parameter, status or connector that the emulator does not have, or 501",
}
_ID = re.compile(r"[0-9a-fA-F-]{36}")
_TOKENS = "token endpoint"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_FACT = re.compile(r"(query|response) (\d{3}|(?<=query )\S+)(?: required)?")
_FACTS: Mapping[str, Kind] = {"query": "parameter", "response": "status"}
"""Facts of an operation in an OpenAPI document -> kind of feature."""
OF_ANY = ("405", "413", "414", "429", "431", "500", "502", "503", "504")
"""Statuses that the server or a fault gives to requests of any operation."""


@dataclass(frozen=True, slots=True)
class Use:
    """A feature that a client uses."""

    kind: Kind
    name: str
    count: int
    reliance: Reliance


@dataclass(slots=True)
class Used:
    """What a client uses, before the evidence is looked up."""

    counts: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    own: set[str] = field(default_factory=set)
    """Ids of connection specs that the client created."""


def in_requests(entries: Iterable[Entry], contract: Contract) -> Used:
    """What the requests of a client use."""
    used = Used()
    for entry in entries:
        used.counts.update(_in_request(entry, contract))
        used.own.update(_made_spec(entry))
    return used


def in_document(document: OfficialDocument, contract: Contract) -> Used:
    """What an OpenAPI document of a client has: operations, their query parameters and statuses."""
    used = Used()
    for (kind, name), facts in document.holders.items():
        if kind != "operation":
            continue
        method, _, path = name.partition(" ")
        found = _operation(method, document.base + path, contract)
        used.counts["operation", found] += 1
        used.counts.update(
            (_FACTS[match[1]], f"{found} {match[2]}")
            for match in map(_FACT.fullmatch, facts)
            if match and found in contract.operations
        )
    return used


def named(texts: Iterable[str], contract: Contract) -> Used:
    """The operations with these ids, methods and paths. Raises ValueError for other texts."""
    used = Used()
    for text in texts:
        if text in contract.operations:
            used.counts["operation", text] += 1
            continue
        method, _, target = text.rpartition(" ")
        url = urlsplit(target)
        if not url.path.startswith("/") or method not in ("", *_METHODS):
            raise ValueError(
                f"{secrecy.name(text) or 'a text'} is neither a file, nor an operation, nor a path; see `mockserver "
                "operations`. A command follows --"
            )
        every = [_operation(one, url.path, contract) for one in ([method] if method else _METHODS)]
        known = [one for one in every if one in contract.operations]
        for name in known or [f"{method} {url.path}".strip()]:
            used.counts["operation", name] += 1
            sent = _names(url.query) if name in contract.operations else ()
            used.counts.update(("parameter", f"{name} {one}") for one in sent)
    return used


def assess(used: Used, samples: Sequence[SampleFigures], contract: Contract, connectors: Connectors) -> list[Use]:
    """The features that a client uses with the evidence for each, least reliable first."""
    passed = [sample for sample in samples if sample.passed]
    uses = [
        Use("connector", *_connector(name, connectors, used.own, count))
        if kind == "connector"
        else Use(kind, name, count, _reliance(kind, name, passed, contract))
        for (kind, name), count in used.counts.items()
    ]
    order: list[Reliance] = ["absent", "assumed", "documented", "recorded"]
    return sorted(uses, key=lambda use: (order.index(use.reliance), use.kind, use.name))


def _in_request(entry: Entry, contract: Contract) -> Iterator[tuple[Kind, str]]:
    if entry.operation == TOKEN_OPERATION:
        yield "operation", _TOKENS
        return
    if entry.operation is None or entry.status == 501:
        first = entry.path.split("/")[: 4 if entry.path.startswith("/data/") else 2]
        yield "operation", f"{entry.method} {'/'.join(first)}"
        return
    yield "operation", entry.operation
    yield "status", f"{entry.operation} {entry.status}"
    known = contract.operations[entry.operation].query
    yield from (("parameter", f"{entry.operation} {name}") for name in _names(entry.query) if name in known)
    with suppress(ValueError, AttributeError):
        spec = json.loads(entry.body).get("connectionSpec") or {}
        if isinstance(spec.get("id"), str):
            yield "connector", spec["id"]


def _names(query: str) -> Iterator[str]:
    return filter(None, (part.partition("=")[0] for part in query.split("&")))


def _operation(method: str, path: str, contract: Contract) -> str:
    """The id of the operation with this path, or method and path if there is none."""
    below = path.startswith(f"{BASE_PATH}/")
    call = Call(method, path.removeprefix(BASE_PATH) if below else path, "", {}, b"", "", 0)
    operation = contract.check_request(call).operation
    return operation.id if operation else f"{method} {path}"


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
    if kind == "parameter" and rest not in contract.operations[operation].query:
        return "absent"
    if kind == "status":
        if rest not in {*contract.operations[operation].responses, *OF_ANY, "0"}:  # no response
            return "absent"
        shown = [sample for sample in shown if str(sample.status) == rest]
    if any(sample.provenance == "recorded" for sample in shown):
        return "recorded"
    return "documented" if shown else "assumed"
