"""Which promises a fault breaks, by member, parameter, header or write."""

from __future__ import annotations

from collections.abc import Mapping

ENTITY = (
    "answer.schema",
    "create.kept",
    "create.as-sent",
    "create.content-as-sent",
    "create.stamped",
    "list.same-as-lookup",
    "list.different-entities",
    "list.search*",
    "etag.after-each-write",
    "flow.kept",
    "entity.one-state",
)
"""Promises that an entity is shown correctly and alike everywhere."""

MEMBERS: Mapping[str, tuple[str, ...]] = {
    "id": ("lookup.*", "create.*", "list.*", "filter.*", "audit.*"),
    "etag": ("etag.*", "if-match.*", "time.etag-second", "audit.*", "action.if-match", "journey.change-credentials"),
    "version": ("etag.*", "audit.*"),
    "createdAt": ("time.*", "audit.*", "list.*", "filter.times"),
    "updatedAt": ("time.*", "audit.*", "list.newest-first", "create.stamped"),
    "createdBy": ("audit.*", "create.stamped"),
    "updatedBy": ("audit.*", "create.stamped"),
    "createdClient": ("audit.*",),
    "updatedClient": ("audit.*",),
    "sandboxId": ("neighbour.sandbox", "audit.*", "tenant.*"),
    "sandboxName": ("create.stamped", "audit.*", "tenant.*"),
    "imsOrgId": ("create.stamped", "run.on-demand", "audit.*"),
    "name": ("patch.*", "create.unicode", "filter.*", "list.orderby*", "list.projection"),
    "description": ("patch.*", "create.description-optional", "tenant.*", "if-match.*"),
    "state": ("create.enabled", "draft.*", "flow.*", "patch.*", "filter.state", "journey.*"),
    "auth": ("secret.*", "patch.*", "journey.*", "create.*"),
    "params": ("journey.*", "destination.*"),
    "typeInfo": ("destination.*",),
    "options": ("inlet.*",),
    "lastRunDetails": ("run.same-as-lookup",),
    "lastOperation": ("run.same-as-lookup",),
    "connectionSpec": ("create.version-absent", "patch.spec-fixed", "source.inherited", "flow.inherited"),
    "flowSpec": ("create.version-absent", "run.*"),
    "inheritedAttributes": ("flow.*", "source.*", "journey.*", "patch.replaces"),
    "runs": ("journey.dataflow", "patch.replaces"),
    "scheduleParams": ("journey.*",),
    "flowId": ("run.*",),
    "metrics": ("run.*",),
}
"""First member of a path -> promises about it in addition to those about every entity."""

SPECS = (
    "answer.schema",
    "spec.*",
    "journey.*",
    "example.postgresql",
    "create.unlisted-auth-spec",
    "path.trailing-slash",
)
RUNS = ("answer.schema", "run.*")
EXPLORED = ("answer.schema", "explore.*", "journey.*", "example.connections")
NEXT_DOOR = ("answer.schema", "neighbour.*", "next-door.*", "connectors.*", "inlet.*", "run.ad-hoc")
"""Promises about neighbouring services."""
RECEIPTS = (
    "answer.schema",
    "create.*",
    "etag.*",
    "draft.*",
    "action.*",
    "flow.*",
    "run.*",
    "lookup.*",
    "patch.*",
    "list.*",
    "destination.*",
)

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "property": (
        "filter.*",
        "list.*",
        "spec.*",
        "flow.found-by-reference",
        "run.*",
        "tenant.*",
        "delete.*",
        "draft.shown",
    ),
    "orderby": ("run.listed", "list.orderby*", "list.equal-keys", "list.search*", "secret.not-sortable"),
    "limit": ("list.*", "run.listed", "tenant.token", "journey.page-like-aepp", "destination.*"),
    "count": (
        "list.count*",
        "filter.counted",
        "delete.count",
        "tenant.list",
        "list.search*",
        "run.listed",
        "secret.not-guessable",
    ),
    "continuationToken": ("run.listed", "list.*", "tenant.token", "journey.page-like-aepp"),
    "objectType": ("explore.*", "journey.*"),
    "object": ("explore.*", "journey.*"),
    "preview": ("explore.*", "journey.*"),
    "fileType": ("explore.*", "journey.*"),
    "mode": ("draft.*", "journey.draft", "flow.draft-order", "explore.test-fails", "action.*"),
    "op": ("action.*", "draft.*", "flow.*", "run.idle-flow"),
    "type": ("neighbour.*",),
}

CASELESS = ("count", "limit", "preview", "objectType", "fileType", "op", "syncValidation")
"""Parameters whose values are case-insensitive or not words."""

HEADERS: Mapping[str, tuple[str, ...]] = {
    "location": ("create.location", "answer.documented-headers", "journey.connect-postgresql"),
    "etag": ("etag.*", "answer.documented-headers", "run.*"),
    "x-request-id": ("answer.request-id-unique", "answer.documented-headers", "error.request-id"),
    "content-type": ("answer.json", "create.content-type"),
    "allow": ("method.*",),
}


ERRORS = (
    "error.*",
    "answer.schema",
    "lookup.*",
    "spec.unknown",
    "tenant.*",
    "run.unknown",
    "example.*",
    "gateway.*",
    "if-match.*",
    "create.*",
    "sandbox.*",
)

WRITES: Mapping[str, tuple[str, ...]] = {
    "create": ("create.*", "lookup.*", "list.*", "draft.*", "etag.*", "run.*", "delete.count"),
    "patch": (
        "patch.*",
        "etag.*",
        "audit.*",
        "create.*",
        "if-match.*",
        "filter.after-write",
        "time.*",
        "secret.patched",
        "journey.*",
        "draft.*",
    ),
    "delete": ("delete.*", "journey.*", "flow.holds-its-connections"),
    "action": ("draft.*", "flow.*", "etag.after-each-write", "action.*", "journey.*", "run.idle-flow"),
}


def of_member(collection: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """The promises about a member of an entity of a collection."""
    if collection.endswith("Specs"):
        return SPECS
    first = next((step for step in path if step not in ("items", "[]")), "")
    general = (*ENTITY, *RUNS) if collection == "runs" else ENTITY
    return (*general, *MEMBERS.get(first, ()))
