"""A whole run: reach the server, judge it, clean up, report. `mockserver contract` calls `main`."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from contracts import arrival, registry, requirements
from contracts.checks import neighbours
from contracts.document import Document
from contracts.outcome_report import Report
from contracts.progress import Progress
from contracts.registry import CHECKS, OBSERVERS, Check, Watch
from contracts.reports import har, record, written
from contracts.secrecy import Mask
from contracts.settings import Settings, WrongUse
from contracts.stage import Stage
from contracts.verdicts import FAILED, KNOWN_GAP, PASSED, UNTESTABLE, Outcome
from contracts.wire import Answer, Transport, Unreachable

FINE, FAILURES, WRONG_USE = 0, 1, 2
INTERRUPTED = "interrupted"


class Run:
    """One run against one server."""

    def __init__(
        self, settings: Settings, document: Document, transport: Transport, progress: Progress, mask: Mask
    ) -> None:
        self.settings, self.document, self.progress = settings, document, progress
        self.report = Report(transport.base_url, settings.seed)
        self.mask = mask
        self.stage = Stage(transport, settings, document, hear=self._hear)
        self._watch = Watch(document, self.stage.canary, {})
        self._observed: dict[str, Outcome] = {}
        self._har = har.Writer(settings.report, self.mask) if settings.report else None
        self._deadline = time.monotonic() + settings.budget if settings.budget else None
        self._lock = threading.Lock()
        self.stopped = threading.Event()
        """A signal came that ends the run."""

    def go(self) -> Report:
        """Everything, in order; what was made is deleted whatever happens."""
        began = time.monotonic()
        with _interruptible(self.stopped):
            try:
                self._checks()
                self._generated()
            except KeyboardInterrupt:
                self.report.ended = INTERRUPTED
            except Unreachable as error:
                self.report.ended = str(error)
            finally:
                self._clean_up()
        if self._har:
            self._har.close()
        self._observers()
        self.report.made = self.stage.ledger.total
        self._known_gaps()
        self.report.seconds = time.monotonic() - began
        return self.report

    def remaining(self) -> float | None:
        """Seconds of the budget left, or None without one."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome and tell of it."""
        self.report.outcomes.append(outcome)
        self.progress.outcome(outcome)

    def _clean_up(self) -> None:
        """Delete what is left; whoever interrupts this too is told what stays behind."""
        made = self.stage.ledger.made
        if made:
            self.progress.say(f"deleting what was made ({len(made)} entities)")
        try:
            self.report.left = self.stage.sweep()
            if not self.settings.read_only:
                self.report.left += self.stage.sweep_strays()
        except (KeyboardInterrupt, Unreachable) as trouble:
            self.report.ended = self.report.ended or str(trouble) or INTERRUPTED
            self.report.left = [f"/{kind}/{entity_id}: not tried" for kind, entity_id in made]

    def _checks(self) -> None:
        plan = [(check, kind) for check in CHECKS.values() for kind in check.subjects(self.stage)]
        for number, (check, kind) in enumerate(plan, 1):
            if self.stopped.is_set():  # what a signal raises is lost where Python runs a finalizer or a callback
                raise KeyboardInterrupt
            label = f"{check.id}[{kind}]" if kind else check.id
            self.progress.step(number, len(plan), label)
            reason = self._left_out(check, kind)
            if reason is None:
                self.add(check.judge(self.stage.fresh(), kind))
                self.stage.sweep(shared=False)  # lists stay short, and little is there if the run is killed
            elif reason:
                self.add(Outcome(check.id, kind.name if kind else "", UNTESTABLE, reason))

    def _left_out(self, check: Check, kind: Any) -> str | None:
        """Why a check does not run here: None when it does, empty when it was not asked for."""
        concerned, chosen = check.concerns(self.document, kind), self.settings.operations
        if chosen and not concerned & chosen:
            return ""
        if concerned and not concerned & self.document.ids:
            return "the contract has none of its operations"
        if self.settings.read_only and check.writes:
            return "it writes, and the run is read-only"
        if check.lasting and not self.settings.lasting and not self.settings.forgets:
            return "it makes what cannot be deleted: allow it with --lasting"
        if self.remaining() == 0:
            self.report.ended = f"the budget of {self.settings.budget:g} s is spent"
            return "the budget was spent"
        return None

    def _generated(self) -> None:
        from contracts import generated  # schemathesis takes most of a second to import

        if self.settings.examples and self.remaining() != 0:
            generated.run(self)

    def _hear(self, answer: Answer) -> None:
        with self._lock:
            self.mask.learn(neighbours.credentials(answer))
            self.report.hear(self.document, answer)
            if self._har:
                self._har.add(answer)
            for observer in OBSERVERS.values():
                if observer.id not in self._observed:
                    message = observer.look(self._watch, answer)
                    if message:
                        self._observed[observer.id] = Outcome(observer.id, "", FAILED, message, (answer,))
                        self.progress.outcome(self._observed[observer.id])

    def _observers(self) -> None:
        for observer in OBSERVERS.values():
            self.report.outcomes.append(self._observed.get(observer.id) or Outcome(observer.id, "", PASSED))

    def _known_gaps(self) -> None:
        failed = {outcome.check for outcome in self.report.having(FAILED)}
        ran = {outcome.check for outcome in self.report.outcomes if outcome.verdict != UNTESTABLE}
        known = self.settings.known_gaps
        self.report.stale_gaps = sorted((known & ran) - failed)
        self.report.outcomes = [
            Outcome(o.check, o.subject, KNOWN_GAP, o.message, o.evidence, o.seconds)
            if o.verdict == FAILED and o.check in known
            else o
            for o in self.report.outcomes
        ]


