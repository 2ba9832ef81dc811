"""Tests of every quirk: its default and its alternatives, over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.quirks import QUIRKS, Quirks
from tests.calls import POSTGRESQL, connection, made, send
from tests.dataflows import EXAMPLE_SOURCES, HOUR, declared, events, flowing, once, pass_time, runs_of, status_of
from tests.destinations import exporting
from tests.rows import each

Probe = Callable[[Emulator], Any]


def _status(method: str, path: str, body: Any = None, **headers: str | None) -> Probe:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda emulator: send(emulator, method, path, body, headers=sent).status


def _body(method: str, path: str, **headers: str | None) -> Probe:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda emulator: sorted(send(emulator, method, path, headers=sent).body)  # type: ignore[arg-type]


def _delete(emulator: Emulator) -> int:
    return send(emulator, "DELETE", f"/connections/{made(emulator)['id']}").status


def _unquoted(emulator: Emulator) -> int:
    receipt = made(emulator)
    headers = {"if-match": receipt["etag"].strip('"')}
    patch = [{"op": "replace", "path": "/name", "value": "x"}]
    return send(emulator, "PATCH", f"/connections/{receipt['id']}", patch, headers=headers).status


def _ssl_mode(emulator: Emulator) -> int:
    body = connection()
    body["auth"]["params"]["sslMode"] = "Verify-Full"
    return send(emulator, "POST", "/connections", body).status


def _password(emulator: Emulator) -> str:
    body: Any = send(emulator, "GET", f"/connections/{made(emulator)['id']}").body
    return body["items"][0]["auth"]["params"]["password"]  # type: ignore[no-any-return]


def _sub_op(emulator: Emulator) -> tuple[int, ...]:
    drafts = f"/connections/{made(emulator, connection(), '/connections?mode=draft')['id']}", _draft_flow(emulator)
    return tuple(send(emulator, "POST", f"{draft}/action?op=publish").status for draft in drafts)


_OWN_SPEC = {"name": "acme-crm", "providerId": "0ed90a81-07f4-4586-8190-b40eccef1c5a"}


def _spec_answer(emulator: Emulator) -> bool:
    emulator.quirks.choose("spec-writers", "any")
    body: Any = send(emulator, "POST", "/connectionSpecs", _OWN_SPEC).body
    return "items" in body


def _draft_flow(emulator: Emulator) -> str:
    return f"/flows/{flowing(emulator, query='?mode=draft')}"


def _run_answer(emulator: Emulator) -> list[str]:
    params = {"startTime": 1, "windowStartTime": 1, "windowEndTime": 2, "deltaColumn": {"name": "entered_at"}}
    result = send(emulator, "POST", "/runs", {"flowId": flowing(emulator, once(emulator)), "params": params})
    return sorted(result.body)  # type: ignore[arg-type]


def _partial_run(emulator: Emulator) -> str:
    declared(emulator, EXAMPLE_SOURCES)
    flow_id = flowing(emulator, events(emulator))
    pass_time(emulator, HOUR)
    return status_of(runs_of(emulator, flow_id)[3])  # the example lets the fourth run lose rows


def _activation(emulator: Emulator) -> tuple[int, bool]:
    flow = exporting(emulator)
    patch = [{"op": "replace", "path": "/name", "value": "x"}]
    result = send(emulator, "PATCH", f"/flows/{flow['id']}", patch, headers={"if-match": flow["etag"]})
    return result.status, result.body is None


_SFTP = {
    "name": "SFTP base connection",
    "auth": {
        "specName": "Basic Authentication for sftp",
        "params": {"host": "ftp.example.com", "username": "reader", "password": "c4n4ry-s3cret"},
    },
    "connectionSpec": {"id": "36965a81-b1c6-401b-99f8-22508f1e6a26", "version": "1.0"},
}

_PROBLEM = ["errorDetails", "errorMessage", "report", "status", "title", "type"]

# quirk -> (how to see it, what each value gives)
CASES: dict[str, tuple[Probe, dict[str, Any]]] = {
    "error-body": (
        _body("GET", "/connections/none"),
        {"problem": _PROBLEM, "legacy": ["errorDetails", "errorMessage"]},
    ),
    "not-found-status": (_status("GET", "/connections/none"), {"404": 404, "400": 400}),
    "gateway-body": (
        _body("GET", "/connections", x_api_key=None),
        {"classic": ["error_code", "message"], "2026": ["error_code", "message", "status", "title"]},
    ),
    "missing-token": (_status("GET", "/connections", authorization=None), {"403": 403, "401": 401}),
    "missing-sandbox": (_status("GET", "/connections", x_sandbox_name=None), {"refuse": 400, "default": 200}),
    "activation-status": (_activation, {"200": (200, False), "202": (202, True)}),
    "sftp-destination-auth": (_status("POST", "/connections", _SFTP), {"both": 201, "page": 400}),
    "delete-status": (_delete, {"204": 204, "202": 202}),
    "unquoted-etag": (_unquoted, {"refuse": 412, "accept": 200}),
    "missing-version": (
        _status("POST", "/connections", connection(connectionSpec={"id": POSTGRESQL})),
        {"newest": 201, "refuse": 422},
    ),
    "ssl-mode": (_ssl_mode, {"lenient": 201, "documented": 400}),
    "secrets": (_password, {"mask": "********", "show": "c4n4ry-s3cret"}),
    "content-type": (_status("POST", "/connections", {}, content_type="text/plain"), {"400": 400, "415": 415}),
    "missing-org": (_status("GET", "/connections", x_gw_ims_org_id=None), {"gateway": 400, "service": 401}),
    "spec-writers": (_status("POST", "/connectionSpecs", _OWN_SPEC), {"service": 400, "any": 201}),
    "spec-answer": (_spec_answer, {"bare": False, "items": True}),
    "sub-op": (_sub_op, {"optional": (200, 200), "required": (400, 400)}),
    "run-answer": (_run_answer, {"items": ["items"], "bare": ["etag", "id"]}),
    "partial-run-status": (_partial_run, {"partialSuccess": "partialSuccess", "success": "success"}),
    "unknown-parameters": (_status("GET", "/connections?colour=red"), {"ignore": 200, "refuse": 400}),
    "limit-above-maximum": (_status("GET", "/connections?limit=101"), {"clamp": 200, "refuse": 400}),
}


def test_every_quirk_has_a_case_for_each_of_its_values() -> None:
    tried = {(name, value) for name, (_, answers) in CASES.items() for value in answers}
    known = {(name, value) for name, row in QUIRKS.items() for value in row.values}
    assert not known - tried, f"add to CASES in tests/test_quirks.py: {sorted(known - tried)}"
    assert not tried - known, f"mockserver/quirks.py has no such quirk or value: {sorted(tried - known)}"


@each("name, value", [(name, value) for name, (_, answers) in CASES.items() for value in answers])
def test_a_quirk_decides_what_the_wire_shows(name: str, value: str) -> None:
    probe, answers = CASES[name]
    assert probe(Emulator(Config(seed=1, quirk={name: value}))) == answers[value]


def test_the_default_is_the_first_value() -> None:
    assert len(Quirks()) == len(QUIRKS)
    assert Quirks()["delete-status"] == QUIRKS["delete-status"].default == "204"


@pytest.mark.parametrize(("name", "value"), [("delete-status", "200"), ("colour", "red")])
def test_a_wrong_quirk_is_refused_and_changes_nothing(name: str, value: str) -> None:
    quirks = Quirks()
    with pytest.raises(ValueError, match=name):
        quirks.update({"sub-op": "required", name: value})
    assert dict(quirks) == dict(Quirks())
