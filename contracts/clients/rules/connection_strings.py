"""Connection strings."""

from __future__ import annotations

from contracts.clients import Service, breaks
from contracts.clients.bodies import STRING, by_string
from contracts.clients.making import creates


@breaks("connection-string.certificate-not-validated")
def certificate_not_validated(service: Service) -> None:
    """Asks for TLS and does not ask for a look at the certificate."""
    creates(service, by_string(f"{STRING};EncryptionMethod=1"))


@breaks("connection-string.key-missing")
def key_missing(service: Service) -> None:
    """Leaves Password out of the connection string."""
    creates(service, by_string("Server=db;Database=shop;UID=reader"))


@breaks("connection-string.malformed")
def malformed(service: Service) -> None:
    """Sends a URL in place of a connection string."""
    creates(service, by_string("postgresql://reader@db/shop"))


@breaks("connection-string.misspelt-key")
def misspelt_key(service: Service) -> None:
    """Writes ValidationServerCertificate for ValidateServerCertificate."""
    creates(service, by_string(f"{STRING};EncryptionMethod=1;ValidationServerCertificate=1"))


@breaks("connection-string.repeated-key")
def repeated_key(service: Service) -> None:
    """Names the port twice."""
    creates(service, by_string(f"{STRING};Port=5433"))


@breaks("connection-string.validation-without-encryption")
def validation_without_encryption(service: Service) -> None:
    """Wants the certificate validated and does not ask for TLS."""
    creates(service, by_string(f"{STRING};ValidateServerCertificate=1"))


@breaks("connection-string.value")
def value(service: Service) -> None:
    """Writes EncryptionMethod=yes, which takes a number."""
    creates(service, by_string(f"{STRING};EncryptionMethod=yes"))
