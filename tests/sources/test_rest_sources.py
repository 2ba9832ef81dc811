"""Explore behind connectors made with the Sources SDK, and behind the platform's own stores."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import Emulator
from tests.calls import made, refused, send

MIXPANEL = {
    "name": "Mixpanel base connection",
    "auth": {"specName": "Basic Authentication", "params": {"username": "u", "password": "p"}},
    "connectionSpec": {"id": "fd2c8ff3-1de0-4f6b-8fa8-4264784870eb", "version": "1.0"},
}
"""A connector made with the Sources SDK, as its page creates it."""


# the question is documented on the pages of such connectors, the form of the answer in the SDK's template
def test_a_rest_source_answers_its_one_question(emulator: Emulator) -> None:
    path = f"/connections/{made(emulator, MIXPANEL)['id']}/explore"
    query = "?objectType=rest&object=json&fileType=json&sourceParams=eyJsaXN0SWQiOiIxMGMwOTdjYTcxIn0="
    shown: Any = send(emulator, "GET", path + query + "&preview=true").body
    assert list(shown) == ["format", "schema", "data"] and shown["data"]
    assert list(shown["data"][0]) == [column["name"] for column in shown["schema"]["columns"]]
    bare: Any = send(emulator, "GET", path + "?objectType=rest").body
    assert list(bare) == ["format", "schema"]


@pytest.mark.parametrize("query", ["objectType=root", "objectType=table&object=a", "objectType=rest&fileType=parquet"])
def test_a_rest_source_refuses_other_questions(emulator: Emulator, query: str) -> None:
    path = f"/connections/{made(emulator, MIXPANEL)['id']}/explore?{query}"
    assert refused(send(emulator, "GET", path))[:2] == (400, "1100-400")


def test_there_is_nothing_to_look_into_behind_the_data_lake(emulator: Emulator) -> None:
    lake = {"name": "lake", "connectionSpec": {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}}
    path = f"/connections/{made(emulator, lake)['id']}/explore?objectType=root"
    assert refused(send(emulator, "GET", path))[:2] == (400, "1100-400")
