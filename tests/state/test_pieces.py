"""Tests that a large document is read in pieces as it would be at once."""

from __future__ import annotations

import json
import re
import tracemalloc
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import json_input
from mockserver.json_input import JsonProblem
from mockserver.state import pieces
from tests.rows import each
from tests.test_json_input import WRITTEN

MIB = 1 << 20
BOUNDS: dict[str, Any] = {"max_bytes": 64 * MIB, "max_depth": 70}


def outcome(raw: bytes, piece: int | None = None) -> Any:
    """The value, or the reason of the refusal; read in pieces of so many bytes, or at once."""
    try:
        if piece is None:
            return json_input.parse(raw, max_values=None, **BOUNDS)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(pieces, "MAX_PIECE", piece)
            return pieces.parse(BytesIO(raw).read, "records", **BOUNDS)
    except JsonProblem as refused:
        return refused.reason


@given(st.lists(WRITTEN, max_size=9), st.integers(1, 40), st.sampled_from([None, 1]), st.booleans())
def test_a_document_is_read_in_pieces_as_at_once(items: list[Any], piece: int, indent: int | None, ascii: bool) -> None:
    whole = {"version": 1, "a": {"b": ["]"]}, "records": items, "more": ["]"]}
    assert outcome(json.dumps(whole, indent=indent, ensure_ascii=ascii).encode(), piece) == whole


@each("cut", [*range(1, 40)])
def test_a_value_that_is_cut_anywhere_is_read_whole(cut: int) -> None:
    raw = b'{"records": [1.5e+10, -0.25E-2, 12, true, "\\ud83d\\ude00 \\\\ \xc3\xa9", null, {"a": []}], "b": -3e1}'
    assert outcome(raw, cut) == json.loads(raw)


REFUSED = [
    b"",
    b"[]",
    b'{"records": 1}',
    b'{"records": [1, 2',
    b'{"records": [1 2]}',
    b'{"records": [1,]}',
    b'{"records": [,1]}',
    b'{"records": [1]} x',
    b'{"records": [1], "records": [2]}',
    b'{"records": [{"a": 1, "a": 2}]}',
    b'{"records": ["\\u0000"]}',
    b'{"records": ["\xff"]}',
    b'{"records": [NaN]}',
    b'{"records": [' + b"[" * 80 + b"]" * 80 + b"]}",
    b'{"records": [' + b"[" * 69 + b"]" * 69 + b"]}",
    b'{"records": [' + b"[" * 9_000 + b"]" * 9_000 + b"]}",
    b'{"x": "\\"records\\": [1]"}',
    b'{"a": [], "records": [1]}',
    b'{"records": [1], "a": "\\u0000"}',
    b'{"records": ["\\ud800"]}',
    b'{"records": ["\xff"]}',
    b'{"records": ["\xc3',
    b'\xef\xbb\xbf{"records": []}',
    b'{"records": [1] "a": 1}',
    b'{"records" [1]}',
    b"{1: 2}",
    b'{"records": [1],}',
    b'{"records": ["half',
    b'{\n"records": [\n1,\n"\xc3\xa9", x]}',
    b'{"records": [1, 2, tru]}',
    b'{"records": [1, 2, -]}',
    b'{"records": [{"a": [1, 2, {"b": nul}]}]}',
    b'{"records": [' + b"1" * 400 + b"]}",
]


@each("raw", REFUSED)
def test_a_document_that_is_read_in_pieces_is_refused_as_at_once(raw: bytes) -> None:
    """The words of the parser for a syntax error, and its place in that line, differ from one Python to another."""
    told = [outcome(raw), outcome(raw, MIB), *(outcome(raw, piece) for piece in (1, 3, 7, 20))]
    assert told[0] == told[1]
    assert len({re.sub(r", column .*", "", one) if isinstance(one, str) else str(one) for one in told}) == 1, told


@each("raw", [raw for raw in REFUSED if b",]" not in raw and b",}" not in raw and b"\xff" not in raw])
def test_the_place_of_an_error_is_told_as_at_once(raw: bytes) -> None:
    assert {str(outcome(raw, piece)).lower() for piece in (1, 3, 7, 20)} == {str(outcome(raw)).lower()}


def test_a_document_has_only_so_many_bytes() -> None:
    raw = json.dumps({"records": ["x" * 1_000] * 10_000}).encode()
    with pytest.raises(JsonProblem, match="more than 1000000 bytes") as caught:
        pieces.parse(BytesIO(raw).read, "records", max_bytes=1_000_000, max_depth=70)
    assert caught.value.too_large


def _read(first: bytes) -> tuple[Any, list[int]]:
    """The records of a document of 20 MB with this before the first one; and the bytes of each step, and at most."""
    raw = b'{"records": [' + first + b",".join([b'{"x": "' + b"y" * 1_000 + b'"}'] * 20_000) + b"]}"
    stream, sizes = BytesIO(raw), []

    def read(size: int) -> bytes:
        piece = stream.read(size)
        sizes.append(len(piece))
        return piece

    tracemalloc.start()
    try:
        parsed: Any = pieces.parse(read, "records", **BOUNDS)
        return parsed["records"], [*sizes, tracemalloc.get_traced_memory()[1] - len(raw)]
    except JsonProblem as refused:
        return refused.reason, sizes
    finally:
        tracemalloc.stop()


@each("first", ["", '"\\ud83d\\ude00", '])
def test_a_document_is_never_a_text_as_a_whole(first: str) -> None:
    """Other threads waited for 0.2 s while an export of 225 MB became a text at once, for 1 s if it had an escape."""
    records, sizes = _read(first.encode())
    assert len(records) >= 20_000 and max(sizes[:-1]) <= MIB + 1 and sizes[-1] < 12 * MIB


def test_of_a_damaged_document_no_more_is_read() -> None:
    reason, sizes = _read(b'{"a": nul}, ')
    assert reason == "a syntax error at line 1, column 20 (expecting value)" and sum(sizes) <= MIB + 1


def test_of_a_value_that_is_too_long_no_more_is_read() -> None:
    raw, read = b'{"records": [{"a": [' + b'"' + b'", "' * 5_000_000 + b'"]}]}', 0

    def next_bytes(size: int) -> bytes:
        nonlocal read
        piece = raw[read : read + size]
        read += len(piece)
        return piece

    with pytest.raises(JsonProblem, match="a value of more than 2097152 characters") as caught:
        pieces.parse(next_bytes, "records", max_value=2 * MIB, **BOUNDS)
    assert caught.value.too_large and read < 6 * MIB
    shorter = b'{"records": [{"a": ["' + b'", "' * 400_000 + b'"]}]}'
    assert pieces.parse(BytesIO(shorter).read, "records", max_value=2 * MIB, **BOUNDS) == json.loads(shorter)
