"""Judges clients by the journal: applies the rules and writes a report in several formats.

report = evaluate(emulator.journal.entries(), emulator.contract)
print(summary(report, colour=True))
write_reports(report, Path("flow-report"))
"""

from __future__ import annotations

from mockserver.conformance.baseline import Baseline, BaselineError
from mockserver.conformance.evaluation import evaluate
from mockserver.conformance.findings import (
    Coverage,
    Finding,
    Level,
    OperationCoverage,
    Report,
    ScenarioVerdict,
    StaleAcceptance,
    Verdict,
)
from mockserver.conformance.rules import Rule
from mockserver.conformance.writers import FORMATS, NOTHING_JUDGED, render, summary, write_reports

__all__ = [
    "FORMATS",
    "NOTHING_JUDGED",
    "RULES",
    "Baseline",
    "BaselineError",
    "Coverage",
    "Finding",
    "Level",
    "OperationCoverage",
    "Report",
    "Rule",
    "ScenarioVerdict",
    "StaleAcceptance",
    "Verdict",
    "evaluate",
    "render",
    "summary",
    "write_reports",
]


def __getattr__(name: str) -> dict[str, Rule]:
    """Load `RULES` (id -> rule) on first use."""
    if name == "RULES":
        from mockserver.conformance import rules

        return rules.load()
    raise AttributeError(name)
