"""The outcomes as one self-contained page: promises, what failed with its exchanges, operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from contracts.outcome_report import Report
from contracts.requirements import Requirement
from contracts.secrecy import Mask
from contracts.verdicts import PASSED, Outcome
from contracts.wire import Answer

FILE = "index.html"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1c2430; }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .3rem .6rem; vertical-align: top;
border-bottom: 1px solid #e3e7ee } pre { background: #f5f7fa; padding: .6rem; overflow: auto; white-space: pre-wrap }
.passed { color: #1a7f4b } .failed { color: #b42318; font-weight: 600 } .untestable, .known { color: #8a5a00 }
"""


def document(report: Report, rows: Sequence[Requirement], mask: Mask, operations: Sequence[str]) -> str:
    """The whole page."""
    verdicts = report.of_promises(rows)
    kept = sum(verdict == PASSED for verdict in verdicts.values())
    head = f"{kept} of {len(rows)} promises kept · {len(report.outcomes)} checks · {report.exchanges} exchanges"
    ended = f"<p class=failed>Ended early: {escape(report.ended)}</p>" if report.ended else ""
    return "".join(
        (
            "<!doctype html><html lang=en><meta charset=utf-8><title>Flow Service contract</title>",
            f"<style>{_STYLE}</style>",
            f"<h1>Flow Service contract: {escape(mask.text(report.server))}</h1><p>{head} · {report.seconds:.1f} s · ",
            f"seed {report.seed}</p>{ended}",
            "<h2>Outcomes to look at</h2>",
            "".join(_finding(o, mask) for o in report.outcomes if o.verdict != PASSED) or "<p>None.</p>",
            "<h2>Promises</h2><table><tr><th>Promise<th>Level<th>Verdict<th>Text<th>Source</tr>",
            "".join(_promise(row, verdicts[row.id]) for row in rows),
            "</table><h2>Operations</h2><table><tr><th>Operation<th>Answers</tr>",
            "".join(_operation(name, report) for name in operations),
            "</table></html>\n",
        )
    )


def _finding(outcome: Outcome, mask: Mask) -> str:
    said = "".join(_exchange(answer, mask) for answer in outcome.evidence)
    details = f"<details><summary>{len(outcome.evidence)} exchanges</summary>{said}</details>" if said else ""
    return (
        f"<p><span class={escape(outcome.verdict.split()[0])}>{escape(outcome.verdict)}</span> "
        f"<b>{escape(outcome.label)}</b><br>{escape(mask.text(outcome.message))}</p>{details}"
    )


def _exchange(answer: Answer, mask: Mask) -> str:
    sent = answer.sent
    lines = [f"{sent.method} {sent.target}", *(f"{name}: {value}" for name, value in mask.headers(sent.headers))]
    # masked first and cut then: half a secret is not recognised any more
    lines += ["", mask.text(sent.body.decode("utf-8", "replace"))[:4000], "", f"HTTP {answer.status}"]
    lines += [*(f"{name}: {value}" for name, value in mask.headers(answer.headers)), "", mask.text(answer.text)[:4000]]
    return f"<pre>{escape(mask.text(chr(10).join(lines)))}</pre>"


def _promise(row: Requirement, verdict: str) -> str:
    return (
        f"<tr><td>{escape(row.id)}<td>{row.level}<td class={verdict.split()[0]}>{verdict}"
        f"<td>{escape(row.text)}<td>{escape(row.source)}</tr>"
    )


def _operation(name: str, report: Report) -> str:
    counts = report.statuses.get(name, Counter())
    shown = ", ".join(f"{status} ({count}x)" for status, count in sorted(counts.items())) or "never called"
    return f"<tr><td>{escape(name)}<td>{shown}</tr>"
