"""Tests of the catalogue of flow specs: every file is complete, and its rules are the documented ones."""

import uuid

import pytest
import yaml

from mockserver.specs.connectors import Connectors
from mockserver.specs.families import FAMILIES
from mockserver.specs.flow_specs import FOLDER, FlowSpecs
from tests.rows import each

SPECS = FlowSpecs()
DATA_LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
CRM = "14518937-270c-4525-bdec-c2ba7cce3860"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml") if path.name != "shared.yaml")


@each("name", FILES)
def test_a_file_has_the_members_in_order_and_says_where_they_come_from(name: str) -> None:
    raw = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    assert list(raw)[:4] == ["id", "name", "providerId", "version"]
    assert list(raw)[-1] == "provenance" and raw["provenance"]["documented"]
    spec = SPECS.get(raw["id"])
    assert spec is not None and raw.keys() - {"provenance", "createdAt", "inlet"} == spec.described.keys()
    assert spec.exports or DATA_LAKE in raw["targetConnectionSpecIds"]
    for spec_id in (raw["id"], *raw["sourceConnectionSpecIds"], *raw["targetConnectionSpecIds"]):
        assert str(uuid.UUID(spec_id)) == spec_id
    assert len(set(raw["sourceConnectionSpecIds"])) == len(raw["sourceConnectionSpecIds"])


def test_ids_and_names_are_unique() -> None:
    assert len({spec.id for spec in SPECS.all()}) == len({spec.name for spec in SPECS.all()}) == len(FILES)


@pytest.mark.parametrize("platform", ["azure", "aws"])
def test_some_flow_can_read_every_source_of_the_catalogue(platform: str) -> None:
    read = {spec_id for spec in SPECS.all() for spec_id in spec.source_connection_spec_ids}
    sources = [connector for connector in Connectors.load(platform).all() if FAMILIES[connector.family].source]
    missing = [connector.name for connector in sources if connector.id not in read]
    assert not missing, f"add to sourceConnectionSpecIds in mockserver/catalogue/flow_specs/: {missing}"


def test_a_spec_is_found_by_its_id_and_an_unknown_one_is_not() -> None:
    spec = SPECS.get(CRM)
    assert spec is not None and spec.name == "CRMToAEP" and spec.version == "1.0"
    assert "74a1c565-4e59-48d7-9d67-7c03b8a13137" in spec.source_connection_spec_ids
    assert SPECS.get("no such id") is None


def test_what_is_printed_holds_nothing_of_ours_and_no_names_of_shared_parts() -> None:
    for spec in SPECS.all():
        assert "provenance" not in spec.described
        assert all(isinstance(part, dict) for part in spec.described["transformationSpecs"])
        assert spec.exports or isinstance(spec.described["permissionsInfo"]["view"], list)


SCHEDULES = [
    # documented: the JSON Schema that the database tutorial prints
    ({"startTime": 1612310466, "frequency": "once"}, True),
    ({"startTime": 1612310466, "frequency": "minute", "interval": 15, "backfill": True}, True),
    ({"startTime": 1612310466, "frequency": "hour", "interval": 1}, True),
    ({"startTime": 1612310466, "frequency": "minute", "interval": 14}, False),
    ({"startTime": 1612310466, "frequency": "week", "interval": 0}, False),
    ({"startTime": 1612310466, "frequency": "once", "interval": 1}, False),
    ({"startTime": 1612310466, "frequency": "once", "backfill": True}, False),
    ({"startTime": 1612310466, "frequency": "minute"}, False),
    ({"startTime": 1612310466, "frequency": "month", "interval": 1}, False),
    ({"frequency": "once"}, False),
]


@each("schedule, fits", SCHEDULES)
def test_a_schedule_fits_as_documented(schedule: dict[str, object], fits: bool) -> None:
    spec = SPECS.get(CRM)
    assert spec is not None and spec.schedule is not None
    assert (not list(spec.schedule.violations(schedule, "body"))) is fits


def test_streaming_flows_have_no_schedule() -> None:
    for spec in SPECS.all():
        assert spec.exports or (spec.schedule is None) is (spec.attributes["frequency"] == "streaming")


def test_every_destination_has_a_flow_that_ends_there() -> None:
    written = {spec_id for spec in SPECS.all() if spec.exports for spec_id in spec.target_connection_spec_ids}
    anywhere = [spec for spec in SPECS.all() if spec.exports and not spec.target_connection_spec_ids]
    destinations = [connector for connector in Connectors.load().all() if connector.family == "destination"]
    assert [spec.name for spec in anywhere] == ["upsToCampaign"] and len(destinations) == 13
    assert len(written & {connector.id for connector in destinations}) == 8


def test_params_of_a_transformation_are_checked_by_its_name() -> None:
    spec = SPECS.get(CRM)
    assert spec is not None and set(spec.transformations) == {"Copy", "Mapping"}
    copy = spec.transformations["Copy"]
    assert not list(copy.violations({"deltaColumn": {"name": "Datefield"}}, "body"))
    assert [str(v) for v in copy.violations({"deltaColumn": {}}, "body")] == [
        "Member /deltaColumn/name is missing; expected a string"
    ]
