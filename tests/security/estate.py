"""One entity of every kind, and a valid request of every operation."""

from __future__ import annotations

from typing import Any

from mockserver import Config, Emulator
from mockserver.contract import Operation
from mockserver.exchange import Tenant
from tests.calls import HEADERS, made, source, target
from tests.dataflows import flow, once

TENANT = Tenant(HEADERS["x-gw-ims-org-id"], HEADERS["x-sandbox-name"])
KINDS = {
    "connections": "connections", "sourceConnections": "sourceConnections", "targetConnections": "targetConnections",
    "flows": "flows", "runs": "runs", "connectionSpecs": "connectionSpecs", "flowSpecs": "flowSpecs",
}  # fmt: skip
QUERIES = {
    "getByConnectionId": "objectType=table&object=public.customers&preview=true",
    "exploreByConnectionSpecId": "objectType=root",
    "performAction": "op=publish", "performAction_1": "op=publish", "performAction_2": "op=publish",
    "postStateTransition": "op=enable", "postAction": "op=re-trigger",
    "retrieveLandingZone": "type=user_drop_zone", "retrieveLandingZoneCredentials": "type=user_drop_zone",
}  # fmt: skip


class Estate:
    """An emulator that treats the caller as a service, with an entity of each kind."""

    def __init__(self, **settings: Any) -> None:
        self.emulator = Emulator(
            Config(seed=1, service_clients=(HEADERS["x-api-key"],), journal_entries=20, **settings)
        )
        self.ids = self._fill()
        self._filled = self.emulator.world.store.export()

    def restore(self) -> None:
        """Bring back the entities as they were at first."""
        self.emulator.world.store.restore(self._filled)

    def _fill(self) -> dict[str, str]:
        emulator = self.emulator
        base = made(emulator)["id"]
        ids = {
            "connections": base,
            "sourceConnections": made(emulator, source(base), "/sourceConnections")["id"],
            "targetConnections": made(emulator, target(), "/targetConnections")["id"],
            "flows": made(emulator, once(emulator), "/flows")["id"],
        }
        made(emulator, flow(emulator), "/flows?mode=draft")
        emulator.runtime.clock.advance(3_600_000)
        runs: Any = self.handle("GET", f"/runs?property=flowId=={ids['flows']}")
        ids["runs"] = runs.body["items"][0]["id"]
        for kind, operation in (("connectionSpecs", "createConnectionSpec"), ("flowSpecs", "createFlowSpec")):
            answer: Any = self.handle("POST", f"/{kind}", self.example(operation))
            assert answer.status == 201, answer.body
            ids[kind] = answer.body["id"]
        return ids

    def handle(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        from tests.calls import send

        return send(self.emulator, method, path, body, **options)

    def example(self, operation_id: str) -> Any:
        """The document's example body of an operation; None if it takes none."""
        operation = self.emulator.contract.operations[operation_id]
        document = self.emulator.contract.document
        node = self._follow(document["paths"][operation.template][operation.method.lower()].get("requestBody"))
        content = next(iter(node["content"].values())) if node else {}
        examples = [self._follow(one)["value"] for one in content.get("examples", {}).values()]
        return examples[0] if examples else None

    def _follow(self, node: Any) -> Any:
        while isinstance(node, dict) and "$ref" in node:
            found: Any = self.emulator.contract.document
            for part in node["$ref"][2:].split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def path(self, operation: Operation, entity_id: str | None = None) -> str:
        """The path of an operation for our entity or another one."""
        kind = operation.segments[0]
        known = entity_id or self.ids.get(kind, "prod")
        return "/" + "/".join(known if part.startswith("{") else part for part in operation.segments)

    def etag(self, operation: Operation) -> str:
        """The current etag of the entity of an operation."""
        doc = self.emulator.world.store.get(TENANT, operation.segments[0], self.ids.get(operation.segments[0], ""))
        return doc["etag"] if doc else '"x"'

    def query(self, operation: Operation) -> str:
        """The required query of an operation."""
        return QUERIES.get(operation.id, "")
