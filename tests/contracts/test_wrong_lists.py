"""A server whose lists are wrong in one way gets few findings, whatever depends on it."""

from __future__ import annotations

import json

import pytest

from contracts.broken import load
from contracts.registry import OBSERVERS, Watch
from contracts.wire import Answer, Sent
from tests.contracts.test_wrong_servers import DOCUMENT, judged

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
    "pages-by-offset": ("list.pages-apart", 1),
    "pages-in-another-order": ("list.keeps-order", 2),
    "caches-lists-across-patches": ("entity.as-written", 1),
    "shuffles-what-is-equal": ("list.keeps-order", 1),
    "creates-twice": ("list.whole", 2),
}
"""Faulty server -> the check that sees the cause, and the maximum number of findings. There were 3 to 39."""


def one_cause_is_few_findings(server: str, seen: tuple[str, int]) -> None:
    """Also for the servers of other files."""
    findings = judged(load()[server].fault).findings
    labels = [f"{finding.label}: {finding.first.message}" for finding in findings]
    assert seen[0] in [finding.first.check for finding in findings], "\n".join(labels)
    assert len(findings) <= seen[1], "\n".join(labels)


@pytest.mark.slow
@pytest.mark.parametrize(("server", "seen"), SERVERS.items(), ids=SERVERS)
def test_one_cause_is_few_findings(server: str, seen: tuple[str, int]) -> None:
    one_cause_is_few_findings(server, seen)


@pytest.mark.parametrize(
    ("method", "target", "body", "number", "wrong"),
    [
        ("GET", "/connections", None, 101, True),
        ("GET", "/connections?limit=5", None, 6, True),
        ("POST", "/connections/search", {}, 101, False),
        ("POST", "/connections/search", {"limit": 5}, 6, True),
        ("POST", "/connections/search", {"limit": 500}, 101, False),
    ],
)
def test_a_list_has_a_hundred_entities_at_most_and_a_search_what_it_asks_for(
    method: str, target: str, body: object, number: int, wrong: bool
) -> None:
    sent = Sent(method, target, (), b"" if body is None else json.dumps(body).encode())
    items = [{"id": str(at)} for at in range(number)]
    answer = Answer(sent, target, 200, (), json.dumps({"items": items, "_links": {}}).encode())
    assert bool(OBSERVERS["list.keeps-limit"].fault(Watch(DOCUMENT, "", {}), answer)) is wrong
