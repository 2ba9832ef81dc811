"""Schema Registry: a tenant's schemas, field groups and classes, and the global ones they are composed of.

Members and their order are those of the pages below `help/xdm/` and of Adobe's schema-registry document. Data types,
descriptors, unions, import and export are not emulated.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from mockserver.exchange import Request, Result, Tenant
from mockserver.flows import schemas
from mockserver.flows.schemas import XDM
from mockserver.gateway import DEFAULT_SANDBOX
from mockserver.listing import ordering
from mockserver.resources import _nearby, _patching, operation
from mockserver.resources._forms import NeighbourError
from mockserver.secrecy import repeatable
from mockserver.specs import xdm
from mockserver.state.records import Doc
from mockserver.world import World

_SEGMENTS = {"schemas": "schemas", "fieldgroups": "mixins", "classes": "classes"}
"""Kind -> its segment in an `$id`."""

_SENT = frozenset(
    {
        "title", "description", "type", "allOf", "properties", "definitions", "meta:intendedToExtend", "meta:class",
        "meta:immutableTags", "meta:tags", "meta:extensible", "meta:abstract", "required", "meta:enum", "examples",
        "meta:usageCount", "meta:status", "meta:behaviorType", "meta:sharedSchemas", "labels",
    }
)  # fmt: skip
"""Members of a resource that a client may send."""

_MEDIA = re.compile(r"application/vnd\.adobe\.(?:xed|xdm)(-[a-z-]+)?\+json(?:\s*;\s*version\s*=\s*([0-9]+))?", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z./+*;,=?0-9 -]{0,120}")
"""The syntax of any media type."""

_FORMS = ("", "-full", "-notext", "-full-notext", "-full-desc", "-deprecatefield")
_MAX_ITEMS = 300
"""Maximum items of a list (documented)."""

_MAX_PARTS = 200
"""Maximum parts of a resource (assumed). Each is looked up."""


@operation("retrieveRegistryStats")
def retrieve_registry_stats(world: World, request: Request) -> Result:
    """The tenant's name in ids, and the number of resources."""
    members = ("$id", "meta:altId", "version", "title", "meta:resourceType", "meta:class")
    counts = dict.fromkeys(_SEGMENTS.values(), 0)

    def counted() -> Iterator[dict[str, Any]]:
        for doc in _nearby.every(world, request, XDM):
            body = _body(world, doc)
            counts[body["meta:resourceType"]] += 1
            yield {name: body[name] for name in members if name in body}

    every = counted()
    own = _nearby.fitting(every)
    deque(every, maxlen=0)  # counts the others
    recent = [_summary(body) for body in own[:10]]
    usage: dict[str, list[Any]] = {}
    for body in own:
        if body["meta:resourceType"] == "schemas":
            usage.setdefault(body.get("meta:class", ""), []).append({"$id": body["$id"], "title": body["title"]})
    classes = [{"$id": uri, "numberOfSchemas": len(found), "schemas": found} for uri, found in usage.items()]
    return Result(
        200,
        {
            "imsOrg": request.tenant.org,
            "tenantId": tenant_id(request.tenant),
            "counts": {**counts, "datatypes": 0, "unions": 0},
            "recentlyCreatedResources": recent,
            "recentlyUpdatedResources": recent,
            "classUsage": classes,
        },
    )


@operation("listXdmResources")
def list_xdm_resources(world: World, request: Request) -> Result:
    """All resources of a kind, or those matching `property`, as summaries or in full."""
    container, kind = _place(request)
    form = _accepted(request, listed=True)
    order = request.arguments.get("orderby") or "updated"
    name = order.lstrip("+- ")
    resources = (resource for resource in _every(world, request, container, kind) if _matches(request, resource))
    if name != "updated":  # texts and ids are sorted, not resources, which may be large
        places = [
            (str(resource.get(name, ""))[: ordering.MAX_CHARACTERS], resource["meta:altId"]) for resource in resources
        ]
        places.sort(key=lambda place: place[0], reverse=order.startswith("-"))
        again = (_again(world, request, key) for _, key in places)
        resources = (resource for resource in again if resource is not None)
    shown = (_summary(resource) if form == "-id" else resource for resource in resources)
    found = _nearby.fitting(islice(shown, request.arguments.get("limit", _MAX_ITEMS)))
    other = "global" if container == "tenant" else "tenant"
    href = f"{request.call.origin}/data/foundation/schemaregistry/{other}/{request.path['RESOURCE_TYPE']}"
    return Result(
        200,
        {
            "results": found,
            "_page": {"orderby": name, "next": None, "count": len(found)},
            "_links": {"next": None, f"{other}_{request.path['RESOURCE_TYPE']}": {"href": href}},
        },
    )


def _every(world: World, request: Request, container: str, kind: str) -> Iterator[Mapping[str, Any]]:
    """The resources of a kind, latest write first."""
    if container == "global":
        yield from xdm.library()[kind].values()
        return
    for doc in _nearby.every(world, request, XDM):
        if doc["body"]["meta:resourceType"] == _SEGMENTS.get(kind):
            yield _body(world, doc)


