"""Replays `contracts/examples/`, one check per file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from contracts.findings.verdicts import Broken
from contracts.registry import check
from contracts.stage import Stage
from contracts.stage.excerpts import excerpt
from contracts.stage.kinds import POSTGRESQL
from contracts.yaml_input import parse_yaml

FOLDER = Path(__file__).parent.parent / "examples"

KINDS: Mapping[str, Callable[[Any], bool]] = {
    "<uuid>": lambda came: (
        isinstance(came, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", came) is not None
    ),
    "<etag>": lambda came: isinstance(came, str) and re.fullmatch(r'"[0-9a-f-]{36}"', came) is not None,
    "<milliseconds>": lambda came: type(came) is int and 10**12 <= came < 10**13,
    "<text>": lambda came: isinstance(came, str) and came != "",
}
"""Text in angle brackets -> the values that it matches."""


def rows(path: Path) -> list[dict[str, Any]]:
    """The examples of one file."""
    return list(parse_yaml(path.read_text(encoding="utf-8")))


def replay(stage: Stage, row: Mapping[str, Any]) -> str | None:
    """Send the request of an example; returns how the response differs, or None."""
    request, expected = row["request"], row["expect"]
    if row.get("cloud") == "azure" and not _takes_connection_strings(stage):
        return None
    made = stage.make("connections") if row.get("given") == "connection" else None
    known = {"{id}": made.id, "{etag}": made.etag} if made else {}
    headers = {
        name: value if value is None else _filled(value, known) for name, value in request.get("headers", {}).items()
    }
    target = _filled(request["path"], known)
    body = request.get("body")
    if isinstance(body, dict) and isinstance(body.get("name"), str):
        body = {**body, "name": stage.marked(body["name"])}
    if isinstance(body, list):
        body = [{**op, "value": stage.marked(op["value"])} if op["path"] == "/name" else op for op in body]
    answer = stage.call(request["method"], target, body, headers=headers)
    if answer.status != expected["status"]:
        return f"answered {answer.status}, expected {expected['status']}: {excerpt(answer, 150)}"
    return _difference(answer.json, expected.get("body"), "") if "body" in expected else None


def _takes_connection_strings(stage: Stage) -> bool:
    """Whether the server has Azure's auth spec for connection strings, which AWS lacks."""
    spec = stage.call("GET", f"/connectionSpecs/{POSTGRESQL}").json["items"][0]
    return "Connection String Based Authentication" in [auth["name"] for auth in spec["authSpec"]]


def _difference(came: Any, expected: Any, place: str) -> str | None:
    """The first difference between a response and the expected members."""
    if isinstance(expected, str) and expected in KINDS:
        return None if KINDS[expected](came) else f"{place or '/'} is {came!r}, expected {expected}"
    if isinstance(expected, dict) and isinstance(came, dict):
        steps = [(came.get(name), value, f"{place}/{name}") for name, value in expected.items()]
    elif isinstance(expected, list) and isinstance(came, list) and len(came) >= len(expected):
        steps = [(came[index], value, f"{place}/{index}") for index, value in enumerate(expected)]
    else:
        return None if came == expected else f"{place or '/'} is {str(came)[:100]!r}, expected {expected!r}"
    return next((found for step in steps if (found := _difference(*step))), None)


def _filled(text: str, known: Mapping[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(name, value)
    return text


def _check(path: Path) -> None:
    @check(f"example.{path.stem}", operations=("createConnection", "listConnections"))
    def replays_the_examples_of_a_file(stage: Stage) -> None:
        """Each request of the file gets its expected response."""
        wrong = [
            (
                _told(row, found),
                stage.root_cause(misread=True, refusal=True) or stage.departing(found),
                stage.record[-1],
                row.get("rule", ""),
            )
            for row in rows(path)
            if (found := replay(stage, row))
        ]
        if wrong:
            shown = [row for row in wrong if not row[1]] or wrong
            message, (_, cause, answer, rule) = "; ".join(row[0] for row in shown), shown[0]
            raise Broken(message, cause, answer=answer, settled=True, rule=rule)


def _told(row: Mapping[str, Any], found: str) -> str:
    return f"{row['name']} ({row['provenance']}): {found}"


for _path in sorted(FOLDER.glob("*.yaml")):
    _check(_path)
