"""What a check can say: nothing (the promise held), `Broken`, or `Untestable`; and the values these become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from contracts.wire import Answer

PASSED, FAILED, UNTESTABLE, KNOWN_GAP = "passed", "failed", "untestable", "known gap"
NOT_COMPARABLE = "not comparable"
"""The check stumbled over a fault that another finding tells."""


class Broken(AssertionError):
    """The server broke a promise; the message says what came and what was expected.

    `cause` is equal for failures that have one cause; empty, the cause is the check's own. Unless it is `settled`, a
    fault of the answer in itself comes before it: of `answer`, or of the last one.
    """

    def __init__(self, message: str, cause: str = "", *, answer: Answer | None = None, settled: bool = False) -> None:
        super().__init__(message)
        self.cause, self.answer, self.settled = cause, answer, settled


class Untestable(Exception):
    """The situation the check needs cannot be made here; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found out about one subject."""

    check: str
    subject: str
    """The collection or operation it was about; empty when it is about the whole server."""
    verdict: str
    message: str = ""
    evidence: tuple[Answer, ...] = ()
    """The exchanges that led to the verdict, last one last."""
    seconds: float = 0.0
    cause: str = ""
    """Equal for failures that have one cause."""

    @property
    def label(self) -> str:
        """`etag.quoted[connections]`."""
        return f"{self.check}[{self.subject}]" if self.subject else self.check


def expect(condition: object, message: str, cause: str = "") -> None:
    """Raise `Broken` unless the condition holds. The message says what is right, then what came."""
    if not condition:
        raise Broken(message, cause)


def same(came: object, expected: object, what: str) -> None:
    """Raise `Broken` unless both are equal."""
    if came != expected:
        raise Broken(f"{what}: expected {_shown(expected)}, got {_shown(came)}")


def untestable(reason: str) -> NoReturn:
    """Leave a check whose situation cannot be made."""
    raise Untestable(reason)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"
