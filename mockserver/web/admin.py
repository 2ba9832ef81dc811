"""`/_mock`, the emulator's own API: health, reset, state, runs, journal, clock, quirks."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import suppress
from itertools import chain
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.wsgi import ClosingIterator

from mockserver import json_input
from mockserver.emulator import Emulator
from mockserver.errors import ApiError
from mockserver.exchange import Result, Tenant
from mockserver.flows import progress
from mockserver.json_input import Json
from mockserver.quirks import QUIRKS
from mockserver.runtime import release
from mockserver.state import exports, pieces
from mockserver.state.pieces import Read
from mockserver.web import adapter, guard, responses
from mockserver.web.api import MAX_STATE_BYTES, health_of

_DEPTH_OF_EXPORT = 8
"""Levels of nesting that an export may have beyond those of a request body."""

_BODIES_OF_RECORD = 4
"""Maximum size of an imported record, in the size of a request body: masks may be longer than values."""

_PIECE = 65_536
"""Bytes of an export that are encoded before they are sent."""

_WITH_CREDENTIALS = "Export with GET /_mock/state?credentials=include to keep them."

_DURATION = re.compile(r"(-?\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)")
_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def blueprint(emulator: Emulator) -> Blueprint:
    """The admin routes, which require the same origin and the admin token."""
    pages = Blueprint("admin", __name__, url_prefix="/_mock")
    pages.before_request(guard.admin_check(emulator.config))
    for add in (_add_health, _add_state, _add_runs, _add_journal, _add_clock, _add_quirks):
        add(pages, emulator)
    return pages


def answer(emulator: Emulator, body: Json, status: int = 200) -> Response:
    """An admin response: JSON with a request id."""
    return responses.write(Result(status, body), emulator.runtime.request_id("page"))


def _add_health(pages: Blueprint, emulator: Emulator) -> None:
    @pages.get("/health")
    def health() -> Response:
        return responses.write(health_of(), emulator.runtime.request_id("page"))

    @pages.get("/connectors")
    def connectors() -> Response:
        described = [connector.describe() for connector in emulator.world.connectors.all()]
        return answer(emulator, {"connectors": described})


def _add_state(pages: Blueprint, emulator: Emulator) -> None:
    @pages.post("/reset")
    def reset() -> Response:
        response = answer(emulator, {"status": "reset"})  # before the reset, because it draws a request id
        emulator.reset()
        _give_memory_back()
        return response

    @pages.get("/state")
    def export_state() -> Response:
        pieces = _exported(emulator, credentials=request.args.get("credentials") == "include")
        first = next(pieces)  # before the response begins: the store may be unavailable
        response = answer(emulator, {})
        response.response = ClosingIterator(chain([first], pieces), pieces.close)
        del response.headers["Content-Length"]
        return response

    @pages.route("/state", methods=["PUT", "POST"])
    def import_state() -> Response:
        try:
            _demand_json()
            masked = restored(emulator, adapter.body_reader(request.environ, MAX_STATE_BYTES)[0])
        except ValueError as error:
            raise wrong(str(error)) from None
        if not masked:
            return answer(emulator, {"status": "restored"})
        warning = f"Credentials of {masked} records are masked: their connections do not work. {_WITH_CREDENTIALS}"
        return answer(emulator, {"status": "restored", "masked": masked, "warning": warning})


def _add_runs(pages: Blueprint, emulator: Emulator) -> None:
    @pages.delete("/runs/<flow_id>")
    def forget_runs(flow_id: str) -> Response:
        org, sandbox = (request.headers.get(name, "") for name in ("x-gw-ims-org-id", "x-sandbox-name"))
        try:
            progress.forget(emulator.world, Tenant(org, sandbox), flow_id)
        except ValueError as error:
            raise wrong(str(error)) from None
        return answer(emulator, None, 204)


def _add_journal(pages: Blueprint, emulator: Emulator) -> None:
    @pages.get("/journal")
    def journal() -> Response:
        since = request.args.get("since", 0, type=int)
        return answer(emulator, {"entries": [entry.as_json() for entry in emulator.journal.entries(since)]})

    @pages.delete("/journal")
    def clear_journal() -> Response:
        emulator.journal.clear()
        return answer(emulator, None, 204)


def _add_clock(pages: Blueprint, emulator: Emulator) -> None:
    @pages.get("/clock")
    def clock() -> Response:
        return answer(emulator, _clock(emulator))

    @pages.post("/clock")
    def set_clock() -> Response:
        move_clock(emulator, json_body(emulator.config.max_body))
        return answer(emulator, _clock(emulator))


def _add_quirks(pages: Blueprint, emulator: Emulator) -> None:
    @pages.get("/quirks")
    def quirks() -> Response:
        rows: list[Any] = [
            {"name": row.name, "value": emulator.quirks[row.name], "values": list(row.values), "question": row.question}
            for row in QUIRKS.values()
        ]
        return answer(emulator, {"quirks": rows})

    @pages.put("/quirks")
    def set_quirks() -> Response:
        chosen = json_body(emulator.config.max_body)
        if not isinstance(chosen, dict) or not all(isinstance(value, str) for value in chosen.values()):
            raise wrong('Expected {"quirk-name": "value", ...}.')
        try:
            emulator.quirks.update(chosen)
        except ValueError as error:
            raise wrong(str(error)) from None
        return quirks()


def _give_memory_back() -> None:
    """Return freed memory to the system where the C library can (glibc). It keeps most of it otherwise."""
    import ctypes

    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _exported(emulator: Emulator, *, credentials: bool) -> Generator[bytes]:
    """Read and encode an export in pieces. At once, it would take the memory of all records."""
    with emulator.exporting(credentials=credentials) as (state, records):
        begin, end = json_input.dumps({**state, "records": []}).rsplit(b"]", 1)
        piece, comma = begin, b""
        for record in records:
            piece += comma + json_input.dumps(record)
            comma = b","
            if len(piece) > _PIECE:
                yield piece
                piece = b""
        yield piece + b"]" + end


def restored(emulator: Emulator, read: Read) -> int:
    """Import an export, which may be larger and deeper than a request body; see `Emulator.restore`.

    Raises ApiError and ValueError.
    """
    depth = json_input.MAX_DEPTH + _DEPTH_OF_EXPORT
    max_record = _BODIES_OF_RECORD * emulator.config.max_body
    try:
        state: Any = pieces.parse(
            read, "records", exports.DEMANDS, max_bytes=MAX_STATE_BYTES, max_depth=depth, max_value=max_record
        )
    except json_input.JsonProblem as problem:
        raise wrong(problem.reason) from None
    masked = emulator.restore(state)
    release(state["records"])
    return masked


def json_body(max_bytes: int) -> Any:
    """Parse the JSON body of an admin request. Raises ApiError."""
    try:
        _demand_json()
        return json_input.parse(adapter.read_body(request.environ, max_bytes), max_bytes=max_bytes)
    except json_input.JsonProblem as problem:
        raise wrong(problem.reason) from None


def _demand_json() -> None:
    if request.mimetype != "application/json":
        raise ApiError(
            "unsupported_media_type", detail="The body must be JSON. Send it with Content-Type: application/json."
        )


def _clock(emulator: Emulator) -> Json:
    clock = emulator.runtime.clock
    return {"nowMs": clock.now_ms(), "frozen": clock.frozen}


def move_clock(emulator: Emulator, asked: Any) -> None:
    """Apply `{"freeze": true | ms, "advance": "15m", "resume": true}`, each optional, in this order."""
    known = {"freeze", "advance", "resume"}
    if not isinstance(asked, dict) or not asked or asked.keys() - known:
        raise wrong('Expected {"freeze": true or a time in ms}, {"advance": "15m"} or {"resume": true}.')
    clock = emulator.runtime.clock
    frozen = asked.get("freeze")
    at = _milliseconds(frozen) if frozen and frozen is not True else None
    step = _milliseconds(asked["advance"]) if "advance" in asked else 0
    try:
        if frozen:
            clock.freeze(at)
        clock.advance(step)
    except ValueError as error:
        raise wrong(f"{str(error).capitalize()}.") from None
    if asked.get("resume"):
        clock.resume()


def _milliseconds(value: Any) -> int:
    """Convert a number or a duration such as `90s`, `15m`, `1.5h`, `30d` to milliseconds."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise wrong("Expected a duration: milliseconds as a number, or text such as 90s, 15m, 1.5h, 30d.")
    return int(float(match[1]) * _UNIT_MS[match[2]])


def wrong(message: str) -> ApiError:
    """A 400 error of the admin API."""
    return ApiError("bad_request", detail=message)
