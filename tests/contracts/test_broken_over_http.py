"""Tests the command against faulty servers on ports, including generated requests."""

import json

import pytest

from contracts.broken import load, proof
from tests.contracts.command import contract, serving

CAUGHT = [
    ("needs-no-sandbox", "listFlowSpecs", "missing_required_header"),
    ("creation-is-200", "createConnection", "status_code_conformance"),
    ("takes-any-token", "listFlowSpecs", "ignored_auth"),
]
"""Faulty server, operations to test, and the generator's check that catches it in addition to the suite's own.

Flow specs have the fewest checks of the suite's own, and any operation shows these two faults.
"""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "operations", "generated"), CAUGHT, ids=[row[0] for row in CAUGHT])
def test_the_command_catches_a_broken_server_over_http(name: str, operations: str, generated: str) -> None:
    server = load()[name]
    app, token = proof.right(server.options)
    with serving(server.over(app)) as url:
        environment = {"FLOW_SERVICE_TOKEN": token} if token else {}
        done = contract(url, "--json", "--examples", "1", "--operations", operations, **environment)
    report = json.loads(done.stdout)
    assert (report["trouble"], report["endedEarly"]) == ([], None), done.stderr
    told = [name for finding in report["findings"] for name in (finding["check"], *finding["notComparable"])]
    assert any(name.startswith(f"generated.{generated}") for name in told), f"{report['promises']}\n{done.stderr}"
    assert done.exit_code == 1
    assert (report["trouble"], report["left"]) == ([], []) and "TypeError" not in done.stdout + done.stderr
    if name == "creation-is-200":
        assert [finding["check"] for finding in report["findings"]] == ["answer.documented-status"]
        assert report["made"] > 0
