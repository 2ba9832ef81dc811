"""Tests the observers that hold entities against what a run has written, read and deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts import registry
from contracts.registry import OBSERVERS, Watch, faults_of
from contracts.schema.document import Document
from contracts.stage.entities import Entities
from contracts.stage.expectations import NOWHERE
from contracts.wire import Answer, Sent
from tests.work import counted

registry.load()
DOCUMENT = Document.load()
FIRST, SECOND = "0a1b2c3d-0000-4000-8000-000000000001", "0a1b2c3d-0000-4000-8000-000000000002"
TENANT = (("x-gw-ims-org-id", "one@AdobeOrg"), ("x-sandbox-name", "prod"))
AUTH = {"specName": "Basic Authentication", "params": {"server": "db", "password": "secret"}}
HIDDEN = {"specName": "Basic Authentication", "params": {"server": "db", "password": "********"}}


class Seen:
    """What the observers say about exchanges, one after the other."""

    def __init__(self) -> None:
        self.watch = Watch(DOCUMENT, "", {}, Entities())

    def __call__(self, method: str, target: str, status: int, came: Any = None, sent: Any = None) -> set[str]:
        request = Sent(method, target, TENANT, b"" if sent is None else json.dumps(sent).encode())
        body = b"" if came is None else json.dumps(came).encode()
        answer = Answer(request, target, status, (), body)
        new_id = came.get("id") if isinstance(came, dict) and method == "POST" else None
        self.watch.entities.learn(request, new_id, done=answer.succeeded, unsure=False)
        names = [name for name in OBSERVERS if name.startswith("entity.") and name != "entity.one-state"]
        return {name for name in names if OBSERVERS[name].fault(self.watch, answer)}

    def made(self, entity_id: str = FIRST, **members: Any) -> None:
        body = {"name": "a", "description": "b", "auth": AUTH, **members}
        assert self("POST", "/connections", 201, {"id": entity_id, "etag": "1"}, body) == set()

    def read(self, entity_id: str = FIRST, shown_id: str = FIRST, **members: Any) -> set[str]:
        item = {"id": shown_id, "createdAt": 5, "etag": "1", "name": "a", "description": "b", "auth": HIDDEN, **members}
        items = [{name: value for name, value in item.items() if value is not None}]
        return self("GET", f"/connections/{entity_id}", 200, {"items": items})

    def patched(self, path: str, value: Any = None, op: str = "replace", status: int = 200) -> None:
        step = {"op": op, "path": path, **({} if op == "remove" else {"value": value})}
        assert self("PATCH", f"/connections/{FIRST}", status, {"id": FIRST, "etag": "2"}, [step]) == set()


def test_a_lookup_shows_the_entity_asked_for() -> None:
    seen = Seen()
    seen.made(FIRST)
    seen.made(SECOND)
    assert seen.read(FIRST) == set()
    assert seen.read(FIRST.upper(), FIRST) == set()
    assert "entity.asked-for" in seen.read(FIRST, SECOND)


def test_what_was_deleted_or_never_there_is_not_shown() -> None:
    seen = Seen()
    seen.made()
    assert seen("DELETE", f"/connections/{FIRST}", 204) == set()
    assert seen("GET", f"/connections/{FIRST}", 404) == set()
    assert seen("GET", f"/connections/{FIRST}/test", 200, {"result": True}) == {"entity.gone"}
    assert seen("DELETE", f"/connections/{FIRST}", 204) == {"entity.gone"}
    assert seen("GET", f"/connectionSpecs/{NOWHERE}", 200, {"items": []}) == {"entity.gone"}
    assert seen("GET", "/connections/none", 200, {"items": []}) == {"entity.gone"}
    assert seen("POST", "/connections/search", 200, {"items": []}) == set()


def test_time_and_author_of_a_creation_stay() -> None:
    seen = Seen()
    seen.made()
    assert seen.read() == seen.read(createdBy="me") == seen.read(createdBy="me", updatedAt=6) == set()
    assert seen.read(createdAt=6) == seen.read(createdBy="you") == {"entity.creation-stays"}


@pytest.mark.parametrize(
    ("path", "value", "shown", "wrong"),
    [
        ("/name", "c", {"name": "c"}, False),
        ("/name", "c", {"name": "a"}, True),
        ("/name", "c", {"name": "C"}, True),
        ("/description", "", {"description": None}, False),
        ("/description", "c", {"description": None}, True),
        ("/state", "DISABLED", {"state": "disabled"}, False),
        ("auth/params", {"server": "db", "password": "new"}, {}, False),  # hidden, and otherwise the same
        ("/auth/params", {"server": "other", "password": "new"}, {}, True),
        ("/auth/params/server", "other", {}, True),
        ("/auth/params/server", "other", {"auth": "a text"}, False),  # reported by answer.schema
        ("/auth/params", {}, {}, False),  # a service may keep what is its own
        ("/tags/0", "x", {}, False),
    ],
)
@pytest.mark.parametrize("read_before", [True, False])
def test_a_patch_has_an_effect(path: str, value: Any, shown: dict[str, Any], wrong: bool, read_before: bool) -> None:
    seen = Seen()
    seen.made()
    if read_before:
        assert seen.read() == set()
    seen.patched(path, value)
    assert seen.read(**shown) == ({"entity.as-written"} if wrong else set())


def test_the_state_is_that_of_the_creation_and_then_of_the_last_patch_or_action() -> None:
    seen = Seen()
    seen.made()
    assert seen.read(state="ENABLED") == set()
    assert "entity.state-as-written" in seen.read(state="initializing")
    seen.patched("/state", "disabled")
    assert seen.read(state="disabled") == set()
    assert "entity.state-as-written" in seen.read(state="initializing")
    assert seen("POST", f"/connections/{FIRST}/action?op=enable", 200, {"id": FIRST, "etag": "3"}) == set()
    assert "entity.state-as-written" in seen.read(state="disabled")


def test_a_removed_text_is_gone_and_a_refused_patch_changes_nothing() -> None:
    seen = Seen()
    seen.made()
    seen.patched("/name", "c", status=412)
    assert seen.read() == set()
    seen.patched("/description", op="remove")
    assert seen.read(description=None) == set()
    assert seen.read() == {"entity.as-written"}


def test_a_list_may_show_some_members_only() -> None:
    seen = Seen()
    seen.made()
    for item in ({"id": FIRST, "description": "other"}, {"id": FIRST, "createdAt": 5}):
        assert seen("GET", "/connections?property=id,createdAt", 200, {"items": [item]}) == set()
    whole = {"id": FIRST, "createdAt": 5, "name": "x"}
    assert seen("GET", "/connections", 200, {"items": [whole]}) == {"entity.as-written"}


def test_the_names_of_a_tenant_may_hold_any_character() -> None:
    entities = Entities()
    odd = (("x-gw-ims-org-id", "one@AdobeOrg"), ("x-sandbox-name", "a/b"))
    entities.learn(Sent("POST", "/connections", TENANT, b"{}"), FIRST, done=True, unsure=False)
    assert entities.borders(Sent("GET", f"/connections/{FIRST}", odd, b""), FIRST) == {"x-sandbox-name"}
    assert entities.borders(Sent("GET", f"/connections/{FIRST}", TENANT, b""), FIRST) == set()


def test_a_reference_to_a_spec_shows_its_two_members_and_may_lack_others() -> None:
    """Generated requests add members of any name, which this server drops: a run with default options failed."""
    spec = {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"}
    seen = Seen()
    seen.made(connectionSpec={**spec, "made up": []})
    assert seen.read(connectionSpec=spec) == set()
    assert seen.read(connectionSpec={**spec, "id": NOWHERE}) == {"entity.as-written"}


def test_a_response_that_concerns_few_observers_costs_little() -> None:
    """Each run asks all of them about thousands."""
    headers = (("Content-Type", "application/json"), ("x-request-id", "1"))
    refusals = [
        Answer(Sent("GET", f"/connections/{at}", TENANT), "", 403, headers, b'{"error_code":"403000","message":"no"}')
        for at in range(20)
    ]
    watch = Watch(DOCUMENT, "c4n4ry", {})
    with counted() as work:
        found = {name for answer in refusals for name in faults_of(watch, answer)}
    assert found == {"answer.request-id-unique"}
    assert work.calls / len(refusals) < 420
