"""Tests every file of the connector catalogue: its form, its examples, and its connection spec."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from contracts.yaml_input import parse_yaml
from mockserver.errors import ApiError
from mockserver.quirks import QUIRKS, Quirks
from mockserver.specs.connectors import CATALOGUE, MASK, PLATFORMS, Connectors
from mockserver.specs.families import FAMILIES
from mockserver.specs.target_specs import SHARED
from tests.rows import each

FILES = {path.stem: parse_yaml(path.read_text(encoding="utf-8")) for path in sorted(CATALOGUE.glob("*.yaml"))}
ANY_FILE = each("file", FILES)
SHARED_PARTS = parse_yaml(SHARED.read_text(encoding="utf-8"))
STAND_IN = "00000000-0000-4000-8000-000000000000"
"""Replaces an id that is null, so that such a file is tested too."""

UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
TEXT = {"type": "string", "minLength": 1}
NAMES = {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True}
ONE_OF_PLATFORMS = {"enum": list(PLATFORMS)}
SOME_PLATFORMS = {"type": "array", "items": ONE_OF_PLATFORMS, "minItems": 1, "uniqueItems": True}
ROLE = {"enum": ["server", "port", "database", "username", "password", "ssl"]}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


KEY = _object(
    {}, {"required": {"const": True}, "role": ROLE, "synonyms": NAMES, "enum": NAMES, "format": {"const": "port"}}
)
PARAM = _object(
    {"type": {"enum": ["string", "integer", "number", "boolean", "object"]}, "description": TEXT},
    {
        "required": {"const": True},
        "secret": {"const": True},
        "readOnly": {"const": True},
        "standsFor": TEXT,
        "pattern": TEXT,
        "shows": {"type": ["string", "boolean"]},
        "minLength": {"const": 0},
        "role": ROLE,
        "format": {"enum": ["port", "connection-string"]},
        "enum": NAMES,
        "accepted": NAMES,
        "quirk": {"enum": list(QUIRKS)},
        "platformValues": {"type": "object", "propertyNames": ONE_OF_PLATFORMS, "additionalProperties": NAMES},
        "keys": {"type": "object", "minProperties": 1, "additionalProperties": KEY},
        "ssl": {"type": "array", "items": _object({"when": {"type": "object"}, "mode": TEXT})},
    },
)
AUTH_SPEC = _object(
    {
        "name": TEXT,
        "type": TEXT,
        "platforms": SOME_PLATFORMS,
        "params": {"type": "object", "minProperties": 1, "additionalProperties": PARAM},
    },
    {"quirk": {"enum": list(QUIRKS)}},
)
TARGET_SPEC = _object(
    {
        "params": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"anyOf": [{"enum": list(SHARED_PARTS)}, {"type": "object", "required": ["type"]}]},
        },
        "required": NAMES,
    },
    {"name": TEXT, "type": TEXT},
)
FORM = _object(
    {
        "id": {"type": ["string", "null"], "pattern": UUID},
        "version": {"type": "string", "pattern": r"^[0-9]+\.[0-9]+$"},
        "name": TEXT,
        "label": TEXT,
        "category": TEXT,
        "family": {"enum": list(FAMILIES)},
        "providerId": {"type": "string", "pattern": UUID},
        "platforms": SOME_PLATFORMS,
        "baseConnection": {"type": "boolean"},
        "authRequired": {"type": "boolean"},
        "documentation": {"type": "string", "pattern": "^https://experienceleague\\.adobe\\.com/"},
        "authSpecs": {"type": "array", "items": AUTH_SPEC},
        "provenance": _object(
            {"page": {"type": "string", "pattern": r"^help/.*\.md$"}, "read": TEXT},
            {"status": TEXT, "documented": TEXT, "assumed": NAMES, "doubts": NAMES},
        ),
        "examples": {
            "type": "array",
            "minItems": 2,
            "items": _object({}, {"auth": {"type": "object"}, "refused": TEXT, "platform": ONE_OF_PLATFORMS}),
        },
    },
    {
        "targetSpec": TARGET_SPEC,
        "encryption": {"const": True},
        "filterAtSource": _object(
            {
                "enabled": {"const": True},
                "queryLanguage": TEXT,
                "logicalOperators": NAMES,
                "comparisonOperators": NAMES,
                "columnNameEscapeChar": TEXT,
                "valueEscapeChar": TEXT,
            }
        ),
        "typeInfo": {"type": "object", "additionalProperties": TEXT},
    },
)


def _platform(file: str, example: dict[str, Any]) -> str:
    """The cloud of an example: the named one, else the first with its auth spec, else the connector's first."""
    name = example.get("auth", {}).get("specName")
    offering = [spec["platforms"][0] for spec in FILES[file]["authSpecs"] if spec["name"] == name]
    return str(example.get("platform") or [*offering, FILES[file]["platforms"][0]][0])


