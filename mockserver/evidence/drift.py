"""Finds changes in Adobe's OpenAPI documents since the versions that the emulator is based on: `mockserver drift`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from mockserver.evidence.documented import DocumentError, Holder, OfficialDocument, read

Change: TypeAlias = Literal["added", "removed"]

_NOT_COMPARED = {"not in the folder": "absent", "not known here": "unknown", "not read": "unread"}
"""Reason why a document was not compared -> attribute of `Drift`."""
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Moved:
    """A fact that was added to a document or removed from it."""

    document: str
    change: Change
    holder: Holder
    fact: str
    """Empty for the whole operation or schema."""

    def __str__(self) -> str:
        kind, name = self.holder
        return f"{self.change:<8} {kind} {name}{f': {self.fact}' if self.fact else ''}"


@dataclass(frozen=True, slots=True)
class Drift:
    """The changes found, the documents compared, and those that could not be compared."""

    moved: tuple[Moved, ...]
    compared: tuple[str, ...]
    absent: tuple[str, ...]
    """Titles of known documents that are not in the folder."""
    unknown: tuple[str, ...]
    """Titles of documents in the folder that the emulator is not based on."""
    unread: tuple[str, ...]
    """Files that are not OpenAPI documents, and why."""

    @property
    def status(self) -> int:
        """Exit status: 0 no changes, 1 changes, 3 nothing could be compared."""
        return 3 if not self.compared else int(bool(self.moved))


def read_folder(folder: Path) -> tuple[tuple[OfficialDocument, ...], tuple[str, ...]]:
    """The documents in a folder and its subfolders, and why other files were not read."""
    found, unread = [], []
    for path in sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES and path.is_file()):
        try:
            found.append(read(path))
        except DocumentError as error:
            unread.append(str(error))
    return tuple(found), tuple(unread)


def compare(known: tuple[OfficialDocument, ...], folder: Path) -> Drift:
    """Compare the documents in a folder with known ones. They are matched by title."""
    found, unread = read_folder(folder)
    now, then = ({one.title: one for one in documents} for documents in (found, known))
    both = [title for title in then if title in now]
    return Drift(
        moved=tuple(moved for title in both for moved in _moved(then[title], now[title])),
        compared=tuple(both),
        absent=tuple(title for title in then if title not in now),
        unknown=tuple(title for title in now if title not in then),
        unread=unread,
    )


def _moved(then: OfficialDocument, now: OfficialDocument) -> Iterator[Moved]:
    if then.base != now.base:
        yield Moved(then.title, "removed", ("document", then.title), f"base path {then.base or '/'}")
        yield Moved(then.title, "added", ("document", then.title), f"base path {now.base or '/'}")
    for holder in sorted({*then.holders, *now.holders}):
        before, after = then.holders.get(holder), now.holders.get(holder)
        if before is None or after is None:
            yield Moved(then.title, "added" if before is None else "removed", holder, "")
            continue
        facts = [(fact, "removed") for fact in before - after] + [(fact, "added") for fact in after - before]
        for fact, change in sorted(facts):
            yield Moved(then.title, "added" if change == "added" else "removed", holder, fact)


def lines(found: Drift) -> Iterator[str]:
    """The changes by document, and the documents that could not be compared."""
    for title in found.compared:
        moved = [one for one in found.moved if one.document == title]
        yield f"{title}: {len(moved)} change{'s' * (len(moved) != 1)}" if moved else f"{title}: no changes"
        yield from (f"  {one}" for one in moved)
    for heading, names in _NOT_COMPARED.items():
        yield from (f"{heading}: {name}" for name in getattr(found, names))


def as_json(found: Drift) -> Mapping[str, object]:
    """The result as JSON."""
    moved = [
        {"document": one.document, "change": one.change, one.holder[0]: one.holder[1], "fact": one.fact}
        for one in found.moved
    ]
    return {
        "moved": moved,
        "compared": found.compared,
        **{name: getattr(found, name) for name in _NOT_COMPARED.values()},
    }
