"""Tests of console and report over HTTP: formats, headers, and no markup of clients."""

import itertools
import json
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from mockserver import Config, Emulator, conformance, create_app
from mockserver.conformance import FORMATS
from tests.calls import HEADERS, connection

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def client(emulator: Emulator) -> FlaskClient:
    """A server that received a valid, an invalid and a hostile request."""
    client = create_app(emulator).test_client()
    client.post("/connections", json=connection(EVIL), headers=HEADERS)
    client.get("/connections", headers={**HEADERS, "x-sandbox-name": ""})
    client.get("/connections", headers=HEADERS, query_string={EVIL: EVIL})
    return client


@pytest.mark.parametrize("form", FORMATS)
def test_the_report_comes_in_every_form(client: FlaskClient, form: str) -> None:
    response = client.get(f"/_mock/report?format={form}")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == FORMATS[form].media_type
    assert "header.sandbox-missing" in response.text


def test_programs_get_json_and_browsers_a_page(client: FlaskClient) -> None:
    assert client.get("/_mock/report").json["counts"]["fail"] == 1
    assert client.get("/_mock/report", headers=BROWSER).text.startswith("<!doctype html>")
    assert "/_mock/report" in client.get("/_mock/").json["paths"]
    page = client.get("/_mock/", headers=BROWSER)
    assert page.text.startswith("<!doctype html>") and "Breaks the contract" in page.text


def test_another_form_is_refused(client: FlaskClient) -> None:
    response = client.get("/_mock/report?format=pdf")
    assert response.status_code == 400 and "html" in response.json["errorMessage"]


@pytest.mark.parametrize("path", ["/_mock/", "/_mock/report"])
def test_pages_are_locked_down(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers=BROWSER)
    policy = response.headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert EVIL not in response.text


def test_only_calls_since_a_number_are_judged(client: FlaskClient) -> None:
    report = json.loads(client.get("/_mock/report?since=2").text)
    assert [call["number"] for call in report["calls"]] == [3]


def test_a_report_in_every_format_costs_one_evaluation(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    judged, evaluate = [], conformance.evaluate
    monkeypatch.setattr(conformance, "evaluate", lambda *given: judged.append(given) or evaluate(*given))
    for form in conformance.FORMATS:
        assert client.get(f"/_mock/report?format={form}").status_code == 200
    assert len(judged) == 1


def test_after_a_reset_the_new_calls_are_judged() -> None:
    """As many as before, so that neither the count nor the latest number tells the difference."""
    client = create_app(seed=1).test_client()
    for headers, findings in (({}, True), (HEADERS, False)):
        client.post("/_mock/reset")
        client.get("/connections", headers=headers)
        page = client.get("/_mock/", headers=BROWSER).text
        assert ("Breaks the contract" in page) == findings


def test_judging_leaves_no_trace(client: FlaskClient) -> None:
    before = client.get("/_mock/journal").json
    client.get("/_mock/report")
    client.get("/_mock/", headers=BROWSER)
    assert client.get("/_mock/journal").json == before


def test_strangers_need_the_admin_token() -> None:
    client = create_app(Config(admin_token="let-me-in")).test_client()
    assert client.get("/_mock/report").status_code == 401
    assert client.get("/_mock/", headers={"x-mock-admin-token": "let-me-in"}).status_code == 200


def test_a_server_without_a_journal_says_that_it_judges_nobody() -> None:
    client = create_app(Emulator(Config(seed=1, journal_entries=0))).test_client()
    assert client.post("/connections", json=connection(), headers=HEADERS).status_code == 201
    client.post("/ims/token/v3", data={"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"})
    asked = [client.get(path) for path in ("/_mock/journal", "/_mock/report", "/_mock/report?format=html")]
    asked.append(client.post("/_mock/scenarios", json={"scenario": "rate-limit.retry-after"}))
    for answer in asked:
        assert answer.status_code == 409 and "--journal 1000" in answer.json["errorMessage"]
    assert client.get("/_mock/scenarios").json["playing"] is None
    page = client.get("/_mock/", headers=BROWSER)
    assert page.status_code == 200 and "Nothing is recorded" in page.text and "No findings" not in page.text


def test_the_first_call_of_the_readme_is_not_greeted_in_red() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    command = shlex.split(readme[readme.index("curl -i -X POST") :].partition("\n```")[0].replace("\\\n", " "))
    options = list(itertools.pairwise(command))
    headers = dict(value.split(": ", 1) for option, value in options if option == "-H")
    body = next(value for option, value in options if option == "-d")
    url = next(word for word in command if word.startswith("http"))
    client = create_app(Emulator(Config(log="none"))).test_client()
    assert client.post(urlsplit(url).path, data=body, headers=headers).status_code == 201
    page = client.get("/_mock/", headers={"Accept": "text/html"}).text
    assert '<p class="verdict fine"' in page and 'class="badge FAIL"' not in page and "header.sample" in page
