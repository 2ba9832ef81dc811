"""Clock, ids, etags and request ids: the only source of time and randomness.

With a seed, the same writes give the same ids, etags and times on every run. Each kind of id has a stream
of its own, and the clock starts at a fixed moment and moves one millisecond for each write: whatever makes
nothing (a look-up, a refusal, a health check) shifts neither. Requests that create at the same time take
the next ids of the stream in the order in which they are carried out, so that the set of ids is the same
on every run, but not which request gets which.
"""

from __future__ import annotations

import hashlib
import json
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
        """The present moment."""
        with self._lock:
            return self._reading() if self._frozen_ms is None else self._frozen_ms

    def tick(self) -> None:
        """Move a seeded clock on, because something was written."""
        with self._lock:
            self._ticks += 1

    def ticks(self) -> int:
        """How often it was moved on."""
        return self._ticks

    def resume_at(self, ticks: int) -> None:
        """Let a seeded clock go on where an earlier run's stood."""
        with self._lock:
            self._ticks = ticks

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
    """Makes what the service makes up: ids, tokens and request ids."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self.clock = Clock(seeded=seed is not None)
        self._lock = threading.Lock()
        self._drawn: dict[str, int] = {}
        """Stream -> how much was drawn from it."""

    def reset(self) -> None:
        """Start over: with a seed, everything made up from here on repeats."""
        self.clock.reset()
        with self._lock:
            self._drawn = {}

    def new_id(self, kind: str) -> str:
        """A lower-case version 4 UUID, as nearly every Adobe sample has (facts §5)."""
        return str(uuid.UUID(int=self._bits(kind, 128), version=4))

    def request_id(self, stream: str = "request") -> str:
        """32 letters and digits, the form the gateway shows in Adobe's own sample (facts §1)."""
        return self._bits(stream, 256).to_bytes(32).translate(_LETTER_OF_BYTE).decode("ascii")

    def token(self) -> str:
        """An unguessable access token; guessable only under a seed, where that is the point."""
        return f"mock.{self._bits('token', 256):064x}"

    def chance(self) -> float:
        """A number from 0 to below 1."""
        return self._bits("chance", 53) / (1 << 53)

    def key(self) -> bytes:
        """A secret for sealing."""
        return self._bits("key", 256).to_bytes(32)

    def first_revision(self) -> int:
        """Where an empty store starts counting: two servers started together differ."""
        return 0 if self.seed is not None else secrets.randbits(31)

    def drawn(self) -> str | None:
        """How far the streams and the clock of the seed will have got when something is written now; None without."""
        if self.seed is None:
            return None
        with self._lock:
            return json.dumps({"seed": self.seed, "ticks": self.clock.ticks() + 1, "streams": self._drawn})

    def resume(self, drawn: str | None) -> None:
        """Go on where an earlier run with the same seed stood."""
        position = {} if drawn is None or self.seed is None else json.loads(drawn)
        if position and position["seed"] == self.seed:
            self.clock.resume_at(position["ticks"])
            with self._lock:
                self._drawn = dict(position["streams"])

    def _bits(self, stream: str, count: int) -> int:
        if self.seed is None:
            return secrets.randbits(count)
        with self._lock:
            number = self._drawn.get(stream, 0)
            self._drawn[stream] = number + 1
        digest = hashlib.blake2b(f"{self.seed} {stream} {number}".encode(), digest_size=32).digest()
        return int.from_bytes(digest) >> (256 - count)


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
