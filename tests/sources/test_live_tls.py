"""Tests of a live database behind TLS: what each sslMode accepts."""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from mockserver import Config, Emulator
from mockserver.sources import Sources
from mockserver.sources.listed import pinned
from mockserver.sources.live import Live
from tests import live
from tests.calls import send
from tests.postgres import PASSWORD
from tests.rows import each


def wrapped(authority: trustme.CA, name: str, then: Callable[[ssl.SSLSocket], None]) -> Callable[[socket.socket], None]:
    """A PostgreSQL server's side of the change to TLS, with a certificate for a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    def answer(connection: socket.socket) -> None:
        if connection.recv(8) != b"\0\0\0\x08\x04\xd2\x16\x2f":
            return  # a client without TLS
        connection.sendall(b"S")
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
            then(secure)

    return answer


def relay(secure: ssl.SSLSocket) -> None:
    """Copy everything to the database and back in one thread, since two must not share a TLS connection."""
    with socket.create_connection(("127.0.0.1", live.port())) as database:
        while True:
            ready = [secure] if secure.pending() else select.select([secure, database], [], [])[0]
            for source in ready:
                data = source.recv(65_536)
                if not data:
                    return
                (database if source is secure else secure).sendall(data)


@pytest.fixture(scope="module", autouse=True)
def database() -> int:
    """The database's port, created before any thread uses it."""
    return live.port()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def authorities(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("authorities") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def emulator(port: int, authorities: str | None) -> Emulator:
    made = Emulator(Config(seed=1))
    listed = pinned(f"localhost:{port}", lambda host, port: ["127.0.0.1"])
    made.world = made.world._replace(sources=Sources(live=Live([listed], authorities, live.BRIEF)))
    return made


def tried(port: int, authorities: str | None, body: dict[str, Any]) -> Any:
    there = emulator(port, authorities)
    return send(there, "GET", f"/connections/{live.draft(there, body)}/test").body["result"]  # type: ignore[index, call-overload]


@each(
    "mode, name, known, good",
    [
        ("Prefer", "other.example", False, True),
        ("Require", "other.example", False, True),
        ("Verify Ca", "other.example", True, True),
        ("Verify Ca", "localhost", False, False),
        ("Verify Full", "localhost", True, True),
        ("Verify-Full", "localhost", True, True),
        ("Verify Full", "other.example", True, False),
        ("Verify Full", "localhost", False, False),
    ],
)
def test_a_mode_believes_what_it_says(
    authority: trustme.CA, authorities: str, mode: str, name: str, known: bool, good: bool
) -> None:
    signer = authority if known else trustme.CA()
    with live.speaking(wrapped(signer, name, relay)) as port:
        assert tried(port, authorities, live.basic(port, sslMode=mode)) is good


@pytest.mark.parametrize(
    ("keys", "good"),
    [
        ({"EncryptionMethod": "1", "ValidateServerCertificate": "1"}, True),
        ({"EncryptionMethod": "1"}, True),
        ({"EncryptionMethod": "6"}, True),
        ({}, False),
    ],
    ids=["verified", "encrypted", "preferred", "plain"],
)
def test_a_connection_string_has_the_same_modes(
    authority: trustme.CA, authorities: str, keys: dict[str, str], good: bool
) -> None:
    with live.speaking(wrapped(authority, "localhost", relay)) as port:
        assert tried(port, authorities, live.string(port, **keys)) is good


def test_nothing_can_be_verified_without_authorities(authority: trustme.CA) -> None:
    with live.speaking(wrapped(authority, "localhost", relay)) as port:
        result = send(emulator(port, None), "POST", "/connections", live.basic(port, sslMode="Verify Full"))
    assert result.status == 400 and "--live-ca" in str(result.body)


@pytest.mark.parametrize(("mode", "given"), [("Require", False), ("Verify Full", True)])
def test_a_password_asked_for_in_clear_is_given_to_who_proved_to_be_the_right_server(
    authority: trustme.CA, authorities: str, mode: str, given: bool
) -> None:
    received: list[bytes] = []

    def ask(secure: ssl.SSLSocket) -> None:
        for _ in range(2):
            received.append(secure.recv(10_000))
            secure.sendall(b"R\0\0\0\x08\0\0\0\x03")

    with live.speaking(wrapped(authority, "localhost", ask)) as port:
        tried(port, authorities, live.basic(port, sslMode=mode))
    assert any(PASSWORD.encode() in data for data in received) is given


def test_authorities_in_the_users_home_are_not_asked(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / ".postgresql"
    home.mkdir()
    trustme.CA().cert_pem.write_to_path(str(home / "root.crt"))  # libpq would hold sslmode=require to it
    (home / "root.crl").write_text("no list")
    monkeypatch.setenv("HOME", str(tmp_path))
    with live.speaking(wrapped(authority, "localhost", relay)) as port:
        assert tried(port, None, live.basic(port, sslMode="Require"))


def test_authorities_are_read_from_a_file_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        Live.load(["localhost:5432"], str(tmp_path / "nothing.pem"))
