"""Tests that an interrupted run finishes the request in flight and deletes what it created."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.broken import proof
from contracts.broken.wrapping import Asked, GivenAnswer, Right, Wrapped
from contracts.settings import MADE_UP
from contracts.wire import Sent, WsgiTransport
from tests.contracts.command import serving

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "mockserver", "contract"]
CHOSEN = ["--examples", "3", "--operations", "createConnection", "--timeout", "60"]


def is_generated(asked: Asked) -> bool:
    return asked.headers.get("user-agent", "").startswith("schemathesis")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("held", "number"),
    [(is_generated, signal.SIGTERM), (lambda asked: not is_generated(asked), signal.SIGINT)],
    ids=["generated", "check"],
)
def test_what_a_request_in_flight_makes_is_deleted(held: Callable[[Asked], bool], number: signal.Signals) -> None:
    """One handler serves both signals and does not look at which came; test_contract_command.py sends both, too."""
    under_way, released = threading.Event(), threading.Event()

    def slow(asked: Asked, right: Right) -> GivenAnswer:
        if asked.creates and asked.kind == "connections" and held(asked) and not under_way.is_set():
            under_way.set()
            released.wait(60)
        return right(asked)

    app = proof.right({})[0]
    with serving(Wrapped(app, slow)) as url:
        command = [*COMMAND, url, *CHOSEN]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert under_way.wait(300)  # all checks of connections come first
            process.send_signal(number)
            with pytest.raises(subprocess.TimeoutExpired):  # waits while the request is in flight
                process.wait(1.5)
            released.set()
            out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "ended early: interrupted" in out and " 0 left behind" in out
    listed = WsgiTransport(app).send(Sent("GET", "/connections?count=true", tuple(MADE_UP.items())))
    assert listed.json == {"count": 0}
