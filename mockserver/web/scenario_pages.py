"""`/_mock/scenarios`: list scenarios, start and end one, read the verdicts."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from flask import Blueprint, Response, request

from mockserver.emulator import Emulator
from mockserver.errors import ApiError
from mockserver.json_input import Json
from mockserver.web import admin, guard

if TYPE_CHECKING:
    from mockserver.conformance import ScenarioVerdict
    from mockserver.scenarios import ScenarioStage


Stage: TypeAlias = "Callable[[], ScenarioStage]"
"""Returns the stage of the server. It is created on first use, so that the start need not import the judge."""


def stage_of(emulator: Emulator) -> Stage:
    """A function that returns the stage of an emulator."""

    @functools.cache
    def stage() -> ScenarioStage:
        from mockserver.scenarios import ScenarioStage

        return ScenarioStage(emulator)

    return stage


def blueprint(emulator: Emulator, stage: Stage) -> Blueprint:
    """The routes, with the same checks as the other admin routes."""
    pages = Blueprint("scenarios", __name__, url_prefix="/_mock/scenarios")
    pages.before_request(guard.admin_check(emulator.config))

    @pages.get("")
    def scenarios() -> Response:
        from mockserver.scenarios.scenario import load

        known: list[Any] = [one.as_json() for one in load().values()]
        playing, verdict = stage().playing, stage().verdict()
        shown = {"scenario": playing.id, "verdict": _shown(verdict)} if playing else None
        verdicts: list[Any] = [_shown(one) for one in stage().verdicts()]
        return admin.answer(emulator, {"playing": shown, "verdicts": verdicts, "known": known})

    @pages.post("")
    def start() -> Response:
        """Start a scenario. The body is `{"scenario": ID}`."""
        from mockserver.scenarios import choose

        asked = admin.json_body(emulator.config.max_body)
        if not isinstance(asked, dict) or asked.keys() != {"scenario"} or not isinstance(asked["scenario"], str):
            raise admin.wrong('Expected {"scenario": "ID"}.')
        try:
            chosen = choose(asked["scenario"])
        except ValueError as error:
            raise admin.wrong(str(error)) from None
        if len(chosen) != 1:
            raise admin.wrong("Only one scenario can be played at a time. Send one ID.")
        stage().start(chosen[0])
        return admin.answer(emulator, {"playing": chosen[0].as_json()}, 201)

    @pages.delete("")
    def end() -> Response:
        """End the scenario; returns its verdict. `?exitStatus=N` is the exit status of the client."""
        verdict = stage().stop(request.args.get("exitStatus", type=int))
        if verdict is None:
            raise ApiError("unknown_path", detail="No scenario is in progress. POST /_mock/scenarios starts one.")
        return admin.answer(emulator, _shown(verdict))

    return pages


def _shown(verdict: ScenarioVerdict | None) -> Json:
    return dataclasses.asdict(verdict) | {"calls": list(verdict.calls)} if verdict else None
