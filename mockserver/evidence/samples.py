"""Replays samples: exchanges from a page of Adobe, as data in `fidelity/documented/`.

A file is one page: a session of exchanges that are replayed in order. `fidelity/README.md` describes its format.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mockserver.config import Config
from mockserver.contract import documents
from mockserver.emulator import Emulator
from mockserver.exchange import Call, Result
from mockserver.json_input import Json

Aspect: TypeAlias = Literal["success", "refusal", "state", "list"]
Provenance: TypeAlias = Literal["documented", "recorded"]

HEADERS = {
    "authorization": "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
    "x-api-key": "acme-client",
    "x-gw-ims-org-id": "5C1328435BF324E90A49402A@AdobeOrg",
    "x-sandbox-name": "prod",
}
"""Default request headers of samples."""

_MARKS = {
    "<uuid>": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<etag>": r'"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"',
    "<ms>": r"1[0-9]{12}",
    "<number>": r"-?[0-9]+(\.[0-9]+)?",
    "<text>": r"(?s).*",
}
_NUMBERS = ("<ms>", "<number>")
_LAST = "last segment of "
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Sample:
    """One exchange of a page, and how our response differs."""

    page: str
    id: str
    operation: str
    aspect: Aspect
    provenance: Provenance
    source: str
    date: str
    setup: bool
    status: int
    quirks: Mapping[str, str]
    differs: str
    """Why our response differs, if the file explains it."""
    departures: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name in the manifest."""
        return f"{self.page}/{self.id}"

    @property
    def passed(self) -> bool:
        """Whether our response is as printed."""
        return not self.departures


def folder() -> Path:
    """The folder `fidelity/`: inside the package when installed, one level up in a checkout."""
    packaged = documents.PACKAGE / "fidelity"
    return packaged if packaged.is_dir() else documents.PACKAGE.parent / "fidelity"


def pages() -> dict[str, dict[str, Any]]:
    """File name -> page."""
    files = sorted((folder() / "documented").glob("*.yaml"))
    return {path.stem: documents.read(path) for path in files}


def documented() -> Iterator[Sample]:
    """Every sample of every page, replayed."""
    for name, page in pages().items():
        yield from (_sample(name, page, exchange, tuple(gone)) for exchange, gone in replay(page, emulator_of(page)))


def _sample(name: str, page: Mapping[str, Any], exchange: Mapping[str, Any], departures: tuple[str, ...]) -> Sample:
    return Sample(
        page=name,
        id=exchange["id"],
        operation=exchange["operation"],
        aspect=_aspect(exchange),
        provenance="documented",
        source=page["page"],
        date=page["read"],
        setup=bool(exchange.get("setup")),
        status=exchange["expect"]["status"],
        quirks={**page.get("quirks", {}), **exchange.get("quirks", {})},
        differs=exchange.get("differs", ""),
        departures=departures,
    )


def _aspect(exchange: Mapping[str, Any]) -> Aspect:
    """Classify an exchange: refusal, list, state (depends on earlier requests) or success."""
    request = exchange["request"]
    if exchange["expect"]["status"] >= 400:
        return "refusal"
    body = exchange["expect"].get("body")
    bare = request["path"].partition("?")[0].rstrip("/")
    if isinstance(body, dict) and ("items" in body or "count" in body) and bare.count("/") == 1:
        return "list"
    if bare.endswith("/search"):
        return "list"
    return "state" if _PLACEHOLDER.search(json.dumps(request)) and request["method"] != "POST" else "success"


def emulator_of(page: Mapping[str, Any]) -> Emulator:
    """A new emulator with the settings and quirks of a page."""
    return Emulator(dataclasses.replace(Config(seed=1, quirk=dict(page.get("quirks", {}))), **settings(page)))


