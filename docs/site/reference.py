"""The reference pages of the site, made from the tables of the code: nothing in them is kept by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
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

_PAGES: dict[str, Callable[[], Iterator[str]]] = {}


def pages() -> dict[str, str]:
    """Each reference page by its name, as Markdown."""
    return {name: "\n".join(page()) + "\n" for name, page in _PAGES.items()}


def _page(name: str) -> Callable[[Callable[[], Iterator[str]]], Callable[[], Iterator[str]]]:
    def register(page: Callable[[], Iterator[str]]) -> Callable[[], Iterator[str]]:
        _PAGES[name] = page
        return page

    return register


@_page("command-line")
def _command_line() -> Iterator[str]:
    yield "# Command line\n\nEvery command with its options, as `--help` prints them.\n"
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
    yield "# HTTP API\n\nEvery emulated operation with its parameters and responses, from `openapi.yaml`. A running"
    yield "server has the same in Swagger UI under `/_mock/docs`, where each can be tried.\n"
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
    yield f"# Rules\n\nThe {len(RULES)} rules that clients are judged by. `mockserver rules ID` prints one.\n"
    for family, rules in itertools.groupby(sorted(RULES.values(), key=lambda row: row.id), key=lambda row: row.family):
        yield f"## {family}\n"
        for row in rules:
            yield f"### `{row.id}`\n\n**{row.level.value}.** {row.title}\n\n{row.explanation}\n"
            yield f"*What to do:* {row.hint}  \n*Source:* {row.source}\n"


@_page("scenarios")
def _scenarios() -> Iterator[str]:
    yield f"# Scenarios\n\nThe {len(SCENARIOS)} situations that `mockserver conformance` puts a client through.\n"
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
    yield "# Faults\n\nWhat a server can be told to do wrong: by the header `x-mock-fault`, `POST /_mock/faults`,"
    yield "`--faults FILE` or pytest.\n"
    rows = [kind.as_json() for kind in FAULTS.values()]
    yield from _table(
        ("fault", "argument", "default", "effect"),
        ((f"`{row['fault']}`", row["argument"] or "", row["default"] or "", row["effect"]) for row in rows),
    )


@_page("quirks")
def _quirks() -> Iterator[str]:
    yield f"# Quirks\n\nAdobe's documents contradict each other in {len(QUIRKS)} places. Each is a switch:"
    yield "`--quirk NAME=VALUE`; the first value is the default.\n"
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
    yield f"# Connectors\n\nThe {len(found)} connection specs and their auth specs. `mockserver explain NAME` prints"
    yield "what is documented and what is assumed of each.\n"
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
    yield "# Errors\n\nThe errors of Flow Service: status, code and title are Adobe's, the texts are ours.\n"
    rows = sorted({(row.status, row.code, row.title, row.message) for row in ERRORS.values()})
    yield from _table(("status", "code", "title", "text"), ((s, f"`FLOW-{c}`", t, m) for s, c, t, m in rows))


@_page("promises")
def _promises() -> Iterator[str]:
    rows = requirements.load()
    yield f"# Promises\n\nThe {len(rows)} promises that `mockserver contract` holds a server to.\n"
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


def _codes(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def cell(value: object) -> str:
    """A value as one cell of a Markdown table."""
    return " ".join(str(value).replace("|", "\\|").replace("<", "&lt;").split())