@pytest.fixture
def served(tmp_path: Path) -> Any:
    """Connectors of a folder with one file of the catalogue."""

    def serve(file: str, platform: str) -> tuple[Connectors, str]:
        folder = tmp_path / file
        if not folder.exists():
            folder.mkdir()
            text = (CATALOGUE / f"{file}.yaml").read_text(encoding="utf-8")
            text = text.replace("id: null\n", f"id: {STAND_IN}\n", 1)
            (folder / f"{file}.yaml").write_text(text, encoding="utf-8")
        return Connectors(platform, folder), FILES[file]["id"] or STAND_IN

    return serve


@ANY_FILE
def test_a_file_has_the_form_of_the_readme(file: str) -> None:
    faults = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(FORM).iter_errors(FILES[file])]
    assert not faults


@ANY_FILE
def test_a_file_is_named_after_its_label(file: str) -> None:
    name = re.sub(r"[^a-z0-9]+", "-", FILES[file]["label"].lower())
    assert file == name, f"rename mockserver/catalogue/{file}.yaml to {name}.yaml, or change its label"


@pytest.mark.parametrize("member", ["id", "name", "label"])
def test_no_two_files_share_what_clients_look_for(member: str) -> None:
    counted = Counter(file[member] for file in FILES.values() if file[member] is not None)
    shared = [value for value, count in counted.items() if count > 1]
    assert not shared, f"give each file in mockserver/catalogue/ its own {member}: {shared}"


def test_a_file_without_an_id_says_why() -> None:
    nameless = {name: file["provenance"].get("doubts") for name, file in FILES.items() if file["id"] is None}
    assert set(nameless) == {"linkedin-ads", "oracle-netsuite-entities", "pathfactory"}
    assert all(" id " in " ".join(doubts) for doubts in nameless.values())


@ANY_FILE
def test_auth_specs_stay_within_the_connectors_platforms_and_have_names_of_their_own(file: str) -> None:
    specs = FILES[file]["authSpecs"]
    assert len({spec["name"] for spec in specs}) == len(specs)
    for spec in specs:
        assert set(spec["platforms"]) <= set(FILES[file]["platforms"])
        roles = [param["role"] for param in spec["params"].values() if "role" in param]
        assert len(set(roles)) == len(roles)
    assert not FILES[file]["authRequired"] or specs


@ANY_FILE
def test_each_platform_has_a_way_in(file: str) -> None:
    if FILES[file]["authRequired"]:
        offered = {platform for spec in FILES[file]["authSpecs"] for platform in spec["platforms"]}
        assert offered == set(FILES[file]["platforms"])


@ANY_FILE
def test_every_auth_spec_has_an_example_that_passes_and_the_file_one_that_fails(file: str) -> None:
    passing = {
        example.get("auth", {}).get("specName") for example in FILES[file]["examples"] if "refused" not in example
    }
    assert passing == {spec["name"] for spec in FILES[file]["authSpecs"]} or (
        passing == {None} and not FILES[file]["authSpecs"]
    )
    assert any("refused" in example for example in FILES[file]["examples"])


