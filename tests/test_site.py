"""Tests of the documentation site: every page is in the navigation, every link works, generated pages are current."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.site import pages, reference
from mockserver.conformance import RULES
from mockserver.faults import FAULTS
from mockserver.quirks import QUIRKS
from mockserver.scenarios import SCENARIOS

ROOT = Path(__file__).parents[1]
SETTINGS = yaml.safe_load((ROOT / "docs/site/mkdocs.yml").read_text(encoding="utf-8"))


def destinations(nav: Any) -> Iterator[str]:
    """The pages in a navigation of MkDocs."""
    if isinstance(nav, str):
        yield nav
    else:
        for entry in nav.values() if isinstance(nav, dict) else nav:
            yield from destinations(entry)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the site, collected."""
    folder = tmp_path_factory.mktemp("site") / "pages"
    pages.collect(ROOT, folder)
    return folder


def test_the_navigation_leads_to_every_page_and_to_nothing_else(site: Path) -> None:
    written = {*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")}
    wanted = {str(page.relative_to(ROOT)) for page in written} | {
        f"{reference.FOLDER}/{name}.md" for name in reference.pages()
    }
    named = set(destinations(SETTINGS["nav"]))
    assert wanted <= named, "add them to nav in docs/site/mkdocs.yml"
    assert [page for page in named if not (site / page).is_file()] == []


def test_a_link_to_nothing_is_refused_by_name(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("*.md"))
    (tmp_path / "README.md").write_text("[more](docs/nowhere.md)", encoding="utf-8")
    with pytest.raises(pages.BrokenLinkError, match=r"README\.md: nothing at docs/nowhere\.md"):
        pages.collect(tmp_path, tmp_path / "build")


@pytest.mark.parametrize("name", reference.CHECKED_IN)
def test_a_generated_page_of_the_repository_is_current(name: str) -> None:
    written = (ROOT / reference.FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert written == reference.pages()[name], "run `make reference` and commit docs/reference"


@pytest.mark.parametrize(
    ("page", "ids"), [("rules", RULES), ("faults", FAULTS), ("quirks", QUIRKS), ("scenarios", SCENARIOS)]
)
def test_a_reference_page_has_every_row_of_its_table(page: str, ids: dict[str, object]) -> None:
    text = reference.pages()[page]
    assert [name for name in ids if f"`{name}`" not in text] == []


def test_a_cell_of_a_table_stays_one_cell() -> None:
    assert reference.cell("a|b\n<c>") == "a\\|b &lt;c>"


def test_every_picture_is_on_a_page() -> None:
    shown = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    pictures = [file.relative_to(ROOT / "docs") for file in (ROOT / "docs/pictures").rglob("*.*")]
    assert pictures and [str(file) for file in pictures if f"]({file})" not in shown] == []
