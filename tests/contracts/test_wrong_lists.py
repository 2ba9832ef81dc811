"""A server whose lists, etags or states are wrong in one way gets few findings, whatever looks for entities by them."""

from __future__ import annotations

import pytest

from contracts.broken import load
from tests.contracts.test_wrong_servers import judged

SERVERS = {
    "filters-ignored": ("list.meets-filters", 2),
    "first-value-only": ("list.whole", 2),
    "last-filter-only": ("list.meets-filters", 1),
    "search-finds-everything": ("list.meets-filters", 1),
    "orderby-ignored": ("list.keeps-order", 1),
    "one-page-is-all": ("list.whole", 1),
    "token-ignored": ("list.pages-apart", 1),
    "count-off-by-one": ("list.whole", 1),
    "count-beside-the-items": ("list.whole", 1),
    "ignores-if-match": ("if-match.compared", 1),
    "keeps-etag-on-write": ("etag.never-repeated", 1),
    "publishing-changes-nothing": ("entity.state-as-written", 2),
}
"""Faulty server -> the observer that sees the cause, and the maximum number of findings. There were 7 to 39."""


@pytest.mark.parametrize(("server", "seen"), SERVERS.items(), ids=SERVERS)
def test_one_cause_is_few_findings(server: str, seen: tuple[str, int]) -> None:
    findings = judged(load()[server].fault).findings
    labels = [f"{finding.label}: {finding.first.message}" for finding in findings]
    assert seen[0] in [finding.first.check for finding in findings], "\n".join(labels)
    assert len(findings) <= seen[1], "\n".join(labels)
