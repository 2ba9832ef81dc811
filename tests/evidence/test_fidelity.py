"""Tests of `mockserver fidelity` and `explain`, and of the generated page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mockserver.cli import main
from mockserver.contract import Contract
from mockserver.evidence import fidelity, page
from mockserver.evidence.contributed import samples
from mockserver.evidence.samples import Sample
from tests.rows import each

ROOT = Path(__file__).parents[2]
PROVIDER = "0ed90a81-07f4-4586-8190-b40eccef1c5a"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", ["docs/fidelity.md", "docs/fidelity.svg", "fidelity/fidelity.jsonl"])
def test_the_page_is_current(name: str) -> None:
    files = page.files(fidelity.table(samples(), Contract.load()), samples())
    assert (ROOT / name).read_text(encoding="utf-8") == files[name], "run `make fidelity` and commit what it writes"


def test_a_sample_that_fails_stays_in_the_table_and_is_listed() -> None:
    failed = Sample(
        "page", "one", "createConnection", "success", "documented", "https://example.com", "2026-11-29",
        False, 201, {}, "the page prints another id", ("status 400",),
    )  # fmt: skip
    rows = fidelity.table([failed], Contract.load())
    row = next(row for row in rows if row.operation == "createConnection")
    assert str(row.documented) == "0/1"
    assert "page/one" in page.write(rows, [failed]) and "another id" in page.write(rows, [failed])
    assert json.loads(next(iter(fidelity.manifest([failed]))))["verdict"] == "different"


def test_samples_that_fail_for_one_reason_are_one_line() -> None:
    first = Sample(
        "page", "one", "createConnection", "success", "documented", "https://example.com", "2026-11-29",
        False, 201, {}, "the page prints another id", ("status 400",),
    )  # fmt: skip
    written = page.write([], [first, replace(first, page="other"), replace(first, id="two", differs="an older form")])
    assert [line for line in written.splitlines() if line.startswith("- ")] == [
        "- `page/one`, `other/one` (createConnection): the page prints another id",
        "- `page/two` (createConnection): an older form",
    ]


def test_every_operation_has_a_row_and_there_is_no_total() -> None:
    done = run("fidelity", "--json")
    rows = json.loads(done.output)
    assert {row["operation"] for row in rows} == set(Contract.load().operations)
    assert "total" not in run("fidelity").output.lower()


@each(
    "name, said",
    [
        ("createConnection", "POST /connections"),
        ("1404-412", "Version not matching"),
        ("FLOW-1404-412", "Version not matching"),
        ("delete-status", "204 or 202"),
        ("postgre-sql", "74a1c565-4e59-48d7-9d67-7c03b8a13137"),
        ("74a1c565-4e59-48d7-9d67-7c03b8a13137", "PostgreSQL"),
        ("etag.missing", "If-Match"),
        ("403027", "User region is missing"),
        ("404", "1439-404  Resource not found"),
        ("202", "answer it"),
        ("405", "given to any operation"),
        ("ErrMissingUserRegion", "403027"),
    ],
)
def test_each_kind_of_thing_is_explained(name: str, said: str) -> None:
    done = run("explain", name)
    assert done.exit_code == 0 and said in done.output


@pytest.mark.parametrize(("name", "meant"), [("creatConnection", "createConnection"), ("token", "missing-token")])
def test_a_misspelt_or_incomplete_name_is_corrected(name: str, meant: str) -> None:
    done = run("explain", name)
    assert done.exit_code == 2 and meant in done.output


def test_a_name_like_no_other_gets_the_commands_that_list_names() -> None:
    done = run("explain", "zzzz")
    assert done.exit_code == 2 and "`mockserver operations`" in done.output
    commands = re.findall(r"`(?:mockserver )?(\w+)`", done.output)
    assert len(commands) == 4 and all(run(command).exit_code == 0 for command in commands)


@pytest.mark.parametrize("name", ["", "\x1b[31mred", "x" * 3000, "Bearer eyJh.eyJh.c4n4ry"])
def test_an_unknown_name_is_repeated_only_if_it_is_a_name(name: str) -> None:
    done = run("explain", name)
    assert done.exit_code == 2 and "is not an operation" in done.output
    assert "\x1b" not in done.output and "x" * 100 not in done.output


def test_the_table_says_how_many_samples_a_quirk_decides() -> None:
    head, *rows = run("fidelity").stdout.splitlines()
    at = head.index("quirk") + len("quirk")
    quirks = {row.split()[0]: row[:at].split()[-1] for row in rows}
    assert quirks["retrieveConnection"] == "3" and quirks["createConnection"] == "–"
