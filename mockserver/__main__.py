"""The program: `mockserver`, or `python -m mockserver`."""

import contextlib
import gc

from mockserver.cli import main

_THRESHOLD = 100_000
"""New containers after which Python searches for garbage cycles. Imports create this many, and no garbage."""


def run() -> None:
    """Run the command line. Assumes that the process does nothing else.

    With Python's default settings, searches for garbage take 50 ms of a start, and another 70 ms as the process ends.
    """
    gc.set_threshold(_THRESHOLD, *gc.get_threshold()[1:])
    _write_no_core()
    try:
        main()
    finally:
        gc.freeze()  # the interpreter searches what is not frozen before it ends


def _write_no_core() -> None:
    """Leave no file behind if the process crashes: it would contain all credentials in memory.

    Programs that we start inherit this, and can raise the limit again.
    """
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has neither limit nor such files
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


if __name__ == "__main__":
    run()
