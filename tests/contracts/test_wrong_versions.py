"""A server that is wrong about entities and their versions in one way gets few findings, whatever depends on it."""

import pytest

from tests.contracts.test_wrong_lists import one_cause_is_few_findings

SERVERS = {
    "ignores-if-match": ("if-match.compared", 1),
    "keeps-etag-on-write": ("etag.never-repeated", 1),
    "publishing-changes-nothing": ("etag.never-repeated", 1),
    "deletion-needs-an-etag": ("delete.answer", 1),
    "phantom-after-delete": ("entity.gone", 2),
    "looks-up-the-entity-before": ("entity.asked-for", 1),
    "patches-change-nothing": ("entity.as-written", 1),
    "lost-post": ("create.location", 2),
    "etag-of-the-content": ("etag.never-repeated", 1),
    "weak-etags": ("answer.schema", 1),
    "lookup-has-an-etag-of-its-own": ("etag.unchanged", 1),
    "reads-etags-from-a-lagging-copy": ("if-match.compared", 1),
}
"""As in test_wrong_lists.py."""


@pytest.mark.slow
@pytest.mark.parametrize(("server", "seen"), SERVERS.items(), ids=SERVERS)
def test_one_cause_is_few_findings(server: str, seen: tuple[str, int]) -> None:
    one_cause_is_few_findings(server, seen)
