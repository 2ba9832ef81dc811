"""A complete run: reach the server, run the checks, clean up, report. `mockserver contract` calls `main`."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from contracts import arrival, registry, requirements
from contracts.findings.causes import (
    ABSENT,
    ETAG,
    HEADER,
    ID_REPEATED,
    LIFE,
    LIST,
    MORE,
    SCHEMA,
    STRANGERS,
    SYMPTOMS,
    TURNED_AWAY,
    WITHOUT_EFFECT,
    Fault,
    basic,
    of_one_response,
)
from contracts.findings.suppositions import UNREFUSED
from contracts.findings.verdicts import FAILED, KNOWN_GAP, NOT_COMPARABLE, PASSED, UNTESTABLE, Outcome
from contracts.progress import Progress
from contracts.registry import CHECKS, OBSERVERS, Check, Watch, faults_of
from contracts.reports import har, record, written
from contracts.reports.outcomes import SuiteReport
from contracts.schema.document import Document
from contracts.secrecy import Mask
from contracts.settings import Settings, WrongUse
from contracts.stage import SPENT, Stage, alike
from contracts.stage.flight import Flight
from contracts.stage.kinds import Kind
from contracts.wire import Answer, Sent, Transport, Unreachable

FINE, FAILURES, WRONG_USE = 0, 1, 2
INTERRUPTED = "interrupted"
LISTED = "answer.collection-there"
"""The promise of a server that refuses all lists."""
MAX_KEPT = 200
"""Maximum bytes of a body that is kept because it stands for nothing."""
MAX_CAUSES = 12
"""Maximum causes that one observer distinguishes."""


class Run:
    """One run against one server."""

    def __init__(
        self, settings: Settings, document: Document, transport: Transport, progress: Progress, mask: Mask
    ) -> None:
        self.settings, self.document, self.progress = settings, document, progress
        self.report = SuiteReport(
            transport.base_url, settings.seed, record=record.Record() if settings.report else None
        )
        self.mask = mask
        self.flight = Flight()
        self._deadline = time.monotonic() + settings.budget if settings.budget else None
        self.stage = Stage(
            transport,
            settings,
            document,
            hear=self._hear,
            flight=self.flight,
            is_over=self._is_over,
        )
        self._levels = requirements.levels(requirements.load())
        self._told: dict[str, str] = {}
        """Cause -> the word last printed for it."""
        self._watch = Watch(document, self.stage.canary, {}, self.stage.ledger.entities)
        self._observed: dict[str, list[str]] = {}
        """Observer -> the causes it found."""
        self._departures: dict[frozenset[str], str] = {}
        """Members that departed from their schema -> the cause."""
        self._of_absent: set[bytes] = set()
        """Bodies that the server gave for entities that are not there."""
        self._har = har.Writer(settings.report, self.mask) if settings.report else None
        self._lock = threading.RLock()
        self._is_constant = False
        """Whether the server answers everything alike."""
        self._ahead: list[tuple[Check, Kind | None]] = []
        """The checks that have not run yet, the next one last."""

    def go(self) -> SuiteReport:
        """Run everything in order. Created entities are deleted in any case."""
        began = time.monotonic()
        with self.flight.interruptible():
            try:
                self._checks()
                self._generated()
            except KeyboardInterrupt:
                self._break_off(INTERRUPTED)
            except Unreachable as error:
                self._break_off(str(error))
            finally:
                self._clean_up()
        if self._har:
            self._har.close()
        self._refuted()
        self._absorbed()
        self._observers()
        self.report.made = self.stage.ledger.total
        self.report.waited = str(self.stage.throttle)
        self._known_gaps()
        self.report.seconds = time.monotonic() - began
        return self.report

    def remaining(self) -> float | None:
        """Seconds of the budget left, or None without one."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def add(self, outcome: Outcome) -> None:
        """Add an outcome; print it if it is a finding."""
        with self._lock:
            placed = self.report.causes.add(outcome)
            self.report.outcomes.append(placed)
            if outcome.verdict != FAILED:
                return
            finding = self.report.causes.of(placed)
            word = requirements.WORDS[finding.level(self._levels)]
            if finding.first.check in self.settings.known_gaps:
                word = KNOWN_GAP
            if self._told.get(finding.cause) != word:  # print again if it affects a promise of a higher level
                self._told[finding.cause] = word
                self.progress.finding(word, finding.first)

    def _break_off(self, reason: str) -> None:
        """End early. What has not been checked is reported as such."""
        self.report.ended, self.report.broken_off = reason, True
        message = f"not comparable, because {reason}"
        for check, kind in reversed(self._ahead):
            if self._left_out(check, kind) is None:
                self.add(Outcome(check.id, kind.name if kind else "", NOT_COMPARABLE, message))
        self._ahead = []

    def _clean_up(self) -> None:
        """Delete what is left. If this is interrupted, too, print what remains."""
        made = self.stage.ledger.made
        if made or self.stage.ledger.next_door:
            count = len(made) + len(self.stage.ledger.next_door)
            self.progress.say(f"deleting created entities ({count} entities)")
        try:
            with self.flight.held():
                self.flight.wait(self.settings.patience)
                self.report.left = self.stage.sweep()
                if not self.settings.read_only:
                    strays, self.report.unverified = self.stage.sweep_strays()
                    swept = self.stage.ledger.swept
                    left = [line for line in self.report.left if line.partition(": ")[0] not in swept]
                    self.report.left = list(dict.fromkeys(left + strays))
        except (KeyboardInterrupt, Unreachable) as trouble:
            self.report.ended = self.report.ended or str(trouble) or INTERRUPTED
            self.report.broken_off = True
            self.report.left = [f"/{kind}/{entity_id}: not tried" for kind, entity_id in made]

    def _checks(self) -> None:
        plan = [(check, kind) for check in CHECKS.values() for kind in check.subjects(self.stage)]
        self._ahead = plan[::-1]
        if constant := arrival.look_around(self.stage):
            self._tell_constant(constant)
            raise alike(self.stage.transport.base_url, constant)
        for number in range(1, len(plan) + 1):
            self.flight.check()
            check, kind = self._ahead.pop()
            label = f"{check.id}[{kind}]" if kind else check.id
            self.progress.step(number, len(plan), label)
            reason = self._left_out(check, kind)
            if reason is None:
                self._judge(check, kind)
                self.stage.sweep(shared=False)  # keeps lists short, and leaves little behind if the run is killed
            elif reason:
                self.add(Outcome(check.id, kind.name if kind else "", UNTESTABLE, reason))

    def _tell_constant(self, answer: Answer) -> None:
        """Add the one finding of a server that answers everything alike: the most basic fault of its answer."""
        self._is_constant = True
        self.report.hear(self.document, answer)
        found = self._look(answer) or {LISTED: Fault(f"{answer}, expected a list", TURNED_AWAY.get(answer.status, ""))}
        cause = basic(found.values(), misread=True)
        name = next((name for name, fault in found.items() if fault.cause == cause), next(iter(found)))
        self._observed[name] = [found[name].cause]
        self.add(Outcome(name, "", FAILED, found[name].message, (answer,), cause=found[name].cause))

    def _judge(self, check: Check, kind: Kind | None) -> None:
        try:
            self.add(check.judge(self.stage.fresh(), kind))
        except Unreachable as error:
            reason = f"not comparable, because {error}"
            self.add(Outcome(check.id, kind.name if kind else "", NOT_COMPARABLE, reason))
            raise

    def _left_out(self, check: Check, kind: Kind | None) -> str | None:
        """Why a check does not run: None if it runs, empty if it was not requested."""
        concerned, chosen = check.concerns(self.document, kind), self.settings.operations
        if chosen and not concerned & chosen:
            return ""
        if concerned and not concerned & self.document.ids:
            return "the contract has none of its operations"
        if self.settings.read_only and check.writes:
            return "it writes, and the run is read-only"
        forgotten = self.settings.forgets and check.id.startswith("run.")  # a mock can delete runs, but nothing else
        if check.lasting and not self.settings.lasting and not forgotten:
            return "it creates what cannot be deleted: allow it by --lasting"
        return SPENT if self._is_over() else None

    def _is_over(self) -> bool:
        """Whether the budget is spent, which the report tells then."""
        if self.remaining() == 0:
            self.report.ended = self.report.ended or f"the budget of {self.settings.budget:g} s is spent"
        return self.remaining() == 0

    def _generated(self) -> None:
        if self.settings.examples and not self._is_over():
            from contracts.generation import generated  # schemathesis takes most of a second to import

            tolerant = not any(
                o.check == "create.unknown-members" and o.verdict == FAILED for o in self.report.outcomes
            )
            with self.flight.held():
                job = generated.Job(self.stage, self.progress, self.add, tolerant, self.report.trouble)
                generated.run(job)

    def _hear(self, answer: Answer) -> list[Fault]:
        with self._lock:
            self.report.hear(self.document, answer)
            if self._har:
                self._har.add(answer)
            found = self._look(answer)
            if not found:
                return []
            if any(fault.cause == ABSENT for fault in found.values()) and len(answer.body) < MAX_KEPT:
                self._of_absent.add(answer.body)
            explained = {name: self._known(name, self._explained(fault, answer.sent)) for name, fault in found.items()}
            if self.stage.ledger.confuses(answer):
                explained |= {name: _of_repeated_id(one) for name, one in explained.items() if OBSERVERS[name].by_id}
            for name, fault in explained.items():
                self._observe(name, fault, answer)
            return list(explained.values())

    def _look(self, answer: Answer) -> dict[str, Fault]:
        """The faults of a response by observer."""
        found = faults_of(self._watch, answer)
        known = answer.body in self._of_absent
        return of_one_response(found, is_limited=answer.status == 429, is_of_absent=known)

    def _explained(self, fault: Fault, sent: Sent) -> Fault:
        """A fault of members, with the cause of a departure from a schema that this run has seen in one of them."""
        departures = self._departures.items()
        strange = [cause for names, cause in departures if cause.startswith(MORE) and names & fault.members]
        if strange and fault.cause.startswith(SCHEMA):  # a member that must not be there, where others have a schema
            return fault._replace(cause=strange[0])
        if fault.cause.startswith((SCHEMA, ETAG)):
            self._departures.setdefault(fault.members, fault.cause)
            return fault
        if fault.cause == f"{HEADER}etag" and self._departures.get(frozenset({"etag"})) == ETAG:
            return fault._replace(cause=ETAG)
        causes = [cause for members, cause in self._departures.items() if members & fault.members]
        ledger = self.stage.ledger
        causes += [one.cause for members, one in ledger.lacking.items() if members & fault.members]
        if fault.reach == LIFE and (repeated := ledger.repeats(sent)):
            return fault._replace(cause=repeated)
        if fault.reach == LIST:
            known = ledger.repeats(sent) or ledger.reads_wrongly(sent) or ledger.emptied(fault)
            causes = [known] if known else causes
        return fault._replace(cause=causes[0]) if causes else fault

    def _known(self, name: str, fault: Fault) -> Fault:
        """A fault of an observer's own, with the cause that has explained this observer's faults before."""
        known = self._observed.get(name) if fault.cause == name else None
        return fault._replace(cause=known[0]) if known else fault

    def _observe(self, name: str, fault: Fault, answer: Answer) -> None:
        """Add an outcome for a new cause, or count a known one."""
        causes = self._observed.setdefault(name, [])
        if fault.cause in causes or len(causes) >= MAX_CAUSES:
            self.report.causes.met(fault.cause, answer.sent)
            return
        causes.append(fault.cause)
        self.add(Outcome(name, "", FAILED, fault.message, (answer,), cause=fault.cause))

    def _refuted(self) -> None:
        """Tell apart what was supposed to have one cause, if a later response refuted that."""
        causes, outcomes = self.report.causes, self.report.outcomes
        refuted = [(UNREFUSED + kind, True) for kind in sorted(self.stage.ledger.refusing)]
        refuted += [(cause, False) for cause in sorted(causes.harmless)]
        for cause, always in refuted:
            for shown, placed in causes.refute(cause, always=always):
                outcomes[next(at for at, one in enumerate(outcomes) if one is shown)] = placed

    def _absorbed(self) -> None:
        """Let depend on a cause what was seen before it and is only its symptom."""
        outcomes = self.report.outcomes
        holds = {WITHOUT_EFFECT: not self.stage.ledger.entities.patched, STRANGERS: not self._has_written()}
        for root, causes in SYMPTOMS.items():
            for cause in causes if holds.get(root, True) else ():
                for shown, placed in self.report.causes.absorb(cause, root):
                    outcomes[next(at for at, one in enumerate(outcomes) if one is shown)] = placed

    def _has_written(self) -> bool:
        """Whether any patch or deletion succeeded. If none did, and creations make two, each request is done twice."""
        writes = (o.id for o in self.document.operations if o.method in ("PATCH", "DELETE") and o.path.count("/") == 2)
        return any(status < 300 for name in writes for status in self.report.statuses.get(name, ()))

    def _observers(self) -> None:
        for name in OBSERVERS:
            if name not in self._observed:
                message = f"not comparable, because {self.report.ended}" if self._is_constant else ""
                self.report.outcomes.append(Outcome(name, "", NOT_COMPARABLE if message else PASSED, message))

    def _known_gaps(self) -> None:
        failed = {outcome.check for outcome in self.report.having(FAILED)}
        compared = {outcome.check for outcome in self.report.having(PASSED)}
        hidden = {outcome.check for outcome in self.report.having(NOT_COMPARABLE)}
        known = self.settings.known_gaps
        self.report.stale_gaps = sorted((known & compared) - failed - hidden)
        self.report.outcomes = [
            replace(outcome, verdict=KNOWN_GAP) if outcome.verdict == FAILED and outcome.check in known else outcome
            for outcome in self.report.outcomes
        ]


