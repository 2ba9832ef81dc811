"""One system behind connections: whom it is for, whom it lets in, what it holds, how its runs go."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mockserver.secrecy import is_placeholder
from mockserver.sources.files import File, normal
from mockserver.sources.refusals import refusal
from mockserver.sources.tables import Table, Tabular

if TYPE_CHECKING:
    from mockserver.specs.connectors import Access

MATCHABLE = ("family", "connector", "server", "port", "database")
"""What a source can be matched by: members of `Access`."""

ANY = "*"


@dataclass(frozen=True, slots=True)
class RunRule:
    """How runs over one table or file end: `failed`, or `partial` with a share of the rows failing."""

    status: str
    object: str = ANY
    """A table's name or a file's path; `*` for all."""
    numbers: frozenset[int] = frozenset()
    """Which runs of a flow, counted from 1; empty for every one."""
    rows: float = 0.0
    """Share of the rows that fail, 0 to 1; 1 for a failed run."""
    code: str = "CONNECTOR-2001-500"
    """As in Adobe's sample of a failing run (facts §9)."""
    message: str = "The source failed while it was read."

    def failing(self, count: int) -> int:
        """How many of `count` rows fail: at least one of any in a partial run."""
        return min(count, max(1, round(count * self.rows))) if count else 0


class Opened(Protocol):
    """A system that has let us in: a declared source, the shop, or a live one."""

    @property
    def tables(self) -> Mapping[str, Tabular]:
        """Name -> table."""

    @property
    def files(self) -> Mapping[str, File]:
        """Path -> file."""


@dataclass(frozen=True)
class Source:
    """A declared source, or a part of the built-in shop."""

    match: Mapping[str, str]
    """Member of `Access` -> its value, or `*`; a member left out matches anything."""
    reachable: bool = True
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    """The credentials it takes; None: any."""
    tables: Mapping[str, Table] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)
    runs: tuple[RunRule, ...] = ()

    def __str__(self) -> str:
        """What it is matched by, as its file says it."""
        return ", ".join(f"{member}={value}" for member, value in self.match.items()) or "any connection"

    def fits(self, access: Access) -> bool:
        """Whether a connection leads here: plain equality, a server's name in any case."""
        return all(
            wanted == ANY or _folded(member, getattr(access, member)) == _folded(member, wanted)
            for member, wanted in self.match.items()
        )

    def admit(self, access: Access) -> None:
        """Raise SourceError unless the source answers and takes the user name and password.

        What a connection does not tell (a draft, another kind of credentials) is not held against it,
        and neither is a placeholder of the documentation.
        """
        if not self.reachable:
            raise refusal("unreachable")
        for wanted, came in ((self.username, access.username), (self.password, access.password)):
            if wanted is None or came is None or is_placeholder(came):
                continue
            if not hmac.compare_digest(wanted.encode(), came.encode("utf-8", "surrogatepass")):
                raise refusal("credentials")

    def outcome(self, name: str, number: int) -> RunRule | None:
        """How run `number` (from 1) over a table or file is declared to end; None: well."""
        names = (ANY, name, normal(name))
        for rule in self.runs:
            if rule.object in names and (not rule.numbers or number in rule.numbers):
                return rule
        return None


def _folded(member: str, value: str | None) -> str | None:
    return value.lower() if value and member == "server" else value
