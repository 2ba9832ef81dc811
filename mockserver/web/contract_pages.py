"""Serves the contract itself: `/openapi.yaml` and `/openapi.json`."""

from __future__ import annotations

import functools

from flask import Blueprint, Response

from mockserver import json_input
from mockserver.contract import documents
from mockserver.emulator import Emulator
from mockserver.specs.composition import composed


def blueprint(emulator: Emulator) -> Blueprint:
    """The document, composed with the connector catalogue once, when first asked for."""
    pages = Blueprint("contract", __name__)

    @functools.cache
    def as_yaml() -> str:
        return documents.dump(composed(emulator.contract.document, emulator.world.connectors))

    @functools.cache
    def as_json() -> bytes:
        return json_input.dumps(composed(emulator.contract.document, emulator.world.connectors))

    @pages.get("/openapi.yaml")
    def openapi_yaml() -> Response:
        return Response(as_yaml(), content_type="application/yaml; charset=utf-8")

    @pages.get("/openapi.json")
    def openapi_json() -> Response:
        return Response(as_json(), content_type="application/json")

    return pages
