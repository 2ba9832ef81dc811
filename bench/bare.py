"""The reference: a Flask application that stores and responds without checks, under our own HTTP server.

`python -m bench.bare` prints its URL and the name of the server it runs under. Paths are the names
of the cases; the answers have the size of the emulator's.
"""

from __future__ import annotations

import itertools
import sys
from typing import Any

from flask import Flask, Response, jsonify, request

from bench.cases import CONNECTION
from mockserver.cli.serving import run
from mockserver.server import Server
from mockserver.web.bridge import wsgi_server

_PAGE = 100
_NOW = 1_700_000_000_000


def build_app() -> Flask:
    """A minimal application: a dictionary of connections behind five routes."""
    app = Flask("bare")
    numbers = itertools.count()
    held: dict[str, dict[str, Any]] = {}

    def insert(body: dict[str, Any]) -> str:
        identifier = f"45a9a940-bcf6-42b5-ab59-{next(numbers):012d}"
        added = {"createdAt": _NOW, "updatedAt": _NOW, "createdBy": "bench", "updatedBy": "bench", "state": "enabled"}
        held[identifier] = {"id": identifier, "etag": '"0"', **added, **body}
        return identifier

    first = insert(CONNECTION)
    for _ in range(_PAGE - 1):
        insert(CONNECTION)

    @app.post("/POST-valid")
    def create() -> tuple[Response, int]:
        return jsonify(id=insert(request.get_json()), etag='"0"'), 201

    @app.post("/POST-wrong-type")
    @app.post("/POST-invalid")
    def refuse() -> tuple[Response, int]:
        name = request.get_json()["name"]
        return jsonify(title="Bad Request", status=400, detail=f"{name} is not a good connection"), 400

    @app.get("/GET-one")
    def read() -> Response:
        return jsonify(items=[held[first]])

    @app.get("/GET-page-of-<int:size>")
    def page(size: int) -> Response:
        return jsonify(items=list(itertools.islice(held.values(), size)), _links={})

    @app.patch("/PATCH-with-etag")
    def change() -> Response:
        for step in request.get_json():
            held[first][step["path"].lstrip("/")] = step["value"]
        return jsonify(id=first, etag='"0"')

    return app


def _say(server: Server) -> None:
    print(server.url, "uvicorn", flush=True)


if __name__ == "__main__":
    sys.exit(run(wsgi_server(build_app()), _say))
