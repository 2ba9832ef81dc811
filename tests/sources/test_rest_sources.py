"""Tests of exploring connectors of the Sources SDK and the platform's own stores."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import Emulator
from tests.calls import made, refused, send
from tests.dataflows import HOUR, MINUTE, files, flowing, pass_time, runs_of, total

REST_STORAGE_TO_AEP = "6499120c-0b15-42dc-936e-847ea3c24d72"

MIXPANEL = {
    "name": "Mixpanel base connection",
    "auth": {"specName": "Basic Authentication", "params": {"username": "u", "password": "p"}},
    "connectionSpec": {"id": "fd2c8ff3-1de0-4f6b-8fa8-4264784870eb", "version": "1.0"},
}
"""A connector of the Sources SDK, created as on its page."""


SNOWFLAKE = {
    "name": "Snowflake base connection",
    "auth": {
        "specName": "Basic Authentication for Snowflake",
        "params": {"account": "a", "database": "d", "warehouse": "w", "username": "u", "password": "p"},
    },
    "connectionSpec": {"id": "51ae16c2-bdad-42fd-9fce-8d5dfddaf140", "version": "1.0"},
}


# request and form of the response are documented on the pages of such connectors
def test_a_rest_source_answers_its_one_question(emulator: Emulator) -> None:
    path = f"/connections/{made(emulator, MIXPANEL)['id']}/explore"
    query = "?objectType=rest&object=json&fileType=json&sourceParams=eyJsaXN0SWQiOiIxMGMwOTdjYTcxIn0="
    shown: Any = send(emulator, "GET", path + query + "&preview=true").body
    assert list(shown) == ["format", "schema", "data"] and shown["data"]
    assert shown["format"] == "hierarchical" and shown["schema"]["type"] == "object"
    assert list(shown["data"][0]) == list(shown["schema"]["properties"])
    assert {"type": "integer", "minimum": -(2**53), "maximum": 2**53 - 1} in shown["schema"]["properties"].values()
    bare: Any = send(emulator, "GET", path + "?objectType=rest").body
    assert list(bare) == ["format", "schema"]


def test_runs_of_a_rest_source_read_what_exploring_it_shows(emulator: Emulator) -> None:
    base = made(emulator, MIXPANEL)["id"]
    shown: Any = send(emulator, "GET", f"/connections/{base}/explore?objectType=rest&preview=true").body
    source = {"name": "events", "data": {"format": "json"}, "params": {"projectId": "1"}, "baseConnectionId": base}
    read = made(emulator, {**source, "connectionSpec": MIXPANEL["connectionSpec"]}, "/sourceConnections")["id"]
    body = files(emulator, flowSpec={"id": REST_STORAGE_TO_AEP}, sourceConnectionIds=[read])
    flow_id = flowing(emulator, body)
    pass_time(emulator, 2 * HOUR + MINUTE)
    first, *later = runs_of(emulator, flow_id)
    assert total([first]) >= len(shown["data"]) > 0 and later and total(later) == 0


@pytest.mark.parametrize("query", ["objectType=root", "objectType=table&object=a", "objectType=rest&fileType=parquet"])
def test_a_rest_source_refuses_other_questions(emulator: Emulator, query: str) -> None:
    path = f"/connections/{made(emulator, MIXPANEL)['id']}/explore?{query}"
    assert refused(send(emulator, "GET", path))[:2] == (400, "1100-400")


def test_there_is_nothing_to_look_into_behind_the_data_lake(emulator: Emulator) -> None:
    lake = {"name": "lake", "connectionSpec": {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}}
    path = f"/connections/{made(emulator, lake)['id']}/explore?objectType=root"
    assert refused(send(emulator, "GET", path))[:2] == (400, "1100-400")


# documented on Snowflake streaming's page: root in items, a source connection without data
def test_tables_that_are_streamed_come_in_items(emulator: Emulator) -> None:
    base = made(emulator, SNOWFLAKE)["id"]
    root: Any = send(emulator, "GET", f"/connections/{base}/explore?objectType=root").body
    assert root["items"] and all(list(item) == ["type", "name"] for item in root["items"])
    table = send(emulator, "GET", f"/connections/{base}/explore?objectType=table&object={root['items'][0]['name']}")
    assert table.status == 200
    source = {
        "name": "s",
        "baseConnectionId": base,
        "connectionSpec": SNOWFLAKE["connectionSpec"],
        "params": {"tableName": "ACME", "timestampColumn": "dOb", "backfill": "true"},
    }
    assert send(emulator, "POST", "/sourceConnections", source).status == 201
