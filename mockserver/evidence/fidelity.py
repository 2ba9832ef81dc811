"""Measures fidelity per operation: samples that the emulator answers as printed or recorded, and what it assumes.

There is no total, because a sum would hide operations without samples.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from mockserver.contract import Contract
from mockserver.evidence.samples import Sample, folder

_OF_THE_PLATFORM = frozenset({"413", "415", "429", "500", "501", "503", "504", "507"})
"""Statuses that every operation declares and that pages do not show per operation."""
MANIFEST = "fidelity.jsonl"
"""File name of the manifest in `fidelity/`."""
_METHODS = ("get", "post", "put", "patch", "delete")


Counted: TypeAlias = "Sample | SampleFigures"
"""A replayed sample, or its row in the manifest."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Number of samples that pass, and of all samples."""

    passed: int
    of: int

    @classmethod
    def of_samples(cls, samples: Iterable[Counted]) -> Tally:
        """Count samples."""
        verdicts = [sample.passed for sample in samples]
        return cls(sum(verdicts), len(verdicts))

    def __str__(self) -> str:
        return f"{self.passed}/{self.of}" if self.of else "–"


@dataclass(frozen=True, slots=True)
class FidelityRow:
    """The fidelity of one operation."""

    operation: str
    method: str
    path: str
    documented: Tally
    refusals: Tally
    state: Tally
    recorded: Tally
    assumed: tuple[str, ...]
    """Statuses that the contract declares and no sample has."""
    quirks: int
    """Number of samples that are answered as printed only with a quirk."""


class SampleFigures(NamedTuple):
    """A row of the manifest: the attributes of a sample that the table needs."""

    name: str
    operation: str
    aspect: str
    provenance: str
    source: str
    status: int
    quirks: Mapping[str, str]
    passed: bool

    @property
    def setup(self) -> bool:
        """False: the manifest contains no setup requests."""
        return False


def table(samples: Iterable[Counted], contract: Contract) -> list[FidelityRow]:
    """One row per operation, in the order of the contract."""
    by_operation: dict[str, list[Counted]] = {}
    for sample in samples:
        if not sample.setup:
            by_operation.setdefault(sample.operation, []).append(sample)
    paths: Mapping[str, Mapping[str, Any]] = contract.document["paths"]
    ids = [item[method]["operationId"] for item in paths.values() for method in item if method in _METHODS]
    return [_row(name, by_operation.get(name, []), contract) for name in ids]


def _row(operation_id: str, samples: list[Counted], contract: Contract) -> FidelityRow:
    operation = contract.operations[operation_id]
    documented = [sample for sample in samples if sample.provenance == "documented"]
    shown = {str(sample.status) for sample in samples}
    return FidelityRow(
        operation=operation_id,
        method=operation.method,
        path=operation.template,
        documented=Tally.of_samples(one for one in documented if one.aspect in ("success", "list")),
        refusals=Tally.of_samples(one for one in documented if one.aspect == "refusal"),
        state=Tally.of_samples(one for one in documented if one.aspect == "state"),
        recorded=Tally.of_samples(one for one in samples if one.provenance == "recorded"),
        assumed=tuple(sorted(status for status in operation.responses if status not in {*shown, *_OF_THE_PLATFORM})),
        quirks=sum(bool(sample.quirks) for sample in samples),
    )


def manifest(samples: Iterable[Sample]) -> Iterator[str]:
    """One line of JSON per sample, without setup requests."""
    for sample in samples:
        if not sample.setup:
            row = {
                "id": sample.name,
                "operation": sample.operation,
                "aspect": sample.aspect,
                "provenance": sample.provenance,
                "source": sample.source,
                "date": sample.date,
                "status": sample.status,
                "verdict": "same" if sample.passed else "different",
                "quirks": dict(sample.quirks),
                **({"why": sample.differs} if sample.differs else {}),
            }
            yield json.dumps(row, ensure_ascii=False)


def known() -> list[SampleFigures]:
    """The samples as `make fidelity` last replayed them; a test requires that they are current."""
    rows = map(json.loads, (folder() / MANIFEST).read_text(encoding="utf-8").splitlines())
    return [
        SampleFigures(
            row["id"], row["operation"], row["aspect"], row["provenance"], row["source"], row["status"],
            row["quirks"], row["verdict"] == "same",
        )
        for row in rows
    ]  # fmt: skip


def as_json(rows: Iterable[FidelityRow]) -> list[Mapping[str, object]]:
    """The table as JSON."""
    return [
        {
            "operation": row.operation,
            "method": row.method,
            "path": row.path,
            **{
                name: {"passed": tally.passed, "of": tally.of}
                for name, tally in (
                    ("documented", row.documented),
                    ("refusals", row.refusals),
                    ("state", row.state),
                    ("recorded", row.recorded),
                )
            },
            "assumedStatuses": list(row.assumed),
            "decidedByQuirk": row.quirks,
        }
        for row in rows
    ]
