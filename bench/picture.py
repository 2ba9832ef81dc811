"""A run as an SVG picture: bars for the bare application and for ours, for each load with most client connections."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from bench.measure import Outcome, Row

_LEFT, _WIDTH, _RIGHT = 190, 430, 170
_BAR, _GAP = 13, 18
_TOP = 64
_BARE = "#9aa3ad"
_OURS = ("#1f6feb", "#1557c0", "#0b3d91")


def draw(outcome: Outcome) -> str:
    """The text of an SVG file that follows the reader's light or dark scheme."""
    rows = [row for row in outcome.rows if row.connections == max(outcome.plan.connections)]
    body = [*_legend(outcome), *_groups(rows)]
    height = _TOP + sum(_height(row) for row in rows) + 30
    width = _LEFT + _WIDTH + _RIGHT
    foot = f"{outcome.python}, {outcome.cores} cores, load by {outcome.generator}; {outcome.http_server}"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            ' role="img" font-family="system-ui, sans-serif" font-size="12">',
            "<title>Requests per second, next to a bare Flask application on the same server</title>",
            "<style>text{fill:#1f2328}.dim{fill:#656d76}@media(prefers-color-scheme:dark)"
            "{text{fill:#e6edf3}.dim{fill:#9aa3ad}}</style>",
            '<text x="10" y="22" font-size="15" font-weight="600">Requests per second,'
            f" {max(outcome.plan.connections)} client connections (more is better)</text>",
            *body,
            f'<text class="dim" x="10" y="{height - 10}" font-size="11">{escape(foot)}</text>',
            "</svg>\n",
        )
    )


def _legend(outcome: Outcome) -> Iterator[str]:
    names = ["bare Flask", *(f"ours, {number:,} stored" for number in outcome.plan.stored)]
    for number, (name, colour) in enumerate(zip(names, (_BARE, *_OURS), strict=False)):
        x = _LEFT + number * 145
        yield f'<rect x="{x}" y="36" width="11" height="11" rx="2" fill="{colour}"/>'
        yield f'<text x="{x + 17}" y="46">{escape(name)}</text>'


def _groups(rows: list[Row]) -> Iterator[str]:
    most = max(figures.per_second for row in rows for figures in (row.bare, *row.ours))
    top = _TOP
    for row in rows:
        yield f'<text x="{_LEFT - 12}" y="{top + _height(row) / 2 - 4:g}" text-anchor="end">{escape(row.load)}</text>'
        notes = ("", f"{row.to_bare:.2f} of bare", *(f"{one:.2f} of that" for one in row.to_fewest))
        bars = zip((row.bare, *row.ours), (_BARE, *_OURS), notes, strict=False)
        for place, (figures, colour, note) in enumerate(bars):
            said = f"{figures.per_second:,.0f}" + (f" · {note}" if note else "")
            yield from bar(top + place * _BAR, figures.per_second / most, colour, said)
        top += _height(row)


def bar(y: float, share: float, colour: str, said: str) -> Iterator[str]:
    """One bar, `share` of the widest, with words behind it."""
    length = share * _WIDTH
    yield f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR - 2}" rx="2" fill="{colour}"/>'
    yield f'<text x="{_LEFT + length + 6:.1f}" y="{y + 10}" font-size="11">{escape(said)}</text>'


def _height(row: Row) -> int:
    return (1 + len(row.ours)) * _BAR + _GAP
