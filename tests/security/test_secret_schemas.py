"""Tests that what any part of a written spec calls secret stays hidden: in every keyword, patch, filter and export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from mockserver import Config, Emulator
from mockserver.secrecy import MASK
from tests.calls import HEADERS, connection, made, send
from tests.rows import each

SECRET = {"type": "string", "format": "password"}
TEXT = {"type": "string"}
CANARY = "c4n4ry"
SERVICE = (HEADERS["x-api-key"],)

SCHEMAS: dict[str, dict[str, Any]] = {
    "a reference beside a type": {"properties": {"key": {**TEXT, "$ref": "#/$defs/s"}}, "$defs": {"s": SECRET}},
    "a reference alone": {"properties": {"key": {"$ref": "#/definitions/s"}}, "definitions": {"s": SECRET}},
    "a reference to a part": {
        "properties": {"key": TEXT},
        "allOf": [{"$ref": "#/definitions/s"}],
        "definitions": {"s": {"properties": {"key": SECRET}}},
    },
    "a reference to a reference": {
        "properties": {"key": {**TEXT, "$ref": "#/definitions/a"}},
        "definitions": {"a": {**TEXT, "$ref": "#/definitions/s"}, "s": SECRET},
    },
    "a reference elsewhere": {"properties": {"key": {**TEXT, "$ref": "https://example.com/secret.json"}}},
    "a dynamic reference": {"properties": {"key": {**TEXT, "$dynamicRef": "#s"}}},
    "names by a pattern": {"properties": {"key": TEXT}, "patternProperties": {"^k": SECRET}},
    "a dependency": {"properties": {"key": TEXT}, "dependencies": {"key": {"properties": {"key": SECRET}}}},
    "a negation": {"properties": {"key": TEXT}, "not": {"properties": {"key": SECRET}}},
    "other members": {"properties": {"key": TEXT}, "unevaluatedProperties": SECRET},
    "first items": {"properties": {"key": {"type": "array", "items": TEXT, "prefixItems": [SECRET]}}},
    "other items": {"properties": {"key": {"type": "array", "items": [TEXT], "additionalItems": SECRET}}},
    "some items": {"properties": {"key": {"type": "array", "items": TEXT, "contains": SECRET}}},
    "the format in capitals": {"properties": {"key": {**TEXT, "format": "PASSWORD"}}},
    "a list of formats": {"properties": {"key": {**TEXT, "format": ["password"]}}},
    "an unknown format": {"properties": {"key": {**TEXT, "format": "aws-secret-key"}}},
    "a keyword of Swagger's extensions": {"properties": {"key": {**TEXT, "x-ms-secret": True}}},
    "a keyword of another program": {"properties": {"key": {**TEXT, "isSecret": True}}},
    "sensitive": {"properties": {"key": {**TEXT, "sensitive": {"level": 1}}}},
    "an input of type password": {"properties": {"key": {**TEXT, "uiAttributes": {"type": "password"}}}},
    "a list of parts in an unknown keyword": {"properties": {"key": {**TEXT, "alternatives": [{"is": [SECRET]}]}}},
}  # fmt: skip
"""Auth specs whose param `key` is called secret by another keyword than that which describes it first."""


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(Config(seed=1, service_clients=SERVICE))


def spec(*schemas: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A connection spec with the auth specs A, B, …"""
    named = zip("AB", schemas, strict=False)
    auth = [{"name": name, "type": "Key", "spec": {"type": "object", **one}} for name, one in named]
    return {"name": "own", "providerId": "p", "version": "1.0", "authSpec": auth} | members


def written(emulator: Emulator, *schemas: dict[str, Any], **members: Any) -> str:
    answer: Any = send(emulator, "POST", "/connectionSpecs", spec(*schemas, **members)).body
    return str(answer["id"])


def connected(emulator: Emulator, spec_id: str, key: Any = CANARY, query: str = "", auth_spec: str = "A") -> str:
    auth = {"specName": auth_spec, "params": {"key": key}}
    body = connection(connectionSpec={"id": spec_id, "version": "1.0"}, auth=auth)
    return made(emulator, body, f"/connections{query}")["id"]


def told(emulator: Emulator) -> str:
    entries = [entry.as_json() for entry in emulator.journal.entries()]
    return json.dumps([entries, emulator.export()], ensure_ascii=False)


def patched(emulator: Emulator, base: str, *changes: dict[str, Any]) -> tuple[int, Any]:
    look_up: Any = send(emulator, "GET", f"/connections/{base}").body
    etag = look_up["items"][0]["etag"]
    result = send(emulator, "PATCH", f"/connections/{base}", list(changes), headers={"if-match": etag})
    return result.status, result.body


