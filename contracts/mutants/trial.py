"""Runs the suite before a mutant until a check that holds a broken promise notices it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from contracts.broken import proof
from contracts.broken.wrapping import Wrapped
from contracts.causes import Fault
from contracts.mutants.mutant import Mutant
from contracts.mutants.session import Run, Session, stage_before
from contracts.registry import CHECKS, OBSERVERS, Watch
from contracts.verdicts import FAILED
from contracts.wire import Answer, Unreachable

_MAX_OTHERS = 4
"""Checks of other promises that run too, for what observers see on the way."""
_RENEWED = 200
"""Mutants that share a right server, each in an organisation of its own."""


@dataclass(slots=True)
class Verdict:
    """What came of one mutant."""

    mutant: Mutant
    noticed_by: str = ""
    """The check that noticed the lie by a promise that it breaks; empty for a survivor."""
    wrongly_by: list[str] = field(default_factory=list)
    """Checks that failed although the mutant breaks none of their promises."""
    ran: int = 0


class Trials:
    """Judges mutants one after the other."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._app: Callable[..., object] | None = None
        self._count = 0
        order: dict[Run, int] = {}
        for exchange in session.exchanges:
            order[exchange.run] = order.get(exchange.run, 0) + 1
        self._length = order

    def judge(self, mutant: Mutant) -> Verdict:
        """Run the checks that the lie touches: those of its promises first, the short ones before the long."""
        runs = self._touched(mutant)
        verdict = Verdict(mutant)
        for run in runs:
            failed = self._failures(mutant, run)
            verdict.ran += 1
            right = [name for name in failed if mutant.breaks_promise(name)]
            verdict.wrongly_by += [name for name in failed if name not in right and name not in verdict.wrongly_by]
            if right:
                verdict.noticed_by = right[0]
                break
        return verdict

    def _touched(self, mutant: Mutant) -> list[Run]:
        found = {exchange.run for exchange in self._session.exchanges if mutant.touches(exchange)}
        ordered = sorted(found, key=lambda run: (self._length[run], run))
        holding = [run for run in ordered if mutant.breaks_promise(run[0])]
        others = [run for run in ordered if not mutant.breaks_promise(run[0])]
        return holding + others[:_MAX_OTHERS]

    def _failures(self, mutant: Mutant, run: Run) -> list[str]:
        """The check, and the observers, that failed."""
        if self._app is None or self._count % _RENEWED == 0:
            self._app = proof.right({})[0]
        self._count += 1
        observed: dict[str, str] = {}
        watch = Watch(self._session.document, "", {})

        def hear(answer: Answer) -> list[Fault]:
            found = [(one.id, fault) for one in OBSERVERS.values() if (fault := one.fault(watch, answer))]
            observed.update({name: fault.message for name, fault in found})
            return [fault for _, fault in found]

        stage = stage_before(Wrapped(self._app, mutant.fault), self._session.document, self._count, hear=hear)
        watch.canary = stage.canary
        name, subject = run
        try:
            outcome = CHECKS[name].judge(stage, stage.kinds[subject] if subject else None)
        except Unreachable:
            return [name]
        return [*([name] if outcome.verdict == FAILED else []), *observed]
