"""Tests of the topology of compose.yaml: its parts fit together, and it serves requests while a server dies."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.calls import connection
from tests.programs import needs
from tests.torture.races import replicas
from tests.torture.server import Client, Gone, Server, patch

ROOT = Path(__file__).parents[1]
CONFIGURATION = ROOT / "deploy" / "haproxy.cfg"
CONTROLS = (
    *("/_mock/health", "/%5Fmock/state?credentials=include", "//_mock/state", "/x/../_mock/reset", "/_MOCK/"),
    *("/_mock/runs/1%", "/%5Fmock/runs/%zz", "/_mock/console/%u0031", "http://localhost/_mock/%0", "/_mock%2Fstate"),
)
"""Paths that the balancer keeps to itself. Those with a damaged escape reached the server, which reads them as text."""

needs_haproxy = needs("haproxy")


def test_the_composition_gives_every_part_what_it_reads() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    balancer = services["flow-service"]["environment"]
    assert set(re.findall(r"\$\{(\w+)\}", CONFIGURATION.read_text())) == balancer.keys()
    replicas = [balancer[name].partition(":")[0] for name in ("REPLICA_ONE", "REPLICA_TWO")]
    states = {services[name]["environment"]["MOCKSERVER_STATE"] for name in replicas}
    assert len(set(replicas)) == 2 and len(states) == 1
    assert re.fullmatch(r"postgresql://flow:\$\{POSTGRES_PASSWORD:.*\}@postgres:5432/flow", states.pop())
    assert all(port.startswith("127.0.0.1:") for port in services["flow-service"]["ports"])


@pytest.fixture
def balanced() -> Iterator[tuple[int, list[Server]]]:
    """The port of a balancer, and the servers behind it."""
    with replicas(2) as servers, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        told = {"LISTEN": f"127.0.0.1:{port}"}
        for name, server in zip(("REPLICA_ONE", "REPLICA_TWO"), servers, strict=True):
            told[name] = f"127.0.0.1:{server.port}"
        process = subprocess.Popen(["haproxy", "-db", "-f", str(CONFIGURATION)], env={**os.environ, **told})
        try:
            _until(lambda: Client(port)("GET", "/connections?limit=1")[0] == 200)
            yield port, servers
        finally:
            process.terminate()
            process.wait()


def _until(true: Any) -> None:
    for _ in range(2_000):  # on a busy machine it takes long
        try:
            if true():
                return
        except Gone:
            pass
        time.sleep(0.05)  # an external program starts
    raise AssertionError("the balancer did not come up")


@pytest.mark.slow
@needs_haproxy
def test_when_a_server_is_killed_the_others_go_on_and_nothing_acknowledged_is_lost(
    balanced: tuple[int, list[Server]],
) -> None:
    port, servers = balanced
    over, written = threading.Event(), threading.Semaphore(0)

    def write(number: int) -> tuple[dict[str, str], list[Any]]:
        client, kept, odd = Client(port), {}, []
        while not over.is_set():
            try:
                status, made = client("POST", "/connections", connection(f"w{number}"))
                if status != 201:
                    odd.append((status, made))
                    continue
                kept[made["id"]] = ""  # until the next response, it may be this etag or the next
                written.release()
                status, changed = client("PATCH", f"/connections/{made['id']}", patch("x"), {"If-Match": made["etag"]})
                if status == 200:
                    kept[made["id"]] = changed["etag"]
                else:
                    odd.append((status, changed))
            except Gone as gone:
                odd.append((0, str(gone)))
        return kept, odd

    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, number) for number in range(4)]
        enough = [written.acquire(timeout=60) for _ in range(20)]
        servers[0].kill()
        enough += [written.acquire(timeout=60) for _ in range(100)]
        over.set()
        results = [result.result() for result in writing]
    kept = {entity_id: etag for part, _ in results for entity_id, etag in part.items()}
    odd = [answer for _, part in results for answer in part]
    assert len(odd) <= 8 and {status for status, _ in odd} <= {0, 502, 503}, odd
    found: dict[str, str] = {}
    path, client = "/connections?limit=100", Client(port)
    while path:
        _, page = client("GET", path)
        assert not found.keys() & {item["id"] for item in page["items"]}
        found |= {item["id"]: item["etag"] for item in page["items"]}
        path = page["_links"].get("next", {}).get("href", "")
    assert all(enough) and not kept.keys() - found.keys()
    assert {key: etag for key, etag in kept.items() if etag and etag != found[key]} == {}


@needs_haproxy
def test_without_a_server_the_balancer_answers_in_the_shape_of_the_service(balanced: tuple[int, list[Server]]) -> None:
    port, servers = balanced
    for server in servers:
        server.kill()
    status, body = Client(port)("GET", "/connections")
    assert status in (502, 503) and body["status"] == status and "detailed-message" in body["report"]
    _until(lambda: Client(port)("GET", "/connections")[0] == 503)


@needs_haproxy
def test_what_controls_a_server_is_not_reached_through_the_balancer(balanced: tuple[int, list[Server]]) -> None:
    for path in CONTROLS:
        status, body = Client(balanced[0])("GET", path)
        assert (status, body["report"]["detailed-message"]) == (404, "There is no such path here."), path
