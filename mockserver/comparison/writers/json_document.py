"""A comparison as JSON."""

from __future__ import annotations

from mockserver.comparison.replay import VERDICTS, ReplayOutcome
from mockserver.json_input import indented


def write(outcome: ReplayOutcome) -> str:
    """Counts, causes, and every exchange with its verdict. Contains names, types and places, but no values."""
    document = {
        "status": outcome.status,
        "complete": outcome.complete,
        "counts": {name: outcome.count(name) for name in VERDICTS},
        "ambiguous": outcome.ambiguous,
        "stale": list(outcome.stale),
        "notes": list(outcome.notes),
        "causes": [
            {
                "operation": cause.operation,
                "kind": cause.difference.kind,
                "pointer": cause.difference.pointer,
                "recorded": cause.difference.recorded,
                "here": cause.difference.ours,
                "grade": cause.grade,
                "exchanges": list(cause.exchanges),
                "accepted": cause.accepted or None,
            }
            for cause in outcome.causes
        ],
        "exchanges": [
            {
                "number": one.exchange.number,
                "operation": one.exchange.operation,
                "verdict": one.verdict,
                "why": one.why or None,
                "differences": [str(difference) for difference in one.differences],
            }
            for one in outcome.compared
        ],
    }
    return indented(document) + "\n"
