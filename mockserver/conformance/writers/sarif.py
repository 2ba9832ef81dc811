"""The report as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

from typing import Any

from mockserver.conformance import rules
from mockserver.conformance.findings import Finding, Level, Report, ScenarioVerdict
from mockserver.conformance.rules import Rule
from mockserver.conformance.writers.terminal import numbered
from mockserver.json_input import indented

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Level.FAIL: "error", Level.WARN: "warning", Level.INFO: "note"}


def write(report: Report) -> str:
    """Generate one run. Each finding is a result at the logical location of its operation."""
    table = rules.load()
    index = {rule_id: number for number, rule_id in enumerate(table)}
    scenarios = [scenario for scenario in report.scenarios if scenario.verdict != "passed"]
    described = [_rule(row) for row in table.values()]
    for scenario in scenarios:
        index[_scenario_rule(scenario)] = len(described)
        described.append({"id": _scenario_rule(scenario), "shortDescription": {"text": scenario.title or scenario.id}})
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "Mock Flow Service", "rules": described}},
        "columnKind": "utf16CodeUnits",
        "results": [
            *(_finding(finding, index) for finding in report.findings),
            *(_scenario(scenario, index) for scenario in scenarios),
        ],
    }
    for result in run["results"]:
        result["locations"][0]["physicalLocation"] = _file(report.client_file or "openapi.yaml")
    return indented({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}) + "\n"


def _rule(row: Rule) -> dict[str, Any]:
    return {
        "id": row.id,
        "shortDescription": {"text": row.title},
        "fullDescription": {"text": row.explanation},
        "help": {"text": f"{row.hint}\n\nSource: {row.source}"},
        "defaultConfiguration": {"level": _LEVELS[row.level]},
        "properties": {"tags": [row.family]},
    }


def _finding(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.level],
        "message": {"text": f"{finding.detail} ({numbered(finding.calls)}). {finding.hint}"},
        "locations": [_location(finding.operation, "function")],
        "partialFingerprints": {"ruleAndOperation/v1": f"{finding.rule}:{finding.operation or '-'}"},
        "properties": {"calls": list(finding.calls)},
    }
    if finding.accepted is not None:
        result["suppressions"] = [{"kind": "external", "justification": finding.accepted}]
    return result


def _scenario(scenario: ScenarioVerdict, index: dict[str, int]) -> dict[str, Any]:
    return {
        "ruleId": _scenario_rule(scenario),
        "ruleIndex": index[_scenario_rule(scenario)],
        "level": "error",
        "message": {"text": f"{scenario.verdict}: {scenario.detail}"},
        "locations": [_location(scenario.id, "member")],
        "properties": {"calls": list(scenario.calls)},
    }


def _scenario_rule(scenario: ScenarioVerdict) -> str:
    return f"scenario.{scenario.id}"


def _location(name: str | None, kind: str) -> dict[str, Any]:
    return {"logicalLocations": [{"fullyQualifiedName": name or "no operation of the contract", "kind": kind}]}


def _file(uri: str) -> dict[str, Any]:
    """A location in a file, which viewers require: the client's file if it is known, otherwise the contract."""
    return {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}
