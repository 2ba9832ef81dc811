"""Registers checks and observers.

A check is a function with an id. It gets a `Stage` (and, with `each`, a collection), provokes a
situation and raises `Broken` if the server breaks the promise, `Untestable` if the situation
cannot be created. An observer inspects every exchange of a run and returns what is wrong with it.
The promise and its source are in `requirements.yaml` under the same id.
"""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from contracts.findings.causes import IGNORED, NO_CODE, Fault, of_kind
from contracts.findings.verdicts import FAILED, PASSED, UNTESTABLE, Broken, Outcome, Untestable
from contracts.schema.differences import ADDED, LACKING
from contracts.schema.document import Document
from contracts.stage import Stage
from contracts.stage.entities import Entities
from contracts.stage.kinds import Kind
from contracts.wire import Answer

Suits = Callable[[Kind], bool]
Look = Fault | str | None

MAX_EVIDENCE = 6
"""Maximum exchanges kept of a failed check."""

ANSWERED = "answer.in-time"
"""The only observer of requests without a response."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check."""

    id: str
    run: Callable[..., None]
    each: Suits | None
    """The collections it applies to; None if it concerns the server or chooses itself."""
    writes: bool
    """Whether it writes."""
    operations: tuple[str, ...]
    """The operations it concerns, if it does not concern collections."""
    lasting: bool = False
    """Whether it creates something that cannot be deleted. Such a check runs only on request."""

    def subjects(self, stage: Stage) -> Iterator[Kind | None]:
        """The collections to run it for; a single None if it concerns none."""
        if self.each is None:
            yield None
        else:
            yield from (kind for kind in stage.kinds.values() if self.each(kind))

    def concerns(self, document: Document, kind: Kind | None) -> frozenset[str]:
        """Ids of the operations it concerns."""
        if kind is None:
            return frozenset(self.operations)
        return document.of_collection(kind.name)

    def judge(self, stage: Stage, kind: Kind | None) -> Outcome:
        """Run it once and return the outcome."""
        began = time.perf_counter()
        subject = kind.name if kind else ""
        verdict, message, cause, symptom, root, rule, deciding = PASSED, "", "", "", "", "", None
        try:
            self.run(stage, kind) if kind else self.run(stage)
        except Broken as broken:
            refusal = broken.refusal or broken.cause in ("", NO_CODE)
            root = "" if broken.settled else stage.root_cause(broken.answer, refusal=refusal)
            differs = min(broken.kinds, default="")
            departing = "" if broken.settled else stage.departing(str(broken))
            root = root or (departing if differs.startswith(ADDED) else "")
            root = root or ("" if broken.cause.startswith(LACKING) else of_kind(differs)) or departing
            known = broken.refused if broken.refused in stage.ledger.refused_acts else ""
            stage.ledger.refused_acts |= {broken.cause} & {broken.refused} - {""}
            cause = root or known or broken.cause or stage.supposed(broken) or broken.rule or self.id
            symptom, rule = stage.symptom(broken), "" if root else broken.rule
            verdict, message, deciding = FAILED, str(broken), broken.answer
            if cause.startswith(IGNORED):
                message = f"{cause.removeprefix(IGNORED)} is ignored: {message}"
        except Untestable as reason:
            verdict, message = UNTESTABLE, str(reason)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            # the check read a missing part: a faulty server may respond with anything
            verdict, message = FAILED, _misread(error, stage)
            named = isinstance(error, KeyError) and bool(error.args) and isinstance(error.args[0], str)
            lacking = stage.lacking(str(error.args[0])) if named else self.id
            root = stage.root_cause(misread=True) or stage.departing(message)
            cause = root or lacking
        seconds = time.perf_counter() - began
        until = next((at for at, answer in enumerate(stage.record, 1) if answer is deciding), len(stage.record))
        evidence = tuple(stage.record[:until][-MAX_EVIDENCE:]) if verdict == FAILED else ()
        met = () if root else stage.met
        return Outcome(self.id, subject, verdict, message, evidence, seconds, cause, symptom, rule, met)


