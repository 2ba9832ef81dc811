"""Tests that every command refuses a YAML file that cannot be read in words, whatever is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts import settings
from contracts.settings import WrongUse
from mockserver.comparison.accepted import Accepted, AcceptedError
from mockserver.conformance.baseline import Baseline, BaselineError
from mockserver.evidence import documented
from mockserver.faults import orders
from mockserver.sources.node import Node
from tests.rows import each


def known_gaps(path: Path) -> Any:
    return settings.load("http://127.0.0.1", environ={}, known_gaps=path)


READERS: dict[str, tuple[Callable[[Path], Any], type[Exception]]] = {
    "baseline": (Baseline.read, BaselineError),
    "accepted differences": (Accepted.read, AcceptedError),
    "OpenAPI document": (documented.read, documented.DocumentError),
    "faults": (lambda path: orders.from_file(path, ()), orders.FaultError),
    "sources": (Node.read, ValueError),
    "known gaps": (known_gaps, WrongUse),
}

BAD = {
    "open": ("a: [", "is not YAML, see line "),
    "indented": ("a: 1\n b: 2", "is not YAML, see line 2"),
    "nested too deeply": ("[" * 5_000, "is not YAML"),
    "date": ("- 2001-99-99", "a value does not have the form of its type"),
    "date by tag": ("!!timestamp tomorrow", "a value does not have the form of its type"),
    "number": ("!!int x", "a value does not have the form of its type"),
    "no number": ("!!int ''", "a value does not have the form of its type"),
    "boolean": ("!!bool maybe", "a value does not have the form of its type"),
    "object as a name": ("? {a: b}\n: c", "is not YAML"),
    "object of Python": ("!!python/object:os.system x", "is not YAML"),
}


@pytest.mark.parametrize(("read", "error"), READERS.values(), ids=READERS)
@each("text, says", BAD.values())
def test_a_file_that_is_not_yaml_is_refused_in_words(
    tmp_path: Path, read: Callable[[Path], Any], error: type[Exception], text: str, says: str
) -> None:
    path = tmp_path / "given.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error) as caught:
        read(path)
    told = str(caught.value)
    assert str(path) in told and says in told and "Error" not in told


@pytest.mark.parametrize(("read", "error"), READERS.values(), ids=READERS)
def test_a_file_of_other_bytes_is_refused_in_words(
    tmp_path: Path, read: Callable[[Path], Any], error: type[Exception]
) -> None:
    path = tmp_path / "given.yaml"
    path.write_bytes(b"a: \xff\xfe\x00\xd8")
    with pytest.raises(error) as caught:
        read(path)
    assert str(path) in str(caught.value) and "Error" not in str(caught.value)
