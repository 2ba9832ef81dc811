"""Tests of `mockserver check`: judges a recording or a running server, writes a baseline, names the client in SARIF."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests
import yaml
from click.testing import CliRunner, Result

from mockserver import Config
from mockserver.cli import main
from mockserver.clients.program import PrivateServer
from mockserver.conformance import evaluate, render

ROOT = Path(__file__).resolve().parents[2]
SESSION = str(ROOT / "examples" / "session.har")


def check(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


@pytest.fixture
def server() -> Iterator[PrivateServer]:
    with PrivateServer(Config(log="none")) as started:
        yield started


def careless(url: str) -> None:
    """A client that breaks two rules, `paging.limit-above-maximum` and `header.sandbox-missing`."""
    headers = {
        "Authorization": "Bearer t0k3n-of-mine",
        "x-api-key": "key",
        "x-gw-ims-org-id": "0123456789ABCDEF01234567@AdobeOrg",
    }
    requests.get(
        f"{url}/data/foundation/flowservice/connections?limit=500",
        timeout=30,
        headers={**headers, "x-sandbox-name": "prod"},
    )
    requests.get(f"{url}/data/foundation/flowservice/flows", timeout=30, headers=headers)


def test_a_running_server_is_judged_as_its_own_journal_is(server: PrivateServer, tmp_path: Path) -> None:
    careless(server.url)
    ran = check(server.url, "--report", tmp_path / "out", "--json")
    here = evaluate(server.emulator.journal.entries(), server.emulator.contract)
    assert ran.exit_code == 1, ran.output
    assert json.loads(ran.stdout) == json.loads(render(here, "json"))
    assert (tmp_path / "out" / "summary.md").read_text(encoding="utf-8") == render(here, "markdown")


def test_a_server_that_nobody_called_has_nothing_to_judge(server: PrivateServer) -> None:
    assert check(server.url).exit_code == 3


@pytest.mark.parametrize(
    "path", ["/", "/_mock/", "/_mock/calls?page=2", "/data/foundation/flowservice/connections", "/ims/token/v3"]
)
def test_the_address_of_any_page_of_a_server_will_do(server: PrivateServer, path: str) -> None:
    assert check(server.url + path).exit_code == 3


def test_a_path_without_a_report_is_named(server: PrivateServer) -> None:
    ran = check(server.url + "/connections")
    assert ran.exit_code == 2 and "Give only scheme, host and port" in ran.output


@pytest.mark.parametrize("url", ["http://u:c4n4ry@127.0.0.1:1", "https://c4n4ry@h/x", "postgresql://u:c4n4ry@h/d"])
def test_a_url_with_credentials_is_refused_without_being_repeated(url: str) -> None:
    ran = check(url)
    assert ran.exit_code == 2 and "only scheme, host and port" in ran.output and "c4n4ry" not in ran.output


def test_a_pipe_in_place_of_a_written_baseline_is_replaced(server: PrivateServer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "baseline.yaml")
    careless(server.url)
    check(server.url, "--write-baseline", tmp_path / "baseline.yaml")
    assert "accepted:" in (tmp_path / "baseline.yaml").read_text()


def test_a_server_that_cannot_tell_is_said_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    refused = check(f"http://127.0.0.1:{port}")
    assert refused.exit_code == 2 and "cannot be reached" in refused.output
    with PrivateServer(Config(log="none", admin_token="sesame")) as closed:
        without = check(closed.url)
        assert without.exit_code == 2 and "MOCKSERVER_ADMIN_TOKEN" in without.output
        monkeypatch.setenv("MOCKSERVER_ADMIN_TOKEN", "sesame")
        assert check(closed.url).exit_code == 3
    with PrivateServer(Config(log="none", journal_entries=0)) as forgetful:
        assert "keeps no journal" in check(forgetful.url).output
    wrong = check("ftp://127.0.0.1")
    assert wrong.exit_code == 2 and "expected a HAR file or a URL" in wrong.output


def test_a_written_baseline_makes_the_next_run_pass_and_keeps_reasons(server: PrivateServer, tmp_path: Path) -> None:
    careless(server.url)
    baseline = tmp_path / "accepted.yaml"
    first = check(server.url, "--write-baseline", baseline)
    assert first.exit_code == 0 and "accepts 2 findings" in first.output, first.output
    rows = yaml.safe_load(baseline.read_text(encoding="utf-8"))["accepted"]
    assert {row["rule"] for row in rows} == {"paging.limit-above-maximum", "header.sandbox-missing"}
    assert check(server.url, "--baseline", baseline).exit_code == 0
    rows[0]["reason"] = "agreed with the team"
    baseline.write_text(yaml.safe_dump({"accepted": rows}), encoding="utf-8")
    assert check(server.url, "--write-baseline", baseline).exit_code == 0
    again = yaml.safe_load(baseline.read_text(encoding="utf-8"))["accepted"]
    assert "agreed with the team" in [row["reason"] for row in again]


def test_a_file_that_is_no_baseline_is_not_overwritten(server: PrivateServer, tmp_path: Path) -> None:
    precious = tmp_path / "notes.yaml"
    precious.write_text("mine: 1\n", encoding="utf-8")
    assert check(server.url, "--write-baseline", precious).exit_code == 2
    assert precious.read_text(encoding="utf-8") == "mine: 1\n"


@pytest.mark.parametrize(
    ("below", "uri"), [(True, "src/sync%20accounts.py"), (False, None)], ids=["below", "elsewhere"]
)
def test_sarif_points_to_the_clients_file(
    server: PrivateServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: bool, uri: str | None
) -> None:
    careless(server.url)
    source = tmp_path / "src" / "sync accounts.py"
    source.parent.mkdir()
    source.touch()
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path if below else tmp_path / "else")
    check(server.url, "--source", source, "--report", "out")
    (run,) = json.loads(Path("out/report.sarif").read_text(encoding="utf-8"))["runs"]
    places = {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in run["results"]}
    assert run["results"] and places == {uri or source.as_uri()}


def test_a_client_that_made_no_call_does_not_empty_the_baseline(server: PrivateServer, tmp_path: Path) -> None:
    careless(server.url)
    baseline = tmp_path / "accepted.yaml"
    check(server.url, "--write-baseline", baseline)
    before = baseline.read_bytes()
    server.emulator.reset()
    assert check(server.url, "--write-baseline", baseline).exit_code == 3
    assert baseline.read_bytes() == before


def test_the_url_may_be_the_one_that_clients_have(server: PrivateServer) -> None:
    careless(server.url)
    assert check(f"{server.url}/data/foundation/flowservice/").exit_code == 1


ODD = {
    "html": (200, {}, b"<html>"),
    "list": (200, {}, b"[]"),
    "calls": (200, {}, b'{"findings": [], "calls": [5]}'),
    "types": (200, {}, b'{"findings": [{"level": "FAIL"}], "calls": []}'),
    "cut": (200, {"Content-Length": "900"}, b"{"),
    "elsewhere": (302, {"Location": "http://127.0.0.1:9/"}, b""),
    "failing": (500, {}, b""),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_report_is_refused_in_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    status, headers, body = ODD[name]
    monkeypatch.setenv("MOCKSERVER_ADMIN_TOKEN", "sesame")
    with answering(status, headers, body) as url:
        ran = check(url)
    assert ran.exit_code == 2 and url in ran.output and "Traceback" not in ran.output, ran.output
    assert "sesame" not in ran.output


def test_the_admin_token_follows_no_redirect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKSERVER_ADMIN_TOKEN", "sesame")
    asked: list[str] = []
    with answering(200, {}, b"{}", asked) as other, answering(302, {"Location": other}, b"") as url:
        assert "answered 302" in check(url).output
    assert asked == []


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://127.0.0.1:80 80", "http://127.0.0.1:port", "x://y"])
def test_a_url_that_is_none_is_refused_in_one_line(url: str) -> None:
    ran = check(url)
    assert ran.exit_code == 2 and isinstance(ran.exception, SystemExit), ran.output


@contextmanager
def answering(status: int, headers: dict[str, str], body: bytes, asked: list[str] | None = None) -> Iterator[str]:
    """A server that gives one response to everything; `asked` collects the paths."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if asked is not None:
                asked.append(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
