"""Tests of connection strings: grammar, round trip, and parsing time."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Config, Emulator
from mockserver.specs import connection_string
from mockserver.specs.connection_string import MAX_LENGTH, ConnectionStringError, is_placeholder, parse
from mockserver.specs.connectors import Connectors
from tests.calls import by_string, refused, send
from tests.rows import each
from tests.work import counted

# ODBC's grammar with ADO.NET's quotes: assumed, Adobe's pages show only patterns
READ: list[tuple[str, list[tuple[str, str]]]] = [
    ("", []),
    (" ; ;; ", []),
    ("A=1", [("A", "1")]),
    ("A=1;", [("A", "1")]),
    (" A = 1 ;; B = 2 ", [("A", "1"), ("B", "2")]),
    ("User Id=me", [("User Id", "me")]),
    ("A=", [("A", "")]),
    ("A=;B=2", [("A", ""), ("B", "2")]),
    ("A=1=2", [("A", "1=2")]),
    ("AccountKey=YWJj==;B=2", [("AccountKey", "YWJj=="), ("B", "2")]),
    ("A={b;c};D=e", [("A", "b;c"), ("D", "e")]),
    ("A={b}}c}", [("A", "b}c")]),
    ("A={ b }", [("A", " b ")]),
    ("A={}", [("A", "")]),
    ('A="b;c"', [("A", "b;c")]),
    ('A="b""c"', [("A", 'b"c')]),
    ("A='b;''c'", [("A", "b;'c")]),
    ("A=b'c", [("A", "b'c")]),
    ("A={SERVER};B={PORT}", [("A", "{SERVER}"), ("B", "{PORT}")]),
    ("A={USERNAME}@{SERVER_NAME};B=c", [("A", "{USERNAME}@{SERVER_NAME}"), ("B", "c")]),
    ("A={SERVER} ;B=c", [("A", "{SERVER}"), ("B", "c")]),
    ("A=tcp:host,1433", [("A", "tcp:host,1433")]),
    ("A=ü;B=日本", [("A", "ü"), ("B", "日本")]),
]

REFUSED: list[tuple[str, str, int]] = [
    ("A", "a key without =", 0),
    ("A=1;B;C=3", "a key without =", 4),
    ("=1", "a value without a key", 0),
    ("A=1;=2", "a value without a key", 4),
    ("A={b", "a value that opens with { and does not close", 2),
    ("A={b}}", "a value that opens with { and does not close", 2),
    ('A="b', 'a value that opens with " and does not close', 2),
    ("A='b", "a value that opens with ' and does not close", 2),
    ("A={B}c;D=e", "text after the closing } of a value", 5),
    ("A={b}c", "text after the closing } of a value", 5),
    ("A=" + "x" * MAX_LENGTH, f"more than {MAX_LENGTH} characters", MAX_LENGTH),
]


@each("text, pairs", READ)
def test_a_connection_string_is_read(text: str, pairs: list[tuple[str, str]]) -> None:
    assert list(parse(text)) == pairs


@each("text, reason, position", REFUSED)
def test_a_wrong_one_is_refused_with_reason_and_place(text: str, reason: str, position: int) -> None:
    with pytest.raises(ConnectionStringError) as raised:
        parse(text)
    assert (raised.value.reason, raised.value.position) == (reason, position)


@pytest.mark.parametrize("text", ["Password={c4n4ry", "c4n4ry", "A=1;Password={x}c4n4ry", "=c4n4ry"])
def test_no_error_repeats_the_text(text: str) -> None:
    with pytest.raises(ConnectionStringError) as raised:
        parse(text)
    assert "c4n4ry" not in str(raised.value) + repr(raised.value)


def test_keys_have_no_case_the_first_counts_and_repetitions_are_told() -> None:
    parsed = parse("Server=a;SERVER=b;Port=1")
    assert (parsed.get("sErVeR"), parsed.get("port"), parsed.get("uid")) == ("a", "1", None)
    assert parsed.repeated == ("server",) and len(parsed) == 3


def test_a_string_shows_no_value() -> None:
    assert "c4n4ry" not in repr(parse("Password=c4n4ry"))


@each(
    "value, expected",
    [
        ("{SERVER}", True),
        ("{DATASET_ID}", True),
        ("{A_1}", False),
        ("{ABC123}", False),
        ("{HUNTER2}", False),
        ("{server}", False),
        ("{}", False),
        ("{A}b", False),
        ("A", False),
        (7, False),
    ],
)
def test_a_placeholder_is_one_of_adobes(value: object, expected: bool) -> None:
    assert is_placeholder(value) is expected


SPECIAL = st.sampled_from(";={}\"' \tA")
"""Half of the examples use only these, because they would rarely meet among all of Unicode."""
VALUES = st.text(SPECIAL, max_size=8) | st.text(max_size=8)
KEYS = (st.text(SPECIAL, min_size=1, max_size=4) | st.text(min_size=1, max_size=8)).filter(
    lambda key: key == key.strip() and "=" not in key and ";" not in key
)


@given(st.lists(st.tuples(KEYS, VALUES), max_size=6))
def test_what_is_written_is_read_back(pairs: list[tuple[str, str]]) -> None:
    assert list(parse(connection_string.format(pairs))) == pairs


@given(st.text(SPECIAL, max_size=30) | st.text(max_size=30))
def test_any_text_is_read_or_refused_and_what_is_read_can_be_written(text: str) -> None:
    try:
        parsed = parse(text)
    except ConnectionStringError as error:
        assert 0 <= error.position <= len(text)
    else:
        assert parse(connection_string.format(parsed)) == parsed


@pytest.mark.parametrize("key", ["", " a", "a ", "a=b", "a;b"])
def test_a_key_that_cannot_be_written_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="a key must"):
        connection_string.format([(key, "1")])


PIECES = ["{", "}", '"', "'", ";", "=", " ", "a", "a=", "a={", "a=}}", "a={}}", 'a=""', "a=''", "a=1;", " = ", ";\t"]
HEADS = ["", "a=", "a={", 'a="', "a='", "a = "]


@pytest.mark.parametrize("length", [MAX_LENGTH, 100_000], ids=["longest", "too long"])
def test_no_text_takes_more_than_a_few_steps_for_each_character(length: int) -> None:
    for head in HEADS:
        for piece in PIECES:
            with counted() as work, contextlib.suppress(ConnectionStringError):
                parse((head + piece * length)[:length])
            assert work.calls <= 10 * MAX_LENGTH, (head, piece)


@pytest.mark.parametrize("pattern", [connection_string._GAP, connection_string._PAIR], ids=["gap", "pair"])
def test_no_repetition_within_one_step_gives_back_what_it_took(pattern: re.Pattern[str]) -> None:
    """All repetitions are possessive; otherwise a text could be parsed many times."""
    repetitions = re.findall(r"(?<!\()[*+]\+?(?![*+])", re.sub(r"\[[^]]*\]", "x", pattern.pattern))
    assert repetitions and all(one in ("*+", "++") for one in repetitions)


QUOTED = [("Password", "ABC123"), ("UID", "READER4"), ("Database", "SHOP2"), ("Port", "5544"), ("Server", "DB7")]
DOCUMENTED = ["SERVER", "PORT", "DATABASE", "USERNAME", "PASSWORD", "ACCESS_KEY"]


@each("key, value", [*QUOTED, ("Password", "HUNTER2"), ("Password", "A_1"), ("UID", "X")])
def test_braces_that_quote_a_value_are_no_placeholder(key: str, value: str) -> None:
    """Also if the value consists of capitals, digits and underscores (ODBC)."""
    assert connection_string.parse(f"{key}={{{value}}};A=1").get(key) == value


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_placeholder_of_the_documentation_stays_one(name: str) -> None:
    assert connection_string.parse(f"Password={{{name}}}").get("Password") == f"{{{name}}}"


def test_a_source_gets_quoted_values_without_their_braces() -> None:
    text = "Server={DB7};Port={5544};Database={SHOP2};UID={READER4};Password={ABC123}"
    access = Connectors.load().access(by_string(text))
    assert (access.server, access.port, access.database) == ("DB7", "5544", "SHOP2")
    assert (access.username, access.password) == ("READER4", "ABC123")


@pytest.mark.parametrize("written", ["{WRONG1}", "{WRONG_1}", "{4711}"])
def test_a_declared_source_refuses_a_wrong_password_in_braces(tmp_path: Path, written: str) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text(
        "sources:\n  - match: {server: db7}\n    username: reader\n    password: ABC123\n", encoding="utf-8"
    )
    emulator = Emulator(Config(sources=str(file)))
    good, wrong = (
        send(
            emulator, "POST", "/connections", by_string(f"Server=db7;Port=1;Database=d;UID=reader;Password={password}")
        )
        for password in ("{ABC123}", written)
    )
    assert good.status == 201
    assert refused(wrong) == (400, "1100-400", "/auth/params") and "user name or password" in str(wrong.body)