def replay(page: Mapping[str, Any], emulator: Emulator) -> Iterator[tuple[Mapping[str, Any], list[str]]]:
    """Replay a page on a new emulator; yields each exchange and the differences of our response."""
    known: dict[str, Any] = {}
    for exchange in page["exchanges"]:
        before = dict(emulator.quirks)
        emulator.runtime.clock.advance(exchange.get("after", 0) * 1000)
        emulator.quirks.update(exchange.get("quirks", {}))
        result = emulator.handle(_call(_filled(exchange["request"], known)))
        expect = exchange["expect"]
        found = [] if result.status == expect["status"] else [f"status {result.status}, printed {expect['status']}"]
        if not found and "body" in expect:
            found = list(departures(_filled(expect["body"], known), result.body, ""))
        if result.status < 300:
            known |= _captured(exchange, result)
        emulator.quirks.update(before)
        yield exchange, found


def _call(request: Mapping[str, Any]) -> Call:
    headers = {**HEADERS, **{name.lower(): value for name, value in request.get("headers", {}).items()}}
    body = b"" if request.get("body") is None else json.dumps(request["body"]).encode()
    if body:
        headers.setdefault("content-type", "application/json")
    for name in request.get("without", ()):
        headers.pop(name.lower(), None)
    path, _, query = request["path"].partition("?")
    return Call(request["method"], path, query, headers, body, "0" * 32, 0)


def _captured(exchange: Mapping[str, Any], result: Result) -> dict[str, Any]:
    import jsonpointer  # imported here: only needed by a replay

    found = {}
    for name, at in exchange.get("capture", {}).items():
        value = jsonpointer.resolve_pointer(result.body, at.removeprefix(_LAST))
        found[name] = value.rpartition("/")[2] if at.startswith(_LAST) else value
    return found


def departures(printed: Json, came: Json, at: str) -> Iterator[str]:
    """The differences between a printed value and ours. Additional members are allowed."""
    if isinstance(printed, dict):
        if not isinstance(came, dict):
            yield f"{at or '/'}: {came!r} is not an object"
            return
        for name, inner in printed.items():
            if name not in came:
                yield f"{at}/{name} is missing"
            else:
                yield from departures(inner, came[name], f"{at}/{name}")
    elif isinstance(printed, list):
        yield from _list_departures(printed, came, at)
    elif isinstance(printed, str) and printed in _MARKS:
        of_kind = type(came) in (int, float) if printed in _NUMBERS else isinstance(came, str)
        if not of_kind or not re.fullmatch(_MARKS[printed], str(came)):
            yield f"{at or '/'}: {came!r} is not {printed}"
    elif printed != "<any>" and (printed != came or isinstance(printed, bool) is not isinstance(came, bool)):
        yield f"{at or '/'}: {came!r}, printed {printed!r}"


def _list_departures(printed: list[Any], came: Json, at: str) -> Iterator[str]:
    items = printed[:-1] if printed[-1:] == ["..."] else printed
    if not isinstance(came, list) or len(came) < len(items) or (items is printed and len(came) != len(items)):
        yield f"{at or '/'}: {came!r} is not a list of {len(items)}"
        return
    for place, inner in enumerate(items):
        yield from departures(inner, came[place], f"{at}/{place}")


def settings(page: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the emulator that a page or recording needs."""
    rows = page.get("settings", {}).items()
    found: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in rows}
    if "sources" in found:
        found["sources"] = str(folder() / "sources" / found["sources"])
    return found


def _filled(value: Any, known: Mapping[str, Any]) -> Any:
    """Replace `${name}` in a value with values from earlier responses."""
    if isinstance(value, str):
        whole = _PLACEHOLDER.fullmatch(value)
        if whole:
            return known.get(whole[1], value)
        return _PLACEHOLDER.sub(lambda found: str(known.get(found[1], found[0])), value)
    if isinstance(value, dict):
        return {str(_filled(name, known)): _filled(inner, known) for name, inner in value.items()}
    return [_filled(inner, known) for inner in value] if isinstance(value, list) else value
