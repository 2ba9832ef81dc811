"""Fuzz targets: functions that accept any bytes and raise only for our faults, with valid inputs to start from."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from contracts.clients.bodies import message, streaming
from mockserver import Config, Emulator, json_input, listing
from mockserver.contract import Contract
from mockserver.errors import ApiError
from mockserver.exchange import Call
from mockserver.listing import property_filter, sealing
from mockserver.quirks import Quirks
from mockserver.resources import _patching
from mockserver.resources.connections import CONNECTIONS
from mockserver.runtime import PROCESS_KEY
from mockserver.server import Limits, make_server, refuse
from mockserver.server.connection import ClientConnection
from mockserver.server.crowd import Crowd
from mockserver.specs import connection_string
from tests.calls import HEADERS, connection

MIB = 1_048_576
CONTRACT = Contract.load()
QUIRKS = Quirks()
DOC = {**connection(), "id": "1", "hosts": ["a", "b"], "state": "enabled", "createdAt": 5}


def take_json(data: bytes) -> None:
    """The parsed value equals Python's, can be encoded, is not too deep, and has no NaN or infinity."""
    try:
        value = json_input.parse(data, max_bytes=MIB)
    except json_input.JsonProblem as problem:
        assert problem.reason and len(problem.reason) < 200
        return
    assert value == json.loads(data) and not json_input.too_deep(value)
    assert json_input.parse(json_input.dumps(value), max_bytes=6 * MIB) == value


def take_connection_string(data: bytes) -> None:
    """A parsed string can be written and parsed again."""
    text = data.decode("utf-8", "replace")
    try:
        pairs = connection_string.parse(text).pairs
    except connection_string.ConnectionStringError as error:
        assert 0 <= error.position <= len(text)
        return
    assert connection_string.parse(connection_string.format(pairs)).pairs == pairs


def take_filter(data: bytes) -> None:
    """A filter is refused in the service's words, or decides for any record whether it matches."""
    texts = tuple(data.decode("utf-8", "replace").split("\n"))
    try:
        parsed = property_filter.parse(texts, CONNECTIONS.listable.fields, "filter_field")
    except ApiError as refusal:
        _demand_4xx(refusal)
        return
    for condition in parsed.conditions:
        assert condition.matches(DOC) in (True, False)
    assert parsed.projection <= CONNECTIONS.listable.fields


def take_patch(data: bytes) -> None:
    """All or nothing, and only members that clients may change."""
    try:
        body = json_input.parse(data, max_bytes=MIB)
    except json_input.JsonProblem:
        return
    before, sent = copy.deepcopy(DOC), copy.deepcopy(body)
    try:
        done = _patching.apply(DOC, body, CONNECTIONS.changeable)
    except ApiError as refusal:
        _demand_4xx(refusal)
    else:
        kept = DOC.keys() - CONNECTIONS.changeable
        assert {name: done.get(name) for name in kept} == {name: DOC[name] for name in kept}
        assert not json_input.too_deep(done)
    assert (before, sent) == (DOC, body)


def take_query(data: bytes) -> None:
    """List parameters, including page tokens; a link made from accepted ones is accepted again."""
    seen = CONTRACT.check_request(Call("GET", "/connections", data.decode("latin-1"), HEADERS, b"", "0" * 32, 0))
    if seen.blocking() is not None:
        return
    try:
        query = listing.parse(seen.arguments, CONNECTIONS.listable, QUIRKS)
    except ApiError as refusal:
        _demand_4xx(refusal)
        return
    place = tuple("x" for _ in query.order)
    href = listing.next_href(CONNECTIONS.listable, query, listing.Cursor(9, 5, place))
    followed = CONTRACT.arguments("listConnections", tuple(parse_qsl(href.partition("?")[2])))
    again = listing.parse(followed, CONNECTIONS.listable, QUIRKS)
    assert (again.conditions, again.order, again.limit) == (query.conditions, query.order, query.limit)


def take_token(data: bytes) -> None:
    """An unsealed page token is refused; a sealed one may contain anything."""
    token = sealing.seal(data, PROCESS_KEY)
    for text in (data.decode("latin-1"), token):
        try:
            asked = listing.parse({"continuationToken": text}, CONNECTIONS.listable, QUIRKS)
        except ApiError as refusal:
            _demand_4xx(refusal)
        else:
            assert asked.after is not None and 1 <= asked.limit <= listing.MAX_SEARCHED


def take_http(data: bytes) -> None:
    """Each request in any bytes and pieces gets at most one response, and nothing is raised."""
    size = 1 + (data[0] if data else 0)
    served = _wire().run([data[start : start + size] for start in range(1, len(data), size)])
    assert len(served) <= data.count(b"\n") + 1
    for target, fields, body in served:
        assert len(body) <= _Wire.limits.max_body
        assert not any(b"\r" in part or b"\n" in part or b"\0" in part for field in fields for part in field)
        assert b" " not in target and b"\n" not in target


def take_call(data: bytes) -> None:
    """The whole emulator returns JSON or nothing, and never a 5xx."""
    line, _, body = data.partition(b"\n")
    method, _, target = line.decode("latin-1").partition(" ")
    for name, value in _emulator().names.items():
        target = target.replace(name, value)
    path, _, query = target.partition("?")
    sent = {**HEADERS, "if-match": _emulator().etag, **({"content-type": "application/json"} if body else {})}
    call = Call(method or "GET", path if path.startswith("/") else f"/{path}", query, sent, body, "0" * 32, 0)
    result = _emulator().emulator.handle(call)
    assert 200 <= result.status < 500 or result.status == 501, result
    json_input.dumps(result.body)


