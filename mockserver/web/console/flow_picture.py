"""Draws a flow: its sources and targets beside it, and its runs on a timeline. Lengths are in SVG units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mockserver.web.console import rows
from mockserver.web.console.records import KINDS, Records

WIDTH = 960
_BOX_WIDTH, _BOX_HEIGHT, _GAP = 264, 66, 14
_MAX_ENDS = 4
_MAX_LETTERS = 32
_BARS_TOP, _BARS_HEIGHT = 12, 96
_MIN_BAR, _MAX_BAR_WIDTH = 3, 22
_MARGIN = 12


@dataclass(frozen=True, slots=True)
class Box:
    """A box for a connection or for the flow."""

    x: float
    y: float
    title: str
    sub: str
    kind: str
    entity_id: str

    @property
    def middle(self) -> float:
        """The y coordinate of arrows."""
        return self.y + _BOX_HEIGHT / 2


@dataclass(frozen=True, slots=True)
class RunBar:
    """A bar for a run, placed by time; its height is the number of records read."""

    x: float
    y: float
    width: float
    height: float
    failed: float
    """Height for the failed records."""
    state: str
    run_id: str
    label: str


@dataclass(frozen=True, slots=True)
class FlowPicture:
    """All elements of the drawing."""

    sources: tuple[Box, ...]
    flow: Box
    targets: tuple[Box, ...]
    bars: tuple[RunBar, ...]
    first_ms: int
    last_ms: int
    max_read: int
    """Records of the largest run."""
    left_out: int
    """Number of connections that are not drawn."""

    box_width, box_height, width = _BOX_WIDTH, _BOX_HEIGHT, WIDTH
    base = _BARS_TOP + _BARS_HEIGHT
    """The y coordinate of the bottom of all bars."""

    @property
    def height(self) -> float:
        """Height of the part with the boxes."""
        rows_of_boxes = max(len(self.sources), len(self.targets), 1)
        return rows_of_boxes * (_BOX_HEIGHT + _GAP) + _GAP


def draw(records: Records, flow: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> FlowPicture:
    """Lay out a flow and its runs, oldest first."""
    sources = _ends(records, flow, "sourceConnectionIds", "sourceConnections")
    targets = _ends(records, flow, "targetConnectionIds", "targetConnections")
    tallest = max(min(len(sources), _MAX_ENDS), min(len(targets), _MAX_ENDS), 1)
    spec = f"{records.flow_spec(flow.get('flowSpec'))}, {rows.every(flow.get('scheduleParams'))}"
    middle = Box(
        (WIDTH - _BOX_WIDTH) / 2, _top(0, 1, tallest), _short(flow.get("name")), _short(spec), "flows", flow["id"]
    )
    bars, first_ms, last_ms, max_read = _bars(runs)
    left_out = max(0, len(sources) - _MAX_ENDS) + max(0, len(targets) - _MAX_ENDS)
    return FlowPicture(
        _placed(sources, 2, tallest), middle, _placed(targets, WIDTH - _BOX_WIDTH - 2, tallest),
        bars, first_ms, last_ms, max_read, left_out,
    )  # fmt: skip


def _ends(records: Records, flow: Mapping[str, Any], member: str, kind: str) -> list[tuple[str, str, str, str]]:
    """Title, subtitle, kind and id of each connection."""
    found = []
    for entity_id in flow.get(member) or ():
        shown = records.get(KINDS[kind], str(entity_id))
        if shown is None:
            found.append(("deleted", str(entity_id), kind, str(entity_id)))
            continue
        what = rows.object_of(shown)
        label = records.label(shown.get("connectionSpec"))
        found.append((_short(shown.get("name")), _short(f"{label}: {what}" if what else label), kind, str(entity_id)))
    return found


def _placed(ends: list[tuple[str, str, str, str]], x: float, tallest: int) -> tuple[Box, ...]:
    shown = ends[:_MAX_ENDS]
    return tuple(Box(x, _top(place, len(shown), tallest), *end) for place, end in enumerate(shown))


def _top(place: int, of: int, tallest: int) -> float:
    """The y coordinate of a box. Shorter columns are centred beside the tallest."""
    step = _BOX_HEIGHT + _GAP
    return _GAP + (tallest - of) * step / 2 + place * step


def _short(value: Any) -> str:
    text = str(value or "without a name")
    return text if len(text) <= _MAX_LETTERS else text[: _MAX_LETTERS - 1] + "…"


def _bars(runs: Sequence[Mapping[str, Any]]) -> tuple[tuple[RunBar, ...], int, int, int]:
    if not runs:
        return (), 0, 0, 0
    at = [(rows.span_of(run) or (int(run.get("createdAt", 0)),))[0] for run in runs]
    first_ms, last_ms = min(at), max(at)
    max_read = max(rows.records_of(run)[0] for run in runs)
    room = WIDTH - 2 * _MARGIN
    width = max(_MIN_BAR, min(_MAX_BAR_WIDTH, room / len(runs) - 2))
    reach = max(1, last_ms - first_ms)
    bars = []
    for start, run in zip(at, runs, strict=True):
        read, failed = rows.records_of(run)
        height = max(_MIN_BAR, _BARS_HEIGHT * read / max_read) if max_read else _MIN_BAR
        x = _MARGIN + (room - width) * (start - first_ms) / reach
        label = f"{run.get('state', '')}: {read} records{f', {failed} failed' if failed else ''}"
        failing = height * failed / read if read else 0
        y = _BARS_TOP + _BARS_HEIGHT - height
        bars.append(RunBar(x, y, width, height, failing, str(run.get("state")), run["id"], label))
    return tuple(bars), first_ms, last_ms, max_read
