"""A comparison finds each deliberately wrong server in the place of the real service, or it is argued why not."""

from __future__ import annotations

import pytest

from contracts import registry
from contracts.broken import SERVERS, load
from contracts.schema.document import Document
from tests.comparison.broken_services import ARGUED, compared, recorded
from tests.rows import each

registry.load()
load()
DOCUMENT = Document.load()
EXCUSED = {name for names in ARGUED.values() for name in names}
EVERY = 4
"""Of the wrong servers, every fourth: all of them are tried by `python -m tests.comparison.broken_services`."""


@pytest.mark.slow
@each("name", sorted(SERVERS)[::EVERY])
def test_a_wrong_service_is_found_or_argued(name: str) -> None:
    server = SERVERS[name]
    found = compared(*recorded(server, server.checks, DOCUMENT))
    assert bool(found.causes) is (name not in EXCUSED), server.description


def test_what_is_argued_exists_and_is_argued_once() -> None:
    assert SERVERS.keys() >= EXCUSED
    assert len(EXCUSED) == sum(map(len, ARGUED.values()))


@pytest.mark.parametrize(
    "checks",
    [
        ("next-door.schema", "next-door.data-set", "next-door.mapping-set", "next-door.batches", "next-door.preview"),
        ("inlet.takes", "inlet.refuses", "run.ad-hoc", "list.search", "list.search-several"),
        ("create.as-sent", "etag.stable-on-read", "patch.in-order"),
    ],
    ids=lambda checks: checks[0],
)
def test_the_right_service_shows_no_difference(checks: tuple[str, ...]) -> None:
    recording, config = recorded(None, checks, DOCUMENT)
    assert len(recording.exchanges) > 10
    assert [str(cause.difference) for cause in compared(recording, config).causes] == []
