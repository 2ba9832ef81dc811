"""Tests of the sandbox look-up and the landing zone, which clients of Flow Service use."""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from mockserver import Config, Emulator
from tests.arrival import arrival
from tests.calls import made, refused, send
from tests.security import found

SANDBOXES = "/data/foundation/sandbox-management/sandboxes"
ZONE = "/data/foundation/connectors/landingzone"


def test_a_sandbox_has_the_id_that_its_entities_show(emulator: Emulator) -> None:
    sandbox: Any = send(emulator, "GET", f"{SANDBOXES}/prod").body
    entity: Any = send(emulator, "GET", f"/connections/{made(emulator)['id']}").body
    assert sandbox["id"] == entity["items"][0]["sandboxId"]
    assert (sandbox["type"], sandbox["isDefault"], sandbox["state"]) == ("production", True, "active")
    other: Any = send(emulator, "GET", f"{SANDBOXES}/dev").body
    assert other["id"] != sandbox["id"] and other["type"] == "development"


def test_a_sandbox_that_is_not_listed_is_not_found() -> None:
    emulator = Emulator(Config(sandboxes=("prod", "dev")))
    assert send(emulator, "GET", f"{SANDBOXES}/dev").status == 200
    assert refused(send(emulator, "GET", f"{SANDBOXES}/qa"))[:2] == (404, "2100-404")


def test_a_service_token_may_name_the_sandbox_by_its_id_too() -> None:
    """As aepp does. Documented: refused for user tokens, and 2103 if they differ."""
    emulator = Emulator(Config(service_clients=("acme-service",)))
    sandbox: Any = send(emulator, "GET", f"{SANDBOXES}/prod").body
    headers = {"x-api-key": "acme-service", "x-sandbox-id": sandbox["id"]}
    assert send(emulator, "GET", "/connections", headers=headers).status == 200
    wrong = send(emulator, "GET", "/connections", headers={**headers, "x-sandbox-name": "dev"})
    assert refused(wrong)[:2] == (404, "2103-404")
    user = send(emulator, "GET", "/connections", headers={"x-sandbox-id": sandbox["id"]})
    assert refused(user)[:2] == (400, "2110-400")


@pytest.mark.parametrize(
    "path",
    [
        "/data/foundation/catalog/dataSets",
        "/data/foundation/schemaregistry/tenant/schemas",
        "/data/foundation/conversion/mappingSets",
        "/data/core/activation/disflowprovider/adhocrun",
    ],
)
def test_only_flow_service_speaks_of_a_flow_provider(emulator: Emulator, path: str) -> None:
    refusal = send(emulator, "POST", path, {"colour": "red"})
    assert refusal.status == 400 and "is missing" in str(refusal.body)
    assert "flow provider" not in str(refusal.body)


# members: documented in the landing zone tutorials, and what aepp reads
SAS = ["containerName", "SASToken", "storageAccountName", "SASUri"]


@pytest.mark.parametrize(
    ("platform", "path", "members"),
    [
        ("azure", ZONE, ["containerName", "containerTTL"]),
        ("aws", ZONE, ["dlzPath", "dataTTL", "dlzProvider"]),
        ("azure", f"{ZONE}/credentials", [*SAS, "expiryDate"]),
        ("aws", f"{ZONE}/credentials", ["credentials", "dlzPath", "dlzProvider", "expiryTime"]),
    ],
)
def test_the_landing_zone_answers_as_its_cloud_does(platform: str, path: str, members: list[str]) -> None:
    emulator = Emulator(Config(platform=platform, seed=1))
    result: Any = send(emulator, "GET", f"{path}?type=user_drop_zone")
    assert result.status == 200 and list(result.body) == members
    assert result.body == send(emulator, "GET", f"{path}?type=user_drop_zone").body


