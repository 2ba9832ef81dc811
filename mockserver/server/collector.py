"""Python's garbage collector in a process that is a server's own. A library leaves its host's collector alone.

A full collection looks at every container there is. Of 60,000 stored connections and a full journal that takes 0.2 s,
in which nobody is answered, and finds nothing: documents and journal entries hold no cycles, so they go with their
last reference. So each is looked at once: what has survived a full collection is set aside by `gc.freeze`, and full
collections come sooner, since each has little to look at. A cycle that dies among what was set aside, say of a failure
or a connection that was under way, waits for the next collection of everything, every `WHOLE_EVERY`-th full one.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator, Mapping

WHOLE_EVERY = 1000
"""A full collection comes with every 5,000 stored connections or so, one of everything with 5 million."""

_THRESHOLDS = (700, 10, 2)


@contextlib.contextmanager
def own_process() -> Iterator[Callable[[], None]]:
    """No collection until what is yielded is called, when the server has started; afterwards as before.

    A start makes no garbage, and looking for some takes 25 ms of its 200.
    """
    full = 0

    def collecting(phase: str, told: Mapping[str, int]) -> None:
        nonlocal full
        if told["generation"] < 2:
            return
        if phase == "stop":
            gc.freeze()
            return
        full += 1
        if full % WHOLE_EVERY == 0:
            gc.unfreeze()

    def started() -> None:
        gc.freeze()
        gc.callbacks.append(collecting)
        gc.set_threshold(*_THRESHOLDS)
        gc.enable()

    thresholds = gc.get_threshold()
    gc.disable()
    try:
        yield started
    finally:
        if collecting in gc.callbacks:
            gc.callbacks.remove(collecting)
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        gc.enable()