@ANY_FILE
def test_examples_pass_or_are_refused_where_they_say_without_a_secret(file: str, served: Any) -> None:
    for example in FILES[file]["examples"]:
        connectors, spec_id = served(file, _platform(file, example))
        connection = {"connectionSpec": {"id": spec_id, "version": "1.0"}, **example}
        connection.pop("refused", None)
        if "refused" not in example:
            connectors.check(connection, Quirks(), strict=True)
            continue
        with pytest.raises(ApiError) as raised:
            connectors.check(connection, Quirks())
        assert raised.value.extras["pointer"] == example["refused"]
        assert "c4n4ry" not in f"{raised.value!r} {vars(raised.value)}"


def _spoilt(params: dict[str, Any], spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Params with one mistake, and its member."""
    for name, param in spec["params"].items():
        if param.get("required"):
            yield name, {other: value for other, value in params.items() if other != name}
        yield name, {**params, name: ["c4n4ry"]}
        yield name, {**params, name: None}
    yield "c4n4ry-no-param", {**params, "c4n4ry-no-param": "c4n4ry"}


@ANY_FILE
def test_what_is_missing_unknown_or_of_another_type_is_refused_by_its_pointer(file: str, served: Any) -> None:
    for example in FILES[file]["examples"]:
        if "auth" not in example or "refused" in example:
            continue
        connectors, spec_id = served(file, _platform(file, example))
        auth = example["auth"]
        spec = next(spec for spec in FILES[file]["authSpecs"] if spec["name"] == auth["specName"])
        for member, params in _spoilt(auth["params"], spec):
            connection = {"connectionSpec": {"id": spec_id}, "auth": {**auth, "params": params}}
            with pytest.raises(ApiError) as raised:
                connectors.check(connection, Quirks())
            assert (raised.value.key, raised.value.extras["pointer"]) == ("rejected", f"/auth/params/{member}")
            assert "c4n4ry" not in str(vars(raised.value)).replace("c4n4ry-no-param", "")


@ANY_FILE
def test_masking_an_example_hides_its_secrets_and_nothing_else(file: str, served: Any) -> None:
    for example in FILES[file]["examples"]:
        if "auth" not in example or not FILES[file]["authSpecs"]:
            continue
        connectors, spec_id = served(file, _platform(file, example))
        connection = {"connectionSpec": {"id": spec_id}, "auth": example["auth"]}
        secrets = connectors.get(spec_id).auth_specs[example["auth"]["specName"]].secrets
        masked = connectors.mask(connection)["auth"]["params"]
        assert "c4n4ry" not in json.dumps(masked) and "YzRuNHJ5" not in json.dumps(masked)
        for name, value in example["auth"]["params"].items():
            assert masked[name] == (MASK if name in secrets or name == "passwd" else value)


@each("platform", PLATFORMS)
@ANY_FILE
def test_the_connection_spec_made_of_a_file_holds_schemas(file: str, platform: str, served: Any) -> None:
    connectors, spec_id = served(file, platform)
    connector = connectors.get(spec_id)
    if platform not in FILES[file]["platforms"]:
        assert connector is None
        return
    spec = connector.describe()
    here = [auth for auth in FILES[file]["authSpecs"] if platform in auth["platforms"] and "quirk" not in auth]
    assert [auth["name"] for auth in spec["authSpec"]] == [auth["name"] for auth in here]
    for raw, auth in zip(here, spec["authSpec"], strict=True):
        Draft7Validator.check_schema(auth["spec"])
        shown = auth["spec"]["properties"]
        listed = {name: param for name, param in raw["params"].items() if not {"readOnly", "standsFor"} & param.keys()}
        assert set(shown) == set(listed)
        marked = {name for name, param in shown.items() if param.get("format") == "password"}
        assert marked == {name for name, param in listed.items() if param.get("secret")}
        assert set(auth["spec"].get("required", ())) <= set(shown)
    assert ("targetSpec" in spec) is ("targetSpec" in FILES[file])
    for part in ("sourceSpec", "exploreSpec", "targetSpec", "encryptionSpecs"):
        for schema in _documents(spec.get(part, {})):
            Draft7Validator.check_schema(schema)


def _documents(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        if "$schema" in value:
            yield value
        for inner in value.values():
            yield from _documents(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _documents(inner)


@ANY_FILE
def test_what_stands_for_another_param_is_as_secret_as_it_is(file: str) -> None:
    for spec in FILES[file]["authSpecs"]:
        for param in spec["params"].values():
            if "standsFor" in param:
                assert param.get("secret") == spec["params"][param["standsFor"]].get("secret")


# documented ids that clients have in their code, and names that they look up
@each(
    "name, spec_id",
    [
        ("postgre-sql", "74a1c565-4e59-48d7-9d67-7c03b8a13137"),
        ("dynamics-online", "38ad80fe-8b06-4938-94f4-d4ee80266b07"),
        ("datalake", "c604ff05-7f1a-43c0-8e18-33bf874cb11c"),
        ("landing-zone", "26f526f2-58f4-4712-961d-e41bf1ccc0e8"),
        ("Data Landing Zone", "10440537-2a7b-4583-ac39-ed38d4b848e8"),
        ("activation-datalake", "23598e46-f560-407b-88d5-ea6207e49db0"),
    ],
)
@each("platform", PLATFORMS)
def test_specs_that_clients_look_for_by_name_are_there(name: str, spec_id: str, platform: str) -> None:
    connectors = Connectors.load(platform)
    found = {connector.name: connector.id for connector in connectors.all()}
    if name != "dynamics-online" or platform == "azure":
        assert found[name] == spec_id


# adding a connector takes one file
NEW = """id: 5f0f4a0e-3c0b-4d6a-9d53-0d9c2a1b7e11
version: "2.0"
name: acme-warehouse
label: Acme Warehouse
category: Database
family: database
providerId: 0ed90a81-07f4-4586-8190-b40eccef1c5a
platforms: [aws]
baseConnection: true
authRequired: true
documentation: https://experienceleague.adobe.com/acme
authSpecs:
  - name: Token
    type: KeyBased
    platforms: [aws]
    params: {token: {type: string, required: true, secret: true, role: password, description: A token.}}
provenance: {page: help/acme.md, read: the page}
"""


def test_adding_a_connector_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "acme-warehouse.yaml").write_text(NEW, encoding="utf-8")
    connectors = Connectors("aws", tmp_path)
    (connector,) = connectors.all()
    assert connector.describe()["authSpec"][0]["spec"]["required"] == ["token"]
    connection = {
        "connectionSpec": {"id": connector.id, "version": "2.0"},
        "auth": {"specName": "Token", "params": {"token": "c4n4ry"}},
    }
    connectors.check(connection, Quirks())
    assert connectors.mask(connection)["auth"]["params"] == {"token": MASK}
    assert connectors.access(connection).password == "c4n4ry"
    assert Connectors("azure", tmp_path).all() == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("version: '1.0'\n" + NEW, "does not begin with 'id: '"),
        (NEW.replace("5f0f4a0e", "5F0F4A0E"), "does not begin with 'id: '"),
        (NEW, "has the connection spec id of acme-warehouse.yaml"),
    ],
    ids=["id not first", "id in capitals", "id taken"],
)
def test_a_file_that_cannot_be_found_by_its_id_stops_the_start(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "acme-warehouse.yaml").write_text(NEW, encoding="utf-8")
    (tmp_path / "second.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Connectors("aws", tmp_path)


def test_loading_reads_first_lines_only(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text(NEW.splitlines()[0] + "\n{: not YAML", encoding="utf-8")
    connectors = Connectors("aws", tmp_path)
    with pytest.raises(yaml.YAMLError):
        connectors.all()
