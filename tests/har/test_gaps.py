"""Tests that a client is not blamed for what browsers, exporters and sanitizers change in a recording."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.clients.bodies import connection
from mockserver.conformance import evaluate
from mockserver.contract import Contract
from mockserver.har import journaling
from mockserver.journal.entries import Entry
from mockserver.specs.connectors import Connectors
from tests.rows import each

CONTRACT, CONNECTORS = Contract.load(), Connectors.load()
BASE = "https://platform.adobe.io/data/foundation/flowservice"
HEADERS = {
    "Authorization": "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
    "x-api-key": "acme",
    "x-gw-ims-org-id": "ACME@AdobeOrg",
    "x-sandbox-name": "prod",
}
ID = "11111111-2222-4333-8444-555555555555"
GOOD = {"items": [{"id": ID, "etag": '"v1"', "name": "orders"}], "_links": {}}
MISSING = {"type": "https://ns.adobe.com/aep/errors/FLOW-1439-404", "title": "Resource not found", "status": 404}

HarEntry = dict[str, Any]


def an_entry(
    method: str = "GET",
    path: str = "/connections",
    answer: Any = None,
    status: int = 200,
    body: Any = None,
    **changes: Any,
) -> HarEntry:
    """One request as Chrome writes it. Header names use underscores; None omits one."""
    sent = {**HEADERS, **({"Content-Type": "application/json"} if body is not None else {})}
    sent |= {name.replace("_", "-"): value for name, value in changes.items()}
    request: dict[str, Any] = {
        "method": method,
        "url": BASE + path,
        "headers": [{"name": name, "value": value} for name, value in sent.items() if value is not LEFT_OUT],
        "bodySize": 0,
    }
    if body is not None:
        text = json.dumps(body)
        request |= {"postData": {"mimeType": "application/json", "text": text}, "bodySize": len(text)}
    text = json.dumps(GOOD if answer is None else answer)
    return {
        "startedDateTime": "2026-05-01T10:00:00.000Z",
        "request": request,
        "response": {"status": status, "headers": [], "content": {"size": len(text), "text": text}},
    }


LEFT_OUT = object()


def read(folder: Path, *entries: HarEntry) -> list[Entry]:
    for second, entry in enumerate(entries):
        entry["startedDateTime"] = f"2026-05-01T10:{second // 60:02}:{second % 60:02}.000Z"
    path = folder / "x.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8")
    return journaling.read(path, CONTRACT, CONNECTORS)


def rules(folder: Path, *entries: HarEntry) -> set[str]:
    return {one.rule for one in evaluate(read(folder, *entries), CONTRACT).findings}


TAKEN_OUT = {
    "dropped": LEFT_OUT,
    "null": None,
    "empty": "",
    "stars": "*****",
    "our own mask": "Bearer ********",
    "scheme and stars": "Bearer ***",
    "named": "[Authorization redacted]",
    "in capitals": "REDACTED",
    "in angles": "<redacted>",
    "in braces": "{{REDACTED}}",
    "underscores": "__REDACTED__",
    "letters": "xxxxxxxx",
    "bullets": "••••••••",
    "words": "Bearer [removed by HAR sanitizer]",
    "elsewhere": "[removed]",
}
ANSWERS: dict[str, tuple[int, Any]] = {
    "success": (200, GOOD),
    "refusal of the service": (404, MISSING),
    "failure of the service": (500, {"type": "https://ns.adobe.com/aep/errors/FLOW-1400-500"}),
    "key refused": (403, {"error_code": "403000", "message": "Api Key is required"}),
    "no answer": (0, ""),
    "not modified": (304, ""),
    "a proxy": (502, "<html>"),
}


@each("taken", TAKEN_OUT)
@each("answer", ANSWERS)
def test_a_token_that_was_taken_out_is_not_missed(taken: str, answer: str, tmp_path: Path) -> None:
    status, body = ANSWERS[answer]
    entry = an_entry(path=f"/connections/{ID}", answer=body, status=status, Authorization=TAKEN_OUT[taken])
    assert not {rule for rule in rules(tmp_path, entry) if rule.startswith(("header.", "token."))}


@each("header", ["x-api-key", "x-gw-ims-org-id", "x-sandbox-name", "If-Match"])
@each("taken", ["null", "stars", "named", "letters"])
@each("answer", ["success", "no answer", "not modified"])
def test_other_headers_that_were_taken_out_are_not_missed(header: str, taken: str, answer: str, tmp_path: Path) -> None:
    status, body = ANSWERS[answer]
    change = [{"op": "replace", "path": "/name", "value": "x"}]
    sent = {"If-Match": '"v1"', header: TAKEN_OUT[taken]}
    look = an_entry(path=f"/connections/{ID}")
    entry = an_entry("PATCH", f"/connections/{ID}", body if status else "", status, change, **sent)
    assert rules(tmp_path, look, entry) == set()


@each("stand_in", ["DUMMY", "dummy-token", "FAKE_TOKEN", "YOUR_TOKEN", "<your token>", "TODO"])
@each("scheme", ["Bearer ", ""])
def test_a_token_that_a_filter_replaced_passed_with_another_value(scheme: str, stand_in: str, tmp_path: Path) -> None:
    token = an_entry(answer={"access_token": "abc.def.ghi", "expires_in": 86_399, "token_type": "bearer"})
    form = "grant_type=client_credentials&client_id=acme&client_secret=s3cret&scope=openid"
    post = {"mimeType": "application/x-www-form-urlencoded", "text": form}
    token["request"] |= {"method": "POST", "url": "https://ims-na1.adobelogin.com/ims/token/v3", "postData": post}
    look_up = an_entry(path=f"/connections/{ID}", Authorization=scheme + stand_in)
    assert rules(tmp_path, token, look_up) == set()


def test_a_token_is_missed_where_the_gateway_says_so(tmp_path: Path) -> None:
    answer = {"error_code": "403010", "message": "Oauth token is missing."}
    assert rules(tmp_path, an_entry(answer=answer, status=403, Authorization=LEFT_OUT)) == {"header.token-missing"}


def test_tokens_that_cannot_be_told_apart_are_not_said_to_be_the_same(tmp_path: Path) -> None:
    refused = {"error_code": "401013", "message": "Oauth token is not valid"}
    calls = [an_entry(answer=refused, status=401, Authorization="***"), an_entry(Authorization="***")]
    assert rules(tmp_path, *calls) == set()


@pytest.mark.parametrize(
    ("text", "says"), [("{'a': 1}", "(expecting property name"), ('{"a":1} {}', "(extra data)"), ('{"a" 1}', "':'")]
)
def test_a_recorded_body_that_is_no_json_is_told_with_its_syntax_error(text: str, says: str, tmp_path: Path) -> None:
    entry = an_entry("POST", answer="", status=0, body={})
    entry["request"]["postData"]["text"] = text
    found = evaluate(read(tmp_path, entry), CONTRACT).findings
    assert [says in one.detail for one in found if one.rule == "payload.not-json"] == [True], found


def without_body(entry: HarEntry, size: int | None = 281) -> HarEntry:
    """The entry without the request's body, as some exporters write it."""
    del entry["request"]["postData"]
    entry["request"]["bodySize"] = size
    return entry


