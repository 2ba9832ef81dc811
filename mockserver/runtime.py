"""Clock, ids, etags and tokens: the only source of time and randomness. Also the background thread.

With a seed, the same writes give the same ids, etags and times on every run. Each kind of id has a stream
of its own. The clock starts at a fixed moment and advances by one millisecond per write. Requests that create
nothing (look-ups, errors, health checks) shift neither. Concurrent creations take
the next ids in the order of their execution: the set of ids is the same
on every run, but not which request gets which id.
"""

from __future__ import annotations

import hashlib
import json
import queue
import secrets
import string
import threading
import time
import uuid
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

SEEDED_START_MS = 1_767_225_600_000
"""Start of a seeded clock: 2026-01-01T00:00:00Z."""

MAX_MS = 253_402_300_799_999
"""Latest time of the clock: the end of the year 9999."""

PROCESS_KEY = secrets.token_bytes(32)
"""A random key of this process: hashes made with it can be compared within the process only."""

KEY_BYTES = 32
"""Length of the key that seals page tokens."""

MAX_JOBS = 16
"""Maximum jobs in the background. Each may hold an open file and a database session."""

MAX_ENDED_JOBS = 1_000
"""Maximum ended jobs that are remembered."""

_SCRAMBLE = 0x9E3779B1
"""An odd multiplier, so a bijection modulo 2**32: etags of neighbouring revisions look unrelated and never repeat."""

_LETTERS = string.ascii_letters + string.digits
_LETTER_OF_BYTE = bytes(ord(_LETTERS[byte % 62]) for byte in range(256))


def release(items: list[Any]) -> None:
    """Free many objects one by one. Freeing them at once would block all other threads."""
    while items:
        items.pop()


class Clock:
    """Milliseconds since the epoch: real, seeded, frozen or moved by `/_mock/clock`."""

    def __init__(self, *, seeded: bool = False) -> None:
        self._lock = threading.Lock()
        self._seeded = seeded
        self._offset_ms = 0
        self._frozen_ms: int | None = None
        self._ticks = 0

    def now_ms(self) -> int:
        """The current time."""
        with self._lock:
            return self._reading() if self._frozen_ms is None else self._frozen_ms

    def tick(self) -> None:
        """Advance a seeded clock after a write."""
        with self._lock:
            self._ticks += 1

    def ticks(self) -> int:
        """Number of ticks so far."""
        return self._ticks

    def resume_at(self, ticks: int) -> None:
        """Continue a seeded clock from an earlier run."""
        with self._lock:
            self._ticks = ticks

    @property
    def frozen(self) -> bool:
        """Whether the clock is frozen."""
        return self._frozen_ms is not None

    def freeze(self, at_ms: int | None = None) -> int:
        """Freeze the clock, now or at a given time; returns its time. Raises ValueError for a time it cannot have."""
        with self._lock:
            self._frozen_ms = _demand_time(self._reading() if at_ms is None else at_ms)
            return self._frozen_ms

    def advance(self, by_ms: int) -> int:
        """Move the clock, frozen or running, by a positive or negative amount; returns the new time.

        Raises ValueError if that is a time it cannot have.
        """
        with self._lock:
            if self._frozen_ms is not None:
                self._frozen_ms = _demand_time(self._frozen_ms + by_ms)
                return self._frozen_ms
            _demand_time(self._reading() + by_ms)
            self._offset_ms += by_ms
            return self._reading()

    def resume(self) -> int:
        """Unfreeze the clock."""
        with self._lock:
            if self._frozen_ms is not None:
                self._offset_ms += self._frozen_ms - self._reading()
                self._frozen_ms = None
            return self._reading()

    def reset(self) -> None:
        """Undo freezing and moving. A seeded clock starts over."""
        with self._lock:
            self._offset_ms = self._ticks = 0
            self._frozen_ms = None

    def _reading(self) -> int:
        start = SEEDED_START_MS + self._ticks if self._seeded else time.time_ns() // 1_000_000
        return start + self._offset_ms


def _demand_time(at_ms: int) -> int:
    if not 0 <= at_ms <= MAX_MS:
        raise ValueError("the clock can have times from 1970 to 9999")
    return at_ms


_system_clock = getattr(time, "clock_gettime", None)
_real_seconds = partial(_system_clock, time.CLOCK_MONOTONIC) if _system_clock else partial(time.monotonic)
"""Wrapped in a `partial`, because libraries that freeze time replace module attributes that are time functions."""


def monotonic() -> float:
    """Seconds of real time, for waiting and timeouts. Independent of the emulator's clock and of test libraries."""
    return _real_seconds()


def stop_watch_ms() -> int:
    """Milliseconds of real time, to measure how long a client waited. Independent of the emulator's clock."""
    return int(monotonic() * 1000)


@dataclass(eq=False)
class _BackgroundJob:
    name: Hashable
    steps: Generator[int]
    waiting: bool = False
    """Whether it waits for the thread."""
    dropped: bool = False


