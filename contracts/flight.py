"""Requests in flight, and the signal that ends a run: a request is never cut, so what it makes is known and deleted."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_STEP = 0.02
"""Seconds between two looks at what is in flight."""


class Flight:
    """Counts requests in flight. After a signal no request begins, and those in flight end before the run does."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        """A signal came that ends the run."""
        self._out: set[object] = set()
        self._held = False
        self._main = threading.main_thread()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Around one request and what is learned from its answer. Raises KeyboardInterrupt once a signal came."""
        ticket = self.depart(object())
        try:
            yield
        finally:
            self.land(ticket)
        self.check()

    def depart(self, ticket: object) -> object:
        """A request begins. Raises KeyboardInterrupt once a signal came."""
        self.check()
        self._out.add(ticket)
        return ticket

    def land(self, ticket: object) -> None:
        """A request has ended, and what it made is known."""
        self._out.discard(ticket)

    def check(self) -> None:
        """Raise KeyboardInterrupt once a signal came: what a signal raises itself is lost in a finalizer."""
        if self.stopped.is_set():
            raise KeyboardInterrupt

    def wait(self, seconds: float) -> None:
        """Until nothing is in flight, but no longer than this."""
        deadline = time.monotonic() + seconds
        while self._out and time.monotonic() < deadline:
            time.sleep(_STEP)

    @contextmanager
    def held(self) -> Iterator[None]:
        """While others send in threads of their own: a first signal only stops new requests."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """SIGTERM ends the run as Ctrl-C does. A second signal does not wait for requests in flight."""
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
