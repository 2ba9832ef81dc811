"""Tests that the responses to each page's exchanges are as printed, or the file says why not."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any

from jsonschema import Draft202012Validator

from mockserver.conformance import evaluate
from mockserver.conformance.findings import Finding, Level
from mockserver.contract import Contract
from mockserver.evidence.samples import departures, emulator_of, pages, replay
from mockserver.quirks import Quirks
from tests.rows import each

PAGES = pages()
ANY_PAGE = each("name", PAGES)

TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "object", "additionalProperties": TEXT}
EXCHANGE = {
    "type": "object",
    "required": ["id", "operation", "aspect", "request", "expect"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z0-9-]+$"},
        "operation": TEXT,
        "aspect": TEXT,
        "setup": {"const": True},
        "after": {"type": "integer", "minimum": 1},
        "request": {
            "type": "object",
            "required": ["method", "path"],
            "additionalProperties": False,
            "properties": {
                "method": {"enum": ["GET", "POST", "PUT", "PATCH", "DELETE"]},
                "path": {"type": "string", "pattern": "^/"},
                "headers": TEXTS,
                "without": {"type": "array", "items": TEXT},
                "body": True,
            },
        },
        "expect": {
            "type": "object",
            "required": ["status"],
            "additionalProperties": False,
            "properties": {"status": {"type": "integer"}, "body": True},
        },
        "capture": TEXTS,
        "quirks": TEXTS,
        "differs": TEXT,
    },
}
FORM = {
    "type": "object",
    "required": ["page", "source", "read", "exchanges"],
    "additionalProperties": False,
    "properties": {
        "page": TEXT,
        "source": TEXT,
        "commit": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
        "read": {"type": "string", "pattern": "^20[0-9]{2}-[0-9]{2}-[0-9]{2}$"},
        "quirks": TEXTS,
        "settings": {"type": "object"},
        "exchanges": {"type": "array", "minItems": 1, "items": EXCHANGE},
    },
}


@functools.cache
def replayed(name: str) -> tuple[list[tuple[Any, Any]], list[Finding]]:
    """The exchanges of a page with the differences of their responses, and the findings about their requests."""
    emulator = emulator_of(PAGES[name])
    exchanges = list(replay(PAGES[name], emulator))
    return exchanges, list(evaluate(emulator.journal.entries(), emulator.contract).findings)


@ANY_PAGE
def test_a_file_has_the_form_of_the_readme(name: str) -> None:
    page = PAGES[name]
    assert not [f"{error.json_path}: {error.message}" for error in Draft202012Validator(FORM).iter_errors(page)]
    repeated = [key for key, count in Counter(exchange["id"] for exchange in page["exchanges"]).items() if count > 1]
    assert not repeated
    unknown = {exchange["operation"] for exchange in page["exchanges"]} - Contract.load().operations.keys()
    assert not unknown
    Quirks(page.get("quirks", {}))
    for exchange in page["exchanges"]:
        Quirks(exchange.get("quirks", {}))


@ANY_PAGE
def test_the_answers_are_the_printed_ones_unless_the_file_says_why_not(name: str) -> None:
    wrong, told = [], []
    for exchange, found in replayed(name)[0]:
        if found and "differs" not in exchange:
            wrong.append((exchange["id"], found))
        if not found and "differs" in exchange:
            told.append(exchange["id"])
    assert not wrong, wrong
    assert not told, f"no longer different: {told}"


OF_ANY_SAMPLE = frozenset({
    *("header.sample", "payload.placeholder", "payload.unfilled"),  # they contain placeholders
    *("lifecycle.duplicate-name", "lifecycle.never-deleted", "lifecycle.draft-left"),  # each stands for itself
})  # fmt: skip
DOUBTFUL = {
    # pages that other pages contradict
    "header.sandbox-missing": {"destinations-batch", "destinations-streaming", "sources-labels"},
    "lifecycle.other-connector": {
        *("sources-create-linkedin-ads", "sources-create-pinterest-ads"),
        *("sources-create-sugarcrm-accounts-contacts", "sources-create-sugarcrm-events"),
    },
    "payload.on-lookup": {"sources-private-link"},
    "update.params-lost": {"document-destinations", "sources-update"},  # they print what is lost
    # what the page shows on purpose
    "payload.event": {"streaming-multiple-messages"},
}
"""Rule -> pages whose accepted samples break it."""


@ANY_PAGE
def test_the_judge_finds_no_fault_with_a_sample_that_is_accepted(name: str) -> None:
    exchanges, judged = replayed(name)
    accepted = [one["expect"]["status"] < 400 and "differs" not in one for one, _ in exchanges]
    findings = [
        finding
        for finding in judged
        if finding.level is not Level.INFO
        and finding.rule not in OF_ANY_SAMPLE
        and any(accepted[number - 1] for number in finding.calls)
    ]
    known = {rule for rule, named in DOUBTFUL.items() if name in named}
    assert {finding.rule for finding in findings} == known, findings


# the comparison itself, by kind of difference
@each(
    "printed, came, count",
    [
        ({"a": 1}, {"a": 1, "b": 2}, 0),
        ({"a": 1}, {"a": 2}, 1),
        ({"a": 1}, {}, 1),
        ({"a": 1}, [1], 1),
        ([1, 2], [1], 1),
        ([1], [1, 2], 1),
        ([1, "..."], [1, 2], 0),
        ("<uuid>", "226fb2e1-db69-4760-b67e-9e671e05abfc", 0),
        ("<uuid>", "226fb2e1", 1),
        ("<ms>", 1667225600000, 0),
        ("<ms>", "1667225600000", 1),
        ("<any>", None, 0),
        (True, 1, 1),
        (1.0, 1, 0),
    ],
)
def test_a_departure_is_seen(printed: Any, came: Any, count: int) -> None:
    assert len(list(departures(printed, came, ""))) == count
