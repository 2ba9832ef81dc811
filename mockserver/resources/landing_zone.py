"""The data landing zone of the connectors service: its location, and credentials of the right form.

There is no storage behind it. Credentials follow from the sandbox, the container and how often they were renewed: by
`action=refresh`, and by themselves once they expire, as the Databricks page says.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple
from urllib.parse import urlencode

from mockserver.exchange import Request, Result
from mockserver.resources import _nearby, operation
from mockserver.runtime import day, derived_id
from mockserver.state.records import Doc
from mockserver.world import World

REFRESHES = "landingZones"
"""Kind of the records, which hold how often and when the credentials of a container were refreshed."""

_CONTAINERS = {
    "user_drop_zone": "dlz-user-container",
    "dlz_destination": "dlz-destination",
    "dlz_databricks_source": "dlz-databricks-container",
}
"""Type of landing zone -> its container, as the tutorials print them."""

_DAYS = 7
"""Lifetime of files in a landing zone."""

_LIFE_MS = 90 * 86_400_000
"""Lifetime of a shared access signature (documented on the landing zone's UI page)."""

_KEY_SECONDS = 3600
"""Lifetime of an AWS key (assumed)."""


class _Issue(NamedTuple):
    """One issue of credentials: the values they are derived from, and when they expire."""

    made: str
    expires_ms: int


@operation("retrieveLandingZone")
def retrieve_landing_zone(world: World, request: Request) -> Result:
    """The location of files and how long they are kept."""
    container = _container(request)
    if world.config.platform == "aws":
        days = {"timeUnit": "days", "timeQuantity": _DAYS}
        return Result(200, {"dlzPath": _path(request, container), "dataTTL": days, "dlzProvider": "Amazon S3"})
    return Result(200, {"containerName": container, "containerTTL": str(_DAYS)})


@operation("retrieveLandingZoneCredentials")
def retrieve_landing_zone_credentials(world: World, request: Request) -> Result:
    """The credentials of a container: the same ones until they are refreshed or expire."""
    return Result(200, _credentials(world, request))


@operation("refreshLandingZoneCredentials")
def refresh_landing_zone_credentials(world: World, request: Request) -> Result:
    """Replace the credentials by new ones."""
    container, now = _container(request), world.runtime.clock.now_ms()

    def refreshed(old: Doc | None) -> dict[str, Any]:
        return {"count": old["body"]["count"] + 1 if old else 1, "atMs": now}

    _nearby.keep(world, request, REFRESHES, container, refreshed)
    return Result(200, _credentials(world, request))


def _credentials(world: World, request: Request) -> dict[str, Any]:
    container, now = _container(request), world.runtime.clock.now_ms()
    issue = _issue(world, request, container, now)
    if world.config.platform == "aws":
        return {
            "credentials": {
                "awsAccessKeyId": "MOCK" + issue.made[:16].upper(),
                "awsSecretAccessKey": issue.made[:40],
                "awsSessionToken": issue.made,
            },
            "dlzPath": _path(request, container),
            "dlzProvider": "Amazon S3",
            "expiryTime": now // 1000 + _KEY_SECONDS,
        }
    account = "dlblobstore" + hashlib.sha256("/".join((*request.tenant, container)).encode()).hexdigest()[:13]
    token = urlencode(
        {"sv": "2020-04-08", "si": f"dlz-{derived_id(issue.made)}", "sr": "c", "sp": "racwdlm", "sig": issue.made}
    )
    return {
        "containerName": container,
        "SASToken": token,
        "storageAccountName": account,
        "SASUri": f"https://{account}.blob.core.windows.net/{container}?{token}",
        "expiryDate": day(issue.expires_ms),
    }


def _issue(world: World, request: Request, container: str, now_ms: int) -> _Issue:
    """The current credentials. They are renewed when they expire, counted from the last refresh or from 1970."""
    doc = _nearby.find(world, request, REFRESHES, container)
    count, at_ms = (doc["body"]["count"], doc["body"]["atMs"]) if doc else (0, 0)
    since = at_ms + max(0, now_ms - at_ms) // _LIFE_MS * _LIFE_MS
    seed = "/".join((*request.tenant, container, str(count), str(since)))
    return _Issue(hashlib.sha256(seed.encode()).hexdigest(), since + _LIFE_MS)


def _container(request: Request) -> str:
    """The container of the requested type."""
    return _CONTAINERS[request.arguments["type"]]


def _path(request: Request, container: str) -> dict[str, str]:
    return {"bucketName": f"dlz-{request.tenant.sandbox}", "dlzFolder": container}
