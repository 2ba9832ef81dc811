"""Makes the exchanges of one page and compares what comes back with what the page prints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonpointer
import yaml

from mockserver import Config, Emulator
from mockserver.quirks import Quirks
from tests.calls import send

FOLDER = Path(__file__).parent.parent.parent / "fidelity" / "documented"

_MARKS = {
    "<uuid>": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<etag>": r'"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"',
    "<ms>": r"1[0-9]{12}",
    "<number>": r"-?[0-9]+(\.[0-9]+)?",
    "<text>": r"(?s).*",
}
_NUMBERS = ("<ms>", "<number>")


def pages() -> dict[str, dict[str, Any]]:
    """File name -> page."""
    files = sorted(FOLDER.glob("*.yaml"))
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in files}


def replay(page: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], list[str]]]:
    """Each exchange of a page and where its answer departs from what is printed."""
    emulator = Emulator(Config(seed=1, quirk=dict(page.get("quirks", {})), **_settings(page)))
    known: dict[str, Any] = {}
    for exchange in page["exchanges"]:
        before = dict(emulator.quirks)
        emulator.quirks.update(exchange.get("quirks", {}))
        request = _filled(exchange["request"], known)
        headers = {name.lower(): value for name, value in request.get("headers", {}).items()}
        headers |= {name.lower(): None for name in request.get("without", ())}
        result = send(emulator, request["method"], request["path"], request.get("body"), headers=headers)
        expect = exchange["expect"]
        found = [] if result.status == expect["status"] else [f"status {result.status}, {result.body}"]
        if not found and "body" in expect:
            found = list(departures(_filled(expect["body"], known), result.body, ""))
        if result.status < 300:
            known |= {name: jsonpointer.resolve_pointer(result.body, at) for name, at in _captures(exchange)}
        emulator.quirks.update(before)
        yield exchange, found


def departures(printed: Any, came: Any, at: str) -> Iterator[str]:
    """Where a value is not what is printed; members that are not printed may be there."""
    if isinstance(printed, dict):
        if not isinstance(came, dict):
            yield f"{at or '/'}: {came!r} is no object"
            return
        for name, inner in printed.items():
            if name not in came:
                yield f"{at}/{name} is missing"
            else:
                yield from departures(inner, came[name], f"{at}/{name}")
    elif isinstance(printed, list):
        items = printed[:-1] if printed[-1:] == ["..."] else printed
        if not isinstance(came, list) or len(came) < len(items) or (items is printed and len(came) != len(items)):
            yield f"{at or '/'}: {came!r} is not a list of {len(items)}"
            return
        for place, inner in enumerate(items):
            yield from departures(inner, came[place], f"{at}/{place}")
    elif printed in _MARKS:
        of_kind = type(came) in (int, float) if printed in _NUMBERS else isinstance(came, str)
        if not of_kind or not re.fullmatch(_MARKS[printed], str(came)):
            yield f"{at or '/'}: {came!r} is not {printed}"
    elif printed != "<any>" and (printed != came or isinstance(printed, bool) is not isinstance(came, bool)):
        yield f"{at or '/'}: {came!r}, printed is {printed!r}"


def _settings(page: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in page.get("settings", {}).items()
    }


def _captures(exchange: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from exchange.get("capture", {}).items()


def _filled(value: Any, known: Mapping[str, Any]) -> Any:
    """A value with what earlier answers held in the place of `${name}`."""
    if isinstance(value, str):
        whole = re.fullmatch(r"\$\{(\w+)\}", value)
        if whole:
            return known.get(whole[1], value)
        return re.sub(r"\$\{(\w+)\}", lambda found: str(known.get(found[1], found[0])), value)
    if isinstance(value, dict):
        return {str(_filled(name, known)): _filled(inner, known) for name, inner in value.items()}
    return [_filled(inner, known) for inner in value] if isinstance(value, list) else value


def quirks_are_known(page: Mapping[str, Any]) -> None:
    """Raises ValueError for a switch that there is not."""
    Quirks(page.get("quirks", {}))
    for exchange in page["exchanges"]:
        Quirks(exchange.get("quirks", {}))
