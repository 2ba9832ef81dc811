"""Tests of PATCH, DELETE and If-Match: facts §7, row by row."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockserver import Emulator
from tests.calls import BASIC_PARAMS, connection, made, refused, send

NAME = {"op": "replace", "path": "/name", "value": "renamed"}


@pytest.fixture
def stored(emulator: Emulator) -> dict[str, str]:
    return made(emulator)


def patch(emulator: Emulator, stored: dict[str, str], body: Any, etag: str | None = "") -> Any:
    headers = {"if-match": stored["etag"] if etag == "" else etag}
    return send(emulator, "PATCH", f"/connections/{stored['id']}", body, headers=headers)


def shown(emulator: Emulator, stored: dict[str, str]) -> Any:
    body: Any = send(emulator, "GET", f"/connections/{stored['id']}").body
    return body["items"][0]


@pytest.mark.parametrize("op", ["replace", "REPLACE", "Replace", "add", "Add"])
@pytest.mark.parametrize("wrap", [lambda item: [item], lambda item: item], ids=["array", "single object"])
def test_a_patch_answers_a_receipt_with_a_new_etag(emulator: Emulator, stored: Any, op: str, wrap: Any) -> None:
    result = patch(emulator, stored, wrap({**NAME, "op": op}))
    assert result.status == 200 and list(result.body) == ["id", "etag"]
    after = shown(emulator, stored)
    assert stored["etag"] != result.body["etag"] == after["etag"] == after["version"]
    assert (after["name"], after["description"]) == ("renamed", "made by a test")
    assert after["updatedAt"] > after["createdAt"]


def test_remove_needs_no_value_and_tolerates_one(emulator: Emulator, stored: Any) -> None:
    body = [{"op": "remove", "path": "/description", "value": "as samples send"}]
    assert patch(emulator, stored, body).status == 200
    assert "description" not in shown(emulator, stored)


def test_replacing_auth_params_overwrites_all_of_them(emulator: Emulator, stored: Any) -> None:
    params = {name: value for name, value in BASIC_PARAMS.items() if name != "sslMode"}
    assert patch(emulator, stored, [{"op": "replace", "path": "/auth/params", "value": params}]).status == 200
    assert "sslMode" not in shown(emulator, stored)["auth"]["params"]


def test_a_mask_sent_back_leaves_the_secret_as_it_was(emulator: Emulator, stored: Any) -> None:
    params = {**shown(emulator, stored)["auth"]["params"], "port": "5433"}
    assert patch(emulator, stored, [{"op": "replace", "path": "/auth/params", "value": params}]).status == 200
    emulator.quirks.choose("secrets", "show")
    assert shown(emulator, stored)["auth"]["params"] == {**BASIC_PARAMS, "port": "5433"}


@pytest.mark.parametrize(
    ("etag", "status", "code"),
    [
        (None, 400, "1403-400"),
        ('"1a0026fe-0000-0200-0000-6387c6b90000"', 412, "1404-412"),
        ("unquoted", 412, "1404-412"),
        ("*", 412, "1404-412"),  # assumed: compared as text
        ('W/"weak"', 412, "1404-412"),  # assumed: compared as text
        ('"one", "two"', 412, "1404-412"),  # assumed: compared as text
    ],
)
def test_if_match_must_be_the_current_etag(
    emulator: Emulator, stored: Any, etag: str | None, status: int, code: str
) -> None:
    result = patch(emulator, stored, [NAME], etag)
    assert refused(result)[:2] == (status, code)
    if code == "1403-400":
        assert result.body["title"] == "Header is missing" and result.body["report"]["header"] == "If-Match"
    else:
        assert result.body["title"] == "Version not matching" and result.body["report"]["entity"] == stored["etag"]
    assert shown(emulator, stored)["etag"] == stored["etag"]


def test_the_etag_without_its_quotes_does_not_match(emulator: Emulator, stored: Any) -> None:
    assert refused(patch(emulator, stored, [NAME], stored["etag"].strip('"')))[1] == "1404-412"


def test_an_etag_is_good_for_one_write_even_if_the_value_returns(emulator: Emulator, stored: Any) -> None:
    there = patch(emulator, stored, [NAME]).body
    back = patch(emulator, there, [{**NAME, "value": "PostgreSQL base connection"}]).body
    assert len({stored["etag"], there["etag"], back["etag"]}) == 3
    assert refused(patch(emulator, stored, [NAME]))[1] == "1404-412"


# (body, code, pointer): 1414, 1434, 1455 and 1456 are documented rows; what 1455 covers beyond a
# missing member is assumed
REFUSED_PATCHES: list[tuple[str, Any, str, str | None]] = [
    ("connectionSpec", [{"op": "replace", "path": "/connectionSpec/id", "value": "x"}], "1414-400", "/0/path"),
    ("move", [{"op": "move", "from": "/name", "path": "/description"}], "1434-400", "/0/op"),
    ("test", [{"op": "test", "path": "/name", "value": "x"}], "1434-400", "/0/op"),
    ("no such member", [{"op": "replace", "path": "/auth/params/nope", "value": "x"}], "1455-400", "/0/path"),
    ("remove what is not there", [{"op": "remove", "path": "/auth/nope"}], "1455-400", "/0/path"),
    ("id", [{"op": "replace", "path": "/id", "value": "x"}], "1455-400", "/0/path"),
    ("etag", [{"op": "replace", "path": "/etag", "value": "x"}], "1455-400", "/0/path"),
    ("createdAt", [{"op": "remove", "path": "/createdAt"}], "1455-400", "/0/path"),
    ("imsOrgId", [{"op": "replace", "path": "/imsOrgId", "value": "x"}], "1455-400", "/0/path"),
    ("whole document", [{"op": "replace", "path": "", "value": {}}], "1455-400", "/0/path"),
    ("unknown member", [{"op": "add", "path": "/colour", "value": "red"}], "1455-400", "/0/path"),
    ("dunder", [{"op": "add", "path": "/__class__", "value": "x"}], "1455-400", "/0/path"),
    ("no value", [{"op": "replace", "path": "/name"}], "1455-400", "/0/value"),
    ("name a number", [{"op": "replace", "path": "/name", "value": 7}], "1455-400", "/name"),
    ("name removed", [{"op": "remove", "path": "/name"}], "1455-400", "/name"),
    ("unknown state", [{"op": "replace", "path": "/state", "value": "paused"}], "1456-400", "/state"),
    ("auth removed", [{"op": "remove", "path": "/auth"}], "1100-400", "/auth"),
    ("password removed", [{"op": "remove", "path": "/auth/params/password"}], "1100-400", "/auth/params/password"),
    ("port a number", [{"op": "replace", "path": "/auth/params/port", "value": 1}], "1100-400", "/auth/params/port"),
    ("other auth spec", [{"op": "replace", "path": "/auth/specName", "value": "None"}], "1415-400", "/auth/specName"),
    ("nothing", [], "1405-400", None),
]


@pytest.mark.parametrize(
    ("body", "code", "pointer"), [case[1:] for case in REFUSED_PATCHES], ids=[case[0] for case in REFUSED_PATCHES]
)
def test_a_wrong_patch_changes_nothing(emulator: Emulator, stored: Any, body: Any, code: str, pointer: str) -> None:
    before = shown(emulator, stored)
    good_first = [NAME, *body] if body else body
    result = patch(emulator, stored, good_first)
    if pointer and pointer.startswith("/0"):
        pointer = pointer.replace("/0", "/1", 1)
    assert refused(result) == (400, code, pointer)
    assert shown(emulator, stored) == before


def test_too_many_instructions_are_refused(emulator: Emulator, stored: Any) -> None:
    assert patch(emulator, stored, [NAME] * 1001).status == 400


def test_a_patch_of_the_unknown_is_404(emulator: Emulator) -> None:
    missing = {"id": "69f188b6-af07-4587-8061-e94d34637b41", "etag": '"x"'}
    assert refused(patch(emulator, missing, [NAME]))[:2] == (404, "1439-404")


def test_an_initializing_connection_cannot_be_changed_or_deleted(emulator: Emulator, stored: Any) -> None:
    settling = patch(emulator, stored, [{"op": "replace", "path": "/state", "value": "initializing"}]).body
    assert refused(patch(emulator, settling, [NAME]))[:2] == (400, "1417-400")
    assert refused(send(emulator, "DELETE", f"/connections/{stored['id']}"))[:2] == (400, "1417-400")


def test_delete_answers_204_once_and_then_404(emulator: Emulator, stored: Any) -> None:
    path = f"/connections/{stored['id']}/"
    first, second = send(emulator, "DELETE", path), send(emulator, "DELETE", path)
    assert (first.status, first.body) == (204, None)
    assert refused(second)[:2] == (404, "1439-404")
    assert second.body["report"].items() >= {"type": "connections", "id": stored["id"]}.items()  # type: ignore[index, call-overload, union-attr]


def test_no_error_of_a_patch_repeats_a_secret(emulator: Emulator, stored: Any) -> None:
    for path in ("/auth/params/password", "/auth/params/nope/c4n4ry", "/auth", "/auth/params"):
        result = patch(emulator, stored, [{"op": "replace", "path": path, "value": {"password": "c4n4ry-s3cret"}}])
        assert result.status == 400 and "c4n4ry-s3cret" not in json.dumps(result.body)
    assert connection()["auth"]["params"]["password"] == "c4n4ry-s3cret"
