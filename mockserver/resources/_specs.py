"""Connection specs and flow specs: the code shared by both, for specs of the catalogue and of clients.

A written spec belongs to its tenant. Its members are nested in the record, because a spec
has a `version` of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mockserver import listing
from mockserver.errors import ApiError
from mockserver.exchange import BASE_PATH, Request, Result, Tenant
from mockserver.json_input import dumps, weight
from mockserver.listing import ordering
from mockserver.resources import _crud
from mockserver.secrecy import repeatable
from mockserver.specs.written import MAX_SECRETS, OWN_SPECS, SECRETS, secret_paths
from mockserver.state.records import Doc
from mockserver.state.store import Missing, Stale
from mockserver.world import World

_WRITTEN = "spec"
MAX_WRITTEN_BYTES = 4 * 1_048_576
"""Maximum size of all specs of one kind written by a tenant, in memory (assumed). Lists are not paged (facts §6.1)."""

MAX_WRITTEN = 50
"""Maximum specs of one kind written by a tenant (assumed): a list may need all that its connections use."""


@dataclass(frozen=True, slots=True)
class SpecKind:
    """Connection specs or flow specs."""

    listable: listing.Listable
    members: tuple[str, ...]
    """Members that a client may write, in the order shown."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Older name of a member -> the name it is kept and shown under."""

    @property
    def name(self) -> str:
        """The name in paths."""
        return self.listable.kind


def written(world: World, tenant: Tenant, kind: SpecKind, spec_id: str) -> dict[str, Any] | None:
    """A tenant's own spec with this id, as shown."""
    doc = world.store.get(tenant, kind.name, spec_id)
    return None if doc is None else _show(doc)


def every_written(world: World, tenant: Tenant, kind: SpecKind) -> Sequence[dict[str, Any]]:
    """A tenant's own specs, latest write first."""
    return [_show(doc) for doc in world.store.all(tenant, kind.name)]


def create(world: World, request: Request, kind: SpecKind) -> Result:
    """Store a new spec: 201 with the spec itself (facts §6)."""
    members = _members(request, kind)
    _demand_room(world, request, kind, None, members)
    return _created(world, request, kind, _crud.insert(world, request, kind.name, {_WRITTEN: members}))


def replace(world: World, request: Request, kind: SpecKind, catalogued: bool) -> Result:
    """Replace the spec named by the path. `catalogued`: it belongs to the catalogue.

    No etag is required, so a concurrent write is overwritten.
    """
    spec_id = next(iter(request.path.values()))
    stamps = _crud.stamps(world, request)
    while True:
        old = world.store.get(request.tenant, kind.name, spec_id)
        if old is None and not catalogued:
            raise ApiError("not_found", type=kind.name, id=repeatable(spec_id))
        kept = {name: old[name] for name in ("createdAt", "createdBy", "createdClient")} if old else {}
        etag = old["etag"] if old else None
        record = {"id": spec_id, **stamps, **kept, _WRITTEN: _members(request, kind)}
        if old and kind.name == OWN_SPECS:
            record[SECRETS] = secret_paths(old)
            if len(record[SECRETS]) > MAX_SECRETS:
                raise _too_much("secrets", f"a new spec, after versions with {MAX_SECRETS} different secrets")
        del old  # its texts may be as large as the new ones
        _demand_room(world, request, kind, spec_id, record[_WRITTEN])
        try:
            if etag is None:
                return Result(200, _show(world.store.insert(request.tenant, kind.name, record)))
            return Result(200, _show(world.store.replace(request.tenant, kind.name, spec_id, record, etag)))
        except (Stale, Missing, ValueError):  # another client wrote meanwhile: read again
            continue


def _demand_room(world: World, request: Request, kind: SpecKind, spec_id: str | None, members: Any) -> None:
    """Refuse a spec beyond the budget: specs are listed without pages, so all must fit one response."""
    present = world.store.all(request.tenant, kind.name)
    others = [weight(dumps(doc[_WRITTEN])) for doc in present if doc["id"] != spec_id]
    if len(others) >= MAX_WRITTEN and spec_id is None:
        raise _too_much("specs", f"at most {MAX_WRITTEN} {kind.name} that you wrote")
    size = sum(others) + weight(dumps(members))
    if size > MAX_WRITTEN_BYTES:
        raise _too_much("specs", f"at most {MAX_WRITTEN_BYTES} bytes in all {kind.name} that you wrote")


def _too_much(what: str, expected: str) -> ApiError:
    return ApiError("rejected", message=f"too many {what}: {expected}", pointer="", expected=expected)


def answer(query: listing.ListQuery, specs: Sequence[Mapping[str, Any]]) -> Result:
    """The specs selected by a query, in its order."""
    picked = [spec for spec in specs if query.matches(spec)]
    if query.count:
        return Result(200, {"count": len(picked)})
    ranked = [
        (ordering.key(query.order, ordering.place(spec, query.order), -place), spec)
        for place, spec in enumerate(picked)
    ]
    ranked.sort(key=lambda pair: pair[0])
    return Result(200, {"items": [query.project(spec) for _, spec in ranked[: query.limit]]})


def demand_service_token(world: World, request: Request) -> None:
    """Refuse user tokens (1426, assumed for flow specs), unless the quirk `spec-writers` allows them."""
    if world.quirks["spec-writers"] == "service" and not _crud.service_token(world, request):
        hint = "to make tokens of this API key service tokens, start the server with --service-client"
        raise ApiError("spec_by_user_token", hint=hint)


def _created(world: World, request: Request, kind: SpecKind, doc: Doc) -> Result:
    location = f"{request.call.origin}{BASE_PATH}/{kind.name}/{doc['id']}"
    wrapped = kind.name == OWN_SPECS and world.quirks["spec-answer"] == "items"
    return Result(201, {"items": [_show(doc)]} if wrapped else _show(doc), (("Location", location),))


def _members(request: Request, kind: SpecKind) -> dict[str, Any]:
    body: Any = request.body
    sent = {"version": "1.0", **body}
    for old, new in kind.renamed.items():
        if old in sent:
            sent.setdefault(new, sent.pop(old))
    return {name: sent[name] for name in kind.members if name in sent}


def _show(doc: Doc) -> dict[str, Any]:
    return {**{name: doc[name] for name in _crud.STAMPS}, **doc[_WRITTEN]}
