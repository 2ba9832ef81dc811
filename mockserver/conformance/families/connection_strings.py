"""Rules for connection strings: grammar, keys, and the two keys that make TLS effective."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.conformance.families.auth import POSTGRESQL
from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic
from mockserver.exchange import MISSING, UNKNOWN, Violation
from mockserver.specs import connection_string
from mockserver.specs.connection_string import ConnectionString, ConnectionStringError

_PAGE = "PostgreSQL API page, connection string and SSL"
_PATTERN = "Server=...;Database=...;Port=...;UID=...;Password=..."
_AT = "/auth/params/connectionString"

KNOWN_KEYS = frozenset(
    {"server", "database", "port", "uid", "password", "pwd", "encryptionmethod", "validateservercertificate"}
)
"""The keys on the page, in lower case. A test compares them with the connector's file."""


def _refused(traffic: Traffic) -> Iterator[tuple[Exchange, Violation]]:
    for call in traffic.calls:
        for violation in call.violations("body"):
            another = violation.came in (MISSING, UNKNOWN)
            if violation.pointer == _AT and violation.expected and not another:
                yield call, violation


def _strings(traffic: Traffic) -> Iterator[tuple[Exchange, ConnectionString]]:
    """The connection strings of new PostgreSQL connections, with masked secrets."""
    for call in traffic.calls:
        auth, spec = call.members.get("auth"), call.members.get("connectionSpec")
        if not (isinstance(auth, dict) and isinstance(spec, dict) and spec.get("id") == POSTGRESQL):
            continue
        params = auth.get("params")
        text = params.get("connectionString") if isinstance(params, dict) else None
        try:
            yield call, connection_string.parse(text if isinstance(text, str) else "")
        except ConnectionStringError:
            continue


@rule(
    "connection-string.malformed",
    Level.FAIL,
    "A malformed connection string",
    source=f"{_PAGE}: {_PATTERN}",
    hint="Write key=value pairs separated by semicolons. Put a value that contains one in braces.",
)
def malformed(traffic: Traffic) -> Iterator[Sighting]:
    """The value is not a list of key=value pairs: a key without =, an unclosed brace, or not a string."""
    for call, violation in _refused(traffic):
        if not violation.expected.startswith("a connection string with") and " after " not in violation.expected:
            yield call.seen(f"the connection string was not {violation.expected} but {violation.came}")


@rule(
    "connection-string.key-missing",
    Level.FAIL,
    "A required key of the connection string is missing",
    source=f"{_PAGE}: {_PATTERN}",
    hint="Add the named key.",
)
def key_missing(traffic: Traffic) -> Iterator[Sighting]:
    """Without server, database, user and password, the source cannot be reached."""
    for call, violation in _refused(traffic):
        if violation.expected.startswith("a connection string with"):
            yield call.seen(f"expected {violation.expected}, got {violation.came}")


@rule(
    "connection-string.value",
    Level.FAIL,
    "A key of the connection string with an invalid value",
    source=f"{_PAGE}: EncryptionMethod is 0, 1 or 6, ValidateServerCertificate 0 or 1",
    hint="Send the expected value.",
)
def value(traffic: Traffic) -> Iterator[Sighting]:
    """The key is known, but its value is not allowed."""
    for call, violation in _refused(traffic):
        if " after " in violation.expected:
            yield call.seen(f"the connection string requires {violation.expected}")


@rule(
    "connection-string.misspelt-key",
    Level.WARN,
    "A key of the connection string that the page does not list",
    source=_PAGE,
    hint="Use Server, Database, Port, UID, Password, EncryptionMethod and ValidateServerCertificate.",
)
def misspelt_key(traffic: Traffic) -> Iterator[Sighting]:
    """Unknown keys are ignored. The page misspells ValidateServerCertificate once; this spelling has no effect."""
    for call, parsed in _strings(traffic):
        for key, _ in parsed:
            if key.lower() not in KNOWN_KEYS:
                yield call.seen(f"the connection string has the unlisted key {key[:40]}")


@rule(
    "connection-string.repeated-key",
    Level.WARN,
    "A repeated key in a connection string",
    source="ODBC uses the first of equal keys, ADO.NET the last (which one the service uses is assumed)",
    hint="Send each key once.",
)
def repeated_key(traffic: Traffic) -> Iterator[Sighting]:
    """Parsers of connection strings disagree on which of two equal keys is used."""
    for call, parsed in _strings(traffic):
        for key in parsed.repeated:
            yield call.seen(f"the connection string has {key[:40]} more than once")


@rule(
    "connection-string.certificate-not-validated",
    Level.WARN,
    "TLS without validation of the server's certificate",
    source=f"{_PAGE}: ValidateServerCertificate is 0 unless set",
    hint="Add ValidateServerCertificate=1 after EncryptionMethod=1.",
)
def certificate_not_validated(traffic: Traffic) -> Iterator[Sighting]:
    """EncryptionMethod=1 alone encrypts the connection to any server. It does not prevent a man in the middle."""
    for call, parsed in _strings(traffic):
        misspelt = parsed.get("ValidationServerCertificate") is not None
        if parsed.get("EncryptionMethod") == "1" and parsed.get("ValidateServerCertificate") != "1" and not misspelt:
            yield call.seen("the connection string requests TLS without ValidateServerCertificate=1")


@rule(
    "connection-string.validation-without-encryption",
    Level.WARN,
    "Validation of a certificate without TLS",
    source=f"{_PAGE}: ValidateServerCertificate works only with EncryptionMethod",
    hint="Add EncryptionMethod=1.",
)
def validation_without_encryption(traffic: Traffic) -> Iterator[Sighting]:
    """ValidateServerCertificate=1 has no effect if EncryptionMethod is 0 or absent."""
    for call, parsed in _strings(traffic):
        if parsed.get("ValidateServerCertificate") == "1" and parsed.get("EncryptionMethod") in (None, "0"):
            yield call.seen("the connection string validates a certificate but does not request TLS")
