"""Tests of the memory of one request whose texts take more of it than bytes on the wire, in a server of each store.

It is the resident memory of the process, because libraries in C hold a part of it, and reserve more than they use.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from mockserver.exchange import BASE_PATH
from mockserver.json_input import dumps
from tests.calls import HEADERS, POSTGRESQL, connection
from tests.dataflows import COPY, CRM_TO_AEP, DATA_LAKE, MAPPING
from tests.postgres import new_url
from tests.torture.server import Server

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems cannot reset the peak")

KIB, MIB = 1_024, 1_048_576
MAX_PEAK = 16 * MIB
ROOM = 3_000
"""Bytes of a body beside its large text."""

AT_ONCE = {"MALLOC_MMAP_THRESHOLD_": "524288", "MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_ARENA_MAX": "1"}
"""Settings of glibc with which memory that is freed leaves the process, so that the next request does not get it."""

TEXTS: dict[str, bytes] = {
    "deleted characters, which escapes make six times as long": b"\x7f" * (MIB - ROOM),
    "two bytes each": "é".encode() * ((MIB - ROOM) // 2),
    "one of three bytes": b"x" * (MIB - ROOM) + "中".encode(),
    "one of four bytes, escaped": b"x" * (MIB // 2 - ROOM) + b"\\ud83d\\ude00",
    "four bytes each": "\U0001f600".encode() * ((MIB - ROOM) // 4),
}
LARGEST = [text for text in TEXTS if not text.endswith("bytes each")]
"""Those of which one takes most memory in whatever form: with escapes, in UTF-8, or with one wide character."""
STORES = {"memory": list(TEXTS), "sqlite": LARGEST, "postgresql": LARGEST}
"""The texts for each store. Databases get and return UTF-8: what other texts take, they take before and after that."""

PREP = "/data/foundation/conversion/mappingSets"
GROUPS = "/data/foundation/schemaregistry/tenant/fieldgroups"
DATA_SETS = "/data/foundation/catalog/dataSets"
LISTED = {"accept": "application/vnd.adobe.xed+json"}


class Measured:
    """A client that knows the peak of the server's memory during each request."""

    def __init__(self, server: Server, text: bytes) -> None:
        self._process, self._text = Path(f"/proc/{server.process.pid}"), text
        self._http = HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.over: list[str] = []
        """Requests that took too much."""

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The body of a response. `TEXT` in the request's body stands for the large text."""
        content = None if body is None else dumps(body).replace(b"TEXT", self._text)
        sent = {**HEADERS, **({"content-type": "application/json"} if content else {})}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        before = self._resident("VmRSS")
        (self._process / "clear_refs").write_text("5")  # the peak starts again
        self._http.request(method, path if path.startswith(("/data", "/_mock")) else BASE_PATH + path, content, sent)
        response = self._http.getresponse()
        answer = response.read()
        grown = self._resident("VmHWM") - before
        assert response.status < 300, (method, path, answer[:400])
        if grown > MAX_PEAK:
            self.over.append(f"{method} {path}: {grown / MIB:.1f} MiB")
        return json.loads(answer) if answer else None

    def _resident(self, name: str) -> int:
        status = (self._process / "status").read_text()
        return int(status.split(f"{name}:")[1].split()[0]) * KIB


