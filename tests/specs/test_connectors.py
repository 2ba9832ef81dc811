"""Tests of PostgreSQL's rules, masks and platforms in the catalogue, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.errors import ApiError
from mockserver.quirks import Quirks
from mockserver.specs.connectors import MASK, Connectors
from tests.calls import BASIC_PARAMS, by_string, connection
from tests.rows import each

STRING = "Server=h;Database=d;Port=5432;UID=u;Password=c4n4ry"


def _basic(**changes: Any) -> dict[str, Any]:
    return connection(auth={"specName": "Basic Authentication", "params": {**BASIC_PARAMS, **changes}})


def _taken(body: dict[str, Any], platform: str = "azure", *, strict: bool = False, **quirks: str) -> bool:
    try:
        Connectors.load(platform).check(
            body, Quirks({name.replace("_", "-"): v for name, v in quirks.items()}), strict=strict
        )
    except ApiError as error:
        assert "c4n4ry" not in str(vars(error))
        return False
    return True


# (value, azure lenient, azure documented, aws lenient). The five values and AWS's true and false are
# documented on the API page, Require and the hyphens on the overview page; letter case is assumed
SSL_MODES = [
    ("Disable", True, True, True),
    ("Allow", True, True, True),
    ("Prefer", True, True, True),
    ("Verify Ca", True, True, True),
    ("Verify Full", True, True, True),
    ("Require", True, False, True),
    ("Verify-Ca", True, False, True),
    ("Verify-Full", True, False, True),
    ("verifyfull", True, False, True),
    ("true", False, False, True),
    ("false", False, False, True),
    ("{SSL_MODE}", True, True, True),
    ("c4n4ry", False, False, False),
    ("", False, False, False),
    (True, False, False, False),
]


@each("mode, azure, documented, aws", SSL_MODES)
def test_ssl_modes(mode: Any, azure: bool, documented: bool, aws: bool) -> None:
    body = _basic(sslMode=mode)
    assert (_taken(body), _taken(body, ssl_mode="documented"), _taken(body, "aws")) == (azure, documented, aws)


@each(
    "port, expected",
    [("1", True), ("5432", True), ("65535", True), ("{PORT}", True)]
    + [(port, False) for port in ("0", "65536", "-1", "5432 ", "5e3", "٥", "", 5432, None)],
)
def test_a_port_is_a_number_in_digits(port: Any, expected: bool) -> None:
    assert _taken(_basic(port=port)) is expected


@pytest.mark.parametrize("name", [name for name in BASIC_PARAMS if name != "sslMode"])
def test_what_is_required_may_be_neither_missing_nor_empty(name: str) -> None:
    params = {other: value for other, value in BASIC_PARAMS.items() if other != name}
    assert not _taken(connection(auth={"specName": "Basic Authentication", "params": params}))
    assert not _taken(_basic(**{name: ""}))


def test_ssl_mode_may_be_left_out() -> None:
    params = {name: value for name, value in BASIC_PARAMS.items() if name != "sslMode"}
    assert _taken(connection(auth={"specName": "Basic Authentication", "params": params}))


# how the keys read in words of sslMode: assumed
@each(
    "keys, mode",
    [
        ("", "Disable"),
        (";EncryptionMethod=0", "Disable"),
        (";EncryptionMethod=0;ValidateServerCertificate=1", "Disable"),
        (";EncryptionMethod=1", "Require"),
        (";EncryptionMethod=1;ValidateServerCertificate=0", "Require"),
        (";EncryptionMethod=1;ValidateServerCertificate=1", "Verify Ca"),
        (";encryptionmethod=1;validationservercertificate=1", "Verify Ca"),
        (";EncryptionMethod=6", "Prefer"),
    ],
)
def test_a_connection_string_tells_the_way_to_the_source(keys: str, mode: str) -> None:
    body = by_string(STRING + keys)
    assert _taken(body)
    access = Connectors.load().access(body)
    assert (access.server, access.port, access.database, access.username) == ("h", "5432", "d", "u")
    assert (access.password, access.ssl, access.family, access.connector) == ("c4n4ry", mode, "database", "postgre-sql")
    assert "c4n4ry" not in repr(access)


def test_a_value_with_a_semicolon_stands_in_braces() -> None:
    access = Connectors.load().access(by_string("Server=h;Database=d;UID=u;Password={c4n4ry;}}x}"))
    assert access.password == "c4n4ry;}x"


def test_keys_that_no_page_knows_are_ignored() -> None:
    assert _taken(by_string(STRING + ";ApplicationName=shop"))


def test_aws_has_no_connection_string_and_says_where_there_is_one() -> None:
    with pytest.raises(ApiError) as raised:
        Connectors.load("aws").check(by_string(STRING), Quirks())
    assert raised.value.key == "unknown_auth_spec"
    assert raised.value.extras["hint"] == "this auth spec exists only on azure"
    assert raised.value.extras["expected"] == "one of Basic Authentication"


@pytest.mark.parametrize("platform", ["gcp", "", "Azure"])
def test_another_platform_is_refused_at_the_start(platform: str) -> None:
    with pytest.raises(ValueError, match="azure or aws"):
        Connectors.load(platform)


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.0", True), (None, False), ("1", False), ("1.1", False), ("c4n4ry", False), (1.0, False)],
)
def test_a_version_is_the_specs_own(version: Any, expected: bool) -> None:
    body = connection(connectionSpec={"id": connection()["connectionSpec"]["id"], "version": version})
    assert _taken(body) is expected


def test_a_version_may_be_left_out() -> None:
    assert _taken(connection(connectionSpec={"id": connection()["connectionSpec"]["id"]}))


def test_a_type_beside_spec_name_is_tolerated_and_other_members_only_where_nothing_is_strict() -> None:
    auth = connection()["auth"]
    assert _taken(connection(auth={**auth, "type": "OAuth2.0"}), strict=True)
    assert _taken(connection(auth={**auth, "extra": "c4n4ry"}))
    assert not _taken(connection(auth={**auth, "extra": "c4n4ry"}), strict=True)


# (what, auth, masked auth)
MASKS: list[tuple[str, Any, Any]] = [
    (
        "basic",
        connection()["auth"],
        {"specName": "Basic Authentication", "params": {**BASIC_PARAMS, "password": MASK}},
    ),
    ("string", by_string(STRING)["auth"], {**by_string("")["auth"], "params": {"connectionString": MASK}}),
    (
        "member nobody knows",
        {"specName": "Basic Authentication", "params": {"server": "h", "passwd": "c4n4ry"}},
        {"specName": "Basic Authentication", "params": {"server": "h", "passwd": MASK}},
    ),
    (
        "unknown auth spec",
        {"specName": "Other", "params": {"a": ["c4n4ry", 7, True, None, {"b": "c4n4ry"}]}},
        {"specName": "Other", "params": {"a": [MASK, MASK, True, None, {"b": MASK}]}},
    ),
    ("params a text", {"specName": "Other", "params": "c4n4ry"}, {"specName": "Other", "params": MASK}),
    ("auth a text", "c4n4ry", MASK),
    ("nothing", None, None),
]


@pytest.mark.parametrize(("auth", "masked"), [row[1:] for row in MASKS], ids=[row[0] for row in MASKS])
def test_masks_hide_what_is_secret_or_unknown_and_leave_the_original(auth: Any, masked: Any) -> None:
    body = connection(auth=auth)
    before = repr(body)
    assert Connectors.load().mask(body) == {**body, "auth": masked}
    assert repr(body) == before


def test_a_connection_spec_is_a_copy_each_time() -> None:
    connector = Connectors.load().get(connection()["connectionSpec"]["id"])
    assert connector is not None
    connector.describe()["authSpec"].clear()
    assert [spec["name"] for spec in connector.describe()["authSpec"]] == [
        "Connection String Based Authentication",
        "Basic Authentication",
    ]
