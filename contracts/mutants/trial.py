"""Runs the suite against a mutant until a check of a broken promise notices it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from contracts.broken import proof
from contracts.broken.wrapping import Wrapped
from contracts.findings.causes import Fault
from contracts.findings.verdicts import FAILED
from contracts.mutants.mutant import Mutant
from contracts.mutants.session import Run, Said, Session, stage_before
from contracts.registry import CHECKS, OBSERVERS, Watch, faults_of
from contracts.wire import Answer, Unreachable

_MAX_OTHERS = 4
"""Maximum checks of other promises that also run, for the observers."""
_RENEWED = 200
"""Mutants that share a correct server, each in its own organisation."""


@dataclass(slots=True)
class Verdict:
    """The result for one mutant."""

    mutant: Mutant
    noticed_by: str = ""
    """The check that noticed the fault by a promise that it breaks; empty for a survivor."""
    wrongly_by: list[str] = field(default_factory=list)
    """Checks that failed although the mutant breaks none of their promises."""
    ran: int = 0


class Trials:
    """Judges mutants one after the other."""

    def __init__(self, session: Session) -> None:
        self._app: Callable[..., object] | None = None
        self._count = 0
        self._document = session.document
        self._exchanges: dict[Run, list[Said]] = {}
        for exchange in session.exchanges:
            self._exchanges.setdefault(exchange.run, []).append(exchange)
        self._runs = sorted(self._exchanges, key=lambda run: (len(self._exchanges[run]), run))

    def judge(self, mutant: Mutant) -> Verdict:
        """Run the checks that the fault affects: first those of its promises, short ones before long ones."""
        verdict = Verdict(mutant)
        for run in self._touched(mutant):
            failed = self._failures(mutant, run)
            verdict.ran += 1
            right = [name for name in failed if mutant.breaks_promise(name)]
            verdict.wrongly_by += [name for name in failed if name not in right and name not in verdict.wrongly_by]
            if right:
                verdict.noticed_by = right[0]
                break
        return verdict

    def _touched(self, mutant: Mutant) -> Iterator[Run]:
        """The checks in whose exchanges something would change, found one by one."""
        touched = (run for run in self._runs if any(map(mutant.touches, self._exchanges[run])))
        others: list[Run] = []
        for run in touched:
            if mutant.breaks_promise(run[0]):
                yield run
            else:
                others.append(run)
        yield from others[:_MAX_OTHERS]

    def _failures(self, mutant: Mutant, run: Run) -> list[str]:
        """The checks and observers that failed."""
        if self._app is None or self._count % _RENEWED == 0:
            self._app = proof.right({})[0]
        self._count += 1
        observed: dict[str, str] = {}
        observers = [one for one in OBSERVERS.values() if mutant.breaks_promise(one.id)]
        watch = Watch(self._document, "", {})

        def hear(answer: Answer) -> list[Fault]:
            found = faults_of(watch, answer, observers)
            observed.update({name: fault.message for name, fault in found.items()})
            return list(found.values())

        stage = stage_before(Wrapped(self._app, mutant.fault), self._document, self._count, hear=hear)
        watch.canary, watch.entities = stage.canary, stage.ledger.entities
        name, subject = run
        try:
            outcome = CHECKS[name].judge(stage, stage.kinds[subject] if subject else None)
        except Unreachable:
            return [name]
        return [*([name] if outcome.verdict == FAILED else []), *observed]
