"""Tests of the server with slow clients, crowds, signals and its own end.

Limits are shortened, so that no test waits for the real thirty seconds.
"""

import contextlib
import dataclasses
import http.client
import json
import os
import resource
import select
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme

from mockserver.cli import serving
from mockserver.cli.serving import serve_forever
from mockserver.config import Config
from mockserver.exchange import BASE_PATH
from mockserver.server import Server, limits, service
from mockserver.web.bridge import wsgi_server
from tests.rows import each
from tests.server.wire import (
    CLOSE,
    HEAD,
    LARGE,
    PATIENT,
    SHORT,
    Client,
    app,
    chunked,
    get,
    inside,
    post,
    release,
    running,
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as server:
        yield server


SLOW = {
    "half-a-head": (b"GET /" + HEAD + b"A: ", [408]),
    "half-a-body": (post(b"Content-Length: 10", body=b"hello"), [408]),
    "half-a-chunk": (chunked(b"ff\r\nhello"), [408]),
    "tls-hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400]),
    "line-feeds-only": (b"GET / HTTP/1.1\nHost: x\n\n", [400]),
    "half-a-second-request": (b"GET /" + HEAD + b"\r\nGET /" + HEAD + b"A: ", [200, 408]),
    "silence": (b"", []),
    "silence-after-an-answer": (b"GET /" + HEAD + b"\r\n", [200]),
}
"""Bytes sent before the client falls silent, and the responses before the connection ends."""


@each("case", SLOW)
def test_a_silent_client_is_answered_if_it_began_and_let_go(server: Server, case: str) -> None:
    sent, expected = SLOW[case]
    assert [status for status, _ in Client(server, sent).answers()] == expected


@pytest.mark.parametrize(("case", "limit"), [("half-a-head", "header_seconds"), ("half-a-body", "body_seconds")])
def test_a_head_and_a_body_have_each_their_time(case: str, limit: str) -> None:
    """All other limits are longer than `Client` waits."""
    with running(dataclasses.replace(PATIENT, **{limit: 0.3})) as server:
        began = time.monotonic()
        assert [status for status, _ in Client(server, SLOW[case][0]).answers()] == [408]
        assert time.monotonic() - began >= 0.3


@each("begun", [b"GET /" + HEAD + b"A: ", b"no request\r\n\r\n"])
def test_a_refusal_waits_for_the_response_before_it(begun: bytes) -> None:
    """The response was cut off at the second check of deadlines after the refusal."""
    release.clear()
    with running() as server:
        client = Client(server, b"GET /wait" + HEAD + b"\r\n" + begun)
        assert inside.acquire(timeout=60)
        (connection,) = server._crowd.clients
        while not connection._refusal:
            time.sleep(0.01)
        until = time.monotonic() + SHORT.header_seconds + 3 * service.TICK_SECONDS
        while time.monotonic() < until:
            time.sleep(0.01)
        release.set()
        assert [status for status, _ in client.answers()] in ([200, 408], [200, 400])


def test_a_client_that_drips_its_head_is_let_go_all_the_same(server: Server) -> None:
    client, received = Client(server, b"GET /" + HEAD + b"A: "), b""
    client.socket.settimeout(0.02)
    for _ in range(1_000):  # many times as long as a head may take
        client.send(b"b")
        with contextlib.suppress(TimeoutError):
            received = client.socket.recv(65_536)
            break
    assert received.startswith(b"HTTP/1.1 408")


def test_a_client_that_does_not_read_its_answer_is_let_go() -> None:
    with running(dataclasses.replace(PATIENT, write_seconds=0.3)) as server:
        client = Client(server, b"GET /large" + HEAD + b"\r\n")
        broken = select.poll()
        broken.register(client.socket, select.POLLHUP)
        assert broken.poll(20_000), "it was waited for"
        assert len(client.read()) < LARGE


def test_a_client_that_pauses_gets_its_whole_answer_and_the_next() -> None:
    with running(PATIENT) as server:
        client = Client(server, b"GET /large" + HEAD + b"\r\nGET /" + HEAD + CLOSE)
        get(server)  # its unread response does not delay others
        (large, body), (next_, _) = client.answers()
    assert (large, len(body), next_) == (200, LARGE, 200)


def test_clients_that_vanish_within_their_answer_leave_no_trace(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    def read_a_little_and_leave() -> None:
        for _ in range(100):
            client = Client(server, b"GET /" + HEAD + CLOSE)
            client.socket.recv(1)
            client.socket.close()  # with the rest unread, so the connection is reset

    crowd = [threading.Thread(target=read_a_little_and_leave) for _ in range(4)]
    for client in crowd:
        client.start()
    for client in crowd:
        client.join()
    get(server)
    assert not caplog.records


CROWDS = {
    "half-sent-heads": (200, b"POST /" + HEAD + b"A: "),
    "half-sent-bodies": (200, post(b"Content-Length: 100", body=b"hello")),
    "silent": (4_000, b""),
}


@pytest.mark.parametrize("crowd", CROWDS)
def test_a_crowd_of_slow_clients_holds_nobody_up(crowd: str) -> None:
    most, sent = CROWDS[crowd]
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    size = min(most, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 300) // 2)
    with running(PATIENT) as server:
        clients = [Client(server, sent) for _ in range(size)]
        for _ in range(5):
            get(server)
        ended = select.poll()
        for client in clients:
            ended.register(client.socket, select.POLLIN | select.POLLHUP)
        assert not ended.poll(0), "the others were answered while the crowd was there"
        for client in clients:
            client.socket.close()


def test_descriptors_that_run_out_cost_the_idle_their_place_and_nobody_else() -> None:
    program = PROGRAM.format(setup="resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))")
    with started(program) as (server, process):
        crowd = [Client(server) for _ in range(200)]
        get(server)
        assert any(client.socket.recv(1) == b"" for client in crowd[:1])
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_descriptors_are_raised_as_far_as_the_system_lets_us(monkeypatch: pytest.MonkeyPatch) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    try:
        serving.raise_descriptors()
        assert limits.descriptors() > 512 or hard <= 512
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    monkeypatch.setattr(limits, "resource", None)
    monkeypatch.setattr(serving, "resource", None)
    serving.raise_descriptors()
    assert limits.descriptors() > 1_024, "a platform that does not say has many"


def test_a_stop_answers_what_has_begun_and_takes_nothing_more() -> None:
    release.clear()
    with running() as server:
        idle = Client(server)
        client = Client(server, b"GET /wait" + HEAD + b"\r\n")
        assert inside.acquire(timeout=60)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert idle.read() == b""
        with pytest.raises(ConnectionRefusedError):
            Client(server)
        release.set()
        assert [status for status, _ in client.answers()] == [200]
        stopping.join(60)
        assert not stopping.is_alive()


def test_a_stop_waits_for_a_body_that_has_begun() -> None:
    with running() as server:
        idle = Client(server)
        client = Client(server, b"GET /" + HEAD + b"\r\n" + post(b"Content-Length: 5", body=b"he"))
        assert client.socket.recv(65_536).startswith(b"HTTP/1.1 200 ")
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert idle.read() == b""
        client.send(b"llo")
        [(status, body)] = client.answers()
        assert (status, json.loads(body)["length"]) == (200, 5)
        stopping.join(60)


def test_a_stop_waits_no_longer_than_it_may() -> None:
    release.clear()
    with running(dataclasses.replace(PATIENT, grace_seconds=0.2)) as server:
        client = Client(server, b"GET /wait" + HEAD + b"\r\n")
        assert inside.acquire(timeout=60)
        server.stop()
        assert client.read() == b"", "the request was still inside"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP])
