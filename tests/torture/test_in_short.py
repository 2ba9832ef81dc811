"""Runs every trial of `make torture` in short."""

from __future__ import annotations

import pytest

from tests.torture.histories import Event, explained
from tests.torture.trial import Trial, all_trials


@pytest.mark.slow
@pytest.mark.parametrize("trial", [pytest.param(trial, id=name) for name, trial in all_trials().items()])
def test_nothing_is_broken_by(trial: Trial) -> None:
    outcome = trial.run(trial.short, lambda text: None)
    assert outcome.wrong == [] and outcome.figures and not [words for words in outcome.figures if "503" in words]


@pytest.mark.parametrize(
    ("history", "good"),
    [
        ([Event(0, 1, "insert", None, '"a"'), Event(2, 3, "get", None, '"a"')], True),
        ([Event(0, 1, "insert", None, '"a"'), Event(2, 3, "get", None, None)], False),
        ([Event(0, 3, "insert", None, '"a"'), Event(1, 2, "get", None, None)], True),
        (
            [
                Event(0, 1, "insert", None, '"a"'),
                Event(2, 5, "replace", '"a"', '"b"'),
                Event(3, 4, "replace", '"a"', '"c"'),
            ],
            False,
        ),
        (
            [
                Event(0, 1, "insert", None, '"a"'),
                Event(2, 5, "replace", '"a"', '"b"'),
                Event(3, 4, "replace", '"a"', "stale"),
            ],
            True,
        ),
        (
            [Event(0, 1, "insert", None, '"a"'), Event(2, 3, "delete", None, None), Event(4, 5, "get", None, '"a"')],
            False,
        ),
    ],
    ids=["seen", "lost", "at the same time", "two winners", "one winner", "risen again"],
)
def test_the_checker_tells_good_histories_from_bad_ones(history: list[Event], good: bool) -> None:
    assert explained(history) is good
