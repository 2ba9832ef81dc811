"""A system behind connections: which connections it matches, its credentials, its data, and how runs over it end."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mockserver.secrecy.placeholders import is_placeholder
from mockserver.sources.files import File, normal
from mockserver.sources.refusals import refusal
from mockserver.sources.tables import Table, Tabular

if TYPE_CHECKING:
    from mockserver.specs.connectors import Access

MATCHABLE = ("family", "connector", "server", "port", "database")
"""Members of `Access` that a source can be matched by."""

ANY = "*"


@dataclass(frozen=True, slots=True)
class RunRule:
    """How runs over a table or file fail: `failed`, or `partial` with a share of failing rows."""

    status: str
    object: str = ANY
    """Name of a table or path of a file; `*` for all."""
    numbers: frozenset[int] = frozenset()
    """Numbers of the affected runs of a flow, from 1; empty for every run."""
    rows: float = 0.0
    """Share of failing rows, 0 to 1; 1 for a failed run."""
    code: str = "CONNECTOR-2001-500"
    """The error code, by default that of Adobe's sample of a failing run (facts §9)."""
    message: str = "The source failed while it was read."

    def failing(self, count: int) -> int:
        """Number of failing rows out of `count`: at least one if there are rows."""
        return min(count, max(1, round(count * self.rows))) if count else 0


class Opened(Protocol):
    """A source after login: declared, built-in or live."""

    @property
    def tables(self) -> Mapping[str, Tabular]:
        """Name -> table."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Name of a table -> the name that the source displays, if it is another."""

    @property
    def files(self) -> Mapping[str, File]:
        """Path -> file."""


@dataclass(frozen=True)
class Source:
    """A declared source, or the built-in shop."""

    match: Mapping[str, str]
    """Member of `Access` -> its value or `*`. An absent member matches anything."""
    reachable: bool = True
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    """The accepted password; None accepts any."""
    tables: Mapping[str, Table] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)
    runs: tuple[RunRule, ...] = ()

    @property
    def labels(self) -> Mapping[str, str]:
        """Name of a table -> the name that the source displays, if it is another."""
        return {name: table.label for name, table in self.tables.items() if table.label}

    def __str__(self) -> str:
        """The match, as written in the file."""
        return ", ".join(f"{member}={value}" for member, value in self.match.items()) or "any connection"

    def fits(self, access: Access) -> bool:
        """Whether a connection matches: equality, except that server names ignore case."""
        return all(
            wanted == ANY or _folded(member, getattr(access, member)) == _folded(member, wanted)
            for member, wanted in self.match.items()
        )

    def admit(self, access: Access) -> None:
        """Raise SourceError unless the source is reachable and accepts user name and password.

        Credentials that a connection lacks (a draft, another kind of auth) are not checked,
        nor are placeholders of the documentation.
        """
        if not self.reachable:
            raise refusal("unreachable")
        for wanted, came in ((self.username, access.username), (self.password, access.password)):
            if wanted is None or came is None or is_placeholder(came):
                continue
            if not hmac.compare_digest(wanted.encode(), came.encode("utf-8", "surrogatepass")):
                raise refusal("credentials")

    def outcome(self, name: str, number: int) -> RunRule | None:
        """The declared failure of run `number` (from 1) over a table or file; None if it succeeds."""
        names = (ANY, name, normal(name))
        for rule in self.runs:
            if rule.object in names and (not rule.numbers or number in rule.numbers):
                return rule
        return None


def _folded(member: str, value: str | None) -> str | None:
    return value.lower() if value and member == "server" else value
