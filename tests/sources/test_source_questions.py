"""Tests that a source returns JSON or refuses, for every request."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockserver.errors import ERRORS
from mockserver.sources import SourceError, Sources
from mockserver.sources import filters as row_filters
from mockserver.sources.asked import COMPRESSIONS, FILE_TYPES, PARAMETERS, SPELLINGS
from mockserver.sources.columns import Column
from mockserver.specs.connectors import Access
from tests.calls import question

SOURCES = Sources.load(str(Path(__file__).parents[2] / "examples" / "sources.yaml"))
ASKED = ("root", "table", "folder", "file", "rest")
OBJECTS = (
    "public.orders",
    "public.accounts",
    "/shop/customers.csv",
    "/shop/exports/clicks.csv.gz",
    "/shop",
    "/",
    "root",
)
WORDS = (*ASKED, *OBJECTS, *FILE_TYPES, *COMPRESSIONS, "rest", "true", "false", "", ";", r"\t")

ACCESSES = st.builds(
    Access,
    st.sampled_from(["database", "crm", "storage", "streaming", "other"]),
    st.sampled_from(["postgre-sql", "salesforce", "amazon-s3"]),
    server=st.sampled_from([None, "crm.example.com", "files.example.com", "down.example.com", "{SERVER}"]) | st.text(),
    database=st.none() | st.text(),
    username=st.none() | st.text(),
    password=st.none() | st.text(),
)
PAIRS = st.tuples(st.sampled_from([*PARAMETERS, *SPELLINGS]) | st.text(max_size=5), st.sampled_from(WORDS) | st.text())
QUERIES = st.builds(
    lambda kind, path, more, odd: (("objectType", kind), *((("object", path),) if kind != "root" else ()), *more, *odd),
    st.sampled_from(ASKED),
    st.sampled_from(OBJECTS) | st.text(),
    st.sampled_from([(), (("preview", "true"),), (("fileType", "delimited"), ("preview", "true"))]),
    st.just(()) | st.lists(PAIRS, max_size=3),
)


def test_any_question_gets_json_or_a_refusal() -> None:
    answered: list[object] = []
    ask(answered)
    assert len(answered) > 20, "nearly everything was refused: the questions are not worth asking"


@settings(deadline=None, max_examples=400)
@given(access=ACCESSES, query=QUERIES)
def ask(answered: list[object], access: Access, query: tuple[tuple[str, str], ...]) -> None:
    """Send one request; a successful response is recorded."""
    try:
        json.dumps(SOURCES.explore(access, question(query)), allow_nan=False)
        answered.append(query)
    except SourceError as error:
        assert ERRORS[error.key].status in (400, 404)
        assert error.message.isprintable() and len(error.message) < 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["nodeType", "fnName", "params", "fieldName", "value"]), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = st.builds(
    lambda name: {"nodeType": "fieldLookup", "fieldName": name}, st.sampled_from(["name", "name", "age"])
)
LITERALS = st.builds(lambda value: {"nodeType": "literal", "value": value}, st.text(max_size=3) | st.integers())
NODES = st.recursive(
    st.builds(
        lambda name, field, literal: {"nodeType": "fnApply", "fnName": name, "params": [field, literal]},
        st.sampled_from(["=", "!=", "<", "like", "in"]),
        FIELDS,
        LITERALS,
    ),
    lambda inner: st.builds(
        lambda name, params: {"nodeType": "fnApply", "fnName": name, "params": params},
        st.sampled_from(["not", "and", "or", "not", "isNull"]),
        st.lists(inner, min_size=1, max_size=2),
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(value=NODES | NODES | JSON)
def test_any_filter_is_read_or_refused(value: object) -> None:
    text = base64.b64encode(json.dumps({"type": "PQL", "format": "pql/json", "value": value}).encode()).decode()
    try:
        fits = row_filters.read(text, "salesforce", (Column("name", "text"), Column("age", "int4")))
    except SourceError as error:
        assert error.code == "1100-400"
        return
    for row in (("Zoe", 3), (None, None)):
        assert fits(row) in (True, False)


@settings(deadline=None)
@given(text=st.text(alphabet="ab%_", max_size=8), pattern=st.text(alphabet="ab%_", max_size=6))
@example(text="aab", pattern="%ab")
def test_like_matches_as_a_regular_expression_would(text: str, pattern: str) -> None:
    expression = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in pattern)
    assert row_filters.like(text, pattern) is (re.fullmatch(expression, text) is not None)
