"""Generates the reference pages from the tables of the code."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from contracts import requirements
from mockserver.cli import main
from mockserver.conformance import RULES
from mockserver.contract import load_document
from mockserver.errors import ERRORS
from mockserver.faults import FAULTS
from mockserver.quirks import QUIRKS
from mockserver.scenarios import SCENARIOS
from mockserver.specs.connectors import Connectors

FOLDER = "docs/reference"
CHECKED_IN = ("faults", "rules", "scenarios")
"""Pages that readers of the repository need; `make reference` writes them. The others exist only on the site."""

_PAGES: dict[str, Callable[[], Iterator[str]]] = {}


def pages() -> dict[str, str]:
    """Return each reference page by its name, as Markdown."""
    return {name: "\n".join(page()).rstrip() + "\n" for name, page in _PAGES.items()}


def write(folder: Path, names: Iterable[str]) -> None:
    """Write these pages to a folder."""
    texts = pages()
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.md").write_text(texts[name], encoding="utf-8")


def _page(name: str) -> Callable[[Callable[[], Iterator[str]]], Callable[[], Iterator[str]]]:
    def register(page: Callable[[], Iterator[str]]) -> Callable[[], Iterator[str]]:
        _PAGES[name] = page
        return page

    return register


@_page("command-line")
def _command_line() -> Iterator[str]:
    yield "# Command line\n\nLook up a command and its options, as printed by `--help`.\n"
    yield from _help(main, click.Context(main, info_name="mockserver", max_content_width=100))
    for name, command in sorted(main.commands.items()):
        yield f"\n## mockserver {name}\n"
        parent = click.Context(main, info_name="mockserver", max_content_width=100)
        yield from _help(command, click.Context(command, info_name=name, parent=parent))


def _help(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"```text\n{command.get_help(context)}\n```"


@_page("http-api")
def _http_api() -> Iterator[str]:
    document = load_document()
    yield "# HTTP API\n\nLook up an emulated operation with its parameters and responses, from `openapi.yaml`. A"
    yield "running server shows the same in Swagger UI at `/_mock/docs`, which can send requests.\n"
    for tag, group in itertools.groupby(_operations(document), key=lambda row: row[2].get("tags", ["Other"])[0]):
        yield f"## {tag}\n"
        for method, path, operation in group:
            yield from _operation(document, method, path, operation)


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    rows = [
        (method.upper(), path, {**operation, "shared": methods.get("parameters", [])})
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if isinstance(operation, dict) and "operationId" in operation
    ]
    order = list(dict.fromkeys(row[2].get("tags", ["Other"])[0] for row in rows))
    return sorted(rows, key=lambda row: order.index(row[2].get("tags", ["Other"])[0]))


def _operation(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"### {operation['operationId']}\n\n`{method} {path}`: {operation['summary']}\n"
    if text := operation.get("description"):
        yield f"{text}\n"
    parameters = [_resolved(document, row) for row in [*operation["shared"], *operation.get("parameters", [])]]
    if rows := [row for row in parameters if row["in"] != "header"]:
        yield from _table(
            ("parameter", "in", "required", "meaning"),
            (
                (f"`{row['name']}`", row["in"], "yes" if row.get("required") else "", row.get("description", ""))
                for row in rows
            ),
        )
    yield from _table(
        ("status", "meaning"),
        ((status, _resolved(document, row).get("description", "")) for status, row in operation["responses"].items()),
    )


def _resolved(document: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = row
    if reference := row.get("$ref"):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    return found


@_page("rules")
def _rules() -> Iterator[str]:
    yield f"# Rules\n\nLook up what a rule means and what to do. There are {len(RULES)} rules. `mockserver rules ID`"
    yield "prints one.\n"
    for family, rules in itertools.groupby(sorted(RULES.values(), key=lambda row: row.id), key=lambda row: row.family):
        yield f"## {family}\n"
        for row in rules:
            yield f"### `{row.id}`\n\n**{row.level.value}.** {row.title}\n\n{row.explanation}\n"
            yield f"*What to do:* {row.hint}  \n*Source:* {row.source}\n"


@_page("scenarios")
def _scenarios() -> Iterator[str]:
    yield "# Scenarios\n\nLook up what happens in a scenario and how `mockserver conformance` judges the client."
    yield f"There are {len(SCENARIOS)} scenarios.\n"
    for scenario in SCENARIOS.values():
        row = scenario.as_json()
        yield f"## `{row['id']}`\n\n{row['title']}\n"
        yield from _table(
            ("", ""),
            [(key, row[key]) for key in ("happens", "judged")]
            + [("what to do", row["hint"]), ("source", row["source"])],
        )


@_page("faults")
def _faults() -> Iterator[str]:
    yield "# Faults\n\nLook up a fault that you can request by the header `x-mock-fault`, `POST /_mock/faults`,"
    yield "`--faults FILE` or in pytest.\n"
    rows = [kind.as_json() for kind in FAULTS.values()]
    yield from _table(
        ("fault", "argument", "default", "effect"),
        ((f"`{row['fault']}`", row["argument"] or "", row["default"] or "", row["effect"]) for row in rows),
    )


@_page("quirks")
def _quirks() -> Iterator[str]:
    yield "# Quirks\n\nChoose the behaviour where Adobe's documents contradict each other, by `--quirk NAME=VALUE`."
    yield f"There are {len(QUIRKS)} quirks; the first value is the default.\n"
    yield from _table(
        ("quirk", "values", "question", "sources"),
        (
            (f"`{row.name}`", ", ".join(f"`{v}`" for v in row.values), row.question, row.sources)
            for row in QUIRKS.values()
        ),
    )


@_page("connectors")
def _connectors() -> Iterator[str]:
    found = sorted(Connectors.load("azure").all(), key=lambda one: (one.category, one.label))
    yield f"# Connectors\n\nLook up the id and the auth specs of a connection spec. There are {len(found)} of them."
    yield "`mockserver explain NAME` prints what is documented and what is assumed.\n"
    for category, group in itertools.groupby(found, key=lambda one: one.category):
        yield f"## {category}\n"
        yield from _table(
            ("label", "id", "auth specs"),
            (
                (one.label, f"`{one.id}`", ", ".join(auth["name"] for auth in one.describe()["authSpec"]))
                for one in group
            ),
        )


@_page("errors")
def _errors() -> Iterator[str]:
    yield "# Errors\n\nLook up an error of Flow Service. Status, code and title are Adobe's, the texts are ours.\n"
    rows = sorted({(row.status, row.code, row.title, row.message) for row in ERRORS.values()})
    yield from _table(("status", "code", "title", "text"), ((s, f"`FLOW-{c}`", t, m) for s, c, t, m in rows))


@_page("promises")
def _promises() -> Iterator[str]:
    rows = requirements.load()
    yield f"# Promises\n\nLook up what `mockserver contract` checks: {len(rows)} promises with level and source.\n"
    yield from _table(
        ("promise", "level", "text", "source"),
        ((f"`{row.id}`", row.level, row.text, row.origin) for row in rows),
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    titles = list(head)
    yield "| " + " | ".join(titles) + " |"
    yield "|" + "---|" * len(titles)
    for row in rows:
        yield "| " + " | ".join(cell(value) for value in row) + " |"
    yield ""


def cell(value: object) -> str:
    """Return a value as one cell of a Markdown table."""
    return " ".join(str(value).replace("|", "\\|").replace("<", "&lt;").split())
