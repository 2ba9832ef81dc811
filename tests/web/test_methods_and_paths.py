"""Tests of methods, paths, hosts and encodings according to HTTP, over a server and with Flask alone."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from flask import url_for
from flask.testing import FlaskClient

from mockserver import Config, Emulator, create_app
from mockserver.exchange import BASE_PATH
from mockserver.web.bridge import wsgi_server
from mockserver.web.served import Served
from tests.calls import HEADERS, connection
from tests.rows import each
from tests.server.wire import Client

Ask = Callable[..., tuple[int, dict[str, str], bytes]]
PAGES = (
    "/",
    "/_mock/health",
    "/_mock/",
    "/_mock/journal",
    "/_mock/docs",
    "/_mock/faults/1",
    "/_mock/clock",
    "/openapi.yaml",
    "/ims/token/v3",
    "/ims/exchange/jwt",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@pytest.fixture(scope="module", params=["served", "flask"])
def ask(request: pytest.FixtureRequest) -> Iterator[Ask]:
    app = create_app(Emulator(Config(seed=3, log="none")))

    def flask(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        client: FlaskClient = app.test_client()
        response = client.open(path, method=method, json=body, headers={**HEADERS, **headers})
        return response.status_code, {name.lower(): value for name, value in response.headers}, response.data

    def served(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        wire = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
        sent = {**HEADERS, **({} if body is None else {"Content-Type": "application/json"}), **headers}
        wire.request(method, path, None if body is None else json.dumps(body), sent)
        response = wire.getresponse()
        found = response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        wire.close()
        return found

    if request.param == "flask":
        yield flask
        return
    server = wsgi_server(app)
    server.start()
    yield served
    server.stop()


@each("path", PAGES)
def test_options_lists_the_methods_that_work_and_no_others(ask: Ask, path: str) -> None:
    listed = {method.strip() for method in ask("OPTIONS", path)[1]["allow"].split(",")}
    for method in METHODS:
        status, headers, _ = ask(method, path)
        assert (status == 405) is (method not in listed), method
        assert status != 405 or set(headers["allow"].split(", ")) == listed, method


@each("path", ["/nowhere", "/_mock/nowhere", "/_mock/faults/1/2", "/ims/token/v9", "/ims"])
def test_what_is_no_page_is_404_for_every_method(ask: Ask, path: str) -> None:
    assert {ask(method, path)[0] for method in METHODS} == {404}


@each(
    "path",
    ["/connections", "/connections/{id}", "/connections/{id}/test", "/flows", "/runs", "/connectionSpecs",
     f"{BASE_PATH}/connections?limit=1", "/connections/none", "/connections?limit=x", "/_mock/health", "/_mock/journal",
     "/openapi.yaml"],
)  # fmt: skip
def test_head_is_get_without_the_body(ask: Ask, path: str) -> None:
    made = json.loads(ask("POST", "/connections", connection())[2])
    path = path.replace("{id}", made["id"])
    status, headers, body = ask("GET", path)
    asked, head, nothing = ask("HEAD", path)
    assert (asked, nothing) == (status, b"") and body
    varying = ("x-request-id", "date", "content-length")
    assert {name: value for name, value in head.items() if name not in varying} == {
        name: value for name, value in headers.items() if name not in varying
    }
    assert "content-length" in head


@each("slash", ["%2F", "%2f"])
@each("path", ["/connections/{id}{slash}test", "/connections{slash}{id}", "{base}{slash}connections"])
def test_an_encoded_slash_is_part_of_its_segment(ask: Ask, path: str, slash: str) -> None:
    made = json.loads(ask("POST", "/connections", connection())[2])
    path = path.format(id=made["id"], slash=slash, base=BASE_PATH)
    assert ask("GET", path.replace(slash, "/"))[0] == 200
    assert ask("GET", path if path.startswith("/") else f"/{path}")[0] == 404


@each("sent, shown", [("%2F", "/"), ("%252F", "%2F"), ("%252f", "%2F"), ("%25252F", "%252F"), ("%2f%252F", "/%2F")])
def test_an_encoded_slash_is_decoded_once(ask: Ask, sent: str, shown: str) -> None:
    status, _, answer = ask("GET", f"/connections/a{sent}b")
    told = f"a{shown}b" if "%" not in shown else f"‹{len(shown) + 2} characters›"
    assert status == 404 and json.loads(answer)["report"]["id"] == told


@pytest.mark.parametrize("slash", ["%2F", "%2f"])
def test_an_id_that_is_a_uri_is_one_segment_with_its_slashes_encoded(ask: Ask, slash: str) -> None:
    """As on schema registry pages: https%3A%2F%2Fns.adobe.com%2F…"""
    schemas = "/data/foundation/schemaregistry/tenant/schemas"
    body = {"type": "object", "title": "x", "allOf": [{"$ref": "https://ns.adobe.com/xdm/context/profile"}]}
    uri = json.loads(ask("POST", schemas, body)[2])["$id"]
    encoded = quote(uri, safe="").replace("%2F", slash)
    accept = {"Accept": "application/vnd.adobe.xed+json; version=1"}
    status, _, answer = ask("GET", f"{schemas}/{encoded}", **accept)
    assert (status, json.loads(answer).get("$id")) == (200, uri)


@pytest.mark.parametrize("path", ["/_mock%2Fhealth", "/_mock%2fstate", "/%5fmock%2Fjournal"])
def test_an_encoded_slash_leads_to_no_page(ask: Ask, path: str) -> None:
    assert ask("GET", path)[0] == 404


@each("encoding", ["identity", "Identity", " identity ", "identity, identity", ""])
def test_identity_is_no_encoding(ask: Ask, encoding: str) -> None:
    assert ask("POST", "/connections", connection(), **{"Content-Encoding": encoding})[0] == 201


@each(
    "encoding",
    [
        *("gzip", "deflate", "br", "zstd", "identity, gzip", "identityx", "x-identity"),
        *("UTF-8", "aws-chunked", "none"),
    ],
)
def test_an_encoded_body_is_refused(ask: Ask, encoding: str) -> None:
    status, _, answer = ask("POST", "/connections", connection(), **{"Content-Encoding": encoding})
    coding = next(part.strip() for part in encoding.lower().split(",") if part.strip() != "identity")
    assert status == 415 and f"The Content-Encoding {coding} is not supported".encode() in answer


@each("host", ["platform.adobe.io.", "localhost.", "localhost.:8080", "ims-na1.adobelogin.com."])
def test_the_final_dot_of_a_full_name_changes_nothing(ask: Ask, host: str) -> None:
    path = "/ims/token/v3" if host.startswith("ims") else f"{BASE_PATH}/connections"
    assert (
        ask("POST", path, {}, Host=host)[0] == ask("POST", path, {}, Host=host.replace(".:", ":").rstrip("."))[0] != 421
    )


@pytest.mark.parametrize("host", ["platform.adobe.io", "platform.adobe.io.", "PLATFORM-INT.Adobe.io.:443"])
def test_adobes_hosts_have_no_short_form_by_any_spelling(ask: Ask, host: str) -> None:
    assert ask("GET", f"{BASE_PATH}/connections", Host=host)[0] == 200
    assert ask("GET", "/connections", Host=host)[0] == 404


@each("host", ["evil.example.", "localhost..", ".", "platform.adobe.io.evil."])
def test_a_final_dot_opens_nothing(ask: Ask, host: str) -> None:
    assert ask("GET", "/connections", Host=host)[0] == 421


@pytest.mark.parametrize("path", ["/_mock/health", "/openapi.yaml", f"{BASE_PATH}/connections"])
def test_http_1_0_needs_no_host(path: str) -> None:
    server = Served(Emulator(Config(log="none"))).listen()
    server.start()
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items() if name.lower() != "host")
    try:
        line = f"GET {path} HTTP/1.%d\r\n{head}Connection: close\r\n\r\n"
        assert [status for status, _ in Client(server, (line % 0).encode()).answers()] == [200]
        assert [status for status, _ in Client(server, (line % 1).encode()).answers()] == [400]
    finally:
        server.stop()


def test_flask_builds_the_url_of_every_page() -> None:
    app = create_app(Emulator(Config(seed=3, log="none")))
    with app.test_request_context():
        assert url_for("admin.health") == "/_mock/health"
        assert url_for("admin.journal", since=3) == "/_mock/journal?since=3"
        assert all(url_for(rule.endpoint) == rule.rule for rule in app.url_map.iter_rules() if not rule.arguments)


def test_the_page_on_the_admin_api_has_every_route_for_programs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "admin-api.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `([A-Z]+) (/_mock/[^`]*)`", page, re.M)
    routes = {
        (method, re.sub(r"<(?:int:)?(\w+)>", r"{\1}", rule.rule))
        for rule in create_app(Emulator(Config(log="none"))).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if re.match(r"/_mock/(?!console/|docs)", rule.rule)
    }
    assert sorted(routes - {("POST", "/_mock/state")}) == sorted(described)


def test_a_reset_restores_the_clock_and_keeps_quirks() -> None:
    client = create_app(Emulator(Config(seed=3, log="none"))).test_client()
    client.put("/_mock/quirks", json={"delete-status": "202"})
    client.post("/_mock/clock", json={"freeze": True, "advance": "1d"})
    client.post("/_mock/reset")
    quirks = {row["name"]: row["value"] for row in client.get("/_mock/quirks").json["quirks"]}
    assert quirks["delete-status"] == "202"
    assert client.get("/_mock/clock").json["frozen"] is False


@pytest.mark.parametrize(("path", "status"), [("/ims/token/v3", 405), ("/ims/token/v9", 404)])
def test_a_token_asked_for_in_a_wrong_way_is_a_finding(path: str, status: int) -> None:
    client = create_app(Emulator(Config(log="none"))).test_client()
    assert client.get(path, headers=HEADERS).status_code == status
    report = client.get("/_mock/report").get_json()
    assert any(path in finding["detail"] for finding in report["findings"])
