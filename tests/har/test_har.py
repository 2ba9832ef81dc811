"""Tests that a HAR file is judged like live traffic, and other files are refused in words."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from contracts.clients import Client, Script, Service, load
from contracts.wire import Answer
from mockserver import har
from mockserver.cli import main
from mockserver.clients.service import FlowService
from mockserver.conformance import evaluate, summary
from mockserver.contract import Contract
from mockserver.exchange import BASE_PATH
from mockserver.har import journaling, reading
from mockserver.specs.connectors import Connectors
from tests.calls import HEADERS, connection

CONTRACT = Contract.load()
CONNECTORS = Connectors.load()
ADOBE = "https://platform.adobe.io"

Recording = Callable[[Script], list[dict[str, Any]]]


def entry_of(answer: Answer, at_ms: int) -> dict[str, Any]:
    """One HAR entry."""
    sent, url = answer.sent, answer.url
    if sent.header("host"):
        url = f"{sent.header('x-forwarded-proto')}://{sent.header('host')}{sent.target}"
    request: dict[str, Any] = {
        "method": sent.method,
        "url": url,
        "headers": [{"name": name.title(), "value": value} for name, value in sent.headers],
    }
    if sent.body:
        request["postData"] = {"mimeType": sent.header("content-type") or "", "text": sent.body.decode()}
    return {
        "startedDateTime": datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(),
        "request": request,
        "response": {
            "status": answer.status,
            "headers": [{"name": name, "value": value} for name, value in answer.headers],
            "content": {"text": answer.text, "mimeType": "application/json"},
        },
    }


@pytest.fixture
def recording(server: FlowService, service: Service) -> Recording:
    """The recording of a client, as written by a proxy."""
    entries: list[dict[str, Any]] = []
    service.hear = lambda answer: entries.append(entry_of(answer, server.clock.now_ms()))

    def record(script: Script) -> list[dict[str, Any]]:
        script(service)
        return entries

    return record


def at(origin: str, entry: dict[str, Any]) -> dict[str, Any]:
    """The same request to another server."""
    _, _, path = entry["request"]["url"].partition("/data/")
    return {**entry, "request": {**entry["request"], "url": f"{origin}/data/{path}"}}


def written(path: Path, *entries: dict[str, Any]) -> Path:
    """Write a HAR file."""
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8")
    return path


def rules_of(path: Path) -> set[str]:
    """The rules that the file breaks."""
    return {finding.rule for finding in evaluate(journaling.read(path, CONTRACT, CONNECTORS), CONTRACT).findings}


@pytest.mark.parametrize("client", [one for one in load().values() if one.kind == "rule"], ids=lambda one: one.name)
def test_a_broken_client_is_found_out_by_its_recording(client: Client, recording: Recording, tmp_path: Path) -> None:
    path = written(tmp_path / "x.har", *recording(client.script))
    report = evaluate(journaling.read(path, CONTRACT, CONNECTORS), CONTRACT)
    assert {finding.rule for finding in report.findings} == {client.name, *client.also}, summary(report)


@pytest.mark.parametrize("client", [one for one in load().values() if one.kind == "good"], ids=lambda one: one.name)
def test_a_good_client_has_a_clean_recording(client: Client, recording: Recording, tmp_path: Path) -> None:
    entries = recording(client.script)
    calls = [at(ADOBE, entry) if "/data/" in entry["request"]["url"] else entry for entry in entries]
    assert rules_of(written(tmp_path / "x.har", *calls)) == set()


@pytest.mark.parametrize("text", ["Bearer <token>", "[secure]", "{{token}}", "Bearer ${TOKEN}", "<your-token>"])
@pytest.mark.parametrize(("origin", "passed"), [(ADOBE, True), ("http://127.0.0.1:8080", False)])
def test_a_variable_in_place_of_a_token_that_adobe_accepted_is_the_exporters(
    tmp_path: Path, text: str, origin: str, passed: bool
) -> None:
    sent = [{"name": name, "value": value} for name, value in {**HEADERS, "authorization": text}.items()]
    request = {"method": "GET", "url": f"{origin}{BASE_PATH}/connections/x", "headers": sent}
    unknown = {"type": "https://ns.adobe.com/aep/errors/FLOW-1439-404", "title": "x", "status": 404, "report": {}}
    content = {"mimeType": "application/json", "text": json.dumps(unknown)}
    entry = {"request": request, "response": {"status": 404, "headers": [], "content": content}}
    assert ("header.unfilled" in rules_of(written(tmp_path / "x.har", entry))) != passed


def test_other_traffic_is_passed_over(tmp_path: Path) -> None:
    others = [
        {"request": {"method": "GET", "url": url, "headers": []}, "response": {"status": 200}}
        for url in ("https://example.com/connections", "https://platform.adobe.io/data/foundation/catalog", "data:,x")
    ]
    assert journaling.read(written(tmp_path / "x.har", *others), CONTRACT, CONNECTORS) == []


def test_an_encoded_slash_of_a_recording_is_part_of_its_segment(tmp_path: Path) -> None:
    urls = [f"{ADOBE}{BASE_PATH}/connections/{path}" for path in ("a%2Ftest", "a%252Ftest", "a/test")]
    entries = [{"request": {"method": "GET", "url": url, "headers": []}, "response": {"status": 404}} for url in urls]
    kept = journaling.read(written(tmp_path / "x.har", *entries), CONTRACT, CONNECTORS)
    assert [entry.operation for entry in kept] == ["retrieveConnection", "retrieveConnection", "testConnection"]


def test_the_services_neighbours_count_where_the_contract_has_them(tmp_path: Path) -> None:
    paths = ("sandbox-management/sandboxes/prod", "import/batches")
    urls = [f"https://platform.adobe.io/data/foundation/{path}" for path in paths]
    entries = [{"request": {"method": "GET", "url": url, "headers": []}, "response": {"status": 200}} for url in urls]
    kept = journaling.read(written(tmp_path / "x.har", *entries), CONTRACT, CONNECTORS)
    assert [entry.operation for entry in kept] == ["retrieveSandbox"]


def test_where_an_exporter_left_out_all_headers_none_is_missed(recording: Recording, tmp_path: Path) -> None:
    [entry] = recording(lambda service: service.get("/connections") and None)
    for headers in ([], None):
        entry["request"]["headers"] = headers
        assert rules_of(written(tmp_path / "x.har", at(ADOBE, entry))) == set()


@pytest.mark.parametrize("status", [408, 414, 421, 431])
def test_a_request_that_no_service_read_is_one_finding(recording: Recording, tmp_path: Path, status: int) -> None:
    [entry] = recording(lambda service: service.get("/connections?limit=x") and None)
    entry["request"]["headers"], entry["response"] = [], {"status": status}
    assert rules_of(written(tmp_path / "x.har", at(ADOBE, entry))) == {"call.unread"}


def test_http2_names_base64_and_a_left_out_token_are_understood(recording: Recording, tmp_path: Path) -> None:
    [entry] = recording(lambda service: service.create() and None)
    entry = at(ADOBE, entry)
    headers = [row for row in entry["request"]["headers"] if row["name"] != "Authorization"]
    entry["request"]["headers"] = [{"name": ":authority", "value": "x"}, *headers]
    sent = entry["request"]["postData"]["text"]
    entry["request"]["postData"] |= {"text": base64.b64encode(sent.encode()).decode(), "encoding": "base64"}
    content = entry["response"]["content"]
    content |= {"text": base64.b64encode(content["text"].encode()).decode(), "encoding": "base64"}
    entries = journaling.read(written(tmp_path / "x.har", entry), CONTRACT, CONNECTORS)
    assert ":authority" not in entries[0].headers
    assert {f.rule for f in evaluate(entries, CONTRACT).findings} == {"lifecycle.never-deleted"}
    assert "c4n4ry" not in repr(entries)


def test_the_token_call_is_masked(tmp_path: Path) -> None:
    token = {
        "request": {
            "method": "POST",
            "url": "https://ims-na1.adobelogin.com/ims/token/v3?client_id=a&code=c4n4ry-code",
            "headers": [],
            "postData": {"mimeType": "x", "params": [{"name": "client_secret", "value": "c4n4ry-s3cret"}]},
        },
        "response": {"status": 200, "content": {"text": '{"access_token": "c4n4ry-token"}'}},
    }
    entries = journaling.read(written(tmp_path / "x.har", token), CONTRACT, CONNECTORS)
    assert "c4n4ry" not in repr(entries)
    assert rules_of(tmp_path / "x.har") == {"token.credentials-in-query"}


def test_what_the_real_service_took_is_not_called_wrong(recording: Recording, tmp_path: Path) -> None:
    body = connection(auth={"specName": "A New Auth Spec", "params": {}})
    [entry] = recording(lambda service: service.post("/connections", body) and None)
    entry["response"] |= {"status": 201, "content": {"text": '{"id": "x"}'}}
    assert "auth.unknown-spec" not in rules_of(written(tmp_path / "x.har", at(ADOBE, entry)))
    assert "auth.unknown-spec" in rules_of(written(tmp_path / "y.har", entry))


BAD = {
    "not JSON": b"PK\x03\x04",
    "not UTF-8": b'{"log": "\xff"}',
    "too deep": b"[" * 100_000,
    "no log": b"[]",
    "no entries": b'{"log": {}}',
    "an entry that is none": b'{"log": {"entries": [7]}}',
    "an entry without a request": b'{"log": {"entries": [{}]}}',
    "broken Base64": json.dumps(
        {
            "log": {
                "entries": [
                    {
                        "request": {
                            "method": "POST",
                            "url": f"{ADOBE}{BASE_PATH}/flows",
                            "headers": [],
                            "postData": {"text": "%%%", "encoding": "base64"},
                        }
                    }
                ]
            }
        }
    ).encode(),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_what_is_no_har_is_refused_in_words(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.har").write_bytes(content)
    ran = CliRunner().invoke(main, ["check", str(tmp_path / "x.har")])
    assert ran.exit_code == 2 and "x.har" in ran.output and "Traceback" not in ran.output


@pytest.mark.parametrize("started", ["yesterday", "2026-13-01", "Mon, 02 Nov 2026 10:00:00 GMT", 7, [], {}, "9999-99"])
def test_a_time_that_cannot_be_read_is_said_and_the_entry_judged(
    recording: Recording, tmp_path: Path, started: object
) -> None:
    entries = recording(lambda service: service.get("/connections?limit=500") and service.get("/connections") and None)
    without = rules_of(written(tmp_path / "w.har", *[{**entry, "startedDateTime": None} for entry in entries]))
    entries[0]["startedDateTime"] = started
    path = written(tmp_path / "x.har", *entries)
    assert rules_of(path) == without
    assert "paging.limit-above-maximum" in without
    ran = CliRunner().invoke(main, ["check", str(path)])
    expected = "requests without a readable startedDateTime, so the order of the file counts: 1 of 2"
    assert (expected in ran.output) == bool(started), ran.output


def test_a_recording_of_other_services_is_nothing_to_judge(tmp_path: Path) -> None:
    path = written(tmp_path / "x.har", {"request": {"method": "GET", "url": "https://example.com/", "headers": []}})
    ran = CliRunner().invoke(main, ["check", str(path)])
    assert ran.exit_code == 3 and "made no call to Flow Service" in ran.output


def test_a_file_that_has_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(har.HarError, match=r"x\.har: No such file"):
        journaling.read(tmp_path / "x.har", CONTRACT, CONNECTORS)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.har").open("wb") as file:
        file.truncate(reading.MAX_BYTES + 1)
    ran = CliRunner().invoke(main, ["check", str(tmp_path / "x.har")])
    assert ran.exit_code == 2 and "200 MB" in ran.output


class TestCheck:
    """Tests of the command."""

    @pytest.fixture
    def file(self, recording: Recording, tmp_path: Path) -> Path:
        """A recording with a WARN and an INFO."""

        def careless(service: Service) -> None:
            service.get("/connections?limit=500")
            service.create()

        return written(tmp_path / "x.har", *recording(careless))

    @pytest.mark.parametrize(("level", "status"), [("info", 1), ("warn", 1), ("fail", 0)])
    def test_the_level_decides_the_exit_status(self, file: Path, level: str, status: int) -> None:
        ran = CliRunner().invoke(main, ["check", str(file), "--level", level])
        assert ran.exit_code == status, ran.output
        assert "paging.limit-above-maximum" in ran.output

    def test_reports_are_written_and_json_is_printed_alone(self, file: Path, tmp_path: Path) -> None:
        ran = CliRunner().invoke(main, ["check", str(file), "--report", str(tmp_path / "out"), "--json"])
        assert json.loads(ran.stdout)["counts"]["warn"] == 1
        assert {path.name for path in (tmp_path / "out").iterdir()} >= {"index.html", "junit.xml", "report.sarif"}

    def test_a_baseline_accepts_what_it_names(self, file: Path, tmp_path: Path) -> None:
        baseline = tmp_path / "accepted.yaml"
        baseline.write_text("accepted:\n  - {rule: paging.limit-above-maximum, reason: known}\n", encoding="utf-8")
        assert CliRunner().invoke(main, ["check", str(file), "--baseline", str(baseline)]).exit_code == 0

    def test_a_baseline_that_went_stale_fails(self, file: Path, tmp_path: Path) -> None:
        baseline = tmp_path / "accepted.yaml"
        rows = "accepted:\n  - {rule: paging.limit-above-maximum, reason: known}\n  - {rule: etag.missing, reason: x}\n"
        baseline.write_text(rows, encoding="utf-8")
        ran = CliRunner().invoke(main, ["check", str(file), "--baseline", str(baseline)])
        assert ran.exit_code == 1 and "no longer occurs" in ran.output

    @pytest.mark.parametrize(
        "text",
        ["", "[]", "accepted: 7", "accepted: [{rule: no.such, reason: x}]", "accepted: [{rule: etag.missing}]", "a: [",
         "accepted: [{rule: etag.missing, reason: x, because: y}]"],
    )  # fmt: skip
    def test_a_bad_baseline_is_refused_in_words(self, file: Path, tmp_path: Path, text: str) -> None:
        (tmp_path / "b.yaml").write_text(text, encoding="utf-8")
        ran = CliRunner().invoke(main, ["check", str(file), "--baseline", str(tmp_path / "b.yaml")])
        assert ran.exit_code == 2 and "b.yaml" in ran.output

    @pytest.mark.parametrize("arguments", [["--level", "bad"], ["--baseline", "none.yaml"]])
    def test_wrong_use_is_status_2(self, file: Path, arguments: list[str]) -> None:
        assert CliRunner().invoke(main, ["check", str(file), *arguments]).exit_code == 2

    def test_a_folder_that_cannot_be_made_is_named(self, file: Path) -> None:
        ran = CliRunner().invoke(main, ["check", str(file), "--report", str(file / "out")])
        assert ran.exit_code == 2 and "Not a directory" in ran.output and "Traceback" not in ran.output
