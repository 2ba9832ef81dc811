"""Waits as long as a rate-limiting server asks, up to a limit for the whole run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from contracts.wire import Answer

MAX_TRIES = 5
"""Maximum times that one request is sent again."""
MAX_WAIT = 60.0
"""Maximum seconds of one wait."""
MAX_WAITED = 300.0
"""Maximum seconds of all waits of a run, as the server has named them."""


class Throttle:
    """Waits for a server that responds 429 with `Retry-After`, which is right by the contract."""

    def __init__(self, pause: Callable[[float], None]) -> None:
        """`pause` waits for a number of seconds."""
        self._pause = pause
        self.waits, self.seconds = 0, 0.0

    def obeys(self, answer: Answer) -> bool:
        """Wait as long as a response asks; returns whether its request may be sent again."""
        seconds = asked_for(answer)
        if seconds is None or seconds > min(MAX_WAIT, MAX_WAITED - self.seconds):
            return False
        self.waits, self.seconds = self.waits + 1, self.seconds + seconds
        self._pause(seconds)
        return True

    def __str__(self) -> str:
        times = "once" if self.waits == 1 else f"{self.waits} times"
        waiting = f"waited {times}, {self.seconds:g} s in all, as the server asked with 429 and Retry-After"
        return waiting if self.waits else ""


def asked_for(answer: Answer) -> float | None:
    """The seconds to wait before a request is sent again, by 429 with `Retry-After`; None for other responses."""
    if answer.status != 429:
        return None
    text = (answer.header("retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
