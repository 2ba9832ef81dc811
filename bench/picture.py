"""Draws a run as an SVG picture: ours beside the bare application and other tools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from bench.measure import LoadOutcome
from bench.peers.report import passes

_LEFT, _WIDTH, _RIGHT = 130, 470, 200
_BAR, _GAP = 14, 14
_BARE, _OTHER = "#9aa3ad", "#c77c2b"
_OURS = ("#1f6feb", "#1557c0", "#0b3d91")
_IN_RACE = ("POST valid", "POST wrong type")


@dataclass(frozen=True, slots=True)
class _Bar:
    per_second: float
    colour: str
    note: str = ""
    name: str = ""
    hollow: bool = False
    """A rate of responses to unchecked invalid requests."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Bars that belong together under a title, each with its name."""

    title: str
    bars: list[_Bar]


def draw(outcome: LoadOutcome) -> str:
    """The text of an SVG file that follows the reader's light or dark scheme."""
    clients = max(outcome.plan.connections)
    body = [f'<text x="10" y="22" class="title">Requests per second, {clients} client connections</text>']
    body += _legend(outcome, 36)
    y = _groups(body, 62, _beside_bare(outcome, clients))
    if outcome.peers.standings:
        y += 22
        body.append(f'<text x="10" y="{y}" class="title">Beside other tools, {clients} client connections</text>')
        hint = "Hollow: invalid requests were accepted, so this is the rate without checks."
        body.append(f'<text x="10" y="{y + 18}" class="dim" font-size="11">{hint}</text>')
        y = _groups(body, y + 34, _beside_tools(outcome, clients))
    width, height = _LEFT + _WIDTH + _RIGHT, y + 22
    foot = f"{outcome.python}, {outcome.cores} cores, load by {outcome.generator}; {outcome.http_server}"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            ' role="img" font-family="system-ui, sans-serif" font-size="12">',
            "<title>Requests per second: ours, a bare Flask application on the same server, other tools</title>",
            "<style>text{fill:#1f2328}.dim{fill:#656d76}.title{font-size:15px;font-weight:600}"
            "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.dim{fill:#9aa3ad}}</style>",
            *body,
            f'<text class="dim" x="10" y="{height - 8}" font-size="11">{escape(foot)}</text>',
            "</svg>\n",
        )
    )


def _beside_bare(outcome: LoadOutcome, connections: int) -> list[_Group]:
    groups = []
    for row in (row for row in outcome.rows if row.connections == connections):
        fewest = f"of that with {outcome.plan.stored[0]:,}"
        notes = (f"{row.to_bare:.2f} of bare", *(f"{one:.2f} {fewest}" for one in row.to_fewest))
        looks = zip(row.ours, _OURS, notes, strict=False)
        ours = [_Bar(one.per_second, colour, note) for one, colour, note in looks]
        groups.append(_Group(row.load, [_Bar(row.bare.per_second, _BARE), *ours]))
    return groups


def _beside_tools(outcome: LoadOutcome, connections: int) -> list[_Group]:
    groups = []
    for load in _IN_RACE:
        bars = []
        for standing in outcome.peers.standings:
            if seen := standing.at(load, connections):
                colour = {"ours": _OURS[0], "bare Flask": _BARE}.get(standing.name, _OTHER)
                words = "" if standing.name == "ours" else f"ours is {seen.ours:.1f} times that"
                if passes(seen):
                    words = f"{seen.status}, not refused"
                bars.append(_Bar(seen.figures.per_second, colour, words, standing.name, passes(seen)))
        groups.append(_Group(load, bars))
    return groups


def _legend(outcome: LoadOutcome, y: float) -> Iterator[str]:
    names = ["bare Flask", *(f"ours, {number:,} stored" for number in outcome.plan.stored)]
    for number, (name, colour) in enumerate(zip(names, (_BARE, *_OURS), strict=False)):
        x = _LEFT + number * 150
        yield f'<rect x="{x}" y="{y}" width="11" height="11" rx="2" fill="{colour}"/>'
        yield f'<text x="{x + 17}" y="{y + 10}">{escape(name)}</text>'


def _groups(body: list[str], y: int, groups: list[_Group]) -> int:
    """Draw groups from `y` on with the same scale; returns where they end."""
    highest = max(bar.per_second for group in groups for bar in group.bars)
    for group in groups:
        named = any(bar.name for bar in group.bars)
        if named:
            body.append(f'<text x="{_LEFT}" y="{y + 10}" font-weight="600">{escape(group.title)}</text>')
            y += _BAR + 3
        else:
            middle = y + len(group.bars) * _BAR / 2 + 3
            body.append(f'<text x="{_LEFT - 12}" y="{middle:g}" text-anchor="end">{escape(group.title)}</text>')
        for bar in group.bars:
            body += _bar(y, bar, highest)
            y += _BAR
        y += _GAP
    return y


def _bar(y: float, bar: _Bar, highest: float) -> Iterator[str]:
    length = bar.per_second / highest * _WIDTH
    look = f'fill="none" stroke="{bar.colour}" stroke-dasharray="3 2"' if bar.hollow else f'fill="{bar.colour}"'
    said = f"{bar.per_second:,.0f}" + (f" · {bar.note}" if bar.note else "")
    yield f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR - 3}" rx="2" {look}/>'
    yield f'<text x="{_LEFT + length + 6:.1f}" y="{y + 10}" font-size="11">{escape(said)}</text>'
    if bar.name:
        yield f'<text x="{_LEFT - 12}" y="{y + 10}" text-anchor="end" font-size="11">{escape(bar.name)}</text>'
