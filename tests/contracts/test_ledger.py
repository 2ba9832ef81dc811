"""Tests of the record of entities that the contract suite created."""

from __future__ import annotations

from contracts.stage.ledger import Ledger
from contracts.wire import Answer, Sent


def created(token: str, status: int) -> Answer:
    headers = (("Authorization", token), ("x-sandbox-name", "prod"))
    return Answer(Sent("POST", "/flows", headers, b"{}"), "http://x/flows", status, (), b'{"id": "1", "etag": "e"}')


def test_the_final_list_is_read_with_headers_that_the_server_accepted() -> None:
    ledger = Ledger()
    for answer in (created("first", 401), created("right", 201), created("wrong", 401)):
        ledger.notice(answer)
    assert dict(ledger.tenants["prod"])["Authorization"] == "right"
