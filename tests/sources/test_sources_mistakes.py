"""Tests that each mistake in a sources file is one line with file, place and expectation."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.sources.declared import read
from tests.rows import each

ONE = "sources: [{match: {server: a}, tables: {t: %s}}]"

MISTAKES = [
    ("[]", "/: expected a mapping, got an empty array"),
    ("", "/: expected a mapping, got null"),
    ("colour: red", "/: expected the members default, sources, got 'colour'"),
    ("default: maybe", "/default: expected one of shop, unreachable"),
    ("sources: {}", "/sources: expected a list, got an object"),
    ("sources: [{}]", "/sources/0: expected the member match"),
    ("sources: [{match: {host: a}}]", "/sources/0/match: expected the members family, connector"),
    ("sources: [{match: {server: [a]}}]", "/sources/0/match/server: expected text (in quotes), got an array of 1 item"),
    ("sources: [{match: {port: 70000}}]", "/sources/0/match/port: expected an integer from 1 to 65535"),
    ("sources: [{match: {}, password: 1234}]", "/sources/0/password: expected text (in quotes), got a number"),
    ("sources: [{match: {}, unreachable: 'no'}]", "/sources/0/unreachable: expected true or false"),
    ("sources: [{match: {}, tables: {1: x}}]", "/sources/0/tables: expected names that are text (in quotes)"),
    (ONE % "{}", "/sources/0/tables/t: expected the member columns"),
    (ONE % "{columns: {}, rows: []}", "/sources/0/tables/t/columns: expected at least one column"),
    (ONE % "{columns: {a: int4}}", "/sources/0/tables/t: expected either rows or generate, got neither"),
    (ONE % "{columns: {a: int4}, rows: [], generate: {rows: 1}}", "expected either rows or generate, got both"),
    (ONE % "{columns: {a: int9}, rows: []}", "/sources/0/tables/t/columns/a: expected a PostgreSQL type: int2"),
    (ONE % "{columns: {a: 2026-01-01}, rows: []}", "/columns/a: expected text (in quotes), got a date"),
    (ONE % "{columns: {a: {type: int4, sequence: 1}}, rows: []}", "expected a type alone where rows are written out"),
    (ONE % "{columns: {a: int4}, rows: [[1, 2]]}", "/rows/0: expected 1 values, one for each column, got 2"),
    (ONE % "{columns: {a: int4}, rows: [[x]]}", "/rows/0/0: expected an integer for a column of type int4"),
    (ONE % "{columns: {a: int2}, rows: [[40000]]}", "/rows/0/0: expected an integer from -32768 to 32767"),
    (ONE % "{columns: {a: int4}, rows: [[true]]}", "/rows/0/0: expected an integer for a column"),
    (ONE % "{columns: {a: text}, rows: [{a: 1}]}", "/rows/0/a: expected text (in quotes) for a column of type text"),
    (ONE % "{columns: {a: timestamp}, rows: [[soon]]}", "/rows/0/0: expected a moment such as 2026-01-31T09:30:00"),
    (ONE % "{columns: {a: float8}, rows: [[.nan]]}", "/rows/0/0: expected a number of at most 1e+300"),
    (ONE % "{columns: {a: float8}, rows: [[1%s]]}" % ("0" * 400), "/rows/0/0: expected a number of at most 1e+300"),
    (ONE % "{columns: {a: date}, rows: [['0001-01-01T00:00:00+09:00']]}", "/rows/0/0: expected a moment such as"),
    (ONE % "{columns: {a: date}, rows: [[2026-13-45]]}", "not YAML: a value does not have the form of its type"),
    (ONE % '{columns: {a: text}, rows: [["\\ud800"]]}', "not YAML"),
    (ONE % "{columns: {a: text}, rows: [{b: x}]}", "/rows/0: expected the members a, got 'b'"),
    (ONE % "{columns: {a: int4}, generate: {}}", "/generate: expected the member rows"),
    (ONE % "{columns: {a: int4}, generate: {rows: -1}}", "/generate/rows: expected an integer from 0 to 1000000000"),
    (ONE % "{columns: {a: int2}, generate: {rows: 40000}}", "/columns/a: expected an integer from -32768 to 32767"),
    (ONE % "{columns: {a: {words: 2}}, generate: {rows: 1}}", "/columns/a: expected the member type"),
    (
        ONE % "{columns: {a: {type: int4, words: 2}}, generate: {rows: 1}}",
        "/columns/a: expected for a column of type int4 one of sequence, number, choice, value, got words",
    ),
    (
        ONE % "{columns: {a: {type: text, words: 2, value: x}}, generate: {rows: 1}}",
        "/columns/a: expected one generator, got words and value",
    ),
    (
        ONE % "{columns: {a: {type: text, words: colours}}, generate: {rows: 1}}",
        "/columns/a/words: expected one of word, first-name",
    ),
    (
        ONE % "{columns: {a: {type: text, text: '{b}'}, b: int4}, generate: {rows: 1}}",
        "/columns/a/text: expected braces around row or a column further up, got {b}",
    ),
    (
        ONE % "{columns: {a: {type: timestamp, timestamps: {step: 1 week}}}, generate: {rows: 1}}",
        "/columns/a/timestamps/step: expected seconds or a duration such as 90s",
    ),
    (
        ONE % "{columns: {a: {type: date, timestamps: {step: 9999d}}}, generate: {rows: 1000000}}",
        "/columns/a/timestamps: expected a series that ends before the year 10000",
    ),
    (
        ONE % "{columns: {a: {type: int4, number: {min: 5, max: 1}}}, generate: {rows: 1}}",
        "/columns/a/number/max: expected a number from 5 to",
    ),
    (
        ONE % "{columns: {a: {type: int4, choice: []}}, generate: {rows: 1}}",
        "/columns/a/choice: expected at least one value",
    ),
    (
        ONE % "{columns: {a: {type: text, choice: {x: 0}}}, generate: {rows: 1}}",
        "/columns/a/choice/x: expected an integer from 1 to",
    ),
    (
        ONE % "{columns: {a: {type: int4, nulls: 2}}, generate: {rows: 1}}",
        "/columns/a/nulls: expected a number from 0 to 1",
    ),
    (
        ONE % "{columns: {a: {type: int4, number: {decimals: 1}}}, generate: {rows: 1}}",
        "/columns/a/number/decimals: expected 0 for an integer column",
    ),
    (
        ONE % "{columns: {a: {type: text, words: {of: []}}}, generate: {rows: 1}}",
        "/columns/a/words/of: expected at least one word",
    ),
    (
        ONE % "{columns: {a: {type: uuid, uuid: false}}, generate: {rows: 1}}",
        "/columns/a/uuid: expected true",
    ),
    (
        ONE % "{columns: {a: {type: timestamp, timestamps: {start: soon}}}, generate: {rows: 1}}",
        "/columns/a/timestamps/start: expected a moment such as",
    ),
    (
        ONE % "{columns: {a: {type: timestamp, timestamps: {step: 0}}}, generate: {rows: 1}}",
        "/columns/a/timestamps/step: expected an integer from 1",
    ),
    ("sources: [{match: {}, files: {/a.csv: {}}}]", "/sources/0/files/~1a.csv: expected the member table"),
    ("sources: [{match: {}, files: {/a.csv: {table: t}}}]", "/files/~1a.csv/table: expected"),
    (
        "sources: [{match: {}, files: {/: {table: {columns: {a: text}, rows: []}}}}]",
        "/files/~1: expected a path that names a file",
    ),
    (
        "sources: [{match: {}, files: {/a: {delimiter: ';;', table: {columns: {a: text}, rows: []}}}}]",
        "/files/~1a/delimiter: expected one character",
    ),
    ("sources: [{match: {}, runs: [{}]}]", "/sources/0/runs/0: expected the member status"),
    ("sources: [{match: {}, runs: [{status: late}]}]", "/runs/0/status: expected one of failed, partial"),
    (
        "sources: [{match: {}, tables: {t: {columns: {a: text}, rows: []}}, runs: [{status: failed, object: u}]}]",
        "/runs/0/object: expected one of *, t",
    ),
    ("sources: [{match: {}, runs: [{status: failed, numbers: [0]}]}]", "/runs/0/numbers/0: expected an integer from 1"),
    ("sources: [{match: {}, runs: [{status: failed, rows: 0.1}]}]", "/runs/0/rows: expected a share of rows for"),
    ("sources: [\n", "is not YAML, see line 2: "),
    ("a: 1\na: 2", "is not YAML, see line 2: 'a' occurs twice"),
    ("!!python/object/apply:os.system [id]", "not YAML"),
    ("sources: " + "[" * 5000, "not YAML"),
]


@each("text, says", MISTAKES)
def test_a_mistake_is_one_line_with_file_place_and_expectation(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError) as caught:
        read(str(file))
    message = str(caught.value)
    assert message.startswith(f"{file}: ") and says in message and "\n" not in message, message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for file, content in ((tmp_path / "none.yaml", None), (tmp_path, None), (tmp_path / "odd.yaml", b"\xff\xfe\xfd")):
        if content:
            file.write_bytes(content)
        with pytest.raises(ValueError, match=file.name):
            read(str(file))


def test_a_file_too_large_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_bytes(b"#" * (4 * 1_048_576 + 1))
    with pytest.raises(ValueError, match="larger than"):
        read(str(file))


def test_neither_a_mistake_nor_a_repr_shows_the_password(tmp_path: Path) -> None:
    file = tmp_path / "secret.yaml"
    file.write_text("sources: [{match: {}, password: [sesame]}]", encoding="utf-8")
    with pytest.raises(ValueError) as caught:
        read(str(file))
    assert "sesame" not in str(caught.value)
    file.write_text("sources: [{match: {}, password: sesame}]", encoding="utf-8")
    assert "sesame" not in repr(read(str(file)))
