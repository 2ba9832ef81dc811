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
"""The keys of the page, in lower case; a test holds them to the connector's file."""


def _refused(traffic: Traffic) -> Iterator[tuple[Exchange, Violation]]:
    for call in traffic.calls:
        for violation in call.violations("body"):
            another = violation.came in (MISSING, UNKNOWN)
            if violation.pointer == _AT and violation.expected and not another:
                yield call, violation


def _strings(traffic: Traffic) -> Iterator[tuple[Exchange, ConnectionString]]:
    """The connection strings of new PostgreSQL connections, secrets masked."""
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
    "A connection string that cannot be read",
    source=f"{_PAGE}: {_PATTERN}",
    hint="Write key=value pairs with semicolons between; put a value that holds one in braces.",
)
def malformed(traffic: Traffic) -> Iterator[Sighting]:
    """The text is not key=value pairs: a key without =, an open brace, or no text at all."""
    for call, violation in _refused(traffic):
        if not violation.expected.startswith("a connection string with") and " after " not in violation.expected:
            yield call.seen(f"the connection string was not {violation.expected} but {violation.came}")


@rule(
    "connection-string.key-missing",
    Level.FAIL,
    "A connection string without a key it needs",
    source=f"{_PAGE}: {_PATTERN}",
    hint="Add the key named.",
)
def key_missing(traffic: Traffic) -> Iterator[Sighting]:
    """Without server, database, user and password nothing can be reached."""
    for call, violation in _refused(traffic):
        if violation.expected.startswith("a connection string with"):
            yield call.seen(f"the connection string was {violation.came}")


@rule(
    "connection-string.value",
    Level.FAIL,
    "A key of the connection string with a value it cannot have",
    source=f"{_PAGE}: EncryptionMethod is 0, 1 or 6, ValidateServerCertificate 0 or 1",
    hint="Send what is expected.",
)
def value(traffic: Traffic) -> Iterator[Sighting]:
    """The key is known, its value is not."""
    for call, violation in _refused(traffic):
        if " after " in violation.expected:
            yield call.seen(f"the connection string needs {violation.expected}")


@rule(
    "connection-string.misspelt-key",
    Level.WARN,
    "A key of the connection string that the page does not list",
    source=_PAGE,
    hint="Keys are Server, Database, Port, UID, Password, EncryptionMethod and ValidateServerCertificate.",
)
def misspelt_key(traffic: Traffic) -> Iterator[Sighting]:
    """Unknown keys are ignored. The page itself misspells ValidateServerCertificate once: copied, it checks nothing."""
    for call, parsed in _strings(traffic):
        for key, _ in parsed:
            if key.lower() not in KNOWN_KEYS:
                yield call.seen(f"the connection string has the unlisted key {key[:40]}")


@rule(
    "connection-string.repeated-key",
    Level.WARN,
    "A key twice in one connection string",
    source="ODBC takes the first of equal keys, ADO.NET the last (which one the service takes is assumed)",
    hint="Write each key once.",
)
def repeated_key(traffic: Traffic) -> Iterator[Sighting]:
    """Readers of connection strings disagree on which of two equal keys counts."""
    for call, parsed in _strings(traffic):
        for key in parsed.repeated:
            yield call.seen(f"the connection string has {key[:40]} more than once")


@rule(
    "connection-string.certificate-not-validated",
    Level.WARN,
    "TLS without a look at the server's certificate",
    source=f"{_PAGE}: ValidateServerCertificate is 0 unless set",
    hint="Add ValidateServerCertificate=1 after EncryptionMethod=1.",
)
def certificate_not_validated(traffic: Traffic) -> Iterator[Sighting]:
    """EncryptionMethod=1 alone encrypts to whoever answers: without validation it stops no man in the middle."""
    for call, parsed in _strings(traffic):
        misspelt = parsed.get("ValidationServerCertificate") is not None
        if parsed.get("EncryptionMethod") == "1" and parsed.get("ValidateServerCertificate") != "1" and not misspelt:
            yield call.seen("the connection string asks for TLS without ValidateServerCertificate=1")


@rule(
    "connection-string.validation-without-encryption",
    Level.WARN,
    "A certificate check without TLS",
    source=f"{_PAGE}: ValidateServerCertificate works with EncryptionMethod only",
    hint="Add EncryptionMethod=1.",
)
def validation_without_encryption(traffic: Traffic) -> Iterator[Sighting]:
    """ValidateServerCertificate=1 has no effect as long as EncryptionMethod is 0 or absent."""
    for call, parsed in _strings(traffic):
        if parsed.get("ValidateServerCertificate") == "1" and parsed.get("EncryptionMethod") in (None, "0"):
            yield call.seen("the connection string validates a certificate but does not ask for TLS")
