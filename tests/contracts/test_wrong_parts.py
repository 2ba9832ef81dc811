"""A server that is wrong in one part of its answers gets few findings; both causes of two are told."""

from typing import Any

import pytest

from contracts.broken import Asked, GivenAnswer, Right, load
from tests.contracts import test_wrong_versions as versions
from tests.contracts.test_wrong_lists import one_cause_is_few_findings
from tests.contracts.test_wrong_servers import judged

SERVERS = {
    "operations-in-upper-case-only": ("destination.revoked", 1),
    "root-is-wrapped": ("explore.root", 1),
    "needs-no-api-key": ("gateway.key-missing", 1),
    "configs-without-types": ("answer.schema", 1),
    "secrets-are-left-out": ("create.kept", 2),
    "takes-any-state": ("create.state", 2),
    "unknown-is-empty": ("answer.schema", 1),
    "draft-mode-ignored": ("entity.state-as-written", 1),
    "knows-headers-in-one-spelling": ("if-match.any-case", 1),
}
"""As in test_wrong_lists.py."""


@pytest.mark.slow
@pytest.mark.parametrize(("server", "seen"), SERVERS.items(), ids=SERVERS)
def test_one_cause_is_few_findings(server: str, seen: tuple[str, int]) -> None:
    one_cause_is_few_findings(server, seen)


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

    seen = {**versions.SERVERS, **SERVERS}
    found = {finding.first.check for finding in judged(both).findings}
    for name in (one, other):
        assert found & {seen.get(name, ("", 0))[0], *load()[name].caught_by}, f"{name}: {found}"
