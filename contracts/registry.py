"""How a check is written and found.

A check is a function with an id. It gets a `Stage` (and, with `each`, a collection), provokes a
situation and raises `Broken` when the server breaks the promise, `Untestable` when the situation
cannot be made. An observer looks at every exchange of a run and says what is wrong with it.
What the promise is, and where it comes from, stands in `requirements.yaml` under the same id.
"""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from contracts.causes import NO_CODE, Fault
from contracts.document import Document
from contracts.kinds import Kind
from contracts.stage import Stage
from contracts.verdicts import FAILED, PASSED, UNTESTABLE, Broken, Outcome, Untestable
from contracts.wire import Answer

Suits = Callable[[Kind], bool]
Look = Fault | str | None

ANSWERED = "answer.in-time"
"""The one observer that looks at requests without a response, and at nothing else."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check."""

    id: str
    run: Callable[..., None]
    each: Suits | None
    """Which collections it is about; None: it is about the server, or chooses itself."""
    writes: bool
    """Whether it makes something."""
    operations: tuple[str, ...]
    """The operations it is about when it is not about collections."""
    lasting: bool = False
    """Whether it makes what cannot be deleted; such a check runs only when asked for."""

    def subjects(self, stage: Stage) -> Iterator[Kind | None]:
        """The collections to run it for; None once when it is about none."""
        if self.each is None:
            yield None
        else:
            yield from (kind for kind in stage.kinds.values() if self.each(kind))

    def concerns(self, document: Document, kind: Kind | None) -> frozenset[str]:
        """Ids of the operations it looks at."""
        if kind is None:
            return frozenset(self.operations)
        return frozenset(o.id for o in document.operations if o.path.split("/")[1] == kind.name)

    def judge(self, stage: Stage, kind: Kind | None) -> Outcome:
        """Run it once and say what came of it."""
        began = time.perf_counter()
        subject = kind.name if kind else ""
        verdict, message, cause = PASSED, "", ""
        try:
            self.run(stage, kind) if kind else self.run(stage)
        except Broken as broken:
            root = "" if broken.settled else stage.root_cause(broken.answer, refusal=broken.cause in ("", NO_CODE))
            verdict, message, cause = FAILED, str(broken), root or broken.cause or self.id
        except Untestable as reason:
            verdict, message = UNTESTABLE, str(reason)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            # the check read what is not there: a wrong server may answer with anything
            verdict, message = FAILED, _misread(error, stage)
            cause = stage.root_cause(misread=True) or self.id
        seconds = time.perf_counter() - began
        evidence = tuple(stage.record[-6:]) if verdict == FAILED else ()
        return Outcome(self.id, subject, verdict, message, evidence, seconds, cause)


def _misread(error: Exception, stage: Stage) -> str:
    """What a body lacks that a check wanted to read, without the words of the language it is written in."""
    last = str(stage.record[-1]) if stage.record else "nothing was answered"
    match error:
        case KeyError() if error.args and isinstance(error.args[0], str):
            return f"{last}, its body lacks the member {error.args[0]!r}"
        case IndexError() | KeyError():
            return f"{last}, its body has fewer entries than it must have"
        case _:
            return f"{last}, its body has another form than the contract says"


@dataclass(frozen=True, slots=True)
class Observer:
    """One rule that every answer of a run must keep."""

    id: str
    look: Callable[[Watch, Answer], Look]

    def fault(self, watch: Watch, answer: Answer) -> Fault | None:
        """What is wrong with an answer, or None."""
        if bool(answer.silence) != (self.id == ANSWERED):
            return None
        try:
            found = self.look(watch, answer)
        except (LookupError, TypeError, AttributeError, ValueError):
            return None  # it read what is not there: answer.schema tells of that
        return Fault(found, self.id) if isinstance(found, str) else found


@dataclass(slots=True)
class Watch:
    """What observers know: the stage's constants and, for each, what it remembers."""

    document: Document
    canary: str
    memory: dict[str, dict[str, str]]


CHECKS: dict[str, Check] = {}
OBSERVERS: dict[str, Observer] = {}


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


def observe(check_id: str) -> Callable[[Callable[[Watch, Answer], Look]], Callable[[Watch, Answer], Look]]:
    """Register an observer: it returns what is wrong with an answer (a text, or a fault with its cause), or None."""

    def register(look: Callable[[Watch, Answer], Look]) -> Callable[[Watch, Answer], Look]:
        _claim(check_id)
        OBSERVERS[check_id] = Observer(check_id, look)
        return look

    return register


def load() -> None:
    """Import every module with checks and journeys."""
    for package in ("checks", "journeys"):
        module = importlib.import_module(f"contracts.{package}")
        for found in pkgutil.iter_modules(module.__path__):
            importlib.import_module(f"contracts.{package}.{found.name}")


def any_kind(kind: Kind) -> bool:
    """For checks on every collection."""
    return True


def patched(kind: Kind) -> bool:
    """For checks on collections whose entities change."""
    return kind.patched


def deleted(kind: Kind) -> bool:
    """For checks on collections whose entities go."""
    return kind.deleted


def drafted(kind: Kind) -> bool:
    """For checks on collections that take drafts."""
    return kind.drafted


def _claim(check_id: str) -> None:
    if check_id in CHECKS or check_id in OBSERVERS:
        raise RuntimeError(f"two checks are called {check_id}")