class Background:
    """One thread that finishes jobs that would take a request too long, in the order in which they were begun."""

    def __init__(self) -> None:
        self._jobs: dict[Hashable, _BackgroundJob] = {}
        self._ended: dict[Hashable, Exception | None] = {}
        """What the thread finished last, and how it failed. Maybe nobody asks for it any more."""
        self._waiting: queue.SimpleQueue[_BackgroundJob] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self.working = threading.Lock()
        """Held while a job takes its steps."""
        self._thread: threading.Thread | None = None

    def is_done(self, name: Hashable, begin: Callable[[], Generator[int]], budget: list[int]) -> bool:
        """Do the job of this name, which nobody else begins meanwhile; returns whether it is done.

        Each step yields its cost. The first ones are done at once, until the budget (a list of one number) is spent;
        the rest is left to the thread. If too many jobs wait there, this one is not begun. Raises what the job raises,
        once: who asks again begins it again.
        """
        with self._lock:
            if name in self._ended:
                if error := self._ended[name]:
                    del self._ended[name]
                    raise error
                return True
            if name in self._jobs or len(self._jobs) >= MAX_JOBS:
                return False
            job = self._jobs[name] = _BackgroundJob(name, begin())
        try:
            for cost in job.steps:
                budget[0] -= cost
                if budget[0] < 0:
                    self._leave(job)
                    return False
        finally:
            with self._lock:
                if not (job.waiting or job.dropped):
                    del self._jobs[name]
        return True

    def drop(self) -> None:
        """Abandon all jobs. Each undoes what it did, after the current step has ended."""
        with self._lock:
            dropped, self._jobs, self._ended = self._jobs, {}, {}
            for job in dropped.values():
                job.dropped = True
        with self.working:
            for job in dropped.values():
                if job.waiting:
                    job.steps.close()

    def _leave(self, job: _BackgroundJob) -> None:
        with self._lock:
            job.waiting = not job.dropped
            if job.dropped:
                job.steps.close()
                return
            self._waiting.put(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="mockserver-background", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            job, error = self._waiting.get(), None
            with self.working:
                try:
                    while not job.dropped and next(job.steps, None) is not None:
                        pass
                    job.steps.close()
                except Exception as problem:  # raised at the next request for the job
                    error = problem.with_traceback(None)
            with self._lock:
                if not job.dropped:
                    del self._jobs[job.name]
                    self._ended[job.name] = error
                    if len(self._ended) > MAX_ENDED_JOBS:
                        del self._ended[next(iter(self._ended))]


class Runtime:
    """Generates ids, tokens and request ids."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self.clock = Clock(seeded=seed is not None)
        self._lock = threading.Lock()
        self._drawn: dict[str, int] = {}
        """Stream -> number of values drawn."""
        self.background = Background()

    def reset(self) -> None:
        """Start over: with a seed, all generated values repeat."""
        self.clock.reset()
        self.background.drop()
        with self._lock:
            self._drawn = {}

    def new_id(self, kind: str) -> str:
        """A lower-case version 4 UUID, as in nearly every Adobe sample (facts §5)."""
        return str(uuid.UUID(int=self._bits(kind, 128), version=4))

    def request_id(self, stream: str = "request") -> str:
        """32 letters and digits, the form of the gateway in Adobe's sample (facts §1)."""
        drawn = secrets.token_bytes(32) if self.seed is None else self._bits(stream, 256).to_bytes(32)
        return drawn.translate(_LETTER_OF_BYTE).decode("ascii")

    def token(self) -> str:
        """A random access token, predictable only with a seed."""
        return f"mock.{self._bits('token', 256):064x}"

    def chance(self) -> float:
        """A random number from 0 (inclusive) to 1 (exclusive)."""
        return self._bits("chance", 53) / (1 << 53)

    def key(self) -> bytes:
        """A secret key for sealing page tokens."""
        return self._bits("key", 8 * KEY_BYTES).to_bytes(KEY_BYTES)

    def first_revision(self) -> int:
        """First revision of an empty store; it differs between servers started at the same time."""
        return 0 if self.seed is not None else secrets.randbits(31)

    def drawn(self) -> str | None:
        """The positions of the seeded streams and clock after the next write; None without a seed."""
        if self.seed is None:
            return None
        with self._lock:
            return json.dumps({"seed": self.seed, "ticks": self.clock.ticks() + 1, "streams": self._drawn})

    def resume(self, drawn: str | None) -> None:
        """Continue from the positions of an earlier run with the same seed. Raises ValueError for malformed ones."""
        if drawn is None or self.seed is None:
            return
        try:
            position = json.loads(drawn)
            seed, ticks, streams = (position[name] for name in ("seed", "ticks", "streams"))
            numbers = [ticks, *streams.values()]
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
            numbers = [None]
        if not all(type(number) is int and 0 <= number < 1 << 53 for number in numbers):
            raise ValueError("is not the position of a seed")
        if seed == self.seed:
            self.clock.resume_at(ticks)
            with self._lock:
                self._drawn = dict(streams)

    def _bits(self, stream: str, count: int) -> int:
        if self.seed is None:
            return secrets.randbits(count)
        with self._lock:
            number = self._drawn.get(stream, 0)
            self._drawn[stream] = number + 1
        digest = hashlib.blake2b(f"{self.seed} {stream} {number}".encode(), digest_size=32).digest()
        return int.from_bytes(digest) >> (256 - count)


def day(at_ms: int) -> str:
    """The UTC date of a moment: `2022-08-03`."""
    return time.strftime("%Y-%m-%d", time.gmtime(at_ms // 1000))


def derived_id(*parts: str) -> str:
    """A UUID derived from its parts: the same parts always give the same UUID."""
    digest = hashlib.blake2b("\n".join(parts).encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


def etag(revision: int, at_ms: int) -> str:
    """The etag of a write, quotes included: `"xxxxxxxx-0000-0200-0000-ssssssss0000"`.

    The form is that of ten Adobe samples (facts §5): the last group is the time of the write in
    seconds. The first is derived from the store's revision, which never repeats; so etags never do,
    whatever the clock does.
    """
    head = (revision * _SCRAMBLE) & 0xFFFFFFFF
    return f'"{head:08x}-0000-0200-0000-{(at_ms // 1000) & 0xFFFFFFFF:08x}0000"'
