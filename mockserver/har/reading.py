"""Reads the entries of a HAR file, which may be truncated, in a ZIP archive, or have bodies in files of their own."""

from __future__ import annotations

import base64
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

MAX_BYTES = 200 * 1_048_576
"""Maximum size of a file, including the bodies beside it."""

_ENTRIES = re.compile(r'"entries"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_CHUNK = 1_048_576
_ARCHIVE = b"PK\x03\x04"
_BODIES = (("request", "postData"), ("response", "content"))


class HarError(ValueError):
    """A file is not a HAR file; the message says where and why."""


@dataclass(frozen=True, slots=True)
class HarFile:
    """The unparsed entries of a file."""

    entries: tuple[Any, ...]
    complete: bool
    """False if the file is truncated or its recorder was interrupted."""
    cut: bool
    masked: bool = False
    """Whether `mockserver record` wrote it."""


def read(path: Path) -> HarFile:
    """Read a file. Raises HarError."""
    try:
        with path.open("rb") as file:
            head = file.read(len(_ARCHIVE))  # no seek, because the file may be a pipe
            if head == _ARCHIVE:
                return _archived(path, file)
            return _parsed(path, head + _limited(path, file, MAX_BYTES - len(head)), path.parent)
    except OSError as error:
        raise HarError(f"{path}: {error.strerror or 'cannot be read'}") from None


def _archived(path: Path, file: BinaryIO) -> HarFile:
    """Read the first HAR file in an archive, as Playwright writes it."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.endswith(".har")]
            if not names:
                raise HarError(f"{path}: not a HAR file, and an archive without one")
            with archive.open(names[0]) as inside:
                raw = _limited(path, inside, MAX_BYTES)
            return _parsed(path, raw, zipfile.Path(archive))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error):
        raise HarError(f"{path}: a damaged or encrypted archive") from None


def _parsed(path: Path, raw: bytes, folder: Path | zipfile.Path) -> HarFile:
    text = _text(raw)
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
    _attach(path, found, folder)
    extension = log.get("_flow")
    if not isinstance(extension, dict):
        return HarFile(tuple(found), complete=True, cut=False)
    return HarFile(tuple(found), complete=extension.get("complete") is not False, cut=False, masked=True)


def _limited(path: Path, file: Any, limit: int) -> bytes:
    raw = bytearray()
    while part := file.read(_CHUNK):  # all at once would allocate the limit
        raw += part
        if len(raw) > limit:
            raise HarError(f"{path}: larger than {MAX_BYTES // 1_048_576} MB; record less, or cut the file")
    return bytes(raw)


def _attach(path: Path, entries: list[Any], folder: Path | zipfile.Path) -> None:
    """Insert the bodies that Playwright writes into files beside the HAR file, and names in `_file`."""
    left = MAX_BYTES
    for entry in entries:
        for holder, member in _BODIES:
            outer = entry.get(holder) if isinstance(entry, dict) else None
            part = outer.get(member) if isinstance(outer, dict) else None
            if not isinstance(part, dict):
                continue
            name = part.get("_file")
            if not isinstance(name, str) or Path(name).name != name:  # no path to elsewhere
                continue
            with suppress(OSError, KeyError), (folder / name).open("rb") as file:
                raw = _limited(path, file, left)
                left -= len(raw)
                part.update(text=base64.b64encode(raw).decode(), encoding="base64")


def _text(raw: bytes) -> str:
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
