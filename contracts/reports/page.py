"""Formats a run as one self-contained HTML page: verdict, findings with exchanges, promises, operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from contracts.causes import SuiteFinding
from contracts.outcome_report import SuiteReport
from contracts.reports import summary
from contracts.requirements import WORDS, Requirement, levels
from contracts.secrecy import Mask
from contracts.verdicts import KNOWN_GAP, NOT_COMPARABLE, PASSED, UNTESTABLE, Outcome
from contracts.wire import Answer

FILE = "index.html"
_STYLE = """
:root { color-scheme: light dark; --paper: #fbfbf9; --card: #fff; --ink: #1d2327; --soft: #5d6770; --line: #dfe3e6;
--wash: #f1f3f4; --fail: #b42318; --warn: #93610a; --note: #1b6796; --good: #1c7a4a }
@media (prefers-color-scheme: dark) { :root { --paper: #14181b; --card: #1b2125; --ink: #e6eaed; --soft: #9aa6af;
--line: #313a41; --wash: #232b30; --fail: #ff8f85; --warn: #f0bf5b; --note: #7cc4ec; --good: #70d49e } }
* { box-sizing: border-box } body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 74rem;
padding: 1.5rem clamp(1rem, 4vw, 3rem) 4rem; background: var(--paper); color: var(--ink) }
h1 { margin: 0; font-size: 1.05rem; font-weight: 600; color: var(--soft) }
h2 { margin: 2.5rem 0 1rem; font-size: 1.25rem }
h3 { margin: 0 0 .3rem; font-size: 1rem } p { margin: .4rem 0 } .soft, .untestable { color: var(--soft) }
.verdict { margin: .25rem 0 1rem; font-size: clamp(1.5rem, 4vw, 2.2rem); font-weight: 700 }
.bad, .failed, .FAIL h3 b { color: var(--fail) } .fine, .passed { color: var(--good) }
.WARN h3 b, .known, .not { color: var(--warn) } .NOTE h3 b { color: var(--note) }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 0 }
.figures div { padding: .7rem .9rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--card) }
.figures dt { color: var(--soft); font-size: .85rem } .figures dd { margin: 0; font-size: 1.5rem; font-weight: 650 }
article { margin: 0 0 .75rem; padding: .9rem 1.1rem; border: 1px solid var(--line); border-radius: .5rem;
border-left: .3rem solid var(--note); background: var(--card) } .FAIL { border-left-color: var(--fail) }
.WARN { border-left-color: var(--warn) } summary { cursor: pointer }
table { border-collapse: collapse; width: 100%; font-size: .92rem } td, th { text-align: left; padding: .4rem .6rem;
vertical-align: top; border-bottom: 1px solid var(--line) } th { color: var(--soft); font-weight: 600 }
pre { margin: .5rem 0; padding: .7rem; border-radius: .4rem; background: var(--wash); white-space: pre-wrap;
overflow-wrap: anywhere }
"""


def document(report: SuiteReport, rows: Sequence[Requirement], mask: Mask, operations: Sequence[str]) -> str:
    """The whole page."""
    found = report.findings(levels(rows))
    serious = report.broken_off or any(WORDS[finding.level(levels(rows))] != "NOTE" for finding in found)
    notes = "".join(f"<p class=failed>{escape(mask.text(text))}</p>" for text in _notes(report))
    return "".join(
        (
            "<!doctype html><html lang=en><meta charset=utf-8><title>Flow Service contract</title>",
            f"<style>{_STYLE}</style><h1>Flow Service contract: {escape(mask.text(report.server))}</h1>",
            f"<p class='verdict {'bad' if serious else 'fine'}'>{escape(mask.text(summary.verdict(report, rows)))}</p>",
            _figures(report, rows),
            notes,
            "<h2>Findings</h2>",
            "".join(_finding(finding, rows, mask) for finding in found) or "<p>None.</p>",
            _others(report, mask),
            "<h2>Promises</h2><table><tr><th>Promise<th>Level<th>Verdict<th>Text<th>Source</tr>",
            "".join(_promise(row, verdict) for row, verdict in zip(rows, _verdicts(report, rows), strict=True)),
            "</table><h2>Operations</h2><table><tr><th>Operation<th>Answers</tr>",
            "".join(f"<tr><td>{escape(name)}<td>{_answers(report, name)}</tr>" for name in operations),
            "</table></html>\n",
        )
    )


def _figures(report: SuiteReport, rows: Sequence[Requirement]) -> str:
    counts = Counter(WORDS[finding.level(levels(rows))] for finding in report.findings(levels(rows)))
    verdicts = Counter(_verdicts(report, rows))
    figures: list[tuple[str, object]] = [(word, counts[word]) for word in WORDS.values()]
    figures += [("promises kept", f"{verdicts[PASSED]} / {len(rows)}"), ("not comparable", verdicts[NOT_COMPARABLE])]
    figures += [("exchanges", report.exchanges), ("entities made", report.made), ("left behind", len(report.left))]
    figures += [("seconds", f"{report.seconds:.1f}"), ("seed", report.seed)]
    return f"<dl class=figures>{''.join(f'<div><dt>{name}</dt><dd>{value}</dd></div>' for name, value in figures)}</dl>"


def _notes(report: SuiteReport) -> list[str]:
    ended = [f"Ended early: {report.ended}"] if report.ended else []
    left = [f"Left behind: {item}" for item in report.left]
    stale = [f"Stale gap: {check} passes now" for check in report.stale_gaps]
    return ended + left + stale + [f"The suite itself had trouble: {item}" for item in report.trouble]


def _finding(finding: SuiteFinding, rows: Sequence[Requirement], mask: Mask) -> str:
    word = WORDS[finding.level(levels(rows))]
    promise = next((row for row in rows if finding.first.check in row.checks), None)
    told = f"<p class=soft>{escape(promise.text)}<br>Source: {escape(promise.origin)}</p>" if promise else ""
    more = "".join(f"<p class=soft>{escape(mask.text(line))}</p>" for line in summary.details(finding))
    return (
        f"<article class={word}><h3><b>{word}</b> {escape(finding.label)}</h3>"
        f"<p>{escape(mask.text(finding.first.message))}</p>{told}{more}{_evidence(finding.first, mask)}</article>"
    )


def _others(report: SuiteReport, mask: Mask) -> str:
    """The outcomes without a finding: known gaps, not comparable, untestable."""
    parts = []
    for verdict in (KNOWN_GAP, NOT_COMPARABLE, UNTESTABLE):
        found = report.having(verdict)
        lines = "".join(f"<p><b>{escape(o.label)}</b><br>{escape(mask.text(o.message))}</p>" for o in found)
        if found:
            parts.append(f"<details><summary>{verdict}: {len(found)} checks</summary>{lines}</details>")
    return "".join(parts)


def _evidence(outcome: Outcome, mask: Mask) -> str:
    said = "".join(_exchange(answer, mask) for answer in outcome.evidence)
    count = "1 exchange" if len(outcome.evidence) == 1 else f"{len(outcome.evidence)} exchanges"
    return f"<details><summary>{count}</summary>{said}</details>" if said else ""


def _exchange(answer: Answer, mask: Mask) -> str:
    sent = answer.sent
    lines = [
        f"{sent.method} {mask.url(sent.target)}",
        *(f"{name}: {value}" for name, value in mask.headers(sent.headers)),
    ]
    lines += ["", mask.body(sent.body)[:4000], ""]
    lines += [answer.silence or f"HTTP {answer.status}"]
    lines += [*(f"{name}: {value}" for name, value in mask.headers(answer.headers)), "", mask.body(answer.body)[:4000]]
    return f"<pre>{escape(mask.text(chr(10).join(lines)))}</pre>"


def _verdicts(report: SuiteReport, rows: Sequence[Requirement]) -> list[str]:
    verdicts = report.of_promises(rows)
    return [verdicts[row.id] for row in rows]


def _promise(row: Requirement, verdict: str) -> str:
    return (
        f"<tr><td>{escape(row.id)}<td>{row.level}<td class={verdict.split()[0]}>{verdict}"
        f"<td>{escape(row.text)}<td>{escape(row.origin)}</tr>"
    )


def _answers(report: SuiteReport, name: str) -> str:
    return escape(summary.answers(report.statuses.get(name, Counter())))
