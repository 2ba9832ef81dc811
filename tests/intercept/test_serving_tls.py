"""Tests of `mockserver serve --tls`: HTTPS for local names and Adobe's, with a certificate that is renewed."""

from __future__ import annotations

import http.client
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from mockserver import Config, Emulator, intercept
from mockserver.cli.serving import serve_forever
from mockserver.intercept import authority
from mockserver.intercept.authority import Authority
from mockserver.web.served import Served


@pytest.fixture(scope="module")
def serving(ca_folder: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    context = Authority.open(ca_folder).server_context()
    server = Served(Emulator(Config(log="none"))).listen(certificate=context)
    server.start()
    yield int(server.url.rpartition(":")[2]), context
    server.stop()


def connected(port: int, ca_folder: Path, name: str) -> ssl.SSLSocket:
    """A verified connection to the server under a host name."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.connect()
    trusting = ssl.create_default_context(cafile=ca_folder / "ca.pem")
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    return trusting.wrap_socket(connection.sock, server_hostname=name)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "platform.adobe.io", "ims-na1.adobelogin.com"])
def test_it_is_believed_to_be_this_machine_and_adobes_hosts(
    serving: tuple[int, ssl.SSLContext], ca_folder: Path, name: str
) -> None:
    with connected(serving[0], ca_folder, name) as connection:
        connection.sendall(f"GET /connections HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 403 Forbidden")


def test_it_is_believed_to_be_nobody_else(serving: tuple[int, ssl.SSLContext], ca_folder: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        connected(serving[0], ca_folder, "example.com")


def test_a_new_certificate_is_shown_to_those_who_come_after_it(
    serving: tuple[int, ssl.SSLContext], ca_folder: Path
) -> None:
    port, context = serving
    with connected(port, ca_folder, "localhost") as before:
        Authority.open(ca_folder).load_leaf(context)
        with connected(port, ca_folder, "localhost") as after:
            assert before.getpeercert()["serialNumber"] != after.getpeercert()["serialNumber"]


def test_a_client_that_asked_for_the_end_of_the_connection_is_not_kept_waiting_for_it(
    serving: tuple[int, ssl.SSLContext], ca_folder: Path
) -> None:
    with connected(serving[0], ca_folder, "localhost") as connection:
        connection.sendall(b"GET /connections HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        connection.settimeout(60)  # an idle connection is closed after 75 s
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.endswith(b'"message":"Api Key is required"}')


def test_serve_has_its_own_certificate_and_says_where_it_is(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mockserver",
        "--port",
        "0",
        "--tls",
        "--log",
        "none",
        "--ca-folder",
        str(tmp_path),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            banner = [process.stdout.readline() for _ in range(6)]
            port = int(banner[1].split()[1].removeprefix("https://127.0.0.1:").partition("/")[0])
            with connected(port, tmp_path, "localhost") as connection:
                connection.sendall(b"GET /_mock/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        finally:
            process.terminate()
    assert process.returncode == 0 and str(tmp_path / "ca.pem") in banner[-1]


def test_without_what_tls_needs_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(intercept, "available", lambda: False)
    assert serve_forever(Config(port=0, tls=True, log="none"), print) == 2
    assert capsys.readouterr() == ("", f"mockserver: --tls: {intercept.missing()}\n")


def test_the_certificate_is_renewed_while_the_server_runs_and_kept_where_it_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    due, asked = threading.Semaphore(0), threading.Semaphore(0)

    def until_due(seconds: float) -> None:
        asked.release()
        due.acquire()

    def next_day() -> None:
        due.release()
        assert asked.acquire(timeout=100)  # the renewal was done

    monkeypatch.setattr(authority, "time", SimpleNamespace(sleep=until_due))
    server = Served(Emulator(Config(log="none"))).listen(certificate=authority.lasting_context(tmp_path))
    server.start()
    port = int(server.url.rpartition(":")[2])

    def serial() -> str:
        with connected(port, tmp_path, "localhost") as connection:
            return connection.getpeercert()["serialNumber"]

    assert asked.acquire(timeout=100)
    first = serial()
    next_day()
    second = serial()
    assert first != second
    (tmp_path / "authority.pem").write_text("not a key")
    next_day()
    assert serial() == second and "the certificate is not renewed" in caplog.text
    server.stop()
