"""The arguments of faults, parsed from text: `latency=100-400`, `rate-limit=none`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

_RANGE = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")
_NUMBER = re.compile(r"[0-9]{1,9}")
_MAX_PAGES = 100
"""Maximum pages that a fault can give a list: any client may ask for it, and each page may need new records."""

Value: TypeAlias = Any
"""The result of `Argument.read`; its type depends on the fault."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One kind of argument."""

    label: str
    """Placeholder in listings; empty for faults without an argument."""
    expected: str
    read: Callable[[str], Value]
    """Parse the text. Raises ValueError."""
    default: str = ""


def _nothing(text: str) -> None:
    if text:
        raise ValueError


def _milliseconds(text: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError
    low, high = int(match[1]), int(match[2] or match[1])
    if low > high:
        raise ValueError
    return low, high


def _seconds(text: str) -> int | None:
    return None if text == "none" else whole(text)


def whole(text: str, minimum: int = 0) -> int:
    """An integer of at most nine digits. Raises ValueError."""
    if not _NUMBER.fullmatch(text) or int(text) < minimum:
        raise ValueError
    return int(text)


def _from_one(text: str) -> int:
    return whole(text, 1)


def _pages(text: str) -> int:
    number = whole(text, 1)
    if number > _MAX_PAGES:
        raise ValueError
    return number


def _size(text: str) -> int | None:
    return None if text == "half" else whole(text)


NONE = Argument("", "no argument", _nothing)
MILLISECONDS = Argument("MS[-MS]", "milliseconds, or a range of them such as 100-400", _milliseconds, "1000")
RETRY_AFTER = Argument("SECONDS|none", "seconds for Retry-After, or none to leave it out", _seconds, "1")
NO_RETRY_AFTER = Argument("SECONDS|none", RETRY_AFTER.expected, _seconds, "none")
BYTES = Argument("BYTES|half", "number of bytes of the body to send, or half", _size, "half")
SPEED = Argument("BYTES", "bytes per second, at minimum 1", _from_one, "200")
PAGES = Argument("PAGES", f"minimum number of pages, 1 to {_MAX_PAGES}", _pages, "3")
