"""Explains what is emulated, its sources, assumptions and samples: `mockserver explain`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mockserver.conformance import RULES
from mockserver.contract import Contract
from mockserver.errors import ERRORS, GATEWAY
from mockserver.evidence.assessing import OF_ANY
from mockserver.evidence.fidelity import SampleFigures, known, table
from mockserver.quirks import QUIRKS
from mockserver.recordings.observers import NOT_OBSERVABLE, OBSERVERS
from mockserver.specs.connectors import Connectors

_MAX_SAMPLES = 12


@dataclass(frozen=True, slots=True)
class Explanation:
    """A title, and sections with a heading and lines."""

    title: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]

    def __str__(self) -> str:
        parts = [self.title]
        for heading, lines in self.sections:
            if lines:
                parts.append("\n".join([heading, *(f"  {line}" for line in lines)]))
        return "\n\n".join(parts)


def explain(name: str, platform: str = "azure") -> Explanation | None:
    """Explain an operation, error code, status, quirk, connector (by name or id) or rule; None for an unknown name."""
    kinds: Sequence[Callable[[str], Explanation | None]] = (
        _operation,
        _error,
        _gateway_error,
        _status,
        _quirk,
        lambda wanted: _connector(wanted, platform),
        _rule,
    )
    return next((found for kind in kinds if (found := kind(name))), None)


def names(platform: str = "azure") -> list[str]:
    """All names that can be explained."""
    connectors = [connector.name for connector in Connectors.load(platform).all()]
    codes = {row.code for row in ERRORS.values()} | {code for code, _, _ in GATEWAY.values()}
    return [*Contract.load().operations, *sorted(codes), *QUIRKS, *connectors, *RULES]


def _operation(name: str) -> Explanation | None:
    contract = Contract.load()
    operation = contract.operations.get(name)
    if operation is None:
        return None
    source = contract.document["paths"][operation.template][operation.method.lower()]
    found = [sample for sample in known() if sample.operation == name]
    row = next(row for row in table(found, contract) if row.operation == name)
    tallies = f"documented {row.documented} · refusals {row.refusals} · state {row.state} · recorded {row.recorded}"
    return Explanation(
        f"{name}  {operation.method} {operation.template}",
        (
            ("What it does", (source.get("summary", ""), *_lines(source.get("description", "")))),
            ("Fidelity (samples answered as printed / all)", (tallies,)),
            ("Assumed: statuses without a sample", (", ".join(row.assumed) or "none",)),
            ("Samples", _shown(found)),
        ),
    )


def _error(name: str) -> Explanation | None:
    code = name.upper().removeprefix("FLOW-")
    rows = {key: row for key, row in ERRORS.items() if row.code == code}
    if not rows:
        return None
    texts = tuple(f"{row.message}" for row in rows.values())
    return Explanation(
        f"{code}  {next(iter(rows.values())).title}",
        (
            ("Status, code and title", ("from Adobe's catalogue of Flow Service errors; the messages are ours",)),
            ("Text", texts),
            ("More", (f"samples with this status: mockserver explain {code.rpartition('-')[2]}",)),
        ),
    )


def _gateway_error(name: str) -> Explanation | None:
    found = next(((code, text, title) for code, text, title in GATEWAY.values() if name in (code, title)), None)
    if found is None:
        return None
    code, text, title = found
    return Explanation(
        f"{code}  {text}",
        (
            ("An error of the gateway in front of the service", (f"status {code[:3]}",)),
            ("Its body", ("of two forms in Adobe's documents; see `mockserver explain gateway-body`",)),
            ("Title in the form of 2026", (title,)),
            ("More", (f"samples with this status: mockserver explain {code[:3]}",)),
        ),
    )


def _status(name: str) -> Explanation | None:
    if not name.isdecimal():
        return None
    codes = {row.code: row.title for row in ERRORS.values() if str(row.status) == name}
    codes |= {code: text for code, text, _ in GATEWAY.values() if code[:3] == name}
    operations = [one.id for one in Contract.load().operations.values() if name in one.responses]
    found = [one for one in known() if str(one.status) == name]
    if not (codes or operations or name in OF_ANY):
        return None
    return Explanation(
        f"{name}  status",
        (
            ("Error codes", tuple(f"{code}  {title}" for code, title in sorted(codes.items()))),
            ("Operations", (_answered(len(operations)),)),
            ("Samples with this status", _shown(found)),
        ),
    )


def _answered(count: int) -> str:
    if not count:
        return "given to any operation by the server, or by a fault"
    return f"{count} of {len(Contract.load().operations)} answer it"


def _quirk(name: str) -> Explanation | None:
    row = QUIRKS.get(name)
    if row is None:
        return None
    seen = "by `mockserver calibrate`" if name in OBSERVERS else NOT_OBSERVABLE[name]
    return Explanation(
        f"{name}  {' or '.join(row.values)}; default {row.default}",
        (
            ("Where Adobe's documents disagree", (row.question, row.sources)),
            ("Observed in a recording", (seen,)),
            ("Samples under this quirk", _shown([sample for sample in known() if name in sample.quirks])),
        ),
    )


def _connector(name: str, platform: str) -> Explanation | None:
    wanted, found = name.lower(), Connectors.load(platform).get(name)
    for one in Connectors.load(platform).all():
        if found is None and wanted in (one.name.lower(), one.label.lower()):
            found = one
    if found is None:
        return None
    provenance = found.provenance
    auth = tuple(auth["name"] for auth in found.describe()["authSpec"])
    return Explanation(
        f"{found.name}  {found.label}, {found.id}",
        (
            ("Auth specs", auth or ("none",)),
            ("Sources", tuple(str(provenance[key]) for key in ("page", "read") if key in provenance)),
            ("Documented", _lines(str(provenance.get("documented", "")))),
            ("Assumed", tuple(map(str, provenance.get("assumed", ())))),
            ("Doubtful", tuple(map(str, provenance.get("doubts", ())))),
        ),
    )


def _rule(name: str) -> Explanation | None:
    row = RULES.get(name)
    if row is None:
        return None
    return Explanation(
        f"{row.level.value}  {row.id}  {row.title}",
        (("Explanation", _lines(row.explanation)), ("What to do", (row.hint,)), ("Source", (row.source,))),
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _shown(found: Sequence[SampleFigures]) -> tuple[str, ...]:
    lines = tuple(
        f"{'as printed' if one.passed else 'otherwise '}  {one.status}  {one.name}  ({one.source})"
        for one in found[:_MAX_SAMPLES]
    )
    return (*lines, f"and {len(found) - _MAX_SAMPLES} more") if len(found) > _MAX_SAMPLES else lines
