"""Tests that every promise has checks, and every check a promise."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from contracts import registry, requirements
from contracts.broken import load as broken_servers
from contracts.checks import examples
from contracts.registry import CHECKS, OBSERVERS
from contracts.schema.document import Document
from contracts.stage.kinds import BODIES

registry.load()
ROWS = requirements.load()
KNOWN = {*CHECKS, *OBSERVERS}


def test_every_check_holds_a_promise() -> None:
    promised = {check for row in ROWS for check in row.checks}
    missing = sorted(KNOWN - promised)
    assert not missing, f"add rows to contracts/requirements.yaml for the checks {missing}"


def test_every_promise_has_checks_that_exist() -> None:
    named = {check for row in ROWS for check in row.checks if not check.startswith("generated.")}
    assert sorted(named - KNOWN) == []
    assert [row.id for row in ROWS if not row.checks] == []


def test_no_promise_is_made_twice() -> None:
    assert [name for name, count in Counter(row.id for row in ROWS).items() if count > 1] == []
    assert [text for text, count in Counter(row.text for row in ROWS).items() if count > 1] == []


def test_every_promise_says_where_it_stands() -> None:
    assert [row.id for row in ROWS if not row.source or len(row.text) < 15] == []


def test_few_promises_do_not_count_and_each_of_them_says_why() -> None:
    uncounted = [row for row in ROWS if row.level == "may"]
    assert len(uncounted) * 20 < len(ROWS)
    assert all(len(row.why) > 30 and row.why in row.origin for row in uncounted)


def test_every_operation_a_check_names_is_in_the_contract() -> None:
    named = {name for check in CHECKS.values() for name in check.operations}
    assert sorted(named - Document.load().ids) == []


def test_every_collection_whose_entities_can_be_deleted_has_a_sample_body() -> None:
    document = Document.load()
    made = {o.path.strip("/") for o in document.operations if o.method == "POST" and o.path.count("/") == 1}
    missing = sorted(made - BODIES.keys() - {"connectionSpecs", "flowSpecs", "runs"})
    assert not missing, f"add rows to contracts/stage/kinds.py for the collections {missing}"


def test_every_broken_server_names_checks_that_exist() -> None:
    servers = broken_servers().values()
    unknown = {server.name: {*server.caught_by, *server.by_way_of} - KNOWN for server in servers}
    assert {name: checks for name, checks in unknown.items() if checks} == {}
    assert [server.name for server in servers if not server.caught_by] == []


def test_known_gaps_are_checks() -> None:
    path = Path(__file__).parents[2] / "contracts" / "known_gaps.yaml"
    rows = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    assert sorted({row["check"] for row in rows} - KNOWN) == []
    assert all(row["reason"] for row in rows)


@pytest.mark.parametrize("path", sorted(examples.FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_says_where_its_answer_is_from(path: Path) -> None:
    for row in examples.rows(path):
        assert row["provenance"] in ("documented", "recorded", "assumed") and row["source"], row["name"]
        assert {"method", "path"} <= row["request"].keys() and row["expect"]["status"], row["name"]


def test_checks_run_in_the_same_order_whoever_imported_their_modules() -> None:
    before = list(CHECKS)
    moved = CHECKS.pop(before[0])
    CHECKS[moved.id] = moved
    registry.load()
    assert list(CHECKS) == before
