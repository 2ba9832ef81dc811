"""A container engine for Testcontainers, which "runs" our image as a server in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

from mockserver import config
from mockserver.clients.program import PrivateServer

ID = "f" * 64


class Engine:
    """Records the requests; `created` is the body of POST /containers/create."""

    def __init__(self) -> None:
        self.created: dict[str, Any] = {}
        self.removed = False
        self._running = ExitStack()
        self._port = 0

    def start(self) -> None:
        """Start the server with the environment of the container, like the image."""
        environ = dict(pair.split("=", 1) for pair in self.created["Env"])
        settings = config.load({"host": "127.0.0.1", "port": 0, "log": "none"}, environ, Path("/nonexistent"))
        server = self._running.enter_context(PrivateServer(settings))
        self._port = int(server.url.rpartition(":")[2])

    def stop(self) -> None:
        """Stop the server."""
        self._running.close()

    def inspected(self) -> dict[str, Any]:
        """The container in the engine's format."""
        ports = {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(self._port)}]}
        return {
            "Id": ID,
            "Name": "/flow",
            "State": {"Status": "running", "Running": True},
            "NetworkSettings": {"Ports": ports, "Networks": {}},
            "Config": {"Image": self.created.get("Image", ""), "Labels": {}},
        }


@contextmanager
def engine() -> Iterator[tuple[Engine, str]]:
    """Run an engine; yields its address as DOCKER_HOST."""
    made, app = Engine(), Flask("engine")

    @app.get("/version")
    def version() -> Response:
        return jsonify(ApiVersion="1.44", Version="25.0.0")

    @app.get("/v1.44/images/<path:name>/json")
    def image(name: str) -> Response:
        return jsonify(Id=f"sha256:{ID}", RepoTags=[name])

    @app.post("/v1.44/containers/create")
    def create() -> tuple[Response, int]:
        made.created = request.get_json()
        return jsonify(Id=ID, Warnings=[]), 201

    @app.post(f"/v1.44/containers/{ID}/start")
    def start() -> tuple[str, int]:
        made.start()
        return "", 204

    @app.get(f"/v1.44/containers/{ID}/json")
    def inspect() -> Response:
        return jsonify(made.inspected())

    @app.get("/v1.44/containers/json")
    def containers() -> Response:
        port = made.inspected()["NetworkSettings"]["Ports"]["8080/tcp"][0]
        return jsonify(
            [{"Id": ID, "Ports": [{"PrivatePort": 8080, "PublicPort": int(port["HostPort"]), "Type": "tcp"}]}]
        )

    @app.delete(f"/v1.44/containers/{ID}")
    def remove() -> tuple[str, int]:
        made.removed = True
        return "", 204

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made, f"tcp://127.0.0.1:{server.server_port}"
    finally:
        made.stop()
        server.shutdown()
        thread.join()
