"""A flow as a picture: its sources and targets beside it, and its runs on a time line. Lengths are in SVG units."""

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
_LEAST_BAR, _WIDEST_BAR = 3, 22
_MARGIN = 12


@dataclass(frozen=True, slots=True)
class Box:
    """One connection or the flow itself."""

    x: float
    y: float
    title: str
    sub: str
    kind: str
    entity_id: str

    @property
    def middle(self) -> float:
        """The height at which arrows meet it."""
        return self.y + _BOX_HEIGHT / 2


@dataclass(frozen=True, slots=True)
class RunBar:
    """One run: where it stands in time, and how much it read."""

    x: float
    y: float
    width: float
    height: float
    failed: float
    """Height of the part that failed."""
    state: str
    run_id: str
    told: str


@dataclass(frozen=True, slots=True)
class FlowPicture:
    """Everything that is drawn."""

    sources: tuple[Box, ...]
    flow: Box
    targets: tuple[Box, ...]
    bars: tuple[RunBar, ...]
    first_ms: int
    last_ms: int
    most: int
    """Records of the largest run."""
    left_out: int
    """Ends for which there was no room."""

    box_width, box_height, width = _BOX_WIDTH, _BOX_HEIGHT, WIDTH
    base = _BARS_TOP + _BARS_HEIGHT
    """Where bars stand."""

    @property
    def height(self) -> float:
        """Of the picture of the ends."""
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
    bars, first_ms, last_ms, most = _bars(runs)
    left_out = max(0, len(sources) - _MAX_ENDS) + max(0, len(targets) - _MAX_ENDS)
    return FlowPicture(
        _placed(sources, 2, tallest), middle, _placed(targets, WIDTH - _BOX_WIDTH - 2, tallest),
        bars, first_ms, last_ms, most, left_out,
    )  # fmt: skip


def _ends(records: Records, flow: Mapping[str, Any], member: str, kind: str) -> list[tuple[str, str, str, str]]:
    """Title, second line, kind and id of each end."""
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
    """Where a box begins, in a column that is centred beside the tallest."""
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
    most = max(rows.records_of(run)[0] for run in runs)
    room = WIDTH - 2 * _MARGIN
    width = max(_LEAST_BAR, min(_WIDEST_BAR, room / len(runs) - 2))
    reach = max(1, last_ms - first_ms)
    bars = []
    for start, run in zip(at, runs, strict=True):
        read, failed = rows.records_of(run)
        height = max(_LEAST_BAR, _BARS_HEIGHT * read / most) if most else _LEAST_BAR
        x = _MARGIN + (room - width) * (start - first_ms) / reach
        told = f"{run.get('state', '')}: {read} records{f', {failed} failed' if failed else ''}"
        failing = height * failed / read if read else 0
        bars.append(
            RunBar(x, _BARS_TOP + _BARS_HEIGHT - height, width, height, failing, str(run.get("state")), run["id"], told)
        )
    return tuple(bars), first_ms, last_ms, most