@dataclass(frozen=True)
class Target:
    """One function and suitable inputs."""

    take: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


_BODY = json.dumps(connection()).encode()
_PATCH = b'[{"op": "replace", "path": "/name", "value": "x"}, {"op": "remove", "path": "/auth/params/port"}]'
_MESSAGE = json.dumps(message()).encode()
_HTTP = b"POST /connections?x=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n"

TARGETS = {
    "json": Target(take_json, (_BODY, b'[1.5e3, null, true, "\\ud83d\\ude00", {}]', b'{"a": {"a": [[]]}}')),
    "connection-string": Target(
        take_connection_string, (b"Server=h;Port=5432;Password={a;}}b};X=\"y\"\"z\";Y='w'", b"Server={SERVER};")
    ),
    "filter": Target(take_filter, (b'name=="a,b",c\nstate!=x', b"auth.params[].x>=5\nname,state", b"createdAt<1e5")),
    "patch": Target(take_patch, (_PATCH, b'{"op": "add", "path": "/auth/params/a~1b", "value": {}}')),
    "query": Target(take_query, (b"limit=5&orderby=-name,state&property=name==x&count=false", b"count=true")),
    "token": Target(
        take_token, (b'["connections",["name==a"],["-name"],20,9,5,["x"]]', b'["connections",[],[],1,2,1,[]]')
    ),
    "http": Target(
        take_http,
        (
            b"\xff" + _HTTP + b"Content-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x03" + _HTTP + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            b"\x40GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"Upgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
        ),
    ),
    "call": Target(
        take_call,
        (
            b"POST /connections\n" + _BODY,
            b"POST /connections\n{}",
            b"PATCH /connections/{id}\n" + _PATCH,
            b"GET /connections/{id}/explore?objectType=table&object=public.customers&preview=true",
            b'POST /connections/search\n{"queryString": "property=name==x", "limit": 5}',
            b'POST /flows\n{"name": "x", "flowSpec": {"id": "a"}, "sourceConnectionIds": [], "scheduleParams": {}}',
            b"POST /collection/{inlet}?syncValidation=true\n" + _MESSAGE,
            b'POST /collection/batch/{inlet}\n{"messages": [' + _MESSAGE + b', {}, 1]}',
            b"POST /data/foundation/connectors/landingzone/credentials?type=user_drop_zone&action=refresh",
        ),
    ),
}  # fmt: skip


def _demand_4xx(refusal: ApiError) -> None:
    assert 400 <= refusal.result("0" * 32, QUIRKS).status < 500


class _Known:
    """An emulator with one connection and one inlet, recreated whenever it has grown."""

    def __init__(self) -> None:
        self.emulator = Emulator(Config(seed=1, log="none", journal_entries=10))
        sent = {**HEADERS, "content-type": "application/json"}
        made: Any = self.emulator.handle(Call("POST", "/connections", "", sent, _BODY, "0" * 32, 0)).body
        self.etag: str = made["etag"]
        stream = json.dumps(streaming()).encode()
        door: Any = self.emulator.handle(Call("POST", "/connections", "", sent, stream, "0" * 32, 0)).body
        shown: Any = self.emulator.handle(Call("GET", f"/connections/{door['id']}", "", HEADERS, b"", "0" * 32, 0)).body
        self.names = {"{id}": made["id"], "{inlet}": shown["items"][0]["auth"]["params"]["inletId"]}
        """Text in a target -> what stands there, so that seeds reach something real."""
        self.left = 2_000


@cache
def _fresh() -> list[_Known]:
    return [_Known()]


def _emulator() -> _Known:
    kept = _fresh()
    kept[0].left -= 1
    if kept[0].left < 0:
        kept[0] = _Known()
    return kept[0]


class _Wire:
    """Connections of a server, without a network."""

    limits = Limits(max_body=1000, header_bytes=4000, header_fields=20)

    def __init__(self) -> None:
        self._server = make_server(self._answer, limits=self.limits)
        self._server.config.load()
        self._crowd = Crowd(self._answer, self.limits, set(), refuse)
        self._crowd.max_clients = 100
        self._runner = asyncio.Runner()
        self._served: list[tuple[bytes, list[tuple[bytes, bytes]], bytes]] = []

    def run(self, pieces: list[bytes]) -> list[tuple[bytes, list[tuple[bytes, bytes]], bytes]]:
        """The requests parsed from these pieces: target, fields and body."""
        self._served = []
        self._runner.run(self._send(pieces))
        return self._served

    async def _send(self, pieces: list[bytes]) -> None:
        client = ClientConnection(self._server.config, self._server.server_state, self._crowd)
        client.connection_made(_Transport())
        for piece in pieces:
            client.data_received(piece)
            await asyncio.sleep(0)
        if not client.eof_received():
            client.raw.close()
        while self._server.server_state.tasks and not client.raw.is_closing() and client.busy:
            await asyncio.sleep(0)
        client.connection_lost(None)
        while self._server.server_state.tasks:
            await asyncio.sleep(0)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        self._served.append((scope["raw_path"], scope["headers"], body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


@cache
def _wire() -> _Wire:
    return _Wire()


class _Transport(asyncio.Transport):
    """A transport that discards everything."""

    def __init__(self) -> None:
        super().__init__()
        self._closed = False

    def write(self, data: Any) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def write_eof(self) -> None: ...

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        self._closed = True

    abort = close

    def is_closing(self) -> bool:
        return self._closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...