def _of_repeated_id(fault: Fault) -> Fault:
    """The fault of an entity in a response about an id that several entities have."""
    return fault._replace(cause=ID_REPEATED, reach=LIFE)


def main(settings: Settings, *, screen: TextIO, out: TextIO, as_json: bool = False, least: str = "should") -> int:
    """Run and report; returns the exit status. What prevents a run is printed in one line."""
    progress = Progress(screen, Mask(settings.secrets))
    try:
        document = Document.load(settings.contract)
        settings, transport = arrival.reach(settings)
        mask = Mask(settings.secrets, document.harmless_names)
        progress = Progress(screen, mask)
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
    found = report.findings(requirements.levels(rows), least)
    failed = found or report.stale_gaps or report.trouble or report.left or report.broken_off
    return FAILURES if failed else FINE


def compare(first: Path, second: Path, *, out: TextIO) -> int:
    """Print the differences of two records; returns the exit status. Raises ValueError for an invalid file."""
    rows = record.differences(record.read(first), record.read(second))
    for operation, what, one, two in rows:
        out.write(f"{operation}  {what}\n    only {first}: {one or '-'}\n    only {second}: {two or '-'}\n")
    out.write(f"{len(rows)} differences\n" if rows else "no differences\n")
    return FAILURES if rows else FINE
