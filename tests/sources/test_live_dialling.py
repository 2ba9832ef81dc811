"""Tests of which databases the server connects to, with which parameters, and of error messages."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from psycopg import pq

from mockserver import Config, Emulator
from mockserver.sources.dialling import SSL_MODES, unset_parameters
from mockserver.sources.listed import pinned
from tests import live
from tests.bad_network import between
from tests.calls import by_string, made, refused, send
from tests.postgres import PASSWORD
from tests.rows import each


@pytest.fixture
def emulator() -> Emulator:
    return live.emulator()


@pytest.fixture
def canary() -> Iterator[live.Canary]:
    found = live.Canary()
    yield found
    assert not found.dialled
    found.close()


def tried(emulator: Emulator, body: dict[str, Any]) -> Any:
    """The result of testing a draft."""
    return send(emulator, "GET", f"/connections/{live.draft(emulator, body)}/test").body


@pytest.mark.parametrize(
    "body",
    [
        live.basic, live.string, lambda: live.basic(server="LocalHost"), lambda: live.basic(server="localhost."),
        lambda: live.string(PWD="unused"),
    ],
)  # fmt: skip
def test_the_right_credentials_log_in(emulator: Emulator, body: Any) -> None:
    assert tried(emulator, body()) == {"result": True}
    assert send(emulator, "POST", "/connections", body()).status == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "c4n4ry-wrong"}, {"database": "nothing"}, {"username": "nobody"}, {"password": "{PASSWORD}"},
        {"username": "c4n4ry", "password": "c4n4ry"},
        {"password": " " + PASSWORD}, {"username": "flow\nreader"}, {"password": "c4n4ry" * 2_000},
    ],
    ids=lambda wrong: "-".join(wrong),
)  # fmt: skip
def test_wrong_ones_are_refused_as_the_service_refuses_them_assumed(
    emulator: Emulator, wrong: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert tried(emulator, live.basic(**wrong)) == {"result": False}
    result = send(emulator, "POST", "/connections", live.basic(**wrong))
    assert refused(result) == (400, "1100-400", "/auth/params")
    assert "refuses this user name or password" in str(result.body)
    assert "c4n4ry" not in str(result.body) + caplog.text and len(caplog.text.splitlines()) == 2


def test_a_draft_that_lacks_credentials_is_not_dialled_with(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    body = live.basic()
    del body["auth"]["params"]["password"]
    assert tried(emulator, body) == {"result": False}
    assert not caplog.records


def test_the_log_says_in_one_line_why_nothing_answers(caplog: pytest.LogCaptureFixture) -> None:
    emulator = live.emulator(1)
    assert tried(emulator, live.basic(1)) == {"result": False}
    (record,) = caplog.records
    assert record.levelno == logging.WARNING and "Connection refused" in record.getMessage()
    assert "localhost:1" in record.getMessage() and "\n" not in record.getMessage()


def http(connection: socket.socket) -> None:
    connection.recv(100)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_password_too_short_for_a_secret_does_not_show_in_what_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    assert tried(live.emulator(1), live.basic(1, password="e")) == {"result": False}
    assert "Connection refused" in caplog.text and "***" not in caplog.text


def test_refused_closed_and_strange_ports_look_the_same() -> None:
    with live.speaking(http) as strange, live.speaking(lambda connection: None) as closing:
        said = set()
        for port in (1, strange, closing):
            result: Any = send(live.emulator(port), "POST", "/connections", live.basic(port))
            assert refused(result)[:2] == (400, "1100-400")
            said.add(str(result.body))
    assert len(said) == 1 and "cannot be reached" in said.pop()


@pytest.mark.parametrize(
    "server",
    ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "::1", "localhost,localhost", "/run", " localhost",
     "localhost\t", "localhost:5432", "postgresql://localhost", "{SERVER}"],
)  # fmt: skip
def test_a_host_is_dialled_under_the_name_it_was_listed_by_alone(canary: live.Canary, server: str) -> None:
    emulator = live.emulator(canary.port)
    base = made(emulator, live.basic(canary.port, server=server))["id"]
    answer: Any = live.explore(emulator, base)
    assert answer.body[0]["name"] == "public.customers" and len(answer.body) == 5  # the built-in shop


def test_another_port_is_not_listed(canary: live.Canary) -> None:
    assert tried(live.emulator(), live.basic(canary.port)) == {"result": True}


def test_a_connection_string_without_a_port_means_5432() -> None:
    emulator = live.emulator(5432, resolve=lambda host, port: ["127.0.0.77"])  # no server listens here
    text = "Server=localhost;Database=crm;UID=flow;Password=c4n4ry"
    assert tried(emulator, by_string(text)) == {"result": False}
    assert tried(emulator, by_string(text + ";Port=5433")) == {"result": True}


def test_without_a_list_nothing_is_dialled(canary: live.Canary) -> None:
    emulator = Emulator(Config(seed=1))
    base = made(emulator, live.basic(canary.port))["id"]
    assert live.explore(emulator, base).status == 200


@pytest.mark.parametrize("member", ["database", "username", "password"])
@pytest.mark.parametrize(
    "text",
    ["x host=127.0.0.1 port={}", "x' host='127.0.0.1' port='{}", "postgresql://127.0.0.1:{}/crm",
     "x hostaddr=127.0.0.1 port={}", "x\\' port={} x=\\'", "service=evil port={}"],
)  # fmt: skip
def test_no_value_becomes_a_parameter(canary: live.Canary, emulator: Emulator, member: str, text: str) -> None:
    assert tried(emulator, live.basic(**{member: text.format(canary.port)})) == {"result": False}


def test_every_parameter_libpq_would_look_up_in_its_environment_is_given() -> None:
    looked_up = {option.keyword.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    assert set(unset_parameters()) == looked_up - {"service"}


@pytest.mark.parametrize("service", ["evil", "of no file"])
def test_nothing_is_taken_from_the_environment(
    canary: live.Canary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    elsewhere = {"HOST": "127.0.0.1", "HOSTADDR": "127.0.0.1", "PORT": str(canary.port), "USER": "nobody"}
    theirs = {"PASSWORD": PASSWORD, "SSLMODE": "verify-full", "SSLROOTCERT": "/nothing", "REQUIREAUTH": "password"}
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:*:{PASSWORD}\n")
    passwords.chmod(0o600)
    services = tmp_path / "services"
    services.write_text(f"[evil]\nhost=127.0.0.1\nport={canary.port}\npassword={PASSWORD}\n")
    files = {"PASSFILE": str(passwords), "SERVICEFILE": str(services), "SERVICE": service, "OPTIONS": "-c role=reader"}
    for name, value in {**elsewhere, **theirs, **files}.items():
        monkeypatch.setenv(f"PG{name}", value)
    emulator = Emulator(Config(seed=1, live=(f"localhost:{live.port()}",)))
    assert tried(emulator, live.basic()) == {"result": True}
    for password in ("", "wrong"):
        assert tried(emulator, live.basic(password=password)) == {"result": False}
    assert live.explore(emulator, made(emulator, live.basic())["id"], "hidden.salaries").status == 200


def test_a_name_that_leads_elsewhere_later_is_not_followed(canary: live.Canary) -> None:
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    emulator = live.emulator(resolve=resolve, host="db.invalid")  # never resolvable
    for _ in range(3):
        assert tried(emulator, live.basic(server="db.invalid")) == {"result": True}
    assert asked == ["db.invalid"]


@each("bad", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "255.255.255.255", "no address"])
@each("place", [0, 1, 5])
def test_a_name_of_which_one_address_is_forbidden_cannot_be_listed(bad: str, place: int) -> None:
    """Also one behind the addresses that would be dialled."""
    addresses = [f"127.0.0.{number}" for number in range(1, 7)]
    addresses.insert(place, bad)
    with pytest.raises(ValueError, match=r"never dialled|is not an IP address"):
        pinned("db.invalid:5432", lambda host, port: addresses)


def test_the_next_address_is_tried_where_nothing_answers_and_not_where_a_password_was_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    emulator = live.emulator(resolve=lambda host, port: ["127.0.0.9", "127.0.0.1"])
    assert tried(emulator, live.basic()) == {"result": True}
    emulator = live.emulator(resolve=lambda host, port: ["127.0.0.1", "127.0.0.9"])
    assert tried(emulator, live.basic(password="wrong")) == {"result": False}
    assert "password authentication failed" in caplog.text


@each(
    "text",
    ["", "localhost", "localhost:", ":5432", "localhost:0", "localhost:65536", "localhost:http", "a b:1", "a,b:1",
     "/run:1", "user@host:1", "::1:5432", "[localhost]:1", "-host:1", "host\n:1"],
)  # fmt: skip
def test_what_is_listed_is_a_host_and_a_port(text: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT|no IP"):
        pinned(text, lambda host, port: [host])


@each(
    "address",
    ["169.254.169.254", "fe80::1", "fe80::1%eth0", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "::ffff:169.254.169.254",
     "fd00:ec2::254", "100.100.100.200", "255.255.255.255", "240.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe",
     "64:ff9b:1:a9fe:a9:fe00::", "2002:a9fe:a9fe::1", "::169.254.169.254", "::ffff:255.255.255.255",
     "64:ff9b::6464:64c8", "2001:0:a9fe:a9fe::1", "2001:0:808:808:0:0:5601:5601", "fd00::5efe:a9fe:a9fe",
     "2001:db8::200:5efe:169.254.169.254", "::ffff:0:169.254.169.254", "0.1.2.3", "192.0.0.192", "fd20:ce::254",
     "2002:ffff:ffff::", "64:ff9b::ffff:ffff", "fd00:ec2::23", "fd00:a9fe:a9fe::1", "fd00:c1::a9fe:a9fe",
     "2001:db8:64::a9fe:a9fe", "2001:db8:a9fe:a9fe::", "2001:db8:64:ff00:a9:fea9:fe00:0", "2001:db8::6464:64c8",
     "2001:db8::a9fe:aa02", "fec0::1", "feff::1", "100::1"],
)  # fmt: skip
def test_no_name_leads_to_where_clouds_keep_credentials(address: str) -> None:
    with pytest.raises(ValueError, match="never dialled"):
        pinned("db.example.com:5432", lambda host, port: ["10.0.0.1", address])


@each(
    "address",
    [
        "10.0.0.1",
        "::1",
        "2001:db8::1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "fd00::5",
        "fd00::5efe:10.0.0.1",
        "::ffff:0:10.0.0.1",
        "2001:db8:64::a9fe:1",
        "100:1::1",
        "fd00:ec3::1",
    ],
)
def test_other_addresses_may_be_listed(address: str) -> None:
    assert pinned("db.example.com:5432", lambda host, port: [address]).addresses == (address,)


@pytest.mark.parametrize(
    "text",
    [
        *("u:c4n4ry@h:5432", "postgresql://u:c4n4ry@h:5432/d", "host=h password=c4n4ry"),
        *("h:5432:d:u:c4n4ry", "u:c4n4ry", "u/c4n4ry@h:5432"),
    ],
)
def test_what_may_hold_a_password_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT") as refused_text:
        pinned(text, lambda host, port: ["10.0.0.1"])
    assert "c4n4ry" not in str(refused_text.value)


def test_a_name_without_an_address_cannot_be_listed() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(ValueError, match=r"nowhere\.example cannot be resolved: Name or service not known"):
        pinned("nowhere.example:5432", unknown)
    with pytest.raises(ValueError, match="no address"):
        pinned("nowhere.example:5432", lambda host, port: [])


def test_a_database_that_hangs_is_given_up_and_for_a_moment_not_asked_again() -> None:
    with between(live.port()) as network:
        emulator = live.emulator(network.port, patience=replace(live.BRIEF, silent_ms=2_000))
        base = live.draft(emulator, live.basic(network.port))
        network.hang()
        assert refused(live.explore(emulator, base))[:2] == (400, "1100-400")
        assert "did not answer just now" in str(live.explore(emulator, base).body)
        assert network.connections == 1
        network.heal()
        while (answer := live.explore(emulator, base)).status != 200:
            assert "did not answer just now" in str(answer.body)
            time.sleep(0.05)


def test_a_database_that_hangs_in_an_answer_is_given_up() -> None:
    with between(live.port()) as network:
        emulator = live.emulator(network.port, patience=replace(live.BRIEF, silent_ms=60_000))
        base = made(emulator, live.basic(network.port))["id"]
        network.answer = lambda data: b"" if b"balance" in data else data
        assert refused(live.explore(emulator, base, "public.customers"))[:2] == (504, "1104-504")
        assert "did not answer just now" in str(live.explore(emulator, base).body)


@pytest.mark.parametrize("count", [0, 1, 20, 300, 500, 700])
def test_a_connection_that_breaks_anywhere_is_a_refusal(count: int) -> None:
    with between(live.port()) as network:
        emulator = live.emulator(network.port)
        base = live.draft(emulator, live.basic(network.port))
        network.cut_after(count)
        assert refused(live.explore(emulator, base, "public.customers", preview=True))[:2] == (400, "1100-400")
        network.heal()
        assert live.explore(emulator, base, "public.customers", preview=True).status == 200


IN_CLEAR, AS_MD5 = b"R\0\0\0\x08\0\0\0\x03", b"R\0\0\0\x0c\0\0\0\x05salt"
"""Requests of a server for the password in clear, and for a weak hash of it."""


@pytest.mark.parametrize("mode", ["Disable", "Allow", "Prefer"])
@pytest.mark.parametrize("asked", [IN_CLEAR, AS_MD5], ids=["in clear", "as MD5"])
def test_the_password_is_not_handed_to_a_server_that_asks_for_it_in_clear(asked: bytes, mode: str) -> None:
    received = _told_to_who_asks(asked, mode)
    assert not any(PASSWORD.encode() in data or data[:1] == b"p" for data in received)


@pytest.mark.parametrize(("asked", "sent"), [(IN_CLEAR, False), (AS_MD5, True)], ids=["in clear", "as MD5"])
def test_a_hash_that_can_be_guessed_is_sent_where_it_is_allowed_and_nothing_in_clear(asked: bytes, sent: bool) -> None:
    received = _told_to_who_asks(asked, "Prefer", md5=True)
    assert any(data[:4] == b"p\0\0\0" and data[5:8] == b"md5" for data in received) is sent
    assert not any(PASSWORD.encode() in data for data in received)


def _told_to_who_asks(asked: bytes, mode: str, *, md5: bool = False) -> list[bytes]:
    """What a server receives that asks for the password in this way."""
    received: list[bytes] = []

    def ask(connection: socket.socket) -> None:
        for _ in range(4):
            data = connection.recv(10_000)
            received.append(data)
            encryption = len(data) == 8
            connection.sendall(b"N" if encryption else asked)

    with live.speaking(ask) as port:
        assert tried(live.emulator(port, md5=md5), live.basic(port, sslMode=mode)) == {"result": False}
    assert any(b"flow" in data for data in received)
    return received


def test_every_ssl_mode_has_libpqs_word() -> None:
    assert set(SSL_MODES.values()) == {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}


@pytest.mark.parametrize("mode", ["Require", "Verify Ca", "Verify-Full"])
def test_a_server_without_tls_is_out_of_reach_for_who_demands_it(emulator: Emulator, mode: str) -> None:
    result = send(emulator, "POST", "/connections", live.basic(sslMode=mode))
    assert refused(result) == (400, "1100-400", "/auth/params")
    assert "sslMode" in str(result.body)
