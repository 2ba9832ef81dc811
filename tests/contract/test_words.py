"""Tests that violations of every schema keyword are described in words."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mockserver.contract.schema import SchemaCheck
from tests.rows import each

BROKEN: dict[str, tuple[dict[str, Any], Any, str]] = {
    "type": ({"type": "integer"}, "x", "body: expected an integer, got a string of 1 character"),
    "enum": ({"enum": ["a", "b"]}, 1, "body: expected one of a, b, got a number"),
    "const": ({"const": "once"}, 1, "body: expected once, got a number"),
    "required": (
        {"required": ["a"], "properties": {"a": {"type": "string", "minLength": 1}}},
        {},
        "Member /a is missing; expected a non-empty string",
    ),
    "dependentRequired": ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "Member /b is missing"),
    "dependentSchemas": ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"a": 1}, "Member /b is missing"),
    "additionalProperties": (
        {"properties": {"a": {}}, "additionalProperties": False},
        {"b": 1},
        "Member /b is unknown; expected one of a",
    ),
    "unevaluatedProperties": (
        {"properties": {"a": {}}, "unevaluatedProperties": False},
        {"b": 1},
        "Member /b is unknown; expected one of a",
    ),
    "properties": ({"properties": {"a": {"type": "null"}}}, {"a": 1}, "/a: expected null, got a number"),
    "patternProperties": ({"patternProperties": {"^a": {"type": "null"}}}, {"a": 1}, "/a: expected null, got a number"),
    "propertyNames": ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, "expected a value with at most 1 characters"),
    "not": ({"not": {"required": ["interval"]}}, {"interval": 0}, "Member /interval is not allowed here"),
    "if": ({"if": {"const": 1}, "then": {"const": 2}}, 1, "body: expected 2, got a number"),
    "allOf": ({"allOf": [{"type": "string"}]}, 1, "body: expected a string, got a number"),
    "anyOf": ({"anyOf": [{"type": "string"}]}, 1, "body: expected a string, got a number"),
    "oneOf": ({"oneOf": [{}, {}]}, 1, "body: expected a value of exactly one of the allowed forms, got a number"),
    "minimum": ({"minimum": 15}, 14, "body: expected a number of at least 15, got a smaller number"),
    "maximum": ({"type": "integer", "maximum": 15}, 16, "body: expected an integer of at most 15, got a larger number"),
    "exclusiveMinimum": ({"exclusiveMinimum": 0}, 0, "body: expected a number above 0, got a smaller number"),
    "exclusiveMaximum": ({"exclusiveMaximum": 0}, 0, "body: expected a number below 0, got a larger number"),
    "multipleOf": ({"multipleOf": 2}, 3, "body: expected a number that is a multiple of 2, got a number"),
    "minLength": ({"type": "string", "minLength": 1}, "", "body: expected a non-empty string, got an empty string"),
    "maxLength": ({"type": "string", "maxLength": 2}, "abc", "with at most 2 characters, got a string of 3 characters"),
    "minItems": ({"minItems": 2}, [1], "body: expected a value with at least 2 items, got an array of 1 item"),
    "maxItems": ({"type": "array", "maxItems": 0}, [1], "array with at most 0 items, got an array of 1 item"),
    "minProperties": ({"type": "object", "minProperties": 1}, {}, "body: expected a non-empty object, got an object"),
    "maxProperties": ({"maxProperties": 0}, {"a": 1}, "body: expected a value with at most 0 members, got an object"),
    "pattern": ({"pattern": "^a$"}, "b", "body: expected text of the form ^a$, got a string of 1 character"),
    "uniqueItems": ({"uniqueItems": True}, [1, 1], "body: expected items that all differ, got an array of 2 items"),
    "contains": ({"contains": {"const": 1}}, [2], "body: expected at least one item that fits, got an array of 1 item"),
    "items": ({"items": {"type": "null"}}, [1], "/0: expected null, got a number"),
    "prefixItems": ({"prefixItems": [{"type": "null"}]}, [1], "/0: expected null, got a number"),
    "unevaluatedItems": ({"unevaluatedItems": False}, [1], "body: expected no further items, got an array of 1 item"),
}  # fmt: skip
REFERENCES = {"$ref", "$dynamicRef"}
NEVER_BROKEN = {"format"}
"""An annotation used by the contract."""


@each("keyword", sorted(BROKEN))
def test_a_broken_keyword_is_told_in_words(keyword: str) -> None:
    schema, value, says = BROKEN[keyword]
    told = [str(violation) for violation in SchemaCheck.of(schema).violations(value, "body")]
    assert told and says in told[0], told


def test_every_keyword_of_the_dialect_has_its_words() -> None:
    assert set(Draft202012Validator.VALIDATORS) - REFERENCES - NEVER_BROKEN == BROKEN.keys()


@pytest.mark.parametrize("schema", [False, {"properties": {"a": False}}])
def test_a_schema_that_takes_nothing_is_told_in_words(schema: Any) -> None:
    told = [str(violation) for violation in SchemaCheck.of({"allOf": [schema]}).violations({"a": 1}, "body")]
    assert "expected no such value" in told[0]
