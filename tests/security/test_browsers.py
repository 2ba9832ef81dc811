"""Tests of web pages in a local browser as attackers: Host, Origin, and the headers of every response."""

from __future__ import annotations

import base64

import pytest
from flask.testing import FlaskClient

from mockserver import Config, Emulator, create_app
from tests.calls import HEADERS
from tests.rows import each

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
OURS = (
    "/_mock/", "/_mock/health", "/_mock/report", "/_mock/report?format=html", "/_mock/report?format=markdown",
    "/_mock/report?format=junit", "/_mock/journal", "/_mock/state", "/_mock/clock", "/_mock/quirks", "/_mock/faults",
    "/_mock/scenarios", "/_mock/connectors", "/_mock/docs", "/_mock/docs/start.js", "/_mock/nowhere",
    "/_mock/<script>", "/_mock/reset", "/_mock//x", "/_mockery",
)  # fmt: skip
THEIRS = ("/", "/nowhere", "/connections", "/connections/x", "/openapi.yaml", "/openapi.json", "/ims/token/v3",
          "/favicon.ico", "/<svg onload=alert(1)>", "/connections?x=<script>")  # fmt: skip
CHANGING = ("POST", "PUT", "DELETE", "PATCH")
EVERY_PAGE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'")


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_app(Config(seed=1)).test_client()


@each("path", OURS)
@each("method", ["GET", "POST", "DELETE", "OPTIONS", "BREW"])
def test_everything_of_ours_tells_browsers_to_keep_it_to_themselves(
    client: FlaskClient, path: str, method: str
) -> None:
    for asking in ({}, BROWSER, {**BROWSER, "Origin": "http://evil.example"}):
        answer = client.open(path, method=method, headers=asking)
        headers = {name: answer.headers.get(name) for name in EVERY_PAGE}
        policy = answer.headers["Content-Security-Policy"]
        if path.startswith("/_mock/docs") and (method, answer.status_code) == (
            "GET",
            200,
        ):  # Swagger UI sets style attributes
            assert headers.pop("Cache-Control") == "no-cache"
            policy = policy.replace("style-src 'self' 'unsafe-inline'", "")
        assert headers.items() <= EVERY_PAGE.items()
        assert all(part in policy for part in POLICY) and "unsafe" not in policy and "http" not in policy


@each("path", THEIRS)
def test_no_answer_of_the_api_can_be_taken_for_a_page(client: FlaskClient, path: str) -> None:
    for method in ("GET", "POST", "BREW"):
        answer = client.open(path, method=method, headers={**HEADERS, **BROWSER})
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "html" not in answer.headers.get("Content-Type", "")


@pytest.mark.parametrize("path", ["/_mock/reset", "/_mock/clock", "/_mock/state", "/_mock/faults", "/_mock/quirks"])
@each(
    "origin",
    ["http://evil.example", "null", "http://localhost.evil.example", "http://localhost@evil.example", "http://[::1",
     "http://[", "://", "localhost", "file://", "http://localhost:81", "ftp://localhost", "http://localhost/",
     "http://127.0.0.1", "http://evil.example, http://localhost", "\x7f", "http://", "chrome-extension://localhost"],
)  # fmt: skip
def test_another_origin_changes_nothing(client: FlaskClient, path: str, origin: str) -> None:
    answers = [client.open(path, method=method, json={}, headers={"Origin": origin}) for method in CHANGING]
    assert {answer.status_code for answer in answers} <= {403, 405}
    assert 403 in [answer.status_code for answer in answers]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_browser_calls_the_request_of_another_site_changes_nothing(client: FlaskClient, site: str) -> None:
    """Old browsers leave out the `Origin` of a form."""
    form = {"grant_type": "client_credentials", "client_id": "c", "client_secret": "s"}
    for sent, status in ((site, 403), ("same-origin", 200), ("none", 200)):
        assert client.post("/_mock/reset", headers={"Sec-Fetch-Site": sent}).status_code == status
        assert client.post("/ims/token/v3", data=form, headers={"Sec-Fetch-Site": sent}).status_code == status
    assert client.get("/_mock/state", headers={"Sec-Fetch-Site": site}).status_code == 200


def test_the_own_origin_may_change_things(client: FlaskClient) -> None:
    for host in ("localhost", "127.0.0.1:8080", "[::1]:8080"):
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert client.post("/_mock/reset", headers=headers).status_code == 200
    assert client.post("/_mock/reset", headers={"Host": "LocalHost", "Origin": "https://localhost"}).status_code == 200


