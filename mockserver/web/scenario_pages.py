"""`/_mock/scenarios`: which scenarios there are; put one on, end it, read the verdicts."""

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
"""Gives the one stage of a server; made when first asked for, as a start does without the judge."""


def stage_of(emulator: Emulator) -> Stage:
    """The stage of an emulator."""

    @functools.cache
    def stage() -> ScenarioStage:
        from mockserver.scenarios import ScenarioStage

        return ScenarioStage(emulator)

    return stage


def blueprint(emulator: Emulator, stage: Stage) -> Blueprint:
    """The routes, behind the same checks as the other admin routes."""
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
        """`{"scenario": ID}`."""
        from mockserver.scenarios import choose

        asked = admin.json_body(emulator.config.max_body)
        if not isinstance(asked, dict) or asked.keys() != {"scenario"} or not isinstance(asked["scenario"], str):
            raise admin.wrong('send {"scenario": "ID"}')
        try:
            chosen = choose(asked["scenario"])
        except ValueError as error:
            raise admin.wrong(str(error)) from None
        if len(chosen) != 1:
            raise admin.wrong("one scenario is played at a time")
        stage().start(chosen[0])
        return admin.answer(emulator, {"playing": chosen[0].as_json()}, 201)

    @pages.delete("")
    def end() -> Response:
        """The verdict; `?exitStatus=N` says how the client ended."""
        verdict = stage().stop(request.args.get("exitStatus", type=int))
        if verdict is None:
            raise ApiError("unknown_path", detail="No scenario is on; POST /_mock/scenarios puts one on.")
        return admin.answer(emulator, _shown(verdict))

    return pages


def _shown(verdict: ScenarioVerdict | None) -> Json:
    return dataclasses.asdict(verdict) | {"calls": list(verdict.calls)} if verdict else None
