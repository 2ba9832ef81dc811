"""No faulty server fails with an error of its own, whatever a request lacks: in a whole run it gets all of these."""

from __future__ import annotations

import itertools

import pytest

from contracts.broken import BrokenServer, load, proof
from contracts.settings import MADE_UP
from contracts.stage.expectations import NOWHERE
from contracts.wire import ADHOC, Sent, WsgiTransport

RIGHT = proof.right({})[0]
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


@pytest.mark.parametrize("server", load().values(), ids=lambda server: server.name)
def test_a_broken_server_answers_odd_requests(server: BrokenServer) -> None:
    transport = WsgiTransport(server.over(RIGHT))
    for sent in odd():
        assert transport.send(sent).status or True
