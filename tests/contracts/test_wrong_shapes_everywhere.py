"""Tests that a server whose bodies are wrong at neighbouring services too gives few findings."""

import pytest

from contracts.findings.verdicts import NOT_COMPARABLE
from tests.contracts.shapes import NUMBERS_AS_TEXTS, enveloped, is_uuid, numbered, the_only, values
from tests.contracts.test_wrong_servers import Fault, finds_nothing, judged

EVERYWHERE: dict[str, tuple[Fault, int]] = {
    "booleans as numbers": (values(lambda _, value: int(value) if isinstance(value, bool) else value), 1),
    "trimmed": (values(lambda _, value: value.strip() if isinstance(value, str) else value), 1),
    "lists of one as their item": (values(lambda name, value: the_only(value) if name != "items" else value), 1),
    "lists as objects": (values(lambda _, value: numbered(value)), 1),
    "wrapped": (enveloped, 1),
    "capitals": (values(lambda _, value: value.upper() if isinstance(value, str) else value), 1),
    "ids as numbers": (values(lambda name, value: int(value[:8], 16) if name == "id" and is_uuid(value) else value), 1),
    "a stub": (finds_nothing, 1),
}
"""Servers that are wrong in the answers of neighbouring services too."""


@pytest.mark.slow
@pytest.mark.parametrize(("server", "most"), EVERYWHERE.values(), ids=EVERYWHERE)
def test_a_wrong_shape_of_all_operations_is_few_findings(server: Fault, most: int) -> None:
    found = judged(server, operations=frozenset())
    labels = [f"{finding.label}: {finding.first.message}" for finding in found.findings]
    assert 1 <= len(labels) <= most, "\n".join(labels)
    assert found.report.trouble == [] and (len(found.report.left) == found.entities or found.report.unverified)


@pytest.mark.slow
def test_generated_requests_of_all_operations_add_nothing_to_a_wrong_shape() -> None:
    found = judged(NUMBERS_AS_TEXTS, operations=frozenset(), examples=1)
    assert [finding.first.check for finding in found.findings] == ["answer.schema"], found.everything
    assert (found.report.trouble, found.report.left, found.entities) == ([], [], 0)
    assert len(found.report.having(NOT_COMPARABLE)) > 70
