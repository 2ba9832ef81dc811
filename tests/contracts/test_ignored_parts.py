"""Tests that a server which ignores a part of requests everywhere, or lacks an operation, gives few findings."""

from dataclasses import replace

import pytest

from contracts.broken.wrapping import Asked, GivenAnswer, Right
from contracts.findings.verdicts import NOT_COMPARABLE
from tests.contracts.test_wrong_servers import Fault, judged


def ignores_counts(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked.not_asking("count"))


def ignores_sandboxes(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked.having(x_sandbox_name="prod"))


def ignores_queries(asked: Asked, right: Right) -> GivenAnswer:
    return right(replace(asked, query="") if asked.lists else asked)


def has_no_patch(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked.instead("GET", "/nowhere") if asked.patches else asked)


def has_no_actions(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked.instead("GET", "/nowhere") if asked.acts else asked)


WITHOUT: dict[str, tuple[Fault, str, int]] = {
    "counts": (ignores_counts, "expected a count alone", 1),
    "sandboxes": (ignores_sandboxes, "made with another x-sandbox-name", 1),
    "queries": (ignores_queries, "expected a count alone", 7),
    "patches": (has_no_patch, "", 8),
    "actions": (has_no_actions, "", 4),
}
"""What the server has not, a part of a message, and the maximum number of findings."""


@pytest.mark.parametrize(("server", "says", "most"), WITHOUT.values(), ids=WITHOUT)
def test_what_a_server_ignores_or_lacks_is_few_findings(server: Fault, says: str, most: int) -> None:
    found = judged(server)
    messages = [finding.first.message for finding in found.findings]
    assert 1 <= len(messages) <= most, "\n".join(messages)
    assert any(says in message for message in messages), messages
    assert len(found.report.having(NOT_COMPARABLE)) >= 5
    assert (found.report.trouble, found.report.left, found.entities) == ([], [], 0)


def shows_others_in_lists(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked.having(x_sandbox_name="prod") if asked.lists and asked.kind == "connections" else asked)


def test_a_sandbox_that_is_told_apart_in_look_ups_is_not_told_as_ignored() -> None:
    found = judged(shows_others_in_lists)
    assert "tenant.list" in {
        outcome.check for finding in found.findings for outcome in (finding.first, *finding.hidden)
    }
    assert not any(finding.first.message.startswith("x-sandbox-name is ignored") for finding in found.findings)
