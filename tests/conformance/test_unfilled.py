"""Tests that unfilled values are reported in every place, and Adobe's samples are accepted."""

from typing import Any

import pytest

from contracts.clients.bodies import NOBODY, by_string, connection, flow, source, with_params
from mockserver.conformance import Level, Report
from tests.conformance.client import Client
from tests.rows import each

NOTHING = ["undefined", "null", "None", "NaN", "[object Object]", "nil", "(null)", "(nil)", "nullptr", "NoneType"]
NO_CREDENTIALS = ["false", "True", "[]", "{}", '""', "''"]
VARIABLES = [
    "${TOKEN}",
    "${db.password}",
    "{{token}}",
    "{{ access token }}",
    "$ACCESS_TOKEN",
    "%TOKEN%",
    "<token>",
    "${{ secrets.T }}",
    *("$token", "$env:TOKEN", "$(TOKEN)", "{token}", "{self.token}", "{0}", "%s", "%(token)s", "%{token}"),
    *("<%= token %>", "#{ENV['TOKEN']}", "__TOKEN__", "@token@", "[token]", ":token"),
    *("process.env.TOKEN", "os.environ['TOKEN']"),
]
OBJECTS = [
    *("b'abc.def'", "<Response [200]>", "<__main__.Token object at 0x7f01>", "<bound method get of T>"),
    *("java.lang.String@1b6d3586", "System.String[]", "System.Threading.Tasks.Task`1[System.String]"),
    *("Promise { <pending> }", "#<Token:0x00>", "map[token:x]", 'Optional("abc")', "function () {}"),
    *("System.Object", "System.Net.Http.HttpResponseMessage", "Array", "HASH(0x55d0c8a3)"),
    *("Token(value=abc, expires=1)", "TokenResponse(access_token='abc')", "{abc.def bearer 3600}", "&{abc 86399}"),
    "@{access_token=abc; expires_in=86399}",
]
FILL_INS = [
    *("TODO", "fixme", "TBD", "placeholder", "REPLACE_ME", "replace-me", "fill this in", "edit_me"),
    *("YOUR_API_KEY", "your-token", "YOUR_ACCESS_TOKEN_HERE", "your_client_secret"),
    *("insert-your-token-here", "enter_your_org_id", "replace_with_your_key", "paste_access_token_here"),
    *("token_goes_here", "your_password", "YOUR-SANDBOX"),
]
HEADERS = ["authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name", "if-match", "x-request-id"]


def judged(client: Client) -> dict[str, str]:
    """Rules of failing levels, with the details of their findings."""
    return {one.rule: one.detail for one in client.judged().findings if one.level is not Level.INFO}


@pytest.mark.parametrize("scheme", ["Bearer ", ""])
@pytest.mark.parametrize("fetched", [True, False])
@each("value", [*NOTHING, *VARIABLES, *OBJECTS, *NO_CREDENTIALS])
def test_a_token_that_is_none_is_told_once(value: str, scheme: str, fetched: bool) -> None:
    client = Client()
    if fetched:
        client.token()
    client.send("GET", "/connections", authorization=scheme + value)
    found = judged(client)
    assert set(found) == {"header.unfilled"} and "authorization" in found["header.unfilled"], found
    assert value in found["header.unfilled"] or value in VARIABLES + OBJECTS


@pytest.mark.parametrize("header", ["x-api-key", "x-gw-ims-org-id", "x-sandbox-name"])
@each("value", [*VARIABLES, *OBJECTS, *NO_CREDENTIALS, *FILL_INS, "changeme"])
def test_a_key_or_name_that_cannot_be_one_is_told_once(header: str, value: str) -> None:
    client = Client()
    client.send("GET", "/connections", **{header.replace("-", "_"): value})
    found = judged(client)
    assert set(found) == {"header.unfilled"} and header in found["header.unfilled"], found


@pytest.mark.parametrize("value", [*FILL_INS, "CHANGE_ME"])
def test_a_token_to_be_filled_in_is_told_once(value: str) -> None:
    client = Client()
    client.send("GET", "/connections", authorization=f"Bearer {value}")
    assert set(judged(client)) == {"header.unfilled"}


@pytest.mark.parametrize("value", ["dummy", "xxx", "test", "fake-token", "mock-token", "example", "abc.def.ghi"])
def test_the_words_of_tests_are_credentials_like_any_other(value: str) -> None:
    client = Client()
    client.send("GET", "/connections", authorization=f"Bearer {value}", x_api_key=value)
    assert judged(client) == {}


ORDINARY = {"x-debug": "true", "x-trace": "[]", "user-agent": "app/1 (x86; [en])", "origin": "null",
            "sec-fetch-site": "none", "sec-ch-ua": '"None";v="8"'}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), ORDINARY.items())
def test_an_ordinary_header_is_not_taken_for_none(name: str, value: str) -> None:
    client = Client()
    client.send("GET", "/connections", **{name.replace("-", "_"): value})
    assert judged(client) == {}


