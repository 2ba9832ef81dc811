"""`/_mock/faults`: list, add and remove faults."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from mockserver.emulator import Emulator
from mockserver.errors import ApiError
from mockserver.faults import FAULTS, FaultError
from mockserver.web import admin, guard


def blueprint(emulator: Emulator) -> Blueprint:
    """The routes, with the same checks as the other admin routes."""
    pages = Blueprint("faults", __name__, url_prefix="/_mock/faults")
    pages.before_request(guard.admin_check(emulator.config))

    @pages.get("")
    def faults() -> Response:
        known: list[Any] = [kind.as_json() for kind in FAULTS.values()]
        active: list[Any] = [one.as_json() for one in emulator.faults.active()]
        return admin.answer(emulator, {"faults": active, "known": known})

    @pages.post("")
    def add() -> Response:
        try:
            orders = emulator.faults.order(admin.json_body(emulator.config.max_body))
        except FaultError as error:
            raise admin.wrong(str(error)) from None
        added: list[Any] = [one.as_json() for one in orders]
        return admin.answer(emulator, {"faults": added}, 201)

    @pages.delete("")
    def lift_all() -> Response:
        emulator.faults.remove()
        return admin.answer(emulator, None, 204)

    @pages.delete("/<int:number>")
    def lift(number: int) -> Response:
        if not emulator.faults.remove(number):
            raise ApiError("unknown_path", detail="This fault is not active. GET /_mock/faults lists the active ones.")
        return admin.answer(emulator, None, 204)

    return pages
