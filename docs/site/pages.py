"""Collects the pages of the site in one folder with the layout of the repository, so that relative links work."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from docs.site import reference

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LISTING_HEAD = "# `{path}`\n\nFiles of this folder in the repository:\n\n"


class BrokenLinkError(Exception):
    """A page links to a file that is not in the repository."""


def collect(root: Path, folder: Path) -> None:
    """Replace `folder` by the pages of the repository, the files that they link to, and the reference pages.

    Raises BrokenLinkError for a link to a missing file.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for page in [*root.glob("*.md"), *root.glob("docs/*.md")]:
        _copy(page, root, folder)
        for target in linked(page):
            _take_along(page, target, root, folder)
    for picture in root.glob("docs/pictures/**/*.*"):
        _copy(picture, root, folder)
    shutil.copy2(Path(__file__).with_name("site.css"), folder / "site.css")
    reference.write(folder / reference.FOLDER, reference.pages())


def linked(page: Path) -> list[str]:
    """The relative paths that a Markdown page links to, without anchors."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    parts = map(urlsplit, _LINK.findall(text))
    return [part.path for part in parts if part.path and not part.scheme]


def _take_along(page: Path, target: str, root: Path, folder: Path) -> None:
    place = (page.parent / target).resolve()
    if not place.exists():
        raise BrokenLinkError(f"{page.relative_to(root)}: nothing at {target}")
    if place.is_file():
        if not place.is_relative_to(root / "docs") or place.suffix != ".md":
            _copy(place, root, folder)
    else:
        _list(place, root, folder)


def _copy(file: Path, root: Path, folder: Path) -> None:
    place = folder / file.resolve().relative_to(root.resolve())
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, place)


def _list(directory: Path, root: Path, folder: Path) -> None:
    """Write a page that lists the files of a linked folder."""
    path = directory.relative_to(root)
    names = sorted(file.name for file in directory.iterdir() if file.is_file())
    place = folder / path / "index.md"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(_LISTING_HEAD.format(path=path) + "".join(f"- `{name}`\n" for name in names), encoding="utf-8")
