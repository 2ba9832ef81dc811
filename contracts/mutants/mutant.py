"""A wire mutant: the correct server with one small fault, and the promises that the fault breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from contracts.broken.wrapping import Fault
from contracts.mutants.session import Said

Touches = Callable[[Said], bool]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault."""

    name: str
    """`retrieveConnection /items[]/etag: stale`."""
    fault: Fault
    breaks: tuple[str, ...]
    """Promises that may notice it; `etag.*` stands for all of that theme."""
    touches: Touches
    """Whether it would change what happened in a recorded exchange."""
    reason: str = ""
    """Why it breaks no promise; empty if it breaks one."""

    def breaks_promise(self, check: str) -> bool:
        """Whether a check tests one of the promises that it breaks."""
        return any(fnmatchcase(check, pattern) for pattern in self.breaks)


def unharmful(name: str, reason: str) -> Mutant:
    """A fault that breaks no promise. It is listed with the reason and not run."""
    return Mutant(name, lambda asked, right: right(asked), (), lambda exchange: False, reason)
