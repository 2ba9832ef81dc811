"""Sources declared in a file: whom a connection reaches, what is let in, and how mistakes are named."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from mockserver.connectors import Access
from mockserver.sources import ExploreRequest, SourceError, Sources
from mockserver.sources import declared as vocabulary
from mockserver.sources.asked import COMPRESSIONS, FILE_TYPES
from mockserver.sources.columns import TYPES
from mockserver.sources.declared import read
from mockserver.sources.generators import GENERATORS
from mockserver.sources.source import MATCHABLE
from mockserver.sources.words import VOCABULARY

EXAMPLE = Path(__file__).parents[2] / "examples" / "sources.yaml"
DATABASE = {"family": "database", "connector": "postgre-sql", "port": "5432"}


def to(server: str | None, database: str | None = "crm", **changes: str) -> Access:
    return Access(**{**DATABASE, "server": server, "database": database, **changes})  # type: ignore[arg-type]


def explore(sources: Sources, access: Access, **query: str) -> Any:
    return sources.explore(access, ExploreRequest.parse(tuple(query.items())))


def tables(sources: Sources, access: Access) -> list[str]:
    return [item["name"] for item in explore(sources, access, objectType="root")]


@pytest.fixture(scope="module")
def example() -> Sources:
    return Sources.load(str(EXAMPLE))


@pytest.fixture
def declared(tmp_path: Path) -> Any:
    """Sources from a text."""

    def load(text: str) -> Sources:
        file = tmp_path / "sources.yaml"
        file.write_text(text, encoding="utf-8")
        return Sources.load(str(file))

    return load


# the documented example


def test_rows_written_out_come_back_as_json_values(example: Sources) -> None:
    crm = to("crm.example.com")
    assert tables(example, crm) == ["public.accounts"]
    data = explore(example, crm, objectType="table", object="public.accounts", preview="true")["data"]
    assert data == [
        {
            "id": 1,
            "name": "Acme",
            "active": True,
            "balance": 1200.5,
            "since": "2024-02-29",
            "updated_at": "2026-01-01T09:30:00",
        },
        {
            "id": 2,
            "name": "Birch",
            "active": False,
            "balance": None,
            "since": "2025-07-01",
            "updated_at": "2026-01-02T11:00:00",
        },
        {
            "id": 3,
            "name": "Copperline",
            "active": None,
            "balance": None,
            "since": None,
            "updated_at": "2026-01-03T08:15:00",
        },
    ]


def test_a_million_rows_cost_nothing_until_they_are_read(example: Sources) -> None:
    began = time.process_time()
    access = to("events.example.com", "anything")
    answer = explore(example, access, objectType="table", object="public.events", preview="true")
    (table,) = example.objects(access, "public.events")
    window = table.window("updated_at", 1_767_225_600_000, 1_767_225_600_000 + 900_000)
    assert time.process_time() - began < 0.5
    assert len(answer["data"]) == 100 and table.row_count == 1_000_000
    assert window.rows == 10  # one each 90 s


def test_generators_do_as_the_example_says(example: Sources) -> None:
    access = to("events.example.com", "anything")
    rows = explore(example, access, objectType="table", object="public.events", preview="true")["data"]
    assert [row["id"] for row in rows[:3]] == [1000, 1001, 1002]
    assert {row["kind"] for row in rows} == {"view", "click", "buy"}
    assert all(row["page"] == f"/{row['kind']}/{at}" for at, row in enumerate(rows, 1))
    assert all(1 <= row["amount"] <= 500 and row["channel"] == "web" for row in rows)
    assert 20 < sum(row["note"] is None for row in rows) < 60
    assert all(len(row["session"]) == 36 for row in rows)
    moments = [row["updated_at"] for row in rows]
    assert moments == sorted(moments) and moments[0] >= "2026-01-01T00:00:00"


def test_declared_runs_are_kept_for_flow_runs(example: Sources) -> None:
    access = to("events.example.com", "anything")
    assert [example.outcome(access, "public.events", number) is None for number in (1, 2, 6)] == [True] * 3
    third, fourth = (example.outcome(access, "public.events", number) for number in (3, 4))
    assert third and (third.status, third.message, third.failing(50)) == ("failed", "The source went away.", 50)
    assert fourth and (fourth.status, fourth.code, fourth.failing(1000)) == ("partial", "MAPPER-3700-400", 20)
    assert (fourth.failing(1), fourth.failing(0)) == (1, 0)
    assert example.outcome(to("crm.example.com"), "public.accounts", 3) is None


def test_files_are_declared_by_path(example: Sources) -> None:
    storage = Access("storage", "sftp", "files.example.com")
    assert [item["path"] for item in explore(example, storage, objectType="root")] == ["/hello.csv", "/drop/"]
    asked = {"objectType": "file", "object": "/drop/people.csv", "fileType": "delimited", "preview": "true"}
    first = explore(example, storage, columnDelimiter=";", **asked)["data"][0]
    assert first == {"id": "1", "email": "person1@example.com", "updated_at": "2026-01-01T00:00:00"}
    assert len(example.objects(storage, "/drop")) == 4


# who reaches what


@pytest.mark.parametrize(
    ("access", "first"),
    [
        (to("crm.example.com"), "public.accounts"),
        (to("CRM.Example.com"), "public.accounts"),
        (to("crm.example.com", "CRM"), "public.customers"),
        (to("crm.example.com", "other"), "public.customers"),
        (to("events.example.com", "x"), "public.events"),
        (to("events.example.com", None), "public.events"),
        (to("db.example.com"), "public.customers"),
        (to(None, None), "public.customers"),
        (to("{SERVER}"), "public.customers"),
        (to("events.example.com", "{DATABASE}"), "public.customers"),
    ],
)
def test_a_connection_reaches_the_first_source_that_fits_or_the_shop(
    example: Sources, access: Access, first: str
) -> None:
    assert tables(example, access)[0] == first


@pytest.mark.parametrize(
    ("username", "password", "accepted"),
    [
        ("reader", "example-password", True),
        ("reader", "wrong", False),
        ("Reader", "example-password", False),
        ("reader", "\ud800", False),
        ("{USERNAME}", "{PASSWORD}", True),
        ("reader", None, True),
        (None, None, True),
    ],
)
def test_declared_credentials_are_demanded_but_of_placeholders_and_drafts(
    example: Sources, username: str | None, password: str | None, accepted: bool
) -> None:
    access = Access("database", "postgre-sql", "crm.example.com", "5432", "crm", username, password)
    if accepted:
        example.check(access)
        return
    for attempt in (example.check, example.configs, lambda access: tables(example, access)):
        with pytest.raises(SourceError) as caught:
            attempt(access)
        assert caught.value.code == "1100-400"
        assert "user name or password" in caught.value.message and "example-password" not in caught.value.message


def test_a_source_out_of_reach_fails_everywhere(example: Sources) -> None:
    access = to("down.example.com")
    for attempt in (example.check, example.configs, lambda access: example.objects(access, "public.orders")):
        with pytest.raises(SourceError, match="rejected") as caught:
            attempt(access)
        assert "cannot be reached" in caught.value.message


def test_the_default_can_be_that_nothing_answers(declared: Any) -> None:
    sources = declared("default: unreachable\nsources:\n  - match: {server: a}\n")
    with pytest.raises(SourceError):
        sources.check(to("b"))
    sources.check(to("a"))
    sources.check(to("{SERVER}"))


def test_a_source_without_data_of_its_own_holds_the_shops(declared: Any) -> None:
    sources = declared("sources:\n  - match: {server: a}\n    username: reader\n")
    assert tables(sources, to("a", username="reader"))[0] == "public.customers"
    with pytest.raises(SourceError):
        tables(sources, to("a", username="writer"))


def test_the_order_of_the_file_decides(declared: Any) -> None:
    table = "{columns: {id: int4}, rows: []}"
    sources = declared(
        f"sources:\n  - match: {{server: a, port: 5433}}\n    tables: {{first: {table}}}\n"
        f"  - match: {{server: '*'}}\n    tables: {{second: {table}}}\n"
    )
    assert tables(sources, to("a", port="5433")) == ["first"]
    assert tables(sources, to("a")) == ["second"]


# generators


def test_the_seed_decides_the_rows(declared: Any) -> None:
    def row(seed: int) -> Any:
        text = f"{{generate: {{rows: 3, seed: {seed}}}, columns: {{a: float8, b: text, c: uuid}}}}"
        sources = declared(f"sources:\n  - match: {{server: a}}\n    tables: {{t: {text}}}\n")
        return explore(sources, to("a"), objectType="table", object="t", preview="true")["data"]

    assert row(1) == row(1) != row(2)


def test_every_type_has_a_generator_of_its_own(declared: Any) -> None:
    columns = "{a: int2, b: int8, c: numeric, d: boolean, e: timestamp, f: date, g: text, h: uuid, i: jsonb}"
    sources = declared(f"sources:\n  - match: {{}}\n    tables: {{t: {{generate: {{rows: 2}}, columns: {columns}}}}}\n")
    first, second = explore(sources, to("a"), objectType="table", object="t", preview="true")["data"]
    assert (first["a"], second["b"], first["e"], second["f"]) == (1, 2, "2026-01-01T00:00:00", "2026-01-02")
    assert all(value is not None for value in [*first.values(), *second.values()])


def test_the_example_shows_every_word_of_the_vocabulary() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    words = [
        *vocabulary.SOURCE,
        *vocabulary.TABLE,
        *vocabulary.FILE,
        *vocabulary.RUN,
        *GENERATORS,
        *MATCHABLE,
        *VOCABULARY,
    ]
    values = [*FILE_TYPES, *COMPRESSIONS, *TYPES, "shop", "unreachable", "failed", "partial", "nulls", "jitter", "seed"]
    assert [word for word in (*words, *values) if not re.search(rf"\b{word}\b", text)] == []


# mistakes


ONE = "sources: [{match: {server: a}, tables: {t: %s}}]"

MISTAKES = [
    ("[]", "/: expected a mapping, got an array of 0"),
    ("", "/: expected a mapping, got null"),
    ("colour: red", "/: expected the members default, sources, got 'colour'"),
    ("default: maybe", "/default: expected one of shop, unreachable"),
    ("sources: {}", "/sources: expected a list, got an object"),
    ("sources: [{}]", "/sources/0: expected the member match"),
    ("sources: [{match: {host: a}}]", "/sources/0/match: expected the members family, connector"),
    ("sources: [{match: {server: [a]}}]", "/sources/0/match/server: expected text (in quotes), got an array of 1"),
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
    (ONE % "{columns: {a: date}, rows: [[2026-13-45]]}", "not YAML: a value that cannot be read"),
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
    ("sources: [\n", "line 2: not YAML"),
    ("a: 1\na: 2", "line 2: not YAML: 'a' is there twice"),
    ("!!python/object/apply:os.system [id]", "not YAML"),
    ("sources: " + "[" * 5000, "not YAML"),
]


@pytest.mark.parametrize(("text", "says"), MISTAKES, ids=[says[:60] for _, says in MISTAKES])
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
