"""Tests that a catalogue of few connectors leaves no check without something to check."""

from contracts.findings.verdicts import FAILED, UNTESTABLE
from mockserver.specs.connectors import Connectors
from tests.contracts.few_connectors import few_connectors
from tests.contracts.test_wrong_servers import judged


def test_of_each_family_of_the_catalogue_there_is_a_connector() -> None:
    few, all_of_them = few_connectors().all(), Connectors.load().all()
    assert {one.family for one in few} == {one.family for one in all_of_them}
    assert len(few) < len(all_of_them) / 4


def test_a_right_server_with_few_connectors_passes_every_check() -> None:
    report = judged(lambda asked, right: right(asked), operations=frozenset(), lasting=True).report
    assert report.having(FAILED) == []
    untestable = {outcome.check for outcome in report.having(UNTESTABLE)}
    assert untestable == {"gateway.token-unknown"}  # it takes any token
