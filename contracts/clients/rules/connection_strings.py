"""Clients that break rules on connection strings."""

from __future__ import annotations

from contracts.clients import Service, breaks
from contracts.clients.bodies import STRING, by_string
from contracts.clients.making import creates


@breaks("connection-string.certificate-not-validated")
def certificate_not_validated(service: Service) -> None:
    """Uses TLS without validating the certificate."""
    creates(service, by_string(f"{STRING};EncryptionMethod=1"))


@breaks("connection-string.key-missing")
def key_missing(service: Service) -> None:
    """Omits Password from the connection string."""
    creates(service, by_string("Server=db;Database=shop;UID=reader"))


@breaks("connection-string.malformed")
def malformed(service: Service) -> None:
    """Sends a URL instead of a connection string."""
    creates(service, by_string("postgresql://reader@db/shop"))


@breaks("connection-string.misspelt-key")
def misspelt_key(service: Service) -> None:
    """Writes ValidationServerCertificate instead of ValidateServerCertificate."""
    creates(service, by_string(f"{STRING};EncryptionMethod=1;ValidationServerCertificate=1"))


@breaks("connection-string.repeated-key")
def repeated_key(service: Service) -> None:
    """Names the port twice."""
    creates(service, by_string(f"{STRING};Port=5433"))


@breaks("connection-string.validation-without-encryption")
def validation_without_encryption(service: Service) -> None:
    """Validates the certificate but does not use TLS."""
    creates(service, by_string(f"{STRING};ValidateServerCertificate=1"))


@breaks("connection-string.value")
def value(service: Service) -> None:
    """Writes EncryptionMethod=yes, which must be a number."""
    creates(service, by_string(f"{STRING};EncryptionMethod=yes"))
