"""Rules for credentials and auth specs."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic
from mockserver.exchange import MISSING, UNKNOWN, Violation

_PAGE = "The connector's API tutorial, table of credentials"
_PARAMS = "/auth/params/"
SPELLINGS = ("Disable", "Allow", "Prefer", "Verify Ca", "Verify Full")
OF_THE_OVERVIEW = ("Require", "Verify-Ca", "Verify-Full")
ON_AWS = ("true", "false")
POSTGRESQL = "74a1c565-4e59-48d7-9d67-7c03b8a13137"
"""These repeat values in the connector's file, which rules may not read. A test compares them."""


def _refused(traffic: Traffic) -> Iterator[tuple[Exchange, Violation, str]]:
    """Params that the service refused, with their names. Connection strings have rules of their own."""
    for call in traffic.calls:
        for violation in call.violations("body"):
            name = violation.pointer.removeprefix(_PARAMS)
            readable = name != "connectionString" or _foreign(violation) or violation.came == MISSING
            if name != violation.pointer and violation.expected and readable:
                yield call, violation, name


def _foreign(violation: Violation) -> bool:
    return violation.came == UNKNOWN


@rule(
    "auth.unknown-spec",
    Level.FAIL,
    "An auth spec that the connector does not have",
    source="Flow Service error catalogue: 1415-400",
    hint="Use exactly a name that GET /connectionSpecs/{id} lists under authSpec.",
)
def unknown_spec(traffic: Traffic) -> Iterator[Sighting]:
    """`auth.specName` selects one of the connector's auth specs. Some exist only on one cloud."""
    for call in traffic.calls:
        for violation in call.violations("body", "unknown_auth_spec"):
            yield call.seen(f"{call.method} {call.template} named an auth spec other than {violation.expected[7:]}")


@rule(
    "auth.foreign-param",
    Level.FAIL,
    "A param that the auth spec does not have",
    source=_PAGE,
    hint="Send only params of the auth spec in specName, or change specName.",
)
def foreign_param(traffic: Traffic) -> Iterator[Sighting]:
    """Each auth spec has its own params: one takes a connection string, another takes server and password."""
    for call, violation, name in _refused(traffic):
        if _foreign(violation):
            yield call.seen(f"auth.params.{name} does not belong to the auth spec: {violation.expected}")


@rule(
    "auth.param-missing",
    Level.FAIL,
    "A required param of the auth spec is missing",
    source=_PAGE,
    hint="Add the named param.",
)
def param_missing(traffic: Traffic) -> Iterator[Sighting]:
    """Without the param, the source cannot be reached, and the connection is not created."""
    for call, violation, name in _refused(traffic):
        if violation.came == MISSING and not _foreign(violation):
            yield call.seen(f"auth.params lacks {name}")


@rule(
    "auth.port-as-number",
    Level.FAIL,
    "A port sent as a number",
    source=f"{_PAGE}: every param is a string",
    hint='Send a string: "port": "5432".',
)
def port_as_number(traffic: Traffic) -> Iterator[Sighting]:
    """All params are strings, including the port."""
    for call, violation, name in _refused(traffic):
        if name == "port" and violation.came == "a number":
            yield call.seen("auth.params.port was a number, not a string")


@rule(
    "auth.param-value",
    Level.FAIL,
    "A param with an invalid value",
    source=_PAGE,
    hint="Send the expected value.",
)
def param_value(traffic: Traffic) -> Iterator[Sighting]:
    """The auth spec has the param but does not accept its value."""
    for call, violation, name in _refused(traffic):
        a_port = name == "port" and violation.came == "a number"
        if not (a_port or _foreign(violation) or violation.came == MISSING):
            yield call.seen(f"auth.params.{name}: expected {violation.expected}, got {violation.came}")


@rule(
    "auth.ssl-mode-spelling",
    Level.WARN,
    "A spelling of sslMode that no page has",
    source=f"PostgreSQL API page: {', '.join(SPELLINGS)}; overview page: {', '.join(OF_THE_OVERVIEW)}",
    hint=f"Send one of {', '.join((*SPELLINGS, *OF_THE_OVERVIEW))}.",
)
def ssl_mode_spelling(traffic: Traffic) -> Iterator[Sighting]:
    """Two of Adobe's pages list different values. Only these spellings are likely to be accepted."""
    for call in traffic.calls:
        mode = _sent_ssl_mode(call)
        if call.succeeded and mode is not None and mode not in (*SPELLINGS, *OF_THE_OVERVIEW, *ON_AWS):
            yield call.seen(f"{call.method} {call.template} sent sslMode {mode[:20]!r}")


@rule(
    "auth.not-encrypted",
    Level.INFO,
    "A connection without encryption",
    source="PostgreSQL API page: Disable, and EncryptionMethod=0, mean no TLS",
    hint="Send sslMode Verify Full, or EncryptionMethod=1 with ValidateServerCertificate=1.",
)
def not_encrypted(traffic: Traffic) -> Iterator[Sighting]:
    """The password and the data are sent over the network unencrypted."""
    for call in traffic.calls:
        if (_sent_ssl_mode(call) or "").lower() == "disable":
            yield call.seen(f"{call.method} {call.template} sent sslMode Disable")


def _sent_ssl_mode(call: Exchange) -> str | None:
    """The sslMode of a new PostgreSQL connection. Other connectors have other values."""
    auth, spec = call.members.get("auth"), call.members.get("connectionSpec")
    if not (call.creates and isinstance(auth, dict) and isinstance(spec, dict) and spec.get("id") == POSTGRESQL):
        return None
    params = auth.get("params")
    mode = params.get("sslMode") if isinstance(params, dict) else None
    return mode if isinstance(mode, str) else None
