"""Faulty servers with wrong encryption keys or private endpoints."""

from __future__ import annotations

from contracts.broken import Asked, GivenAnswer, Right, broken
from contracts.checks.connectors_service import AUTHORING, CUSTOMER_KEYS, ENDPOINTS, KEYS


@broken("connectors.keys")
def new_keys_are_expired(asked: Asked, right: Right) -> GivenAnswer:
    """New keys are expired."""
    given = right(asked)
    return given.telling(status="Expired") if asked.path.startswith(KEYS + "/validate/") and given.done else given


@broken("connectors.keys-refused")
def keys_have_any_algorithm(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts any algorithm and uses PGP."""
    if asked.method == "POST" and asked.path == KEYS:
        return right(asked.sending({**asked.object, "encryptionAlgorithm": "PGP", "params": {"passPhrase": "x"}}))
    return right(asked)


@broken("connectors.customer-keys")
def shared_keys_are_forgotten(asked: Asked, right: Right) -> GivenAnswer:
    """The list of shared keys is empty."""
    given = right(asked)
    return given.saying([]) if asked.method == "GET" and asked.path == CUSTOMER_KEYS else given


@broken("connectors.private-endpoints")
def endpoints_are_listed_for_every_source(asked: Asked, right: Right) -> GivenAnswer:
    """Ignores the connection spec when it lists endpoints."""
    return right(asked.not_asking("property") if asked.path == ENDPOINTS else asked)


@broken("connectors.authoring")
def interactive_authoring_stays_off(asked: Asked, right: Right) -> GivenAnswer:
    """Enabling interactive authoring has no effect."""
    given = right(asked)
    return given.telling(status="Disabled") if asked.method == "GET" and asked.path == AUTHORING else given
