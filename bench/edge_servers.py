"""The servers that `bench.edge` compares, each around the same bare Flask application.

`python -m bench.edge_servers NAME PORT` serves until a signal. Those that are not installed are left out.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from io import BytesIO
from typing import Any

from flask import Flask, Response, request

HOST = "127.0.0.1"
MAX_BODY = 1_048_576
BODY_SECONDS = 30
ANSWER = b'{"id":"c4b6d4e5-7f3d-4f5b-a5d1-5a5d9c5a5d9c","etag":"\\"a1000000-0000-0200-0000-6400000000a1\\""}'


def application() -> Flask:
    """A Flask application that reads the body and responds with a constant; `/slow` takes half a second."""
    app = Flask("bare")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST"])
    @app.route("/<path:path>", methods=["GET", "POST"])
    def answer(path: str) -> Response:
        if path == "slow":
            time.sleep(0.5)
        error = request.environ.get("mockserver.body_error")
        if error:
            return Response(b"{}", 413 if error == "too_large" else 408, content_type="application/json")
        request.get_data()
        return Response(ANSWER, 201 if request.method == "POST" else 200, content_type="application/json")

    return app


def ours(port: int) -> None:
    """Our own server: uvicorn with limits."""
    from mockserver.cli.serving import run
    from mockserver.web.bridge import wsgi_server

    sys.exit(run(wsgi_server(application(), port=port), lambda server: None))


def waitress_default(port: int) -> None:
    """Waitress with its defaults."""
    import_module("waitress").serve(application(), host=HOST, port=port, threads=8)


def gunicorn(port: int) -> None:
    """One worker process with eight threads."""
    wsgiapp = import_module("gunicorn.app.wsgiapp")
    sys.argv = [
        "gunicorn",
        "-b",
        f"{HOST}:{port}",
        "-w1",
        "-k",
        "gthread",
        "--threads",
        "8",
        "--worker-connections",
        "8192",
    ]
    sys.argv += ["--log-level", "error", "bench.edge_servers:application()"]
    wsgiapp.run()


def granian_wsgi(port: int) -> None:
    """One worker process with one blocking thread, its fastest mode for Flask."""
    constants = import_module("granian.constants")
    server = import_module("granian").Granian(
        "bench.edge_servers:application",
        address=HOST,
        port=port,
        interface=constants.Interfaces.WSGI,
        factory=True,
        blocking_threads=1,
        backlog=4096,
        backpressure=8192,
        log_enabled=False,
    )
    server.serve()


def granian_asgi(port: int) -> None:
    """Granian in this process; the event loop reads the body before a thread calls Flask."""
    embed = import_module("granian.server.embed")
    constants = import_module("granian.constants")

    async def serve() -> None:
        server = embed.Server(asgi(application()), HOST, port, interface=constants.Interfaces.ASGINL, log_enabled=False)
        await server.serve()

    asyncio.run(serve())


def uvicorn(port: int) -> None:
    """The same adapter on uvicorn with httptools."""
    module = import_module("uvicorn")
    module.run(
        asgi(application()), host=HOST, port=port, log_level="error", http="httptools", lifespan="off", backlog=4096
    )


def asgi(app: Callable[..., Any]) -> Callable[..., Awaitable[None]]:
    """An ASGI application that reads the bounded body and then calls a WSGI application in a thread."""
    threads = ThreadPoolExecutor(8)

    async def called(scope: dict[str, Any], receive: Any, send: Any) -> None:
        declared = int(dict(scope["headers"]).get(b"content-length", b"0"))
        body, error = (b"", "too_large") if declared > MAX_BODY else await _body(receive)
        environ = _environ(scope, body, error)
        loop = asyncio.get_running_loop()
        status, headers, content = await loop.run_in_executor(threads, _call, app, environ)
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": content})

    return called


async def _body(receive: Any) -> tuple[bytes, str | None]:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return b"", "framing"
                body += message["body"]
                more = message["more_body"]
                if len(body) > MAX_BODY:
                    return b"", "too_large"
    except TimeoutError:
        return b"", "too_slow"
    return bytes(body), None


def _environ(scope: dict[str, Any], body: bytes, error: str | None) -> dict[str, Any]:
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"],
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": HOST,
        "SERVER_PORT": "0",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        environ["HTTP_" + name.decode("latin-1").upper().replace("-", "_")] = value.decode("latin-1")
    if error:
        environ["mockserver.body_error"] = error
    return environ


def _call(app: Callable[..., Any], environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    started: list[Any] = []
    parts = app(environ, lambda *args: started.extend(args))
    try:
        content = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return int(started[0].split()[0]), started[1], content


SERVERS: dict[str, tuple[str, Callable[[int], None]]] = {
    "ours": ("uvicorn", ours),
    "waitress": ("waitress", waitress_default),
    "gunicorn": ("gunicorn", gunicorn),
    "granian-wsgi": ("granian", granian_wsgi),
    "granian-asgi": ("granian", granian_asgi),
    "uvicorn": ("uvicorn", uvicorn),
}
"""Name -> the module it needs, and how it serves. The first two are our own."""


def installed() -> list[str]:
    """The names of the servers that can run here."""
    return [name for name, (module, _) in SERVERS.items() if importlib.util.find_spec(module)]


if __name__ == "__main__":
    SERVERS[sys.argv[1]][1](int(sys.argv[2]))
