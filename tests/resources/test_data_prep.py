"""Tests of Data Prep: mapping sets in both forms, validated against a schema and applied to rows."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import Config, Emulator
from tests.arrival import CONVERSION, FULL, arrival, arriving, mapping, schema
from tests.calls import refused, send

SETS = f"{CONVERSION}/mappingSets"


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(Config(seed=1))


def older(schema_id: str) -> dict[str, Any]:
    """A mapping set in the form of database-nosql.md."""
    extra = {"identity": False, "identityGroup": None, "namespaceCode": None, "version": 0}
    ends = {"_id": "TestID", "person.name.fullName": "Name", "person.birthDate": "Datefield"}
    mappings = [{"destinationXdmPath": name, "sourceAttribute": source, **extra} for name, source in ends.items()]
    return {"version": 0, "xdmSchema": schema_id, "xdmVersion": "1.0", "id": None, "mappings": mappings}


def output(schema_id: str) -> dict[str, Any]:
    return {"schemaRef": {"id": schema_id, "contentType": FULL}}


def test_a_mapping_set_of_the_tutorials_gets_an_id_and_is_shown_in_both_ways(emulator: Emulator) -> None:
    """Documented: database-nosql.md; members of a mapping set in Adobe's data-prep document."""
    uri = schema(emulator)
    result: Any = send(emulator, "POST", SETS, older(uri))
    assert result.status == 200
    assert list(result.body) == ["id", "version", "createdDate", "modifiedDate", "createdBy", "modifiedBy"]
    shown: Any = send(emulator, "GET", f"{SETS}/{result.body['id']}").body
    assert shown["outputSchema"]["schemaRef"]["id"] == uri and shown["version"] == 0
    first = shown["mappings"][0]
    assert (first["source"], first["destination"], first["sourceType"]) == ("TestID", "_id", "ATTRIBUTE")
    assert (first["sourceAttribute"], first["destinationXdmPath"]) == ("TestID", "_id")
    listed: Any = send(emulator, "GET", f"{SETS}/{result.body['id']}/mappings").body
    assert listed["data"] == shown["mappings"]


def test_replacing_it_raises_the_version_that_flows_may_name(emulator: Emulator) -> None:
    to = arrival(emulator)
    changed: Any = send(emulator, "PUT", f"{SETS}/{to.mapping}", older(to.schema))
    assert changed.status == 200 and changed.body["version"] == 1

    def naming(version: int) -> Any:
        body = arriving(emulator, to)
        body["transformations"][1]["params"]["mappingVersion"] = version
        return send(emulator, "POST", "/flows", body)

    assert [naming(version).status for version in (0, 1, 2)] == [201, 201, 400]
    assert send(emulator, "GET", f"{SETS}/{to.mapping}?version=2").status == 404


def test_a_flow_names_a_mapping_set_for_the_schema_of_its_target(emulator: Emulator) -> None:
    to = arrival(emulator)
    other = mapping(emulator, schema(emulator, title="Other"), _id="visit_id")
    found = refused(send(emulator, "POST", "/flows", arriving(emulator, to._replace(mapping=other))))
    assert found[:2] == (400, "1100-400")


def test_the_sample_of_a_preview_is_mapped(emulator: Emulator) -> None:
    """Documented: the preview in Adobe's data-prep document; the schema makes `_id` a text."""
    mappings = [
        {
            "sourceType": "ATTRIBUTE",
            "source": "id",
            "destination": "_id",
            "name": "id",
            "description": "Identifier field",
        },
        {"sourceType": "ATTRIBUTE", "source": "firstName", "destination": "person.name.firstName"},
        {"sourceType": "ATTRIBUTE", "source": "lastName", "destination": "person.name.lastName"},
    ]
    given = {"outputSchema": output(schema(emulator)), "mappings": mappings}
    row = {"id": 1234, "firstName": "Jim", "lastName": "Seltzer"}
    result: Any = send(emulator, "POST", f"{SETS}/preview", {"data": row, "mappingSet": given})
    assert result.status == 200
    assert result.body == {"data": {"_id": "1234", "person": {"name": {"firstName": "Jim", "lastName": "Seltzer"}}}}
    several: Any = send(emulator, "POST", f"{SETS}/preview", {"data": [row, {}], "mappingSet": given}).body
    assert several["data"][1] == {} and len(several["data"]) == 2


