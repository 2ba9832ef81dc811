"""Tests of what the HTTP layer adds, with Flask's test client."""

from __future__ import annotations

import io
import json
from typing import Any, ClassVar

import pytest
from flask.testing import FlaskClient

from mockserver import Config, Emulator, create_app
from mockserver.contract import documents
from mockserver.exchange import BASE_PATH
from mockserver.web.received import BODY_ERROR
from tests.calls import HEADERS, connection
from tests.rows import each


@pytest.fixture
def client(emulator: Emulator) -> FlaskClient:
    return create_app(emulator).test_client()


def post(client: FlaskClient, path: str = "/connections", **options: Any) -> Any:
    return client.post(path, json=options.pop("body", connection()), headers=HEADERS, **options)


@pytest.mark.parametrize("prefix", ["", BASE_PATH])
def test_a_connection_is_created_under_both_prefixes(client: FlaskClient, prefix: str) -> None:
    response = post(client, f"{prefix}/connections")
    assert response.status_code == 201
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["ETag"] == response.json["etag"]
    assert len(response.headers["x-request-id"]) == 32
    location = response.headers["Location"]
    assert location == f"http://localhost{BASE_PATH}/connections/{response.json['id']}"
    assert client.get(location.removeprefix("http://localhost"), headers=HEADERS).status_code == 200


def test_a_trailing_slash_is_served_without_a_redirect(client: FlaskClient) -> None:
    path = f"{BASE_PATH}/connections/{post(client).json['id']}/"
    assert client.get(path, headers=HEADERS).status_code == 200
    assert client.delete(path, headers=HEADERS).status_code == 204


def test_an_empty_answer_has_no_body_and_no_content_type(client: FlaskClient) -> None:
    response = client.delete(f"/connections/{post(client).json['id']}", headers=HEADERS)
    assert (response.data, response.headers.get("Content-Type")) == (b"", None)


def test_the_request_id_of_an_error_is_the_headers(client: FlaskClient) -> None:
    response = client.get("/connections/none", headers=HEADERS)
    assert response.json["report"]["request-id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({BODY_ERROR: "too_slow"}, 408),
        ({BODY_ERROR: "too_large"}, 413),
        ({BODY_ERROR: "framing"}, 400),
        ({"CONTENT_LENGTH": "99", "wsgi.input": io.BytesIO(b'{"name":')}, 400),
        ({"CONTENT_LENGTH": "", "wsgi.input_terminated": True, "wsgi.input": io.BytesIO(b" " * 1_048_577)}, 413),
    ],
    ids=["too-slow", "too-large", "ambiguous", "ends-early", "too-large-in-chunks"],
)
def test_a_body_that_did_not_come_whole_is_refused_in_the_services_shape(
    client: FlaskClient, environ: dict[str, Any], status: int
) -> None:
    response = client.post("/connections", headers=HEADERS, environ_overrides=environ)
    assert (response.status_code, response.json["status"]) == (status, status)
    assert client.get("/connections", headers=HEADERS).json["items"] == []


def test_hosts_are_checked_however_many_there_were(client: FlaskClient) -> None:
    for port in range(1, 80):
        assert client.get("/_mock/health", headers={"Host": f"localhost:{port}"}).status_code == 200
    assert client.get("/_mock/health", headers={"Host": "evil.example"}).status_code != 200


@each("method", ["GET", "POST", "PUT", "PROPFIND", "BREW", "TRACE", "OPTIONS"])
@each("path", ["/nowhere", "//connections", "/connections/%2e%2e", "/connections/%00", "/%ff"])
def test_no_answer_is_html(client: FlaskClient, method: str, path: str) -> None:
    response = client.open(path, method=method, headers=HEADERS)
    assert 400 <= response.status_code < 500
    assert response.headers["Content-Type"] == "application/json"
    assert response.json["report"]["request-id"]


def test_no_cors_header_is_ever_sent(client: FlaskClient) -> None:
    response = client.get("/connections", headers={**HEADERS, "Origin": "http://evil.example"})
    assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "169.254.169.254", "localhost.evil.example:8080", ""]
)
def test_an_unknown_host_gets_nowhere(client: FlaskClient, host: str) -> None:
    for path in ("/connections", "/_mock/state", "/ims/token/v3", "/openapi.json"):
        assert client.get(path, headers={**HEADERS, "Host": host}).status_code == 421


@each(
    "host",
    [
        "localhost:8080",
        "localhost:",
        "[::1]:",
        "127.0.0.1",
        "[::1]:8080",
        "platform.adobe.io",
        "platform-stage.adobe.io",
        "mock",
    ],
)
def test_loopback_adobes_names_and_allowed_names_are_answered(host: str) -> None:
    client = create_app(Config(allow_host=("mock",))).test_client()
    assert client.get(f"{BASE_PATH}/connections", headers={**HEADERS, "Host": host}).status_code == 200


