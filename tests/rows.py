"""Tables of tests whose rows run in one item of pytest."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest

_MAX_SHOWN = 300
"""Characters of a value that are printed when its row fails."""


def each(
    names: str, rows: Iterable[Any] | Callable[[], Iterable[Any]]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test for every row, as `pytest.mark.parametrize` does, but as one item; all rows that fail are named.

    An item takes pytest and its workers several milliseconds, a row nothing. So it is for large tables of short rows.
    The rows share the fixtures of the test: use it where a row leaves nothing to the next one.
    A function makes the rows when the test runs: every worker collects all tests, and runs a part of them.
    """
    wanted = names.replace(" ", "").split(",")

    @functools.cache
    def table() -> list[dict[str, Any]]:
        found = rows() if callable(rows) else rows
        made = [dict(zip(wanted, row if len(wanted) > 1 else (row,), strict=True)) for row in found]
        if not made:
            raise ValueError("a table without rows proves nothing")
        return made

    if not callable(rows):
        table()  # a wrong table is noticed at once

    def over(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(**fixtures: Any) -> None:
            failed: list[BaseException] = []
            for row in table():
                try:
                    test(**fixtures, **row)
                except (Exception, BaseExceptionGroup, pytest.fail.Exception) as failure:
                    failure.add_note(
                        f"with {', '.join(f'{name}={value!r:.{_MAX_SHOWN}}' for name, value in row.items())}"
                    )
                    failed.append(failure)
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {len(table())} rows failed", failed)

        shown = inspect.signature(test)
        fixtures = [one for name, one in shown.parameters.items() if name not in wanted]
        run.__signature__ = shown.replace(parameters=fixtures)  # type: ignore[attr-defined]  (read by pytest)
        return run

    return over
