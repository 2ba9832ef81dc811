"""Tests how a value differs from a right one: the kinds of differences, and departures from a schema."""

from typing import Any

import pytest

from contracts.findings.verdicts import Broken, among, of_json_type, same, same_types
from contracts.schema.departures import Explaining, another_text, as_choices, nearest
from contracts.schema.differences import kinds
from contracts.schema.document import Document
from tests.work import counted

KINDS: list[tuple[Any, Any, set[str]]] = [
    ("5", 5, {"number, string"}),
    ("-0.25", -0.25, {"number, string"}),
    (["1", "2.5e3"], [1, 2500.0], {"number, string"}),
    ("True", True, {"boolean, string"}),
    (True, 5, {"number, boolean"}),
    (True, "5", {"string, boolean"}),
    (False, 5, set()),
    (0, False, set()),  # equal in JSON's own terms unless types count
    (9007199254740992.0, 9007199254740993, {"integer, number"}),
    ({"a": None}, {"a": "x"}, {"null"}),
    (None, "x", set()),  # as a member that is missing
    ({"a": 1}, {"a": 1, "b": None}, {"absent null"}),
    ({"a": 1, "b": None}, {"a": 1}, {"null"}),
    ({"created_at": 1}, {"createdAt": 1}, {"names"}),
    ({"Created-At": "1"}, {"createdAt": 1}, {"names", "number, string"}),
    ({"0": "a", "1": "b"}, ["a", "b"], {"array"}),
    ("only", ["only"], {"array"}),
    ({"x": 1}, [{"x": 1}], {"array"}),
    ([], [[]], {"array"}),
    ('{"x":[1]}', {"x": [1]}, {"object, string"}),
    ("a b", " a  b\t", {"spaces"}),
    ("STRASSE", "Straße", {"letter case"}),
    ("café", "cafe\u0301", {"composition"}),
    ("a&lt;b", "a<b", {"escapes"}),
    ("a%20b", "a b", {"escapes"}),
    ("contract", "contract-suite", {"cut"}),
    ("con", "contract-suite", set()),  # too short to tell
    (1795913493, 1795913493821, {"seconds"}),
    (("enabled", None), ("disabled", None), set()),
    ({"a": 1, "b": 2}, {"a": 1}, {"added b"}),
    ({"a": 1, "b": 2, "c": 3}, {"a": 1}, {"added b", "added c"}),
    ('W/"a-1"', '"a-1"', {"quotes"}),
    ([3, 1, 2], [1, 2, 3], set()),
    ("6", 5, set()),
    ({"a": "5", "b": "other"}, {"a": 5, "b": "this"}, set()),  # one difference of no kind
    ({"a", "b"}, {"a"}, set()),
    (float("inf"), 5, set()),
]
"""What came, what was expected, and the kinds of difference."""


@pytest.mark.parametrize(("came", "expected", "wanted"), KINDS, ids=range(len(KINDS)))
def test_a_difference_has_a_kind_whatever_its_member(came: Any, expected: Any, wanted: set[str]) -> None:
    assert kinds(came, expected) == wanted
    if wanted - {"boolean, string"}:
        assert kinds([{"member": came}], [{"member": expected}]) == wanted
    assert kinds(expected, expected) == kinds(expected, expected, types=True) == set()


@pytest.mark.parametrize(
    ("came", "expected", "wanted"),
    [
        (1, True, "boolean, number"),
        (0, False, "boolean, number"),
        (5.0, 5, "integer, number"),
        ([{"n": 2.0}], [{"n": 2}], "integer, number"),
    ],
)
def test_equal_values_of_another_type_have_a_kind(came: Any, expected: Any, wanted: str) -> None:
    with pytest.raises(Broken) as broken:
        same_types(came, expected, "content")
    assert broken.value.kinds == {wanted}
    same(came, expected, "content")


SCHEMA = {
    "type": "object",
    "required": ["createdAt", "items"],
    "properties": {
        "createdAt": {"type": "integer", "minimum": 100_000_000_000},
        "size": {"type": ["number", "null"]},
        "next": {"type": ["string", "null"]},
        "state": {"enum": ["enabled", "disabled"]},
        "version": {"const": "One"},
        "hash": {"pattern": "^[0-9a-f]{4}$"},
        "items": {"type": "array", "items": {"type": "object", "required": ["next"], "properties": {"next": {}}}},
    },
}
RIGHT = {"createdAt": 1668637963851, "items": []}


