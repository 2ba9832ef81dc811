"""Tests of a server with live databases: its start, and the effect of a hanging database on others."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

import pytest

from mockserver import config
from mockserver.server import Limits, Server
from mockserver.sources.dialling import MAX_SESSIONS
from mockserver.web.served import Served
from tests import live
from tests.bad_network import between
from tests.calls import HEADERS
from tests.server.wire import running


def get(server: Server, path: str) -> tuple[int, Any, dict[str, str]]:
    """Status, body and headers of a response."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=100)
    connection.request("GET", path, headers=HEADERS)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body, {name.lower(): value for name, value in answer.getheaders()}


def test_a_database_that_hangs_holds_up_nobody_else_however_many_ask_for_it() -> None:
    with between(live.port()) as network:
        emulator = live.emulator(network.port, patience=replace(live.BRIEF, connect_seconds=60))
        base = live.draft(emulator, live.basic(network.port))
        network.hang()
        with running(Limits(), threads=16, app=Served(emulator)) as server, ThreadPoolExecutor(14) as crowd:
            asking = [crowd.submit(get, server, f"/connections/{base}/test") for _ in range(14)]
            while not network.connections:
                time.sleep(0.01)  # there is no notification when the first connection attempt begins
            others = [get(server, "/connections") for _ in range(20)]
            assert {asked.result()[0] for asked in asking if asked.done()} <= {503}, "the database still hangs"
            wait(asking, return_when=FIRST_COMPLETED)  # no free session: refused while the others still wait
            network.refuse()
            answers = [asked.result() for asked in asking]
    assert {status for status, *_ in others} == {200}
    busy = [headers for status, _, headers in answers if status == 503]
    assert {status for status, *_ in answers} == {200, 503}
    assert all(body == {"result": False} for status, body, _ in answers if status == 200)
    assert 0 < len(busy) <= 14 - MAX_SESSIONS
    assert all(headers["retry-after"] == "1" for headers in busy)


def test_a_burst_at_a_database_that_answers_is_answered() -> None:
    emulator = live.emulator()
    base = live.draft(emulator, live.basic())
    with running(Limits(), threads=16, app=Served(emulator)) as server, ThreadPoolExecutor(14) as crowd:
        answers = list(crowd.map(lambda _: get(server, f"/connections/{base}/explore?objectType=root"), range(14)))
    assert {status for status, *_ in answers} == {200}


def served(*args: str, program: str = "", **environ: str) -> tuple[int, str, str]:
    """Status and outputs of `mockserver serve` if it does not start."""
    command = [
        sys.executable,
        "-c",
        f"{program}\nfrom mockserver.cli import main; main()",
        "serve",
        "--port",
        "0",
        *args,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=environ or None)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("args", "program", "says"),
    [
        (("--live", "localhost"), "", "--live takes HOST:PORT"),
        (("--live", "169.254.169.254:5432"), "", "never dialled"),
        (("--live", "localhost:5432", "--live-ca", "nothing.pem"), "", "nothing.pem cannot be read"),
        (
            ("--live", "localhost:5432"),
            "import sys; sys.modules['psycopg'] = None",
            config.how_to_get("postgres"),
        ),
    ],
    ids=["no port", "metadata", "no authorities", "no psycopg"],
)
def test_what_cannot_be_listed_ends_a_start_in_one_line(args: tuple[str, ...], program: str, says: str) -> None:
    status, out, error = served(*args, program=program)
    assert (status, out) == (2, "")
    assert says in error and len(error.splitlines()) == 1


def test_a_server_without_psycopg_starts_where_no_database_is_listed() -> None:
    program = "import sys; sys.modules['psycopg'] = None\nfrom mockserver.cli import serving\n"
    assert served(program=f"{program}serving.run = lambda made, ready: 0")[0] == 0


def test_the_banner_says_what_is_dialled_and_psycopg_comes_with_it() -> None:
    port = live.port()
    command = [sys.executable, "-m", "mockserver", "--port", "0", "--log", "none", "--live", f"LocalHost:{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        url = lines[1].split()[1].removesuffix("/data/foundation/flowservice")
        try:
            body = json.dumps(live.basic()).encode()
            sent = urllib.request.Request(f"{url}/connections", body, {**HEADERS, "Content-Type": "application/json"})
            with urllib.request.urlopen(sent, timeout=60) as answer:
                assert answer.status == 201
        finally:
            process.terminate()
        assert process.wait(60) == 0
    assert lines[5].split()[:2] == ["Live", f"localhost:{port}"] and "127.0.0.1" in lines[5]


def test_the_list_can_stand_in_the_environment() -> None:
    assert config.load({}, {"MOCKSERVER_LIVE": "db:5432, other:5433"}).live == ("db:5432", "other:5433")