def test_a_signal_ends_the_process_well_after_the_answer(number: signal.Signals) -> None:
    with started(PROGRAM.format(setup="")) as (server, process):
        client = Client(server, b"GET /slow" + HEAD + b"\r\n")
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        process.send_signal(number)
        assert [status for status, _ in client.answers()] == [200]
        assert process.wait(60) == 0


def is_there(command: Sequence[str]) -> bool:
    """Whether a program can be run under this command."""
    with contextlib.suppress(OSError):
        return subprocess.run([*command, "true"], capture_output=True).returncode == 0
    return False


FIRST = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
"""Runs a program as process 1 of a PID namespace, as in a container."""


@pytest.mark.skipif(not is_there(FIRST), reason="no PID namespaces here")
@pytest.mark.parametrize(
    ("number", "again"),
    [(signal.SIGTERM, True), (signal.SIGHUP, True), (signal.SIGQUIT, False), (signal.SIGHUP, False)],
)
def test_process_1_ends_after_the_answer_and_at_a_second_signal_at_once(number: signal.Signals, again: bool) -> None:
    with started(PROGRAM.format(setup=""), FIRST) as (server, process):
        client = Client(server, b"GET " + (b"/long" if again else b"/slow") + HEAD + b"\r\n")
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        inner = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
        os.kill(inner, number)
        if again:
            while not connects_no_more(server):
                pass
            os.kill(inner, number)
        else:
            assert [status for status, _ in client.answers()] == [200]
        assert process.wait(60) == (128 + number if again else 0)


