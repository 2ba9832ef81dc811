"""Tests that every cited section exists in docs/flow-service-facts.md."""

from __future__ import annotations

import re

import pytest

from tests.test_architecture import ROOT, tracked

PAGE = ROOT / "docs" / "flow-service-facts.md"
_SECTION = r"\d+(?:\.\d+)*"
CITATION = re.compile(rf"\b[Ff]acts,? §{_SECTION}(?:(?:(?: to | and )§?|, §){_SECTION})*")


def cited(text: str) -> list[str]:
    """The sections that a text cites: `facts §1`, `facts §1, §2.1 and §3`, `facts §6.1 to §6.3`."""
    return [part for found in CITATION.findall(text) for part in re.findall(r"\d+(?:\.\d+)*", found)]


def sections() -> set[str]:
    return set(re.findall(r"^#+ (\d+(?:\.\d+)?)\.? ", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("kind", [".py", ".md", ".yaml", ".html"])
def test_every_cited_section_is_on_the_page(kind: str) -> None:
    known, missing = sections(), []
    for name in tracked():
        if name.endswith(kind) and name != "tests/test_citations.py":
            text = (ROOT / name).read_text(encoding="utf-8")
            missing += [f"{name}: §{part}" for part in cited(text) if part not in known]
    assert not missing, f"docs/flow-service-facts.md has no such section: {missing}"


def test_a_citation_is_found() -> None:
    assert cited("(facts §6.1 to §6.3, facts §9)") == ["6.1", "6.3", "9"]
    assert cited("facts §1, §2.1; RFC 9110 §4") == ["1", "2.1"] and cited("facts §2 and 8.4") == ["2", "8.4"]
    assert {"1", "6.3", "8.4"} <= sections() and "99" not in sections()
