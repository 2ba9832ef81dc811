"""Tests of the thread that finishes what would take a request too long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator

import pytest

from mockserver import runtime
from mockserver.runtime import Background


def steps(begun: list[str], name: str, trouble: Exception | None = None) -> Callable[[], Generator[int]]:
    """A job of three steps that notes its beginning."""

    def work() -> Generator[int]:
        begun.append(name)
        yield from (1, 1)
        if trouble is not None:
            raise trouble
        yield 1

    return work


def finish(background: Background, name: str, begin: Callable[[], Generator[int]]) -> None:
    while not background.is_done(name, begin, [0]):
        pass


def test_a_job_that_is_being_begun_is_not_begun_again() -> None:
    """Two requests at once wrote the rows of one run into the same file."""
    background, begun = Background(), list[str]()
    entered, goes_on = threading.Event(), threading.Event()

    def slow() -> Generator[int]:
        entered.set()
        goes_on.wait()
        yield 1

    thread = threading.Thread(target=background.is_done, args=("run", slow, [9]), daemon=True)
    thread.start()
    entered.wait()
    assert not background.is_done("run", steps(begun, "run"), [9])
    goes_on.set()
    thread.join()
    assert not begun and background.is_done("run", steps(begun, "run"), [9])


def test_a_job_that_is_done_is_not_begun_again_by_who_could_not_note_its_end() -> None:
    background, begun = Background(), list[str]()
    for _ in range(3):
        finish(background, "run", steps(begun, "run"))
    assert begun == ["run"]


def test_an_error_is_told_once() -> None:
    background, begun = Background(), list[str]()
    for _ in range(2):
        with pytest.raises(OSError, match="full"):
            finish(background, "run", steps(begun, "run", OSError("full")))
    assert begun == ["run"] * 2


def test_jobs_that_nobody_asks_for_again_keep_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "MAX_JOBS", 3)
    monkeypatch.setattr(runtime, "MAX_ENDED_JOBS", 5)
    background, begun = Background(), list[str]()
    for number in range(20):
        while f"lost-{number}" not in begun:
            background.is_done(f"lost-{number}", steps(begun, f"lost-{number}"), [0])
    finish(background, "last", steps(begun, "last"))
    assert begun == [*(f"lost-{number}" for number in range(20)), "last"]
    assert len(background._ended) == 5


def test_no_more_jobs_are_begun_than_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request began one more, with an open file and a session of a database."""
    monkeypatch.setattr(runtime, "MAX_JOBS", 3)
    background, begun = Background(), list[str]()
    with background.working:
        for number in range(9):
            assert not background.is_done(number, steps(begun, str(number)), [0])
        assert begun == ["0", "1", "2"]
    finish(background, "8", steps(begun, "8"))


def test_a_job_that_is_dropped_while_it_is_begun_is_abandoned() -> None:
    background, ends = Background(), list[str]()

    def work() -> Generator[int]:
        try:
            background.drop()
            yield 1
            ends.append("written")
        finally:
            ends.append("undone")

    assert not background.is_done("run", work, [0])
    assert ends == ["undone"] and not background._jobs