@pytest.mark.parametrize("header", HEADERS[1:])
@each("value", ["undefined", "None", "[object Object]", "${X}", "{{x}}", '"undefined"', "prefix-${X}"])
def test_a_header_that_holds_no_value_is_told_once(header: str, value: str) -> None:
    client = Client()
    made = client.create()
    sent = {"if-match": made["etag"], header: value}
    client.send("PATCH", f"/connections/{made['id']}", [{"op": "replace", "path": "/name", "value": "x"}], **sent)
    found = judged(client)
    assert set(found) == {"header.unfilled"} and header in found["header.unfilled"], found


@pytest.mark.parametrize(
    "value", ["undefined", "null", "None", "[object Object]", "${ID}", "{{id}}", "{id}", "{CONNECTION_ID}"]
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_id_that_is_none_is_told_once(value: str, method: str) -> None:
    client = Client()
    client.send(method, f"/connections/{value}")
    assert set(judged(client)) == {"path.placeholder"}


@pytest.mark.parametrize("value", ["undefined", "[object Object]", "${X}", "{{x}}"])
@pytest.mark.parametrize("query", ["property=name=={}", "limit={}", "continuationToken={}", "orderby={}"])
def test_a_parameter_without_a_value_is_told(query: str, value: str) -> None:
    client = Client()
    client.send("GET", f"/connections?{query.format(value)}")
    assert "query.unfilled" in judged(client)
    assert set(judged(client)) <= {"query.unfilled", "orderby.refused", "filter.refused"}


@pytest.mark.parametrize(
    "value",
    [
        *("undefined", "null", "None", "${DB_PASSWORD}", "{{password}}", "$PASSWORD", "<password>", "$(PASSWORD)"),
        *FILL_INS,
        *("%(password)s", "#{password}", "process.env.PASSWORD", "b'hunter2'", "[object Object]", "(nil)"),
    ],
)
def test_a_password_that_is_none_is_told_and_not_shown_as_one(value: str) -> None:
    client = Client()
    client.send("POST", "/connections", with_params(password=value))
    found = judged(client)
    assert set(found) == {"payload.unfilled"} and "/auth/params/password" in found["payload.unfilled"]


@pytest.mark.parametrize(
    "password",
    [
        *("changeme", "secret", "password", "your mother", "your-mother-123", "todo list", "my placeholder", "xxx"),
        *("dummy", "put it there", "password1", "yourkey", "here"),
        *("none of your business", "hunter2", "{hunter2}", "pa$$word", "100%", "N0ne", "a<b>c"),
    ],
)
def test_an_ordinary_password_is_not_taken_for_none(password: str) -> None:
    client = Client()
    client.send("POST", "/connections", with_params(password=password))
    assert judged(client) == {}


@pytest.mark.parametrize(
    "name",
    [
        *("@{name=orders; id=5}", "System.Collections.Hashtable", "System.String[]", "b'orders'", "<Response [200]>"),
        "<__main__.Order object at 0x7f01>",
    ],
)
def test_a_printed_object_is_no_name(name: str) -> None:
    client = Client()
    client.create(name)
    assert judged(client) == {"payload.unfilled": "POST /connections sent a printed object in /name"}


@pytest.mark.parametrize(
    "name",
    [
        *(
            "None",
            "undefined behaviour",
            "null and void",
            "100 % {done}",
            "{orders}",
            "Orders(region=EU)",
            "b's orders",
        ),
        *("System of record", "@orders", "<orders>", "Array", "TODO", "your orders here", "placeholder"),
    ],
)
def test_an_ordinary_name_is_not_taken_for_none(name: str) -> None:
    client = Client()
    client.create(name)
    assert judged(client) == {}


PLACES: dict[str, tuple[str, Any]] = {
    "a port": ("/connections", lambda text: with_params(port=text)),
    "params": ("/connections", lambda text: connection(auth={"specName": "Basic Authentication", "params": text})),
    "the whole auth": ("/connections", lambda text: connection(auth=text)),
    "an auth spec": ("/connections", lambda text: connection(auth={"specName": text, "params": {}})),
    "a connection string": ("/connections", by_string),
    "a connection spec": ("/connections", lambda text: connection(connectionSpec={"id": text, "version": "1.0"})),
    "a base connection": ("/sourceConnections", source),
    "a flow of a run": ("/runs", lambda text: {"flowId": text}),
    "a source of a flow": ("/flows", lambda text: flow(text, NOBODY, 4_000_000_000)),
}


@pytest.mark.parametrize("place", PLACES)
@each("value", ["undefined", "[object Object]", "${VALUE}", "System.Collections.Hashtable"])
def test_a_value_of_a_body_that_is_none_is_told_once(place: str, value: str) -> None:
    path, body = PLACES[place]
    client = Client()
    assert client.send("POST", path, body(value)).status == 400
    assert list(judged(client)) == ["payload.unfilled"]


@pytest.mark.parametrize("value", ["None", "null", "nil"])
@pytest.mark.parametrize("place", ["a connection spec", "a base connection", "a flow of a run", "a source of a flow"])
def test_an_id_of_a_body_that_is_none_is_told_once(place: str, value: str) -> None:
    path, body = PLACES[place]
    client = Client()
    client.send("POST", path, body(value))
    assert list(judged(client)) == ["payload.unfilled"]


def test_a_connection_string_is_looked_into() -> None:
    client = Client()
    text = "Server=db;Database=shop;Port=5432;UID=reader;Password=${PASSWORD}"
    auth = {"specName": "Connection String Based Authentication", "params": {"connectionString": text}}
    client.send("POST", "/connections", connection(auth=auth))
    assert set(judged(client)) == {"payload.unfilled"}


@pytest.mark.parametrize(
    "value", ["undefined", "null", "None", "[object Object]", "${SECRET}", "{{secret}}", "$SECRET"]
)
@pytest.mark.parametrize("name", ["client_id", "client_secret"])
@pytest.mark.parametrize("in_query", [False, True])
def test_a_credential_of_a_token_request_that_is_none_is_told(name: str, value: str, in_query: bool) -> None:
    client = Client()
    client.token(in_query=in_query, **{name: value})
    found = judged(client)
    assert set(found) == {"payload.unfilled"} and f"/{name}" in found["payload.unfilled"], found


@pytest.mark.parametrize("value", ["null", "None", "undefined", "${ORG}", "{org}", "{ORG}", "{IMS_ORG}"])
def test_an_organisation_that_is_none_is_told_once_with_its_ending(value: str) -> None:
    client = Client()
    client.send("GET", "/connections", x_gw_ims_org_id=f"{value}@AdobeOrg")
    found = judged(client)
    assert set(found) == {"header.unfilled"} and "x-gw-ims-org-id" in found["header.unfilled"], found


def test_a_refused_token_request_is_told_with_its_cause() -> None:
    client = Client()
    client.web.post("/ims/token/v3", json={"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"})
    [said] = judged(client).values()
    assert said.endswith("invalid_request: grant_type is missing; its body was sent as application/json")


FETCHES: dict[str, Any] = {
    "the token it was given": "Bearer mock-token",
    "another member": "Bearer bearer",
    "a shortened one": None,
}


@pytest.mark.parametrize("sent", FETCHES)
def test_another_token_than_the_one_fetched_is_told(sent: str) -> None:
    client = Client()
    client.send("GET", "/connections")
    token = client.token()
    client.send("GET", "/connections", authorization=FETCHES[sent] or f"Bearer {token[:-1]}")
    assert "token.not-issued" in judged(client) and len(judged(client)) == 1


def test_the_whole_response_in_place_of_its_token_is_told_once() -> None:
    client = Client()
    client.token()
    client.send("GET", "/connections", authorization='Bearer {"access_token":"x"}')
    assert list(judged(client)) == ["header.token-scheme"]


def test_tokens_that_were_issued_are_good_and_so_is_another_client() -> None:
    client = Client()
    client.send("GET", "/connections")  # before any token is fetched
    first = client.token()
    lists = ("/connections", "/flows", "/runs")
    for path in lists:
        client.send("GET", path, x_api_key="acme")
    client.token()
    for path in lists:
        client.send("GET", path, x_api_key="acme")
    client.send("GET", "/connections", x_api_key="acme", authorization=f"Bearer {first}")
    client.send("GET", "/connections", x_api_key="someone", authorization="Bearer of-their-own")
    assert judged(client) == {}


SAMPLE = {
    "authorization": "Bearer {ACCESS_TOKEN}",
    "x_api_key": "{API_KEY}",
    "x_gw_ims_org_id": "{ORG_ID}",
    "x_sandbox_name": "{SANDBOX_NAME}",
}


def told(client: Client) -> Report:
    return client.judged()


def test_a_sample_sent_as_it_stands_is_welcome() -> None:
    client = Client()
    text = "Server={SERVER};Database={DATABASE};Port={PORT};UID={USERNAME};Password={PASSWORD}"
    auth = {"specName": "Connection String Based Authentication", "params": {"connectionString": text}}
    assert client.send("POST", "/connections", connection(auth=auth), **SAMPLE).status == 201
    assert judged(client) == {} and not told(client).fails()
    assert "header.sample" in {one.rule for one in told(client).findings}


@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_that_lacks_a_header_has_no_placeholder_left(name: str) -> None:
    client = Client()
    client.send("GET", "/flowSpecs", **{**SAMPLE, name: None})
    assert "header.placeholder" not in judged(client)


@pytest.mark.parametrize("name", SAMPLE)
def test_one_placeholder_left_is_told(name: str) -> None:
    client = Client()
    client.send("GET", "/connections", **{name: SAMPLE[name]})
    assert set(judged(client)) == {"header.placeholder"}
