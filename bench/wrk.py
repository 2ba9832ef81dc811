"""Generates load by wrk, if installed, which takes less CPU time than our own generator."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from bench.cases import Stream
from bench.load import Figures, LoadError

SCRIPT = Path(__file__).with_name("wrk.lua")


def available() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def drive(
    port: int, streams: Sequence[Stream], statuses: Collection[int], connections: int, *, seconds: float
) -> Figures:
    """Send requests for some whole seconds. Raises LoadError if wrk fails.

    Each stream has a wrk thread; several streams need as many connections.
    """
    with tempfile.TemporaryDirectory(prefix="mockserver-bench-") as folder:
        for number, stream in enumerate(streams):
            parts = (f"{len(request)}\n".encode() + request for request in stream.requests)
            Path(folder, str(number)).write_bytes(f"{stream.etag}\n".encode() + b"".join(parts))
        command = ["wrk", f"-t{len(streams)}", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(SCRIPT)]
        ran = subprocess.run([*command, f"http://127.0.0.1:{port}", "--", folder], capture_output=True, text=True)
    lines = [line for line in ran.stdout.splitlines() if line.startswith("{")]
    if ran.returncode or not lines:
        raise LoadError(f"wrk failed: {(ran.stderr or ran.stdout).strip()[-300:]}")
    seen = json.loads(lines[-1])
    if not seen["requests"]:
        raise LoadError("there was no response")
    # wrk distinguishes refusals from successes, but no statuses; those are checked beforehand.
    unexpected = seen["refused"] if max(statuses) < 400 else seen["requests"] - seen["refused"]
    return Figures(
        per_second=seen["requests"] / seen["microseconds"] * 1e6,
        p50_ms=seen["p50"] / 1000,
        p99_ms=seen["p99"] / 1000,
        wrong=unexpected + seen["broken"],
        requests=seen["requests"],
    )
