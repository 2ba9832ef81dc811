"""Accepted differences: `accepted.yaml`, with a reason for each.

- operation: createConnection
kind: added header
pointer: location
reason: our gateway drops it
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mockserver.comparison.differences import GRADES, Difference
from mockserver.contract import documents


class AcceptedError(ValueError):
    """A file of accepted differences is invalid; the message says where and why."""


@dataclass(frozen=True, slots=True)
class AcceptedRow:
    """One accepted difference. It covers one kind at one place only."""

    operation: str
    kind: str
    pointer: str
    reason: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.kind} {self.pointer or '/'}"


@dataclass(slots=True)
class Accepted:
    """Accepted differences, and which of them occurred."""

    rows: tuple[AcceptedRow, ...] = ()
    _used: set[AcceptedRow] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> Accepted:
        """Parse a file. Raises AcceptedError."""
        try:
            found = documents.parse_of_user(path.read_bytes().decode("utf-8-sig"))
        except documents.NotYaml as error:
            raise AcceptedError(f"{path}: {error}") from None
        except (OSError, ValueError) as error:
            raise AcceptedError(f"{path}: {getattr(error, 'strerror', None) or 'is not UTF-8'}") from None
        return cls.parsed(str(path), found)

    @classmethod
    def parsed(cls, where: str, found: object) -> Accepted:
        """Check the content of a file. Raises AcceptedError."""
        if not isinstance(found, list):
            raise AcceptedError(f"{where}: expected a list of accepted differences")
        return cls(tuple(_row(f"{where}: item {number}", one) for number, one in enumerate(found, 1)))

    def reason(self, operation: str, difference: Difference) -> str:
        """The reason for accepting a difference; empty if it is not accepted."""
        for row in self.rows:
            if (row.operation, row.kind, row.pointer) == (operation, difference.kind, difference.pointer):
                self._used.add(row)
                return row.reason
        return ""

    def stale(self) -> tuple[str, ...]:
        """Rows whose difference did not occur."""
        return tuple(str(row) for row in self.rows if row not in self._used)


def _row(where: str, one: object) -> AcceptedRow:
    names = ("operation", "kind", "pointer", "reason")
    if not isinstance(one, dict) or set(one) != set(names):
        raise AcceptedError(f"{where}: expected exactly the members {', '.join(names)}")
    if not all(isinstance(one[name], str) for name in names) or not one["reason"].strip():
        raise AcceptedError(f"{where}: expected strings, and a reason that is not empty")
    if one["kind"] not in GRADES:
        raise AcceptedError(f"{where}/kind: expected one of {', '.join(GRADES)}")
    return AcceptedRow(*(one[name] for name in names))
