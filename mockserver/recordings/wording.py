"""Tells plain words from texts that may be secret, where a service writes freely: in errors and in names of headers."""

from __future__ import annotations

import re
from collections.abc import Callable

_CHUNK = re.compile(r"[^\s\"'“”‘’`()\[\]{}<>,;|]+")
_BETWEEN = re.compile(r"[/.:_=&?#~!%*+@$\\-]+")
_PLAIN = re.compile(r"(?:[A-Za-z][a-z]{1,24}(?:[A-Z][a-z]{1,24}){0,4}|[A-Za-z]|[A-Z]{2,12}|v?\d{1,6})?")
"""A word, the name of a member such as `dataSetId`, an abbreviation, or a short number."""
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}[.:]?")
"""An entity's id or an etag."""


def is_plain(text: str) -> bool:
    """Whether a text without blanks consists of plain words, or is an id."""
    return bool(_ID.fullmatch(text)) or all(_PLAIN.fullmatch(part) for part in _BETWEEN.split(text))


def plain(text: str, stand_in: Callable[[str], str]) -> str:
    """The text with a stand-in for each part that is not plain. A secret that looks like a word or an id is kept."""
    return _CHUNK.sub(lambda found: found[0] if is_plain(found[0]) else stand_in(found[0]), text)
