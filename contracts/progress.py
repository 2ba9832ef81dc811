"""What a run says while it runs: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TextIO

from contracts.secrecy import Mask
from contracts.verdicts import Outcome

_EVERY = 5.0
"""Seconds between plain lines."""


class Progress:
    """Writes to a stream, usually standard error."""

    def __init__(self, stream: TextIO, mask: Mask) -> None:
        self._stream = stream
        self._mask = mask
        self._live = stream.isatty()
        self._last = time.monotonic()
        self._width = 0

    def step(self, done: int, total: int, what: str) -> None:
        """Where the run is."""
        line = f"[{done}/{total}] {what}" if total else what
        if self._live:
            shown = line[:110]
            self._stream.write("\r" + shown + " " * (self._width - len(shown)))
            self._width = len(shown)
            self._stream.flush()
        elif time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            self._stream.write(line + "\n")
            self._stream.flush()

    def finding(self, word: str, outcome: Outcome) -> None:
        """A failure is told when it happens, with the word that the summary has for it."""
        self.say(f"{word}  {outcome.label}: {outcome.message}")

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._live:
            self._stream.write("\r" + " " * self._width + "\r")
            self._width = 0
        self._stream.write(self._mask.text(text) + "\n")
        self._stream.flush()
