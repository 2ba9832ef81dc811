"""Makes standard output and standard error accept every character in any encoding."""

from __future__ import annotations

import codecs
import io
import sys

_IN_ASCII = {
    "·": "-", "–": "-", "—": "-", "…": "...", "≥": ">=", "≤": "<=", "→": "->", "×": "x",
    "§": "section ", "“": '"', "”": '"', "‘": "'", "’": "'", "✓": "+", "✗": "x", "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip
"""Non-ASCII characters of our own texts -> their ASCII replacement."""

_HANDLER = "mockserver.terminal"


def take_every_character() -> None:
    """Escape characters that a stream's encoding lacks, instead of raising UnicodeEncodeError."""
    codecs.register_error(_HANDLER, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    piece = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(one) or _escaped(one) for one in piece), error.end


def _escaped(character: str) -> str:
    r"""The character as `\uXXXX`, which is valid JSON; those beyond U+FFFF as two surrogates."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
