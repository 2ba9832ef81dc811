"""A run as an SVG picture: one bar for the bare application and two for ours, for each case."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from bench.measure import Outcome, Row

_LEFT, _WIDTH, _RIGHT = 210, 420, 150
_BAR, _GAP = 13, 18
_TOP = 64
_COLOURS = ("#9aa3ad", "#1f6feb", "#0b3d91")


def draw(outcome: Outcome) -> str:
    """The text of an SVG file that follows the reader's light or dark scheme."""
    plan = outcome.plan
    most = max(figures.per_second for row in outcome.rows for figures in (row.bare, row.few, row.many))
    height = _TOP + len(outcome.rows) * (3 * _BAR + _GAP) + 30
    names = ("bare Flask", f"ours, {plan.few:,} stored", f"ours, {plan.many:,} stored")
    body = [*_legend(names), *(part for number, row in enumerate(outcome.rows) for part in _group(number, row, most))]
    width = _LEFT + _WIDTH + _RIGHT
    foot = f"{outcome.python}, {outcome.cores} cores, load by {outcome.generator}; {outcome.http_server}"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            ' role="img" font-family="system-ui, sans-serif" font-size="12">',
            "<title>Requests per second, next to a bare Flask application on the same server</title>",
            "<style>text{fill:#1f2328}.dim{fill:#656d76}@media(prefers-color-scheme:dark)"
            "{text{fill:#e6edf3}.dim{fill:#9aa3ad}}</style>",
            '<text x="10" y="22" font-size="15" font-weight="600">Requests per second (more is better)</text>',
            *body,
            f'<text class="dim" x="10" y="{height - 10}" font-size="11">{escape(foot)}</text>',
            "</svg>\n",
        )
    )


def _legend(names: tuple[str, ...]) -> Iterator[str]:
    for number, (name, colour) in enumerate(zip(names, _COLOURS, strict=True)):
        x = _LEFT + number * 170
        yield f'<rect x="{x}" y="36" width="11" height="11" rx="2" fill="{colour}"/>'
        yield f'<text x="{x + 17}" y="46">{escape(name)}</text>'


def _group(number: int, row: Row, most: float) -> Iterator[str]:
    top = _TOP + number * (3 * _BAR + _GAP)
    yield f'<text x="{_LEFT - 12}" y="{top + 18}" text-anchor="end">{escape(row.case)}</text>'
    yield f'<text class="dim" x="{_LEFT - 12}" y="{top + 33}" text-anchor="end">{row.connections} at a time</text>'
    notes = ("", f"{row.to_bare:.2f} of bare", f"{row.many_to_few:.2f} of the bar above")
    for place, (figures, colour, note) in enumerate(zip((row.bare, row.few, row.many), _COLOURS, notes, strict=True)):
        y, length = top + place * _BAR, figures.per_second / most * _WIDTH
        yield f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR - 2}" rx="2" fill="{colour}"/>'
        said = f"{figures.per_second:,.0f}" + (f" · {note}" if note else "")
        yield f'<text x="{_LEFT + length + 6:.1f}" y="{y + 10}" font-size="11">{escape(said)}</text>'
