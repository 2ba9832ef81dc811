"""Tests of the garbage collector settings: surviving objects are examined once, garbage is still collected."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from mockserver import create_app
from mockserver.cli import collector

pytestmark = pytest.mark.usefixtures("nothing_is_frozen_before")


@pytest.fixture
def started() -> Iterator[Callable[[], None]]:
    with collector.own_process() as begin:
        yield begin


class Cycle:
    """An object that only the collector frees."""

    def __init__(self) -> None:
        self.itself = self


def test_a_start_is_not_collected(started: Callable[[], None]) -> None:
    assert not gc.isenabled()
    started()
    assert gc.isenabled() and gc.get_freeze_count() > 0


def test_what_survived_a_full_collection_is_not_looked_at_again(started: Callable[[], None]) -> None:
    started()
    documents = [{"auth": {"params": {"number": [number]}}} for number in range(1000)]
    gc.collect()
    looked_at = gc.get_objects()
    assert not any(document is one for document in documents[:10] for one in looked_at)


def test_a_cycle_that_dies_young_goes_at_once(started: Callable[[], None]) -> None:
    started()
    gone = weakref.ref(Cycle())
    gc.collect()
    assert gone() is None


def test_a_cycle_that_dies_among_what_was_set_aside_goes_in_the_end(started: Callable[[], None]) -> None:
    started()
    cycle = Cycle()
    gone = weakref.ref(cycle)
    gc.collect()
    del cycle
    gc.collect()
    assert gone() is not None
    for _ in range(collector.WHOLE_EVERY - 2):
        gc.collect()
    assert gone() is None


@pytest.mark.parametrize("thresholds", [(900, 9, 9), (700, 10, 10)])
def test_afterwards_and_for_a_library_nothing_is_changed(thresholds: tuple[int, int, int]) -> None:
    gc.set_threshold(*thresholds)
    before = (gc.isenabled(), gc.get_threshold(), list(gc.callbacks), gc.get_freeze_count())
    create_app()
    assert (gc.isenabled(), gc.get_threshold(), list(gc.callbacks), gc.get_freeze_count()) == before
    with collector.own_process() as started:
        started()
        gc.collect()
    assert (gc.isenabled(), gc.get_threshold(), list(gc.callbacks), gc.get_freeze_count()) == (True, *before[1:3], 0)


def test_what_others_froze_before_stays_frozen() -> None:
    gc.freeze()
    with collector.own_process() as started:
        started()
    assert gc.get_freeze_count() > 0
