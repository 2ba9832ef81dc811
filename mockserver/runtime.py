"""Clock, ids, etags and request ids: the only source of time and randomness.

With a seed, the same calls give the same ids, etags and times on every run: the clock then starts
at a fixed moment and moves one millisecond per reading.
"""

from __future__ import annotations

import hashlib
import random
import secrets
import string
import threading
import time
import uuid
from functools import partial

SEEDED_START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z, where a seeded clock begins."""

PROCESS_KEY = secrets.token_bytes(32)
"""Of this process: what is hashed with it can be compared here, and guessed nowhere."""

_SCRAMBLE = 0x9E3779B1
"""Odd, hence a bijection modulo 2**32: neighbouring revisions give unlike etags, none twice."""

_LETTERS = string.ascii_letters + string.digits
_LETTER_OF_BYTE = bytes(ord(_LETTERS[byte % 62]) for byte in range(256))


class Clock:
    """Milliseconds since the epoch: real, seeded, frozen or moved by `/_mock/clock`."""

    def __init__(self, *, seeded: bool = False) -> None:
        self._lock = threading.Lock()
        self._seeded = seeded
        self._offset_ms = 0
        self._frozen_ms: int | None = None
        self._ticks = 0

    def now_ms(self) -> int:
        """The present moment; a seeded clock ticks 1 ms for each reading."""
        with self._lock:
            if self._frozen_ms is not None:
                return self._frozen_ms
            if self._seeded:
                self._ticks += 1
            return self._reading()

    def peek_ms(self) -> int:
        """The present moment without a tick: looking at the clock does not move it."""
        with self._lock:
            return self._reading() if self._frozen_ms is None else self._frozen_ms

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._frozen_ms is not None

    def freeze(self, at_ms: int | None = None) -> int:
        """Stop the clock, now or at a given moment; returns where it stands."""
        with self._lock:
            self._frozen_ms = self._reading() if at_ms is None else at_ms
            return self._frozen_ms

    def advance(self, by_ms: int) -> int:
        """Move the clock (negative: back), frozen or running; returns the new time."""
        with self._lock:
            if self._frozen_ms is not None:
                self._frozen_ms += by_ms
                return self._frozen_ms
            self._offset_ms += by_ms
            return self._reading()

    def resume(self) -> int:
        """Let a frozen clock run on from where it stands."""
        with self._lock:
            if self._frozen_ms is not None:
                self._offset_ms += self._frozen_ms - self._reading()
                self._frozen_ms = None
            return self._reading()

    def reset(self) -> None:
        """Forget freezing and moving; a seeded clock starts over."""
        with self._lock:
            self._offset_ms = self._ticks = 0
            self._frozen_ms = None

    def _reading(self) -> int:
        start = SEEDED_START_MS + self._ticks if self._seeded else time.time_ns() // 1_000_000
        return start + self._offset_ms


_system_clock = getattr(time, "clock_gettime", None)
_real_seconds = partial(_system_clock, time.CLOCK_MONOTONIC) if _system_clock else partial(time.monotonic)
"""Kept in a `partial`: libraries that freeze time replace functions of the time module wherever a module names them."""


def monotonic() -> float:
    """Seconds of real time since some moment, for waiting and timeouts: no clock of ours or of a test library."""
    return _real_seconds()


def stop_watch_ms() -> int:
    """Milliseconds of real time since some moment: to tell how long a client waited, whatever our clock was told."""
    return int(monotonic() * 1000)


class Runtime:
    """Makes what the service makes up: ids, etags and request ids."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self.clock = Clock(seeded=seed is not None)
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._dice = random.Random(seed)

    def reset(self) -> None:
        """Start over: with a seed, everything made up from here on repeats."""
        self.clock.reset()
        if self.seed is not None:
            with self._lock:
                self._random = random.Random(self.seed)
                self._dice = random.Random(self.seed)

    def new_id(self) -> str:
        """A lower-case version 4 UUID, as nearly every Adobe sample has (facts §5)."""
        return str(uuid.UUID(int=self._bits(128), version=4))

    def request_id(self) -> str:
        """32 letters and digits, the form the gateway shows in Adobe's own sample (facts §1)."""
        return self._bits(256).to_bytes(32).translate(_LETTER_OF_BYTE).decode("ascii")

    def token(self) -> str:
        """An unguessable access token; guessable only under a seed, where that is the point."""
        return f"mock.{self._bits(256):064x}"

    def chance(self) -> float:
        """A number from 0 to below 1, from a sequence of its own: faults do not change which ids are made."""
        with self._lock:
            return self._dice.random()

    def first_revision(self) -> int:
        """Where an empty store starts counting: two servers started together differ."""
        return 0 if self.seed is not None else secrets.randbits(31)

    def _bits(self, count: int) -> int:
        if self.seed is None:
            return secrets.randbits(count)
        with self._lock:
            return self._random.getrandbits(count)


def day(at_ms: int) -> str:
    """The day of a moment, in UTC: `2022-08-03`."""
    return time.strftime("%Y-%m-%d", time.gmtime(at_ms // 1000))


def derived_id(*parts: str) -> str:
    """The UUID of something that follows from others: the same parts always give the same one."""
    digest = hashlib.blake2b("\n".join(parts).encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


def etag(revision: int, at_ms: int) -> str:
    """The etag of a write, quotes included: `"xxxxxxxx-0000-0200-0000-ssssssss0000"`.

    The form was read off ten Adobe samples (facts §5): the last group is the time of writing in
    seconds. The first comes from the store's revision, which never repeats, so no etag does,
    whatever the clock does.
    """
    head = (revision * _SCRAMBLE) & 0xFFFFFFFF
    return f'"{head:08x}-0000-0200-0000-{(at_ms // 1000) & 0xFFFFFFFF:08x}0000"'
