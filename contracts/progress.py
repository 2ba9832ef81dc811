"""The progress of a run: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TextIO

from contracts.findings.verdicts import Outcome
from contracts.secrecy import Mask

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
        """Show the current step."""
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
        """Print a failure when it happens, with the word used by the summary."""
        self.say(f"{word}  {outcome.label}: {outcome.message}")

    def say(self, text: str) -> None:
        """Print a permanent line."""
        if self._live:
            self._stream.write("\r" + " " * self._width + "\r")
            self._width = 0
        self._stream.write(self._mask.text(text) + "\n")
        self._stream.flush()
