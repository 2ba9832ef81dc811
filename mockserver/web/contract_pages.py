"""Serves the contract: `/openapi.yaml` and `/openapi.json`.

`?composed=true` adds a schema for each auth spec of the connector catalogue, selected by the connection spec.
"""

from __future__ import annotations

import functools
from typing import Any

from flask import Blueprint, Response, request

from mockserver import json_input
from mockserver.contract import documents, load_document
from mockserver.emulator import Emulator
from mockserver.specs.composition import composed


def blueprint(emulator: Emulator) -> Blueprint:
    """The routes. Each document is generated on first request."""
    pages = Blueprint("contract", __name__)

    def whole() -> dict[str, Any]:
        return composed(load_document(), emulator.world.connectors)

    @functools.cache
    def as_yaml(compose: bool) -> str | bytes:
        return documents.dump(whole()) if compose else documents.contract().read_bytes()

    @functools.cache
    def as_json(compose: bool) -> bytes:
        return json_input.dumps(whole() if compose else load_document())

    def is_composed() -> bool:
        return request.args.get("composed", "").lower() == "true"

    @pages.get("/openapi.yaml")
    def openapi_yaml() -> Response:
        return Response(as_yaml(is_composed()), content_type="application/yaml; charset=utf-8")

    @pages.get("/openapi.json")
    def openapi_json() -> Response:
        return Response(as_json(is_composed()), content_type="application/json")

    return pages
