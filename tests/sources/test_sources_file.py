"""Tests of sources declared in a file: matching, credentials, and messages for mistakes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mockserver.sources import SourceError, Sources
from mockserver.sources import declared as vocabulary
from mockserver.sources.asked import COMPRESSIONS, FILE_TYPES
from mockserver.sources.columns import TYPES
from mockserver.sources.generators import GENERATORS
from mockserver.sources.source import MATCHABLE
from mockserver.sources.words import VOCABULARY
from mockserver.specs.connectors import Access
from tests.calls import question
from tests.rows import each
from tests.work import counted

EXAMPLE = Path(__file__).parents[2] / "examples" / "sources.yaml"
DATABASE = {"family": "database", "connector": "postgre-sql", "port": "5432"}


def to(server: str | None, database: str | None = "crm", **changes: str) -> Access:
    return Access(**{**DATABASE, "server": server, "database": database, **changes})  # type: ignore[arg-type]


def explore(sources: Sources, access: Access, **query: str) -> Any:
    return sources.explore(access, question(tuple(query.items())))


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
    access = to("events.example.com", "anything")
    with counted() as work:
        answer = explore(example, access, objectType="table", object="public.events", preview="true")
        (table,) = example.objects(access, "public.events")
        window = table.window("updated_at", 1_767_225_600_000, 1_767_225_600_000 + 900_000)
    assert work.calls < 500_000
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


# matching


@each(
    "access, first",
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


def test_a_table_may_have_no_rows_and_a_step_may_be_seconds(declared: Any) -> None:
    columns = "{at: {type: timestamp, timestamps: {step: 90}}, said: {type: text, words: {count: 2}}}"
    text = "sources: [{match: {}, tables: {%s}}]"
    both = f"a: {{columns: {columns}, generate: {{rows: 0}}}}, b: {{columns: {columns}, generate: {{rows: 2}}}}"
    sources = declared(text % both)
    asked = {"objectType": "table", "preview": "true"}
    assert explore(sources, to(None), object="a", **asked)["data"] == []
    first, second = explore(sources, to(None), object="b", **asked)["data"]
    assert (first["at"][11:], second["at"][11:]) == ("00:00:00", "00:01:30")
    assert len(first["said"].split()) == 2


def test_a_label_is_shown_in_place_of_the_name_and_the_path_stays(declared: Any) -> None:
    columns = "{columns: {a: text}, rows: []"
    sources = declared(
        f"sources: [{{match: {{}}, tables: {{contact: {columns}, label: Contacts}}, other: {columns}}}}}}}]"
    )
    listed = explore(sources, to("x"), objectType="root")
    assert [(one["name"], one["path"]) for one in listed] == [("Contacts", "contact"), ("other", "other")]
    assert explore(sources, to("x"), objectType="table", object="contact")["format"] == "flat"


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
