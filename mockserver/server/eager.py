"""Starts a coroutine without waiting for the next turn of the event loop."""

from __future__ import annotations

import asyncio
import types
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
    """The rest of a started coroutine. A task of Python 3.12 and later accepts no generator."""
    await _resumed(work, awaited)


@types.coroutine
def _resumed(work: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """Wait for what a coroutine waits for, then for the coroutine."""
    yield awaited
    yield from work
