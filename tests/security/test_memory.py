"""Tests that whatever clients send, each registry and cache of the server has a bound in bytes."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from mockserver import Config, Emulator, create_app, exchange, gateway
from mockserver.faults import FaultError
from mockserver.resources import _crud
from mockserver.runtime import Runtime
from mockserver.specs import connection_string
from mockserver.tokens import Tokens
from mockserver.web import adapter, received
from tests.calls import by_string, connection, made, send
from tests.memory import size_of

KIB, MIB = 1024, 1_048_576
LONG = "x" * 60_000
"""About the longest header that the server accepts."""


def issued_tokens() -> Any:
    tokens = Tokens(Runtime(), 60)
    for number in range(12_000):
        tokens.issue(f"{number}{LONG[:1000]}")
    return tokens


def revoked_tokens() -> Any:
    tokens = Tokens(Runtime(), 60)
    for number in range(12_000):
        tokens.revoke(f"{number}{LONG[:10_000]}", LONG[:100])
    return tokens


def tenants_without_records() -> Any:
    emulator = Emulator(Config(journal_entries=0))
    for number in range(500):
        headers = {"x-gw-ims-org-id": f"{number}{LONG[:100]}@AdobeOrg"}
        receipt: Any = send(emulator, "POST", "/connections", connection(), headers=headers).body
        assert send(emulator, "DELETE", f"/connections/{receipt['id']}", headers=headers).status == 204
    return emulator.world.store


def journal() -> Any:
    emulator = Emulator(Config(journal_bytes=MIB, journal_entries=10_000))
    fault = "; ".join([f"retry-after={'0' * 900}1"] * 10)
    for number in range(60):
        long = {"x-note": f"{number}{LONG}", "x-mock-fault": fault, "authorization": f"Bearer {number}"}
        send(emulator, "POST", f"/connections?a={LONG}", connection(**{f"m{n}": "y" * 60 for n in range(100)}))
        send(emulator, "GET", f"/connections/{LONG}?{LONG}", headers=long)
        send(emulator, LONG, f"/{LONG}", headers={LONG: LONG})
    emulator.journal.count()
    return emulator.journal


def journal_of_many_clients() -> Any:
    emulator = Emulator(Config(journal_bytes=MIB, journal_entries=10))
    for number in range(3_000):
        send(emulator, "GET", "/", headers={"x-api-key": f"{number}{LONG[:200]}"})
    emulator.journal.count()
    return emulator.journal


def calls_that_were_left() -> Any:
    emulator = Emulator(Config(journal_entries=1_000))
    for number in range(20_000):
        emulator.journal.hung_up(f"{number:032}")
    return emulator.journal


def shown_records() -> Any:
    emulator = Emulator(Config(journal_entries=0))
    for number in range(3_000):
        made(emulator, connection(str(number), description="x" * (3_000 if number % 50 else 400_000)))
        if number % 100 == 99:
            send(emulator, "GET", "/connections?limit=100&property=name!=0")
            send(emulator, "GET", "/connections?limit=100")
    return [shown.encoded for shown in emulator.world.shown.values()]


def records_of_a_file() -> Any:
    memory = Emulator(Config(journal_entries=0))
    for number in range(3_000):
        made(memory, connection(str(number), description="x" * 3_000))
    with tempfile.TemporaryDirectory() as folder:
        emulator = Emulator(Config(state=f"{folder}/flow.db", journal_entries=0))
        emulator.restore(memory.export(credentials=True))
        send(emulator, "GET", "/connections?limit=1&property=name==none")
        emulator.close()
        store: Any = emulator.world.store
    return store._read._cached


def headers_of_calls() -> Any:
    for number in range(200):
        adapter._headers((("HTTP_X", f"{number}{LONG}"),), "")
        received._headers(((b"x", f"{number}{LONG}".encode()),))
    return adapter._headers, received._headers


def sites_of_calls() -> Any:
    for number in range(2_000):
        adapter.site_of({"HTTP_HOST": f"{number}{LONG}"})
    return adapter._site


def names_of_callers() -> Any:
    emulator = Emulator(Config(journal_entries=0))
    for number in range(6_000):
        name = f"{number}{LONG[:120]}"
        headers = {"x-api-key": name * 2, "x-gw-ims-org-id": f"{name}@AdobeOrg", "x-sandbox-name": name * 2}
        assert send(emulator, "POST", "/connections", connection(), headers=headers).status == 201
    return gateway._tenant, exchange._sandbox_id, _crud._account


def hosts() -> Any:
    web = create_app(Emulator(Config(journal_entries=0))).test_client()
    for number in range(200):
        web.get("/connections", headers={"Host": f"localhost:{number}"})
        web.get("/connections", headers={"Host": f"{number}{LONG[:200]}"})
    api: Any = web.application
    return api._api.check_host.__closure__


def connection_strings() -> Any:
    emulator = Emulator(Config(journal_entries=0))
    for number in range(600):
        for length in (8_000, 60_000):
            send(emulator, "POST", "/connections", by_string(f"Server=h;Database={number}{LONG[:length]};UID=u"))
    return connection_string.parse


def ordered_faults() -> Any:
    faults = Emulator().faults
    for _ in range(20):
        with suppress(FaultError):
            faults.order([{"fault": "latency", "argument": "1", "path": f"/{LONG[:1000]}"}] * 90)
        with suppress(FaultError):
            faults.order([{"fault": "latency", "argument": "0" * 60_000}])
        with suppress(FaultError):
            faults.order([{"fault": "latency"}] * 9_000)
    return faults._active


RESET = """
import gc
from pathlib import Path
from mockserver import Config, Emulator, create_app
from tests.calls import connection, made, send
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
emulator = Emulator(Config(log="none"))
web = create_app(emulator).test_client()
made(emulator, connection()), send(emulator, "GET", "/connections"), web.post("/_mock/reset")
before = resident()
for number in range(800):
    made(emulator, connection(str(number), description="x" * 90_000))
