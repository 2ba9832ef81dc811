"""Clients that break rules on the headers of every request."""

from __future__ import annotations

from contracts.clients import Service, breaks
from contracts.clients.bodies import NOBODY
from contracts.clients.making import creates


@breaks("header.accept")
def accept(service: Service) -> None:
    """Accepts only HTML."""
    service.get("/connections", accept="text/html")


@breaks("header.api-key-missing")
def api_key_missing(service: Service) -> None:
    """Sends no x-api-key."""
    service.get("/connections", x_api_key=None)


@breaks("header.content-encoding")
def content_encoding(service: Service) -> None:
    """Declares an uncompressed body as compressed."""
    creates(service, content_encoding="gzip")


@breaks("header.content-type")
def content_type(service: Service) -> None:
    """Declares JSON as plain text."""
    creates(service, content_type="text/plain")


@breaks("header.org-malformed")
def org_malformed(service: Service) -> None:
    """Names its organisation without @AdobeOrg."""
    service.get("/connections", x_gw_ims_org_id="ACME")


@breaks("header.org-missing")
def org_missing(service: Service) -> None:
    """Names no organisation."""
    service.get("/connections", x_gw_ims_org_id=None)


@breaks("header.placeholder")
def placeholder(service: Service) -> None:
    """Keeps the documentation's {ORG_ID}."""
    service.get("/connections", x_gw_ims_org_id="{ORG_ID}")


@breaks("header.sandbox-id")
def sandbox_id(service: Service) -> None:
    """Sends x-sandbox-id in addition to x-sandbox-name."""
    service.get("/connections", x_sandbox_id=NOBODY)


@breaks("header.sandbox-missing")
def sandbox_missing(service: Service) -> None:
    """Names no sandbox."""
    service.get("/connections", x_sandbox_name=None)


@breaks("header.sandbox-name")
def sandbox_name(service: Service) -> None:
    """Names its sandbox in capitals."""
    service.get("/connections", x_sandbox_name="Prod")


@breaks("header.token-missing")
def token_missing(service: Service) -> None:
    """Sends no token."""
    service.get("/connections", authorization=None)


@breaks("header.token-scheme")
def token_scheme(service: Service) -> None:
    """Sends a token without the scheme Bearer."""
    service.get("/connections", authorization="eyJhbGciOiJSUzI1NiJ9.e30.c2ln")


@breaks("header.sample")
def sample(service: Service) -> None:
    """Sends a sample of the documentation unchanged."""
    service.get(
        "/connections",
        authorization="Bearer {ACCESS_TOKEN}",
        x_api_key="{API_KEY}",
        x_gw_ims_org_id="{ORG_ID}",
        x_sandbox_name="{SANDBOX_NAME}",
    )


@breaks("header.unfilled")
def unfilled(service: Service) -> None:
    """Reads its token from the wrong member and sends Bearer undefined."""
    service.get("/connections", authorization="Bearer undefined")
