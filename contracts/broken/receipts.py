"""Faulty servers that respond to writes with something other than the receipt."""

from __future__ import annotations

from dataclasses import replace

from contracts.broken import Asked, GivenAnswer, Right, broken
from contracts.stage.ledger import ORDER
from contracts.wire import PLATFORM


@broken("create.receipt answer.documented-status", by_way_of="create.receipt")
def creation_is_200(asked: Asked, right: Right) -> GivenAnswer:
    """Responds to a creation with 200."""
    given = right(asked)
    return replace(given, status=200) if given.status == 201 else given


@broken("create.receipt")
def creation_shows_the_entity(asked: Asked, right: Right) -> GivenAnswer:
    """Responds to a creation with the whole entity."""
    given = right(asked)
    if given.status == 201 and given.receipt:
        return given.saying(right.entity(asked.instead("GET", f"{asked.path}/{given.receipt['id']}")))
    return given


@broken("create.receipt")
def ids_in_capitals(asked: Asked, right: Right) -> GivenAnswer:
    """Ids are in capitals."""
    if asked.path.startswith(PLATFORM):
        return right(asked)
    given = right(
        replace(asked, path="/".join([*asked.path.split("/")[:2], *(s.lower() for s in asked.path.split("/")[2:])]))
    )
    return given.telling(id=given.receipt["id"].upper()) if given.status == 201 and given.receipt else given


@broken("create.id-unique", by_way_of="etag.not-shared")
def first_id_for_all(asked: Asked, right: Right) -> GivenAnswer:
    """Every creation returns the id of the first one."""
    given = right(asked)
    if given.status == 201 and given.receipt:
        return given.telling(id=right.memory.setdefault("id", given.receipt["id"]))
    return given


@broken("create.location answer.documented-headers journey.connect-postgresql", by_way_of="create.location")
def no_location(asked: Asked, right: Right) -> GivenAnswer:
    """A creation has no Location."""
    return right(asked).having("location", None)


@broken("create.location")
def location_of_the_collection(asked: Asked, right: Right) -> GivenAnswer:
    """Location leads to the collection."""
    given = right(asked)
    place = given.header("location")
    return given.having("Location", place.rpartition("/")[0]) if place else given


@broken("create.location")
def location_of_another(asked: Asked, right: Right) -> GivenAnswer:
    """Location leads to an unknown id."""
    given = right(asked)
    place = given.header("location")
    return given.having("Location", place[:-4] + "0000") if place else given


@broken("create.location journey.connect-postgresql")
def location_behind_the_proxy(asked: Asked, right: Right) -> GivenAnswer:
    """Location has an internal host."""
    given = right(asked)
    place = given.header("location")
    return given.having("Location", place.replace("127.0.0.1", "flow-service.internal:8443")) if place else given


@broken("delete.answer delete.gone journey.delete answer.documented-status", by_way_of="delete.answer")
def deletion_is_200(asked: Asked, right: Right) -> GivenAnswer:
    """Responds to a deletion with 200 and a body."""
    given = right(asked)
    return given.saying({"deleted": asked.parts[1]}, 200) if given.status == 204 else given


@broken("delete.answer answer.empty-body", by_way_of="delete.answer")
def deletion_says_something(asked: Asked, right: Right) -> GivenAnswer:
    """Responds to a deletion with 204 and a body."""
    given = right(asked)
    return given.saying({}) if given.status == 204 else given


@broken("delete.answer")
def deletion_needs_an_etag(asked: Asked, right: Right) -> GivenAnswer:
    """Requires If-Match for a deletion."""
    if asked.method == "DELETE" and asked.kind in ORDER and "if-match" not in asked.headers:
        return right(asked.instead("PATCH", asked.path, [{"op": "remove", "path": "/description"}]))
    return right(asked)


@broken("etag.changes-on-write answer.schema", by_way_of="etag.changes-on-write")
def patch_shows_the_entity(asked: Asked, right: Right) -> GivenAnswer:
    """Responds to a patch with the whole entity."""
    given = right(asked)
    return given.saying({"items": [right.entity(asked)]}) if asked.patches and given.done else given


@broken("answer.schema", by_way_of="create.receipt")
def receipt_with_numbers(asked: Asked, right: Right) -> GivenAnswer:
    """The etag of a creation is a number."""
    given = right(asked)
    return given.telling(etag=17) if given.status == 201 and given.receipt else given


@broken("answer.in-time", by_way_of="explore.test")
def tests_take_for_ever(asked: Asked, right: Right) -> GivenAnswer:
    """The test of a connection never ends."""
    if asked.method == "GET" and asked.parts[-1:] == ["test"]:
        raise TimeoutError("got no response within 60 s")
    return right(asked)


@broken("answer.collection-there", by_way_of="spec.list")
def has_no_flow_specs(asked: Asked, right: Right) -> GivenAnswer:
    """The collection of flow specs is missing."""
    return right(asked.instead("GET", "/nowhere") if asked.kind == "flowSpecs" else asked)