def _again(world: World, request: Request, key: str) -> Mapping[str, Any] | None:
    """A resource of any container by its `meta:altId`, unless it was deleted meanwhile."""
    doc = _nearby.find(world, request, XDM, key)
    return xdm.adobe(key) if doc is None else _body(world, doc)


@operation("createXdmResource")
def create_xdm_resource(world: World, request: Request) -> Result:
    """Create a schema, field group or class in the tenant container."""
    _, kind = _place(request, writing=True)
    sent: Any = request.body
    body = {name: value for name, value in sent.items() if name in _SENT}
    segment = _SEGMENTS[kind]

    def draw() -> tuple[str, Mapping[str, Any]]:
        key = (world.runtime.new_id("schemas") + world.runtime.new_id("schemas")).replace("-", "")[:48]
        uri = f"{xdm.NAMESPACE}{tenant_id(request.tenant)}/{segment}/{key}"
        named = {"$id": uri, "meta:resourceType": segment, "version": "1.0"}
        return xdm.alt_id(uri), _composed(world, request, kind, {**body, **named})

    doc = _nearby.create(world, request, XDM, draw)
    shown = _body(world, doc)
    return Result(201, _with_refs(shown), (("Location", f"{request.call.origin}{request.call.path}/{doc['id']}"),))


@operation("retrieveXdmResource")
def retrieve_xdm_resource(world: World, request: Request) -> Result:
    """One resource, in the form and major version named by Accept."""
    container, kind = _place(request)
    form = _accepted(request, listed=False)
    resource = _resource(world, request, container, kind)
    shown = dict(resource)
    if "full" in form or form == "-deprecatefield":
        finder = schemas.finder(world, request.tenant)
        shown = {name: value for name, value in shown.items() if name not in ("allOf", "definitions")}
        try:
            shown["properties"] = xdm.Composition(resource, finder).fields
        except xdm.TooManyFields:
            raise _unfit("/allOf", f"at most {xdm.MAX_FIELDS} fields and references in all parts") from None
    return Result(200, xdm.without_texts(shown) if form.endswith("-notext") else shown)


@operation("patchXdmResource")
def patch_xdm_resource(world: World, request: Request) -> Result:
    """Change a resource by JSON Patch, which increments its minor version."""
    _, kind = _place(request, writing=True)

    def changed(current: Doc) -> Mapping[str, Any]:
        body = _patching.apply(current["body"], request.body, _SENT)
        major, _, minor = str(current["body"]["version"]).partition(".")
        return _composed(world, request, kind, {**body, "version": f"{major}.{int(minor or 0) + 1}"})

    return Result(
        200, _with_refs(_body(world, _nearby.change(world, request, XDM, _own(world, request, kind), changed)))
    )


@operation("deleteXdmResource")
def delete_xdm_resource(world: World, request: Request) -> Result:
    """Delete a tenant's resource."""
    _, kind = _place(request, writing=True)
    _nearby.drop(world, request, XDM, _own(world, request, kind))
    return Result(204)


def tenant_id(tenant: Tenant) -> str:
    """The organisation's name in ids: lower-case letters and digits, derived from its id."""
    return re.sub(r"[^a-z0-9]", "", tenant.org.partition("@")[0].lower()) or "tenant"


def _place(request: Request, *, writing: bool = False) -> tuple[str, str]:
    """Container and kind named by the path. Raises NeighbourError."""
    container, kind = request.path["CONTAINER_ID"], xdm.kind_of_resource(request.path["RESOURCE_TYPE"])
    if writing and (container == "global" or kind not in _SEGMENTS):
        detail = f"{container}/{kind} cannot be written to"
        raise NeighbourError(400, "Bad request", detail)
    return container, kind


def _accepted(request: Request, *, listed: bool) -> str:
    """The suffix of the media type that selects the form: `-id` for lists, `-full` and others for one resource."""
    sent = request.call.headers.get("accept", "").strip()
    given = _MEDIA.fullmatch(sent)
    form = (given[1] or "") if given else None
    if listed and given and given[2] is None and form in ("", "-id"):
        return str(form)
    if not listed and given and given[2] is not None and form in _FORMS:
        if given[2] != "1":
            detail = f"Version {given[2]} of the resource is not there"
            raise NeighbourError(406, "Accept format invalid", detail)
        return str(form)
    good = "application/vnd.adobe.'{xed|xdm'}+json"
    good += "" if listed else "; version=1 (Version should be specified)"
    given_back = sent if _PLAIN.fullmatch(sent) else repeatable(sent)
    detail = f"The supplied Accept header is not valid: {given_back} - A valid Accept value should look like {good}"
    code = "1006-400" if listed else "1007-400"
    raise NeighbourError(400, "Accept header invalid", detail, code=code)


def _resource(world: World, request: Request, container: str, kind: str) -> Mapping[str, Any]:
    if container == "tenant":
        return _body(world, _own(world, request, kind))
    wanted = request.path["RESOURCE_ID"]
    for uri, resource in xdm.library()[kind].items():
        if wanted in (uri, xdm.alt_id(uri)):
            return resource
    raise _not_found(request)