def test_credentials_differ_by_tenant_and_container(emulator: Emulator) -> None:
    asked = [
        ("user_drop_zone", "prod"),
        ("dlz_destination", "prod"),
        ("user_drop_zone", "dev"),
    ]
    answers: list[Any] = [
        send(emulator, "GET", f"{ZONE}/credentials?type={kind}", headers={"x-sandbox-name": sandbox}).body
        for kind, sandbox in asked
    ]
    assert len({answer["SASToken"] for answer in answers}) == 3
    assert all(answer["SASUri"].endswith("?" + answer["SASToken"]) for answer in answers)


@pytest.mark.parametrize(("query", "code"), [("", "2119-400"), ("?type=attic", "1452-400")])
def test_a_landing_zone_of_no_known_type_is_refused(emulator: Emulator, query: str, code: str) -> None:
    for path in (ZONE, f"{ZONE}/credentials"):
        assert refused(send(emulator, "GET", path + query))[:2] == (400, code)


# documented: landing zone tutorial and the Databricks page, which says that expired credentials renew themselves
@pytest.mark.parametrize(("platform", "opens"), [("azure", "SASUri"), ("aws", "credentials")])
def test_a_refresh_puts_new_credentials_in_the_place_of_the_old_ones(platform: str, opens: str) -> None:
    emulator = Emulator(Config(platform=platform, seed=1))
    at = f"{ZONE}/credentials?type=user_drop_zone"
    seen: list[Any] = [send(emulator, "GET", at).body]
    for _ in range(2):
        seen.append(send(emulator, "POST", f"{at}&action=refresh").body)
        assert send(emulator, "GET", at).body[opens] == seen[-1][opens]  # type: ignore[index,call-overload]
    assert len({str(one[opens]) for one in seen}) == 3
    other: Any = send(emulator, "GET", f"{ZONE}/credentials?type=dlz_databricks_source").body
    assert other[opens] not in [one[opens] for one in seen]


@pytest.mark.parametrize("action", ["", "&action=", "&action=burn"])
def test_another_action_on_credentials_is_refused(emulator: Emulator, action: str) -> None:
    result = send(emulator, "POST", f"{ZONE}/credentials?type=user_drop_zone{action}")
    assert result.status == 400


def test_credentials_renew_themselves_on_the_day_they_expire() -> None:
    emulator = Emulator(Config(seed=1))
    at = f"{ZONE}/credentials?type=user_drop_zone"
    send(emulator, "POST", f"{at}&action=refresh")
    first: Any = send(emulator, "GET", at).body
    day = 86_400_000
    emulator.runtime.clock.advance(89 * day)
    assert send(emulator, "GET", at).body == first
    emulator.runtime.clock.advance(day)
    second: Any = send(emulator, "GET", at).body
    assert second["SASUri"] != first["SASUri"] and second["expiryDate"] > first["expiryDate"]


def test_an_id_of_a_seed_that_an_imported_record_has_is_not_used_again() -> None:
    """It was answered 500."""
    first, second = Emulator(Config(seed=1)), Emulator(Config(seed=1))
    counts = []
    for emulator in (first, second):
        emulator.restore(first.export(credentials=True))
        made(emulator)
        arrival(emulator)
        for path, body in found.CREATED:
            assert send(emulator, "POST", path, body).status < 300, path
        counts.append(Counter(row["kind"] for row in emulator.export()["records"]))
    once = ("interactiveAuthoring", "landingZones")
    assert counts[1] == {kind: number if kind in once else 2 * number for kind, number in counts[0].items()}


def test_concurrent_first_writes_of_the_only_record_of_a_kind_all_succeed(emulator: Emulator) -> None:
    """The second one was answered 500."""
    path, body = found.CREATED[3]
    start = Barrier(4)

    def create(number: int) -> int:
        start.wait(10)
        return send(emulator, "POST", path, body, headers={"x-sandbox-name": f"s{number // 4}"}).status

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            assert set(threads.map(create, range(800))) == {202}
    finally:
        sys.setswitchinterval(usual)
