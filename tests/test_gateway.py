"""Tests of the gateway: each header absent, empty, malformed and repeated, in Adobe's order."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.errors import ApiError
from mockserver.exchange import Tenant
from tests.calls import HEADERS, call, refused, send

SERVICE = "https://ns.adobe.com/aep/errors/FLOW-"

# (header, what is sent, status, code, message): documented in the platform's troubleshooting page
# and the gateway's error table unless marked
GATEWAY_CASES = [
    ("x-api-key", None, 403, "403000", "Api Key is required"),
    ("x-api-key", "", 403, "403000", "Api Key is required"),
    ("x-api-key", "  ", 403, "403000", "Api Key is required"),  # assumed
    ("x-api-key", "two words", 403, "403003", "Api Key is invalid"),  # assumed: malformed = unknown
    ("x-api-key", "one, two", 403, "403003", "Api Key is invalid"),  # assumed: doubled = malformed
    ("authorization", None, 403, "403010", "Oauth token is missing."),
    ("authorization", "", 403, "403010", "Oauth token is missing."),
    ("authorization", "Bearer", 403, "403010", "Oauth token is missing."),  # assumed
    ("authorization", "Bearer ", 403, "403010", "Oauth token is missing."),  # assumed
    ("authorization", "  ", 403, "403010", "Oauth token is missing."),  # assumed
    ("authorization", "Basic dXNlcjpwYXNz", 401, "401013", "Oauth token is not valid"),
    ("authorization", "Bearer one two", 401, "401013", "Oauth token is not valid"),
    ("authorization", "Bearer one, Bearer two", 401, "401013", "Oauth token is not valid"),
    ("x-gw-ims-org-id", None, 400, "400003", "Missing header"),
    ("x-gw-ims-org-id", "", 400, "400003", "Missing header"),
    ("x-gw-ims-org-id", "  ", 400, "400003", "Missing header"),  # assumed
    ("x-gw-ims-org-id", "5C1328435BF324E90A49402A", 403, "403027", "User region is missing"),
    ("x-gw-ims-org-id", "A@AdobeOrg, B@AdobeOrg", 403, "403027", "User region is missing"),
]


@pytest.mark.parametrize(
    ("header", "value", "status", "code", "message"),
    GATEWAY_CASES,
    ids=[f"{case[0]}={case[1]!r}" for case in GATEWAY_CASES],
)
def test_the_gateway_refuses_a_header_with_its_own_two_member_body(
    emulator: Emulator, header: str, value: str | None, status: int, code: str, message: str
) -> None:
    result = send(emulator, "GET", "/connections", headers={header: value})
    assert (result.status, result.body) == (status, {"error_code": code, "message": message})


# (header, what is sent, status, code, variables in report): documented in the error catalogue
SANDBOX_CASES: list[tuple[str, str | None, int, str, dict[str, str]]] = [
    ("x-sandbox-name", None, 400, "2105-400", {"header": "x-sandbox-name"}),
    ("x-sandbox-name", "", 400, "2105-400", {"header": "x-sandbox-name"}),
    ("x-sandbox-name", "Prod", 404, "2100-404", {"name": "Prod"}),
    ("x-sandbox-name", "prod, dev", 404, "2100-404", {"name": "prod, dev"}),  # assumed: doubled = unknown
    ("x-sandbox-name", "X" * 81, 404, "2100-404", {"name": "X" * 80}),
    ("x-sandbox-name", "  ", 400, "2105-400", {"header": "x-sandbox-name"}),
    ("x-sandbox-name", "*", 403, "2111-403", {"header": "x-sandbox-name", "value": "*"}),
    ("x-sandbox-id", "1bd86660-c5da-11e9-93d4-6d5fc3a66a8e", 400, "2110-400", {"header": "x-sandbox-id"}),
]


@pytest.mark.parametrize(
    ("header", "value", "status", "code", "variables"),
    SANDBOX_CASES,
    ids=[f"{case[0]}={case[1]!r}" for case in SANDBOX_CASES],
)
def test_the_service_refuses_a_sandbox_header_with_its_problem_body(
    emulator: Emulator, header: str, value: str | None, status: int, code: str, variables: dict[str, str]
) -> None:
    result = send(emulator, "GET", "/connections", headers={header: value})
    body: Any = result.body
    assert list(body) == ["type", "title", "status", "report", "errorMessage", "errorDetails"]
    assert (result.status, body["status"], body["type"]) == (status, status, SERVICE + code)
    assert body["report"].items() >= variables.items()
    assert list(body["report"]) == sorted(body["report"])
    assert body["report"]["request-id"] == "0" * 32
    assert body["report"]["detailed-message"] == body["errorMessage"] == body["errorDetails"]


def test_checks_run_in_adobes_order_key_token_org_sandbox(emulator: Emulator) -> None:
    missing: dict[str, str | None] = dict.fromkeys(HEADERS, None)
    codes = []
    for header in ("x-api-key", "authorization", "x-gw-ims-org-id", "x-sandbox-name"):
        codes.append(send(emulator, "GET", "/nowhere", headers=missing).error)
        missing[header] = HEADERS[header]
    assert codes == ["403000", "403010", "400003", "2105-400"]
    assert send(emulator, "GET", "/nowhere").status == 404


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("authorization", "Bearer {ACCESS_TOKEN}"),
        ("authorization", "bearer abc.def-_~+/=="),
        ("authorization", "  Bearer abc "),
        ("x-api-key", "{API_KEY}"),
        ("x-gw-ims-org-id", "{ORG_ID}"),
        ("x-gw-ims-org-id", "{IMS_ORG}"),
        ("x-sandbox-name", "{SANDBOX_NAME}"),
        ("x-sandbox-name", "dev-2"),
        ("x-sandbox-name", " prod "),
    ],
)
def test_a_wellformed_header_or_a_pasted_placeholder_passes(emulator: Emulator, header: str, value: str) -> None:
    assert send(emulator, "GET", "/connections", headers={header: value}).status == 200


@pytest.mark.parametrize(
    ("settings", "header", "value", "error"),
    [
        ({"api_keys": ("known",)}, "x-api-key", "other", "403003"),
        ({"orgs": ("A@AdobeOrg",)}, "x-gw-ims-org-id", "B@AdobeOrg", "403025"),
        ({"sandboxes": ("prod", "dev")}, "x-sandbox-name", "qa", "2100-404"),
    ],
    ids=["key", "org", "sandbox"],
)
def test_what_is_configured_is_all_there_is(settings: Any, header: str, value: str, error: str) -> None:
    emulator = Emulator(Config(**settings))
    assert send(emulator, "GET", "/connections", headers={header: value}).error == error
    ((name, known),) = settings.items()
    assert name and send(emulator, "GET", "/connections", headers={header: known[0]}).status == 200


@pytest.mark.parametrize(
    ("quirk", "header", "error"),
    [
        ({"missing-token": "401"}, "authorization", "401013"),
        ({"missing-token": "403"}, "authorization", "403010"),
        ({"missing-org": "service"}, "x-gw-ims-org-id", "2002-401"),
        ({"missing-org": "gateway"}, "x-gw-ims-org-id", "400003"),
        ({"missing-sandbox": "refuse"}, "x-sandbox-name", "2105-400"),
    ],
)
def test_what_a_missing_header_means_is_a_quirk(quirk: dict[str, str], header: str, error: str) -> None:
    result: Any = send(Emulator(Config(quirk=quirk)), "GET", "/connections", headers={header: None})
    assert result.error == error
    assert "report" not in result.body or result.body["report"]["header"] == header


def admitted(config: Config, **headers: str) -> Tenant:
    """The tenant of a request with these headers, and no sandbox unless one is given."""
    sent = {**{name: value for name, value in HEADERS.items() if name != "x-sandbox-name"}, **headers}
    return Emulator(config).gateway.admit(call("GET", "/connections", headers={"x-sandbox-name": None, **sent}))


@pytest.mark.parametrize(("sandboxes", "default"), [((), "prod"), (("main", "dev"), "main")])
def test_who_names_no_sandbox_is_in_the_first_one_where_the_quirk_says_so(sandboxes: Any, default: str) -> None:
    config = Config(sandboxes=sandboxes, quirk={"missing-sandbox": "default"})
    assert admitted(config) == Tenant(HEADERS["x-gw-ims-org-id"], default)
    assert admitted(config, **{"x-sandbox-name": "dev"}).sandbox == "dev"


def test_a_service_token_may_name_its_sandbox_by_the_right_id_too() -> None:
    config = Config(service_clients=(HEADERS["x-api-key"],))
    tenant = Tenant(HEADERS["x-gw-ims-org-id"], "d" * 100)
    headers = {"x-sandbox-name": tenant.sandbox, "x-sandbox-id": tenant.sandbox_id}
    assert admitted(config, **headers) == tenant
    with pytest.raises(ApiError) as caught:
        admitted(config, **{**headers, "x-sandbox-id": "x" * 100})
    assert (caught.value.key, caught.value.variables) == ("sandbox_mismatch", {"id": "x" * 80, "name": "d" * 80})


def test_strict_mode_takes_only_live_tokens_issued_here() -> None:
    emulator = Emulator(Config(strict=True, seed=1, token_seconds=60))
    assert send(emulator, "GET", "/connections").error == "401013"
    token, seconds = emulator.tokens.issue()
    mine = {"authorization": f"Bearer {token}"}
    assert (seconds, send(emulator, "GET", "/connections", headers=mine).status) == (60, 200)
    emulator.runtime.clock.advance(61_000)
    assert send(emulator, "GET", "/connections", headers=mine).error == "401013"


def test_a_token_issued_here_expires_also_without_strict_mode() -> None:
    emulator = Emulator(Config(seed=1, token_seconds=60))
    mine = {"authorization": f"Bearer {emulator.tokens.issue()[0]}"}
    assert send(emulator, "GET", "/connections", headers=mine).status == 200
    emulator.runtime.clock.advance(61_000)
    assert send(emulator, "GET", "/connections", headers=mine).error == "401013"


# Content types: platform troubleshooting page (400 body), public clients (what must pass)
@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/json; charset=utf-16",
    ],
)
def test_a_body_with_a_wrong_content_type_is_refused(emulator: Emulator, content_type: str | None) -> None:
    result = send(emulator, "POST", "/connections", {"name": "x"}, headers={"content-type": content_type})
    assert result.status == 400
    assert result.body == {
        "type": "/placeholder/type/uri",
        "status": 400,
        "title": "BadRequestError",
        "detail": "A valid content-type must be specified",
    }


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON", "application/json; charset=UTF-8"])
def test_json_content_types_pass_on_get_and_delete_too(emulator: Emulator, content_type: str) -> None:
    headers = {"content-type": content_type}
    assert send(emulator, "GET", "/connections", headers=headers).status == 200
    assert send(emulator, "DELETE", "/connections/none", headers=headers).status == 404
    assert refused(send(emulator, "POST", "/connections", {"name": "x"}, headers=headers))[1] == "1100-400"


def test_an_encoded_body_is_refused(emulator: Emulator) -> None:
    result = send(emulator, "POST", "/connections", {"name": "x"}, headers={"content-encoding": "gzip"})
    assert result.status == 415
