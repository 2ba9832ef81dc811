"""Tracks requests in flight. A signal never cuts a request, so that everything it creates is known and deleted."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_STEP = 0.02
"""Seconds between two checks for requests in flight."""


class Flight:
    """Counts requests in flight. After a signal no request starts, and the run waits for those in flight."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        """Whether a signal has ended the run."""
        self._out: set[object] = set()
        self._held = False
        self._main = threading.main_thread()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Wrap a request and the processing of its response. Raises KeyboardInterrupt after a signal."""
        ticket = self.depart(object())
        try:
            yield
        finally:
            self.land(ticket)
        self.check()

    def depart(self, ticket: object) -> object:
        """Start a request. Raises KeyboardInterrupt after a signal."""
        self.check()
        self._out.add(ticket)
        return ticket

    def land(self, ticket: object) -> None:
        """End a request, after its response has been processed."""
        self._out.discard(ticket)

    def check(self) -> None:
        """Raise KeyboardInterrupt after a signal: an exception raised by its handler can get lost in a finalizer."""
        if self.stopped.is_set():
            raise KeyboardInterrupt

    def wait(self, seconds: float) -> None:
        """Wait until nothing is in flight, up to a limit."""
        deadline = time.monotonic() + seconds
        while self._out and time.monotonic() < deadline:
            time.sleep(_STEP)

    def pause(self, seconds: float) -> None:
        """Wait, until a first signal comes; after it, while entities are deleted, wait all the same."""
        if self.stopped.is_set():
            time.sleep(seconds)
        else:
            self.stopped.wait(seconds)

    @contextmanager
    def held(self) -> Iterator[None]:
        """While other threads send requests, a first signal only prevents new ones."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Make SIGTERM end the run like Ctrl-C. A second signal does not wait for requests in flight."""
        if threading.current_thread() is not self._main:
            yield
            return

        def stop(number: int, frame: object) -> None:
            waiting = (self._out or self._held) and not self.stopped.is_set()
            self.stopped.set()
            if not waiting:
                raise KeyboardInterrupt

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
