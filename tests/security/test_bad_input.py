"""Tests every operation with invalid input: the response is JSON below 500, quick, and nothing breaks."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from mockserver import json_input
from mockserver.contract import Contract
from mockserver.exchange import Result
from mockserver.gateway import is_sandbox
from tests.rows import each
from tests.security.estate import Estate
from tests.work import counted

OPERATIONS = Contract.load().operations
WITH_BODY = [name for name, operation in sorted(OPERATIONS.items()) if operation.body is not None]
WITH_ID = [
    name for name, operation in sorted(OPERATIONS.items()) if any(part.startswith("{") for part in operation.segments)
]
MAX_CALLS = 2_000_000
"""Maximum function calls of one request; the faults to catch made many millions."""

DEEP = b'{"a":' * 100_000
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "a space": b" ",
    "garbage": b"\x80\x02\x93garbage",
    "cut off": b'{"name": "x", "auth": {',
    "two documents": b'{"name": "x"} {"name": "y"}',
    "a number": b"5",
    "a text": b'"x"',
    "null": b"null",
    "false": b"false",
    "an empty array": b"[]",
    "an empty object": b"{}",
    "NaN": b'{"name": NaN}',
    "infinity": b'{"limit": 1e999}',
    "5000 digits": b'{"limit": ' + b"9" * 5000 + b"}",
    "300 digits": b'{"limit": ' + b"9" * 300 + b', "name": ' + b"9" * 300 + b"}",
    "a member twice": b'{"name": "x", "name": "y"}',
    "deep": DEEP,
    "deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "as deep as may be": b'{"auth":' * 63 + b"{}" + b"}" * 63,
    "half a surrogate": b'{"name": "\\ud800"}',
    "NUL": b'{"name": "a\\u0000b"}',
    "a byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "latin-1": '{"name": "é"}'.encode("latin-1"),
    "overlong": b'{"name": "\xc0\xaf"}',
    "names of Python": b'{"__class__": {"__init__": 1}, "__proto__": {"x": 1}, "constructor": {"prototype": 1}}',
    "a quote in SQL": b'{"name": "\'; DROP TABLE records; --", "description": "1 OR 1=1"}',
    "10,000 instructions": json.dumps([{"op": "add", "path": "/name", "value": "x"}] * 10_000).encode(),
    "a thousand instructions": json.dumps([{"op": "add", "path": "/auth/params/x", "value": ["y"] * 8}] * 999).encode(),
    "an array without end": b"[" + b"1," * 500_000 + b"1]",
    "too large": b'{"name": "' + b"x" * 1_100_000 + b'"}',
    "a megabyte": b'{"name": "' + b"x" * 1_000_000 + b'"}',
    "a member of a megabyte": b'{"' + b"x" * 1_000_000 + b'": 1}',
}
INSTRUCTIONS: dict[str, Any] = {
    "copies that double": [{"op": "copy", "from": "/auth", "path": f"/auth/{n}"} for n in range(64)],
    "moves": [{"op": "move", "from": "/auth", "path": "/auth/params/x"}],
    "a test": [{"op": "test", "path": "/auth/params/password", "value": "x"}],
    "the root": [{"op": "replace", "path": "", "value": {}}],
    "a large index": [{"op": "add", "path": "/auth/params/" + "9" * 20, "value": 1}],
    "50,000 steps": [{"op": "add", "path": "/auth" + "/a" * 50_000, "value": 1}],
    "odd escapes": [{"op": "add", "path": "/auth/~", "value": 1}, {"op": "add", "path": "/auth/~2", "value": 1}],
    "names of Python": [{"op": "add", "path": "/auth/__class__/__init__", "value": 1}],
    "no pointer": [{"op": "add", "path": "name", "value": 1}],
    "no instruction": [5, None, [], "x"],
    "a secret for an operation": [{"op": {"password": "c4n4ry"}, "path": "/name"}],
}
ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    1e300,
    "",
    "x" * 5000,
    "\u202e\U0001f600",
    [],
    [[]],
    {},
    [None],
    {"a": {}},
)
TEXTS = (
    "",
    "0",
    "-1",
    "9223372036854775808",
    "9" * 31,
    "1.5",
    "1e5",
    "１２",
    "true",
    "null",
    "%",
    "*",
    "../..",
    "'",
    '"',
    ";--",
    "' OR 1=1 --",
    "\0",
    "\r\nX: y",
    "\udcff",
    "[]",
    "{}",
    "a" * 9000,
    "<script>",
    "\u202e",
    "==",
    "name==",
    "name=='x'",
    "name~x",
    "name==x,",
    "+name,-name",
    "-",
    "auth.params.password",
    "a.b" * 500,
    "$where",
    "__class__",
    "{{7*7}}",
    "${7*7}",
)
IDS = (
    "%00",
    "%2e%2e",
    "..%2f..%2fetc",
    "%c0%af",
    "{id}",
    "{}",
    "null",
    "0",
    "-1",
    "' OR '1'='1",
    "*",
    "%25",
    "a" * 10_000,
    "C604FF05-7F1A-43C0-8E18-33BF874CB11C",
    "c604ff057f1a43c08e1833bf874cb11c",
    "{c604ff05-7f1a-43c0-8e18-33bf874cb11c}",
    "c604ff05-7f1a-43c0-8e18-33bf874cb11c ",
    "c604ff05-7f1a-43c0-8e18-33bf874cb11c%0a",
    "１",
    "é",
    "\udcff",
    ";x=y",
    "a,b",
)


@pytest.fixture(scope="module")
def estate() -> Estate:
    return Estate()


def answered(estate: Estate, what: str, *request: Any, **options: Any) -> Result:
    """The response to a request, checked: JSON, no 5xx, little work; a refusal has the service's form."""
    with counted() as work:
        result = estate.handle(*request, **options)
    assert result.status < 500 or result.status == 501, (what, result)
    sent = json.loads(json_input.dumps(result.body)) if result.body is not None else None
    if result.status >= 400:
        assert isinstance(sent, dict) and {"title", "message", "errorMessage"} & sent.keys(), (what, sent)
        assert len(json.dumps(sent)) < 20_000, what
    assert work.calls < MAX_CALLS, (what, work.calls)
    return result