def _misread(error: Exception, stage: Stage) -> str:
    """Describe a missing part of a body without Python's own words."""
    last = str(stage.record[-1]) if stage.record else "there was no response"
    match error:
        case KeyError() if error.args and isinstance(error.args[0], str):
            return f"{last}, its body lacks the member {error.args[0]!r}"
        case IndexError() | KeyError():
            return f"{last}, its body has too few entries"
        case _:
            return f"{last}, its body does not have the form of the contract"


@dataclass(frozen=True, slots=True)
class Observer:
    """A rule for every response of a run."""

    id: str
    look: Callable[[Watch, Answer], Look]
    by_id: bool = False
    """Whether it recognises entities by their ids."""

    def fault(self, watch: Watch, answer: Answer) -> Fault | None:
        """The fault of a response, or None."""
        return faults_of(watch, answer, (self,)).get(self.id)


@dataclass(slots=True)
class Watch:
    """The memory of observers: constants of the stage and a value per observer."""

    document: Document
    canary: str
    memory: dict[str, dict[str, Any]]
    entities: Entities = field(default_factory=Entities)


CHECKS: dict[str, Check] = {}
OBSERVERS: dict[str, Observer] = {}


def faults_of(watch: Watch, answer: Answer, observers: Iterable[Observer] | None = None) -> dict[str, Fault]:
    """The faults of a response by observer, by default of all of them."""
    found: dict[str, Fault] = {}
    for one in OBSERVERS.values() if observers is None else observers:
        if (one.id == ANSWERED) is not bool(answer.silence):
            continue
        try:  # without a call for each observer: most of them see at once that a response does not concern them
            seen = one.look(watch, answer)
        except (LookupError, TypeError, AttributeError, ValueError):
            continue  # it read a missing part, which answer.schema reports
        if seen is not None:
            found[one.id] = Fault(seen, one.id) if isinstance(seen, str) else seen
    return found


def check(
    check_id: str,
    *,
    each: Suits | None = None,
    writes: bool = True,
    operations: tuple[str, ...] = (),
    lasting: bool = False,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a check."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        _claim(check_id)
        CHECKS[check_id] = Check(check_id, function, each, writes, operations, lasting)
        return function

    return register


def observe(
    check_id: str, *, by_id: bool = False
) -> Callable[[Callable[[Watch, Answer], Look]], Callable[[Watch, Answer], Look]]:
    """Register an observer. It returns what is wrong with a response (a text, or a Fault with its cause), or None."""

    def register(look: Callable[[Watch, Answer], Look]) -> Callable[[Watch, Answer], Look]:
        _claim(check_id)
        OBSERVERS[check_id] = Observer(check_id, look, by_id)
        return look

    return register


def load() -> None:
    """Import every module with checks and journeys, and order the checks, whoever imported first."""
    for package in ("checks", "journeys"):
        module = importlib.import_module(f"contracts.{package}")
        for found in pkgutil.iter_modules(module.__path__):
            importlib.import_module(f"contracts.{package}.{found.name}")
    ordered = sorted(CHECKS.values(), key=_order)
    CHECKS.clear()
    CHECKS.update({check.id: check for check in ordered})


def _order(one: Check) -> tuple[bool, str, int]:
    """By module and line, but examples and journeys last: they repeat what others check."""
    module = one.run.__module__
    return module.endswith(".examples") or ".journeys." in module, module, one.run.__code__.co_firstlineno


def any_kind(kind: Kind) -> bool:
    """Every collection."""
    return True


def patched(kind: Kind) -> bool:
    """Collections whose entities can be patched."""
    return kind.patched


def deleted(kind: Kind) -> bool:
    """Collections whose entities can be deleted."""
    return kind.deleted


def drafted(kind: Kind) -> bool:
    """Collections with drafts."""
    return kind.drafted


def _claim(check_id: str) -> None:
    if check_id in CHECKS or check_id in OBSERVERS:
        raise RuntimeError(f"two checks have the name {check_id}")
