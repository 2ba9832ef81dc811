"""Tests of the counter of work: whatever else a process does, the same block has the same number."""

from __future__ import annotations

import gc
import re
import sys
import threading
import zlib

from tests.work import counted, named


def test_calls_of_functions_in_python_and_in_c_are_counted() -> None:
    def called() -> None:
        pass

    with counted() as nothing:
        pass
    with counted() as work:
        for _ in range(9):
            called()
        re.compile("a").match("a")
        zlib.compress(b"a")
    assert work.calls >= nothing.calls + 9 + 2


def test_functions_in_c_are_named() -> None:
    with named() as names:
        re.compile("a").match("a")
        zlib.compress(b"a")
    assert {"Pattern.match", "compress"} <= names


def test_the_work_of_other_threads_is_not_counted() -> None:
    """From Python 3.12 on, it was: 1.6 million calls instead of 103."""
    begun, stop, calls = threading.Event(), threading.Event(), 0

    def called() -> None:
        nonlocal calls
        calls += 1

    def other() -> None:
        while not stop.is_set():
            called()
            begun.set()

    with counted() as alone:
        begun.is_set()
    thread = threading.Thread(target=other)
    thread.start()
    begun.wait()
    with counted() as work:
        before = calls
        while calls < before + 1_000:  # each a step in Python, none a call
            pass
    stop.set()
    thread.join()
    assert work.calls < alone.calls


def test_the_garbage_collector_is_not_counted() -> None:
    """Its callbacks, for example of hypothesis, and the finalizers of older garbage were."""
    collected = []

    class Garbage:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            collected.append("garbage")

    def on_collection(phase: str, info: dict[str, int]) -> None:
        collected.append(phase)

    gc.collect()
    gc.callbacks.append(on_collection)
    threshold = gc.get_threshold()
    try:
        with counted() as work:
            gc.set_threshold(1)
            for _ in range(100):
                Garbage()
            lists = [[] for _ in range(1_000)]  # type: ignore[var-annotated]
            meanwhile = list(collected)
        assert not meanwhile and len(lists) == 1_000
        assert gc.isenabled() and work.calls < 300
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(on_collection)
    gc.collect()
    assert len([what for what in collected if what == "garbage"]) == 100


def test_a_function_that_profiles_already_goes_on() -> None:
    def profile(frame: object, event: str, argument: object) -> None:
        pass

    sys.setprofile(profile)
    try:
        with counted():
            pass
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(None)
