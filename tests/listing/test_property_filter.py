"""Tests of the grammar of `property` filters, against a simple implementation of the same rules.

The rules are documented (facts §6.3) except where a line says assumed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import ApiError
from mockserver.listing import property_filter
from mockserver.quirks import Quirks
from tests.rows import each

FIELDS = frozenset({"id", "name", "state", "createdAt", "params", "auth", "metrics", "enabled", "ids"})

DOC: dict[str, Any] = {
    "id": "736873",
    "name": "a, b",
    "state": "enabled",
    "createdAt": 1670880253121,
    "enabled": True,
    "ids": ["x", "y"],
    "auth": {"params": {"password": "hush"}},
    "metrics": {"statusSummary": {"status": "failed"}, "rows": 10, "ratio": 0.5, "none": None},
    "params": {
        "tableName": "lead",
        "at": "2024-05-01",
        "columns": [{"name": "firstName", "keys": [1, 2]}, {"name": "lastName"}, "odd"],
    },
}


def filtered(*texts: str) -> property_filter.Parsed:
    return property_filter.parse(texts, FIELDS, "filter_field")


def met(doc: Mapping[str, Any], text: str) -> bool:
    return all(condition.matches(doc) for condition in filtered(text).conditions)


@each(
    "text, expected",
    [
        ("id==736873", True),
        ("id==736873,9485095", True),
        ("id==1,2", False),
        ("id!=1,2", True),  # assumed: none of them
        ("id!=1,736873", False),
        ("params.tableName==lead", True),
        ("params.tableName==Lead", False),
        ('params.tableName="lead"', True),
        (" params.tableName == lead ", True),  # assumed: blanks around a part do not count
        ("params.columns[].name==firstName", True),
        ("params.columns[].name==lastName", True),
        ("params.columns[].name==middleName", False),
        ("params.columns[].keys[]==2", True),
        ("params.columns.name==firstName", False),  # assumed: only [] enters an array
        ("params.columns[]==odd", True),
        ("ids[]==y", True),
        ("ids[]==z,y", True),
        ("ids==y", False),
        ("params.none==x", False),
        ("params.none!=x", True),  # assumed: an absent member differs
        ("params.tableName.deeper==lead", False),
        ("metrics.statusSummary.status==Failed", True),
        ("state==ENABLED,draft", True),
        ("state!=Enabled", False),
        ("createdAt==1670880253121", True),
        ('createdAt=="1670880253121"', True),
        ("createdAt>=1670880253121", True),
        ("createdAt>1670880253121", False),
        ("createdAt<=1670880253121", True),
        ("createdAt<1670880253122", True),
        ("createdAt!=1", True),
        ("metrics.rows>9", True),  # as numbers: as texts "10" is below "9"
        ("metrics.rows==10.0", True),
        ("metrics.ratio<=0.5", True),
        ("metrics.rows<lots", False),  # a text is not comparable with a number
        ("metrics.none<5", False),
        ("params.at>=2024-04-30", True),
        ("params.at<2024-05-01", False),
        ("enabled==true", True),
        ("enabled==True", True),
        ("enabled==false", False),
        ("enabled==1", False),
        ("params.columns[].keys[]==true", False),
        ("metrics.none==null", False),
        ("id==736873&property=state==enabled", True),
        ("id==736873&property=state==draft", False),
    ],
)  # fmt: skip
def test_a_filter_picks_what_it_says(text: str, expected: bool) -> None:
    assert met(DOC, text) is expected


def test_a_comma_or_an_and_inside_quotes_belongs_to_the_value() -> None:
    assert met({"name": "a, b"}, 'name=="a, b"')
    assert met({"name": "a, b"}, 'name=="x","a, b"')
    assert met({"name": "a&property=b"}, 'name=="a&property=b"')
    assert met({"name": "=~<>"}, 'name=="=~<>"')
    assert met({"name": ""}, 'name==""')


# codes are the catalogue's; which sentence of it fits is assumed where errors.json has no example
@each(
    "text, code",
    [
        ("name~x", "1440-400"),
        ("createdAt<=1,2", "1443-400"),
        ("id>=5", "1448-400"),
        ("name<b", "1448-400"),
        ("connections==1", "1449-400"),
        ("__class__==1", "1449-400"),
        ("colour", "1449-400"),
        ("id,params.tableName", "1449-400"),
        ("name!>x", "1450-400"),
        ("name===x", "1450-400"),
        ("name=>x", "1450-400"),
        ("name<>x", "1450-400"),
        ("name!x", "1450-400"),
        ("createdAt==1676643256,1676643210", "1452-400"),
        ("createdAt==1.5", "1452-400"),
        ("createdAt>yesterday", "1452-400"),
        ("createdAt==１", "1452-400"),
        ('name=="a"b', "1452-400"),
        ("createdAt==", "1453-400"),
        ("name==", "1453-400"),
        ("name==a,", "1453-400"),
        ("name==,a", "1453-400"),
        ('name=="a', "1453-400"),
        ('name=="', "1453-400"),
        ("==a", "1453-400"),
        ("", "1453-400"),
        ("id,,name", "1453-400"),
        ("params..x==1", "1453-400"),
        ("params.==1", "1453-400"),
        ("[]==1", "1453-400"),
        ('name=={"a":1}', "1454-400"),
        ("name==[1]", "1454-400"),
    ],
)
def test_a_filter_that_cannot_be_read_has_its_own_code(text: str, code: str) -> None:
    with pytest.raises(ApiError) as caught:
        filtered(text)
    assert caught.value.code == code
    result = caught.value.result("0" * 32, Quirks())
    assert result.status == 400 and result.body  # every variable of the message is present


def test_a_refusal_does_not_repeat_what_may_be_a_secret() -> None:
    for text in ('auth.params.password=="hush"hush', 'auth.params.password=="hush', "auth.params.password!>hush"):
        with pytest.raises(ApiError) as caught:
            filtered(text)
        assert "hush" not in json.dumps(caught.value.result("0" * 32, Quirks()).body)


def test_filters_have_a_bounded_length() -> None:
    value = "x" * (property_filter.MAX_BYTES - len("name=="))
    assert filtered(f"name=={value}").conditions
    with pytest.raises(ApiError) as caught:
        filtered("name==a", f"name=={value}")
    assert caught.value.code == "1452-400"


_names = st.sampled_from(["a", "b", "state", "[]"])
_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0]), st.sampled_from(["1", "x", "X", "true"])
)
_docs = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "state"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def naive_reach(value: Any, path: list[str]) -> list[Any]:
    if not path:
        return [value]
    if path[0] == "[]":
        return [found for item in value for found in naive_reach(item, path[1:])] if isinstance(value, list) else []
    return naive_reach(value[path[0]], path[1:]) if isinstance(value, Mapping) and path[0] in value else []


def naive_equal(found: Any, text: str, last: str) -> bool:
    """Compare by the type that the record's member has."""
    if isinstance(found, str):
        return found.lower() == text.lower() if last == "state" else found == text
    try:
        wanted = json.loads(text.lower())
    except ValueError:
        return False
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    return isinstance(found, int | float) and isinstance(wanted, int | float) and found == wanted


