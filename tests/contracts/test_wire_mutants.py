"""Tests that a fault of each kind is found by the promises that it breaks; all faults: `make wire-mutants`."""

from fnmatch import fnmatchcase

import pytest

from contracts.mutants import argued, every, session, spread
from contracts.mutants.__main__ import TARGET, reason
from contracts.mutants.mutant import Mutant
from contracts.mutants.trial import Trials
from contracts.registry import CHECKS, OBSERVERS
from contracts.schema.document import Document

SAMPLE = 120


@pytest.fixture(scope="module")
def recorded() -> session.Session:
    return session.record(Document.load())


@pytest.fixture(scope="module")
def mutants(recorded: session.Session) -> list[Mutant]:
    return every(recorded)


@pytest.mark.slow
def test_a_sample_is_noticed_by_the_promises_it_breaks(recorded: session.Session, mutants: list[Mutant]) -> None:
    sample = spread([one for one in mutants if not one.reason], SAMPLE, seed=1)
    operations = {mutant.name.split()[0].strip(":") for mutant in sample}
    assert {True, False} == {recorded.next_door(operation) for operation in operations} and len(operations) > 30
    trials = Trials(recorded)
    verdicts = [trials.judge(mutant) for mutant in sample]
    survivors = [verdict.mutant.name for verdict in verdicts if not verdict.noticed_by]
    assert [name for name in survivors if not reason(name)] == []
    assert len(survivors) <= SAMPLE * (100 - TARGET) / 100 + 2


def test_there_are_some_thousands_and_each_says_what_it_breaks_or_why_nothing(mutants: list[Mutant]) -> None:
    assert len(mutants) > 2000
    assert [mutant.name for mutant in mutants if bool(mutant.breaks) == bool(mutant.reason)] == []


def test_every_broken_promise_has_a_check(mutants: list[Mutant]) -> None:
    known = {*CHECKS, *OBSERVERS}
    patterns = {pattern for mutant in mutants for pattern in mutant.breaks}
    assert [p for p in sorted(patterns) if not any(fnmatchcase(name, p) for name in known)] == []


def test_every_argument_is_about_a_mutant_that_exists(mutants: list[Mutant]) -> None:
    names = [mutant.name for mutant in mutants]
    assert [p for p in argued() if not any(name == p or fnmatchcase(name, p) for name in names)] == []


def test_the_right_server_is_noticed_by_nobody(recorded: session.Session) -> None:
    honest = Mutant(
        "nothing", lambda asked, right: right(asked), ("*",), lambda exchange: exchange.run[0][:5] == "etag."
    )
    verdict = Trials(recorded).judge(honest)
    assert verdict.ran > 5 and not verdict.noticed_by
