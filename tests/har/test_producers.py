"""Tests that a session is read whole in the form in which each tool writes it, and that what is odd in a file is said.

The forms are those of files that Firefox, Safari, Internet Explorer, Charles, Fiddler, Proxyman, HTTP Toolkit, Insomnia
and Advanced REST Client have exported; the session is our own.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner, Result

from mockserver.cli import main
from mockserver.contract import Contract
from mockserver.recordings.recording import Recording

SESSION = json.loads((Path(__file__).parent / "tools" / "mitmproxy.har").read_text(encoding="utf-8"))
STATUSES = [201, 200, 200, 412, 204]
Entry: TypeAlias = dict[str, Any]


def session() -> list[Entry]:
    """The requests to Flow Service: a connection is created, shown, changed, changed with an old etag, deleted."""
    entries = SESSION["log"]["entries"]
    return [json.loads(json.dumps(one)) for one in entries if "/connections" in one["request"]["url"]]


def sent(entry: Entry) -> str:
    return str(entry["request"].get("postData", {}).get("text", ""))


def shown(entry: Entry) -> str:
    return str(entry["response"]["content"].get("text", ""))


def based(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def firefox(entry: Entry) -> None:
    """Every request has postData; sizes are missing where there are no headers."""
    if not sent(entry):
        entry["request"]["postData"] = {"mimeType": "", "params": [], "text": ""}
    entry["request"]["bodySize"] = len(sent(entry))
    entry["response"].pop("headersSize", None)
    entry |= {"pageref": "page_1", "startedDateTime": entry["startedDateTime"].replace("Z", "+01:00")}


def safari(entry: Entry) -> None:
    """Bodies have a negative compression, entries an own priority."""
    entry["response"]["content"]["compression"] = -18
    entry["response"]["_transferSize"] = 4388
    entry |= {"_serverPort": 443, "_fetchType": "Network Load", "_priority": "medium", "connection": "1"}
    entry["request"]["httpVersion"] = "HTTP/2"


def internet_explorer(entry: Entry) -> None:
    """One cookie is an object, and the redirect has two names."""
    entry["request"]["cookies"] = {"name": "a", "value": "b"}
    entry["response"]["redirectionURL"] = ""
    entry["request"]["headersSize"] = entry["request"]["bodySize"] = 333 if sent(entry) else 0
    entry["startedDateTime"] = entry["startedDateTime"].replace("Z", "0+00:00")


def charles(entry: Entry) -> None:
    """Responses are in Base64 and texts null; requests of HTTP/2 have pseudo headers."""
    if shown(entry):
        entry["response"]["content"] |= {"text": based(shown(entry)), "encoding": "base64"}
    entry["response"] |= {"_charlesStatus": "COMPLETE", "statusText": None, "redirectURL": None}
    entry["request"]["headers"].insert(0, {"name": ":method", "value": entry["request"]["method"]})
    entry["request"]["httpVersion"] = "HTTP/2.0"


def fiddler(entry: Entry) -> None:
    """Times have seven digits; what is empty is in Base64."""
    if not shown(entry):
        entry["response"]["content"] = {"size": 0, "compression": 0, "mimeType": "", "encoding": "base64", "text": ""}
    local = datetime.fromisoformat(entry["startedDateTime"]).astimezone(timezone(timedelta(hours=1)))
    entry["startedDateTime"] = f"{local:%Y-%m-%dT%H:%M:%S}.3824178+01:00"


def proxyman(entry: Entry) -> None:
    """Sizes of requests are -1, even where there is a body."""
    entry["request"]["bodySize"] = -1
    entry |= {"_id": "121", "_isHTTPS": True, "_remoteDeviceIP": None, "_webSocketMessages": None, "comment": ""}


def http_toolkit(entry: Entry) -> None:
    """Bodies that are no text are in `_content`; what has no body has none of its members."""
    if sent(entry):
        text = entry["request"].pop("postData")["text"]
        entry["request"]["_requestBodyStatus"] = "discarded:not-representable"
        entry["request"]["_content"] = {"text": based(text), "size": len(text), "encoding": "base64"}
    if not shown(entry):
        entry["response"]["content"] = {"mimeType": "application/octet-stream", "size": 0}


def insomnia(entry: Entry) -> None:
    """JSON is indented as it was typed."""
    if sent(entry):
        entry["request"]["postData"]["text"] = json.dumps(json.loads(sent(entry)), indent="\t")
    entry["request"]["bodySize"] = entry["response"]["bodySize"] = -1
    entry["comment"] = "/connections"


def advanced_rest_client(entry: Entry) -> None:
    """The encoding is that of characters, and a cache that is not supported is null."""
    entry["response"]["content"]["encoding"] = "utf-8"
    entry["cache"] = {"afterRequest": None, "beforeRequest": None}


FORMS: dict[str, Callable[[Entry], None]] = {
    one.__name__: one
    for one in (
        firefox, safari, internet_explorer, charles, fiddler, proxyman, http_toolkit, insomnia, advanced_rest_client,
    )
}  # fmt: skip


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def written(path: Path, entries: list[Any]) -> Path:
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8")
    return path


@pytest.mark.parametrize("tool", FORMS)
def test_a_session_in_the_form_of_a_tool_is_compared_and_judged(tmp_path: Path, tool: str) -> None:
    entries = session()
    for entry in entries:
        FORMS[tool](entry)
    path = written(tmp_path / "x.har", entries)
    recording = Recording.load(path, Contract.load())
    assert [one.result.status for one in recording.exchanges] == STATUSES and recording.remarks == ()
    assert [type(one.body) for one in recording.exchanges] == [dict, type(None), list, list, type(None)]
    assert run("compare", path).output == "5 same\n"
    checked = json.loads(run("check", path, "--json").stdout)
    assert {finding["rule"] for finding in checked["findings"]} == {"etag.outdated-by-itself"}
    assert run("calibrate", path).exit_code == run("assess", path).exit_code == 0


ODD: dict[str, Callable[[Entry], None]] = {
    "a name that is none of HTTP": lambda entry: entry["request"]["headers"].append(
        {"name": "Content-Length;something", "value": "1"}
    ),
    "a value with a line break": lambda entry: entry["request"]["headers"].append({"name": "x-a", "value": "a\nb"}),
    "a value beyond Latin-1": lambda entry: entry["request"]["headers"].append({"name": "x-a", "value": "é€😀"}),
}


@pytest.mark.parametrize("what", ODD)
def test_an_odd_header_does_not_stop_a_comparison(tmp_path: Path, what: str) -> None:
    entries = session()
    for entry in entries:
        ODD[what](entry)
    assert run("compare", written(tmp_path / "x.har", entries)).output == "5 same\n"


def test_a_request_that_is_none_of_http_is_not_compared(tmp_path: Path) -> None:
    entries = session()
    entries[1]["request"]["method"] = "GET\x00"
    compared = run("compare", written(tmp_path / "x.har", entries))
    assert compared.exit_code == 0 and "no response (ConnectionError)" in compared.output
    assert compared.output.endswith("4 same · 1 not comparable\n")


@pytest.mark.parametrize("command", ["check", "compare", "calibrate", "assess"])
def test_an_odd_entry_among_other_traffic_does_not_refuse_the_file(tmp_path: Path, command: str) -> None:
    other = {"request": {"method": "GET", "url": "https://www.example.com/"}, "response": {"status": 200}}
    said = run(command, written(tmp_path / "x.har", [{"time": 3}, other]))
    assert said.exit_code == 3 and "invalid HAR entries: 1" in said.output


def test_a_session_without_any_header_is_compared_as_that_of_any_tenant(tmp_path: Path) -> None:
    entries = session()
    for entry in entries:
        entry["request"]["headers"] = []
    compared = run("compare", written(tmp_path / "x.har", entries))
    assert compared.exit_code == 0, compared.output
    assert "requests without their credentials: 5 of 5" in compared.output
    assert "2 × the value of the header if-match was not recorded" in compared.output
    assert compared.output.endswith("3 same · 2 not comparable\n")


def as_json(entry: Entry) -> None:
    """Bodies are JSON values, not texts."""
    if sent(entry):
        entry["request"]["postData"]["text"] = json.loads(sent(entry))
    if shown(entry):
        entry["response"]["content"]["text"] = json.loads(shown(entry))


def as_texts(entry: Entry) -> None:
    """Statuses and sizes are texts."""
    entry["response"]["status"] = str(entry["response"]["status"])
    entry["request"]["bodySize"] = str(entry["request"].get("bodySize", -1))


@pytest.mark.parametrize("change", [as_json, as_texts], ids=lambda change: change.__name__)
def test_values_of_another_type_are_read(tmp_path: Path, change: Callable[[Entry], None]) -> None:
    entries = session()
    for entry in entries:
        change(entry)
    done = run("compare", written(tmp_path / "x.har", entries))
    assert (done.exit_code, done.output) == (0, "5 same\n")


def test_responses_without_headers_are_no_difference(tmp_path: Path) -> None:
    entries = session()
    for entry in entries:
        entry["response"]["headers"] = []
    done = run("compare", written(tmp_path / "x.har", entries))
    assert (done.exit_code, done.output) == (0, "Note: responses without their headers: 4 of 5\n5 same\n")