@given(
    doc=st.dictionaries(st.just("params"), _docs),
    path=st.lists(_names, max_size=3),
    values=st.lists(st.sampled_from(["1", "-2", "0.5", "x", "true", "False"]), min_size=1, max_size=3),
    negated=st.booleans(),
)
def test_equality_agrees_with_a_naive_reading(
    doc: dict[str, Any], path: list[str], values: list[str], negated: bool
) -> None:
    text = "params" + "".join(step if step == "[]" else f".{step}" for step in path)
    last = next((step for step in reversed(path) if step != "[]"), "params")
    found = naive_reach(doc, ["params", *path])
    expected = any(naive_equal(item, value, last) for item in found for value in values)
    operator = "!=" if negated else "=="
    assert met(doc, f"{text}{operator}{','.join(values)}") is (expected != negated)


@given(st.text(max_size=40) | st.text('abc[].,"=!<>~&{} property', max_size=40))
def test_any_filter_is_read_or_refused(text: str) -> None:
    try:
        met(DOC, text)
    except ApiError as refusal:
        assert refusal.result("0" * 32, Quirks()).status == 400


def test_a_filter_is_read_in_linear_time() -> None:
    for piece in ('"', ",", "&property=", "=", "[]", "a.", '","'):
        text = ("name==" + piece * 9000)[: property_filter.MAX_BYTES]
        for candidate in (text, "params" + text[6:], piece * 4000):
            try:
                met(DOC, candidate)
            except ApiError as refusal:
                assert refusal.code