def test_every_operation_is_tried(estate: Estate) -> None:
    assert len(OPERATIONS) > 40 and len(WITH_BODY) > 15 and len(WITH_ID) > 20
    for name in ("createConnection", "patchConnection", "createFlow", "createFlowRun", "updateRun", "createFlowSpec"):
        assert name in WITH_BODY and estate.example(name) is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_BODY)
def test_no_bytes_are_too_much_for_a_body(estate: Estate, name: str) -> None:
    operation = OPERATIONS[name]
    bodies = {**BODIES, **{what: json.dumps(patch).encode() for what, patch in INSTRUCTIONS.items()}}
    for what, raw in bodies.items():
        headers = {"if-match": estate.etag(operation), "content-type": "application/json"}
        path = f"{estate.path(operation)}?{estate.query(operation)}"
        result = answered(estate, f"{name}: {what}", operation.method, path, raw=raw, headers=headers)
        assert "c4n4ry" not in str(result.body)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value inside a document."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*at, key))


def spoilt(value: Any, at: tuple[Any, ...], odd: Any) -> Any:
    """A copy with another value in one place."""
    if not at:
        return odd
    whole = copy.deepcopy(value)
    holder = whole
    for key in at[:-1]:
        holder = holder[key]
    holder[at[-1]] = odd
    return whole


@each("name", WITH_BODY)
def test_no_type_is_too_much_for_any_place_of_a_body(estate: Estate, name: str) -> None:
    operation, good = OPERATIONS[name], estate.example(name)
    if good is None:
        assert not operation.body_required
        return
    for number, at in enumerate(list(places(good))[:60]):
        for odd in ODD[number % 7 :: 7] if len(at) > 1 else ODD:
            body = spoilt(good, at, odd)
            path = f"{estate.path(operation)}?{estate.query(operation)}"
            headers = {"if-match": estate.etag(operation)}
            answered(estate, f"{name} {at}: {odd!r:.40}", operation.method, path, body, headers=headers)


@each("name", sorted(OPERATIONS))
def test_no_text_is_too_much_for_a_parameter(estate: Estate, name: str) -> None:
    operation, body = OPERATIONS[name], estate.example(name)
    every = 12 if "Specs" in name else 6  # lists of specs are long and unpaged
    for number, parameter in enumerate((*operation.query, "unknown")):
        others = [part for part in estate.query(operation).split("&") if not part.startswith(f"{parameter}=")]
        for text in TEXTS[number % every :: every]:
            value, given = quote(text, safe="", errors="surrogateescape"), "&".join(others)
            for query in (f"{given}&{parameter}={value}", f"{parameter}={value}&{parameter}=x&{given}"):
                headers = {"if-match": estate.etag(operation)}
                path, what = f"{estate.path(operation)}?{query}", f"{name} {parameter}={text!r:.40}"
                result = answered(estate, what, operation.method, path, body, headers=headers)
                if operation.method == "DELETE" and result.status < 300:
                    estate.restore()


@each("name", WITH_ID)
def test_no_id_reaches_another_entity(estate: Estate, name: str) -> None:
    operation, body = OPERATIONS[name], estate.example(name)
    store = estate.emulator.world.store  # its export masks nothing, which takes a tenth of the time
    count = len(store.export()["records"])
    for odd in IDS:
        path = f"{estate.path(operation, odd)}?{estate.query(operation)}"
        headers = {"if-match": estate.etag(operation)}
        result = answered(estate, f"{name} {odd!r:.40}", operation.method, path, body, headers=headers)
        assert result.status >= 400 or (name == "retrieveSandbox" and is_sandbox(odd)), (odd, result)
    assert len(store.export()["records"]) == count


@pytest.mark.parametrize(
    "name",
    [
        "x-api-key",
        "authorization",
        "x-gw-ims-org-id",
        "x-sandbox-name",
        "x-sandbox-id",
        "if-match",
        "x-mock-fault",
        "accept",
        "content-encoding",
        "x-request-id",
    ],
)
def test_no_text_is_too_much_for_a_header(estate: Estate, name: str) -> None:
    for text in (*TEXTS, "Bearer " + "x" * 9000, '"x", "y"', "a;" * 4000, ", ,", 'W/"x"'):
        for operation in ("listConnections", "patchConnection"):
            asked = OPERATIONS[operation]
            body = [{"op": "add", "path": "/name", "value": "x"}] if asked.method == "PATCH" else None
            sent = text.encode("utf-8", "surrogateescape").decode("latin-1")
            headers = {"if-match": '"x"', name: sent}
            answered(estate, f"{name}: {text!r:.40}", asked.method, estate.path(asked), body, headers=headers)


def test_and_after_all_of_it_everything_is_there(estate: Estate) -> None:
    for kind, entity_id in estate.ids.items():
        assert estate.handle("GET", f"/{kind}/{entity_id}").status == 200
        assert estate.handle("GET", f"/{kind}").status == 200
