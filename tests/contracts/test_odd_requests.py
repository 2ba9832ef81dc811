"""No faulty server fails with an error of its own, whatever a request lacks: in a whole run it gets all of these."""

from __future__ import annotations

import io
import itertools
from typing import Any

from contracts.broken import BrokenServer, load, proof
from contracts.settings import MADE_UP
from contracts.stage.expectations import NOWHERE
from contracts.wire import ADHOC, Sent, WsgiTransport
from tests.rows import each


class Remembering:
    """A WSGI application that asks another one only once for each request: all faulty servers get the same ones.

    Responses may be those to an earlier server: the test compares none, it wants any.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._known: dict[Any, tuple[str, list[tuple[str, str]], bytes]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read()
        key = (body, *sorted((name, value) for name, value in environ.items() if isinstance(value, str)))
        if key not in self._known:
            started: list[Any] = []
            chunks = self._app({**environ, "wsgi.input": io.BytesIO(body)}, lambda *status: started.extend(status))
            self._known[key] = started[0], started[1], b"".join(chunks)
        status, headers, content = self._known[key]
        start_response(status, list(headers))
        return [content]


RIGHT = Remembering(proof.right({})[0])
KINDS = ("connections", "sourceConnections", "targetConnections", "flows", "connectionSpecs", "flowSpecs", "runs")
BODIES = (
    b"",
    b"{",
    b"[]",
    b"[1]",
    b'"text"',
    b'{"auth":null,"connectionSpec":null}',
    b'[{"op":1},{"path":2},{"value":3}]',
)
PATHS = ("", f"/{NOWHERE}", "/search", f"/{NOWHERE}/action?op=publish")
NEXT_DOOR = (
    ADHOC,
    "/collection/nowhere",
    "/data/foundation/connectors/encryption/keys",
    "/data/foundation/catalog/batches",
)
JSON = {"Content-Type": "application/json"}


def odd() -> list[Sent]:
    """Requests that lack what a right one of their kind has."""
    rest = itertools.cycle(BODIES)
    written = [(method, f"/{kind}{path}") for kind in KINDS for path in PATHS for method in ("POST", "PATCH", "DELETE")]
    read = [
        ("GET", f"/{kind}{path}") for kind in KINDS for path in ("", "?count=true&limit=1", f"/{NOWHERE}", "/x/test")
    ]
    written += [(method, path) for path in NEXT_DOOR for method in ("POST", "PATCH", "GET")]
    others = [("HEAD", "/connections"), ("OPTIONS", "/flows"), ("GET", "/"), ("GET", "/nowhere"), ("POST", "/")]
    every = [Sent(method, path, tuple({**MADE_UP, **JSON}.items()), next(rest)) for method, path in written + others]
    every += [Sent(method, path, tuple(MADE_UP.items())) for method, path in read]
    return (
        every + [Sent("GET", path, ()) for _, path in read[:3]] + [Sent("PATCH", f"/flows/{NOWHERE}", (), BODIES[-1])]
    )


ODD = odd()


@each("server", load().values())
def test_a_broken_server_answers_odd_requests(server: BrokenServer) -> None:
    transport = WsgiTransport(server.over(RIGHT))
    for sent in ODD:
        assert transport.send(sent).status or True