NO_BODY: dict[str, Callable[[HarEntry], HarEntry]] = {
    "size and no postData": without_body,
    "size unknown": lambda entry: without_body(entry, -1),
    "no size": lambda entry: without_body(entry, None),
    "postData is null": lambda entry: {**entry, "request": {**entry["request"], "postData": None}},
    "empty text": lambda entry: {**entry, "request": {**entry["request"], "postData": {"mimeType": "x", "text": ""}}},
    "cut": lambda entry: {
        **entry,
        "request": {**entry["request"], "postData": {"mimeType": "application/json", "text": '{"name": "or'}},
    },
}


@each("drop", NO_BODY)
@each("status", [201, 400])
def test_a_body_that_was_left_out_is_not_missed(drop: str, status: int, tmp_path: Path) -> None:
    made: Any = {"id": ID, "etag": '"v1"'} if status == 201 else {**MISSING, "type": "x/FLOW-1419-400"}
    calls = [NO_BODY[drop](an_entry("POST", "/connections", made, status, connection(name))) for name in ("a", "b")]
    assert rules(tmp_path, *calls) <= {"lifecycle.never-deleted", "call.refused"}


def test_a_body_is_missed_where_the_service_says_so(tmp_path: Path) -> None:
    empty = {**MISSING, "type": "https://ns.adobe.com/aep/errors/FLOW-1405-400", "status": 400}
    entry = without_body(an_entry("POST", "/connections", empty, 400, connection()), 0)
    assert rules(tmp_path, entry) == {"payload.empty"}


NO_ANSWER: dict[str, Any] = {
    "the size alone": {"size": 281},
    "size 0 and a type": {"size": 0, "mimeType": "application/json"},
    "size 0 and an empty text": {"size": 0, "mimeType": "", "text": ""},
    "size unknown": {"size": -1, "mimeType": "x-unknown"},
    "nothing": {},
}


@pytest.mark.parametrize("content", NO_ANSWER)
def test_answers_that_were_left_out_prove_nothing(content: str, tmp_path: Path) -> None:
    silent = an_entry()
    silent["response"]["content"] = NO_ANSWER[content]
    change = [{"op": "replace", "path": "/name", "value": "x"}]
    calls = [
        silent,
        an_entry("PATCH", f"/connections/{ID}", {"id": ID, "etag": '"v2"'}, 200, change, If_Match='"v1"'),
        an_entry(path=f"/connections/{ID}", answer=MISSING, status=404),
        an_entry(path="/connections?continuationToken=abc"),
    ]
    assert rules(tmp_path, *calls) == set()


