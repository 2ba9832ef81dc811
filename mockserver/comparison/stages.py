"""The progress of a flow run. It differs between two services at any time, because it depends on their data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.exchange import Result


def stage(name: str, value: Mapping[str, Any]) -> Any:
    """How far a run has come, in a run or in the `lastRunDetails` of a flow; None for other objects."""
    if name == "lastRunDetails":
        return value.get("state")
    metrics = value.get("metrics")
    summary = metrics.get("statusSummary") if isinstance(metrics, dict) else None
    return summary.get("status") if isinstance(summary, dict) else None


def are_apart(there: Any, here: Any) -> bool:
    """Whether both sides show how far a run has come, and differ."""
    return None not in (there, here) and there != here


def stage_shown(result: Result) -> Any:
    """How far the run has come that a response shows; None for other responses."""
    items = result.body.get("items") if isinstance(result.body, dict) else None
    single = isinstance(items, list) and len(items) == 1 and isinstance(items[0], dict)
    return stage("", items[0]) if single else None  # type: ignore[index]
