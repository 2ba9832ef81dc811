"""Signals that reach us while a client runs in the foreground are the client's business."""

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
    """Within the block a signal does not end us: we stay to tell how the client took it.

    Yields what is to be told the client once it runs. A signal that comes before is passed on then.
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
        elif number not in _OF_KEYS or not _in_foreground():
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
    """Wait for the end of a process that writes to no pipe, and see every signal meanwhile.

    Python looks for signals before it enters the system call that waits. One that comes between the two would stay
    unseen until the process ends, which may be what the signal was to bring about.
    """
    waiting = threading.Thread(target=process.wait, daemon=True)
    waiting.start()
    while waiting.is_alive():
        waiting.join(0.25)


def _in_foreground() -> bool:
    """Whether a terminal sends what its keys mean to our whole group, and so has sent it to the client already."""
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
