"""Tests our own server on SQLite and under --strict against the whole contract, with another seed than in memory."""

import json
from pathlib import Path

import pytest

from contracts import registry
from contracts.broken import proof
from contracts.registry import CHECKS
from contracts.schema.document import Document
from tests.contracts.own import contract_as_users_run_it, served

SEED = 2
STRICT_GAPS = ["create.unknown-members", "list.unknown-parameters"]
"""Checks that --strict fails deliberately, although public clients rely on the behaviour."""
registry.load()
LASTING = [check.id for check in CHECKS.values() if check.lasting and not check.id.startswith("run.")]
"""Checks that create what cannot be deleted, which a plain run leaves out."""


@pytest.mark.slow
def test_our_server_keeps_every_promise_on_sqlite_and_under_strict(tmp_path: Path) -> None:
    gaps = tmp_path / "gaps.yaml"
    gaps.write_text(json.dumps(STRICT_GAPS))
    with served("--strict", "--state", str(tmp_path / "flow.db")) as url:
        generated = ["--examples", "0"]  # has them: test_own_server.py
        options = [*generated, "--seed", str(SEED), "--json", "--known-gaps", str(gaps)]
        done = contract_as_users_run_it(f"{url}/data/foundation/flowservice", *options)
    report = json.loads(done.stdout)
    assert (report["failures"], report["staleGaps"], report["trouble"], report["left"]) == ([], [], [], [])
    checked = {name: verdict for name, verdict in report["promises"].items() if not name.startswith("generated.")}
    verdicts = {promise: verdict for promise, verdict in checked.items() if verdict != "passed"}
    assert verdicts == {**dict.fromkeys(STRICT_GAPS, "known gap"), **dict.fromkeys(LASTING, "untestable")}
    assert done.returncode == 0


def test_what_that_run_leaves_out_passes_with_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that each check has passed with two seeds; ten: `make broken`."""
    monkeypatch.setattr(proof, "CHECKS", {name: CHECKS[name] for name in (*STRICT_GAPS, *LASTING)})
    assert [(o.label, o.verdict, o.message) for o in proof.false_alarms(SEED, Document.load())] == []