BEHIND_TLS = {
    "the same": ("mock.example", "https://mock.example", "https", True),
    "without a word of the proxy": ("mock.example", "https://mock.example", None, True),
    "the default port in Host": ("mock.example:443", "https://mock.example", "https", True),
    "the default port in Origin": ("mock.example", "https://mock.example:443", "https", True),
    "another port": ("mock.example:8443", "https://mock.example:8443", "https", True),
    "the port of http": ("mock.example:80", "https://mock.example", "https", False),
    "two ports": ("mock.example:8443", "https://mock.example", "https", False),
    "a page without TLS": ("mock.example", "http://mock.example", "https", False),
    "a page without TLS, in capitals": ("mock.example", "HTTP://mock.example", "HTTPS", False),
    "a page on the port of TLS": ("mock.example:443", "http://mock.example:443", "https", False),
    "no TLS at all": ("mock.example", "http://mock.example:80", "http", True),
    "another host": ("mock.example", "https://evil.example", "https", False),
    "a host below": ("mock.example", "https://a.mock.example", "https", False),
}


@each("case", BEHIND_TLS)
def test_behind_a_proxy_that_ends_tls_the_origin_is_compared_with_scheme_and_port(case: str) -> None:
    """A page fetched without TLS can be written by anybody on the way: it could change a server behind TLS."""
    host, origin, told, own = BEHIND_TLS[case]
    client = create_app(Emulator(Config(allow_host=("mock.example",)))).test_client()
    headers = {"Host": host, "Origin": origin, **({"X-Forwarded-Proto": told} if told else {})}
    headers |= {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example;proto=https"}
    assert client.post("/_mock/reset", headers=headers).status_code == (200 if own else 403)


def test_with_tls_of_its_own_a_page_without_it_changes_nothing(client: FlaskClient) -> None:
    for origin, status in (("https://localhost", 200), ("http://localhost", 403)):
        answer = client.post("/_mock/reset", base_url="https://localhost", headers={"Origin": origin})
        assert answer.status_code == status


@each(
    "host",
    ["localhost:<script>", 'localhost:"', "localhost:80:80", "localhost::", "evil.example:",
     "localhost:evil.example:", "[::1]evil.example", "[::1", "::1",
     "localhost@evil.example", "evil.example@localhost", "localhost, evil.example", "localhost..", ".localhost",
     "localhost evil", "localhost\t", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "[::ffff:127.0.0.1]",
     "platform.adobe.io.evil.example", "evil-platform.adobe.io", "platform.adobe.ioo", "platform_adobe_io",
     "localhost:123456", "lоcalhost", "%6cocalhost"],
)  # fmt: skip
def test_a_host_that_is_not_quite_ours_is_not_ours(client: FlaskClient, host: str) -> None:
    for path in ("/connections", "/_mock/state", "/_mock/", "/ims/token/v3", "/openapi.json", "/nowhere"):
        answer = client.get(path, headers={**HEADERS, "Host": host.encode().decode("latin-1")})
        assert (answer.status_code, answer.headers["Content-Type"]) == (421, "application/json")


@pytest.mark.parametrize(
    "host", ["platform.adobe.io", "platform.adobe.io:443", "platform.adobe.io:", "PLATFORM.adobe.io.:"]
)
def test_a_spelling_of_adobes_host_shows_no_other_pages_than_the_host(client: FlaskClient, host: str) -> None:
    """With an empty port, which a Host may have, it counted as a host of ours."""
    for path in ("/ims/token/v3", "/openapi.yaml"):
        assert client.get(path, headers={**HEADERS, "Host": host}).status_code == 404, path
    assert client.get("/openapi.yaml", headers={"Host": "localhost:"}).status_code == 200


def test_no_answer_lets_other_sites_read_it(client: FlaskClient) -> None:
    asking = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    for path in (*OURS, *THEIRS):
        for method in ("GET", "POST", "OPTIONS"):
            answer = client.open(path, method=method, headers={**HEADERS, **asking})
            assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_page_can_send_without_asking_is_not_taken(client: FlaskClient, kind: str) -> None:
    """Such a POST is a simple request of CORS, without a preflight."""
    for method, path in (("POST", "/_mock/clock"), ("PUT", "/_mock/state"), ("POST", "/_mock/faults")):
        answer = client.open(path, method=method, data='{"advance": "1h"}', content_type=kind)
        assert answer.status_code == 415


def basic(user: str, password: str) -> dict[str, str]:
    """The header by which a browser signs in."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class TestAdmin:
    """S3: strangers need the token, on every route."""

    @staticmethod
    def doors(emulator: Emulator) -> list[tuple[str, str]]:
        app = create_app(emulator)
        rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/_mock")]
        pairs = [(method, rule.rule.replace("<int:number>", "1")) for rule in rules for method in rule.methods or ()]
        return [(method, path) for method, path in pairs if path.rstrip("/") != "/_mock/health"]

    def test_every_admin_route_is_locked(self, emulator: Emulator) -> None:
        doors = self.doors(emulator)
        assert len(doors) > 20
        for config in (Config(admin_token="open-sesame"), Config(host="0.0.0.0"), Config(host="192.0.2.1")):
            client = create_app(config).test_client()
            for sent in (None, "", "wrong", "open-sesame ", "Open-sesame", "open-sesame\xe9", "open"):
                headers = {} if sent is None else {"x-mock-admin-token": sent}
                for method, path in doors:
                    if method != "OPTIONS":
                        assert client.open(path, method=method, headers=headers).status_code == 401, (method, path)

    def test_a_token_in_the_query_or_a_cookie_opens_nothing(self) -> None:
        client = create_app(admin_token="open-sesame").test_client()
        client.set_cookie("x-mock-admin-token", "open-sesame")
        for query in ("?x-mock-admin-token=open-sesame", "?token=open-sesame", "?admin_token=open-sesame"):
            assert client.get(f"/_mock/state{query}").status_code == 401
        assert client.get("/_mock/state", headers={"x-mock-admin-token": "open-sesame"}).status_code == 200

    @pytest.mark.parametrize("user", ["", "admin", "\u00fcser"])
    def test_a_browser_is_asked_for_the_token_and_signs_in_with_it(self, user: str) -> None:
        client = create_app(admin_token="open-s\u00e9same").test_client()
        for path in ("/_mock/", "/_mock/console/settings", "/_mock/report"):
            challenged = client.get(path, headers=BROWSER)
            assert challenged.status_code == 401
            assert challenged.headers["WWW-Authenticate"] == 'Basic realm="Mock Flow Service", charset="UTF-8"'
            assert client.get(path, headers={**BROWSER, **basic(user, "open-s\u00e9same")}).status_code == 200
        assert "WWW-Authenticate" not in client.get("/_mock/state").headers

    @pytest.mark.parametrize(
        "sent",
        ["Basic", "Basic !", "Basic " + "A" * 4000, "Basic b3Blbi1zZXNhbWU=", "Basic /////w==", "Bearer open-sesame",
         "Digest username=x, password=open-sesame", "open-sesame"],
    )  # fmt: skip
    def test_no_other_authorization_opens_anything(self, sent: str) -> None:
        client = create_app(admin_token="open-sesame").test_client()
        assert client.get("/_mock/state", headers={"Authorization": sent}).status_code == 401

    def test_a_change_by_a_browser_names_the_page_that_asks_for_it(self) -> None:
        """A browser adds the password to requests that pages of other sites make, too."""
        client = create_app(admin_token="open-sesame").test_client()
        signed_in = basic("admin", "open-sesame")
        for origin in ({}, {"Origin": "null"}, {"Origin": "http://evil.example"}, {"Origin": "http://localhost:81"}):
            assert client.post("/_mock/reset", headers={**signed_in, **origin}).status_code == 403
        assert client.post("/_mock/reset", headers={**signed_in, "Origin": "http://localhost"}).status_code == 200
        assert client.post("/_mock/reset", headers={"x-mock-admin-token": "open-sesame"}).status_code == 200

    @pytest.mark.parametrize("path", ["/_mock/../_mock/state", "//_mock/state", "/_MOCK/state", "/%5fmock/state/",
                                      "/_mock//state", "/_mock/./state", "/_mock/state;x",
                                      "/_mock%2fstate"])  # fmt: skip
    def test_no_spelling_of_a_path_goes_round_the_lock(self, path: str) -> None:
        client = create_app(admin_token="open-sesame").test_client()
        answer = client.get(path, headers=HEADERS)
        assert answer.status_code in (401, 404, 421) and "records" not in answer.text
