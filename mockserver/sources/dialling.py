"""Logs in to a listed PostgreSQL database with the parameters of a connection only. Needs the extra `postgres`.

libpq takes missing parameters from its environment, from service and password files and from the
user's certificates. Therefore every parameter is passed explicitly, never as a string.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors, pq, sql
from psycopg.adapt import Buffer, Loader

from mockserver.config import how_to_get
from mockserver.runtime import stop_watch_ms
from mockserver.sources.feed import LimitedConnection
from mockserver.sources.listed import LiveAddress
from mockserver.sources.refusals import SourceBusy, SourceError, refusal

if TYPE_CHECKING:
    from mockserver.specs.connectors import Access

OLDEST_LIBPQ = 160_000
"""The first version with `require_auth`, which limits the authentication methods."""

MAX_SESSIONS = 8
"""Maximum concurrent sessions of all databases: half of the server's threads, so that other requests are answered."""

MAX_RECEIVED = 2 * 1_048_576
"""Maximum bytes of one response of a database: the maximum of rows that are read at once, and some for their headers.

An error takes eight times its size.
"""

_ROOM_SECONDS = 0.5
_SHORTEST = 4
"""Shortest password that is redacted from messages: redacting shorter ones would reveal them."""

SSL_MODES = {
    None: "prefer",
    "Disable": "disable",
    "false": "disable",
    "Allow": "allow",
    "Prefer": "prefer",
    "Require": "require",
    "true": "require",
    "Verify Ca": "verify-ca",
    "Verify Full": "verify-full",
}
"""sslMode of `Access` -> sslmode of libpq. `true` and `false` come from Experience Platform on AWS."""

_VERIFYING = ("verify-ca", "verify-full")
_PROVEN_BY_BOTH = "scram-sha-256,none"
"""Authentication methods that reveal nothing of the password. An MD5 hash can be cracked and replayed."""

_TRUSTED = f"{_PROVEN_BY_BOTH},md5,password"
"""Methods allowed to a server whose certificate was verified."""

_BEGIN = sql.SQL(
    "BEGIN READ ONLY; SET LOCAL statement_timeout = {}; SET LOCAL TimeZone = 'UTC';"
    " SET LOCAL client_min_messages = error"
)
"""Without `client_min_messages`, notices of any length would be read although nobody sees them."""
_NOWHERE = "/nonexistent/file"
_MEANINGLESS = {
    "gssencmode": "disable",
    "passfile": _NOWHERE,
    "sslcertmode": "disable",
    "sslcrl": _NOWHERE,
    "sslrootcert": _NOWHERE,
    "min_protocol_version": "3.0",
    "max_protocol_version": "3.0",
}
"""Values that mean "nothing" for parameters whose empty text is invalid or means a file in the user's home."""

log = logging.getLogger("mockserver")


@dataclass(frozen=True, slots=True)
class Patience:
    """Time limits for a database."""

    connect_seconds: int = 3
    """Connecting and logging in at one address. psycopg accepts at least 2."""
    statement_ms: int = 5_000
    """One statement. The database enforces it."""
    session_ms: int = 8_000
    """Everything after connecting. Enforced here, whatever the network does."""
    silent_ms: int = 2_000
    """Time without new connections after a timeout, so that a list of flows does not wait for each flow."""


USUAL = Patience()


