"""**Faults and clock**: add faults, play scenarios, freeze and advance the clock."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from mockserver.errors import ApiError
from mockserver.faults import FAULTS, FaultError
from mockserver.journal.entries import TOKEN_OPERATION
from mockserver.json_input import Json
from mockserver.web import admin
from mockserver.web.console import forms
from mockserver.web.console.frame import Frame
from mockserver.web.scenario_pages import Stage

_HERE = "control"
_STEPS = (("1m", "1 minute"), ("15m", "15 minutes"), ("1h", "1 hour"), ("1d", "1 day"), ("7d", "7 days"))
_DONE = {
    "added": "The fault is active.",
    "removed": "The fault was removed.",
    "cleared": "All faults were removed.",
    "started": "The scenario has started. Run the client now.",
    "ended": "The scenario has ended. Its verdict is below.",
    "moved": "The clock is set.",
}
_SELECTORS = ("argument", "operation", "method", "path", "times", "skip")
_NUMBERS = ("times", "skip")


def add(pages: Blueprint, frame: Frame, stage: Stage) -> None:
    """Add the page and its forms."""
    faults = frame.emulator.faults

    @pages.get("/console/control")
    def console_control() -> Response:
        return _page(frame, stage)

    @pages.post("/console/control/order")
    def console_order() -> Response:
        form = forms.sent()
        try:
            faults.order(_order(form))
        except FaultError as error:
            return _page(frame, stage, problem=str(error), form=form)
        return forms.done(_HERE, "added")

    @pages.post("/console/control/lift")
    def console_lift() -> Response:
        number = forms.sent().get("number", "")
        faults.remove(int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else None)
        return forms.done(_HERE, "removed" if number else "cleared")

    @pages.post("/console/control/scenario")
    def console_scenario() -> Response:
        from mockserver.scenarios.scenario import load

        wanted = forms.sent().get("scenario", "")
        if not wanted:
            stage().stop()
            return forms.done(_HERE, "ended")
        if wanted not in load():
            return _page(frame, stage, problem="There is no such scenario.")
        stage().start(load()[wanted])
        return forms.done(_HERE, "started")

    @pages.post("/console/control/clock")
    def console_clock() -> Response:
        form = forms.sent()
        try:
            admin.move_clock(frame.emulator, _moved(form))
        except ApiError as refused:
            return _page(frame, stage, problem=refused.detail, form=form)
        return forms.done(_HERE, "moved")


def _order(form: dict[str, str]) -> dict[str, Any]:
    """Convert the filled fields of a form to an order for `Faults.order`."""
    given: dict[str, Any] = {name: form[name].strip() for name in _SELECTORS if form.get(name, "").strip()}
    numbers = {name: int(given[name]) for name in _NUMBERS if given.get(name, "").isdecimal() and len(given[name]) < 10}
    return {"fault": form.get("fault", ""), **given, **numbers}


def _moved(form: dict[str, str]) -> Json:
    if "advance" in form:
        return {"advance": form["advance"].strip()}
    return {"resume": True} if form.get("action") == "resume" else {"freeze": True}


def _page(frame: Frame, stage: Stage, *, problem: str = "", form: dict[str, str] | None = None) -> Response:
    from mockserver.scenarios.scenario import load

    playing = stage().playing
    operations = [*sorted(frame.emulator.contract.operations), TOKEN_OPERATION]
    return frame.page(
        "control.html",
        _HERE,
        status=400 if problem else 200,
        problem=problem,
        done=_DONE.get(request.args.get("done", ""), ""),
        form=form or {},
        kinds=list(FAULTS.values()),
        operations=operations,
        active=frame.emulator.faults.active(),
        steps=_STEPS,
        scenarios=list(load().values()),
        playing=playing,
        verdict=stage().verdict() if playing else None,
        verdicts=stage().verdicts(),
        recorded=frame.emulator.journal.on,
    )
