"""Tests that a wrong shape hides no other fault and does not stop generated requests."""

import pytest

from contracts.broken.wrapping import Asked, GivenAnswer, Right
from contracts.findings.verdicts import FAILED, PASSED
from tests.contracts.shapes import NUMBERS_AS_TEXTS
from tests.contracts.test_wrong_servers import Fault, judged
from tests.contracts.test_wrong_shapes import SHAPES


def forgets_a_patch(asked: Asked, right: Right) -> GivenAnswer:
    """A server that writes no description."""
    kept = [step for step in asked.instructions if step.get("path") != "/description"]
    changed = asked.sending(kept or [{"op": "replace", "path": "/name", "value": "x"}]) if asked.patches else asked
    return right(changed)


BESIDE = {name: SHAPES[name][0] for name in ("snake case", "seconds", "nulls")} | {"numbers as texts": NUMBERS_AS_TEXTS}


@pytest.mark.parametrize("server", BESIDE.values(), ids=BESIDE)
def test_another_fault_is_found_beside_a_wrong_shape(server: Fault) -> None:
    both = judged(lambda asked, right: server(asked, Right(lambda one: forgets_a_patch(one, right), right.memory)))
    found = [finding.first.check for finding in both.findings]
    assert any(name.startswith("patch.") for name in found), [outcome.message for outcome in both.report.having(FAILED)]


@pytest.mark.parametrize("shape", ["snake case", "no id"])
def test_generated_requests_cope_with_a_wrong_shape(shape: str) -> None:
    """They are made of the server's own connection specs."""
    server, most = SHAPES[shape]
    found = judged(server, operations=frozenset({"createConnection", "retrieveConnection"}), examples=1)
    assert found.report.having(PASSED) and len(found.findings) <= most
    assert (found.report.trouble, found.report.left, found.entities) == ([], [], 0)
