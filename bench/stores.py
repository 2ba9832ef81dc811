"""`python -m bench.stores`: measures each kind of store in one process without HTTP, and the start of a full one.

python -m bench.stores --postgres postgresql://user:password@127.0.0.1/database
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

from mockserver import Config, Emulator
from mockserver.exchange import Call

SECONDS, ROUNDS = 2.0, 3
WRITERS = 16
MANY = 100_000

_HEADERS = {
    "authorization": "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
    "x-api-key": "bench",
    "x-gw-ims-org-id": "5C1328435BF324E90A49402A@AdobeOrg",
    "x-sandbox-name": "prod",
    "content-type": "application/json",
}
_CONNECTION = {
    "name": "PostgreSQL",
    "description": "made by the bench",
    "auth": {
        "specName": "Basic Authentication",
        "params": {"server": "db", "port": "5432", "database": "shop", "username": "me", "password": "secret"},
    },
    "connectionSpec": {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"},
}


def main() -> int:
    """Measure memory, an SQLite file and, if given, a PostgreSQL database, which is emptied."""
    parser = argparse.ArgumentParser(prog="bench.stores", description=__doc__)
    parser.add_argument("--postgres", metavar="URL", help="a dedicated database; all its records are deleted")
    parser.add_argument("--many", type=int, default=MANY, help="records of a full store")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        places = {"memory": None, "SQLite file": f"{folder}/flow.db"}
        if options.postgres:
            places["PostgreSQL"] = options.postgres
        for name, place in places.items():
            for figure, value in _figures(place, options.many):
                print(f"{name:12} {figure:40} {value}", flush=True)
    return 0


def _figures(place: str | None, many: int) -> Iterator[tuple[str, str]]:
    emulator = Emulator(Config(state=place, log="none"))
    emulator.world.store.clear()
    path = f"/connections/{_create(emulator)}"
    look, turn = (lambda: _call(emulator, "GET", path)), (lambda: _call(emulator, "GET", "/connections", "limit=20"))
    yield "creations a second, one at a time", _rate(lambda: _create(emulator), 1)
    yield f"creations a second, {WRITERS} at a time", _rate(lambda: _create(emulator), WRITERS)
    emulator.world.store.clear()
    path = f"/connections/{_create(emulator)}"
    for _ in range(99):
        _create(emulator)
    yield "look-ups a second, 100 records", _rate(look, 1)
    yield "pages of 20 a second, 100 records", _rate(turn, 1)
    _fill(emulator, many)
    yield f"look-ups a second, {many:,} records", _rate(look, 1)
    yield f"pages of 20 a second, {many:,} records", _rate(turn, 1)
    emulator.close()
    if place is not None:
        yield f"start to first answer with {many:,} records", f"{min(_start(place) for _ in range(ROUNDS)):.2f} s"
        emulator = Emulator(Config(state=place, log="none"))
        emulator.world.store.clear()
        emulator.close()


def _call(emulator: Emulator, method: str, path: str, query: str = "", body: bytes = b"") -> Mapping[str, Any]:
    result = emulator.handle(Call(method, path, query, _HEADERS, body, "0" * 32, emulator.runtime.clock.now_ms()))
    answer: Mapping[str, Any] = result.body  # type: ignore[assignment]
    if result.status >= 300:
        raise SystemExit(f"bench: {method} {path} was answered {result.status}: {answer}")
    return answer


def _create(emulator: Emulator) -> str:
    return str(_call(emulator, "POST", "/connections", "", json.dumps(_CONNECTION).encode())["id"])


def _rate(act: Callable[[], Any], threads: int) -> str:
    """The best of several rounds, because other programs only slow it down."""

    def work(until: float) -> int:
        done = 0
        while perf_counter() < until:
            act()
            done += 1
        return done

    best = 0.0
    for _ in range(ROUNDS):
        began = perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            done = sum(pool.map(work, [began + SECONDS] * threads))
        best = max(best, done / (perf_counter() - began))
    return f"{best:,.0f}"


def _fill(emulator: Emulator, many: int) -> None:
    """Import this many records, similar to the existing ones."""
    state = emulator.world.store.export()
    row, first = state["records"][-1], state["revision"]
    for number in range(len(state["records"]), many):
        doc = {**row["doc"], "id": f"{number:08}-0000-4000-8000-000000000000"}
        state["records"].append({**row, "revision": first + number, "doc": doc})
    emulator.world.store.restore({**state, "revision": first + many})


def _start(place: str) -> float:
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--log", "none", "--state", place]
    began = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as server:
        assert server.stdout is not None
        url = next(line.split()[1] for line in server.stdout if line.strip().startswith("API")).partition("/data/")[0]
        urllib.request.urlopen(f"{url}/_mock/health").close()
        took = perf_counter() - began
        server.terminate()
        server.stdout.read()
    return took


if __name__ == "__main__":
    sys.exit(main())
