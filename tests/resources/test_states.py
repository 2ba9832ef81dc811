"""Tests that the same invalid request gets the same code from every resource."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import Emulator
from tests.calls import made, refused, send, source
from tests.dataflows import TENANT, flowing, pass_time, runs_of, target

KINDS = ("connections", "sourceConnections", "targetConnections", "flows", "runs")
OWN_ACTION = {"runs": "re-trigger"}


@pytest.fixture
def entity(emulator: Emulator, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Create an entity of a kind; returns its id."""
    kind: str = request.param
    if kind == "connections":
        return kind, made(emulator)["id"]
    if kind == "sourceConnections":
        return kind, made(emulator, source(made(emulator)["id"]), f"/{kind}")["id"]
    if kind == "targetConnections":
        return kind, target(emulator)
    flow_id = flowing(emulator)
    if kind == "runs":
        pass_time(emulator, 120_000)
        return kind, runs_of(emulator, flow_id)[0]["id"]
    return kind, flow_id


@pytest.mark.parametrize("entity", KINDS, indirect=True)
@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ("", "2119-400", "op"),
        ("op=", "2119-400", "op"),
        ("op=bogus", "1452-400", "op"),
        ("op=bogus&subOp=bogus", "1452-400", "op"),
        ("op=move&subOp=apply", "1452-400", "op"),
        ("op=finalize", "1402-400", "op"),
        ("op=FINALIZE_UPDATE&subOp=PROGRESS", "1402-400", "op"),
        ("op=finalize-update&subOp=bogus", "1435-400", "subOp"),
        ("op=OWN&subOp=bogus", "1435-400", "subOp"),
        ("op=OWN&subOp=apply,reverse", "1435-400", "subOp"),
        ("op=OWN&subOp=apply&subOp=reverse", "1435-400", "subOp"),
        ("op=OWN&subOp=progress", "1436-400", "subOp"),
    ],
)
def test_a_wrong_action_gets_the_same_code_everywhere(
    emulator: Emulator, entity: tuple[str, str], query: str, code: str, pointer: str
) -> None:
    kind, entity_id = entity
    asked = query.replace("OWN", OWN_ACTION.get(kind, "publish"))
    result = send(emulator, "POST", f"/{kind}/{entity_id}/action?{asked}")
    assert refused(result) == (400, code, pointer)


@pytest.mark.parametrize("entity", KINDS[:4], indirect=True)
@pytest.mark.parametrize("raw", [b"", b"null", b"{}"])
def test_an_action_needs_no_body(emulator: Emulator, entity: tuple[str, str], raw: bytes) -> None:
    """Some clients, such as axios, send null where there is none."""
    kind, entity_id = entity
    result = send(emulator, "POST", f"/{kind}/{entity_id}/action?op=publish", raw=raw)
    assert refused(result)[1] == "1422-400", result.body


@pytest.mark.parametrize("entity", KINDS[:4], indirect=True)
@pytest.mark.parametrize("state", ["updating", "disabling", "enabled-finalizing"])
def test_an_entity_that_the_service_is_at_work_on_is_left_alone(
    emulator: Emulator, entity: tuple[str, str], state: str
) -> None:
    """Update and deletion of connections have their own code in the catalogue."""
    kind, entity_id = entity
    doc = emulator.world.store.get(TENANT, kind, entity_id)
    assert doc is not None
    now = emulator.world.store.replace(TENANT, kind, entity_id, {**doc, "state": state}, doc["etag"])
    own = "1416-400" if kind == "connections" else None
    rename: Any = [{"op": "replace", "path": "/name", "value": "x"}]
    path, sent = f"/{kind}/{entity_id}", {"if-match": now["etag"]}
    changed = refused(send(emulator, "PATCH", path, rename, headers=sent))[:2]
    assert changed == (400, own or ("1457-400" if "finalizing" in state else "1420-400"))
    assert refused(send(emulator, "DELETE", path))[:2] == (400, own or "1458-400")
    assert refused(send(emulator, "POST", f"{path}/action?op=publish"))[:2] == (400, "1421-400")


@pytest.mark.parametrize("entity", KINDS[:4], indirect=True)
@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ("*", "* is not supported"),
        ('W/"6802064a-0000-0200-0000-6387c6b90000"', "without W/"),
        ("6802064a-0000-0200-0000-6387c6b90000", "double quotes are part"),
        ("undefined", "double quotes are part"),
        ('"a", "b"', "one etag"),
        ('"6802064a-0000-0200-0000-6387c6b90000"', "read the entity again"),
    ],
)
def test_an_if_match_that_is_no_current_etag_is_told_what_to_send(
    emulator: Emulator, entity: tuple[str, str], sent: str, says: str
) -> None:
    kind, entity_id = entity
    rename: Any = [{"op": "replace", "path": "/name", "value": "x"}]
    result: Any = send(emulator, "PATCH", f"/{kind}/{entity_id}", rename, headers={"if-match": sent})
    assert refused(result)[:2] == (412, "1404-412")
    assert says in result.body["report"]["hint"]
