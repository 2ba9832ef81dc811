"""Compares the whole API with a small model: three tenants create, read, change, publish, list, delete connections.

`make fuzz` runs the same machine for as long as one likes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from mockserver import Config, Emulator
from mockserver.exchange import Result
from tests.calls import BASIC_PARAMS, HEADERS, connection, send, source

ABSENT = "00000000-0000-4000-8000-000000000000"
ORGS = (HEADERS["x-gw-ims-org-id"], "0123456789ABCDEF01234567@AdobeOrg")
TENANTS = ((ORGS[0], "prod"), (ORGS[0], "dev"), (ORGS[1], "prod"))
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
WHO = st.sampled_from(TENANTS)


@dataclass
class Row:
    """The model's knowledge of a connection."""

    id: str
    name: str
    description: str | None
    state: str
    etag: str

    def shown(self) -> dict[str, Any]:
        members = {"id": self.id, "name": self.name, "state": self.state, "etag": self.etag, "version": self.etag}
        return members if self.description is None else {**members, "description": self.description}


class Connections(RuleBasedStateMachine):
    """Compares every response with the model's."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.emulator = Emulator(Config(seed=1))
        self.rows: dict[tuple[str, str], dict[str, Row]] = {tenant: {} for tenant in TENANTS}
        self.etags: set[str] = set()

    @initialize()
    def nothing_is_there(self) -> None:
        for tenant in TENANTS:
            assert self.send(tenant, "GET", "/connections?count=true").body == {"count": 0}

    def send(self, tenant: tuple[str, str], method: str, path: str, body: Any = None, **headers: Any) -> Result:
        sent = {"x-gw-ims-org-id": tenant[0], "x-sandbox-name": tenant[1], **headers}
        return send(self.emulator, method, path, body, headers=sent)

    def written(self, tenant: tuple[str, str], row: Row, result: Result) -> None:
        """Expect a receipt with a new etag; the row becomes the latest one."""
        body: Any = result.body
        assert (result.status, body.keys(), body["id"]) in (
            (200, {"id", "etag"}, row.id),
            (201, {"id", "etag"}, row.id),
        )
        assert body["etag"] not in self.etags
        self.etags.add(body["etag"])
        row.etag = body["etag"]
        self.rows[tenant].pop(row.id, None)
        self.rows[tenant][row.id] = row

    @rule(target=ids, tenant=WHO, name=NAMES, description=st.none() | NAMES, draft=st.booleans())
    def create(self, tenant: tuple[str, str], name: str, description: str | None, draft: bool) -> str:
        body = connection(name)
        if description is None:
            del body["description"]
        else:
            body["description"] = description
        result = self.send(tenant, "POST", "/connections" + ("?mode=draft" if draft else ""), body)
        entity_id: str = result.body["id"]  # type: ignore[index,call-overload]
        assert not any(entity_id in rows for rows in self.rows.values())
        self.written(tenant, Row(entity_id, name, description, "draft" if draft else "enabled", ""), result)
        return entity_id

    @rule(tenant=WHO, name=NAMES, spoilt=st.sampled_from(["name", "auth", "connectionSpec"]))
    def create_wrongly(self, tenant: tuple[str, str], name: str, spoilt: str) -> None:
        body = {**connection(name), spoilt: 5}
        assert self.send(tenant, "POST", "/connections", body).status == 400

    @rule(tenant=WHO, entity_id=ids)
    def read(self, tenant: tuple[str, str], entity_id: str) -> None:
        result = self.send(tenant, "GET", f"/connections/{entity_id}")
        row = self.rows[tenant].get(entity_id)
        if row is None:
            self.is_as_absent(tenant, "GET", "/connections/{}", entity_id)
            return
        (item,) = result.body["items"]  # type: ignore[index,call-overload]
        assert row.shown().items() <= item.items() and ("description" in item) == (row.description is not None)
        assert item["auth"]["params"]["password"] != BASIC_PARAMS["password"]
        assert (item["imsOrgId"], item["sandboxName"]) == tenant

    @rule(tenant=WHO, entity_id=ids, which=st.sampled_from(["GET", "DELETE", "PATCH", "action", "test", "explore"]))
    def touch_what_is_not_there(self, tenant: tuple[str, str], entity_id: str, which: str) -> None:
        """Another tenant's or a deleted id gets the same response as an unknown one, in every operation."""
        if entity_id in self.rows[tenant]:
            return
        path = {"action": "/connections/{}/action?op=publish", "test": "/connections/{}/test"}.get(which)
        path = path or ("/connections/{}/explore?objectType=root" if which == "explore" else "/connections/{}")
        method = {"action": "POST", "test": "GET", "explore": "GET"}.get(which, which)
        self.is_as_absent(tenant, method, path, entity_id)

    def is_as_absent(self, tenant: tuple[str, str], method: str, path: str, entity_id: str) -> None:
        body = [{"op": "add", "path": "/name", "value": "x"}] if method == "PATCH" else None
        owner = next((rows[entity_id] for rows in self.rows.values() if entity_id in rows), None)
        headers = {"if-match": owner.etag if owner else '"x"'} if method == "PATCH" else {}
        answers = [self.send(tenant, method, path.format(one), body, **headers) for one in (entity_id, ABSENT)]
        first, second = (json.dumps(answer.body).replace(ABSENT, entity_id) for answer in answers)
        assert first == second and answers[0].status == answers[1].status == 404

    @rule(
        tenant=WHO, entity_id=ids, name=NAMES, description=st.none() | NAMES,
        version=st.sampled_from(["current", "stale", "unquoted", "missing", "*"]),
    )  # fmt: skip
    def change(self, tenant: tuple[str, str], entity_id: str, name: str, description: str | None, version: str) -> None:
        row = self.rows[tenant].get(entity_id)
        if row is None:
            return
        last = {"op": "remove", "path": "/description"}
        if description is not None:
            last = {"op": "add", "path": "/description", "value": description}
        body = [{"op": "replace", "path": "/name", "value": name}, last]
        sent = {
            "current": {"if-match": row.etag},
            "stale": {"if-match": min(self.etags - {row.etag}, default='"x"')},
            "unquoted": {"if-match": row.etag.strip('"')},
            "*": {"if-match": "*"},
            "missing": {},
        }[version]
        result = self.send(tenant, "PATCH", f"/connections/{entity_id}", body, **sent)
        if version == "missing":
            assert result.status == 400
        elif version != "current":
            assert result.status == 412
        elif description is None and row.description is None:
            assert result.status == 400  # all or nothing: the name stays
        else:
            row.name, row.description = name, description
            self.written(tenant, row, result)

    @rule(tenant=WHO, entity_id=ids)
    def publish(self, tenant: tuple[str, str], entity_id: str) -> None:
        row = self.rows[tenant].get(entity_id)
        if row is None:
            return
        result = self.send(tenant, "POST", f"/connections/{entity_id}/action?op=publish")
        if row.state != "draft":
            assert result.status == 400
            return
        row.state = "enabled"
        self.written(tenant, row, result)

    @rule(tenant=WHO, entity_id=ids)
    def delete(self, tenant: tuple[str, str], entity_id: str) -> None:
        there = self.rows[tenant].pop(entity_id, None) is not None
        assert self.send(tenant, "DELETE", f"/connections/{entity_id}").status == (204 if there else 404)

    @rule(tenant=WHO, base=ids)
    def stand_on(self, tenant: tuple[str, str], base: str) -> None:
        """A source connection on another tenant's base is refused like one on an unknown base."""
        result = self.send(tenant, "POST", "/sourceConnections", source(base))
        if base in self.rows[tenant]:
            assert result.status == (201 if self.rows[tenant][base].state == "enabled" else 400)
            return
        absent = self.send(tenant, "POST", "/sourceConnections", source(ABSENT))
        assert result.status == absent.status == 400
        assert json.dumps(result.body) == json.dumps(absent.body).replace(ABSENT, base)

    @rule(tenant=WHO, limit=st.integers(1, 5))
    def list_all(self, tenant: tuple[str, str], limit: int) -> None:
        found, path = [], f"/connections?limit={limit}"
        while path:
            body: Any = self.send(tenant, "GET", path).body
            assert len(body["items"]) <= limit
            found += body["items"]
            path = body["_links"].get("next", {}).get("href")
        assert [item["id"] for item in found] == list(self.rows[tenant])[::-1]
        assert all(self.rows[tenant][item["id"]].shown().items() <= item.items() for item in found)

    @rule(tenant=WHO, state=st.sampled_from(["draft", "enabled", "disabled"]))
    def filter(self, tenant: tuple[str, str], state: str) -> None:
        wanted = [row.id for row in self.rows[tenant].values() if row.state == state][::-1]
        body: Any = self.send(tenant, "GET", f"/connections?property=state=={state}").body
        assert [item["id"] for item in body["items"]] == wanted
        search = {"queryString": f"property=state=={state}"}
        assert self.send(tenant, "POST", "/connections/search", search).body == body

    @rule()
    def export_and_import(self) -> None:
        state = self.emulator.export(credentials=True)
        self.emulator.world.store.restore(json.loads(json.dumps(state)))
        assert self.emulator.export(credentials=True)["records"] == state["records"]

    @invariant()
    def counts_agree(self) -> None:
        for tenant, rows in self.rows.items():
            assert self.send(tenant, "GET", "/connections?count=true").body == {"count": len(rows)}
        self.emulator.journal.clear()


TestConnections = Connections.TestCase
TestConnections.settings = settings(max_examples=20, stateful_step_count=25)
