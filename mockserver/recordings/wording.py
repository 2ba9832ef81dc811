"""Masks free texts of a service, such as its errors: only known words are kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby

_BORDER = re.compile(r"((?<=[.:;!?])\s+|[\"“”‘’`()\[\]{}<>‹›]+|(?<!\w)'|'(?!\w)|[\r\n]+)")
"""Between clauses. A quoted value is a clause of its own."""
_BETWEEN = re.compile(r"([\s,=|&]+)")
_AROUND = ".:;!?"

Test = Callable[[str], bool]


def plain(text: str, knows: Test, is_name: Test, stand_in: Callable[[str], str]) -> str:
    """The text with a stand-in for each clause that has an unknown word. Known names in such a clause are kept.

    A clause is replaced in whole, because the words beside an unknown one may be parts of the same secret.
    """
    parts = _BORDER.split(text)
    return "".join(border if at % 2 else _clause(border, knows, is_name, stand_in) for at, border in enumerate(parts))


def _clause(text: str, knows: Test, is_name: Test, stand_in: Callable[[str], str]) -> str:
    parts = [*_BETWEEN.split(text), ""]
    words = list(zip(parts[::2], parts[1::2], strict=True))
    if all(knows(word.strip(_AROUND)) for word, _ in words):
        return text
    shown = ""
    for is_kept, run in groupby(words, lambda one: is_name(one[0].strip(_AROUND))):
        joined = "".join(word + after for word, after in run)
        bare = joined.rstrip()
        shown += joined if is_kept else stand_in(bare) + joined[len(bare) :]
    return shown
