"""The table of promises, `requirements.yaml`: text, level, source and checks of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from contracts.yaml_input import parse_yaml

LEVELS = ("must", "should", "may")
"""must: documented; should: seen in samples or clients, or the documents disagree; may: assumed by us."""

WORDS = {"must": "FAIL", "should": "WARN", "may": "NOTE"}
"""Level -> the word for a failure in progress and summary."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One promise."""

    id: str
    level: str
    text: str
    source: str
    checks: tuple[str, ...]
    why: str = ""
    """Why breaking it does not count; only at the level may."""

    @property
    def origin(self) -> str:
        """The source with its abbreviations explained, and why a failure does not count."""
        known = sources()
        text = _NAMES.sub(lambda word: f"{word[0]} ({known[word[0]]})" if word[0] in known else word[0], self.source)
        return f"{text}. Does not count: {self.why}" if self.why else text


_NAMES = re.compile(r"[A-Za-z]+")


@cache
def sources() -> dict[str, str]:
    """Abbreviation of a source -> what it stands for."""
    rows = parse_yaml((Path(__file__).parent / "sources.yaml").read_text(encoding="utf-8"))
    return {str(name): str(text) for name, text in rows.items()}


@cache
def load() -> tuple[Requirement, ...]:
    """All promises, in the order of the table. Raises ValueError for an invalid row."""
    rows = parse_yaml((Path(__file__).parent / "requirements.yaml").read_text(encoding="utf-8"))
    return tuple(_row(row) for row in rows)


def levels(rows: Sequence[Requirement]) -> dict[str, str]:
    """Check -> the highest level of its promises."""
    found: dict[str, str] = {}
    for row in rows:
        for check in row.checks:
            found[check] = min(row.level, found.get(check, row.level), key=LEVELS.index)
    return found


def _row(row: dict[str, object]) -> Requirement:
    checks = row.get("checks", row["id"])
    names = tuple(checks) if isinstance(checks, list) else (str(checks),)
    name, level, text, source = (str(row[member]) for member in ("id", "level", "text", "source"))
    requirement = Requirement(name, level, text, source, names, str(row.get("why", "")))
    if requirement.level not in LEVELS:
        raise ValueError(f"promise {requirement.id}: level takes {', '.join(LEVELS)}, not {requirement.level!r}")
    if bool(requirement.why) != (requirement.level == "may"):
        raise ValueError(f"promise {requirement.id}: `why` belongs to promises of the level may, and to each of them")
    return requirement
