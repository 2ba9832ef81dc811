"""Clients that break rules on bodies."""

from __future__ import annotations

from contracts.clients import Service, breaks
from contracts.clients.bodies import NOBODY, connection, flow, message, source, streaming, target, with_params
from contracts.clients.making import creates, made
from contracts.stage.kinds import POSTGRESQL


@breaks("payload.empty")
def empty(service: Service) -> None:
    """Creates a connection with the body null."""
    service.send("POST", "/connections", raw=b"null")


@breaks("payload.mapping-id-missing")
def mapping_id_missing(service: Service) -> None:
    """Misspells mappingId in the transformation of a flow."""
    with made(service) as (at, _):
        read = service.create(source(at.rpartition("/")[2]), "/sourceConnections")
        write = service.create(target(), "/targetConnections")
        body = flow(read, write, service.now() + 3600)
        body["transformations"][-1]["params"] = {"mapping_id": "0b090130b58b4819afc78b6dc98b484d"}
        run = service.create(body, "/flows")
        service.delete(f"/flows/{run}", f"/sourceConnections/{read}", f"/targetConnections/{write}")


@breaks("payload.member-missing")
def member_missing(service: Service) -> None:
    """Omits the connection spec."""
    creates(service, {"name": "no spec"})


@breaks("payload.not-carried-out")
def not_carried_out(service: Service) -> None:
    """Explores a table that the source does not have."""
    with made(service) as (at, _):
        service.get(f"{at}/explore?objectType=table&object=no.such")


@breaks("payload.not-json")
def not_json(service: Service) -> None:
    """Sends a Python dictionary instead of JSON."""
    service.send("POST", "/connections", raw=b"{'name': 1}")


@breaks("payload.on-lookup")
def on_lookup(service: Service) -> None:
    """Sends the limit in the body of a look-up."""
    service.send("GET", "/connections", {"limit": 5})


@breaks("payload.placeholder")
def placeholder(service: Service) -> None:
    """Keeps the documentation's {SERVER}."""
    creates(service, with_params(server="{SERVER}"))


@breaks("payload.too-large")
def too_large(service: Service) -> None:
    """Sends a description of two megabytes."""
    creates(service, connection(description="x" * 2_000_000))


@breaks("payload.unknown-member")
def unknown_member(service: Service) -> None:
    """Misspells a member: descripton."""
    creates(service, connection(descripton="misspelt"))


@breaks("payload.unknown-spec")
def unknown_spec(service: Service) -> None:
    """Names an unknown connection spec."""
    creates(service, connection(connectionSpec={"id": NOBODY, "version": "1.0"}))


@breaks("payload.value")
def value(service: Service) -> None:
    """Sends a number as name."""
    creates(service, {**connection(), "name": 7})


@breaks("payload.version-missing")
def version_missing(service: Service) -> None:
    """Omits the version of the connection spec."""
    creates(service, connection(connectionSpec={"id": POSTGRESQL}))


@breaks("payload.unfilled")
def unfilled(service: Service) -> None:
    """Sends ${DB_PASSWORD} as the password, an unresolved variable."""
    creates(service, with_params(password="${DB_PASSWORD}"))


@breaks("payload.event")
def event(service: Service) -> None:
    """Sends several messages to an inlet, one without a body, and takes 207 for success."""
    with made(service, streaming()) as (at, _):
        inlet = service.read(at)["auth"]["params"]["inletId"]
        sender = dict.fromkeys(("Authorization", "x_api_key", "x_gw_ims_org_id", "x_sandbox_name"))
        messages = [message(), {"header": message()["header"]}]
        service.post(f"/collection/batch/{inlet}", {"messages": messages}, **sender)
