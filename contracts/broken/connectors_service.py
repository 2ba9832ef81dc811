"""Servers whose encryption keys or private endpoints are wrong."""

from __future__ import annotations

from contracts.broken import Asked, GivenAnswer, Right, broken
from contracts.checks.connectors_service import AUTHORING, CUSTOMER_KEYS, ENDPOINTS, KEYS


@broken("connectors.keys")
def new_keys_are_expired(asked: Asked, right: Right) -> GivenAnswer:
    """No key can be used."""
    given = right(asked)
    return given.telling(status="Expired") if asked.path.startswith(KEYS + "/validate/") and given.done else given


@broken("connectors.keys-refused")
def keys_have_any_algorithm(asked: Asked, right: Right) -> GivenAnswer:
    """Whatever is asked for is made by PGP."""
    if asked.method == "POST" and asked.path == KEYS:
        return right(asked.sending({"encryptionAlgorithm": "PGP", "params": {"passPhrase": "x"}}))
    return right(asked)


@broken("connectors.customer-keys")
def shared_keys_are_forgotten(asked: Asked, right: Right) -> GivenAnswer:
    """The list of shared keys is empty."""
    given = right(asked)
    return given.saying([]) if asked.method == "GET" and asked.path == CUSTOMER_KEYS else given


@broken("connectors.private-endpoints")
def endpoints_are_listed_for_every_source(asked: Asked, right: Right) -> GivenAnswer:
    """The connection spec that is asked for is not looked at."""
    return right(asked.not_asking("property") if asked.path == ENDPOINTS else asked)


@broken("connectors.authoring")
def interactive_authoring_stays_off(asked: Asked, right: Right) -> GivenAnswer:
    """Enabling it does nothing."""
    given = right(asked)
    return given.telling(status="Disabled") if asked.method == "GET" and asked.path == AUTHORING else given
