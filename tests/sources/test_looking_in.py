"""Tests of creating, testing and exploring connections with declared sources, over the API.

What the answers hold is the business of `test_sources.py`; here it is that they come, with the status and
the body of the service.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator
from tests.calls import BASIC_PARAMS, by_string, connection, made, refused, send

EXAMPLE = str(Path(__file__).parents[2] / "examples" / "sources.yaml")
CRM = {"server": "crm.example.com", "database": "crm", "username": "reader", "password": "example-password"}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    emulator = Emulator(Config(seed=1, sources=EXAMPLE))
    yield emulator
    emulator.close()


def basic(**params: str) -> dict[str, Any]:
    return connection(auth={"specName": "Basic Authentication", "params": {**BASIC_PARAMS, **params}})


def explore(emulator: Emulator, body: dict[str, Any], query: str) -> Any:
    receipt = made(emulator, body)
    return send(emulator, "GET", f"/connections/{receipt['id']}/explore?{query}")


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({**CRM, "password": "c4n4ry-wrong"}, "refuses this user name or password"),
        ({"server": "down.example.com"}, "cannot be reached"),
    ],
)
def test_a_source_that_does_not_let_one_in_fails_create_assumed(
    emulator: Emulator, params: dict[str, str], says: str
) -> None:
    result = send(emulator, "POST", "/connections", basic(**params))
    assert refused(result) == (400, "1100-400", "/auth/params")
    assert isinstance(result.body, dict)
    assert str(result.body["errorMessage"]).partition("Error from flow provider: ")[2]
    assert says in str(result.body) and "c4n4ry" not in str(result.body)
    assert "sources file" in result.body["report"]["hint"]


def test_credentials_are_read_from_a_connection_string_too(emulator: Emulator) -> None:
    text = "Server=crm.example.com;Database=crm;Port=5432;UID=reader;Password={}"
    assert send(emulator, "POST", "/connections", by_string(text.format("wrong"))).status == 400
    answer = explore(emulator, by_string(text.format("example-password")), "objectType=root")
    assert [item["name"] for item in answer.body] == ["public.accounts"]


def test_the_documented_placeholders_reach_the_shop(emulator: Emulator) -> None:
    text = "Server={SERVER};Database={DATABASE};Port={PORT};UID={USERNAME};Password={PASSWORD}"
    answer = explore(emulator, by_string(text), "objectType=root")
    assert answer.body[0]["name"] == "public.customers"


def test_a_password_that_no_longer_fits_fails_patch_and_not_the_connection(emulator: Emulator) -> None:
    receipt = made(emulator, basic(**CRM))
    path, header = f"/connections/{receipt['id']}", {"if-match": receipt["etag"]}
    patch = [{"op": "replace", "path": "/auth/params/password", "value": "wrong"}]
    assert refused(send(emulator, "PATCH", path, patch, headers=header)) == (400, "1100-400", "/auth/params")
    assert send(emulator, "GET", f"{path}/test").body == {"result": True}


def test_a_draft_of_an_unreachable_source_is_kept_and_fails_test_explore_and_configs(emulator: Emulator) -> None:
    receipt = send(emulator, "POST", "/connections?mode=draft", basic(server="down.example.com")).body
    assert isinstance(receipt, dict)
    path = f"/connections/{receipt['id']}"
    assert send(emulator, "GET", f"{path}/test").body == {"result": False}
    for asked in ("explore?objectType=root", "configs"):
        assert refused(send(emulator, "GET", f"{path}/{asked}"))[:2] == (400, "1100-400")


@pytest.mark.parametrize(
    "query",
    [
        "objectType=root",
        "objectType=TABLE&object=public.accounts",
        "objectType=table&object=public.accounts&preview=true",
    ],
)
def test_explore_answers_within_the_contract(emulator: Emulator, query: str, caplog: pytest.LogCaptureFixture) -> None:
    assert explore(emulator, basic(**CRM), query).status == 200
    assert not caplog.records


@pytest.mark.parametrize(
    "query",
    [
        "",
        "objectType=",
        "objectType=view",
        "objectType=table",
        "objectType=table&object=",
        "objectType=table&object=%00%ff",
        "objectType=table&object=public.accounts&object=public.events",
        "objectType=root&objectType=table",
        "objectType=root&preview=true",
        "objectType=table&object=public.accounts&preview=2",
        "objectType=table&object=public.accounts&filters=e30%3D",
        "objectType=file&object=/a&fileType=json",
        "objectType=rest&object=json&fileType=json",
        "objectType=table&object=" + "a" * 10_000,
    ],
)
def test_a_question_out_of_place_is_refused_in_the_services_own_form(emulator: Emulator, query: str) -> None:
    status, code, _ = refused(explore(emulator, basic(**CRM), query))
    assert (status, code) == (400, "1100-400")


def test_configs_answer_within_the_contract(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    receipt = made(emulator, basic(**CRM))
    answer = send(emulator, "GET", f"/connections/{receipt['id']}/configs")
    assert answer.status == 200 and isinstance(answer.body, dict)
    assert {"columnName": "since", "columnType": "date"} in answer.body["items"]
    assert not caplog.records


def test_no_password_reaches_an_answer_the_journal_or_a_repr(emulator: Emulator) -> None:
    receipt = made(emulator, basic(**CRM))
    answers = [
        send(emulator, "GET", f"/connections/{receipt['id']}"),
        send(emulator, "GET", f"/connections/{receipt['id']}/explore?objectType=root"),
        send(emulator, "POST", "/connections", basic(**{**CRM, "password": "other-password"})),
    ]
    assert answers[-1].status == 400
    seen = (
        repr(answers)
        + str([entry.as_json() for entry in emulator.journal.entries()])
        + repr(vars(emulator.world.sources))
    )
    assert "example-password" not in seen and "other-password" not in seen
