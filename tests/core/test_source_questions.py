"""Whatever is asked, a source answers with JSON or refuses: nothing else comes out."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockserver.connectors import Access
from mockserver.errors import ERRORS
from mockserver.sources import ExploreRequest, SourceError, Sources
from mockserver.sources import filters as row_filters
from mockserver.sources.asked import COMPRESSIONS, FILE_TYPES, PARAMETERS, SPELLINGS
from mockserver.sources.columns import Column

SOURCES = Sources.load(str(Path(__file__).parents[2] / "examples" / "sources.yaml"))
OBJECTS = (
    "public.orders",
    "public.accounts",
    "/shop/customers.csv",
    "/shop/exports/clicks.csv.gz",
    "/shop",
    "/",
    "root",
)
WORDS = (
    "root",
    "table",
    "file",
    "folder",
    "rest",
    "true",
    "false",
    *OBJECTS,
    *FILE_TYPES,
    *COMPRESSIONS,
    "",
    ";",
    r"\t",
)

ACCESSES = st.builds(
    Access,
    st.sampled_from(["database", "crm", "storage", "streaming", "other"]),
    st.sampled_from(["postgre-sql", "salesforce", "amazon-s3"]),
    server=st.sampled_from([None, "crm.example.com", "files.example.com", "down.example.com", "{SERVER}"]) | st.text(),
    database=st.none() | st.text(),
    username=st.none() | st.text(),
    password=st.none() | st.text(),
)
QUERIES = st.lists(
    st.tuples(st.sampled_from([*PARAMETERS, *SPELLINGS]) | st.text(max_size=5), st.sampled_from(WORDS) | st.text()),
    max_size=6,
).map(tuple)


@settings(deadline=None, max_examples=400)
@given(access=ACCESSES, query=QUERIES)
def test_any_question_gets_json_or_a_refusal(access: Access, query: tuple[tuple[str, str], ...]) -> None:
    try:
        json.dumps(SOURCES.explore(access, ExploreRequest.parse(query)), allow_nan=False)
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
NODES = st.recursive(
    st.builds(lambda name: {"nodeType": "fieldLookup", "fieldName": name}, st.sampled_from(["name", "age", "x"]))
    | st.builds(lambda value: {"nodeType": "literal", "value": value}, JSON),
    lambda inner: st.builds(
        lambda name, params: {"nodeType": "fnApply", "fnName": name, "params": params},
        st.sampled_from(["=", "<", "like", "in", "not", "and", "or", "isNull", "~"]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(value=NODES | JSON)
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
