"""Checks of creations: receipts, stored members, refusals."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from contracts.findings.verdicts import among, expect, nearly, same, untestable
from contracts.registry import any_kind, check
from contracts.stage import Stage, filters
from contracts.stage.expectations import located, names_are, receipt, refused, succeeded
from contracts.stage.kinds import POSTGRESQL, Kind, basic_params
from contracts.stage.ledger import Made
from contracts.wire import Sent

CREATE = ("createConnection",)
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_STRINGS = "Connection String Based Authentication"


@check("create.receipt", each=any_kind)
def answers_with_a_receipt(stage: Stage, kind: Kind) -> None:
    """A creation responds 201 with `{"id", "etag"}`; the id is a lower-case UUID."""
    body = receipt(stage.make(kind).answer, 201)
    expect(re.fullmatch(_UUID, body["id"]), f"id {body['id']!r} is not a lower-case UUID")


@check("create.location", each=lambda kind: kind.located)
def location_leads_to_the_entity(stage: Stage, kind: Kind) -> None:
    """`Location` leads to the new entity on this server."""
    for made in (stage.make(kind), stage.make(kind)):
        _leads_to(stage, made)


def _leads_to(stage: Stage, made: Made) -> None:
    place = located(made.answer)
    right = urlsplit(place).path.rstrip("/").endswith(made.path)
    expect(right, f"Location {place} does not end in {made.path}", "place of Location")
    same(urlsplit(place).netloc, urlsplit(made.answer.url).netloc, "host of Location", "place of Location")
    expect(place.startswith(stage.transport.base_url), f"Location {place} is not below {stage.transport.base_url}")
    sent = Sent("GET", place.removeprefix(stage.transport.base_url), tuple(stage.headers.items()))
    answer = stage.send(sent)
    stage.notice(answer)
    same(succeeded(answer)["items"][0]["id"], made.id, "id at Location")


@check("create.kept", each=any_kind)
def what_was_sent_is_kept(stage: Stage, kind: Kind) -> None:
    """A look-up shows every member as it was sent; secrets may be masked."""
    made = stage.make(kind)
    item = stage.read(made)
    for member, sent in made.body.items():
        if member == "auth":
            same(item.get("auth", {}).get("specName"), sent["specName"], "auth.specName")
            names_are(item["auth"].get("params", {}), sent["params"], "names in auth.params")
            for name in ("server", "port", "database", "username"):
                same(item["auth"]["params"].get(name), sent["params"].get(name), f"auth.params.{name}")
        elif member in ("name", "description", "connectionSpec", "flowSpec", "data", "params", "baseConnectionId"):
            same(item.get(member), sent, member)


@check("create.stamped", each=any_kind)
def entities_are_stamped(stage: Stage, kind: Kind) -> None:
    """The service sets organisation, sandbox, client and equal times."""
    item = stage.read(stage.make(kind))
    same(item.get("imsOrgId"), stage.headers["x-gw-ims-org-id"], "imsOrgId")
    same(item.get("sandboxName"), stage.headers["x-sandbox-name"], "sandboxName")
    same(item.get("updatedAt"), item.get("createdAt"), "updatedAt of a new entity")
    same(item.get("updatedBy"), item.get("createdBy"), "updatedBy of a new entity")


@check("create.stamps-not-taken")
def stamps_are_not_taken_from_the_client(stage: Stage) -> None:
    """A client's id, times, etag and owner are ignored or refused."""
    chosen_ones = {"id": "chosen", "createdAt": 1, "etag": '"chosen"', "version": '"chosen"', "imsOrgId": "x@AdobeOrg"}
    answer = stage.call("POST", "/connections", stage.body("connections", **chosen_ones))
    if answer.status == 400:
        return
    item = succeeded(stage.call("GET", f"/connections/{receipt(answer, 201)['id']}"))["items"][0]
    for member, chosen in chosen_ones.items():
        expect(item.get(member) != chosen, f"{member} was accepted from the client")


