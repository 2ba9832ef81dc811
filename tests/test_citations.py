"""Tests that every cited section exists in docs/flow-service-facts.md."""

from __future__ import annotations

import re

import pytest

from tests.test_architecture import ROOT, tracked

PAGE = ROOT / "docs" / "flow-service-facts.md"
CITATION = re.compile(r"\b[Ff]acts,? §(\d+(?:\.\d+)?)(?: (?:to|and) §?(\d+(?:\.\d+)?))?")


def sections() -> set[str]:
    return set(re.findall(r"^#+ (\d+(?:\.\d+)?)\.? ", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("folder", ["mockserver", "contracts", "tests", "docs", "bench", "openapi.yaml"])
def test_every_cited_section_is_on_the_page(folder: str) -> None:
    known = sections()
    missing = []
    for name in tracked():
        if name.split("/")[0] == folder and name.endswith((".py", ".md", ".yaml")):
            text = (ROOT / name).read_text(encoding="utf-8")
            missing += [
                f"{name}: §{part}" for cited in CITATION.findall(text) for part in cited if part and part not in known
            ]
    assert not missing, f"docs/flow-service-facts.md has no such section: {missing}"


def test_a_citation_is_found() -> None:
    assert CITATION.findall("(facts §6.1 to §6.3, facts §9)") == [("6.1", "6.3"), ("9", "")]
    assert {"1", "6.3", "8.4"} <= sections() and "99" not in sections()
