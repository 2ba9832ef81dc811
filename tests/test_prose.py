"""Tests of what makes a page hard to read: long sentences, and entries of the changelog that tell a story."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.pages import ROOT
from tests.rows import each

MAX_WORDS = 40
"""Maximum words between two marks that end a sentence or a part of it. Most have fewer than 20."""

MAX_ENTRY = 45
"""Maximum words of an entry in the changelog. Most have fewer than 25."""

REFERENCE = {"flow-service-facts.md", "fidelity.md"}
"""Pages that list members and texts of Adobe's documents."""

PAGES = sorted(page for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")) if page.name not in REFERENCE)


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs and list items of a page, without code, tables and headings."""
    text = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^(?:\||#).*$", "", text, flags=re.MULTILINE)
    yield from (" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", text))


def long_sentences(text: str) -> list[str]:
    """The sentences, and parts of them before a colon or semicolon, that have too many words."""
    parts = (part for paragraph in paragraphs(text) for part in re.split(r"(?<=[.:;?!])(?:\*\*)?\s", paragraph))
    return [part for part in parts if len(part.split()) > MAX_WORDS]


@each("page", PAGES)
def test_no_sentence_of_a_page_must_be_read_twice(page: Path) -> None:
    assert long_sentences(page.read_text(encoding="utf-8")) == [], "split it, or make it a list"


def test_a_long_sentence_is_found_and_code_and_tables_are_left_out() -> None:
    long = "word " * (MAX_WORDS + 1)
    assert long_sentences(f"Short.\n\nA {long}end. Short.") == [f"A {long}end."]
    assert long_sentences(f"```\n{long}\n```\n\n| {long} |\n\n# {long}\n\n{'Word. ' * 99}") == []


def test_an_entry_of_the_changelog_says_in_a_few_words_what_changed() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased = text[text.index("## [Unreleased]") : text.index("\n## [", text.index("## [Unreleased]") + 1)]
    entries = [one for one in paragraphs(unreleased) if one.startswith("- ")]
    assert [one for one in entries if len(one.split()) > MAX_ENTRY] == [], "leave out how it was found, or split it"
