"""Starts a coroutine without waiting for the next turn of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


def start(work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[None]]) -> None:
    """Run a coroutine at once until it waits. Starting it as a task would cost another iteration of the event loop.

    Until then there is no current task. An application that needs one begins with `await asyncio.sleep(0)`.
    """
    try:
        awaited = work.send(None)
    except StopIteration:
        return
    task = loop.create_task(_rest(work, awaited))
    task.add_done_callback(tasks.discard)
    tasks.add(task)


async def _rest(work: Coroutine[Any, Any, None], awaited: Any) -> None:
    """The rest of a started coroutine that waits for something."""
    await _Begun(work, awaited)


class _Begun:
    """Awaits what a coroutine waits for, then the coroutine. A task of Python 3.12 and later accepts no generator."""

    def __init__(self, work: Coroutine[Any, Any, None], awaited: Any) -> None:
        self._work, self._awaited = work, awaited

    def __await__(self) -> Generator[Any, Any, None]:
        yield self._awaited
        yield from self._work.__await__()
