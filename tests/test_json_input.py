"""Tests which bytes are accepted as JSON (RFC 8259, without what stores and readers disagree on)."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import json_input
from mockserver.json_input import MAX_DEPTH, MAX_DIGITS, JsonProblem
from tests.rows import each
from tests.work import named

MIB = 1 << 20


def problem(raw: bytes, max_bytes: int = MIB) -> JsonProblem:
    with pytest.raises(JsonProblem) as caught:
        json_input.parse(raw, max_bytes=max_bytes)
    return caught.value


@each(
    "raw, value",
    [
        (b"{}", {}),
        (b' [1, -2.5e3, "x", true, null] ', [1, -2500.0, "x", True, None]),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\u0000"', "\\u0000"),  # a backslash and five letters
        (b'"\\\\ud800"', "\\ud800"),
        ('{"é": "NFD e\u0301, NFC é"}'.encode(), {"é": "NFD e\u0301, NFC é"}),  # never normalised
        (b'{"__proto__": 1, "__class__": 2, "": 3}', {"__proto__": 1, "__class__": 2, "": 3}),
        (b"9" * MAX_DIGITS, int("9" * MAX_DIGITS)),
        (b"1e308", 1e308),
        (b"1e-999", 0.0),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
        (b'["' + b"[" * 500 + b'"]', ["[" * 500]),  # brackets in a text do not nest
        (b'[["' + b"[" * 500 + b'\\"["]]', [["[" * 500 + '"[']]),
        (b"[" + b",".join([b"[]"] * 500) + b"]", [[]] * 500),
    ],
)
def test_json_is_read(raw: bytes, value: Any) -> None:
    read = json_input.parse(raw, max_bytes=MIB)
    assert read == value and type(read) is type(value)


WRITTEN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("aé中"), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(WRITTEN)
def test_what_was_written_is_read_as_it_was_however_it_was_written(value: Any) -> None:
    for written in (json_input.dumps(value), json_input.escaped(value)):
        assert json_input.parse_written(written, max_depth=MAX_DEPTH) == value
        assert json_input.weight(written) >= json_input.width(value)


@each(
    "raw, reason",
    [
        (b'{"a": NaN}', "NaN"),
        (b'{"a": 1e999}', "too large"),
        (b"9" * (MAX_DIGITS + 1), "digits"),
        (b"[" * 69 + b"]" * 69, "levels"),
        (b"[" * 5_000 + b"]" * 5_000, "levels"),
        (b'"\\u0000"', "NUL"),
        (b'"\\ud800"', "half a surrogate"),
        (b'"\xff"', "not UTF-8"),
        (b'{"a": 1', "line 1"),
    ],
)
def test_a_written_document_that_was_damaged_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(JsonProblem, match=reason):
        json_input.parse_written(raw, max_depth=MAX_DEPTH + 4)


@each(
    "text, times",
    [
        ("x", 1),
        ("é", 1),
        ("x" * 9 + "中", 2),
        ("x" * 9 + "\U0001f600", 4),
        ("\U0001f600", 4),
    ],
)
def test_a_text_is_as_wide_as_its_widest_character(text: str, times: int) -> None:
    assert json_input.width({"a": [text], text: 1}) == 1 + 2 * times * len(text)


WIDE = "x" * 600_000
NARROW = "x" * 500_000


@each("text", ["é" * 9, "x" * 9 + "中", "x" * 9 + "\U0001f600", "\ud800", "\ud800\U0001f600"])
def test_no_pattern_looks_for_the_widest_character(text: str) -> None:
    """It took 8 ms for each MiB, an encoder takes 1."""
    with named() as names:
        found = json_input.width(text)
    assert found == len(text) * (1 if max(text) < "\u0100" else 2 if max(text) < "\U00010000" else 4)
    assert names and not [name for name in names if "Pattern." in name]


@each(
    "raw",
    [
        f'"{WIDE}\U0001f600"'.encode(),
        f'"{WIDE}\\ud83d\\ude00"'.encode(),
        f'{{"{WIDE}\U0001f600": 1}}'.encode(),
        f'["{"x" * 300_000}\\ud83d\\ude00", "{"y" * 300_000}\\ud83d\\ude00"]'.encode(),
    ],
)
def test_one_wide_character_makes_a_large_text_too_large(raw: bytes) -> None:
    found = problem(raw)
    assert found.too_large and "2097152 bytes in memory" in found.reason
    tracemalloc.start()
    problem(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * MIB


@each(
    "raw",
    [
        f'"{NARROW}\U0001f600"'.encode(),
        f'"{NARROW}\\ud83d\\ude00"'.encode(),
        ('"' + "x" * (MIB - 5) + '中"').encode(),
        ('"' + "\U0001f600" * (MIB // 4 - 1) + '"').encode(),
        ('"' + "é" * (MIB // 2 - 1) + '"').encode(),
    ],
)
def test_other_large_texts_are_read(raw: bytes) -> None:
    assert json_input.parse(raw, max_bytes=MIB)


@each(
    "raw, reason",
    [
        (b"", "expecting value"),
        (b"   ", "expecting value"),
        (b"{", "expecting"),
        (b"{} {}", "extra data"),
        (b'{"a": 1,}', "line 1"),
        (b"{'a': 1}", "line 1"),
        (b'{"a": 1} // x', "extra data"),
        (b'"a\nb"', "control character"),
        (b'"\x00"', "control character"),
        (b"NaN", "NaN"),
        (b"[Infinity]", "NaN or Infinity"),
        (b'{"a": -Infinity}', "NaN or Infinity"),
        (b"1e999", "too large"),
        (b"-1e999", "too large"),
        (b"9" * (MAX_DIGITS + 1), "digits"),
        (b"0." + b"9" * 5000, "too large"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": 1, "\\u0061": 2}', "twice"),
        (b'[{"b": {"a": 1, "a": 1}}]', "twice"),
        (b'"\\u0000"', "NUL"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'"\\ud800"', "surrogate"),
        (b'{"a": ["\\uDFFF x"]}', "surrogate"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'"\xff"', "UTF-8"),
        (b'"\xc0\xaf"', "UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        ("{}".encode("utf-16"), "UTF-8"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nesting"),
        (b'{"a":' * 100_000, "nesting"),
        (b"[" * 500_000, "nesting"),
    ],
)
def test_anything_else_is_refused_with_a_reason(raw: bytes, reason: str) -> None:
    refused = problem(raw)
    assert reason in refused.reason and not refused.too_large


def test_a_reason_repeats_nothing_that_came() -> None:
    for raw in (b'{"hush": 1, "hush": 2}', b'{"a": "hush" hush}', b'"hush\\x"', b"hush", b'{"hush": hush}'):
        assert "hush" not in problem(raw).reason


def test_size_is_looked_at_first() -> None:
    assert json_input.parse(b'"' + b"x" * 8 + b'"', max_bytes=10) == "x" * 8
    assert problem(b"\xff" * 11, max_bytes=10).too_large


@pytest.mark.parametrize("raw", [b"[" * 900_000, b'{"a":' * 180_000], ids=["arrays", "objects"])
def test_counting_too_many_values_keeps_none_of_them(raw: bytes) -> None:
    """A list of all brackets took 0.1 s of CPU, in which no other thread could run."""
    tracemalloc.start()
    try:
        problem(raw)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * len(raw), "the text, and its first 10,000 values"


@each("unit", [b'\\"', b'"', b"\\", b'"\\', b'["', b'"[', b"]", b"\\u0000"])
@each("end", [b"", b"\\", b'"'])
def test_the_worst_megabyte_takes_no_time(unit: bytes, end: bytes) -> None:
    """Each quote of an unterminated text used to start a new search, which took minutes."""
    start = b"[" * 10 + b'"[[[[[[[[[[' * 8
    filler = unit * ((MIB - len(start) - 1) // len(unit))
    problem(start + filler + end)


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii", min_codepoint=1)), inner),
    max_leaves=15,
)  # fmt: skip


@given(_values)
def test_what_is_written_reads_the_same(value: Any) -> None:
    assert json_input.parse(json_input.dumps(value), max_bytes=MIB) == value
    assert json_input.parse(json.dumps(value).encode(), max_bytes=MIB) == value


@given(st.binary(max_size=60) | st.text('[]{}",:\\u0d8e1.-+ \x00é', max_size=40).map(str.encode))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    try:
        value = json_input.parse(raw, max_bytes=MIB)
    except JsonProblem:
        return
    assert value == json.loads(raw)


@each("value", [{"a": [1, 2.5, {}, [], None], "é": True}, 2**70, {"id": "\udc80"}, (1, "x")])
def test_json_for_people_is_that_of_python_indented(value: Any) -> None:
    assert json_input.indented(value) == json.dumps(value, ensure_ascii=False, indent=2)


def test_half_a_surrogate_pair_can_be_answered() -> None:
    assert json.loads(json_input.dumps({"id": "\udc80"})) == {"id": "\udc80"}


VALUES = st.recursive(
    st.none() | st.integers() | st.text() | st.sampled_from(['a"b', "\\", "{[", ",", "]}", '\\"']),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES.filter(lambda value: isinstance(value, dict | list)), st.data())
def test_json_that_was_cut_is_closed_where_it_is_last_whole(value: Any, data: st.DataObject) -> None:
    text = json_input.dumps(value).decode()
    at = data.draw(st.integers(1, len(text) - 1))
    beginning, closing = json_input.closed(text[:at])
    whole = beginning + closing
    assert text[:at].startswith(beginning) and json_input.dumps(json.loads(whole)).decode() == whole
    left_out = text[len(beginning) : at]
    assert json_input.closed(beginning + left_out)[0] == beginning


@pytest.mark.parametrize(
    ("cut", "beginning", "closing"),
    [
        ('{"a":[1,2', '{"a":[1', "]}"),
        ('{"a":[1,2],', '{"a":[1,2]', "}"),
        ('{"a":"x,y', "{", "}"),
        ('{"a":"x\\"', "{", "}"),
        ('{"a":{"b', '{"a":{', "}}"),
        ('[{"a":1}', '[{"a":1}', "]"),
    ],
)
def test_where_json_is_last_whole(cut: str, beginning: str, closing: str) -> None:
    assert json_input.closed(cut) == (beginning, closing)


def test_encoded_json_keeps_no_more_memory_than_its_length() -> None:
    tracemalloc.start()
    try:
        encoded = json_input.dumps({"a": "x" * 1_000_000})
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1.1 * len(encoded)
