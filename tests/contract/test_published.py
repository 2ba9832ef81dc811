"""Tests that `openapi.yaml` has nothing that client generators cannot read; further constraints are in `x-enforced`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

import contracts.schema.enforced
import mockserver.contract.enforced
from mockserver.contract import documents, load_document
from mockserver.contract.schema import schema_registry
from tests.rows import each

METHODS = ("get", "post", "put", "patch", "delete")
TEXT = documents.contract().read_text(encoding="utf-8")
DOCUMENT = load_document()


def published(node: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the document with its place, except `x-` members and examples."""
    if isinstance(node, dict):
        yield at, node
        for name, value in node.items():
            if not str(name).startswith("x-") and name not in ("example", "examples"):
                yield from published(value, f"{at}/{name}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from published(value, f"{at}/{index}")


PARTS = dict(published(DOCUMENT))
OPERATIONS = {
    operation["operationId"]: operation
    for item in DOCUMENT["paths"].values()
    for method, operation in item.items()
    if method in METHODS
}


def resolved(node: Any) -> Any:
    while "$ref" in node:
        found: Any = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def as_named(name: Any) -> str:
    """A name as in most generated code: without punctuation and case."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def repeated(names: Any) -> list[str]:
    return [name for name, count in Counter(map(as_named, names)).items() if count > 1]


def types(schema: dict[str, Any]) -> list[str]:
    found = schema.get("type", [])
    return [found] if isinstance(found, str) else found


def test_yaml_aliases_stay_below_what_parsers_allow() -> None:
    """SnakeYAML, used by all Java generators, stops at 50."""
    aliases = [event for event in yaml.parse(TEXT) if isinstance(event, yaml.AliasEvent)]
    assert len(aliases) < 25


def test_links_send_no_expressions_inside_an_object() -> None:
    links = DOCUMENT["components"]["links"].values()
    assert [link for link in links if isinstance(link.get("requestBody"), dict | list)] == []


def test_every_integer_says_how_wide_it_is() -> None:
    integers = {at: part for at, part in PARTS.items() if "integer" in types(part)}
    assert [at for at, part in integers.items() if part.get("format") not in ("int32", "int64")] == []
    assert len(integers) > 30


def test_times_and_sizes_are_64_bits_wide() -> None:
    wide = [at for at, part in PARTS.items() if "integer" in types(part) and part["format"] == "int64"]
    for name in ("Milliseconds", "Seconds", "inputBytes", "expiryTime", "inputRecordCount"):
        assert any(f"/{name}" in at for at in wide), name


def test_no_enum_has_members_that_get_the_same_name() -> None:
    assert {at: again for at, part in PARTS.items() if (again := repeated(part.get("enum") or ()))} == {}


def test_no_object_has_members_that_get_the_same_name() -> None:
    objects = {at: part["properties"] for at, part in PARTS.items() if isinstance(part.get("properties"), dict)}
    assert {at: again for at, members in objects.items() if (again := repeated(members))} == {}


def test_no_object_has_a_member_of_its_own_name() -> None:
    """openapi-python-client uses a variable for each in one function."""
    schemas = DOCUMENT["components"]["schemas"]
    assert [
        one for one, schema in schemas.items() if as_named(one) in map(as_named, schema.get("properties", ()))
    ] == []


def test_no_operation_has_parameters_that_get_the_same_name() -> None:
    for name, operation in OPERATIONS.items():
        assert repeated(resolved(one)["name"] for one in operation.get("parameters", ())) == [], name


def test_a_choice_is_between_plain_values_or_ways_to_refuse() -> None:
    """In Java, arrays in a choice do not compile, and objects are not distinguished.

    A refusal may be a choice between named objects, because generated clients read it only on request.
    """
    responses = DOCUMENT["components"]["responses"].values()
    schemas = [response["content"]["application/json"]["schema"] for response in responses]
    refusals = {schema["$ref"].removeprefix("#") for schema in schemas}
    for at, part in PARTS.items():
        for choice in part.get("oneOf", ()) or part.get("anyOf", ()):
            plain = "$ref" not in choice and set(types(choice)) <= {"string", "integer", "boolean", "null"}
            assert plain or (at in refusals and types(resolved(choice)) == ["object"]), at
        several = set(types(part)) - {"null"}
        assert len(several) < 2 or not several & {"array", "object"}, at


def test_a_condition_beside_members_is_for_the_server_only() -> None:
    """Generators take `anyOf` beside `properties` as the whole schema, and ignore a separate `if`."""
    for at, part in PARTS.items():
        assert not ("properties" in part and part.keys() & {"anyOf", "oneOf", "not"}), at
        alone = part.keys() <= {"description", "if", "else"}
        assert alone or not part.keys() & {"if", "then", "else", "dependentRequired", "patternProperties"}, at


def choices() -> list[Any]:
    """Each choice between objects, with the example bodies of each."""
    found: dict[str, list[Any]] = {}
    for _, part in PARTS.items():
        schema = part.get("schema")
        if isinstance(schema, dict) and "$ref" in schema and "oneOf" in resolved(schema):
            examples = [resolved(example)["value"] for example in (part.get("examples") or {}).values()]
            found.setdefault(schema["$ref"].rpartition("/")[2], []).extend(examples)
    return [pytest.param(name, examples, id=name) for name, examples in sorted(found.items()) if examples]


def opened(schema: Any) -> Any:
    """A schema as generated classes read it: with unknown members allowed."""
    if isinstance(schema, list):
        return [opened(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: opened(value) for name, value in schema.items() if name != "additionalProperties"}


@pytest.mark.parametrize(("name", "examples"), choices())
def test_required_members_alone_tell_the_choices_apart(name: str, examples: list[Any]) -> None:
    document = opened(DOCUMENT)
    validator = schema_registry(document).explainer
    for example in examples:
        fitting = [one for one in document["components"]["schemas"][name]["oneOf"] if validator(one).is_valid(example)]
        assert len(fitting) == 1, (example, fitting)


def test_optional_members_stand_beside_no_other_type() -> None:
    """In TypeScript an optional member does not match an index of strings."""
    for at, part in PARTS.items():
        if part.get("properties"):
            assert not isinstance(part.get("additionalProperties"), dict), at


def test_an_object_that_holds_anything_says_so() -> None:
    """openapi-typescript generates `Record<string, never>` without additionalProperties."""
    for at, part in PARTS.items():
        if "object" in types(part) and not part.keys() & {"properties", "allOf"}:
            assert "additionalProperties" in part, at


def test_a_member_of_a_request_has_a_type() -> None:
    """Java clients send a member without a type as null."""
    open_ = [
        f"{at}/{name}"
        for at, part in PARTS.items()
        for name, member in (part.get("properties") or {}).items()
        if isinstance(member, dict) and not member.keys() & {"type", "$ref", "anyOf", "allOf", "const"}
    ]
    assert open_ == ["/components/schemas/PatchInstruction/value"]


def test_path_parameters_come_first() -> None:
    assert [path for path, item in DOCUMENT["paths"].items() if "parameters" in item] == []
    for name, operation in OPERATIONS.items():
        places = [resolved(one)["in"] == "path" for one in operation.get("parameters", ())]
        assert places == sorted(places, reverse=True), name


def test_what_every_call_carries_is_given_to_a_client_once() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert DOCUMENT["security"] == [{name: [] for name in schemes}]
    sent = {scheme.get("name", "Authorization").lower() for scheme in schemes.values()}
    assert sent == {"authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name"}
    for name, operation in OPERATIONS.items():
        assert not sent & {resolved(one)["name"].lower() for one in operation.get("parameters", ())}, name


def test_the_suite_and_the_server_enforce_the_same() -> None:
    assert contracts.schema.enforced.enforced(DOCUMENT) == mockserver.contract.enforced.enforced(DOCUMENT)
    assert "x-enforced" not in str(mockserver.contract.enforced.enforced(DOCUMENT))


@each(
    "schema, value, takes",
    [
        ("PatchRequest", {"op": "REPLACE", "path": "/name", "value": "x"}, True),
        ("PatchRequest", [{"op": "Remove", "path": "/name"}], True),
        ("PatchRequest", [{"op": "add", "path": "/name"}], False),
        ("PatchRequest", [], False),
        ("PatchRequest", "remove", False),
        ("Permissions", {"type": "lowLevel"}, True),
        ("Permissions", [{"@type": 1}], False),
        ("FileType", "PARQUET", True),
        ("FileType", "xml", False),
        ("Seconds", "1612310466", True),
        ("Seconds", 1.5, False),
        ("ExploreResult", [], True),
        ("ExploreResult", {"format": "flat"}, False),
        ("SpecExploreResult", {"items": []}, True),
        ("SpecExploreResult", {"item": []}, False),
        ("ConnectionList", {"items": [], "_links": {}}, True),
        ("ConnectionList", {"items": []}, False),
        ("RunList", {"count": 3}, True),
        ("RunList", {"count": 3, "items": []}, False),
        ("RunList", {}, False),
        ("RunReceipt", {"items": []}, False),
        ("RunReceipt", {"id": "x"}, False),
        ("FlowSpecSearchResult", {}, False),
        ("LandingZone", {"containerName": "a", "containerTTL": "7"}, True),
        ("LandingZone", {"containerName": "a"}, False),
        ("LandingZoneCredentials", {"SASToken": "a"}, False),
        ("ServiceError", {"errorMessage": "x", "errorDetails": "x"}, True),
        ("ServiceError", {"errorMessage": "x", "errorDetails": "x", "title": "x"}, False),
    ],
)
def test_what_is_enforced_is_exact(schema: str, value: Any, takes: bool) -> None:
    document = mockserver.contract.enforced.enforced(DOCUMENT)
    check = schema_registry(document).explainer({"$ref": f"#/components/schemas/{schema}"})
    assert check.is_valid(value) is takes


@pytest.mark.parametrize(
    ("target", "patch", "outcome"),
    [
        ({"a": 1}, {"a": None}, {}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}}, {"a": {"c": 2, "d": 3}}),
        ({"a": [1]}, {"a": [2, 3]}, {"a": [2, 3]}),
        ({}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({"a": "x"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_a_patch_is_merged_as_rfc_7396_says(target: Any, patch: Any, outcome: Any) -> None:
    for enforced in (mockserver.contract.enforced.enforced, contracts.schema.enforced.enforced):
        assert enforced({**target, "x-enforced": patch}) == outcome


def references(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from ([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_reference_leads_within_the_document_also_those_of_examples_and_extensions() -> None:
    """Tools such as Prism resolve every `$ref` and would fetch others."""
    found = set(references(DOCUMENT))
    assert {one for one in found if not one.startswith("#/")} == set()
    for reference in found:
        resolved({"$ref": reference})


@pytest.mark.parametrize(
    "document", [DOCUMENT, mockserver.contract.enforced.enforced(DOCUMENT)], ids=["published", "enforced"]
)
def test_it_is_a_valid_openapi_document(document: Any) -> None:
    OpenAPIV31SpecValidator(document).validate()
