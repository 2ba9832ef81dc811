"""Clients that break rules on auth specs and their params."""

from __future__ import annotations

from contracts.clients import Service, breaks
from contracts.clients.bodies import PASSWORD, STRING, connection, with_params
from contracts.clients.making import creates
from contracts.stage.kinds import basic_params


@breaks("auth.foreign-param")
def foreign_param(service: Service) -> None:
    """Sends a connection string among the params of Basic Authentication."""
    creates(service, with_params(connectionString=STRING))


@breaks("auth.not-encrypted")
def not_encrypted(service: Service) -> None:
    """Connects without encryption: sslMode Disable."""
    creates(service, with_params(sslMode="Disable"))


@breaks("auth.param-missing")
def param_missing(service: Service) -> None:
    """Omits the password."""
    creates(service, with_params(password=None))


@breaks("auth.param-value")
def param_value(service: Service) -> None:
    """Sends an sslMode that does not exist."""
    creates(service, with_params(sslMode="Perhaps"))


@breaks("auth.port-as-number")
def port_as_number(service: Service) -> None:
    """Sends the port as a number."""
    creates(service, with_params(port=5432))


@breaks("auth.ssl-mode-spelling")
def ssl_mode_spelling(service: Service) -> None:
    """Spells sslMode as PostgreSQL does, verify-full."""
    creates(service, with_params(sslMode="verify-full"))


@breaks("auth.unknown-spec")
def unknown_spec(service: Service) -> None:
    """Names an auth spec that PostgreSQL does not have, Kerberos."""
    creates(service, connection(auth={"specName": "Kerberos", "params": basic_params(PASSWORD)}))