@pytest.mark.parametrize(
    ("kind", "source", "value"),
    [
        ("EXPRESSION", 'concat(first, " ", last.name)', "Jim Seltzer"),
        ("EXPRESSION", "upper(first)", "JIM"),
        ("EXPRESSION", 'trim(replace(" a-b ", "-", "+"))', "a+b"),
        ("EXPRESSION", "coalesce(none, lower('X'))", "x"),
        ("EXPRESSION", "'x'", "x"),
        ("EXPRESSION", "12", 12),
        ("STATIC", "'always'", "always"),
        ("text/x.schema-path", "last.name", "Seltzer"),
    ],
)
def test_constants_attributes_and_a_few_functions_are_evaluated(
    emulator: Emulator, kind: str, source: str, value: Any
) -> None:
    given = {"mappings": [{"sourceType": kind, "source": source, "destination": "out.list[1].x"}]}
    row = {"first": "Jim", "last": {"name": "Seltzer"}}
    result: Any = send(emulator, "POST", f"{SETS}/preview", {"data": row, "mappingSet": given}).body
    assert result == {"data": {"out": {"list": [{}, {"x": value}]}}}


@pytest.mark.parametrize("source", ["uuid()", "concat(", "a + b", "1 2", "lower()", "(((", "lower(" * 99])
def test_what_cannot_be_evaluated_is_an_error_of_its_mapping(emulator: Emulator, source: str) -> None:
    given = {"mappings": [{"sourceType": "EXPRESSION", "source": source, "destination": "out"}]}
    result: Any = send(emulator, "POST", f"{SETS}/preview", {"data": {"a": 1}, "mappingSet": given})
    assert result.status == 200 and result.body["data"] == {} and len(result.body["errors"]) == 1
    checked: Any = send(emulator, "POST", f"{SETS}/validate", given).body
    assert [one["status"] for one in checked["validationResponse"]] == ["FAILED"]


def test_destinations_are_held_to_a_schema_whose_fields_are_known(emulator: Emulator) -> None:
    """Documented: the validation of Adobe's data-prep document: one outcome for each mapping, null without errors."""

    def outcomes(uri: str) -> list[Any]:
        mappings = [
            {"source": "a", "destination": path} for path in ("_id", "person.name.fullName", "persons.name", "_x")
        ]
        sent = {"outputSchema": output(uri), "mappings": mappings}
        answer: Any = send(emulator, "POST", f"{SETS}/validate", sent).body
        return [(one["status"], one["errors"] is None) for one in answer["validationResponse"]]

    assert outcomes(schema(emulator)) == [("SUCCESS", True)] * 2 + [("FAILED", False)] * 2
    partly_known = schema(emulator, "https://ns.adobe.com/acme/mixins/elsewhere", title="Partly known")
    assert outcomes(partly_known) == outcomes("https://ns.adobe.com/acme/schemas/elsewhere") == [("SUCCESS", True)] * 4


@pytest.mark.parametrize("mappings", [None, "x", [1], [{}], [{"source": "a"}], [{"source": "", "destination": "b"}]])
def test_what_is_no_mapping_set_is_refused(emulator: Emulator, mappings: Any) -> None:
    result: Any = send(emulator, "POST", SETS, {"mappings": mappings})
    assert result.status == 400 and set(result.body) == {"type", "title", "status", "detail"}


def test_lists_come_in_stretches_and_belong_to_their_sandbox(emulator: Emulator) -> None:
    for _ in range(3):
        send(emulator, "POST", SETS, older("https://ns.adobe.com/acme/schemas/elsewhere"))
    page: Any = send(emulator, "GET", f"{SETS}?limit=2&start=2").body
    assert len(page["data"]) == 1 and page["_page"] == {"count": 1, "limit": 2}
    other: Any = send(emulator, "GET", SETS, headers={"x-sandbox-name": "dev"}).body
    assert other["data"] == []
    assert send(emulator, "GET", f"{SETS}?limit=none").status == 400
