"""Tests that what a tool left out, masked, or a network lost, is no difference."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mockserver.contract import Contract
from mockserver.recordings.recording import Recording
from tests.comparison.sessions import earlier, named, together
from tests.comparison.test_consequences import compared, findings
from tests.comparison.test_sessions import recorded
from tests.recordings.story import as_har

Entries = list[dict[str, Any]]
SESSIONS = [
    "a-new-source-on-a-base-never-shown",
    "a-new-flow-on-ends-never-shown",
    "a-connection-used-as-it-was",
    "a-source-whose-base-is-never-shown",
    "entities-in-use-by-others-never-shown",
    "lists-before-anything",
    "a-page-whose-cursor-is-from-before",
    "only-a-part-of-the-entities-is-shown",
    "another-client-works-between",
    "a-creation-that-timed-out",
    "a-second-session-on-top-of-the-first",
    "entities-of-the-neighbours",
]
assert all(module.session for module in (earlier, named, together))


def responses_without_body(entries: Entries, chance: random.Random) -> None:
    for entry in entries:
        if chance.random() < 0.4:
            entry["response"]["content"] = {"size": 100, "mimeType": "application/json"}


def requests_without_body(entries: Entries, chance: random.Random) -> None:
    for entry in entries:
        if "postData" in entry["request"] and chance.random() < 0.4:
            entry["request"]["postData"] = {"mimeType": "application/json", "params": []}


def confirmed_by_a_cache(entries: Entries, chance: random.Random) -> None:
    for entry in entries:
        if entry["request"]["method"] == "GET" and chance.random() < 0.3:
            entry["response"] |= {"status": 304, "content": {"size": 0}}


def variables_in_headers_and_no_time(entries: Entries, chance: random.Random) -> None:
    for entry in entries:
        del entry["startedDateTime"]
        for header in entry["request"]["headers"]:
            if header["name"] in ("authorization", "x-api-key", "x-gw-ims-org-id"):
                header["value"] = f"{{{{{header['name']}}}}}"


def redacted_headers(entries: Entries, chance: random.Random) -> None:
    for entry in entries:
        for header in entry["request"]["headers"]:
            if header["name"].startswith(("authorization", "x-")):
                header["value"] = "REDACTED"


def masked_names(entries: Entries, chance: random.Random) -> None:
    for entry in entries:
        if "postData" in entry["request"] and chance.random() < 0.5:
            text = entry["request"]["postData"]["text"]
            entry["request"]["postData"]["text"] = re.sub(r'"name": "[^"]*"', '"name": "***"', text)


def lost_responses(entries: Entries, chance: random.Random) -> None:
    for entry in entries:
        if chance.random() < 0.25:
            entry["response"] = {"status": 0, "headers": [], "content": {"size": 0}}


def retries(entries: Entries, chance: random.Random) -> None:
    """Each request may be refused half a second before, by a limit, an expired token or a gateway."""
    before = []
    for entry in entries:
        at = datetime.fromisoformat(entry["startedDateTime"]) - timedelta(milliseconds=500)
        status = chance.choice((0, 200, 401, 429, 500, 502, 503, 504))
        body = json.dumps({"error_code": "401013", "message": "Oauth token is not valid"})
        refusal = {"status": status, "headers": [], "content": {"size": 9, "text": body}}
        if status != 200:
            before.append({**entry, "startedDateTime": at.isoformat(), "response": refusal})
    entries += before


def no_beginning(entries: Entries, chance: random.Random) -> None:
    del entries[: len(entries) // 2]


def a_clock_three_hours_behind(entries: Entries, chance: random.Random) -> None:
    for entry in entries:
        at = datetime.fromisoformat(entry["startedDateTime"]) - timedelta(hours=3)
        entry["startedDateTime"] = at.isoformat()


@pytest.mark.parametrize(
    "lose",
    [
        responses_without_body, requests_without_body, confirmed_by_a_cache, variables_in_headers_and_no_time,
        redacted_headers, masked_names, lost_responses, retries, no_beginning, a_clock_three_hours_behind,
    ],
)  # fmt: skip
def test_what_is_not_in_the_file_is_no_difference(
    tmp_path: Path, lose: Callable[[Entries, random.Random], None]
) -> None:
    same = 0
    for name in SESSIONS:
        document = as_har(recorded(name))
        lose(document["log"]["entries"], random.Random(name))
        (tmp_path / "x.har").write_text(json.dumps(document), encoding="utf-8")
        outcome = compared(Recording.load(tmp_path / "x.har", Contract.load()))
        assert (name, findings(outcome)) == (name, [])
        same += outcome.count("same")
    assert same > 50
