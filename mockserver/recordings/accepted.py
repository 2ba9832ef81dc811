"""Differences that somebody looked at and accepted: `accepted.yaml`, a reason for each.

- operation: createConnection
kind: added header
pointer: location
reason: our gateway drops it
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mockserver.contract import documents
from mockserver.recordings.differences import GRADES, Difference


class AcceptedError(ValueError):
    """A file of accepted differences that cannot be used; says where and why."""


@dataclass(frozen=True, slots=True)
class AcceptedRow:
    """One accepted difference. It names one kind at one place: a row cannot hide more than it says."""

    operation: str
    kind: str
    pointer: str
    reason: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.kind} {self.pointer or '/'}"


@dataclass(slots=True)
class Accepted:
    """Rows, and which of them excused something."""

    rows: tuple[AcceptedRow, ...] = ()
    _used: set[AcceptedRow] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> Accepted:
        """Read a file. Raises AcceptedError."""
        try:
            found = documents.parse(path.read_bytes().decode("utf-8-sig"))
        except (OSError, ValueError) as error:
            raise AcceptedError(f"{path}: {getattr(error, 'strerror', None) or 'is not UTF-8'}") from None
        except Exception as error:  # the parser's own class is imported only when it parses
            raise AcceptedError(f"{path}: is not YAML ({type(error).__name__})") from None
        if not isinstance(found, list):
            raise AcceptedError(f"{path}: must be a list of accepted differences")
        return cls(tuple(_row(f"{path}: item {number}", one) for number, one in enumerate(found, 1)))

    def reason(self, operation: str, difference: Difference) -> str:
        """Why a difference is accepted, or nothing."""
        for row in self.rows:
            if (row.operation, row.kind, row.pointer) == (operation, difference.kind, difference.pointer):
                self._used.add(row)
                return row.reason
        return ""

    def stale(self) -> tuple[str, ...]:
        """Rows that excused nothing."""
        return tuple(str(row) for row in self.rows if row not in self._used)


def _row(where: str, one: object) -> AcceptedRow:
    names = ("operation", "kind", "pointer", "reason")
    if not isinstance(one, dict) or set(one) != set(names):
        raise AcceptedError(f"{where} must have exactly {', '.join(names)}")
    if not all(isinstance(one[name], str) for name in names) or not one["reason"].strip():
        raise AcceptedError(f"{where}: every member is a text, and reason is not empty")
    if one["kind"] not in GRADES:
        raise AcceptedError(f"{where}: kind is one of {', '.join(GRADES)}")
    return AcceptedRow(*(one[name] for name in names))
