"""Generates `docs/fidelity.md` and its picture from the table of fidelity."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from mockserver.evidence.fidelity import MANIFEST, FidelityRow, Tally, manifest
from mockserver.evidence.samples import Sample

_HEAD = """# Fidelity

How closely the emulator matches the real service, operation by operation. `make fidelity` replays every sample in
[`fidelity/`](../fidelity/README.md) and generates this page; a test checks that it is current.

{measure} There is no total, and an operation without samples does not count as passed.

![Samples per operation](fidelity.svg)

| column | meaning |
|---|---|
| documented | first successes and lists on a page: answered as printed / all |
| refusals | errors on a page |
| state | requests that depend on earlier ones: lookups, patches, deletions |
| recorded | contributed exchanges with the real service |
| assumed | statuses that the contract declares and no sample has, without those of the platform (429, 5xx) |
| quirk | samples that are answered as printed only with a quirk, because Adobe's documents disagree |
"""
_OF_DOCUMENTS = """\
Until recordings are contributed, this is **fidelity to Adobe's documents**: a sample passes if the emulator answers as
the page prints."""
_OF_THE_SERVICE = """\
The column `recorded` is **fidelity to the real service**, as far as contributed recordings show it. The others are
fidelity to Adobe's documents: a sample passes if the emulator answers as the page prints."""
_BAR, _LINE, _LEFT, _WIDTH = 12, 18, 250, 760


def write(rows: Sequence[FidelityRow], samples: Sequence[Sample]) -> str:
    """Generate the page."""
    head = "| operation | documented | refusals | state | recorded | assumed | quirk |"
    is_recorded = any(sample.provenance == "recorded" for sample in samples)
    measure = _OF_THE_SERVICE if is_recorded else _OF_DOCUMENTS
    lines = [_HEAD.format(measure=measure), head, "|---|---|---|---|---|---|---|"]
    for row in rows:
        tallies = (row.documented, row.refusals, row.state, row.recorded)
        cells = (*map(str, tallies), ", ".join(row.assumed) or "–", str(row.quirks or "–"))
        lines.append(f"| `{row.operation}` | {' | '.join(cells)} |")
    lines += ["", "## Samples that are not answered as printed", ""]
    lines += list(_differing(samples)) or ["None."]
    lines += ["", "## Pages", "", "| page | read | samples | as printed |", "|---|---|---|---|", *_pages(samples), ""]
    return "\n".join(lines)


def files(rows: Sequence[FidelityRow], samples: Sequence[Sample]) -> dict[str, str]:
    """Path in the repository -> generated content."""
    return {
        "docs/fidelity.md": write(rows, samples),
        "docs/fidelity.svg": picture(rows),
        f"fidelity/{MANIFEST}": "\n".join([*manifest(samples), ""]),
    }


def _differing(samples: Sequence[Sample]) -> Iterator[str]:
    """A line for each operation and reason, because many pages make the same mistake."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for sample in samples:
        if not sample.passed and not sample.setup:
            why = sample.differs or "; ".join(sample.departures)
            by_reason.setdefault((sample.operation, why), []).append(f"`{sample.name}`")
    for (operation, why), names in by_reason.items():
        yield f"- {', '.join(names)} ({operation}): {why}"


def _pages(samples: Sequence[Sample]) -> Iterator[str]:
    by_page: dict[tuple[str, str, str], list[Sample]] = {}
    for sample in samples:
        if not sample.setup:
            by_page.setdefault((sample.page, sample.source, sample.date), []).append(sample)
    for (name, source, date), found in by_page.items():
        shown = f"[{name}]({source})" if source.startswith("https://") else f"{name}: {source}"
        yield f"| {shown} | {date} | {len(found)} | {sum(sample.passed for sample in found)} |"


def picture(rows: Sequence[FidelityRow]) -> str:
    """Draw a bar for each operation with samples: green as printed, red otherwise. SVG for light and dark pages."""
    shown = [(row, _total(row)) for row in rows if _total(row).of]
    maximum = max((total.of for _, total in shown), default=1)
    height = _LINE * (len(shown) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        'aria-label="Samples per operation, answered as printed or otherwise" font-family="system-ui, sans-serif" '
        'font-size="12">',
        "<style>text{fill:#444}@media(prefers-color-scheme:dark){text{fill:#ccc}}</style>",
    ]
    for number, (row, total) in enumerate(shown):
        top = _LINE * number + 4
        scale = (_WIDTH - _LEFT - 60) / maximum
        good, all_of_it = total.passed * scale, total.of * scale
        parts.append(f'<text x="{_LEFT - 8}" y="{top + 10}" text-anchor="end">{html.escape(row.operation)}</text>')
        parts.append(f'<rect x="{_LEFT}" y="{top}" width="{all_of_it:.1f}" height="{_BAR}" rx="2" fill="#d9534f"/>')
        parts.append(f'<rect x="{_LEFT}" y="{top}" width="{good:.1f}" height="{_BAR}" rx="2" fill="#2e8b57"/>')
        parts.append(f'<text x="{_LEFT + all_of_it + 6:.1f}" y="{top + 10}">{total}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _total(row: FidelityRow) -> Tally:
    tallies = (row.documented, row.refusals, row.state, row.recorded)
    return Tally(sum(one.passed for one in tallies), sum(one.of for one in tallies))
