"""Tests that no request and no series of requests creates anything too deep, too large or too slow."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from mockserver import Config, Emulator, create_app, json_input
from mockserver.contract.schema import MAX_VIOLATIONS
from mockserver.exchange import Call
from mockserver.json_input import MAX_DEPTH, MAX_VALUES, JsonProblem
from tests.calls import HEADERS, connection, made, refused, send
from tests.work import counted, named

MIB = 1_048_576


def nested(levels: int, inner: Any = 1) -> Any:
    for _ in range(levels):
        inner = {"a": inner}
    return inner


def ladder(rungs: int) -> list[dict[str, Any]]:
    """Instructions that each add 30 levels below the former one's."""
    paths = ["/auth/params/x" + ("/a" * 29 + "/b") * rung for rung in range(rungs)]
    return [{"op": "add", "path": path, "value": nested(30)} for path in paths]


def draft(emulator: Emulator) -> dict[str, str]:
    return made(emulator, path="/connections?mode=draft")


def patch(emulator: Emulator, receipt: dict[str, str], *instructions: dict[str, Any]) -> Any:
    path = f"/connections/{receipt['id']}"
    return send(emulator, "PATCH", path, list(instructions), headers={"if-match": receipt["etag"]})


def test_no_patch_builds_what_could_not_be_read_again(emulator: Emulator) -> None:
    receipt = draft(emulator)
    assert refused(patch(emulator, receipt, *ladder(40)))[:2] == (400, "1455-400")
    assert refused(patch(emulator, receipt, *ladder(3)))[:2] == (400, "1455-400")
    assert patch(emulator, receipt, *ladder(1)).status == 200
    assert send(emulator, "GET", f"/connections/{receipt['id']}").status == 200


def test_no_series_of_patches_lets_a_record_grow_for_ever(emulator: Emulator) -> None:
    receipt, statuses = draft(emulator), []
    for number in range(5):
        value = {"op": "add", "path": f"/auth/params/x{number}", "value": "y" * 400_000}
        result = patch(emulator, receipt, value)
        statuses.append(result.status)
        receipt = result.body if result.status == 200 else receipt
    assert statuses == [200, 200, 400, 400, 400]


def test_what_is_too_deep_is_told_without_recursion() -> None:
    assert not json_input.too_deep(nested(MAX_DEPTH)) and json_input.too_deep(nested(MAX_DEPTH + 1))
    assert not json_input.too_deep(nested(MAX_DEPTH - 1, [])) and json_input.too_deep(nested(MAX_DEPTH, []))
    assert json_input.too_deep(nested(100_000)) and not json_input.too_deep(5)


def test_the_deepest_body_can_be_exported_and_imported() -> None:
    emulator = Emulator(Config(seed=1, service_clients=(HEADERS["x-api-key"],)))
    client = create_app(emulator).test_client()
    inner = MAX_DEPTH - len(("auth", "params", "x")) - 1
    body = connection(auth={"specName": "Basic Authentication", "params": {"x": nested(inner)}})
    made(emulator, body, "/connections?mode=draft")
    state = client.get("/_mock/state?credentials=include")
    assert client.put("/_mock/state", data=state.data, content_type="application/json").status_code == 200
    assert send(emulator, "GET", "/connections").status == 200


@pytest.mark.parametrize("count", [0, 1, 40])
def test_an_export_is_encoded_in_pieces(count: int) -> None:
    emulator = Emulator(Config(seed=1))
    for number in range(count):
        made(emulator, connection(str(number), description="x" * 30_000))
    sent = create_app(emulator).test_client().get("/_mock/state?credentials=include")
    pieces = list(sent.iter_encoded())
    assert json.loads(b"".join(pieces)) == emulator.export(credentials=True)
    assert max(map(len, pieces)) < 130_000 and sent.headers["x-request-id"] and sent.mimetype == "application/json"


@pytest.mark.parametrize("filler", ["1", '"a,b"', "{}", '"\\",,,"'])
def test_a_document_has_only_so_many_values(filler: str) -> None:
    def document(count: int) -> bytes:
        return f"[{','.join([filler] * count)}]".encode()

    assert len(json_input.parse(document(MAX_VALUES), max_bytes=MIB)) == MAX_VALUES  # type: ignore[arg-type]
    with pytest.raises(JsonProblem, match="members and items"):
        json_input.parse(document(MAX_VALUES + 1), max_bytes=MIB)


