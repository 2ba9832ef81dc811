"""`docs/from-table-to-run.md` is replayed: every answer on the page is the one that the server gives.

Ids, etags and times may be others than on the page, as long as the same ones stand in the same places.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from mockserver import Config, create_app

PAGE = Path(__file__).parents[2] / "docs" / "from-table-to-run.md"
CALL = re.compile(r"```http\n(?P<call>.*?)```\n\n```\n(?P<status>\d{3})\n(?P<answer>.*?)```", re.DOTALL)
MADE_UP = re.compile(
    r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b1[0-9]{12}\b|\b01[0-9A-Z]{24}\b|(?<="request-id": ")\w{32}'
    r"|(?<=continuationToken=)[\w-]+"
)
"""UUIDs, etags, milliseconds, batch ids, request ids, tokens."""

HEADERS = {
    "Authorization": "Bearer my-token",
    "x-api-key": "acme",
    "x-gw-ims-org-id": "acme@AdobeOrg",
    "x-sandbox-name": "prod",
}


class Shown(NamedTuple):
    """One call on the page and its answer."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int
    answer: str


def shown() -> Iterator[Shown]:
    for match in CALL.finditer(PAGE.read_text(encoding="utf-8")):
        head, _, body = match["call"].partition("\n\n")
        first, *lines = head.strip().splitlines()
        method, path = first.split(" ", 1)
        headers = dict(line.split(": ", 1) for line in lines)
        yield Shown(method, path, headers, body, int(match["status"]), match["answer"])


class Renamed:
    """What was made up on the page, and what stands for it in this run."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}

    def sent(self, text: str) -> str:
        """A part of a request with this run's ids."""
        return MADE_UP.sub(lambda match: self._now.get(match[0], match[0]), text)

    def learn(self, page: str, now: str) -> None:
        """Pair what stands in the same places; nothing may stand for two things."""
        for old, new in zip(MADE_UP.findall(page), MADE_UP.findall(now), strict=True):
            assert self._now.setdefault(old, new) == new, f"{old} was {self._now[old]} before, now it is {new}"


def blank(text: str) -> Any:
    """An answer without what is made up."""
    return json.loads(MADE_UP.sub("0", text)) if text.strip() else None


def test_every_answer_on_the_page_is_the_one_given() -> None:
    client = create_app(Config(seed=42)).test_client()
    renamed, number = Renamed(), count(1)
    for step in shown():
        headers = {**HEADERS, **{name: renamed.sent(value) for name, value in step.headers.items()}}
        if step.body:
            headers["Content-Type"] = "application/json"
        answer = client.open(
            renamed.sent(step.path), method=step.method, headers=headers, data=renamed.sent(step.body) or None
        )
        now = json.dumps(answer.get_json()) if answer.data else ""
        page = json.dumps(json.loads(step.answer)) if step.answer.strip() else ""
        at = f"call {next(number)}, {step.method} {step.path}"
        assert (answer.status_code, blank(now)) == (step.status, blank(page)), at
        renamed.learn(page, now)
    assert next(number) > 20