@pytest.mark.parametrize("kind", ["preflight", None])
def test_preflights_are_the_browsers(kind: str | None, tmp_path: Path) -> None:
    asked = an_entry("OPTIONS", status=405, answer={}, Authorization=LEFT_OUT, Origin="https://app.example.com")
    assert read(tmp_path, {**asked, "_resourceType": kind}) == []


def test_the_method_options_of_a_client_is_judged(tmp_path: Path) -> None:
    assert "path.method" in rules(tmp_path, an_entry("OPTIONS", status=405, answer={}))


ODD: dict[str, Callable[[HarEntry], Any]] = {
    "a header without a name": lambda entry: entry["request"]["headers"].append({"value": "x"}),
    "a header whose name is null": lambda entry: entry["request"]["headers"].append({"name": None, "value": "x"}),
    "a header whose value is null": lambda entry: entry["request"]["headers"].append({"name": "Accept", "value": None}),
    "headers are null": lambda entry: entry["response"].update(headers=None),
    "content is null": lambda entry: entry["response"].update(content=None),
    "a status that is no number": lambda entry: entry["response"].update(status=None),
    "no response": lambda entry: entry.update(response=None),
    "broken Base64 in the answer": lambda entry: entry["response"].update(content={"text": "%", "encoding": "base64"}),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_detail_refuses_no_file(odd: str, tmp_path: Path) -> None:
    entry = an_entry()
    ODD[odd](entry)
    assert rules(tmp_path, entry) == set()


@pytest.mark.parametrize(
    "row", [{"value": "x"}, {"name": None, "value": "x"}, {"name": "", "value": "x"}, {"name": "scope", "value": None}]
)
def test_an_odd_form_parameter_refuses_no_file(row: dict[str, Any], tmp_path: Path) -> None:
    form = [{"name": "grant_type", "value": "client_credentials"}, row, {"name": "client_id", "value": "acme"}]
    entry = an_entry("POST", answer={"access_token": "t", "expires_in": 1})
    entry["request"] |= {"url": "https://ims-na1.adobelogin.com/ims/token/v3", "postData": {"params": form}}
    [kept] = read(tmp_path, entry)
    assert json.loads(kept.body).items() >= {"grant_type": "client_credentials", "client_id": "acme"}.items()
    assert "None" not in kept.body


@pytest.mark.parametrize(
    "url", ["http://[broken/", "chrome-extension://abc/x.js", "about:blank", "", "blob:https://a/b"]
)
def test_an_odd_address_is_other_traffic(url: str, tmp_path: Path) -> None:
    other = an_entry()
    other["request"]["url"] = url
    assert [entry.path for entry in read(tmp_path, other, an_entry())] == ["/connections"]


def test_what_the_service_took_was_right(tmp_path: Path) -> None:
    new_to_us = {"name": 7, "connectionSpec": {"id": "not-ours"}, "auth": {"specName": "New", "params": {}}}
    taken = an_entry("POST", "/connections", {"id": ID, "etag": '"v1"'}, 201, new_to_us)
    assert not {
        rule for rule in rules(tmp_path, taken) if rule.startswith(("payload.value", "payload.member", "auth."))
    }
    taken["request"]["url"] = "http://127.0.0.1:8080/data/foundation/flowservice/connections"
    assert {rule for rule in rules(tmp_path, taken) if rule.startswith("payload.")}


def test_an_answer_that_was_empty_is_not_left_out(tmp_path: Path) -> None:
    empty = an_entry()
    empty["response"] |= {"content": {"size": 0}, "headers": [{"name": "Content-Length", "value": "0"}]}
    change = [{"op": "replace", "path": "/name", "value": "x"}]
    updated = an_entry("PATCH", f"/connections/{ID}", {"id": ID, "etag": '"v2"'}, 200, change, If_Match='"v1"')
    assert rules(tmp_path, empty, updated) == {"etag.unread"}


@pytest.mark.parametrize(("status", "found"), [(200, False), (400, True)])
def test_an_update_that_the_service_took_had_its_etag(status: int, found: bool, tmp_path: Path) -> None:
    answer = {"id": ID, "etag": '"v2"'} if found is False else {**MISSING, "type": "x/FLOW-1403-400", "status": 400}
    change = [{"op": "replace", "path": "/name", "value": "x"}]
    taken = an_entry("PATCH", f"/connections/{ID}", answer, status, change)
    assert ("etag.missing" in rules(tmp_path, taken)) == found


def test_a_sanitized_secret_is_not_a_mask_sent_back(tmp_path: Path) -> None:
    params = {**connection()["auth"]["params"], "password": "********"}
    body = connection(auth={"specName": "Basic Authentication", "params": params})
    made = an_entry("POST", "/connections", {"id": ID, "etag": '"v1"'}, 201, body, Authorization="*****")
    assert "hygiene.mask-sent-back" not in rules(tmp_path, made)
    made = an_entry("POST", "/connections", {"id": ID, "etag": '"v1"'}, 201, body)
    assert "hygiene.mask-sent-back" in rules(tmp_path, made)
