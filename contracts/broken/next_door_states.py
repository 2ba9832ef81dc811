"""Faulty neighbouring services that show an entity differently when created, looked up and listed."""

from __future__ import annotations

from contracts.broken import Asked, GivenAnswer, Right, broken
from contracts.checks.connectors_service import CUSTOMER_KEYS, KEYS
from contracts.checks.neighbours import SANDBOXES
from contracts.checks.next_door import CATALOG, CONVERSION, REGISTRY


@broken("next-door.schema-state")
def new_schemas_are_nobodys(asked: Asked, right: Right) -> GivenAnswer:
    """The response to a new schema lacks the organisation's stamp."""
    given = right(asked)
    made = asked.method == "POST" and asked.path.startswith(REGISTRY) and given.done
    return given.telling(imsOrg="x@AdobeOrg") if made else given


@broken("next-door.schema")
def places_of_schemas_are_cut(asked: Asked, right: Right) -> GivenAnswer:
    """Location of a new schema lacks its last letter."""
    given = right(asked)
    place = given.header("location")
    return given.having("Location", place[:-1]) if place and asked.path.startswith(REGISTRY) else given


@broken("next-door.data-set-state")
def data_sets_are_listed_without_their_description(asked: Asked, right: Right) -> GivenAnswer:
    """A list of data sets omits their descriptions."""
    given = right(asked)
    if asked.method != "GET" or asked.path != CATALOG + "/dataSets" or not given.done:
        return given
    return given.saying(
        {key: {name: value for name, value in one.items() if name != "description"} for key, one in given.json.items()}
    )


@broken("next-door.mapping-set-state")
def mapping_sets_turn_their_mappings_round(asked: Asked, right: Right) -> GivenAnswer:
    """A look-up shows the mappings in reverse."""
    given = right(asked)
    shown = given.json.get("mappings") if isinstance(given.json, dict) else None
    return given.telling(mappings=shown[::-1]) if shown and asked.path.startswith(CONVERSION) else given


@broken("next-door.batch-state")
def lists_a_batch_that_is_not_there(asked: Asked, right: Right) -> GivenAnswer:
    """A list of batches has one that no look-up finds."""
    given = right(asked)
    listed = asked.path == CATALOG + "/batches" and given.done
    made_up = {"status": "success", "relatedObjects": [{"type": "dataSet", "id": "5c8c3c555033b814b69f947f"}]}
    return given.saying({**given.json, "none": made_up}) if listed else given


@broken("next-door.batch-of-run")
def batches_name_no_run(asked: Asked, right: Right) -> GivenAnswer:
    """Batches omit which run they come from."""
    given = right(asked)
    if not asked.path.startswith(CATALOG + "/batches") or not given.done or not isinstance(given.json, dict):
        return given
    shown = {key: {**one, "tags": {"flowId": one["tags"]["flowId"]}} for key, one in given.json.items()}
    return given.saying(shown)


@broken("connectors.keys-state")
def keys_end_sooner_in_lists(asked: Asked, right: Right) -> GivenAnswer:
    """A list of keys shows another expiry."""
    given = right(asked)
    if asked.method != "GET" or asked.path != KEYS or not given.done:
        return given
    return given.saying([{**one, "expiryTime": "1"} for one in given.json])


@broken("connectors.customer-keys-state")
def shared_keys_lose_their_names(asked: Asked, right: Right) -> GivenAnswer:
    """A list of shared keys omits their names."""
    given = right(asked)
    if asked.method != "GET" or asked.path != CUSTOMER_KEYS or not given.done:
        return given
    return given.saying([{name: value for name, value in one.items() if name != "name"} for one in given.json])


@broken("neighbour.sandbox-state")
def sandboxes_are_listed_in_another_region(asked: Asked, right: Right) -> GivenAnswer:
    """The list of sandboxes shows another region than look-ups."""
    given = right(asked)
    if asked.path.rstrip("/") != SANDBOXES.rstrip("/") or not given.done:
        return given
    return given.telling(sandboxes=[{**one, "region": "NLD2"} for one in given.json["sandboxes"]])
