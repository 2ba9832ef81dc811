"""A node of a YAML file, with typed readers whose errors name file and place in one line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mockserver.contract import documents
from mockserver.contract.schema import kind_of, pointer

MAX_BYTES = 4 * 1_048_576
"""Maximum size of a file."""

_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueSafeLoader(_SafeLoader):  # type: ignore[misc]  # one of two classes, known at run time
    """A safe loader that refuses repeated members."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Construct a mapping after checking for repeated names."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' occurs twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its path in the file. Every method raises ValueError with file, path and what was expected."""

    file: str
    value: Any
    at: tuple[str | int, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Node:
        """Read a file and return its root node."""
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
        if len(content) > MAX_BYTES:
            raise ValueError(f"{path}: larger than {MAX_BYTES} bytes")
        try:
            return cls(str(path), documents.parse_of_user(content, _UniqueSafeLoader))
        except documents.NotYaml as error:
            raise ValueError(f"{path}: {error}") from None

    def wrong(self, expected: str, came: str | None = None) -> ValueError:
        """The error to raise. It never contains the value, which may be a password."""
        dated = "a date" if isinstance(self.value, dt.date) else kind_of(self.value)
        return ValueError(f"{self.file}: {pointer(self.at) or '/'}: expected {expected}, got {came or dated}")

    def members(self, known: tuple[str, ...] | None = None) -> dict[str, Node]:
        """The members of a mapping; unknown names are refused."""
        if not isinstance(self.value, dict):
            raise self.wrong("a mapping")
        for name in self.value:
            if not isinstance(name, str):
                raise self.wrong("names that are text (in quotes)")
            if known is not None and name not in known:
                raise self.wrong("the members " + ", ".join(known), f"'{name}'")
        return {name: Node(self.file, value, (*self.at, name)) for name, value in self.value.items()}

    def items(self) -> Iterator[Node]:
        """The items of a sequence."""
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        for index, value in enumerate(self.value):
            yield Node(self.file, value, (*self.at, index))

    def text(self) -> str:
        """A non-empty text."""
        if not isinstance(self.value, str) or not self.value:
            raise self.wrong("text (in quotes)")
        return self.value

    def one_of(self, *allowed: str) -> str:
        """One of the given texts."""
        if self.value not in allowed:
            raise self.wrong("one of " + ", ".join(allowed))
        return str(self.value)

    def flag(self) -> bool:
        """A boolean."""
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def number(self, low: float, high: float) -> float:
        """A number between inclusive bounds."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not low <= self.value <= high:
            raise self.wrong(f"a number from {low:g} to {high:g}")
        return self.value

    def integer(self, low: int, high: int) -> int:
        """An integer between inclusive bounds."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not low <= self.value <= high:
            raise self.wrong(f"an integer from {low} to {high}")
        return self.value