def connects_no_more(server: Any) -> bool:
    with contextlib.suppress(ConnectionError):
        Client(server, b"").socket.close()
        return False
    return True


PROGRAM = """
import resource, sys, time
from mockserver.cli.serving import run
from mockserver.web.bridge import wsgi_server
def app(environ, start_response):
    if environ["PATH_INFO"] in ("/slow", "/long"):
        print("begun", flush=True)
        time.sleep(0.3 if environ["PATH_INFO"] == "/slow" else 60)
    content = b'{{"PATH_INFO": "%s"}}' % environ["PATH_INFO"].encode()
    start_response("200 OK", [("Content-Length", str(len(content)))])
    return [content]
{setup}
sys.exit(run(wsgi_server(app), lambda server: print(server.url, flush=True)))
"""


class Elsewhere:
    """The address of a server in another process."""

    def __init__(self, url: str) -> None:
        self.url = url


@contextlib.contextmanager
def started(program: str, under: Sequence[str] = ()) -> Iterator[tuple[Any, subprocess.Popen[str]]]:
    process = subprocess.Popen([*under, sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Elsewhere(process.stdout.readline().strip()), process
    finally:
        process.kill()
        process.communicate()


def test_a_port_that_is_taken_is_said_in_one_line(server: Server) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(OSError, match="cannot listen") as caught:
        wsgi_server(app, port=port)
    said = f"cannot listen on 127.0.0.1:{port}: Address already in use; port 0 picks a free one"
    assert str(caught.value) == said


def test_an_address_that_this_machine_does_not_have_is_not_a_matter_of_the_port() -> None:
    with pytest.raises(OSError, match=r"^cannot listen on 203\.0\.113\.9:0: [^;(]+$"):
        wsgi_server(app, host="203.0.113.9")


def test_serve_ends_with_2_and_one_line_of_error_when_its_port_is_taken(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config(port=int(server.url.rpartition(":")[2]), log="none")
    assert serve_forever(config, print) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and "Address already in use" in printed.err and printed.err.count("\n") == 1


def test_serve_names_the_port_it_was_given_and_ends_well() -> None:
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--log", "none"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        url = process.stdout.readline().split()[1]
        try:
            with urllib.request.urlopen(url.replace(BASE_PATH, "/_mock/health"), timeout=60) as answer:
                assert answer.status == 200
        finally:
            process.terminate()
        assert process.wait(60) == 0


def test_a_stopped_server_has_given_its_port_back() -> None:
    with running() as server:
        get(server)
        server.stop()
        port = int(server.url.rpartition(":")[2])
        with running(port=port) as again:
            get(again)


def test_a_server_without_clients_stops_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test with a server of its own took 0.15 s longer, a client with an intercepting proxy half a second."""
    for name in ("TICK_SECONDS", "LAST_CALL_SECONDS"):
        monkeypatch.setattr(service, name, 86_400)
    server = wsgi_server(app)
    server.start()
    with urllib.request.urlopen(server.url) as answer:
        assert answer.status == 200
    server.stop()
    assert connects_no_more(server)


def test_a_server_that_never_started_can_be_stopped() -> None:
    server = wsgi_server(app)
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        Client(server)


def test_it_speaks_tls_with_a_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with running(certificate=(chain, key)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        connection = http.client.HTTPSConnection(server.url.removeprefix("https://"), context=context, timeout=60)
        for size in (5, SHORT.max_body + 1):
            connection.request("POST", "/", body=b"a" * size)
            answer = connection.getresponse()
            seen = json.loads(answer.read())
            assert answer.status == (200 if size == 5 else 413) and seen["wsgi.url_scheme"] == "https"
        connection.close()
