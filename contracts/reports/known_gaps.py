"""Formats the currently failing checks as a list for `--known-gaps`."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from contracts.reports.outcomes import SuiteReport
from contracts.secrecy import Mask

_HEAD = """\
# Checks that this server is known to fail, for `mockserver contract URL --known-gaps FILE`. The reason is what the run
# saw; replace it by yours. A check that passes again is reported as stale, so that the list stays true.
"""


def document(report: SuiteReport, levels: Mapping[str, str], mask: Mask) -> str:
    """Format the whole file: one row for each check named by a finding."""
    rows = {
        finding.first.check: {"check": finding.first.check, "reason": mask.text(finding.first.message)}
        for finding in report.findings(levels)
    }
    shown = yaml.safe_dump(list(rows.values()), sort_keys=False, allow_unicode=True, width=110)
    return _HEAD + shown
