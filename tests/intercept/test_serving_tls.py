"""`mockserver serve --tls`: HTTPS for this machine's names and Adobe's, and a certificate that never runs out."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver import create_app
from mockserver.intercept.authority import Authority
from mockserver.web.server import make_server


@pytest.fixture(scope="module")
def serving(ca_folder: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    context = Authority.open(ca_folder).server_context()
    server = make_server(create_app(log="none"), certificate=context)
    server.start()
    yield int(server.url.rpartition(":")[2]), context
    server.stop()


def connected(port: int, ca_folder: Path, name: str) -> ssl.SSLSocket:
    """A verified connection in which the server is called by a name."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
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
        assert connection.recv(65_536).startswith(b"HTTP/1.1 403 FORBIDDEN")


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
        connection.settimeout(1)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.endswith(b'"message":"Api Key is required"}')
