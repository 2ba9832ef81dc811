"""Faulty servers with a wrong Schema Registry, Catalog or Data Prep."""

from __future__ import annotations

from contracts.broken import Asked, GivenAnswer, Right, broken
from contracts.checks.next_door import CATALOG, CONVERSION, REGISTRY

_SCHEMAS = REGISTRY + "/tenant/schemas"


@broken("next-door.schema")
def schemas_have_one_id_only(asked: Asked, right: Right) -> GivenAnswer:
    """The encoded `$id` is unknown."""
    if asked.method == "GET" and "https:" in asked.path:
        return right(asked.instead("GET", _SCHEMAS + "/none").having(accept=asked.headers["accept"]))
    return right(asked)


@broken("next-door.schema")
def deleted_schemas_are_refused_as_flow_service_does(asked: Asked, right: Right) -> GivenAnswer:
    """The registry's errors have the form of Flow Service."""
    given = right(asked)
    missing = asked.path.startswith(_SCHEMAS) and given.status == 404
    return given.telling(type="https://ns.adobe.com/aep/errors/FLOW-1439-404") if missing else given


@broken("next-door.field-group")
def versions_of_schemas_stand_still(asked: Asked, right: Right) -> GivenAnswer:
    """A change keeps the version 1.0."""
    given = right(asked)
    if not asked.path.startswith(_SCHEMAS) or not given.done or not isinstance(given.json, dict):
        return given
    if "results" in given.json:
        return given.telling(results=[{**one, "version": "1.0"} for one in given.json["results"]])
    return given.telling(version="1.0")


@broken("next-door.accept")
def accept_is_not_looked_at(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts every Accept."""
    given = right(asked)
    if not asked.path.startswith(REGISTRY) or "/XDM-100" not in str(given.json):
        return given
    listed = asked.path.removeprefix(REGISTRY).strip("/").count("/") == 1  # tenant/schemas
    form = "application/vnd.adobe.xed+json" + ("" if listed else "; version=1")
    return right(asked.having(accept=form))


@broken("next-door.data-set")
def data_sets_are_shown_bare(asked: Asked, right: Right) -> GivenAnswer:
    """A look-up returns the data set without its id."""
    given = right(asked)
    if asked.method == "GET" and asked.path.startswith(CATALOG + "/dataSets/") and given.done:
        return given.saying(next(iter(given.json.values())))
    return given


@broken("next-door.data-set")
def new_data_sets_are_whole(asked: Asked, right: Right) -> GivenAnswer:
    """A creation returns an object instead of a reference."""
    given = right(asked)
    if asked.method == "POST" and asked.path == CATALOG + "/dataSets" and given.done:
        return given.saying({"id": given.json[0].rpartition("/")[2]})
    return given


@broken("next-door.target-schema")
def target_connections_take_any_schema(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts another schema than the data set's."""
    if asked.creates and asked.kind == "targetConnections" and "data" in asked.object:
        return right(asked.sending({name: value for name, value in asked.object.items() if name != "data"}))
    return right(asked)


@broken("next-door.batches")
def every_batch_is_there(asked: Asked, right: Right) -> GivenAnswer:
    """An unknown batch is found, empty."""
    given = right(asked)
    return given.saying({}, 200) if asked.path == CATALOG + "/batches/none" else given


@broken("next-door.preview")
def previews_are_flat(asked: Asked, right: Right) -> GivenAnswer:
    """A preview returns the row as sent."""
    given = right(asked)
    return given.telling(data=asked.object["data"]) if asked.path.endswith("/mappingSets/preview") else given


@broken("next-door.mapping-set")
def mapping_sets_have_one_version(asked: Asked, right: Right) -> GivenAnswer:
    """Replacing a mapping set keeps its version."""
    given = right(asked)
    return given.telling(version=0) if asked.method == "PUT" and asked.path.startswith(CONVERSION) else given