def test_containers_count_like_the_values_in_them() -> None:
    """A megabyte of brackets would otherwise become 40 megabytes of empty lists."""
    ladder = "[" * 50 + "]" * 50
    with pytest.raises(JsonProblem, match="members and items"):
        json_input.parse(f"[{','.join([ladder] * 9_999)}]".encode(), max_bytes=MIB)
    few = f'[{",".join([ladder] * 190)},"{"[" * 500_000}"]'.encode()
    assert len(json_input.parse(few, max_bytes=MIB)) == 191  # type: ignore[arg-type]


UNCODED = ["identity", ""]
"""Values of Content-Encoding for unencoded bodies (RFC 9110, 8.4): compressed ones are refused as invalid JSON."""
PACKED = gzip.compress(b" " * (8 * MIB)) * 128  # a gibibyte in a mebibyte


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "x-gzip", *UNCODED, "gzip, gzip"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/connections"), ("PATCH", "/flows/x"), ("PUT", "/_mock/state")])
def test_no_body_is_unpacked(emulator: Emulator, coding: str, method: str, path: str) -> None:
    client, headers = create_app(emulator).test_client(), {**HEADERS, "Content-Encoding": coding, "If-Match": '"x"'}
    with named() as names:
        answer = client.open(path, method=method, data=PACKED, headers=headers, content_type="application/json")
    assert names and not [name for name in names if "compress" in name]
    assert answer.json is not None and (answer.status_code, answer.json["status"]) in ((415, 415), (400, 400))
    assert path.startswith("/_mock") or answer.status_code == (400 if coding in UNCODED else 415)


FLOODS: dict[str, tuple[str, str, Any]] = {
    "wrong items": ("POST", "/flows", {"sourceConnectionIds": [1] * 3000, "transformations": [1] * 3000}),
    "members no schema names": ("POST", "/connections", connection(**{f"m{number}": 1 for number in range(9000)})),
    "wrong instructions": ("PATCH", "/connections/x", [{"op": 5, "path": 5}] * 4000),
    "parameters nobody knows": ("GET", "/connections?" + "&".join(f"a{number}" for number in range(9000)), None),
    "a name as long as a body": ("POST", "/connections", connection(**{"n" * 900_000: 1})),
    "a wrong body of the greatest size": ("POST", "/connections", ["x" * 90] * 9999),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_mistakes_is_told_in_part_and_kept_small(flood: str) -> None:
    emulator = Emulator(Config(seed=1, journal_bytes=100_000))
    method, path, body = FLOODS[flood]
    with counted() as work:
        result = send(emulator, method, path, body, headers={"if-match": '"x"'})
    assert result.status < 500 and work.calls < 1_000_000
    (entry,) = emulator.journal.entries()
    assert len(entry.violations) <= 2 * MAX_VIOLATIONS + 5
    assert len(json.dumps(entry.as_json())) < 300_000


def test_no_number_of_unknown_parameters_hides_what_else_is_wrong_with_a_query(emulator: Emulator) -> None:
    """After a hundred of them, a required parameter was missed, which ended in a traceback, and the rest unread."""
    one, many = "a=1", "&".join(f"a{number}=1" for number in range(2 * MAX_VIOLATIONS))
    for operation in emulator.contract.operations.values():
        path = operation.template.replace("{", "").replace("}", "")
        rest = "&" + "&".join(f"{name}=x" for name in list(operation.query)[:2])
        for known in ("", rest):
            answers = [send(emulator, operation.method, f"{path}?{unknown}{known}") for unknown in (one, many)]
            assert answers[0].status == answers[1].status < 502 and answers[0].error == answers[1].error, operation.id
        found = [
            emulator.contract.check_request(Call(operation.method, path, unknown + rest, HEADERS, b"", "", 0))
            for unknown in (one, many)
        ]
        assert found[0].arguments == found[1].arguments, operation.id
