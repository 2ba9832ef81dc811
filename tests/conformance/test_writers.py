"""Tests that every report format has the same content and contains no markup of clients."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from contracts.clients import load
from mockserver import pages
from mockserver.conformance import (
    FORMATS,
    RULES,
    Level,
    Report,
    ScenarioVerdict,
    StaleAcceptance,
    Verdict,
    render,
    summary,
    write_reports,
)
from mockserver.conformance.writers import html, timeline
from tests.calls import connection
from tests.conformance.client import Client

ROOT = Path(__file__).parent.parent.parent
EVIL = "<script>alert(1)</script>\"'|`]]>\x07\x1b[31m"


@pytest.fixture(scope="module")
def report() -> Report:
    """A report with findings of all levels, scenarios of all verdicts, a stale baseline and hostile names."""
    client = Client()
    for name in ("tutorial", "etag.unquoted", "paging.limit-above-maximum", "lifecycle.never-deleted", "path.unknown"):
        load()[name].script(client.service)
    client.send("POST", "/connections", connection(EVIL), x_evil=EVIL)
    client.send("GET", f"/connections?{EVIL}=1", **{EVIL.replace("-", ""): "x"})
    client.answered(0, "GET", "/flows", code="reset")
    verdicts = [
        ScenarioVerdict("expired", "passed", "fine", (1,)),
        ScenarioVerdict("slow", "failed", EVIL, (2, 3), "Slow", "Wait."),
        ScenarioVerdict("pages", "untestable", "never listed"),
    ]
    return replace(client.judged(), scenarios=tuple(verdicts), stale=(StaleAcceptance("etag.missing", None, EVIL),))


def test_every_form_is_written_to_its_file(report: Report, tmp_path: Path) -> None:
    written = write_reports(report, tmp_path / "new" / "folder")
    assert [path.name for path in written] == [form.file for form in FORMATS.values()]
    assert all(
        path.read_text(encoding="utf-8") == render(report, name) for path, name in zip(written, FORMATS, strict=True)
    )


@pytest.mark.parametrize("form", FORMATS)
def test_a_report_of_nothing_can_be_written(form: str) -> None:
    assert render(Report(), form)


def test_the_json_keeps_its_published_schema(report: Report) -> None:
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(render(report, "json"))
    jsonschema.validate(document, schema)
    published = schema["properties"]
    assert set(document) == set(published)
    assert set(document["findings"][0]) == set(published["findings"]["items"]["properties"])
    assert document["counts"]["fail"] == sum(row["level"] == "FAIL" for row in document["findings"])


def test_junit_has_a_case_for_every_rule_and_scenario(report: Report) -> None:
    root = ElementTree.fromstring(render(report, "junit"))  # noqa: S314  (our own)
    names = {case.get("name"): case for case in root.iter("testcase")}
    assert set(RULES) <= set(names)
    assert names["etag.unquoted"].find("failure") is not None
    assert names["lifecycle.never-deleted"].find("failure") is None, "INFO fails nobody"
    assert [names[name].find("failure") is None for name in ("expired", "slow", "pages")] == [True, False, False]
    for suite in root.iter("testsuite"):
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))


def test_sarif_has_the_structure_the_standard_demands(report: Report) -> None:
    document = json.loads(render(report, "sarif"))
    assert document["version"] == "2.1.0" and document["$schema"].endswith("sarif-2.1.0.json")
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note") and result["message"]["text"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "openapi.yaml"


def test_the_terminal_is_coloured_only_when_asked(report: Report) -> None:
    plain, coloured = summary(report), summary(report, colour=True)
    assert "\x1b" not in plain and "\x07" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert "etag.unquoted" in plain and "1 of 3 scenarios passed" in plain


def test_markdown_has_a_bounded_number_of_rows(report: Report) -> None:
    text = render(replace(report, findings=report.findings[:1] * 205), "markdown")
    assert text.count(f"`{report.findings[0].rule}`") == 200 and "… and 5 more." in text


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_report_names_the_clients(form: str) -> None:
    client = Client()
    for name in ("curl/8.5.0", "curl/8.5.0", EVIL, "a", "b"):
        client.send("GET", "/flows", user_agent=name)
    text = render(client.judged(), form)
    assert re.search(r"by curl/8\.5\.0, .*, a\b", text) and "<script>alert" not in text
    assert "by" not in render(Report(), form).partition("conformance")[2].partition("Findings")[0]


def test_an_accepted_finding_is_suppressed_with_its_reason_in_sarif(report: Report) -> None:
    accepted = replace(report.findings[0], accepted="known since May")
    (run,) = json.loads(render(replace(report, findings=(accepted,)), "sarif"))["runs"]
    assert run["results"][0]["suppressions"] == [{"kind": "external", "justification": "known since May"}]


@pytest.mark.parametrize(
    ("levels", "verdicts", "stale", "says"),
    [
        ((), (), False, "Keeps the contract"),
        ((Level.INFO,), ("passed",), False, "Keeps the contract"),
        ((), (), True, "Accepts findings that no longer occur"),
        ((Level.WARN,), (), True, "Works by chance"),
        ((Level.WARN,), ("untestable",), False, "Does not pass every scenario"),
        ((Level.FAIL,), ("failed",), False, "Breaks the contract"),
    ],
)
def test_the_headline_says_the_worst(
    report: Report, levels: tuple[Level, ...], verdicts: tuple[Verdict, ...], stale: bool, says: str
) -> None:
    told = replace(
        report,
        findings=tuple(replace(report.findings[0], level=level) for level in levels),
        scenarios=tuple(ScenarioVerdict("one", verdict, "so it went") for verdict in verdicts),
        stale=report.stale if stale else (),
    )
    assert html.headline(told) == says
    assert html.headline(Report()) == "Nothing to judge"


def test_pauses_are_told_in_units_that_fit(report: Report) -> None:
    paused, at_ms = [], 0
    for entry, waited in zip(report.calls, (0, 3_000, 90_000, 600_000, 9_000_000), strict=False):
        at_ms += waited
        paused.append(entry._replace(at_ms=at_ms))
    assert [pause.label for pause in timeline.lay_out(paused).pauses] == ["3.0 s", "90 s", "10 min", "2 h"]


def test_a_time_that_no_calendar_has_is_shown_as_its_number(report: Report) -> None:
    strange = report.calls[0]._replace(at_ms=10**18)
    assert str(10**18) in render(replace(report, findings=(), calls=(strange,)), "html")


def test_markdown_rows_keep_their_columns(report: Report) -> None:
    tables = [line for line in render(report, "markdown").splitlines() if line.startswith("| ")]
    assert tables
    for line in tables:
        assert len(re.findall(r"(?<!\\)\|", line)) in (4, 6), line
    assert "<script" not in render(report, "markdown")


class _Markup(HTMLParser):
    """Counts the elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record a tag."""
        self.tags.append((tag, dict(attrs)))


def test_the_page_asks_nothing_of_the_network_and_runs_nothing_but_its_own_script(report: Report) -> None:
    page = _Markup()
    text = render(report, "html")
    page.feed(text)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("script") == 1 and tags.count("style") == 1
    assert not {"img", "link", "iframe", "object", "embed", "form", "base"} & set(tags)
    attributes = [(name, value) for _, attrs in page.tags for name, value in attrs.items()]
    assert not [name for name, _ in attributes if name.startswith("on") or name in ("style", "src")]
    assert {value[0] for name, value in attributes if name == "href" and value} == {"#"}
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert policy == pages.policy() and "default-src 'none'" in policy and "unsafe" not in policy
    assert "alert(1)</script>" not in text


def test_every_link_of_the_page_leads_somewhere(report: Report) -> None:
    page = _Markup()
    page.feed(render(report, "html"))
    ids = {attrs["id"] for _, attrs in page.tags if attrs.get("id")}
    targets = {(attrs.get("href") or "#")[1:] for tag, attrs in page.tags if tag == "a"}
    assert targets - {""} <= ids
