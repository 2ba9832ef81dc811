"""A coroutine that is started at once: what it does before it waits, and that a task carries the rest."""

import asyncio
import inspect

import pytest

from mockserver.server.eager import start


def test_a_coroutine_runs_at_once_until_it_waits_and_a_task_carries_the_rest() -> None:
    async def trial() -> None:
        steps: list[str] = []
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def work() -> None:
            steps.append("begun")
            await gate
            steps.append("first")
            await asyncio.sleep(0)
            steps.append("second")

        tasks: set[asyncio.Task[None]] = set()
        start(work(), asyncio.get_running_loop(), tasks)
        assert steps == ["begun"]
        [task] = tasks
        # asyncio of Python 3.12 takes nothing else for a task
        assert inspect.iscoroutine(task.get_coro())
        gate.set_result(None)
        await task
        assert steps == ["begun", "first", "second"]
        assert not tasks

    asyncio.run(trial())


def test_an_error_after_the_wait_is_the_tasks() -> None:
    async def trial() -> None:
        async def work() -> None:
            await asyncio.sleep(0)
            raise LookupError

        tasks: set[asyncio.Task[None]] = set()
        start(work(), asyncio.get_running_loop(), tasks)
        with pytest.raises(LookupError):
            await asyncio.gather(*tasks)

    asyncio.run(trial())


def test_a_coroutine_that_never_waits_needs_no_task() -> None:
    async def trial() -> None:
        async def work() -> None:
            done.append(True)

        done: list[bool] = []
        tasks: set[asyncio.Task[None]] = set()
        start(work(), asyncio.get_running_loop(), tasks)
        assert done and not tasks

    asyncio.run(trial())