@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of each store, after requests of every kind: it has imported and cached what it needs."""
    folder = tmp_path_factory.mktemp("server")
    state = {"memory": [], "sqlite": ["--state", str(folder / "state.db")]}.get(store)
    options = state if state is not None else ["--state", new_url()]
    with Server(folder, "--service-client", HEADERS["x-api-key"], *options, **AT_ONCE) as started:
        for requests in REQUESTS:
            requests(Measured(started, b"x"))
        yield started


def flow_between(ask: Measured, text: str) -> dict[str, Any]:
    """A flow with its source and target, each of which has the text."""
    base = ask("POST", "/connections", connection(description=text))["id"]
    read = {"baseConnectionId": base, "data": {"format": "tabular"}, "params": {"tableName": "sales.store_visits"}}
    reads = {**read, "name": "r", "description": text, "connectionSpec": {"id": POSTGRESQL, "version": "1.0"}}
    source = ask("POST", "/sourceConnections", reads)["id"]
    schema = {"schema": {"id": "https://ns.adobe.com/acme/schemas/1f2e", "version": "1"}}
    writes = {"name": "w", "description": text, "data": schema, "params": {"dataSetId": "5e8b2d8a1d2f3a18a8a1b2c3"}}
    target = ask("POST", "/targetConnections", {**writes, "connectionSpec": {"id": DATA_LAKE, "version": "1.0"}})["id"]
    ends = {"sourceConnectionIds": [source], "targetConnectionIds": [target]}
    schedule = {"startTime": 1_700_000_000, "frequency": "day", "interval": 1, "backfill": True}
    body = {**ends, "name": text, "flowSpec": {"id": CRM_TO_AEP, "version": "1.0"}, "scheduleParams": schedule}
    return {**body, "transformations": [COPY, MAPPING]}


def of_connections(ask: Measured) -> None:
    for _ in range(5):  # more than a page takes
        made = ask("POST", "/connections", connection(description="TEXT"))
    path = f"/connections/{made['id']}"
    ask("GET", path)
    for value in ("TEXT", "other", "TEXT"):
        change = [{"op": "replace", "path": "/description", "value": value}]
        made = ask("PATCH", path, change, if_match=made["etag"])
    for query in ("", "&orderby=name", "&property=auth.params.server==db.example.com"):
        assert ask("GET", f"/connections?limit=100{query}")["items"]
    ask("DELETE", path)


def of_specs(ask: Measured) -> None:
    body = {"name": "mine", "providerId": "p", "version": "1.0", "attributes": {"x": "TEXT"}}
    made = ask("POST", "/connectionSpecs", body)
    ask("PUT", f"/connectionSpecs/{made['id']}", body)
    ask("GET", "/connectionSpecs?property=name==mine")


def of_flows(ask: Measured) -> None:
    made = ask("POST", "/flows", flow_between(ask, "TEXT"))
    path = f"/flows/{made['id']}"
    ask("GET", path)
    for _ in range(2):
        change = [{"op": "replace", "path": "/name", "value": "TEXT"}]
        made = ask("PATCH", path, change, if_match=made["etag"])
    for listed in ("/flows", "/runs", "/sourceConnections"):
        ask("GET", listed)
    ask("POST", f"{path}/action?op=disable")


def of_neighbours(ask: Measured) -> None:
    rule = {"source": "a", "destination": "b", "sourceType": "ATTRIBUTE"}
    schema = {"schemaRef": {"id": "x", "contentType": "1.0"}}
    for _ in range(5):  # more than a page takes
        ask("POST", PREP, {"name": "TEXT", "outputSchema": schema, "mappings": [rule]})
        group = ask("POST", GROUPS, {"title": "t", "type": "object", "description": "TEXT"})
        data_set = ask("POST", DATA_SETS, {"name": "TEXT"})[0].removeprefix("@/dataSets/")
    ask("PATCH", f"{GROUPS}/{group['meta:altId']}", [{"op": "replace", "path": "/description", "value": "TEXT"}])
    ask("PATCH", f"{DATA_SETS}/{data_set}", {"name": "TEXT"})
    ask("GET", PREP)
    ask("GET", f"{GROUPS}?orderby=title", **LISTED)
    ask("GET", "/data/foundation/schemaregistry/stats")
    assert data_set in ask("GET", f"{DATA_SETS}/{data_set}")
    assert ask("GET", f"{DATA_SETS}?orderBy=desc:name&name=!a")


REQUESTS = (of_connections, of_specs, of_flows, of_neighbours)


@pytest.mark.slow
@pytest.mark.parametrize("requests", REQUESTS)
def test_no_text_takes_more_memory_than_one_request_may(server: Server, store: str, requests: Any) -> None:
    """With a database, a patch took 38 MiB, a page 34."""
    over = []
    for text in STORES[store]:
        ask = Measured(server, TEXTS[text])
        ask("POST", "/_mock/reset")
        requests(ask)
        over += [f"{text}: {request}" for request in ask.over]
    assert not over