def change(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


@each("kind", SCHEMAS)
def test_what_any_keyword_calls_secret_is_hidden(kind: str) -> None:
    emulator = Emulator(Config(seed=1, service_clients=SERVICE))
    key = [CANARY, CANARY] if "items" in kind else CANARY
    base = connected(emulator, written(emulator, SCHEMAS[kind]), key)
    look_up = send(emulator, "GET", f"/connections/{base}").encoded.decode()
    assert patched(emulator, base, change("/auth/params/key", key))[0] == 200
    assert CANARY not in look_up + told(emulator) and MASK in look_up


READABLE: dict[str, dict[str, Any]] = {
    "a format that is no secret's": {"properties": {"key": {**TEXT, "format": "hostname"}}},
    "a keyword that denies it": {"properties": {"key": {**TEXT, "sensitive": False}}},
    "a secret beside it": {"properties": {"key": TEXT, "password": SECRET, "secret": SECRET}},
    "a secret that depends on it": {"properties": {"key": TEXT}, "dependencies": {"password": ["key"]}},
    "attributes of an input": {"properties": {"key": {**TEXT, "ui": {"type": "text", "label": "password"}}}},
}
"""Auth specs that do not call their param `key` a secret."""


@each("kind", READABLE)
def test_what_no_keyword_calls_secret_is_shown(kind: str) -> None:
    emulator = Emulator(Config(seed=1, service_clients=SERVICE))
    base = connected(emulator, written(emulator, READABLE[kind]), "north")
    look_up: Any = send(emulator, "GET", f"/connections/{base}").body
    assert look_up["items"][0]["auth"]["params"] == {"key": "north"}
    assert '"key":"north"' in emulator.journal.entries()[-2].body


@pytest.mark.parametrize("first", [SECRET, TEXT], ids=["secret first", "secret last"])
def test_of_auth_specs_with_one_name_each_may_call_a_param_secret(emulator: Emulator, first: dict[str, Any]) -> None:
    other = TEXT if first is SECRET else SECRET
    both = [{"name": "A", "type": "Key", "spec": {"properties": {"key": one}}} for one in (first, other)]
    spec_id = written(emulator, authSpec=both)
    base = connected(emulator, spec_id)
    for _ in range(2):
        assert CANARY not in told(emulator) + send(emulator, "GET", f"/connections/{base}").encoded.decode()
        rewritten = spec({"properties": {"key": TEXT}})
        assert send(emulator, "PUT", f"/connectionSpecs/{spec_id}", rewritten).status == 200


@pytest.mark.parametrize("place", ["definitions", "$defs"])
def test_a_reference_to_what_is_no_secret_stays_readable(emulator: Emulator, place: str) -> None:
    schema = {
        "properties": {"key": {"$ref": f"#/{place}/region"}, "password": {"$ref": f"#/{place}/s"}},
        place: {"region": {"type": "string", "enum": ["eu-west", "us-east"]}, "s": SECRET},
    }
    connected(emulator, written(emulator, schema), "eu-west")
    assert told(emulator).count("eu-west") >= 2


SWITCHES: dict[str, tuple[dict[str, Any], ...]] = {
    "its name": (change("/auth/specName", "B"),),
    "auth as it was shown": (change("/auth", {"specName": "B", "params": {"key": MASK}}),),
    "there and back": (change("/auth/specName", "A"), change("/auth/specName", "B")),
}


@each("how", SWITCHES)
def test_another_auth_spec_does_not_uncover_what_was_a_secret(how: str) -> None:
    emulator = Emulator(Config(seed=1, service_clients=SERVICE))
    base = connected(emulator, written(emulator, {"properties": {"key": SECRET}}, {"properties": {"key": TEXT}}))
    status, answer = patched(emulator, base, *SWITCHES[how])
    assert (status, answer["report"]["pointer"]) == (400, "/auth/params/key")
    again = change("/auth", {"specName": "B", "params": {"key": "eu-west"}})
    assert patched(emulator, base, again)[0] == 200
    assert CANARY not in told(emulator)


@pytest.mark.parametrize("stored_under", ["A", "misspelt"])
def test_an_auth_spec_under_a_new_name_does_not_uncover_it_either(emulator: Emulator, stored_under: str) -> None:
    spec_id = written(emulator, {"properties": {"key": SECRET}})
    base = connected(emulator, spec_id, query="?mode=draft", auth_spec=stored_under)
    rewritten = spec({"properties": {"other": TEXT}}, {"properties": {"key": TEXT}})
    assert send(emulator, "PUT", f"/connectionSpecs/{spec_id}", rewritten).status == 200
    assert patched(emulator, base, change("/auth/specName", "B"))[0] == 400
    assert CANARY not in told(emulator)


FILTER = "property=auth.params.region=="
ASKED: dict[str, tuple[str, str, Any]] = {
    "a filter": ("GET", f"/connections?{FILTER}{CANARY}", None),
    "an encoded filter": ("GET", f"/connections?property=%61uth.params.region%3D%3D{CANARY}", None),
    "a search": ("POST", "/connections/search", {"queryString": FILTER + CANARY}),
    "an encoded search": ("POST", "/connections/search", {"queryString": quote(FILTER, safe="=") + CANARY}),
}
"""`region` is a param of the catalogue that is no secret there."""


@each("how", ASKED)
def test_a_filter_is_hidden_from_who_wrote_a_spec_and_readable_for_all_others(how: str) -> None:
    emulator = Emulator(Config(seed=1, service_clients=SERVICE))
    send(emulator, *ASKED[how])
    assert CANARY in told(emulator)
    emulator.journal.clear()
    written(emulator, {"properties": {"region": SECRET}})
    assert send(emulator, *ASKED[how]).status == 200
    assert CANARY not in told(emulator) and "auth.params.region" in told(emulator).replace("%61", "a")
    emulator.journal.clear()
    send(emulator, *ASKED[how], headers={**HEADERS, "x-sandbox-name": "other"})
    assert CANARY in told(emulator)


CALLS: dict[str, tuple[str, str, Any]] = {
    "a patch of auth": ("PATCH", "/connections/{}", [change("/auth/params/key", CANARY)]),
    "a creation": ("POST", "/connections", None),
    "a filter": ("GET", f"/connections?{FILTER}{CANARY}", None),
}


@pytest.mark.parametrize("how", CALLS)
def test_without_the_store_nothing_is_shown_and_the_call_is_recorded(how: str, tmp_path: Path) -> None:
    """Such a call was answered with 500 and not recorded, because its redaction reads the store, too."""
    emulator = Emulator(Config(state=str(tmp_path / "state.db"), service_clients=SERVICE))
    spec_id = written(emulator, {"properties": {"key": TEXT}})
    method, path, body = CALLS[how]
    path, auth = path.format(connected(emulator, spec_id)), {"specName": "A", "params": {"key": CANARY}}
    emulator.journal.clear()
    emulator.close()  # from now on, the store refuses everything
    body = body or (connection(connectionSpec={"id": spec_id}, auth=auth) if method == "POST" else None)
    assert send(emulator, method, path, body, headers={"if-match": '"x"'}).status == 503
    (entry,) = emulator.journal.entries()
    assert entry.status == 503 and CANARY not in json.dumps(entry.as_json())


def _auth(**schema: Any) -> dict[str, Any]:
    return {"authSpec": [{"name": "A", "type": "Key", "spec": schema}]}


REQUEST = {"headerParams": {"Authorization": CANARY}, "queryParams": {"key": CANARY}, "path": CANARY}
SENT: dict[str, tuple[str, dict[str, Any]]] = {
    "requests of its source": ("connectionSpecs", {"sourceSpec": {"attributes": {"urlParams": REQUEST}}}),
    "its settings": ("connectionSpecs", {"settings": {"key": CANARY}}),
    "a default": ("connectionSpecs", _auth(properties={"k": {"default": CANARY}})),
    "examples": ("connectionSpecs", _auth(examples=[{"k": CANARY}])),
    "a default of a flow": ("flowSpecs", {"runSpec": {"spec": {"properties": {"k": {"default": CANARY}}}}}),
    "attributes of a flow": ("flowSpecs", {"attributes": {"key": CANARY}}),
}


@each("where", SENT)
def test_an_export_masks_what_a_spec_holds_beside_its_rules(where: str) -> None:
    emulator = Emulator(Config(seed=1, service_clients=SERVICE))
    kind, members = SENT[where]
    made(emulator, {"name": "own", "providerId": "p", **members}, f"/{kind}")
    assert CANARY in json.dumps(emulator.export(credentials=True))
    export = emulator.export()
    assert CANARY not in json.dumps(export) and MASK in json.dumps(export)
    Emulator(Config(seed=1)).restore(export)


def test_the_rules_of_a_spec_are_exported_as_they_are(emulator: Emulator) -> None:
    part = {"type": "string", "enum": ["daily"], "minLength": 1}
    rules = {
        "type": "object",
        "properties": {"k": {"type": "array", "prefixItems": [part], "contains": part, "minContains": 1}},
        "dependentSchemas": {"k": {"required": ["a (b)"]}},
        "dependentRequired": {"k": ["x"]},
        "dependencies": {"k": ["x"], "l": {"required": ["k"]}},
        "propertyNames": {"enum": ["k"]},
        "unevaluatedProperties": False,
        "if": {"not": {"required": ["k"]}, "properties": {"l": {"contentMediaType": "text/csv"}}},
        "then": {"oneOf": [{"maxProperties": 1}]},
    }
    spec_of_flow = {"name": "own", "providerId": "p", "transformationSpec": [{"name": "T", "spec": rules}]}
    made(emulator, spec_of_flow, "/flowSpecs")
    written(emulator, {"properties": {"key": SECRET}}, exploreSpec={"requestSpec": rules})
    assert emulator.export() == emulator.export(credentials=True)
