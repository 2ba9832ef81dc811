"""Tests of the console's pages over HTTP: what each shows, what it hides, and what it costs."""

from __future__ import annotations

import json
import re
import shlex
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from mockserver import Config, Emulator, create_app, pages
from mockserver.conformance import evaluation
from mockserver.journal.entries import CallFilter
from mockserver.journal.redaction import Redaction
from tests.calls import HEADERS, connection, send
from tests.dataflows import flowing, pass_time, runs_of

BROWSER = {"Accept": "text/html"}
EVIL = "<img src=x onerror=alert(1)>"
TENANT = "org=5C1328435BF324E90A49402A%40AdobeOrg&sandbox=prod"


@pytest.fixture
def client(emulator: Emulator) -> FlaskClient:
    return create_app(emulator).test_client()


@pytest.fixture
def flow_id(emulator: Emulator) -> str:
    """A flow that has run for an hour."""
    made = flowing(emulator)
    pass_time(emulator, 3_600_000)
    runs_of(emulator, made)
    return made


class Inline(HTMLParser):
    """Attributes that a strict policy forbids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [name for name, _ in attrs if name == "style" or name.startswith("on")]


def shown(client: FlaskClient, path: str, status: int = 200) -> str:
    """A page as a browser gets it, with entities resolved."""
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == status and answer.content_type.startswith("text/html"), answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert "<script>" not in answer.text and not Inline(answer.text).found
    return unescape(answer.text)


def test_an_empty_console_teaches_a_first_call_that_works(client: FlaskClient) -> None:
    page = shown(client, "/_mock/")
    assert "Waiting for the first call" in page
    command = shlex.split(page[page.index("curl -X POST") :].partition("</pre>")[0].replace("\\\n", " "))
    sent = dict(command[place + 1].split(": ", 1) for place, word in enumerate(command) if word == "-H")
    path = urlsplit(next(word for word in command if word.startswith("http"))).path
    answer = client.post(path, data=command[command.index("-d") + 1], headers=sent)
    assert answer.status_code == 201
    assert "Keeps the contract" in shown(client, "/_mock/")


def test_now_groups_findings_by_rule_and_links_their_calls(client: FlaskClient) -> None:
    for _ in range(3):
        client.get("/connections", headers={**HEADERS, "x-sandbox-name": ""})
    page = shown(client, "/_mock/")
    assert page.count("A call without x-sandbox-name") == 1
    for number in (1, 2, 3):
        assert f'href="/_mock/console/calls/{number}"' in page
        assert "header.sandbox-missing" in shown(client, f"/_mock/console/calls/{number}")


def test_what_is_live_answers_only_when_something_has_changed(client: FlaskClient) -> None:
    def mark() -> str:
        found = re.search(r'data-mark="([^"]+)"', shown(client, "/_mock/"))
        assert found
        return found[1]

    before = mark()
    assert client.get(f"/_mock/console/now?mark={before}").status_code == 204
    changes = [
        lambda: client.get("/connections", headers=HEADERS),
        lambda: client.post("/_mock/faults", json={"fault": "rate-limit"}),
        lambda: client.post("/_mock/clock", json={"freeze": True}),
        lambda: client.delete("/_mock/journal"),
    ]
    for change in changes:
        change()
        answer = client.get(f"/_mock/console/now?mark={before}")
        assert answer.status_code == 200 and answer.text.startswith('<div id="live"')
        before = mark()


def test_a_verdict_is_reached_once_for_all_who_look(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.get("/connections", headers=HEADERS)
    judged = []
    judge = evaluation.rules.load
    monkeypatch.setattr(evaluation.rules, "load", lambda: judged.append(1) or judge())
    for path in ("/_mock/", "/_mock/console/now", "/_mock/console/calls", "/_mock/console/calls/1"):
        client.get(path, headers=BROWSER)
    assert len(judged) == 1


def test_ten_thousand_calls_are_shown_a_page_at_a_time() -> None:
    emulator = Emulator(Config(seed=1, journal_entries=20_000))
    for _ in range(10_000):
        send(emulator, "GET", "/connections?limit=1")
    client = create_app(emulator).test_client()
    page = shown(client, "/_mock/console/calls")
    assert page.count('href="/_mock/console/calls/') == 100 and "10\u202f000 in the journal" in page
    older = re.search(r'href="([^"]*before=[^"]+)"', page)
    assert older and 'href="/_mock/console/calls/9900"' in shown(client, older[1])
    assert len(page) < 100_000 and len(shown(client, "/_mock/")) < 100_000


def test_a_page_of_calls_redacts_no_other(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(300):
        send(emulator, "GET", "/connections")
    read = []
    original = Redaction.query
    monkeypatch.setattr(Redaction, "query", lambda *given: read.append(1) or original(*given))
    assert [one.number for one in emulator.journal.newest(5, CallFilter(), before=201)] == [200, 199, 198, 197, 196]
    assert len(read) == 5


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("kind=refused", [2]),
        ("kind=ok", [3, 1]),
        ("kind=failed", []),
        ("text=post+%2Fconn", [2, 1]),
        ("kind=fault", []),
    ],
)
def test_calls_are_filtered(client: FlaskClient, query: str, numbers: list[int]) -> None:
    client.post("/connections", json=connection(), headers=HEADERS)
    client.post("/connections", json={}, headers=HEADERS)
    client.get("/connections", headers=HEADERS)
    found = re.findall(r'href="/_mock/console/calls/(\d+)"', shown(client, f"/_mock/console/calls?{query}"))
    assert list(map(int, found)) == numbers


def test_every_kind_of_record_has_a_table_and_a_page(client: FlaskClient, flow_id: str) -> None:
    for kind in ("connections", "sourceConnections", "targetConnections", "flows", "runs"):
        page = shown(client, f"/_mock/console/resources?kind={kind}&{TENANT}")
        leads = re.search(rf'href="(/_mock/console/resources/{kind}/[^"]+)"', page)
        assert leads, kind
        record = shown(client, leads[1])
        assert '"id":' in record and "As curl" in record and "History" in record
    assert "every 15 minutes" in shown(client, "/_mock/console/resources?kind=flows")


def test_a_record_shows_its_history_and_a_curl_that_finds_it(client: FlaskClient) -> None:
    made = client.post("/connections", json=connection(), headers=HEADERS).json["id"]
    client.post("/connections", json=connection("Another"), headers=HEADERS)
    client.get(f"/connections/{made}", headers=HEADERS)
    page = shown(client, f"/_mock/console/resources/connections/{made}")
    assert re.findall(r'href="/_mock/console/calls/(\d+)"', page) == ["3", "1"]
    command = shlex.split(page[page.index("curl http") :].partition("</pre>")[0].replace("\\\n", " "))
    sent = dict(command[place + 1].split(": ", 1) for place, word in enumerate(command) if word == "-H")
    assert client.get(urlsplit(command[1]).path, headers=sent).json["items"][0]["id"] == made


def test_a_deleted_record_keeps_its_history(client: FlaskClient) -> None:
    made = client.post("/connections", json=connection(), headers=HEADERS).json["id"]
    assert client.delete(f"/connections/{made}", headers=HEADERS).status_code == 204
    page = shown(client, f"/_mock/console/resources/connections/{made}", status=404)
    assert "deleted" in page and 'href="/_mock/console/calls/2"' in page


@pytest.mark.parametrize("quirk", ["mask", "show"])
def test_secrets_are_shown_as_kind_and_length(quirk: str) -> None:
    emulator = Emulator(Config(seed=1, quirk={"secrets": quirk}))
    client = create_app(emulator).test_client()
    made = client.post("/connections", json=connection(), headers=HEADERS).json["id"]
    page = shown(client, f"/_mock/console/resources/connections/{made}")
    assert "c4n4ry" not in page and "string, 13 characters" in page and "db.example.com" in page
    source = {"name": "s", "connectionSpec": connection()["connectionSpec"], "baseConnectionId": made,
              "params": {"path": "https://reader:c4n4ry@files.example.com/x"}}  # fmt: skip
    client.post("/sourceConnections?mode=draft", json=source, headers=HEADERS)
    for kind in ("connections", "sourceConnections"):
        assert "c4n4ry" not in shown(client, f"/_mock/console/resources?kind={kind}")


def test_tenants_are_kept_apart_and_can_be_chosen(client: FlaskClient) -> None:
    client.post("/connections", json=connection("Mine"), headers=HEADERS)
    other = client.post("/connections", json=connection("Theirs"), headers={**HEADERS, "x-sandbox-name": "stage"})
    page = shown(client, f"/_mock/console/resources?{TENANT}")
    assert "Mine" in page and "Theirs" not in page and "· stage" in page
    assert "Theirs" in shown(client, "/_mock/console/resources?tenant=5C1328435BF324E90A49402A%40AdobeOrg|stage")
    page = shown(client, f"/_mock/console/resources/connections/{other.json['id']}?{TENANT}", status=404)
    assert "Theirs" not in page


def test_records_are_filtered_and_paged(client: FlaskClient) -> None:
    for number in range(120):
        client.post("/connections", json=connection(f"Number {number}"), headers=HEADERS)
    page = shown(client, "/_mock/console/resources")
    assert page.count("/_mock/console/resources/connections/") == 50 and "Number 119" in page
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following and "Number 69" in shown(client, following[1])
    assert "Number 77" in shown(client, "/_mock/console/resources?text=number+77")
    assert "Number 88" in shown(client, "/_mock/console/resources?text=name%3D%3DNumber+88")
    assert "No matches" in shown(client, "/_mock/console/resources?text=state%3D%3Ddisabled")
    for wrong in ("nonsense%3D%3D1", "%3D%3D"):
        assert 'role="alert"' in shown(client, f"/_mock/console/resources?text={wrong}")
    for after in ("x", "1.2.3", "9" * 30 + ".1", "-1.-1", "1.99999999999999999999"):
        shown(client, f"/_mock/console/resources?after={after}")


def test_nothing_of_a_client_becomes_markup(client: FlaskClient, emulator: Emulator) -> None:
    made = client.post("/connections", json=connection(EVIL, description=EVIL), headers=HEADERS).json["id"]
    client.get("/connections", headers={**HEADERS, "x-sandbox-name": EVIL}, query_string={EVIL: EVIL})
    paths = ["/_mock/", "/_mock/console/calls", "/_mock/console/calls/1", "/_mock/console/calls/2",
             f"/_mock/console/calls?text={EVIL}", f"/_mock/console/resources/connections/{made}",
             f"/_mock/console/resources?text={EVIL}", f"/_mock/console/resources?org={EVIL}&sandbox=x"]  # fmt: skip
    for path in paths:
        assert EVIL not in client.get(path, headers=BROWSER).text, path


def test_a_path_that_is_no_page_is_refused_as_json(client: FlaskClient) -> None:
    for path in ("calls/x", "wine", "assets/../records.py", "assets/x"):
        answer = client.get(f"/_mock/console/{path}", headers=BROWSER)
        assert answer.status_code == 404 and json.loads(answer.text)["title"]


def test_the_parts_of_a_page_are_served_from_here(client: FlaskClient) -> None:
    page = shown(client, "/_mock/")
    parts = re.findall(r'(?:src|href)="(/_mock/console/assets/[^"]+)"', page)
    assert len(parts) == 4
    for part in parts:
        answer = client.get(part)
        assert answer.status_code == 200 and "immutable" in answer.headers["Cache-Control"]
    assert "Zero-Clause BSD" in client.get("/_mock/console/assets/htmx.LICENSE.txt").text


def test_without_a_journal_every_page_still_comes() -> None:
    client = create_app(Emulator(Config(seed=1, journal_entries=0))).test_client()
    made = client.post("/connections", json=connection(), headers=HEADERS).json["id"]
    for path in ("", "console/now", "console/calls", "console/resources", f"console/resources/connections/{made}"):
        assert "journal is off" in shown(client, f"/_mock/{path}").lower() or path == "console/resources"


@pytest.mark.parametrize(
    "text",
    ['{"a":[],"b":{},"c":["é<",1.5,null]}', "[[]]", '""', '{"a":' + "9" * 40 + "}", '{"a":"\\ud800"}', '{"a":1e300}'],
)
def test_json_is_shown_indented_as_python_does_it(text: str) -> None:
    assert pages.pretty(text) == json.dumps(json.loads(text), ensure_ascii=False, indent=2)


@pytest.mark.parametrize("text", ["", "[1,", "x"])
def test_what_is_no_json_is_shown_as_it_is(text: str) -> None:
    assert pages.pretty(text) == text
