"""The report as JUnit XML, which every CI can show: one test case per rule and per scenario."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from mockserver.conformance import rules
from mockserver.conformance.findings import Finding, Level, Report, ScenarioVerdict
from mockserver.conformance.writers.terminal import numbered

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write(report: Report) -> str:
    """Generate the XML. A case fails if its rule has an open FAIL or WARN finding; INFO is in its system-out."""
    root = ElementTree.Element("testsuites", name="Flow Service client conformance")
    broken = {finding.rule for finding in report.open if finding.level.reaches(Level.WARN)}
    table = rules.load()
    suite = _suite(root, "rules", len(table), len(broken))
    for row in table.values():
        case = ElementTree.SubElement(suite, "testcase", classname=f"rules.{row.family}", name=row.id)
        _fill(case, row.title, [finding for finding in report.open if finding.rule == row.id])
    if report.scenarios:
        failures = sum(scenario.verdict != "passed" for scenario in report.scenarios)
        suite = _suite(root, "scenarios", len(report.scenarios), failures)
        for scenario in report.scenarios:
            _scenario(suite, scenario)
    if report.stale:
        suite = _suite(root, "baseline", len(report.stale), len(report.stale))
        for stale in report.stale:
            case = ElementTree.SubElement(suite, "testcase", classname="baseline", name=stale.rule)
            ElementTree.SubElement(case, "failure", message="accepted, but no longer occurs", type="stale")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ElementTree.Element, name: str, tests: int, failures: int) -> ElementTree.Element:
    return ElementTree.SubElement(
        root, "testsuite", name=name, tests=str(tests), failures=str(failures), errors="0", skipped="0"
    )


def _fill(case: ElementTree.Element, title: str, findings: list[Finding]) -> None:
    bad = [finding for finding in findings if finding.level.reaches(Level.WARN)]
    text = _clean("\n".join(f"{finding.detail} ({numbered(finding.calls)})\n{finding.hint}" for finding in findings))
    if bad:
        ElementTree.SubElement(case, "failure", message=_clean(title), type=bad[0].level.value).text = text
    elif findings:
        ElementTree.SubElement(case, "system-out").text = text


def _scenario(suite: ElementTree.Element, scenario: ScenarioVerdict) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname="scenarios", name=scenario.id)
    if scenario.verdict != "passed":
        message = _clean(scenario.detail)
        failure = ElementTree.SubElement(case, "failure", message=message, type=scenario.verdict)
        failure.text = _clean(f"{numbered(scenario.calls)}\n{scenario.hint}".strip())


def _clean(text: str) -> str:
    """Remove characters that are not allowed in XML."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
