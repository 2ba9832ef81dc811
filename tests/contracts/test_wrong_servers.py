"""A plainly wrong server gives one finding for its cause; the suite never has trouble of its own, and deletes all."""

import io
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from contracts import registry, requirements
from contracts.broken.wrapping import Asked, GivenAnswer, Right, Wrapped
from contracts.findings.causes import SuiteFinding
from contracts.findings.verdicts import FAILED, NOT_COMPARABLE
from contracts.progress import Progress
from contracts.reports import junit, known_gaps, page, summary, written
from contracts.reports.outcomes import SuiteReport
from contracts.run import Run
from contracts.schema.document import Document
from contracts.secrecy import Mask
from contracts.settings import MADE_UP, Settings
from contracts.stage.expectations import NOWHERE
from contracts.wire import Sent, WsgiTransport
from tests.contracts.few_connectors import right_with_few_connectors

registry.load()
DOCUMENT, ROWS = Document.load(), requirements.load()
LEVELS = requirements.levels(ROWS)
CONNECTIONS = frozenset(o.id for o in DOCUMENT.operations if o.path.split("/")[1] in ("connections", "connectionSpecs"))
KINDS = ("connections", "sourceConnections", "targetConnections", "flows")
SANDBOXES = ("prod", "contract-suite-other")
NUMBERS = itertools.count(1)

Fault = Callable[[Asked, Right], GivenAnswer]


@dataclass
class Judged:
    """A run against a faulty server, and the number of entities left on it."""

    report: SuiteReport
    screen: str
    entities: int

    @property
    def findings(self) -> list[SuiteFinding]:
        return self.report.findings(LEVELS)

    @property
    def everything(self) -> str:
        """The whole output of the run, in every report format."""
        mask, names = Mask(()), [operation.id for operation in DOCUMENT.operations]
        forms = [summary.text(self.report, ROWS, mask, names), page.document(self.report, ROWS, mask, names)]
        programs = written.for_programs(self.report, ROWS, mask, "may")
        return "\n".join((*forms, junit.document(self.report, mask), json.dumps(programs), self.screen))


@cache
def judged(fault: Fault, **settings: Any) -> Judged:
    """The run against a faulty server: one for all tests of the same server and settings."""
    app = right_with_few_connectors()
    chosen = Settings("http://127.0.0.1", MADE_UP, operations=CONNECTIONS, examples=0)
    screen, mask = io.StringIO(), Mask(())
    transport = WsgiTransport(Wrapped(app, fault))
    report = Run(replace(chosen, **settings), DOCUMENT, transport, Progress(screen, mask), mask).go()
    return Judged(report, screen.getvalue(), sum(counts(app)))


def counts(app: Any) -> list[int]:
    found = []
    for kind, sandbox in itertools.product(KINDS, SANDBOXES):
        headers = tuple({**MADE_UP, "x-sandbox-name": sandbox}.items())
        found.append(WsgiTransport(app).send(Sent("GET", f"/{kind}?count=true", headers)).json["count"])
    return found


