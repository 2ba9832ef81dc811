"""A server that is wrong in one way gets few findings, whatever depends on it; both causes of two are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.broken import Asked, GivenAnswer, Right, load
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
    "ignores-if-match": ("if-match.compared", 1),
    "keeps-etag-on-write": ("etag.never-repeated", 1),
    "publishing-changes-nothing": ("entity.state-as-written", 2),
    "pages-by-offset": ("list.pages-apart", 1),
    "pages-in-another-order": ("list.keeps-order", 2),
    "operations-in-upper-case-only": ("destination.revoked", 1),
    "root-is-wrapped": ("explore.root", 1),
    "deletion-needs-an-etag": ("delete.answer", 1),
    "phantom-after-delete": ("entity.gone", 2),
    "looks-up-the-entity-before": ("entity.asked-for", 1),
    "patches-change-nothing": ("entity.as-written", 1),
    "lost-post": ("create.location", 2),
    "needs-no-api-key": ("gateway.key-missing", 1),
    "etag-of-the-content": ("etag.never-repeated", 1),
    "weak-etags": ("answer.schema", 1),
    "lookup-has-an-etag-of-its-own": ("etag.unchanged", 1),
    "caches-lists-across-patches": ("entity.as-written", 1),
    "shuffles-what-is-equal": ("list.keeps-order", 1),
    "configs-without-types": ("answer.schema", 1),
    "secrets-are-left-out": ("create.kept", 2),
    "takes-any-state": ("create.state", 2),
    "unknown-is-empty": ("answer.schema", 1),
    "creates-twice": ("list.whole", 2),
    "draft-mode-ignored": ("draft.stored", 2),
    "knows-headers-in-one-spelling": ("gateway.header-names-in-any-case", 2),
    "reads-etags-from-a-lagging-copy": ("if-match.compared", 1),
}
"""Faulty server -> the check that sees the cause, and the maximum number of findings. There were 3 to 39."""


@pytest.mark.parametrize(("server", "seen"), SERVERS.items(), ids=SERVERS)
def test_one_cause_is_few_findings(server: str, seen: tuple[str, int]) -> None:
    findings = judged(load()[server].fault).findings
    labels = [f"{finding.label}: {finding.first.message}" for finding in findings]
    assert seen[0] in [finding.first.check for finding in findings], "\n".join(labels)
    assert len(findings) <= seen[1], "\n".join(labels)


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


PAIRS = [
    ("root-is-wrapped", "patches-change-nothing"),
    ("needs-no-api-key", "takes-an-unknown-auth-spec"),
    ("phantom-after-delete", "ignores-if-match"),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_of_two_causes_both_are_told(one: str, other: str) -> None:
    memory: dict[str, Any] = {}
    outer, inner = load()[one].fault, load()[other].fault

    def both(asked: Asked, right: Right) -> GivenAnswer:
        return outer(asked, Right(lambda changed: inner(changed, Right(right.answer, memory)), right.memory))

    found = {finding.first.check for finding in judged(both).findings}
    for name in (one, other):
        assert found & {SERVERS.get(name, ("", 0))[0], *load()[name].caught_by}, f"{name}: {found}"