@check("create.enabled", operations=CREATE)
def a_new_connection_is_enabled(stage: Stage) -> None:
    """A new connection is enabled unless the client sends another state."""
    same(stage.read(stage.make("connections")).get("state"), "enabled", "state")


@check("create.state", operations=CREATE)
def state_is_checked(stage: Stage) -> None:
    """Only documented states are accepted."""
    refused(stage.call("POST", "/connections", stage.body("connections", state="asleep")), 400, "1456-400")


@check("create.listed", each=any_kind)
def a_new_entity_is_in_the_list(stage: Stage, kind: Kind) -> None:
    """A new entity is found by look-up and is first in the list."""
    made = stage.make(kind)
    stage.read(made)
    items = succeeded(stage.call("GET", f"{kind.path}?limit=5"))["items"]
    expect(made.id in [item.get("id") for item in items], f"a new entity is not on the first page of {kind.path}")


@check("create.unknown-spec", each=any_kind)
def unknown_spec(stage: Stage, kind: Kind) -> None:
    """An unknown spec is refused with 1413."""
    member = "flowSpec" if kind.name == "flows" else "connectionSpec"
    spec = {"id": "11111111-2222-4333-8444-555555555555", "version": "1.0"}
    refused(stage.call("POST", kind.path, stage.body(kind, **{member: spec})), 400, "1413-400")


@check("create.unknown-auth-spec", operations=CREATE)
def unknown_auth_spec(stage: Stage) -> None:
    """An auth spec that the connection spec does not have is refused with 1415."""
    auth = {"specName": "Carrier Pigeon Authentication", "params": basic_params(stage.canary)}
    refused(_post(stage, auth=auth), 400, "1415-400")


@check("create.unlisted-auth-spec", operations=CREATE)
def unlisted_auth_spec(stage: Stage) -> None:
    """An auth spec of the other cloud, not listed by the server's connection spec, is refused with 1415."""
    described = succeeded(stage.call("GET", f"/connectionSpecs/{POSTGRESQL}"))["items"][0]
    listed = {spec["name"] for spec in described["authSpec"]}
    if nearly(_STRINGS, listed):
        among(_STRINGS, listed, "names in authSpec of PostgreSQL")
    params = {"connectionString": f"Server=db;Database=shop;Port=5432;UID=reader;Password={stage.canary}"}
    auth = {"specName": _STRINGS, "params": params}
    answer = _post(stage, auth=auth)
    if auth["specName"] in listed:
        receipt(answer, 201)
    else:
        refused(answer, 400, "1415-400")


@check("create.param-missing", operations=CREATE)
def param_missing(stage: Stage) -> None:
    """A refusal names the missing required param and repeats no value."""
    for name in ("server", "port", "database", "username", "password"):
        params = {key: value for key, value in basic_params(stage.canary).items() if key != name}
        body = refused(_post(stage, auth=_basic(params)), 400, "1100-400")
        expect(name in body["errorMessage"], f"the refusal of a body without {name} does not name this param")


@check("create.param-type", operations=CREATE)
def param_type(stage: Stage) -> None:
    """Params are strings: a number, a list and null are refused."""
    for value in (5432, ["5432"], None, {"value": "5432"}):
        refused(_post(stage, auth=_basic({**basic_params(stage.canary), "port": value})), 400, "1100-400")


@check("create.ssl-mode", operations=CREATE)
def ssl_mode(stage: Stage) -> None:
    """An undocumented value of sslMode is refused."""
    params = {**basic_params(stage.canary), "sslMode": "Sometimes"}
    refused(_post(stage, auth=_basic(params)), 400, "1100-400")


@check("create.name-missing", operations=CREATE)
def name_missing(stage: Stage) -> None:
    """A connection needs a name."""
    refused(stage.call("POST", "/connections", stage.body("connections") | {"name": ""}), 400)
    body = stage.body("connections")
    del body["name"]
    refused(stage.call("POST", "/connections", body), 400)