def creation_is_200(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return replace(given, status=200) if given.status == 201 else given


def every_status_is_one_more(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return replace(given, status=given.status + 1)


def no_location(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked).having("Location", None)


def no_request_id(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked).having("x-request-id", None)


def html(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return replace(given, body=b"<html>").having("Content-Type", "text/html") if asked.method != "HEAD" else given


def null(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return replace(given, body=b"null") if given.body and given.done else given


def empty(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return replace(given, body=b"") if given.done else given


def bare_arrays(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return given.saying(given.items) if given.items else given


def items_of_null(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return given.telling(items=None) if given.items else given


def no_etag_in_receipts(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return given.saying({"id": given.receipt["id"]}) if given.receipt else given


def errors_of_another_shape(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return given if given.done or asked.method == "HEAD" else given.saying({"error": "bad"})


def ids_lead_nowhere(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    if asked.looks_up and asked.path in right.memory:
        absent = right(asked.instead("GET", f"/{asked.kind}/{NOWHERE}"))
        return replace(absent, body=absent.body.replace(NOWHERE.encode(), asked.parts[1].encode()))
    if asked.creates and given.receipt:
        right.memory[f"{asked.path.rstrip('/')}/{given.receipt['id']}"] = True
    return given


def everywhere(value: Any, change: Callable[[str, Any], Any]) -> Any:
    """A JSON value with each member changed."""
    if isinstance(value, dict):
        return {name: change(name, everywhere(inner, change)) for name, inner in value.items()}
    return [everywhere(item, change) for item in value] if isinstance(value, list) else value


def lying(change: Callable[[str, Any], Any]) -> Fault:
    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        return given.saying(everywhere(given.json, change)) if given.done and given.body else given

    return fault


def one_etag(name: str, value: Any) -> Any:
    return '"0a1b2c3d-0000-0200-0000-6387c6b90000"' if name in ("etag", "version") and value != "1.0" else value


def another_etag(name: str, value: Any) -> Any:
    return f'"{next(NUMBERS):08x}-0000-0200-0000-6387c6b90000"' if name == "etag" else value


def number_as_id(name: str, value: Any) -> Any:
    return next(NUMBERS) if name == "id" and isinstance(value, str) and "-" in value else value


def junk_in_lists(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return given.telling(items=[1, None, "x", [], {}]) if given.items else given


def redirects(asked: Asked, right: Right) -> GivenAnswer:
    return GivenAnswer(302, (("Location", "/login"), ("x-request-id", str(next(NUMBERS)))), b"")


def deeply_nested(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return replace(given, body=b"[" * 100_000 + b"]" * 100_000) if given.done and asked.method != "HEAD" else given


def half_a_surrogate_pair(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return replace(given, body=given.body.replace(b'"id":"', b'"id":"\\ud800')) if given.done else given


def finds_nothing(asked: Asked, right: Right) -> GivenAnswer:
    """As `lists_nothing`, in look-ups too: what a stub answers."""
    given = right(asked)
    return given.telling(items=[]) if asked.method == "GET" and given.done and given.items else given


def lists_nothing(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return given.telling(items=[], _links={}) if given.items and asked.kind == "connections" and asked.lists else given


def turning_away(status: int) -> Fault:
    served = itertools.count()

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        if next(served) < 60:
            return right(asked)
        body = json.dumps({"error_code": f"{status}013", "message": "no"}).encode()
        return GivenAnswer(status, (("x-request-id", str(next(NUMBERS))), ("Content-Type", "application/json")), body)

    return fault


def unreadable_location(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return given.having("Location", "http://[::1") if asked.creates else given


def links_of_another_form(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return given.telling(_links="x") if isinstance(given.json, dict) and "_links" in given.json else given


def always_500(asked: Asked, right: Right) -> GivenAnswer:
    return GivenAnswer(500, (("x-request-id", str(next(NUMBERS))),), b"")


def creations_hang(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    if asked.creates and given.done:
        raise TimeoutError(SILENCE)
    return given


def all_hangs(asked: Asked, right: Right) -> GivenAnswer:
    raise TimeoutError(SILENCE)


def no_connection_specs(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked.instead("GET", "/nowhere") if asked.kind == "connectionSpecs" else asked)


def creations_are_forbidden(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked.without("x-api-key") if asked.creates else asked)


SILENCE = "got no response within 10 s"
WRONG: list[tuple[Fault, str, int]] = [
    (creation_is_200, "answer.documented-status", 1),
    (every_status_is_one_more, "answer.documented-status", 1),
    (no_location, "answer.documented-headers", 1),
    (no_request_id, "answer.documented-headers", 1),
    (html, "answer.json", 1),
    (null, "answer.schema", 1),
    (empty, "answer.schema", 1),
    (bare_arrays, "answer.schema", 1),
    (items_of_null, "answer.schema", 1),
    (no_etag_in_receipts, "answer.schema", 1),
    (errors_of_another_shape, "answer.schema", 1),
    (ids_lead_nowhere, "create.location", 1),
    (lying(one_etag), "etag.never-repeated", 2),
    (lying(another_etag), "etag.unchanged", 3),
    (lying(number_as_id), "answer.schema", 1),
    (junk_in_lists, "answer.schema", 2),
    (redirects, "answer.documented-status", 1),
    (deeply_nested, "answer.json", 1),
    (lists_nothing, "list.whole", 1),
    (finds_nothing, "answer.schema", 3),
    (unreadable_location, "create.location", 1),
    (links_of_another_form, "answer.schema", 1),
    (always_500, "answer.no-server-error", 1),
    (creations_hang, "answer.in-time", 1),
    (all_hangs, "answer.in-time", 1),
    (no_connection_specs, "answer.collection-there", 1),
    (creations_are_forbidden, "create.receipt", 1),
]
"""Faulty server, the check that reports its cause first, and the maximum number of findings."""


@pytest.mark.parametrize(("fault", "first", "most"), WRONG, ids=range(len(WRONG)))
def test_one_cause_is_one_finding_and_what_depends_on_it_says_so(fault: Fault, first: str, most: int) -> None:
    found = judged(fault)
    labels = [f"{finding.label}: {finding.first.message}" for finding in found.findings]
    assert first in [finding.first.check for finding in found.findings], labels
    assert len(found.findings) <= most, "\n".join(labels)
    assert (found.report.trouble, found.report.left, found.entities) == ([], [], 0)
    assert "TypeError" not in found.everything and "KeyError" not in found.everything
    hidden = found.report.having(NOT_COMPARABLE)
    assert all(outcome.message.startswith("not comparable, because ") for outcome in hidden)
    assert hidden or found.report.ended or fault is no_request_id


def test_every_creation_that_succeeded_counts_whatever_its_status_and_body() -> None:
    def receipts_come_otherwise(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        if not asked.creates or not given.done:
            return given
        number = next(NUMBERS) % 3
        if number == 0:
            return replace(given, status=202, body=b"")  # the id is in Location
        if number == 1:
            return replace(given.saying({"items": [given.receipt]}), status=200).having("Location", None)
        return replace(given, status=200, body=b"").having("Location", None)  # only the list shows it

    found = judged(receipts_come_otherwise)
    assert found.report.made > 20
    assert (found.report.left, found.entities) == ([], 0)


@pytest.mark.parametrize("status", [401, 429])
def test_a_server_that_turns_everything_away_ends_the_run(status: int) -> None:
    found = judged(turning_away(status))
    assert f"answers {status} to every request: " in found.report.ended and not found.report.trouble
    assert len(found.findings) <= 2, [finding.label for finding in found.findings]


def test_progress_and_summary_have_one_word_for_a_finding() -> None:
    found = judged(no_location)
    words = {line.split()[0] for line in found.screen.splitlines() if "Location" in line}
    finding = found.findings[0]
    assert words == {requirements.WORDS[finding.level(LEVELS)]} or words == {"WARN", "FAIL"}
    last = [line for line in found.screen.splitlines() if "Location" in line][-1]
    assert f"{last.split()[0]}  {finding.label}\n" in summary.text(found.report, ROWS, Mask(()), [])


def test_a_first_baseline_makes_the_next_run_pass(tmp_path: Path) -> None:
    first = judged(creation_is_200)
    file = tmp_path / "gaps.yaml"
    file.write_text(known_gaps.document(first.report, LEVELS, Mask(())), encoding="utf-8")
    from contracts.settings import load

    gaps = load("http://127.0.0.1", environ={}, known_gaps=file).known_gaps
    assert gaps == {finding.first.check for finding in first.findings}
    second = judged(creation_is_200, known_gaps=gaps)
    assert (second.findings, second.report.stale_gaps, second.report.having(FAILED)) == ([], [], [])


@pytest.mark.parametrize("name", requirements.sources())
def test_every_source_is_used_and_explained(name: str) -> None:
    origins = [row.origin for row in ROWS if name in row.source]
    assert origins and all(f"{name} (" in origin for origin in origins)


def test_no_abbreviation_is_left_unexplained() -> None:
    words = {word for row in ROWS for word in re.findall(r"\b[A-Z]{3,}\b", row.source)}
    assert sorted(words - requirements.sources().keys() - {"JSON"}) == []


def test_the_page_begins_with_the_verdict() -> None:
    text = page.document(judged(no_location).report, ROWS, Mask(()), [])
    above = text[: text.index("<h2")]
    assert "Departs from the contract" in above and "1 FAIL" in above