class Dialler:
    """Opens sessions at one listed address."""

    def __init__(
        self,
        listed: LiveAddress,
        room: threading.Semaphore,
        authorities: str | None,
        patience: Patience,
        *,
        md5: bool = False,
    ) -> None:
        """`room` limits the sessions of all diallers together; `authorities` is a PEM file of trusted CAs.

        `md5`: whether an unverified server may get a password as MD5.
        """
        self.listed = listed
        self._room = room
        self._authorities = authorities
        self._patience = patience
        self._unproven = f"{_PROVEN_BY_BOTH},md5" if md5 else _PROVEN_BY_BOTH
        self._silent_until_ms = 0

    @contextmanager
    def session(self, access: Access) -> Iterator[LimitedConnection]:
        """A read-only transaction as the user of a connection; it ends with the block.

        Raises SourceError (unreachable, refused, too slow, failed) or SourceBusy.
        """
        parameters = self._parameters(access)
        if not self._room.acquire(timeout=_ROOM_SECONDS):
            raise SourceBusy
        try:
            db = self._dial(parameters)
            with self._translated(), closing(db):
                yield db
        finally:
            self._room.release()

    def extend(self, db: LimitedConnection) -> None:
        """Give the next statement of a session as much time as the first."""
        db.deadline_ms = stop_watch_ms() + self._patience.session_ms

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate errors of the database into errors of the service. No text of the database is passed on."""
        try:
            yield
        except psycopg.Error as error:
            # only its type: the database's message may contain values of a row
            log.warning("live source %s: %s %s", self.listed, type(error).__name__, error.sqlstate or "")
            if isinstance(error, errors.ConnectionTimeout):
                self._keep_away()
            raise _refusal(error) from None

    def _keep_away(self) -> None:
        self._silent_until_ms = stop_watch_ms() + self._patience.silent_ms

    def _parameters(self, access: Access) -> dict[str, str]:
        """All libpq parameters except the address. Raises SourceError for values that cannot work."""
        if access.misdirected:
            raise refusal("elsewhere")
        given = (access.database, access.username, access.password)
        if not all(text is not None and sendable(text) for text in given):
            raise refusal(
                "credentials",
                hint="send server, port, database, username and password, none of them with a NUL character",
            )
        mode = SSL_MODES.get(access.ssl)
        verifying = mode in _VERIFYING
        if mode is None or (verifying and self._authorities is None):
            raise refusal(
                "unreachable", hint="sslMode Verify Ca and Verify Full need the option --live-ca of this server"
            )
        database, username, password = map(str, given)
        return {
            **unset_parameters(),
            "host": self.listed.host,  # the name that the certificate must have; the address is passed separately
            "port": str(self.listed.port),
            "dbname": database,
            "user": username,
            "password": password,
            "sslmode": mode,
            **({"sslrootcert": str(self._authorities)} if verifying else {}),
            "require_auth": _TRUSTED if verifying else self._unproven,
            "connect_timeout": str(self._patience.connect_seconds),
            "client_encoding": "utf8",
            "application_name": "mock-flow-service",
        }

    def _dial(self, parameters: dict[str, str]) -> LimitedConnection:
        began = stop_watch_ms()
        if began < self._silent_until_ms:
            raise refusal("unreachable", hint="it did not answer just now; try again in a few seconds")
        trouble = psycopg.Error("no address")
        for address in self.listed.addresses:
            try:
                return _begun({**parameters, "hostaddr": address}, self._patience)
            except psycopg.Error as error:
                trouble = error
            if _asked_for_password(trouble) or stop_watch_ms() - began >= self._patience.connect_seconds * 1000:
                break
        log.warning("live source %s: %s", self.listed, _words(trouble, parameters["password"]))
        if _asked_for_password(trouble):
            raise refusal(
                "credentials", hint="the database refuses this user name, password or database name"
            ) from None
        if isinstance(trouble, errors.ConnectionTimeout):
            self._keep_away()
        raise refusal(
            "unreachable", hint="nothing answers there, or it does not support this sslMode; see the log of this server"
        )


class _TextLoader(Loader):
    """Loads text of a database without an encoding, whatever its bytes."""

    def load(self, data: Buffer) -> str:
        """See psycopg."""
        return bytes(data).decode("utf-8", "replace")


def demand_libpq() -> None:
    """Raise ValueError if the installed libpq is too old."""
    if pq.version() < OLDEST_LIBPQ:
        raise ValueError(f"--live needs libpq 16 or newer. Install it with: {how_to_get('postgres')}")


@cache
def unset_parameters() -> dict[str, str]:
    """All parameters that libpq would otherwise read from its environment, set to values that mean "nothing"."""
    known = {option.keyword.decode(): option for option in pq.Conninfo.get_defaults() if option.envvar}
    del known["service"]  # takes no empty text; PGSERVICE is forgotten when live sources are set up
    return {name: _MEANINGLESS.get(name) or (option.compiled or b"").decode() for name, option in sorted(known.items())}


def sendable(text: str) -> bool:
    """Whether a text reaches a database complete: libpq cuts at NUL, and a lone surrogate is not valid UTF-8."""
    with suppress(UnicodeEncodeError):
        return b"\0" not in text.encode()
    return False


def _refusal(error: psycopg.Error) -> SourceError:
    """The SourceError for an error in a session."""
    match error:
        case errors.QueryCanceled() | errors.ConnectionTimeout():
            return SourceError("provider_timeout", "the source did not answer in time")
        case errors.InsufficientPrivilege():
            return refusal("denied")
        case psycopg.OperationalError(sqlstate=None):
            return refusal("unreachable")
    return refusal("broken")


def _begun(parameters: Mapping[str, Any], patience: Patience) -> LimitedConnection:
    """A connection in a read-only transaction. Raises psycopg.Error."""
    db = LimitedConnection.connect(autocommit=True, prepare_threshold=None, **parameters)
    try:
        db.limit(MAX_RECEIVED)
        db.deadline_ms = stop_watch_ms() + patience.session_ms
        db.adapters.register_loader("text", _TextLoader)
        db.execute(_BEGIN.format(patience.statement_ms))
        if db.info.parameter_status("server_encoding") == "SQL_ASCII":  # with UTF-8, it refuses invalid text
            db.execute("SET LOCAL client_encoding = 'SQL_ASCII'")
    except psycopg.Error:
        db.close()
        raise
    return db


def _asked_for_password(trouble: psycopg.Error) -> bool:
    """Whether the server asked for a password: if so, it refuses the user name, the password or the database.

    libpq reports no SQLSTATE for a failed connection, and the server's message may be in any language.
    """
    connection = trouble.pgconn
    return connection is not None and bool(connection.used_password)


def _words(trouble: psycopg.Error, password: str) -> str:
    """The first line of a message for the operator's log, with the password redacted."""
    line = (str(trouble).strip().splitlines() or [type(trouble).__name__])[0]
    shown = line.replace(password, "***") if len(password) >= _SHORTEST else line
    return "".join(character for character in shown[:400] if character.isprintable())
