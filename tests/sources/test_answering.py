"""Tests that log, journal and console name the source of a response, and near misses get a warning."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from mockserver import Config, Emulator, create_app
from mockserver.sources import Sources, declared
from mockserver.sources.live import Live
from mockserver.specs.connectors import Access
from tests.calls import HEADERS, connection, made, send
from tests.dataflows import EXAMPLE_SOURCES

ADDRESSES = {
    "localhost": ["127.0.0.1", "::1"],
    "127.0.0.1": ["127.0.0.1"],
    "::1": ["::1"],
    "db.example.com": ["10.0.0.5"],
}


def sources(*listed: str) -> Sources:
    return Sources(None, Live.load(listed, None, lambda host, port: ADDRESSES.get(host, [host])))


def leading(server: str, port: str = "5432") -> Access:
    return Access("database", "postgre-sql", server, port, "shop", "reader", "s3cret")


SAME = [
    ("localhost:5432", "localhost", "5432"),
    ("localhost:5432", "LOCALHOST", "5432"),
    ("localhost:5432", "localhost.", "5432"),
    ("localhost:5432", "localhost", "05432"),
    ("[::1]:5432", "::1", "5432"),
    ("[::1]:5432", "[0:0:0:0:0:0:0:1]", "5432"),
    ("db.example.com:5432", "DB.Example.com.", "5432"),
]
NEARLY = [
    ("localhost:5432", "127.0.0.1"),
    ("localhost:5432", "::1"),
    ("localhost:5432", "[::1]"),
    ("localhost:5432", "127.0.1.1"),
    ("localhost:5432", "::ffff:127.0.0.1"),
    *(
        ("localhost:5432", host)
        for host in ("127.1", "0x7f000001", "2130706433", "0.0.0.0", "ip6-loopback", " localhost ")
    ),
    *(
        ("localhost:5432", host)
        for host in ("localhost:5432", "localhost,5432", "tcp:localhost", "postgres://localhost")
    ),
    ("localhost:5432", "jdbc:postgresql://reader:s3cret@localhost:5432/shop?ssl=true"),
    ("[::1]:5432", "postgresql://[::1]:5432/shop"),
    ("db.example.com:5432", "postgres://DB.example.com/shop"),
    ("127.0.0.1:5432", "localhost"),
    ("127.0.0.1:5432", "localhost."),
    ("[::1]:5432", "localhost"),
    ("db.example.com:5432", "10.0.0.5"),
]
ANOTHER = [
    ("localhost:5432", "db.example.com", "5432"),
    ("db.example.com:5432", "10.0.0.6", "5432"),
    ("db.example.com:5432", "db.example.com.evil.example", "5432"),
    ("db.example.com:5432", "postgres://evil.example/db.example.com", "5432"),
    ("db.example.com:5432", "", "5432"),
    ("db.example.com:5432", "localhost", "5432"),
    ("db.example.com:5432", "evil.example.com", "5432"),
]


@pytest.mark.parametrize(("listed", "server", "port"), SAME)
def test_one_name_in_another_spelling_leads_to_the_live_source(listed: str, server: str, port: str) -> None:
    assert sources(listed).answering(leading(server, port)) == f"live {listed.removeprefix('[').replace(']', '')}"


@pytest.mark.parametrize(("listed", "server"), NEARLY)
def test_a_live_source_missed_by_the_spelling_of_its_host_is_a_warning(
    listed: str, server: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = sources(listed).answering(leading(server))
    assert told.startswith("built-in shop (not live ") and "the spelling of its host differs" in told
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING and "--live" in warning.getMessage()


@pytest.mark.parametrize(
    ("listed", "server", "port"),
    [
        ("localhost:5433", "localhost", "5432"),
        ("localhost:5432", "127.0.0.1", "5433"),
        ("localhost:5432", "localhost:5433", "5432"),
        ("db.example.com:54320", "DB.example.com.", "5432"),
        ("127.0.0.1:15432", "jdbc:postgresql://localhost:5432/shop", "5432"),
    ],
)
def test_a_live_source_missed_by_its_port_is_a_warning(
    listed: str, server: str, port: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = sources(listed).answering(leading(server, port))
    assert told == f"built-in shop (not live {listed}: its port differs)"
    (warning,) = caplog.records
    assert "only by its port" in warning.getMessage() and "--live" in warning.getMessage()


@pytest.mark.parametrize(("listed", "server", "port"), ANOTHER)
def test_another_server_is_no_near_miss(listed: str, server: str, port: str, caplog: pytest.LogCaptureFixture) -> None:
    assert sources(listed).answering(leading(server, port)) == "built-in shop"
    assert not caplog.records


def test_a_source_declared_at_another_port_than_a_live_one_is_no_near_miss(caplog: pytest.LogCaptureFixture) -> None:
    live = Live.load(("events.example.com:5433",), None, lambda host, port: ["10.0.0.7"])
    both = Sources(declared.read(str(EXAMPLE_SOURCES)), live)
    assert both.answering(leading("events.example.com")).startswith("declared server=") and not caplog.records


def test_a_declared_source_is_told_by_what_it_is_matched_by() -> None:
    found = Sources.load(str(EXAMPLE_SOURCES))
    assert found.answering(leading("events.example.com")).startswith("declared server=events.example.com")


def asked(emulator: Emulator) -> list[tuple[str, str, Any]]:
    """Send requests that read a source."""
    base = made(emulator)["id"]
    return [
        ("POST", "/connections", connection()),
        ("GET", f"/connections/{base}/test", None),
        ("GET", f"/connections/{base}/explore?objectType=root", None),
        ("GET", f"/connections/{base}/configs", None),
        ("GET", f"/connections/{base}/explore?objectType=table&object=none", None),
    ]


@pytest.mark.parametrize("number", range(5))
def test_every_call_that_asks_a_source_says_which_one_answered(emulator: Emulator, number: int) -> None:
    assert send(emulator, *asked(emulator)[number]).source == "built-in shop"


def test_the_journal_names_the_source_too(emulator: Emulator) -> None:
    made(emulator)
    send(emulator, "GET", "/connections")
    assert [entry.as_json()["source"] for entry in emulator.journal.entries()] == ["built-in shop", None]


def test_a_call_that_asks_no_source_names_none(emulator: Emulator) -> None:
    assert send(emulator, "GET", "/connections").source is None


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("style", ["text", "json"])
def test_the_request_log_has_error_reason_and_source(short: bool, style: str, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(Config(log=style))
    if not short:
        app.before_request(lambda: None)
    client, caplog_name = app.test_client(), "mockserver.requests"
    body = connection()
    del body["auth"]["params"]["password"]
    with caplog.at_level(logging.INFO, caplog_name):
        client.post("/connections", json=body, headers=HEADERS)
        client.get("/connections?limit=c4n4ry", headers=HEADERS)
        client.get("/connections", headers={**HEADERS, "authorization": ""})
        client.post("/connections", json=connection(), headers=HEADERS)
    refused, wrong, no_token, created = (one.getMessage() for one in caplog.records if one.name == caplog_name)
    assert "1100-400" in refused and "Member /auth/params/password is missing; expected a string" in refused
    assert "1452-400" in wrong and "not valid for" in wrong and "c4n4ry" not in wrong
    assert "403010" in no_token and "Oauth token is missing" in no_token
    assert "built-in shop" in created and "1100" not in created


def test_our_own_page_names_what_is_live_and_declared() -> None:
    emulator = Emulator(Config(sources=str(EXAMPLE_SOURCES)))
    emulator.world = emulator.world._replace(sources=Sources.load(str(EXAMPLE_SOURCES)))
    client = create_app(emulator).test_client()
    shown = client.get("/_mock/").json["sources"]
    assert shown["records"] == emulator.world.store.place and shown["file"] == str(EXAMPLE_SOURCES)
    assert "server=events.example.com" in " ".join(shown["declared"])
    page = client.get("/_mock/console/sources").text
    assert "events.example.com" in page
