"""Tests that no text of a client becomes markup in a page or a line in the log."""

from __future__ import annotations

import io
import json
import logging
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from mockserver import Config, Emulator, create_app
from mockserver.conformance import FORMATS
from mockserver.web.request_log import RequestLog
from tests.browsers import chromium, looking
from tests.calls import HEADERS, connection
from tests.programs import needs

EVIL = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    "</style><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "javascript:alert(1)",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "{{7*7}}",
    "{% raw %}",
    "<!--",
    "]]>",
    "</pre><a href=javascript:alert(1)>x</a>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<scr<script>ipt>alert(1)",
    "<body onload=alert(1)>",
    "\u202e<b>",
    "<math><mi//xlink:href=x>",
)
OURS = {"html", "head", "body", "meta", "title", "style", "script", "link"}


class Page(HTMLParser):
    """The elements of a page, and attributes that run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.running: list[str] = []
        self.elements: set[str] = set()
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self._in_script = tag == "script"
        for name, value in attrs:
            if name.startswith("on") or name == "srcdoc" or (value or "").strip().lower().startswith("javascript:"):
                self.running.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)
            self._in_script = False


def attacked() -> FlaskClient:
    """A server that received the attack texts in every place that a page may show."""
    client = create_app(Emulator(Config(seed=1))).test_client()
    for evil in EVIL:
        latin = evil.encode().decode("latin-1")
        client.post("/connections", json=connection(evil, description=evil, **{evil: 1}), headers=HEADERS)
        client.get("/connections", query_string={evil: evil, "property": f"name=={evil}"}, headers=HEADERS)
        client.get(f"/connections/{evil}", headers=HEADERS)
        client.get(f"/{evil}", headers={**HEADERS, "user-agent": latin, "x-anything": latin, "x-sandbox-name": latin})
        client.open("/connections", method="PATCH", headers={**HEADERS, "if-match": latin, "x-mock-fault": latin})
        client.post("/ims/token/v3", data={"grant_type": evil, "client_id": evil, "scope": evil})
    return client


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    client = attacked()
    browser = {"Accept": "text/html"}
    return {path: client.get(path, headers=browser).text for path in ("/_mock/", "/_mock/?live=1", "/_mock/report")}


def test_no_text_of_a_client_becomes_an_element_or_runs(pages: dict[str, str]) -> None:
    untouched = create_app(Emulator(Config(seed=1))).test_client()
    for path, text in pages.items():
        page, clean = Page(text), Page(untouched.get(path, headers={"Accept": "text/html"}).text)
        assert page.running == [] and page.scripts == clean.scripts
        assert not page.elements & {"iframe", "img", "math", "object", "embed", "form", "base", "b"}
        assert "<script>alert" not in text
    assert any("&lt;script&gt;alert(1)" in text for text in pages.values())


def test_other_forms_of_the_report_stay_what_they_are() -> None:
    from xml.etree import ElementTree

    client = attacked()
    texts = {form: client.get(f"/_mock/report?format={form}").text for form in FORMATS}
    json.loads(texts["json"])
    json.loads(texts["sarif"])
    ElementTree.fromstring(texts["junit"])  # noqa: S314  (our own text)


@pytest.mark.slow
@needs("chromium")
def test_a_real_browser_shows_no_dialog_and_changes_no_page(pages: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(pages["/_mock/report"].replace("alert(1)", "document.title='owned'"), encoding="utf-8")
    complaints: list[str] = []
    with chromium() as browser, looking(browser, "light", complaints) as page:
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(file.as_uri())
        assert "Flow Service client conformance" in page.title()
    assert complaints == []


@pytest.mark.parametrize("style", ["text", "json"])
def test_one_request_is_one_line_of_a_stream(style: str) -> None:
    stream = io.StringIO()
    log = RequestLog(style, {"connections"}, stream)
    log.write("GET", "/a\n22:00:00  200  GET    /forged", 404, "x" * 32, 0.0)
    assert stream.getvalue().count("\n") == 1 and stream.getvalue().isascii()
    stream.close()
    log.write("GET", "/a", 404, "x" * 32, 0.0)  # a request does not fail because its line cannot be written


@pytest.mark.parametrize("style", ["text", "json"])
def test_one_request_is_one_line_of_the_log(style: str, caplog: pytest.LogCaptureFixture) -> None:
    log: Any = RequestLog(style, {"connections"})
    with caplog.at_level(logging.INFO, "mockserver.requests"):
        for path in (
            "/a\n22:00:00  200  GET    /forged",
            "/\r\n",
            "/\x1b[31mred",
            "/\u2028",
            "/\x85",
            "/\udcff",
            "/\u202e",
        ):
            log.write("GET", path, 404, "x" * 32, 0.0)
    assert len(caplog.messages) == 7
    for line in caplog.messages:
        assert line.isascii() and line.isprintable()