def test_a_bug_of_ours_is_a_json_500_without_a_traceback(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    emulator.handlers["listConnections"] = lambda world, request: 1 / 0  # type: ignore[assignment,return-value]
    response = create_app(emulator).test_client().get("/connections", headers=HEADERS)
    assert (response.status_code, response.json["type"][-8:]) == (500, "1400-500")
    assert "ZeroDivision" not in response.text and "ZeroDivisionError" in caplog.text


class TestTokens:
    """Tests of the token endpoint: facts §2.1."""

    FORM: ClassVar = {
        "grant_type": "client_credentials",
        "client_id": "acme",
        "client_secret": "s3cret",
        "scope": "openid,AdobeID",
    }

    @pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4"])
    @pytest.mark.parametrize("sent", ["form", "query", "multipart", "mixed"])
    def test_any_client_gets_a_token_however_it_asks(self, client: FlaskClient, version: str, sent: str) -> None:
        form = dict(self.FORM)
        query = {"client_id": form.pop("client_id")} if sent == "mixed" else {}
        options: dict[str, Any] = {
            "form": {"data": form},
            "mixed": {"data": form, "query_string": query},
            "query": {"query_string": form},
            "multipart": {"data": form, "content_type": "multipart/form-data"},
        }[sent]
        response = client.post(f"/ims/token/{version}", **options)
        assert response.status_code == 200
        assert list(response.json) == ["access_token", "token_type", "expires_in"]
        assert (response.json["token_type"], response.json["expires_in"]) == ("bearer", 86_399)

    def test_the_retired_jwt_exchange_counts_in_milliseconds(self, client: FlaskClient) -> None:
        form = {"client_id": "acme", "client_secret": "x", "jwt_token": "a.b.c"}
        response = client.post("/ims/exchange/jwt/", data=form, content_type="multipart/form-data")
        assert response.json["expires_in"] == 86_399_000

    @pytest.mark.parametrize(
        ("change", "error", "description"),
        [
            ({"client_secret": "wrong"}, "invalid_client", "invalid client_secret parameter"),
            ({"client_id": "other"}, "invalid_client", "invalid client_id parameter"),
            ({"client_id": ""}, "invalid_client", "invalid client_id parameter"),
            ({"grant_type": "password"}, "unsupported_grant_type", None),
            ({"grant_type": ""}, "invalid_request", None),
        ],
    )
    def test_configured_credentials_are_checked(self, change: Any, error: str, description: str | None) -> None:
        client = create_app(client_secrets={"acme": "s3cret"}).test_client()
        assert client.post("/ims/token/v3", data=self.FORM).status_code == 200
        response = client.post("/ims/token/v3", data={**self.FORM, **change})
        assert (response.status_code, response.json["error"]) == (400, error)
        assert description is None or response.json["error_description"] == description

    def test_an_issued_token_opens_a_strict_server(self) -> None:
        client = create_app(strict=True).test_client()
        token = client.post("/ims/token/v3", data=self.FORM).json["access_token"]
        assert client.get("/connections", headers=HEADERS).status_code == 401
        mine = {**HEADERS, "authorization": f"Bearer {token}"}
        assert client.get("/connections", headers=mine).status_code == 200


class TestAdmin:
    """Tests of `/_mock`."""

    def test_health(self, client: FlaskClient) -> None:
        assert client.get("/_mock/health").json["status"] == "ok"

    def test_reset_forgets_everything(self, client: FlaskClient) -> None:
        post(client)
        assert client.post("/_mock/reset").status_code == 200
        assert client.get("/connections?count=true", headers=HEADERS).json == {"count": 0}

    def test_state_goes_out_and_comes_back(self, client: FlaskClient) -> None:
        post(client)
        state = client.get("/_mock/state").json
        before = client.get("/connections", headers=HEADERS).json
        client.post("/_mock/reset")
        assert client.put("/_mock/state", json=state).status_code == 200
        assert client.get("/connections", headers=HEADERS).json == before

    def test_an_exported_state_holds_credentials_only_when_they_are_asked_for(self, client: FlaskClient) -> None:
        post(client)
        assert "c4n4ry-s3cret" not in client.get("/_mock/state").text
        assert "c4n4ry-s3cret" in client.get("/_mock/state?credentials=include").text

    def test_a_state_that_did_not_arrive_completely_is_refused(self, client: FlaskClient) -> None:
        """Some WSGI servers pass a body on that is shorter than its Content-Length."""
        post(client)
        empty = b'{"version": 1, "revision": 0, "records": []}'
        for body in (empty, empty + b" " * 2_000_000):
            sent = {"CONTENT_LENGTH": str(len(body) + 1), "wsgi.input": io.BytesIO(body)}
            answer = client.put("/_mock/state", content_type="application/json", environ_overrides=sent)
            assert answer.status_code == 400 and "shorter than its Content-Length" in answer.text
        assert client.get("/connections?count=true", headers=HEADERS).json == {"count": 1}

    def test_a_wrong_state_is_refused_and_nothing_changes(self, client: FlaskClient) -> None:
        post(client)
        assert client.put("/_mock/state", json={"records": 5}).status_code == 400
        assert client.get("/connections?count=true", headers=HEADERS).json == {"count": 1}

    def test_the_journal_can_be_read_and_cleared(self, client: FlaskClient) -> None:
        post(client)
        (entry,) = client.get("/_mock/journal").json["entries"]
        assert (entry["operation"], entry["status"]) == ("createConnection", 201)
        assert "c4n4ry" not in json.dumps(entry)
        assert client.delete("/_mock/journal").status_code == 204
        assert client.get("/_mock/journal").json["entries"] == []

    def test_the_clock_freezes_and_advances(self, client: FlaskClient) -> None:
        frozen = client.post("/_mock/clock", json={"freeze": 1_700_000_000_000}).json
        assert frozen == {"nowMs": 1_700_000_000_000, "frozen": True}
        moved = client.post("/_mock/clock", json={"advance": "15m"}).json
        assert moved["nowMs"] == 1_700_000_900_000
        connection_id = post(client).json["id"]
        item = client.get(f"/connections/{connection_id}", headers=HEADERS).json["items"][0]
        assert item["createdAt"] == 1_700_000_900_000
        assert client.post("/_mock/clock", json={"resume": True}).json["frozen"] is False

    @pytest.mark.parametrize(
        "body", [{}, {"advance": "soon"}, {"stop": True}, [], {"advance": 10**40}, {"advance": 0.5}]
    )
    def test_a_clock_cannot_be_set_to_nonsense(self, client: FlaskClient, body: Any) -> None:
        assert client.post("/_mock/clock", json=body).status_code == 400

    @pytest.mark.parametrize("body", [{"freeze": -1}, {"advance": -(10**14)}, {"freeze": 1, "advance": 9 * 10**14}])
    def test_a_clock_stays_between_1970_and_9999(self, client: FlaskClient, body: Any) -> None:
        """Records of other times are refused in a state, so none may be written."""
        refused = client.post("/_mock/clock", json=body)
        assert refused.status_code == 400 and "1970 to 9999" in refused.text
        assert 0 <= client.get("/_mock/clock").json["nowMs"] < 253_402_300_800_000

    def test_quirks_are_shown_and_switched(self, client: FlaskClient) -> None:
        rows = client.put("/_mock/quirks", json={"delete-status": "202"}).json["quirks"]
        assert next(row for row in rows if row["name"] == "delete-status")["value"] == "202"
        assert client.put("/_mock/quirks", json={"delete-status": "500"}).status_code == 400

    def test_another_origin_cannot_change_anything(self, client: FlaskClient) -> None:
        evil = {"Origin": "http://evil.example"}
        assert client.post("/_mock/reset", headers=evil).status_code == 403
        assert client.post("/_mock/reset", headers={"Origin": "http://localhost"}).status_code == 200

    def test_the_admin_token_is_demanded_where_there_is_one(self) -> None:
        client = create_app(admin_token="open-sesame").test_client()
        assert client.get("/_mock/state").status_code == 401
        assert client.get("/_mock/state", headers={"x-mock-admin-token": "wrong"}).status_code == 401
        assert client.get("/_mock/state", headers={"x-mock-admin-token": "open-sesame"}).status_code == 200
        assert client.get("/_mock/health").status_code == 200

    def test_admin_is_closed_where_strangers_can_reach_it_and_no_token_is_set(self) -> None:
        client = create_app(host="0.0.0.0").test_client()
        answer = client.get("/_mock/state")
        assert (answer.status_code, "MOCKSERVER_ADMIN_TOKEN" in answer.text) == (401, True)
        assert client.get("/_mock/health").status_code == 200
        assert client.get("/connections", headers=HEADERS).status_code == 200

    @pytest.mark.parametrize(("method", "path", "status"), [("GET", "/_mock/nope", 404), ("GET", "/_mock/reset", 405)])
    def test_admin_errors_are_json_too(self, client: FlaskClient, method: str, path: str, status: int) -> None:
        response = client.open(path, method=method)
        assert (response.status_code, response.json["status"]) == (status, status)

    @pytest.mark.parametrize("path", ["/_mock/calls", "/_mock/docs/nope.css", "/_mock/console/assets/nope.css"])
    def test_an_unknown_page_leads_to_the_console(self, client: FlaskClient, path: str) -> None:
        response = client.get(path)
        assert (response.status_code, "console is at /_mock/" in response.json["errorMessage"]) == (404, True)


@pytest.mark.parametrize("path", ["/openapi.yaml", "/openapi.json"])
def test_the_contract_is_served_as_written_and_composed_with_the_catalogue_on_request(
    client: FlaskClient, path: str
) -> None:
    written = documents.parse(documents.contract().read_bytes())
    assert documents.parse(client.get(path).data) == written
    composed = documents.parse(client.get(path, query_string={"composed": "true"}).data)
    assert composed["components"]["schemas"].keys() > written["components"]["schemas"].keys()
    assert composed["paths"] == written["paths"]
