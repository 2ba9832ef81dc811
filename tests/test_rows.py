"""Tests that a table in one item runs every row, names each that fails, and leaves fixtures and other tables alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rows import each


def notes(failure: BaseException) -> Iterator[str]:
    """The rows that failures were noted with, those of the inner tables first."""
    for inner in failure.exceptions if isinstance(failure, BaseExceptionGroup) else ():
        yield from notes(inner)
    yield from getattr(failure, "__notes__", ())


def failing(test: Callable[..., None]) -> list[str]:
    with pytest.raises(BaseExceptionGroup) as raised:
        test()
    return list(notes(raised.value))


def test_every_row_runs_and_all_that_fail_are_named() -> None:
    seen = []

    @each("number, even", [(1, False), (2, False), (3, True), (4, True)])
    def of_numbers(number: int, even: bool) -> None:
        seen.append(number)
        assert (number % 2 == 0) is even

    assert failing(of_numbers) == ["with number=2, even=False", "with number=3, even=True"]
    assert seen == [1, 2, 3, 4]


@pytest.mark.parametrize("wrong", [lambda: pytest.fail("wrong"), lambda: 1 // 0, lambda: [][0]])
def test_a_table_of_tables_names_the_rows_of_both(wrong: Callable[[], object]) -> None:
    @each("word", ["x", "y"])
    @each("number", [7, 8])
    def of_words(word: str, number: int) -> None:
        if number == 8:
            wrong()

    assert failing(of_words) == ["with number=8", "with word='x'", "with number=8", "with word='y'"]


def test_a_skip_stays_a_skip() -> None:
    @each("number", [1, 2])
    def skipped(number: int) -> None:
        pytest.skip("not here")

    with pytest.raises(pytest.skip.Exception):
        skipped()


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="without rows"):
        each("number", [])
    with pytest.raises(ValueError, match="without rows"):
        each("number", list)(print)()


def test_a_function_makes_the_rows_when_the_test_runs() -> None:
    asked = []

    def numbers() -> list[int]:
        asked.append("numbers")
        return [1, 2]

    @each("number", numbers)
    def of_numbers(number: int) -> None:
        assert number == 1

    assert asked == []
    assert failing(of_numbers) == ["with number=2"]
    assert asked == ["numbers"]


def test_of_a_long_value_the_beginning_is_shown() -> None:
    @each("text", ["x" * 100_000])
    def of_texts(text: str) -> None:
        pytest.fail("wrong")

    assert failing(of_texts) == [f"with text='{'x' * 299}"]


@pytest.mark.parametrize("group", ["a", "b"])
@each("word", ["x", "y"])
@each("number", [7, 8])
def test_fixtures_and_other_tables_are_as_ever(tmp_path: Path, word: str, number: int, group: str) -> None:
    assert tmp_path.is_dir() and (word, number, group) in [(w, n, g) for w in "xy" for n in (7, 8) for g in "ab"]


def test_pytest_sees_what_is_no_column() -> None:
    assert list(inspect.signature(test_fixtures_and_other_tables_are_as_ever).parameters) == ["tmp_path", "group"]
