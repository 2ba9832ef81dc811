"""Tests that a finding says what was wrong in this request, and that look-alikes have none."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from contracts.clients.bodies import by_string, connection, flow, source, streaming, target
from mockserver.conformance import Level
from tests.conformance.client import Client

NAME = {"op": "replace", "path": "/name", "value": "renamed"}


def details(client: Client, rule: str) -> list[str]:
    return [finding.detail for finding in client.judged().findings if finding.rule == rule]


def test_an_etag_is_of_another_entity_only_if_no_response_assigned_it_to_this_one() -> None:
    client = Client()
    first, second = client.create("one"), client.create("two")
    client.send("GET", "/connections")  # shows both etags
    client.patch(first["id"], second["etag"], NAME)
    assert details(client, "etag.other-entity") == ["PATCH /connections/{id} sent the etag of another entity"]
    outdated = Client()
    made = outdated.create("one")
    outdated.patch(made["id"], made["etag"], NAME)
    outdated.patch(made["id"], made["etag"], {**NAME, "value": "again"})
    assert not details(outdated, "etag.other-entity") and details(outdated, "etag.outdated-by-itself")


@pytest.mark.parametrize(
    ("change", "rule", "says"),
    [
        ([{**NAME, "op": "update"}], "update.operation", "sent an op other than add, replace and remove"),
        ([{"operation": "replace", "path": "/name", "value": "x"}], "update.operation", "sent a patch without op"),
        ({"name": "the whole entity"}, "update.operation", "sent a patch without op"),
        ([{**NAME, "path": "name"}], "update.not-applicable", "/0/path: expected a JSON Pointer such as /name"),
        ([{"op": "replace", "path": "/name"}], "update.not-applicable", "Member /0/value is missing"),
        ([{**NAME, "path": "/state", "value": "OFF"}], "call.refused", "Allowed states: enabled, disabled"),
    ],
)
def test_a_refused_patch_is_told_with_its_reason(change: Any, rule: str, says: str) -> None:
    client = Client()
    made = client.create()
    client.send("PATCH", f"/connections/{made['id']}", change, if_match=made["etag"])
    [detail] = details(client, rule)
    assert says in detail
    assert not details(client, "update.single-instruction")


def test_what_the_provider_refuses_is_told_with_its_message() -> None:
    client = Client()
    read: Any = client.send("POST", "/sourceConnections", source(client.create()["id"])).body
    write: Any = client.send("POST", "/targetConnections", target()).body
    client.send("POST", "/flows", flow(write["id"], read["id"], 4_000_000_000))  # swapped
    [detail] = details(client, "payload.not-carried-out")
    assert "/sourceConnectionIds/0: expected the ID of one of the sourceConnections" in detail


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name=='orders'", ["GET /connections filtered with quotes that are not double quotes"]),
        ("name==“orders”", ["GET /connections filtered with quotes that are not double quotes"]),
        ("name==ord*", ["GET /connections filtered with a wildcard"]),
        ('name=="%ders"', ["GET /connections filtered with a wildcard"]),
        ("name==ord%", ["GET /connections filtered with a wildcard"]),
        *(
            (f"name=={quote(value, safe='')}", ["GET /connections filtered with a value that was encoded twice"])
            for value in ("orders of May", "Größe", "a/b", "x=1", '"orders"', "C&A", "me@example.com", "[a]", "100%")
        ),
        ('name=="done at 100%"', []),
        ("name==growth of 5 %", []),
        *(
            (f"name==orders{joint}", ["GET /connections filtered with several conditions in one parameter"])
            for joint in (
                *(",state==enabled", ",property=state==enabled", " property=state==enabled", "&&state==enabled"),
                *(";state!=enabled", " and state==enabled", " OR name==b", ", auth.specName==b", "|version>=2"),
            )
        ),
        ("name==orders,customers and more", []),
        ('name=="a;b==c"', []),
        ("name==O'Brien", []),
        ("name==somebody else", []),
        ("name==5*6", []),
    ],
)
def test_quotes_wildcards_and_operators_that_count_as_text_are_told(text: str, says: list[str]) -> None:
    client = Client()
    client.send("GET", f"/connections?{urlencode({'property': text})}")
    assert details(client, "filter.taken-literally") == says


def test_a_second_condition_in_a_parameter_is_told_also_if_something_was_found() -> None:
    client = Client()
    client.create("orders")
    client.send("GET", "/connections?property=name==orders,state==disabled")
    assert details(client, "filter.taken-literally")


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("/connections", "connectionSpec.name==postgre-sql", "connectionSpec.name"),
        ("/flows", "transformations[].kind==Copy", "transformations[].kind"),
        ("/runs", "metrics.statusSummary.state==failed", "metrics.statusSummary.state"),
        ("/connections", "connectionSpec.id==x", ""),
        ("/connections", "auth.params.anything==x", ""),
        ("/flows", "transformations[].params.segmentSelectors.selectors[].value.id==x", ""),
        ("/flows", "inheritedAttributes.targetConnections[].connectionSpec.id==x", ""),
        ("/runs", "metrics.recordSummary.failedRecordCount>0", ""),
        ("/sourceConnections", "params.columns[].name==id", ""),
    ],
)
def test_a_filter_by_a_member_that_no_entity_has_is_told(path: str, text: str, told: str) -> None:
    client = Client()
    client.send("GET", f"{path}?{urlencode({'property': text})}")
    expected = [f"GET {path} filtered by {told}, which no entity has"] if told else []
    assert details(client, "filter.no-such-member") == expected


def test_a_filter_that_is_encoded_twice_is_called_that() -> None:
    client = Client()
    client.send("GET", f"/connections?property={quote(quote('name==orders of May'))}")
    [detail] = details(client, "filter.refused")
    assert detail.endswith("The filter is percent-encoded twice: encode it once.")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("orderby=colour", "The list cannot be sorted by 'colour'. Expected one of createdAt"),
        ("property=colour==red", "The filter names the field colour, which does not exist"),
        ("property=name~~red", "The filter operator ~~ is malformed"),
        ("property=createdAt>yesterday", "The value … is not valid for createdAt. Expected one integer"),
        ("continuationToken=tomorrow&limit=2", None),
    ],
)
def test_a_refusal_is_told_with_the_names_in_its_message(query: str, says: str | None) -> None:
    client = Client()
    client.send("GET", f"/connections?{query}")
    refused = [one for one in client.judged().findings if one.level is Level.FAIL]
    assert len(refused) == 1 and (says is None or says in refused[0].detail) and "{" not in refused[0].detail


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Server=db;Database=shop;UID=r;Password=a;b", "a string with a key without = at position"),
        ("postgresql://r:s3cret@db/shop", "a string with a key without = at position"),
        ("Server=db;Database=shop;UID=r;Password={open", "a value that opens with { and does not close"),
        ('Server=db;Database=shop;UID=r;Password="open', 'a value that opens with " and does not close'),
    ],
)
def test_a_malformed_connection_string_is_told_with_what_is_wrong(text: str, says: str) -> None:
    client = Client()
    client.send("POST", "/connections", by_string(text))
    [detail] = details(client, "connection-string.malformed")
    assert says in detail and "s3cret" not in detail


def test_a_connection_string_without_a_key_is_told_with_the_keys_that_it_needs() -> None:
    client = Client()
    client.send("POST", "/connections", by_string("Server=db;Database=shop;UID=r"))
    [detail] = details(client, "connection-string.key-missing")
    assert detail == "expected a connection string with Server, Database, UID, Password, got one without Password"


@pytest.mark.parametrize("collection", ["connections", "flows", "runs", "sourceConnections", "targetConnections"])
def test_a_link_that_was_joined_to_a_list_is_an_unknown_path(collection: str) -> None:
    client = Client()
    for name in ("one", "two"):
        client.create(name)
    page: Any = client.send("GET", "/connections?limit=1").body
    link = page["_links"]["next"]["href"]
    client.send("GET", f"/{collection}{link}")
    client.send("GET", f"/data/foundation/flowservice{link}")  # the base path again
    rest = {one.rule: one.detail for one in client.judged().findings if one.level is not Level.INFO}
    assert list(rest) == ["path.unknown"] and len(details(client, "path.unknown")) == 2
    assert f"GET /{collection}/connections is not a path of the service" in details(client, "path.unknown")


def test_a_long_message_is_cut_visibly() -> None:
    client = Client()
    client.send("GET", "/connections?property=colour==red")
    [detail] = details(client, "filter.refused")
    assert "Expected one of auth" in detail and detail.endswith("…")


def test_only_what_can_be_deleted_is_left_behind() -> None:
    client = Client(service_clients=("acme-client",))
    client.headers["x-api-key"] = "acme-client"
    spec = {"name": "own", "providerId": "0ed90a81-07f4-4586-8190-b40eccef1c5a"}
    assert {client.send("POST", f"/{kind}", spec).status for kind in ("connectionSpecs", "flowSpecs")} == {201}
    assert not details(client, "lifecycle.never-deleted")
    client.create()
    assert details(client, "lifecycle.never-deleted")


def test_an_action_is_named_as_it_was_sent() -> None:
    client = Client()
    read: Any = client.send("POST", "/sourceConnections", source(client.create()["id"])).body
    write: Any = client.send("POST", "/targetConnections", target()).body
    made: Any = client.send("POST", "/flows", flow(read["id"], write["id"], 4_000_000_000)).body
    client.send("POST", f"/flows/{made['id']}/action?op=enable")
    [detail] = details(client, "lifecycle.wrong-state")
    assert "The action enable is not possible in the current state enabled" in detail


@pytest.mark.parametrize(
    ("path", "events", "says"),
    [
        ("/collection/{}", {"header": {}}, "refused with 400: Message has unknown xdm format"),
        ("/collection/x", {"header": {}}, "refused with 404: There is no such inlet"),
        ("/collection/batch/{}", {"messages": [{"header": {}}]}, "were refused: 400: Message has unknown xdm format"),
    ],
    ids=["one event", "an unknown inlet", "several events"],
)
def test_a_refused_event_is_told_with_its_reason(path: str, events: Any, says: str) -> None:
    client = Client()
    made: Any = client.send("POST", "/connections", streaming()).body
    inlet = client.read(made["id"])["auth"]["params"]["inletId"]
    client.send("POST", path.format(inlet), events)
    [detail] = details(client, "payload.event")
    assert says in detail and inlet not in detail, detail


@pytest.mark.parametrize(
    ("method", "path", "rule"),
    [("PUT", "/connections/{}", "path.method"), ("GET", "/connections/{}/tests", "path.unknown")],
)
def test_a_wrong_path_with_several_ids_is_one_finding(method: str, path: str, rule: str) -> None:
    client = Client()
    for name in ("one", "two"):
        client.send(method, path.format(client.create(name)["id"]), {} if method == "PUT" else None)
    [detail] = details(client, rule)
    assert path.format("{id}") in detail


def test_a_mask_that_the_source_refuses_is_told_once() -> None:
    client = Client()
    params = {**connection()["auth"]["params"], "password": "********"}
    auth = {"specName": "Basic Authentication", "params": params}
    assert client.send("POST", "/connections", connection(auth=auth)).status == 400
    assert [one.rule for one in client.judged().findings] == ["hygiene.mask-sent-back"]


def test_an_empty_token_for_the_first_page_is_called_empty() -> None:
    client = Client()
    client.send("GET", "/connections?continuationToken=")
    assert details(client, "paging.token-invented") == ["GET /connections sent an empty continuationToken"]


ACTIONS = {
    "an unknown one": ("op=bogus", "parameter op: expected one of publish"),
    "none": ("", "parameter op: expected one of publish"),
    "one of providers": ("op=finalize", "got an action that only flow providers call"),
    "one of providers, in capitals": ("op=FINALIZE_UPDATE", "got an action that only flow providers call"),
    "an unknown sub action": ("op=publish&subOp=bogus", "parameter subOp: expected one of apply, rollback, progress"),
    "an unfit sub action": ("op=publish&subOp=progress", "parameter subOp"),
}


@pytest.mark.parametrize("case", ACTIONS)
def test_a_wrong_action_is_told_once(case: str) -> None:
    query, says = ACTIONS[case]
    client = Client()
    assert client.send("POST", f"/connections/{client.create()['id']}/action?{query}").status == 400
    [found] = [one for one in client.judged().findings if 2 in one.calls]
    assert found.rule == "query.value" and says in found.detail, found


@pytest.mark.parametrize("kind", ["sourceConnections", "targetConnections", "flows"])
def test_an_action_of_providers_is_told_once_at_every_resource(kind: str) -> None:
    client = Client()
    read: Any = client.send("POST", "/sourceConnections", source(client.create()["id"])).body
    write: Any = client.send("POST", "/targetConnections", target()).body
    made: Any = client.send("POST", "/flows", flow(read["id"], write["id"], 4_000_000_000)).body
    at = {"sourceConnections": read, "targetConnections": write, "flows": made}[kind]["id"]
    client.send("POST", f"/{kind}/{at}/action?op=finalize")
    assert [one.rule for one in client.judged().findings if 5 in one.calls] == ["query.value"]


@pytest.mark.parametrize(
    ("raw", "says"),
    [(b"{'name': 1}", "line 1, column 2"), (b'{"name": 1,}', "line 1, column"), (b"\xef\xbb\xbf{}", "byte order mark")],
)
def test_what_is_wrong_in_text_that_is_not_json_is_told(raw: bytes, says: str) -> None:
    client = Client()
    client.send("POST", "/connections", raw=raw)
    [detail] = details(client, "payload.not-json")
    assert says in detail and "‹" not in detail


@pytest.mark.parametrize("text", ["name=='orders'", "name==ord*"])
@pytest.mark.parametrize("count", [{}, {"count": "true"}], ids=["list", "count"])
def test_a_name_with_quotes_or_a_star_may_be_searched(text: str, count: dict[str, str]) -> None:
    client = Client()
    client.create(text.partition("==")[2])
    client.send("GET", f"/connections?{urlencode({'property': text, **count})}")
    assert not details(client, "filter.taken-literally")


def test_a_token_that_was_sent_without_its_scheme_was_not_refused() -> None:
    client = Client()
    client.send("GET", "/connections", authorization="the-token")
    client.send("GET", "/connections", authorization="Bearer the-token")
    assert details(client, "header.token-scheme") and not details(client, "token.refused-reused")


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ("the-token", "another scheme than Bearer, or none"),
        ("Basic dXNlcjpwYXNz", "another scheme than Bearer, or none"),
        ("Bearerthe-token", "another scheme than Bearer, or none"),
        ("Bearer Bearer the-token", "the word Bearer twice"),
        ("bearer BEARER the-token", "the word Bearer twice"),
        ("Bearer: the-token", "a colon after Bearer"),
        ('Bearer {"access_token": "the-token"}', "a JSON document instead of a token"),
        ("Bearer {'access_token': 'the-token'}", "a JSON document instead of a token"),
        ('Bearer "the-token"', "quotes around the token"),
        ("Bearer the-token'", "quotes around the token"),
        ("Bearer the-token, Bearer the-token", "several values joined by a comma"),
        ("Bearer the token", "a tab, or white space inside the token"),
        ("Bearer\tthe-token", "a tab, or white space inside the token"),
        ("Bearer the€token", "a character that no token contains"),
    ],
)
def test_what_is_wrong_with_a_refused_authorization_header_is_told(sent: str, says: str) -> None:
    client = Client()
    assert client.send("GET", "/connections", authorization=sent).status == 401
    assert details(client, "header.token-scheme") == [f"GET /connections sent Authorization with {says}"]
    assert not details(client, "call.refused")


@pytest.mark.parametrize("sent", ["bearer token", "Bearer  token", " Bearer token==", "Bearer {ACCESS_TOKEN}"])
def test_a_well_formed_authorization_header_is_not_judged(sent: str) -> None:
    client = Client()
    assert client.send("GET", "/connections", authorization=sent).status == 200
    assert not details(client, "header.token-scheme")


@pytest.mark.parametrize("body", [{**connection(), "auth": "{}"}, "{}"])
def test_a_string_in_place_of_an_object_is_explained(body: Any) -> None:
    client = Client()
    client.send("POST", "/connections", body)
    [finding] = [finding for finding in client.judged().findings if finding.rule == "payload.value"]
    assert "expected an object" in finding.detail and "encoded twice" in finding.hint
    assert "/connections /:" not in finding.detail
