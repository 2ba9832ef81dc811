"""`python -m tests.recordings.kills FOLDER`: records with secrets, killed once at each of many moments.

Each child process is killed by SIGKILL at another line of the recorder, or by SIGXFSZ when its file reaches a size. It
leaves its files in a folder of its own.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from mockserver.exchange import Result as Answer
from tests.calls import HEADERS
from tests.recordings.test_record_command import recorder
from tests.recordings.test_recording_secrecy import CANARIES, LATE, PLACES, a_call


def record(folder: Path) -> None:
    """Record exchanges with secrets in many places, one of them late: it is masked again where it stands."""
    kept = recorder(folder / "session.har")
    for number, place in enumerate(list(PLACES.values())[::6]):
        members, answer = place(CANARIES[number % len(CANARIES)])
        kept.add(a_call(number, **members), answer, number)
    kept.add(a_call(98), Answer(200, {"items": [{"name": f"my {LATE}", "id": "1"}]}), 98)
    kept.add(a_call(99, headers={**HEADERS, "x-vault": LATE}), Answer(200, {"items": []}), 99)
    kept.close(complete=True)


def killed_at_line(number: int, seen: list[int]) -> Callable[[], None]:
    """Kill this process at a line of the recorder, counted from its start; `seen` has the lines so far."""

    def traced(frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.endswith("recorder.py"):
            return None
        seen[0] += event == "line"
        if seen[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return traced

    return lambda: sys.settrace(traced)


def killed_at_size(size: int) -> Callable[[], None]:
    """Kill this process when a file of it reaches a size."""

    def prepare() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return prepare


def moments(lines: int) -> Iterator[tuple[str, Callable[[], None]]]:
    """Name and preparation of each child."""
    yield from ((f"size-{size}", killed_at_size(size)) for size in range(150, 10_000, 3_001))
    yield from ((f"line-{number}", killed_at_line(number, [0])) for number in range(7, lines - 9, lines // 24))


def _main(folder: Path) -> None:
    whole, seen = folder / "whole", [0]
    whole.mkdir()
    killed_at_line(-1, seen)()
    record(whole)
    sys.settrace(None)
    (whole / "ended").write_text("0", encoding="utf-8")
    for name, prepare in moments(seen[0]):
        own = folder / name
        own.mkdir()
        child = os.fork()
        if child == 0:
            prepare()
            record(own)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        (own / "ended").write_text(str(os.waitstatus_to_exitcode(status)), encoding="utf-8")


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
