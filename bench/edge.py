"""`python -m bench.edge`: compares speed and behaviour of HTTP servers, as Markdown tables.

Every server runs the same bare Flask application in its own process. It takes half a minute for
each server, and a minute more with `--timeouts`, which waits for half-sent requests to be dropped.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench import load, wrk
from bench.cases import Stream
from bench.edge_servers import HOST, installed
from bench.servers import pss
from mockserver.cli.serving import raise_descriptors
from tests.server.wire import CLOSE, HEAD, REFUSED, chunked, post

CONNECTIONS = (1, 32, 256)
LAX = "let pass"
"""The row that is too wide for the table."""
WAIT_SECONDS = 36
PATIENCE_SECONDS = 5.0
BODY = json.dumps({"name": "PostgreSQL base connection", "description": "x" * 300}).encode()
REQUEST = post(b"Content-Type: application/json", b"x-api-key: bench", b"Content-Length: %d" % len(BODY), body=BODY)


@dataclass(frozen=True, slots=True)
class Running:
    """A server under measurement."""

    port: int
    process: subprocess.Popen[bytes]
    start_seconds: float

    def connect(self, sent: bytes = b"", patience: float = PATIENCE_SECONDS) -> socket.socket:
        """Open a connection and send some bytes."""
        client = socket.create_connection((HOST, self.port), timeout=patience)
        with contextlib.suppress(ConnectionError):
            client.sendall(sent)
        return client

    def exchange(self, sent: bytes, patience: float = PATIENCE_SECONDS) -> tuple[bytes, float | None]:
        """The received bytes, and the seconds until the connection ends, or None if it does not."""
        began = time.monotonic()
        with self.connect(sent, patience) as client:
            received, ended = _drain(client, patience)
        return received, time.monotonic() - began if ended else None

    def seconds_of_a_get(self) -> float:
        """How long an ordinary client waits; `inf` if it gives up."""
        began = time.monotonic()
        try:
            received, _ = self.exchange(b"GET /" + HEAD + CLOSE)
        except OSError:
            return float("inf")
        return time.monotonic() - began if b" 200 " in received else float("inf")


def _drain(client: socket.socket, patience: float) -> tuple[bytes, bool]:
    received = bytearray()
    client.settimeout(patience)
    try:
        while data := client.recv(65_536):
            received += data
    except TimeoutError:
        return bytes(received), False
    except ConnectionError:
        pass
    return bytes(received), True


@contextlib.contextmanager
def started(name: str) -> Iterator[Running]:
    """Start a server and wait until it responds; killed at the end."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    began = time.monotonic()
    command = [sys.executable, "-m", "bench.edge_servers", name, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    running = Running(port, process, 0)
    try:
        while running.seconds_of_a_get() > PATIENCE_SECONDS:
            if time.monotonic() - began > 15 or process.poll() is not None:
                raise load.LoadError(f"{name} does not start")
            time.sleep(0.01)
        yield Running(port, process, time.monotonic() - began)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            process.wait(15)


def race(names: Sequence[str], rounds: int, seconds: float) -> dict[str, dict[str, str]]:
    """Requests per second and p50 / p99 in ms of a 350-byte POST, the best round of each server.

    Other programs only slow a server down; alternating rounds spread this over all of them.
    """
    best: dict[tuple[str, int], load.Figures] = {}
    for number in range(rounds):
        for name in names:
            print(f"round {number + 1} of {rounds}: {name} ...", file=sys.stderr, flush=True)
            with started(name) as running:
                for connections in CONNECTIONS:
                    seen = _drive(running.port, connections, seconds)
                    known = best.get((name, connections), seen)
                    best[name, connections] = max(known, seen, key=lambda figures: figures.per_second)
    return {
        name: {f"{count} connection{'s' * (count > 1)}": _words(best[name, count]) for count in CONNECTIONS}
        for name in names
    }


def _drive(port: int, connections: int, seconds: float) -> load.Figures:
    if wrk.available():
        return wrk.drive(port, [Stream((REQUEST,))], {201}, connections, seconds=seconds)
    return load.drive(port, [Stream((REQUEST,))], {201}, connections, seconds=seconds)


def _words(seen: load.Figures) -> str:
    failed = f", {seen.wrong} failed" if seen.wrong else ""
    return f"{seen.per_second:,.0f}, {seen.p50_ms:.2f} / {seen.p99_ms:.2f}{failed}"


def crowd(running: Running, size: int, sent: bytes) -> str:
    """The slowest of three ordinary requests while other clients keep connections open."""
    clients = []
    try:
        for _ in range(size):
            clients.append(running.connect(sent, 2))
        worst = max(running.seconds_of_a_get() for _ in range(3))
    except OSError as error:
        return f"only {len(clients)} connect ({type(error).__name__})"
    finally:
        for client in clients:
            client.close()
    return "no answer" if worst == float("inf") else f"{worst:.2f} s"


def refusals(running: Running) -> dict[str, str]:
    """Which ambiguous requests are refused with one 4xx and the end of the connection."""
    lax, words = [], set()
    for name, (sent, _) in REFUSED.items():
        received, seconds = running.exchange(sent, 3)
        lines = [line for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.")]
        refused = len(lines) <= 1 and not any(b" 2" in line[:12] for line in lines)
        if not refused or seconds is None:
            lax.append(f"{name} ({lines[0][9:12].decode() if lines else 'silence'})")
        if lines:
            words.add(_kind(received.partition(b"\r\n\r\n")[2]))
    return {
        f"not refused, of {len(REFUSED)} ambiguous or oversized requests": str(len(lax)),
        LAX: ", ".join(lax),
        "body of its own refusals": ", ".join(sorted(words)),
    }


def _kind(body: bytes) -> str:
    if not body:
        return "empty"
    return "JSON" if body.startswith(b"{") else "HTML" if b"<" in body[:20] else "text"


def _status(received: bytes, seconds: float | None) -> str:
    status = received[9:12].decode("latin-1") or "no answer"
    return f"{status}, closed" if seconds is not None else f"{status}, open"


def behaviour(running: Running) -> dict[str, str]:
    """The responses to each kind of client."""
    declared = post(b"Content-Length: 5000000000", body=b"hello")
    endless = chunked((b"ffff\r\n" + b"a" * 65_535 + b"\r\n") * 64)
    pipelined = b"".join(b"GET /%d" % number + HEAD + b"\r\n" for number in range(19)) + b"GET /" + HEAD + CLOSE
    offer = post(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AA", b"Content-Length: 5")
    probes: dict[str, Callable[[], str]] = {
        "a GET while 200 heads are half sent": lambda: crowd(running, 200, b"GET /" + HEAD + b"A: "),
        "a GET while 200 bodies are half sent": lambda: crowd(running, 200, post(b"Content-Length: 99", body=b"a")),
        "a GET while 4,000 connections are silent": lambda: crowd(running, 4_000, b""),
        "5 GB declared": lambda: _status(*running.exchange(declared, 3)),
        "4 MB in chunks where 1 MB is allowed": lambda: _status(*running.exchange(endless, 3)),
        "20 pipelined requests": lambda: f"{running.exchange(pipelined)[0].count(b' 200 ')} answers",
        "TLS hello": lambda: _status(*running.exchange(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 3)),
        "POST that offers h2c, with body": lambda: _status(running.exchange(offer + b"hello", 1)[0], 0)[:3],
    }
    return {name: probe() for name, probe in probes.items()}


def patience(running: Running) -> dict[str, str]:
    """When a half-sent head and a half-sent body are dropped."""
    clients = {
        "half-sent head dropped after": running.connect(b"GET /" + HEAD + b"A: "),
        "half-sent body dropped after": running.connect(post(b"Content-Length: 99", body=b"a")),
    }
    began, rows = time.monotonic(), {}
    for name, client in clients.items():
        with client:
            received, ended = _drain(client, max(0.1, WAIT_SECONDS - (time.monotonic() - began)))
        status = f", {received[9:12].decode()}" if received else ""
        rows[name] = f"{time.monotonic() - began:.0f} s{status}" if ended else f"not within {WAIT_SECONDS} s"
    return rows


def ending(running: Running) -> dict[str, str]:
    """What SIGTERM does to a request in progress."""
    with running.connect(b"GET /slow" + HEAD + b"\r\n") as client:
        time.sleep(0.2)
        running.process.send_signal(signal.SIGTERM)
        received, _ = _drain(client, PATIENCE_SECONDS)
    try:
        status = str(running.process.wait(15))
    except subprocess.TimeoutExpired:
        status = "still running"
    return {
        "SIGTERM while a request is answered": f"{'answered' if b' 200 ' in received else 'dropped'}, exit {status}"
    }


def memory(running: Running) -> dict[str, str]:
    """Memory of the process and its children after the probes, where the system provides it."""
    try:
        return {"memory after all that": f"{pss(running.process.pid) // 1024**2} MiB"}
    except (OSError, IndexError):
        return {"memory after all that": "-"}


def observe(name: str, with_timeouts: bool) -> dict[str, str]:
    """The behaviour of one server."""
    print(f"{name}: behaviour ...", file=sys.stderr, flush=True)
    with started(name) as running:
        column = {"start to first answer": f"{running.start_seconds:.2f} s"}
        column |= behaviour(running) | refusals(running)
        if with_timeouts:
            column |= patience(running)
        return column | memory(running) | ending(running)


def table(columns: dict[str, dict[str, str]]) -> str:
    """Markdown with a row per probe and a column per server."""
    rows = [["", *columns], ["---"] * (len(columns) + 1)]
    for probe in next(iter(columns.values()), {}):
        rows.append([probe, *(column.get(probe, "") for column in columns.values())])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.edge", description=__doc__)
    parser.add_argument("servers", nargs="*", metavar="SERVER", help=f"of {', '.join(installed())}")
    parser.add_argument("--rounds", type=int, default=3, help="seconds of load for each server")
    parser.add_argument("--seconds", type=float, default=1, help="of load at each number of connections")
    parser.add_argument("--timeouts", action="store_true", help="measure when half-sent requests are dropped")
    options: Any = parser.parse_args(arguments)
    raise_descriptors()
    names = options.servers or installed()
    print(f"Requests a second, and p50 / p99 in ms, of a 350-byte POST, the best of {options.rounds} rounds:\n")
    print(table(race(names, options.rounds, options.seconds)), flush=True)
    seen = {name: observe(name, options.timeouts) for name in names}
    lax = {name: column.pop(LAX) for name, column in seen.items()}
    print(f"\n{table(seen)}\n\nNot refused, or the connection left open (status of the first answer):\n")
    print("\n".join(f"- {name}: {words}" for name, words in lax.items() if words))


if __name__ == "__main__":
    main()
