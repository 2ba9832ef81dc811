"""`/_mock`: health, reset, state, journal, clock, quirks. Ours, and never mistaken for Adobe's."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, request

from mockserver import __version__, json_input
from mockserver.emulator import Emulator
from mockserver.errors import ApiError
from mockserver.exchange import Json, Result
from mockserver.quirks import QUIRKS
from mockserver.web import adapter, guard

_MOST_STATE = 512 * 1_048_576
_DURATION = re.compile(r"(-?\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)")
_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def blueprint(emulator: Emulator) -> Blueprint:
    """All admin routes, behind the origin and token checks."""
    pages = Blueprint("admin", __name__, url_prefix="/_mock")
    pages.before_request(guard.admin_check(emulator.config))

    def answer(body: Json, status: int = 200) -> Response:
        return adapter.write(Result(status, body), emulator.runtime.request_id())

    def body(most: int | None = None) -> Any:
        return _json_body(most or emulator.config.max_body)

    @pages.get("/")
    def index() -> Response:
        paths = ("health", "reset", "state", "journal", "clock", "quirks", "connectors")
        return answer({"product": "Mock Flow Service", "version": __version__, "paths": [f"/_mock/{p}" for p in paths]})

    @pages.get("/health")
    def health() -> Response:
        return answer({"status": "ok", "version": __version__})

    @pages.post("/reset")
    def reset() -> Response:
        emulator.reset()
        return answer({"status": "reset"})

    @pages.get("/state")
    def export_state() -> Response:
        return answer(emulator.world.store.export())

    @pages.route("/state", methods=["PUT", "POST"])
    def import_state() -> Response:
        try:
            emulator.world.store.restore(body(_MOST_STATE))
        except ValueError as error:
            raise _wrong(str(error)) from None
        return answer({"status": "restored"})

    @pages.get("/journal")
    def journal() -> Response:
        since = request.args.get("since", 0, type=int)
        return answer({"entries": [entry.as_json() for entry in emulator.journal.entries(since)]})

    @pages.delete("/journal")
    def clear_journal() -> Response:
        emulator.journal.clear()
        return answer(None, 204)

    @pages.get("/clock")
    def clock() -> Response:
        return answer(_clock(emulator))

    @pages.post("/clock")
    def set_clock() -> Response:
        _move(emulator, body())
        return answer(_clock(emulator))

    @pages.get("/quirks")
    def quirks() -> Response:
        rows: list[Any] = [
            {"name": row.name, "value": emulator.quirks[row.name], "values": list(row.values), "question": row.question}
            for row in QUIRKS.values()
        ]
        return answer({"quirks": rows})

    @pages.put("/quirks")
    def set_quirks() -> Response:
        chosen = body()
        if not isinstance(chosen, dict) or not all(isinstance(value, str) for value in chosen.values()):
            raise _wrong('send {"quirk-name": "value", ...}')
        try:
            emulator.quirks.update(chosen)
        except ValueError as error:
            raise _wrong(str(error)) from None
        return quirks()

    @pages.get("/connectors")
    def connectors() -> Response:
        return answer({"connectors": [connector.describe() for connector in emulator.world.connectors.all()]})

    return pages


def _json_body(most: int) -> Any:
    if request.mimetype != "application/json":
        raise ApiError("unsupported_media_type", detail="Send JSON with Content-Type: application/json.")
    try:
        return json_input.parse(adapter.read_body(request.environ, most), max_bytes=most)
    except json_input.JsonProblem as problem:
        raise _wrong(problem.reason) from None


def _clock(emulator: Emulator) -> Json:
    clock = emulator.runtime.clock
    return {"nowMs": clock.peek_ms(), "frozen": clock.frozen}


def _move(emulator: Emulator, asked: Any) -> None:
    """`{"freeze": true | ms}`, `{"advance": "15m"}`, `{"resume": true}`: any of them, in this order."""
    known = {"freeze", "advance", "resume"}
    if not isinstance(asked, dict) or not asked or asked.keys() - known:
        raise _wrong('send {"freeze": true or a time in ms}, {"advance": "15m"} or {"resume": true}')
    clock = emulator.runtime.clock
    if asked.get("freeze"):
        clock.freeze(None if asked["freeze"] is True else _milliseconds(asked["freeze"]))
    if "advance" in asked:
        clock.advance(_milliseconds(asked["advance"]))
    if asked.get("resume"):
        clock.resume()


def _milliseconds(value: Any) -> int:
    """Milliseconds from a number or a duration such as `90s`, `15m`, `1.5h`, `30d`."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _wrong("a duration is a number of milliseconds or text such as 90s, 15m, 1.5h, 30d")
    return int(float(match[1]) * _UNIT_MS[match[2]])


def _wrong(message: str) -> ApiError:
    return ApiError("bad_request", detail=message)
