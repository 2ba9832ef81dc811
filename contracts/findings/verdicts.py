"""Verdicts of checks: passed (nothing raised), `Broken` or `Untestable`, and the resulting outcomes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from contracts.schema.departures import Explaining
from contracts.schema.differences import ADDED, ARRAY, LACKING, kinds, of_type
from contracts.wire import Answer

PASSED, FAILED, UNTESTABLE, KNOWN_GAP = "passed", "failed", "untestable", "known gap"
NOT_COMPARABLE = "not comparable"
"""The check failed because of a fault reported by another finding."""


_MAX_SHOWN = 200
"""Maximum characters of a value in a message."""


class Broken(AssertionError):
    """The server broke a promise; the message says what was expected and what was received.

    `cause` is equal for failures with the same cause; empty means the check's own. Unless `settled`, a
    fault of the response (`answer`, by default the last one) takes precedence as the cause, and after it the
    `kinds` of the differences between what was received and what was expected.
    """

    def __init__(
        self,
        message: str,
        cause: str = "",
        *,
        answer: Answer | None = None,
        settled: bool = False,
        refusal: bool = False,
        kinds: frozenset[str] = frozenset(),
        refused: str = "",
        symptom: str = "",
        unrefused: str = "",
        rule: str = "",
    ) -> None:
        super().__init__(message)
        self.cause, self.answer, self.settled, self.kinds = cause, answer, settled, kinds
        self.refusal = refusal
        """Whether it is about what a refusal says."""
        self.symptom = symptom or message
        """What is wrong, in words that are equal for other checks that fail because of it."""
        self.unrefused = unrefused
        """The kind of a request that should have been refused; empty if it is about something else."""
        self.rule = rule
        """The check of the same rule for other requests; empty if there is none."""
        self.refused = refused
        """The cause of a refused request, if the server refuses valid ones of its kind likewise."""


class Untestable(Exception):
    """The situation for the check cannot be created; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one check for one subject."""

    check: str
    subject: str
    """The collection or operation; empty for the whole server."""
    verdict: str
    message: str = ""
    evidence: tuple[Answer, ...] = ()
    """The exchanges that led to the verdict, in order."""
    seconds: float = 0.0
    cause: str = ""
    """Equal for failures with the same cause."""
    symptom: str = ""
    """Equal for failures of the same kind of request in the same way, if no cause is known."""
    rule: str = ""
    """The check of the same rule for other requests, if nothing else explains the failure."""
    met: tuple[str, ...] = ()
    """The causes of faults in its exchanges, in order; empty for a failure whose cause is certain."""

    @property
    def label(self) -> str:
        """`etag.quoted[connections]`."""
        return f"{self.check}[{self.subject}]" if self.subject else self.check


def expect(condition: object, message: str, cause: str = "") -> None:
    """Raise `Broken` unless the condition holds. The message says what was expected, then what was received."""
    if not condition:
        raise Broken(message, cause)


def same(came: object, expected: object, what: str, cause: str = "", *, rule: str = "") -> None:
    """Raise `Broken` unless both are equal. Of large values the message shows what differs.

    `rule` names the check that expects it elsewhere: if that has failed, it is the same fault.
    """
    if came != expected:
        found = kinds(came, expected)
        lost = frozenset() if found else frozenset(one for one in kinds(expected, came) if one.startswith(ADDED))
        cause = cause or (LACKING + min(lost).removeprefix(ADDED) if lost else "")
        found = found or lost
        telling = all(isinstance(one, str | dict) for one in (came, expected))
        symptom = f"{_shown(came)} in place of {_shown(expected)}" if telling else ""
        if len(repr(came)) > _MAX_SHOWN or len(repr(expected)) > _MAX_SHOWN:
            came, expected = differing(came, expected)
        message = f"{what}: expected {_shown(expected)}, got {_shown(came)}"
        raise Broken(message, cause, kinds=found, symptom=symptom, rule=rule)


def same_types(came: object, expected: object, what: str) -> None:
    """Raise `Broken` unless two equal values have the same types too, which distinguishes 1, 1.0 and true."""
    if types(came) != types(expected):
        one, other = differing(types(came), types(expected))
        message = f"types in {what}: expected {_shown(other)}, got {_shown(one)}"
        raise Broken(message, kinds=kinds(came, expected, types=True))


def of_json_type(value: object, wanted: str, what: str) -> None:
    """Raise `Broken` unless a value has a type of JSON Schema."""
    if not Explaining({"type": wanted}).is_valid(value):
        raise Broken(f"{what} with the value {value!r}", kinds=frozenset({of_type({wanted}, value)}))


def among(wanted: str, found: Iterable[str], what: str, cause: str = "") -> None:
    """Raise `Broken` unless a text is one of those found."""
    texts = list(found)
    if wanted not in texts:
        in_object = isinstance(found, dict) and wanted in found.values()
        near = frozenset({ARRAY}) if in_object else nearly(wanted, texts)
        raise Broken(f"{what}: expected {wanted!r} among them, got {_shown(texts)}", cause, kinds=near)


def nearly(wanted: str, texts: Iterable[str]) -> frozenset[str]:
    """The kinds of difference of the first text that is a variant of another one; empty if none is."""
    return next((one for text in texts if (one := kinds({"": text}, {"": wanted}))), frozenset())


def differing(came: object, expected: object) -> tuple[object, object]:
    """Two unequal values without what is equal in both: members of objects, and items at the same place."""
    if isinstance(came, dict) and isinstance(expected, dict):
        absent = object()
        names = [name for name in {**expected, **came} if came.get(name, absent) != expected.get(name, absent)]
        pairs = {name: differing(came.get(name), expected.get(name)) for name in names}
        ours = {name: one for name, (one, _) in pairs.items() if name in came}
        return ours, {name: other for name, (_, other) in pairs.items() if name in expected}
    if isinstance(came, list) and isinstance(expected, list) and len(came) == len(expected):
        rows = [differing(one, other) for one, other in zip(came, expected, strict=True) if one != other]
        return [one for one, _ in rows], [other for _, other in rows]
    return came, expected


def types(value: object) -> object:
    """A value with the names of its types in place of its parts."""
    if isinstance(value, dict):
        return {name: types(inner) for name, inner in value.items()}
    return [types(inner) for inner in value] if isinstance(value, list) else type(value).__name__


def untestable(reason: str) -> NoReturn:
    """Leave a check whose situation cannot be created."""
    raise Untestable(reason)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}… ({len(text)} characters)"