def main(settings: Settings, *, screen: TextIO, out: TextIO, as_json: bool = False, least: str = "should") -> int:
    """Run and report; the exit status. What prevents a run is said in one line."""
    mask = Mask(settings.secrets)
    progress = Progress(screen, mask)
    try:
        document = Document.load(settings.contract)
        settings, transport = arrival.reach(settings)
        mask.learn(settings.secrets)
        registry.load()
        unknown = settings.operations - document.ids
        if unknown:
            raise WrongUse(f"--operations: the contract has no {', '.join(sorted(unknown))}")
        named = {name for name in settings.known_gaps if not name.startswith("generated.")}
        strange = named - CHECKS.keys() - OBSERVERS.keys()
        if strange:
            raise WrongUse(f"the known gaps name no check: {', '.join(sorted(strange))}")
    except (Unreachable, WrongUse, FileNotFoundError) as problem:
        progress.say(f"mockserver contract: {problem}")
        return WRONG_USE
    progress.say(f"holding {transport.base_url} to the contract (seed {settings.seed})")
    report = Run(settings, document, transport, progress, mask).go()
    rows = requirements.load()
    written.everywhere(report, rows, settings, mask, out=out, as_json=as_json, least=least)
    failed = report.failures(requirements.levels(rows), least) or report.stale_gaps or report.trouble or report.left
    return FAILURES if failed or report.ended == INTERRUPTED else FINE


def compare(first: Path, second: Path, *, out: TextIO) -> int:
    """Show where two records of runs differ; the exit status. Raises ValueError for a file that is none."""
    rows = record.differences(record.read(first), record.read(second))
    for operation, what, one, two in rows:
        out.write(f"{operation}  {what}\n    only {first}: {one or '-'}\n    only {second}: {two or '-'}\n")
    out.write(f"{len(rows)} differences\n" if rows else "no differences\n")
    return FAILURES if rows else FINE


@contextmanager
def _interruptible(stopped: threading.Event) -> Iterator[None]:
    """SIGTERM ends the run as Ctrl-C does, so that cleaning up happens in one place; `stopped` remembers either."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        stopped.set()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
