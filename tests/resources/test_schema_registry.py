"""Tests of Schema Registry: composed schemas, the forms of Accept, and refusals."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from mockserver import Config, Emulator
from mockserver.exchange import Result
from tests.calls import send

ROOT = "/data/foundation/schemaregistry"
PROFILE = "https://ns.adobe.com/xdm/context/profile"
PERSON = "https://ns.adobe.com/xdm/context/profile-person-details"
RAW = {"accept": "application/vnd.adobe.xed+json; version=1"}
FULL = {"accept": "application/vnd.adobe.xed-full+json; version=1"}
LIST = {"accept": "application/vnd.adobe.xed-id+json"}
TENANT = "5c1328435bf324e90a49402a"


def composed(emulator: Emulator, *references: str, title: str = "Loyalty Members", kind: str = "schemas") -> Any:
    """Create a resource; returns the response."""
    body = {"type": "object", "title": title, "description": "x", "allOf": [{"$ref": uri} for uri in references]}
    result = send(emulator, "POST", f"{ROOT}/tenant/{kind}", body)
    assert result.status == 201, result
    return result.body


def asked(emulator: Emulator, path: str, headers: Any = RAW) -> Result:
    return send(emulator, "GET", f"{ROOT}/{path}", headers=headers)


def test_a_schema_tells_its_ids_and_what_it_extends(emulator: Emulator) -> None:
    """Documented: members of the first response of create-schema-api.md, in order."""
    made = composed(emulator, PROFILE)
    assert made["$id"].startswith(f"https://ns.adobe.com/{TENANT}/schemas/")
    assert made["meta:altId"] == f"_{TENANT}.schemas.{made['$id'].rpartition('/')[2]}"
    assert made["allOf"] == [{"$ref": PROFILE, "type": "object", "meta:xdmType": "object"}]
    assert made["refs"] == [PROFILE] and made["meta:class"] == PROFILE and made["version"] == "1.0"
    assert made["meta:extends"] == [
        "https://ns.adobe.com/xdm/common/auditable",
        "https://ns.adobe.com/xdm/data/record",
        PROFILE,
    ]
    assert list(made)[:7] == ["$id", "meta:altId", "meta:resourceType", "version", "title", "type", "description"]


def test_both_ids_lead_to_it_and_another_tenant_has_it_not(emulator: Emulator) -> None:
    made = composed(emulator, PROFILE)
    by_alt: Any = asked(emulator, f"tenant/schemas/{made['meta:altId']}").body
    by_uri: Any = asked(emulator, f"tenant/schemas/{unquote(made['$id'])}").body
    assert by_alt == by_uri == {name: value for name, value in made.items() if name != "refs"}
    other = asked(emulator, f"tenant/schemas/{made['meta:altId']}", {**RAW, "x-sandbox-name": "dev"})
    assert other.status == 404


def test_a_field_group_is_added_by_a_patch_that_raises_the_version(emulator: Emulator) -> None:
    """Documented: the second response of create-schema-api.md."""
    made = composed(emulator, PROFILE)
    path = f"{ROOT}/tenant/schemas/{made['meta:altId']}"
    result: Any = send(emulator, "PATCH", path, [{"op": "add", "path": "/allOf/-", "value": {"$ref": PERSON}}])
    assert result.status == 200 and result.body["version"] == "1.1"
    assert result.body["refs"] == [PERSON, PROFILE] and result.body["meta:extends"][0] == PERSON
    full: Any = asked(emulator, f"tenant/schemas/{made['meta:altId']}", FULL).body
    assert full["properties"]["person"]["properties"]["name"]["properties"]["fullName"]["type"] == "string"
    assert "_id" in full["properties"] and "allOf" not in full


def test_custom_fields_are_part_of_the_whole_schema(emulator: Emulator) -> None:
    """Documented: the field group of help/xdm/api/field-groups.md, by its definitions."""
    group = {
        "type": "object",
        "title": "Loyalty",
        "meta:intendedToExtend": [PROFILE],
        "definitions": {
            "loyalty": {"properties": {f"_{TENANT}": {"type": "object", "properties": {"id": {"type": "string"}}}}}
        },
        "allOf": [{"$ref": "#/definitions/loyalty"}],
    }
    made: Any = send(emulator, "POST", f"{ROOT}/tenant/fieldgroups", group).body
    assert made["meta:resourceType"] == "mixins" and "/mixins/" in made["$id"] and made["meta:extensible"] is True
    schema = composed(emulator, PROFILE, made["$id"])
    full: Any = asked(emulator, f"tenant/schemas/{schema['meta:altId']}", FULL).body
    assert full["properties"][f"_{TENANT}"]["properties"] == {"id": {"type": "string"}}
    listed: Any = asked(emulator, f"tenant/fieldgroups?property=meta:intendedToExtend=={PROFILE}", LIST).body
    assert [one["title"] for one in listed["results"]] == ["Loyalty"]


def test_a_class_of_ones_own_is_the_class_of_a_schema(emulator: Emulator) -> None:
    made = composed(emulator, "https://ns.adobe.com/xdm/data/record", title="Property", kind="classes")
    schema = composed(emulator, PERSON, made["$id"])
    assert schema["meta:class"] == made["$id"]
    assert schema["meta:extends"] == [PERSON, "https://ns.adobe.com/xdm/data/record", made["$id"]]


def test_lists_hold_summaries_or_whole_resources_in_the_order_asked_for(emulator: Emulator) -> None:
    for title in ("Hotels", "Airlines"):
        composed(emulator, PROFILE, title=title)
    listed: Any = asked(emulator, "tenant/schemas?orderby=title", LIST).body
    assert [list(one) for one in listed["results"]] == [["$id", "meta:altId", "version", "title"]] * 2
    assert [one["title"] for one in listed["results"]] == ["Airlines", "Hotels"]
    assert listed["_page"] == {"orderby": "title", "next": None, "count": 2}
    whole: Any = asked(
        emulator, "tenant/schemas?property=title==Hotels&limit=1", {"accept": "application/vnd.adobe.xed+json"}
    )
    assert [one["meta:class"] for one in whole.body["results"]] == [PROFILE]
    stats: Any = asked(emulator, "stats").body
    assert stats["tenantId"] == TENANT and stats["counts"]["schemas"] == 2


@pytest.mark.parametrize("path", ["global/classes/_xdm.context.profile", f"global/classes/{PROFILE}"])
def test_adobes_own_resources_can_be_looked_up_and_not_changed(emulator: Emulator, path: str) -> None:
    found: Any = asked(emulator, path).body
    assert found["title"] == "XDM Individual Profile" and found["meta:containerId"] == "global"
    refused: Any = send(emulator, "DELETE", f"{ROOT}/{path}")
    assert refused.status == 400 and "cannot be written" in refused.body["detail"]


@pytest.mark.parametrize(
    ("accept", "status", "code"),
    [
        (None, 400, "XDM-1007-400"),
        ("*/*", 400, "XDM-1007-400"),
        ("application/json", 400, "XDM-1007-400"),
        ("application/vnd.adobe.xed+json", 400, "XDM-1007-400"),
        ("application/vnd.adobe.xed-id+json; version=1", 400, "XDM-1007-400"),
        ("application/vnd.adobe.xed-full+json;version=7", 406, None),
        ("application/vnd.adobe.xed-full-notext+json;version=1", 200, None),
        ("application/vnd.adobe.xdm+json; version=1", 200, None),
    ],
)
def test_accept_says_what_is_wanted(emulator: Emulator, accept: str | None, status: int, code: str | None) -> None:
    """Documented: Accept headers of a look-up, and the errors of Adobe's schema-registry document."""
    result: Any = asked(emulator, "global/classes/_xdm.context.profile", {"accept": accept})
    assert result.status == status
    if code:
        assert result.body["type"] == f"http://ns.adobe.com/aep/errors/{code}"
        assert result.body["report"]["detailed-message"] == result.body["detail"]


