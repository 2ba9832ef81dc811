"""Reads the entries of a HAR file, which may be truncated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_BYTES = 200 * 1_048_576
"""Maximum size of a file."""

_ENTRIES = re.compile(r'"entries"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")


class HarError(ValueError):
    """A file is not a HAR file; the message says where and why."""


@dataclass(frozen=True, slots=True)
class HarFile:
    """The unparsed entries of a file."""

    entries: tuple[Any, ...]
    complete: bool
    """False if the file is truncated or its recorder was interrupted."""
    cut: bool


def read(path: Path) -> HarFile:
    """Read a file. Raises HarError."""
    text = _text(path)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        entries = tuple(_before_the_cut(text))
        if not entries:
            raise HarError(f"{path}: not a HAR file, because it is not JSON") from None
        return HarFile(entries, complete=False, cut=True)
    log = document.get("log") if isinstance(document, dict) else None
    found = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(found, list) or not isinstance(log, dict):
        raise HarError(f"{path}: not a HAR file, because it has no log.entries")
    extension = log.get("_flow")
    complete = not isinstance(extension, dict) or extension.get("complete") is not False
    return HarFile(tuple(found), complete, cut=False)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise HarError(f"{path}: {error.strerror or 'cannot be read'}") from None
    if len(raw) > MAX_BYTES:
        raise HarError(f"{path}: larger than {MAX_BYTES // 1_048_576} MB; record less, or cut the file")
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        # some exporters write raw bytes of a body; the rest of the file can still be read
        return raw.decode("utf-16" if wide else "utf-8-sig", "replace")


def _before_the_cut(text: str) -> Iterator[Any]:
    """The complete entries of a truncated file."""
    begin = _ENTRIES.search(text)
    if not text.lstrip().startswith("{") or begin is None:
        return
    decoder, at = json.JSONDecoder(), begin.end()
    while True:
        between = _BETWEEN.match(text, at)
        assert between is not None
        try:
            entry, at = decoder.raw_decode(text, between.end())
        except (ValueError, RecursionError):
            return
        yield entry