full = resident()
web.post("/_mock/reset")
print(full - before, resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries decide themselves what they keep")
def test_a_reset_returns_the_memory_of_records_to_the_system() -> None:
    held, left = map(int, subprocess.check_output([sys.executable, "-c", RESET], text=True, timeout=100).split())
    assert held > 60 * MIB and left < 20 * MIB


THREADS = """
import os, signal, threading
from pathlib import Path
from mockserver import Config
from mockserver.cli.serving import serve_forever
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
def started(banner):
    before, all_done, end = resident(), threading.Barrier(17), threading.Event()
    def work():
        for size in (8, 1, 3, 3, 3, 3):
            held = [bytearray(size << 20) for _ in range(4)]
            del held
        all_done.wait()
        end.wait()
    for _ in range(16):
        threading.Thread(target=work).start()
    all_done.wait()
    print(resident() - before)
    end.set()
    os.kill(os.getpid(), signal.SIGTERM)
serve_forever(Config(port=0, log="none"), started)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries decide themselves what they keep")
def test_threads_of_a_server_keep_no_memory_of_large_responses() -> None:
    left = int(subprocess.check_output([sys.executable, "-c", THREADS], text=True, timeout=100))
    assert left < 24 * MIB


BOUNDS: dict[Callable[[], Any], int] = {
    issued_tokens: 6 * MIB,
    revoked_tokens: 4 * MIB,
    tenants_without_records: 64 * KIB,
    journal: 2 * MIB,
    shown_records: 8 * MIB,
    journal_of_many_clients: 256 * KIB,
    calls_that_were_left: 256 * KIB,
    records_of_a_file: 24 * MIB,
    headers_of_calls: 24 * MIB,
    sites_of_calls: 64 * KIB,
    names_of_callers: 3 * MIB,
    hosts: 256 * KIB,
    connection_strings: 4 * MIB,
    ordered_faults: 4 * MIB,
}
"""Registry -> bytes it may hold after more clients than it has room for have sent the longest texts it accepts."""


@pytest.mark.slow
@pytest.mark.parametrize("fill", BOUNDS, ids=lambda fill: fill.__name__)
def test_no_registry_grows_beyond_its_bytes(fill: Callable[[], Any]) -> None:
    held = fill()
    assert size_of(*held if isinstance(held, tuple) else (held,)) < BOUNDS[fill]
