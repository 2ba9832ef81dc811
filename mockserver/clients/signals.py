"""Passes signals on to a client that runs in the foreground."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_PASSED_ON = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)]
_OF_KEYS = {signal.SIGINT, getattr(signal, "SIGQUIT", signal.SIGINT)}


@contextmanager
def passed_on() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Within the block, signals do not end this process, so that it can report how the client ended.

    Yields a function to call with the client's process once it runs; earlier signals are delivered then.
    """
    if threading.current_thread() is not threading.main_thread():  # Python sets handlers nowhere else
        yield lambda process: None
        return
    client: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        del frame
        if not client:
            early.append(number)
        elif number not in _OF_KEYS or not in_foreground():
            client[0].send_signal(number)

    def runs(process: subprocess.Popen[bytes]) -> None:
        client.append(process)
        for number in early:
            process.send_signal(number)

    before: dict[int, Any] = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        yield runs
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that writes to no pipe, while handling every signal.

    Python checks for signals before it enters the waiting system call. A signal between the two would remain
    unhandled until the process ends, which the signal may have been meant to cause.
    """
    waiting = threading.Thread(target=process.wait, daemon=True)
    waiting.start()
    while waiting.is_alive():
        waiting.join(0.25)


def in_foreground() -> bool:
    """Whether the terminal delivers signals to our whole process group, so that the client already has them."""
    if not hasattr(os, "tcgetpgrp"):
        return False
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)
