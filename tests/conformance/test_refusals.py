"""Tests that every refusal not caused by a fault is one finding, except those that correct clients meet too."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.clients.bodies import NOBODY, connection, flow, source, target
from mockserver.conformance import RULES, Level
from mockserver.conformance.families.calls import EXPLAINED_BY
from mockserver.conformance.traffic import ANSWERED
from mockserver.faults import FAULTS
from tests.conformance.client import Client

Script = Callable[[Client], Any]


BASIC = "Basic Authentication"


def refused_auth(client: Client, auth: Any) -> None:
    """Create a connection with this `auth`."""
    client.send("POST", "/connections", {**connection("x"), "auth": auth})


def ends(client: Client) -> tuple[str, str]:
    """Create a source and a target connection; returns their ids."""
    base = client.create()["id"]
    made: list[Any] = [
        client.send("POST", "/sourceConnections", source(base)).body,
        client.send("POST", "/targetConnections", target()).body,
    ]
    return made[0]["id"], made[1]["id"]


def a_flow(client: Client, **changes: Any) -> Any:
    """The response to a new flow."""
    return client.send("POST", "/flows", {**flow(*ends(client), 4_000_000_000), **changes}).body


def disabled_flow(client: Client) -> str:
    made = str(a_flow(client)["id"])
    client.send("POST", f"/flows/{made}/action?op=disable")
    return made


REFUSED: dict[str, tuple[str, dict[str, Any], Script]] = {
    "a state in a new flow": ("1410-400", {}, lambda client: a_flow(client, state="enabled")),
    "a run of a disabled flow": (
        "1444-400",
        {},
        lambda client: client.send("POST", "/runs", {"flowId": disabled_flow(client)}),
    ),
    "a run without flowId": ("1446-400", {}, lambda client: client.send("POST", "/runs", {})),
    "an auth spec without its name": ("1100-400", {}, lambda client: refused_auth(client, {"params": {}})),
    "auth without params": ("1100-400", {}, lambda client: refused_auth(client, {"specName": BASIC})),
    "auth whose params are a list": (
        "1100-400",
        {},
        lambda client: refused_auth(client, {"specName": BASIC, "params": []}),
    ),
    "an exploration of nothing": (
        "1100-400",
        {},
        lambda client: client.send("GET", f"/connections/{client.create()['id']}/explore"),
    ),
    "an exploration of an unknown kind": (
        "1100-400",
        {},
        lambda client: client.send("GET", f"/connections/{client.create()['id']}/explore?objectType=views"),
    ),
    "a run of an unknown flow": ("1430-400", {}, lambda client: client.send("POST", "/runs", {"flowId": NOBODY})),
    "a user who writes specs": (
        "1426-400",
        {},
        lambda client: client.send("POST", "/connectionSpecs", {"name": "mine", "providerId": NOBODY}),
    ),
    "a token not issued here": ("401013", {"strict": True}, lambda client: client.send("GET", "/connections")),
    "a foreign organisation": ("403025", {"orgs": ("X@AdobeOrg",)}, lambda client: client.send("GET", "/connections")),
    "an unknown API key": ("403003", {"api_keys": ("other",)}, lambda client: client.send("GET", "/connections")),
    "an unknown sandbox": ("2100-404", {"sandboxes": ("dev",)}, lambda client: client.send("GET", "/connections")),
    "an unknown API key under latency": (
        "403003",
        {"api_keys": ("other",)},
        lambda client: client.send("GET", "/connections", x_mock_fault="latency=1"),
    ),
    "a fault that does not exist": ("400", {}, lambda client: client.send("GET", "/flows", x_mock_fault="nonsense")),
    "an unknown parameter of a strict server": (
        "1451-400",
        {"strict": True},
        lambda client: (client.token(), client.send("GET", "/connections?start=2")),
    ),
    "an unknown member for a strict server": (
        "1100-400",
        {"strict": True},
        lambda client: (client.token(), client.send("POST", "/connections", {**connection(), "colour": "red"})),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_told_and_told_once(case: str) -> None:
    code, settings, script = REFUSED[case]
    client = Client(**settings)
    script(client)
    refused = [entry for entry in client.emulator.journal.entries() if 400 <= entry.status < 500]
    assert [entry.error for entry in refused] == [code]
    [number] = [entry.number for entry in refused]
    told = [finding for finding in client.judged().findings if number in finding.calls]
    assert len(told) == 1 and told[0].level.reaches(Level.WARN), told
    if told[0].rule == "call.refused":
        assert code in told[0].detail


@pytest.mark.parametrize("auth", [{"params": {}}, {"specName": BASIC}, {}])
def test_what_a_handler_misses_is_missing_in_the_report_too(auth: Any) -> None:
    client = Client()
    refused_auth(client, auth)
    [finding] = client.judged().findings
    assert finding.rule == "payload.member-missing" and "lacks /auth/" in finding.detail


def test_the_same_mistake_with_other_ids_is_one_finding() -> None:
    client = Client()
    for number in range(3):
        client.send("POST", "/runs", {"flowId": NOBODY[:-1] + str(number)})
    [finding] = [one for one in client.judged().findings if one.rule == "call.refused"]
    assert len(finding.calls) == 3 and "There is no flow with the ID …" in finding.detail


def expired(client: Client) -> None:
    client.token()
    client.send("GET", "/connections")
    client.wait(100_000)
    client.send("GET", "/connections")
    client.token()
    client.send("GET", "/connections")


def overtaken(client: Client) -> None:
    made = client.create()
    client.send("PATCH", f"/connections/{made['id']}", [], if_match=made["etag"], x_mock_fault="stale-etag")
    fresh = client.read(made["id"])
    client.patch(made["id"], fresh["etag"])
    client.delete(made["id"])


def deleted_by_another(client: Client) -> None:
    made = client.create()
    client.send("GET", f"/connections/{made['id']}", x_mock_fault="deleted")
    client.send("GET", f"/connections/{made['id']}")


def limited(client: Client) -> None:
    client.answered(429, "GET", "/connections", code="429050")


def forbidden(client: Client) -> None:
    client.send("GET", "/connections", x_mock_fault="forbidden; latency=1")


@pytest.mark.parametrize("script", [expired, overtaken, deleted_by_another, limited, forbidden])
def test_what_a_good_client_meets_too_is_no_finding(script: Script) -> None:
    client = Client()
    script(client)
    assert any(entry.status >= 400 for entry in client.emulator.journal.entries())
    assert not [one for one in client.judged().findings if one.rule == "call.refused"]


def test_the_rules_that_explain_a_refusal_exist() -> None:
    assert {rule for rules in EXPLAINED_BY.values() for rule in rules} <= RULES.keys()


def test_faults_are_known_by_whether_they_refuse() -> None:
    untouched = {name for name, kind in FAULTS.items() if kind.refuse is None} - {
        "applied-500",
        "deleted",
        "stale-etag",
    }
    assert untouched == ANSWERED


OTHERS: dict[str, Script] = {
    "look-up": lambda client, at: client.send("GET", f"/connections/{at}"),
    "change": lambda client, at: client.patch(at, '"x"'),
    "deletion": lambda client, at: client.delete(at),
    "test": lambda client, at: client.send("GET", f"/connections/{at}/test"),
    "base of a source connection": lambda client, at: client.send("POST", "/sourceConnections", source(at)),
    "filter": lambda client, at: client.send("GET", f"/connections?property=id=={at}"),
    "filter of others": lambda client, at: client.send("GET", f"/sourceConnections?property=baseConnectionId=={at}"),
    "search": lambda client, at: client.send("POST", "/connections/search", {"queryString": f"property=id=={at}"}),
    "search of others": lambda client, at: client.send(
        "POST", "/flows/search", {"queryString": f"property=name!=x&property=sourceConnectionIds[]=={at}", "limit": 5}
    ),
    "one of several ids": lambda client, at: client.send("GET", f"/connections?property=id==abc,{at}"),
}


@pytest.mark.parametrize("header", ["x-sandbox-name", "x-gw-ims-org-id"])
@pytest.mark.parametrize("use", OTHERS)
def test_an_id_of_another_sandbox_or_organisation_is_named(use: str, header: str) -> None:
    client = Client()
    made = client.create()["id"]
    before = client.headers[header]
    client.headers[header] = "dev" if header == "x-sandbox-name" else "OTHER@AdobeOrg"
    OTHERS[use](client, made)
    told = [one for one in client.judged().findings if 2 in one.calls and one.level is Level.FAIL]
    assert [one.rule for one in told] == ["lifecycle.other-sandbox"], told
    assert before in told[0].detail and client.headers[header] in told[0].detail and told[0].calls == (1, 2)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("collection", ["sourceConnections", "targetConnections", "flows", "runs"])
def test_an_id_of_another_type_of_entity_is_named(collection: str, method: str) -> None:
    client = Client()
    made = client.create()["id"]
    client.send("GET", f"/connections/{made}")
    client.send(method, f"/{collection}/{made}")
    told = [one for one in client.judged().findings if 3 in one.calls]
    if (collection, method) == ("runs", "DELETE"):
        assert [one.rule for one in told] == ["path.method"], told
        return
    assert [one.rule for one in told] == ["lifecycle.unknown-id"] and "/connections" in told[0].detail, told