def test_lists_want_no_version(emulator: Emulator) -> None:
    refused: Any = asked(emulator, "tenant/schemas", RAW)
    assert refused.status == 400 and refused.body["type"].endswith("XDM-1006-400")


@pytest.mark.parametrize(
    "changes",
    [
        {"title": None},
        {"title": 1},
        {"type": "string"},
        {"allOf": []},
        {"allOf": [1]},
        {"allOf": "x"},
        {"allOf": [{"$ref": PERSON}]},
        {"allOf": [{"$ref": PROFILE}], "definitions": 1},
    ],
)
def test_what_is_no_schema_is_refused_in_the_registrys_form(emulator: Emulator, changes: Any) -> None:
    body = {"type": "object", "title": "x", "allOf": [{"$ref": PROFILE}], **changes}
    refused: Any = send(emulator, "POST", f"{ROOT}/tenant/schemas", {k: v for k, v in body.items() if v is not None})
    assert refused.status == 400 and set(refused.body) == {"type", "title", "status", "report", "detail"}


@pytest.mark.parametrize("path", ["tenant/schemas/none", "tenant/classes/_xdm.context.profile", "global/schemas/none"])
def test_what_is_not_there_is_not_found(emulator: Emulator, path: str) -> None:
    """Documented: the error of a look-up in Adobe's schema-registry document."""
    refused: Any = asked(emulator, path)
    assert refused.status == 404 and refused.body["type"] == "http://ns.adobe.com/aep/errors/XDM-1012-404"


def test_what_is_deleted_is_gone(emulator: Emulator) -> None:
    made = composed(emulator, PROFILE)
    path = f"{ROOT}/tenant/schemas/{made['meta:altId']}"
    assert send(emulator, "DELETE", path).status == 204
    assert send(emulator, "DELETE", path).status == 404
    assert send(emulator, "PATCH", path, [{"op": "remove", "path": "/description"}]).status == 404


def test_a_closed_sandbox_knows_what_was_made_in_it() -> None:
    body = {"type": "object", "title": "x", "allOf": [{"$ref": "https://ns.adobe.com/acme/classes/elsewhere"}]}
    assert send(Emulator(Config(seed=1)), "POST", f"{ROOT}/tenant/schemas", body).status == 201
    refused = send(Emulator(Config(seed=1, closed=True)), "POST", f"{ROOT}/tenant/schemas", body)
    assert refused.status == 400


def test_schemas_move_with_the_state(emulator: Emulator) -> None:
    made = composed(emulator, PROFILE)
    other = Emulator(Config(seed=1))
    other.restore(emulator.export())
    found: Any = asked(other, f"tenant/schemas/{made['meta:altId']}").body
    assert found["$id"] == made["$id"]