@check("create.spec-missing", each=any_kind)
def spec_missing(stage: Stage, kind: Kind) -> None:
    """Every entity needs its spec."""
    member = "flowSpec" if kind.name == "flows" else "connectionSpec"
    refused(stage.call("POST", kind.path, stage.body(kind, **{member: None})), 400)


@check("create.version-absent", operations=CREATE)
def version_absent(stage: Stage) -> None:
    """Without a spec version, the newest version is used."""
    if stage.settings.connection:
        untestable("the connection is the operator's own")
    made = stage.make("connections", connectionSpec={"id": POSTGRESQL})
    spec = stage.read(made).get("connectionSpec", {})
    same(spec, {"id": POSTGRESQL, "version": "1.0"}, "connectionSpec")


@check("create.description-optional", operations=CREATE)
def description_is_optional(stage: Stage) -> None:
    """The description is optional and not invented."""
    item = stage.read(stage.make("connections", description=None))
    expect(item.get("description") in (None, ""), "a description was made up")


@check("create.body-empty", each=any_kind)
def empty_body(stage: Stage, kind: Kind) -> None:
    """A creation without a body is refused with 1405."""
    refused(stage.call("POST", kind.path, headers={"Content-Type": "application/json"}), 400, "1405-400")


@check("create.body-not-json", each=any_kind)
def body_not_json(stage: Stage, kind: Kind) -> None:
    """A body that is not JSON, or not an object, is refused."""
    for raw in (b"{", b"name=orders", b"[]", b'"text"', b'{"name": NaN}', b"\xff\xfe"):
        refused(stage.call("POST", kind.path, raw=raw), 400)


@check("create.content-type", each=any_kind)
def content_type(stage: Stage, kind: Kind) -> None:
    """A body with a wrong or missing content type is refused with the platform's error body."""
    for value in ("text/plain", "application/x-www-form-urlencoded", None):
        answer = stage.call("POST", kind.path, stage.body(kind), headers={"Content-Type": value})
        body = refused(answer, 400)
        same(body.get("title"), "BadRequestError", "title")
        same(body.get("detail"), "A valid content-type must be specified", "detail")


@check("create.charset", each=any_kind)
def charset_is_tolerated(stage: Stage, kind: Kind) -> None:
    """`application/json; charset=utf-8` is accepted in any case."""
    headers = {"Content-Type": "Application/JSON; charset=UTF-8"}
    receipt(stage.call("POST", kind.path, stage.body(kind), headers=headers), 201)


@check("create.unicode", each=any_kind)
def names_may_be_anything(stage: Stage, kind: Kind) -> None:
    """Names are returned unchanged."""
    for letters in ("Größe 測試 🐘", 'tab\tand "quotes" and \\', "<b>&amp;</b> {{7*7}} ${x} %s"):
        name = f"{stage.name()} {letters}"
        same(stage.read(stage.make(kind, name=name)).get("name"), name, "name")


@check("create.unknown-members", operations=CREATE)
def unknown_members_are_tolerated(stage: Stage) -> None:
    """Unknown members are accepted, since public clients send them."""
    receipt(_post(stage, providerId="0ed90a81-07f4-4586-8190-b40eccef1c5a", colour="blue"), 201)


@check("create.refused-leaves-nothing", operations=CREATE)
def a_refused_body_leaves_nothing(stage: Stage) -> None:
    """A refused entity is not stored."""
    name = stage.name("refused")
    params = {key: value for key, value in basic_params(stage.canary).items() if key != "server"}
    refused(_post(stage, name=name, auth=_basic(params)), 400, rule="create.param-missing")
    found = succeeded(stage.call("GET", "/connections?" + filters(f'name=="{name}"')))
    same(found.get("items"), [], "entities with the name of a refused body")


def _post(stage: Stage, **changes: Any) -> Any:
    return stage.call("POST", "/connections", stage.body("connections", **changes))


def _basic(params: dict[str, Any]) -> dict[str, Any]:
    return {"specName": "Basic Authentication", "params": params}
