"""The table of rules: complete, told in the documentation and on the command line, at one with the catalogue."""

import json
from pathlib import Path

import yaml
from click.testing import CliRunner

from mockserver.cli import main
from mockserver.conformance import RULES
from mockserver.conformance.families import auth, connection_strings
from mockserver.connectors import CATALOGUE


def test_there_are_rules_enough_and_each_says_what_it_must() -> None:
    assert len(RULES) >= 35
    for row in RULES.values():
        texts = (row.title, row.source, row.hint, row.explanation)
        assert all(len(text) > 10 for text in texts), row.id
        assert row.explanation.endswith("."), row.id


def test_the_documentation_lists_every_rule_as_it_is() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "judging-clients.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `") and "." in line.split("`")[1]]
    expected = [f"| `{row.id}` | {row.level} | {row.title} | {row.hint} |" for row in RULES.values()]
    assert rows == expected
    assert f"by {len(RULES)} rules" in text


def test_what_rules_know_of_postgresql_is_what_its_connector_file_says() -> None:
    raw = yaml.safe_load((CATALOGUE / "postgresql.yaml").read_text(encoding="utf-8"))
    by_string, basic = (spec["params"] for spec in raw["authSpecs"])
    keys = by_string["connectionString"]["keys"]
    names = {name.lower() for key in keys for name in (key, *keys[key].get("synonyms", ()))}
    misspelt_by_the_page = {"validationservercertificate"}
    assert names - misspelt_by_the_page == connection_strings.KNOWN_KEYS
    assert list(auth.SPELLINGS) == basic["sslMode"]["enum"]
    assert list(auth.ON_AWS) == basic["sslMode"]["platformValues"]["aws"]
    assert raw["id"] == auth.POSTGRESQL


def test_rules_are_listed_and_explained_on_the_command_line() -> None:
    run = CliRunner().invoke
    listed = run(main, ["rules"]).output.splitlines()
    assert len(listed) == len(RULES)
    assert [row["id"] for row in json.loads(run(main, ["rules", "--json"]).output)] == list(RULES)
    explained = run(main, ["rules", "etag.unquoted"]).output
    assert RULES["etag.unquoted"].hint in explained and RULES["etag.unquoted"].source in explained
    assert "etag.missing" in run(main, ["rules", "etag"]).output
    assert run(main, ["rules", "no.such"]).exit_code == 2
