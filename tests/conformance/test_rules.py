"""Tests of similar rules, and of the table of rules, its baseline, pages and commands."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import yaml
from click.testing import CliRunner

from contracts.clients.bodies import flow, source, target
from mockserver.cli import main
from mockserver.conformance import RULES, Baseline, BaselineError
from mockserver.conformance.families import auth, connection_strings, updates
from mockserver.specs.connectors import CATALOGUE, Connectors
from tests.conformance.client import Client


def test_there_are_rules_enough_and_each_says_what_it_must() -> None:
    assert len(RULES) >= 35
    for row in RULES.values():
        texts = (row.title, row.source, row.hint, row.explanation)
        assert all(len(text) > 10 for text in texts), row.id
        assert row.explanation.endswith("."), row.id


def test_what_rules_know_of_postgresql_is_what_its_connector_file_says() -> None:
    raw = yaml.safe_load((CATALOGUE / "postgresql.yaml").read_text(encoding="utf-8"))
    by_string, basic = (spec["params"] for spec in raw["authSpecs"])
    keys = by_string["connectionString"]["keys"]
    names = {name.lower() for key in keys for name in (key, *keys[key].get("synonyms", ()))}
    misspelt_by_the_page = {"validationservercertificate"}
    assert names - misspelt_by_the_page == connection_strings.KNOWN_KEYS
    assert list(auth.SPELLINGS) == basic["sslMode"]["enum"]
    hyphens = {mode.replace(" ", "-") for mode in auth.SPELLINGS}
    assert set(auth.OF_THE_OVERVIEW) == ({*hyphens, *basic["sslMode"]["accepted"]} - set(auth.SPELLINGS))
    assert list(auth.ON_AWS) == basic["sslMode"]["platformValues"]["aws"]
    assert raw["id"] == auth.POSTGRESQL


def test_the_params_that_cannot_be_lost_are_those_that_the_service_adds_itself() -> None:
    specs = [spec for connector in Connectors.load().all() for spec in connector.auth_specs.values()]
    assert {name for spec in specs for name in spec.shows} == updates.ADDED_PARAMS


@pytest.mark.parametrize(
    ("sent", "replaced", "lost"),
    [
        ({"dataType": "xdm"}, {"dataType": "raw"}, ""),
        ({"dataType": "xdm", "sourceId": "shop"}, {"dataType": "raw"}, "sourceId"),
        ({"dataType": "xdm", "authenticationRequired": True}, {"dataType": "xdm"}, "authenticationRequired"),
    ],
    ids=["what-the-service-adds", "what-the-client-sent", "a-switch"],
)
def test_only_what_a_client_sent_can_be_lost(sent: dict[str, Any], replaced: dict[str, Any], lost: str) -> None:
    client = Client()
    spec = {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "version": "1.0"}  # HTTP API
    auth = {"specName": "Streaming Connection", "params": sent}
    made: Any = client.send("POST", "/connections", {"name": "events", "connectionSpec": spec, "auth": auth}).body
    patched(client, "connections", made["id"], "/auth/params", replaced)
    details = [finding.detail for finding in client.judged().findings if finding.rule == "update.params-lost"]
    assert details == ([f"PATCH /connections/{{id}} replaced /auth/params without {lost}"] if lost else [])


def next_token(client: Client) -> str:
    """The continuation token of a list of two pages."""
    for name in ("one", "two"):
        client.create(name)
    body: Any = client.send("GET", "/connections?limit=1").body
    return str(parse_qs(urlsplit(body["_links"]["next"]["href"]).query)["continuationToken"][0])


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda token: token[:-1], "paging.token-altered"),
        (lambda token: token[3:], "paging.token-altered"),
        (lambda token: "2", "paging.token-invented"),
        (lambda token: "next-page", "paging.token-invented"),
    ],
    ids=["cut", "cut-in-front", "a-number", "made-up"],
)
def test_a_token_is_altered_or_invented(change: Callable[[str], str], rule: str) -> None:
    client = Client()
    sent = quote(change(next_token(client)), safe="")
    client.send("GET", f"/connections?limit=1&continuationToken={sent}")
    assert rule in heard(client)


def test_a_page_of_the_size_that_the_body_asked_for_may_be_the_only_one() -> None:
    client = Client()
    next_token(client)
    client.send("POST", "/connections/search", {"queryString": "property=name==one,two", "limit": 1})
    assert "paging.first-page-only" not in heard(client)


def test_what_is_no_text_holds_no_secret() -> None:
    client = Client()
    made = client.create()
    client.patch(made["id"], made["etag"], {"op": "replace", "path": "/name", "value": 7})
    assert "hygiene.secret-in-name" not in heard(client)


@pytest.mark.parametrize(
    ("sent", "rule", "form"),
    [
        ("*", "etag.malformed", "a star"),
        ('W/"5-1"', "etag.malformed", "a weak etag"),
        ('"5-1", "5-2"', "etag.malformed", "a list of etags"),
        ('W/"5-1",W/"5-2"', "etag.malformed", "a list of etags"),
        (r"\"5-1\"", "etag.malformed", "the backslashes of JSON"),
        ('""5-1""', "etag.malformed", "more than one etag"),
        ("5-1", "etag.unquoted", "without its double quotes"),
        ("'5-1'", "etag.unquoted", "without its double quotes"),
    ],
)
def test_an_etag_of_a_wrong_form_is_called_what_it_is(sent: str, rule: str, form: str) -> None:
    client = Client()
    client.patch(client.create()["id"], sent)
    [finding] = [one for one in client.judged().findings if one.rule.startswith("etag.")]
    assert (finding.rule, form in finding.detail) == (rule, True), finding.detail


def heard(client: Client) -> set[str]:
    return {finding.rule for finding in client.judged().findings}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "expected 'accepted:' and a list"),
        ("accepted: {}", "expected 'accepted:' and a list"),
        ("accepted: [", "is not YAML, see line"),
        ("accepted: [7]", "entry 1: expected rule, operation and reason, nothing else"),
        ("accepted: [{rule: etag.missing, reason: known, why: x}]", "nothing else"),
        ("accepted: [{rule: no.such, reason: known}]", "unknown rule"),
        ("accepted: [{rule: etag.missing, reason: ' '}]", "say in 'reason'"),
        ("accepted: [{rule: etag.missing, reason: known, operation: 7}]", "'operation' is an operation id"),
    ],
)
def test_a_baseline_that_cannot_be_used_says_where_and_why(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "known.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError, match=says):
        Baseline.read(tmp_path / "known.yaml")


def test_rules_are_listed_and_explained_on_the_command_line() -> None:
    run = CliRunner().invoke
    listed = run(main, ["rules"]).output.splitlines()
    assert len(listed) == len(RULES)
    assert [row["id"] for row in json.loads(run(main, ["rules", "--json"]).output)] == list(RULES)
    explained = run(main, ["rules", "etag.unquoted"]).output
    assert RULES["etag.unquoted"].hint in explained and RULES["etag.unquoted"].source in explained
    assert "etag.missing" in run(main, ["rules", "etag"]).output
    assert run(main, ["rules", "no.such"]).exit_code == 2


def three_pages(client: Client) -> str:
    """The token of the second of three pages."""
    for number in range(3):
        client.create(f"page {number}")
    return next_token_of(client)


def next_token_of(client: Client, query: str = "") -> str:
    body: Any = client.send("GET", f"/connections?limit=1{query}").body
    return str(parse_qs(urlsplit(body["_links"]["next"]["href"]).query)["continuationToken"][0])


ELSEWHERE = [
    "continuationtoken",
    "continuation_token",
    "pageToken",
    "next",
    "start",
    "page",
    "nextPageToken",
    "token",
    "Token",
]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_page_asked_for_by_another_name_is_told_by_its_parameter_and_by_its_page(name: str) -> None:
    client = Client()
    token = three_pages(client)
    for _ in range(3):
        token = next_token_of(client, f"&{name}={token}")
    found = [one for one in client.judged().findings if one.level in ("FAIL", "WARN") and one.calls[-1] == 7]
    assert {one.rule for one in found} >= {"query.unknown-parameter", "paging.page-repeated"}, found
    assert all(name in one.detail for one in found)


@pytest.mark.parametrize("name", ["continuationToken", "x_continuation_token", "X_MS_Continuation", "x_next_page"])
def test_a_page_asked_for_by_a_header_is_told_by_its_page(name: str) -> None:
    client = Client()
    token = three_pages(client)
    client.send("GET", "/connections?limit=1", **{name: token})
    [found] = [one for one in client.judged().findings if one.rule == "paging.page-repeated"]
    assert name.lower().replace("_", "-") in found.detail.lower()


@pytest.mark.parametrize("query", ["", "&state=enabled", "&property=name!=x"])
def test_who_asks_for_the_first_page_again_does_not_repeat_a_page(query: str) -> None:
    client = Client()
    three_pages(client)
    for _ in range(2):
        next_token_of(client, query)
    assert "paging.page-repeated" not in heard(client) or query == "&state=enabled"


def test_a_record_that_lacks_calls_in_its_midst_proves_nothing_new() -> None:
    client = Client(journal_entries=6)
    client.send("GET", "/flows", x_api_key="somebody-else")
    made = client.create()
    for number in range(60):  # evict this client's first request, not the first of all
        client.send("GET", f"/runs?limit={number + 1}")
    entries = client.emulator.journal.entries()
    assert (entries[0].number, entries[1].number > 2) == (1, True)
    client.patch(made["id"], made["etag"])
    assert not {"etag.unread", "etag.invented"} & heard(client)


FILTERED_TIMES = {
    "createdAt>1767225600": True,  # seconds
    "updatedAt<=1767225600": True,
    "createdAt>1767225600000000": True,  # microseconds
    "createdAt>2026-01-01T00:00:00Z": True,
    'updatedAt>="2026-01-01"': True,
    "createdAt >= 1767225600": True,
    "updatedAt< 1767225600": True,
    'updatedAt == "1767225600"': True,
    "createdAt > 1767225600000": False,
    "createdAt>1767225600000": False,
    "createdAt>0": False,
    "name==1767225600": False,
}


@pytest.mark.parametrize("text", FILTERED_TIMES)
@pytest.mark.parametrize("search", [False, True], ids=["list", "search"])
def test_a_filter_by_time_is_in_milliseconds(text: str, search: bool) -> None:
    client = Client()
    if search:
        client.send("POST", "/connections/search", {"queryString": f"property={quote(text)}"})
    else:
        client.send("GET", f"/connections?property={quote(text)}")
    if client.emulator.journal.entries()[0].status == 200:
        assert ("filter.time-unit" in heard(client)) is FILTERED_TIMES[text]
    else:
        assert heard(client)


def a_flow(client: Client) -> dict[str, str]:
    """The ids of an enabled flow and its connections."""
    base = client.create()["id"]
    ids: dict[str, Any] = {}
    for kind, body in (("sourceConnections", source(base)), ("targetConnections", target())):
        made: Any = client.send("POST", f"/{kind}", body).body
        ids[kind] = made["id"]
    made = client.send("POST", "/flows", flow(ids["sourceConnections"], ids["targetConnections"], 4_000_000_000)).body
    return {**ids, "flows": made["id"]}


def patched(client: Client, kind: str, entity: str, path: str, value: object) -> None:
    shown: Any = client.send("GET", f"/{kind}/{entity}").body
    change = [{"op": "replace", "path": path, "value": value}]
    answer = client.send("PATCH", f"/{kind}/{entity}", change, if_match=shown["items"][0]["etag"])
    assert answer.status == 200, answer.body


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("sourceConnections", "/params/tableName", "public.orders"),
        ("sourceConnections", "/params", {"tableName": "public.orders"}),
        ("targetConnections", "/params/dataSetId", "5f3c3cedb2805c194ff0b69b"),
    ],
)
@pytest.mark.parametrize("state", ["enabled", "disabled", "enabled again", "deleted"])
def test_an_end_changed_under_an_active_flow_is_worth_knowing(kind: str, path: str, value: object, state: str) -> None:
    client = Client()
    ids = a_flow(client)
    for op in {"disabled": ["disable"], "enabled again": ["disable", "enable"]}.get(state, []):
        client.send("POST", f"/flows/{ids['flows']}/action?op={op}")
    if state == "deleted":
        client.send("DELETE", f"/flows/{ids['flows']}")
    patched(client, kind, ids[kind], path, value)
    assert ("update.under-active-flow" in heard(client)) is state.startswith("enabled")


def test_a_new_name_changes_nothing_under_a_flow() -> None:
    client = Client()
    ids = a_flow(client)
    patched(client, "sourceConnections", ids["sourceConnections"], "/name", "renamed")
    assert "update.under-active-flow" not in heard(client)