@pytest.mark.parametrize(
    ("changes", "path", "kind"),
    [
        ({"createdAt": "1668637963851"}, "$.createdAt", "number, string"),
        ({"size": True}, "$.size", "number, boolean"),
        ({"createdAt": 1668637963851.0}, "$.createdAt", "integer, number"),
        ({"createdAt": 1668637963}, "$.createdAt", "seconds"),
        ({"createdAt": None}, "$.createdAt", "null"),
        ({"items": {"0": {"next": 1}}}, "$.items", "array"),
        ({"state": "ENABLED"}, "$.state", "letter case"),
        ({"state": " enabled"}, "$.state", "spaces"),
        ({"version": "one"}, "$.version", "letter case"),
        ({"hash": "00FF"}, "$.hash", "letter case"),
        ({"hash": "00F"}, "$.hash", ""),
        ({"state": "asleep"}, "$.state", ""),
    ],
)
def test_a_departure_from_a_schema_has_the_kind_of_its_difference(changes: Any, path: str, kind: str) -> None:
    departure = nearest(list(Explaining(SCHEMA).iter_errors({**RIGHT, **changes})))
    assert (departure.path, departure.kind) == (path, kind)


def test_members_under_other_names_are_told_from_missing_ones() -> None:
    renamed = {"created_at": 1668637963851, "ITEMS": []}
    missing = {"createdAt": 1668637963851}
    found = [nearest(list(Explaining(SCHEMA).iter_errors(body))).kind for body in (renamed, missing)]
    assert found == ["names", ""]


DOCUMENT = Document.load()
ITEM = {"type": "table", "name": "a", "path": "a", "canPreview": True, "canFetchSchema": True}
TABLE = {"format": "flat", "schema": {"columns": [{"name": "id", "type": "long"}]}}


@pytest.mark.parametrize(
    ("body", "path", "member"),
    [
        ([{**ITEM, "canPreview": "yes"}], "$[0].canPreview", "boolean"),
        ([ITEM, {name: ITEM[name] for name in ITEM if name != "path"}], "$[1]", "'path' is a required"),
        ([ITEM, ITEM, "public.orders"], "$[2]", "object"),
        ({"items": [{"type": "table", "name": 5}]}, "$.items[0].name", "string"),
        ({"items": {"0": ITEM}}, "$.items", "array"),
        ({**TABLE, "format": "round"}, "$.format", "one of"),
        ({**TABLE, "data": {"id": 1}}, "$.data", "array"),
        ({"format": "flat"}, "$", "'schema' is a required"),
        ({"0": ITEM, "1": ITEM}, "$", "array"),
    ],
)
def test_of_a_choice_the_alternative_that_fits_the_body_is_told(body: Any, path: str, member: str) -> None:
    operation = DOCUMENT.match("GET", "/connections/x/explore")
    assert operation is not None
    departure = DOCUMENT.departure(operation, 200, body)
    assert departure is not None and departure.path == path and member in departure.message, departure
    assert DOCUMENT.departure(operation, 200, [ITEM]) is None and DOCUMENT.departure(operation, 200, TABLE) is None


def test_a_choice_by_condition_means_the_same_as_one_of_alternatives() -> None:
    schema = {"if": {"type": "array"}, "else": {"if": {"required": ["a"]}, "else": {"required": ["b"]}}}
    for value in ([], {"a": 1}, {"b": 1}, {"a": 1, "b": 1}, {}, {"c": 1}):
        assert Explaining(schema).is_valid(value) == Explaining(as_choices(schema)).is_valid(value)
    kept = {"if": {"type": "object"}, "then": {"required": ["a"]}, "else": {"minItems": 1}}
    assert as_choices(kept) == kept


def test_a_text_among_others_and_a_type_of_json_are_told_by_kind() -> None:
    among("b", ["a", "b"], "names")
    of_json_type(5, "integer", "a column")
    for found, kind in ((["A", "B"], {"letter case"}), ({"0": "b"}, {"array"}), (["a"], set())):
        with pytest.raises(Broken) as broken:
            among("b", found, "names")
        assert broken.value.kinds == kind
    with pytest.raises(Broken) as broken:
        of_json_type("5", "integer", "a column")
    assert broken.value.kinds == {"number, string"}


def test_a_wrong_text_of_several_responses_is_explained_once() -> None:
    kinds = set()
    for at in range(3):
        with counted() as work:
            kinds.add(another_text("pattern", '^"[0-9a-f]+"$', "0a1b2c3d-no"))
        assert at == 0 or work.calls < 30
    assert kinds == {another_text("enum", ["a"], "0a1b2c3d-no")} == {""}
