"""Tests our own server in memory, started as by users, against the whole contract."""

import json
from pathlib import Path

import pytest

from tests.contracts.own import contract_as_users_run_it, served


@pytest.mark.slow
def test_our_server_keeps_every_promise_in_memory(tmp_path: Path) -> None:
    with served() as url:
        options = ["--lasting", "--fail-on", "may", "--examples", "1"]
        done = contract_as_users_run_it(url, *options, "--json", "--report", str(tmp_path))
    report = json.loads(done.stdout)
    assert (report["failures"], report["trouble"], report["left"]) == ([], [], [])
    untestable = {promise for promise, verdict in report["promises"].items() if verdict != "passed"}
    assert untestable <= {"gateway.token-unknown", "generated.ignored_auth"}, untestable  # it accepts any token
    assert done.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "junit.xml", "exchanges.har", "record.json"}