def _own(world: World, request: Request, kind: str) -> Doc:
    wanted = request.path["RESOURCE_ID"]
    doc = _nearby.find(world, request, XDM, xdm.alt_id(wanted) if wanted.startswith(xdm.NAMESPACE) else wanted)
    if doc is None or doc["body"]["meta:resourceType"] != _SEGMENTS.get(kind):
        raise _not_found(request)
    return doc


def _not_found(request: Request) -> NeighbourError:
    wanted = request.path["RESOURCE_ID"]
    shown = wanted[:200] if repeatable(xdm.alt_id(wanted)) == xdm.alt_id(wanted) else repeatable(wanted)
    detail = f"Requested resource {shown} with version 1 is not found"
    return NeighbourError(404, "Resource Not Found", detail, code="1012-404")


def _composed(world: World, request: Request, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A resource with its derived members. Raises NeighbourError if it is invalid."""
    _demand_sound(kind, body)
    finder = schemas.finder(world, request.tenant)
    if world.config.closed:
        for index, uri in enumerate(xdm.references(body)):
            if finder(uri) is None:
                raise _unfit(f"/allOf/{index}/$ref", "a resource that is there")
    parts = [
        {**part, "type": "object", "meta:xdmType": "object"} if isinstance(part.get("$ref"), str) else part
        for part in body.get("allOf", ())
    ]
    made: dict[str, Any] = {**body, "meta:extends": xdm.extends(body, finder), "meta:xdmType": "object"}
    made |= {"allOf": parts} if parts else {}
    if kind == "schemas":
        base = xdm.class_of(body, finder)
        if base is None:
            raise _unfit("/allOf", "a reference to a class")
        made["meta:class"] = base
    return made


def _demand_sound(kind: str, body: Mapping[str, Any]) -> None:
    if not isinstance(body.get("title"), str) or not body["title"]:
        raise _unfit("/title", "a text")
    if body.get("type") != "object":
        raise _unfit("/type", "object")
    parts = body.get("allOf", [])
    if isinstance(parts, list) and len(parts) > _MAX_PARTS:
        raise _unfit("/allOf", f"at most {_MAX_PARTS} parts")
    if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
        raise _unfit("/allOf", "an array of objects")
    if kind != "fieldgroups" and not parts:
        raise _unfit("/allOf", "a reference to a class" if kind == "schemas" else "a reference to a behavior")
    for name in ("definitions", "properties"):
        if not isinstance(body.get(name, {}), Mapping):
            raise _unfit(f"/{name}", "an object")


def _unfit(pointer: str, expected: str) -> NeighbourError:
    return NeighbourError(400, "Bad request", f"{pointer}: expected {expected}")


def _body(world: World, doc: Doc) -> dict[str, Any]:
    """A resource as samples print it: the members sent and those added by the registry."""
    body = doc["body"]
    first = ("$id", "meta:altId", "meta:resourceType", "version", "title", "type", "description")
    shown = {"meta:altId": doc["id"], **body}
    opening = body["meta:resourceType"] != "schemas"
    known = world.config.sandboxes
    default = doc["sandboxName"] == (known[0] if known else DEFAULT_SANDBOX)
    shown = {"imsOrg": doc["imsOrgId"], "meta:extensible": opening, "meta:abstract": opening, **shown}
    shown |= {
        "meta:registryMetadata": {
            "repo:createdDate": doc["createdAt"],
            "repo:lastModifiedDate": doc["updatedAt"],
            "xdm:createdClientId": doc["createdClient"],
            "xdm:lastModifiedClientId": doc["updatedClient"],
            "xdm:createdUserId": doc["createdBy"],
            "xdm:lastModifiedUserId": doc["updatedBy"],
            "eTag": hashlib.sha256(doc["etag"].encode()).hexdigest(),
            "meta:globalLibVersion": xdm.LIBRARY_VERSION,
        },
        "meta:containerId": "tenant",
        "meta:sandboxId": doc["sandboxId"],
        "meta:sandboxType": "production" if default else "development",
        "meta:tenantNamespace": "_" + body["$id"].removeprefix(xdm.NAMESPACE).partition("/")[0],
    }
    return {name: shown[name] for name in (*first, *(name for name in shown if name not in first)) if name in shown}


def _with_refs(shown: dict[str, Any]) -> dict[str, Any]:
    """The response to a write, which also lists the references of the resource."""
    given = set(xdm.references(shown))
    refs = [uri for uri in shown["meta:extends"] if uri in given]
    return {**shown, "refs": refs} if refs else shown


def _summary(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {name: resource[name] for name in ("$id", "meta:altId", "version", "title")}


def _matches(request: Request, resource: Mapping[str, Any]) -> bool:
    """Whether a resource matches a `property` such as `title==Hotels`. A list matches by any item."""
    return all(name in resource and value in _texts(resource[name]) for name, value in _conditions(request))


def _conditions(request: Request) -> Iterator[tuple[str, str]]:
    for text in request.arguments.get("property", ()):
        for condition in text.split(","):
            member, equals, value = condition.partition("==")
            if equals:
                yield member, value.strip('"')


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
