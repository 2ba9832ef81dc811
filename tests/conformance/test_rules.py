"""Every rule catches its broken client, and no rule complains about a good one."""

import pytest

from mockserver.conformance import RULES, summary
from tests.conformance.broken_clients import BROKEN
from tests.conformance.client import Client
from tests.conformance.good_clients import GOOD


@pytest.mark.parametrize("script", GOOD, ids=lambda script: script.__name__)
def test_a_good_client_hears_nothing(script) -> None:
    client = Client()
    script(client)
    report = client.judged()
    assert not report.findings, summary(report)


@pytest.mark.parametrize("rule_id", BROKEN)
def test_a_broken_client_hears_what_it_did_and_nothing_else(rule_id: str) -> None:
    client = Client()
    BROKEN[rule_id](client)
    report = client.judged()
    assert {finding.rule for finding in report.findings} == {rule_id}, summary(report)


def test_every_rule_has_its_broken_client() -> None:
    assert set(BROKEN) == set(RULES)


def test_there_are_rules_enough_and_each_says_what_it_must() -> None:
    assert len(RULES) >= 35
    for row in RULES.values():
        texts = (row.title, row.source, row.hint, row.explanation)
        assert all(len(text) > 10 for text in texts), row.id
        assert row.explanation.endswith("."), row.id
