"""Tests of `GET /`: a browser gets the console, a program gets links, Adobe's hosts have no such page."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from mockserver import Config, Emulator, __version__, create_app
from tests.calls import HEADERS

BROWSERS = (
    "text/html",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
)
PROGRAMS = (None, "*/*", "application/json", "application/json, text/plain, */*", "text/html;q=0.5,application/json")


@pytest.fixture
def client(emulator: Emulator) -> FlaskClient:
    return create_app(emulator).test_client()


def accepting(accept: str | None) -> dict[str, str]:
    return {} if accept is None else {"Accept": accept}


@pytest.mark.parametrize("accept", BROWSERS)
def test_a_browser_gets_to_the_console(client: FlaskClient, accept: str) -> None:
    led = client.get("/", headers=accepting(accept))
    assert (led.status_code, led.headers["Location"], led.data) == (303, "/_mock/", b"")
    page = client.get(led.headers["Location"], headers=accepting(accept))
    assert (page.status_code, page.mimetype) == (200, "text/html")


@pytest.mark.parametrize("accept", PROGRAMS)
def test_a_program_gets_links_and_each_leads_somewhere(client: FlaskClient, accept: str | None) -> None:
    index = client.get("/", headers=accepting(accept))
    assert (index.status_code, index.mimetype, index.headers["Vary"]) == (200, "application/json", "Accept")
    assert (index.json["name"], index.json["version"]) == ("Mock Flow Service", __version__)
    links = index.json["links"]
    assert links.keys() == {"api", "token", "openapi", "health", "console"}
    assert all(link.startswith("http://localhost/") for link in links.values())
    for name in ("openapi", "health", "console"):
        assert client.get(urlsplit(links[name]).path).status_code == 200, name
    assert client.get(urlsplit(links["api"]).path + "/connections", headers=HEADERS).status_code == 200
    asked = {"grant_type": "client_credentials", "client_id": "c", "client_secret": "s", "scope": "openid"}
    assert client.post(urlsplit(links["token"]).path, data=asked).status_code == 200


@pytest.mark.parametrize("host", ["platform.adobe.io", "platform-va7.adobe.io", "ims-na1.adobelogin.com"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_hosts_of_adobe_have_no_such_page(client: FlaskClient, emulator: Emulator, host: str, accept: str) -> None:
    answer = client.get("/", headers={**HEADERS, "Host": host, "Accept": accept})
    assert answer.status_code in (403, 404) and "links" not in answer.json
    assert len(emulator.journal.entries()) == 1


def test_a_browser_is_led_to_a_console_that_asks_for_the_token() -> None:
    client = create_app(Emulator(Config(admin_token="t0ken"))).test_client()
    answer = client.get("/", headers={"Accept": "text/html"}, follow_redirects=True)
    assert (answer.status_code, answer.request.path) == (401, "/_mock/")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("options", [{"host": "0.0.0.0"}, {"behind_proxy": True}])
def test_a_browser_is_not_led_to_a_page_that_it_cannot_open(options: dict[str, str]) -> None:
    answer = create_app(Emulator(Config(**options))).test_client().get("/", headers={"Accept": "text/html"})  # type: ignore[arg-type]
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
