"""Checks of neighbouring services: the sandbox service and the landing zone of the connectors service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from contracts.findings.verdicts import among, expect, same, untestable
from contracts.registry import check
from contracts.stage import Stage
from contracts.stage.expectations import refused, refused_by_gateway, succeeded
from contracts.wire import Answer

SANDBOXES = "/data/foundation/sandbox-management/sandboxes/"
ZONE = "/data/foundation/connectors/landingzone"
CREDENTIALS = ZONE + "/credentials"
_TYPE = "?type=user_drop_zone"
_LOOKUP = ("retrieveSandbox", "listSandboxes")
_ZONES = ("retrieveLandingZone", "retrieveLandingZoneCredentials")
_OPENING = ("SASToken", "SASUri", "awsAccessKeyId", "awsSecretAccessKey", "awsSessionToken")
"""Members of a landing zone's credentials."""


def _credentials(answer: Answer) -> Iterator[str]:
    """The credentials of a landing zone in a response."""
    yield from _credentials_of(answer.json if isinstance(answer.json, dict) else {})


def _credentials_of(found: Mapping[str, Any]) -> Iterator[str]:
    for body in (found, found.get("credentials")):
        if isinstance(body, dict):
            yield from (body[name] for name in _OPENING if isinstance(body.get(name), str) and body[name])


@check("neighbour.gateway", writes=False, operations=(*_LOOKUP, *_ZONES))
def neighbours_have_the_same_gateway(stage: Stage) -> None:
    """Neighbouring services refuse a missing key with 403000 and a missing token with 403010."""
    for target in (SANDBOXES + _own(stage), ZONE + _TYPE, CREDENTIALS + _TYPE):
        _asked(stage, target)
        refused_by_gateway(stage.call("GET", target, headers={"x-api-key": None}), 403, "403000")
        refused_by_gateway(stage.call("GET", target, headers={"Authorization": None}), 403, "403010")


@check("neighbour.sandbox", operations=_LOOKUP)
def a_sandbox_has_the_id_that_its_entities_show(stage: Stage) -> None:
    """A sandbox is active and has the id that its entities show."""
    sandbox = _asked(stage, SANDBOXES + _own(stage))
    entity = stage.read(stage.make("connections"))
    same(sandbox["id"], entity["sandboxId"], "id of the sandbox against sandboxId of an entity in it")
    same((sandbox["name"], sandbox["state"]), (stage.headers["x-sandbox-name"], "active"), "name and state")
    listed = succeeded(stage.call("GET", SANDBOXES.rstrip("/")))["sandboxes"]
    among(sandbox["id"], [one["id"] for one in listed], "ids of the list of sandboxes")


@check("neighbour.sandbox-unknown", writes=False, operations=_LOOKUP)
def an_unknown_sandbox_is_not_found(stage: Stage) -> None:
    """A sandbox with an invalid name is not found."""
    _asked(stage, SANDBOXES + _own(stage))
    refused(stage.call("GET", SANDBOXES + quote("no such sandbox!")), 404)


@check("neighbour.landing-zone", writes=False, operations=_ZONES)
def a_landing_zone_has_a_place(stage: Stage) -> None:
    """A landing zone has container and days on Azure; bucket, folder and days on AWS."""
    zone = _asked(stage, ZONE + _TYPE)
    days = zone["containerTTL"] if "containerName" in zone else zone["dataTTL"]["timeQuantity"]
    expect(all(_place(zone)), f"a landing zone without its place: {sorted(zone)}")
    expect(int(days) > 0, f"files stay {days} days")


@check("neighbour.landing-zone-credentials", writes=False, operations=_ZONES)
def credentials_open_the_landing_zone(stage: Stage) -> None:
    """The credentials are for the place of the landing zone; no connection is made."""
    _open(_asked(stage, CREDENTIALS + _TYPE), _asked(stage, ZONE + _TYPE))


@check("neighbour.landing-zone-type", writes=False, operations=_ZONES)
def a_landing_zone_has_a_type(stage: Stage) -> None:
    """A missing and an unknown type are refused."""
    for target in (ZONE, CREDENTIALS):
        _asked(stage, target + _TYPE)
        for query in ("", "?type=attic"):
            refused(stage.call("GET", target + query), 400)


@check("neighbour.landing-zone-of-the-sandbox", writes=False, operations=_ZONES)
def each_sandbox_has_its_own_landing_zone(stage: Stage) -> None:
    """The landing zones of two sandboxes have different credentials."""
    target = CREDENTIALS + _TYPE
    _asked(stage, target)
    elsewhere = stage.elsewhere()
    mine, other = (set(_credentials(at.call("GET", target))) for at in (stage, elsewhere))
    expect(bool(mine and other), f"a landing zone without credentials ({', '.join(_OPENING)})")
    expect(not mine & other, "the same credentials open both landing zones")


@check("neighbour.landing-zone-refresh", operations=(*_ZONES, "refreshLandingZoneCredentials"))
def refreshed_credentials_are_new(stage: Stage) -> None:
    """A refresh replaces all credentials; without an action nothing changes."""
    target = CREDENTIALS + _TYPE
    before = set(_credentials_of(_asked(stage, target)))
    refused(stage.call("POST", target), 400)
    refused(stage.call("POST", target + "&action=burn"), 400)
    same(set(_credentials_of(_asked(stage, target))), before, "credentials after a refresh that was refused")
    refreshed = succeeded(stage.call("POST", target + "&action=refresh"))
    _open(refreshed, _asked(stage, ZONE + _TYPE))
    fresh = set(_credentials_of(refreshed))
    expect(bool(fresh) and not fresh & before, "a refresh left some of the old credentials")
    shown = _asked(stage, target)
    same(shown.keys(), refreshed.keys(), "members of the credentials after the refresh")
    for member in refreshed.keys() - {"expiryTime"}:  # seconds may pass between the two
        same(shown[member], refreshed[member], f"{member} after the refresh")


def _own(stage: Stage) -> str:
    return quote(stage.headers["x-sandbox-name"])


def _asked(stage: Stage, target: str) -> dict[str, Any]:
    """The response of a neighbouring service. Raises Untestable if there is none."""
    answer = stage.call("GET", target)
    if answer.status == 404:
        untestable(f"{target.partition('?')[0]} was not found: give its URL by --neighbours")
    return dict(succeeded(answer))


def _open(found: dict[str, Any], zone: dict[str, Any]) -> None:
    """Expect that credentials are complete and for a landing zone."""
    same(_place(found), _place(zone), "place of the credentials against that of the landing zone")
    if "SASUri" not in found:
        opening = found["credentials"]
        expect(all(opening[name] for name in _OPENING[2:]), "a key has a part that is empty")
        return
    uri = urlsplit(found["SASUri"])
    expect(uri.query == found["SASToken"], "the query of SASUri is not the SASToken")
    same((uri.scheme, uri.path.strip("/")), ("https", found["containerName"]), "scheme and path of SASUri")
    same(str(uri.hostname).partition(".")[0], found["storageAccountName"], "account of SASUri")
    expect(bool(parse_qs(uri.query).get("sig")), "SASToken without a signature")
    if "expiryDate" in found:
        date.fromisoformat(found["expiryDate"])


def _place(body: dict[str, Any]) -> tuple[str, ...]:
    """The container on Azure; bucket and folder on AWS."""
    if "containerName" in body:
        return (body["containerName"],)
    return body["dlzPath"]["bucketName"], body["dlzPath"]["dlzFolder"]
