"""Logs in to a listed PostgreSQL database, with nothing but what a connection says. Needs the extra `postgres`.

libpq would take what it is not told from its environment, from service and password files and from the
user's certificates. So it is told everything, as parameters and never as a string.
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
from mockserver.sources.listed import LiveAddress
from mockserver.sources.refusals import SourceBusy, SourceError, refusal
from mockserver.state.postgres_link import Connection

if TYPE_CHECKING:
    from mockserver.specs.connectors import Access

OLDEST_LIBPQ = 160_000
"""The first that can be told which ways to authenticate are acceptable."""

MAX_SESSIONS = 8
"""Sessions at a time, of all databases together: half of the server's threads, so that others are answered."""

_ROOM_SECONDS = 0.5
_SHORTEST = 4
"""Shorter passwords are not looked for in a message: what is left out of ordinary words would tell them."""

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
"""sslMode, as `Access` has it -> libpq's word. `true` and `false` are those of Experience Platform on AWS."""

_VERIFYING = ("verify-ca", "verify-full")
_PROVEN_BY_BOTH = "scram-sha-256,none"
"""Ways to authenticate that tell a stranger nothing of the password. An MD5 of it can be guessed, and used again."""

_TRUSTED = f"{_PROVEN_BY_BOTH},md5,password"
"""What a server may ask for whose certificate proved it to be the right one."""

_BEGIN = sql.SQL("BEGIN READ ONLY; SET LOCAL statement_timeout = {}; SET LOCAL TimeZone = 'UTC'")
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
"""What stands for "nothing" where an empty text is none, or means a file in the user's home."""

log = logging.getLogger("mockserver")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a database may take."""

    connect_seconds: int = 3
    """To connect and log in at one address; psycopg takes no less than 2."""
    statement_ms: int = 5_000
    """For one statement: the database gives up by itself."""
    session_ms: int = 8_000
    """For all that follows on connecting: we give up, whatever the network does."""
    silent_ms: int = 2_000
    """So long after it did not answer in time it is not asked again: a list of flows need not wait for each."""


USUAL = Patience()


class Dialler:
    """Opens sessions at one listed address."""

    def __init__(
        self, listed: LiveAddress, room: threading.Semaphore, authorities: str | None, patience: Patience
    ) -> None:
        """`room` is what all diallers share; `authorities` a PEM file of those who sign servers' certificates."""
        self.listed = listed
        self._room = room
        self._authorities = authorities
        self._patience = patience
        self._silent_until_ms = 0

    @contextmanager
    def session(self, access: Access) -> Iterator[Connection]:
        """A read-only transaction as the user of a connection, ended with the block.

        Raises SourceError: out of reach, refused, too slow, failed. Raises SourceBusy.
        """
        parameters = self._parameters(access)
        if not self._room.acquire(timeout=_ROOM_SECONDS):
            raise SourceBusy
        try:
            db = self._dial(parameters)
            with self._told(), closing(db):
                yield db
        finally:
            self._room.release()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what a database says into what the service says. No text of the database gets through."""
        try:
            yield
        except psycopg.Error as error:
            # by its kind alone: the database's words may hold what stands in a row
            log.warning("live source %s: %s %s", self.listed, type(error).__name__, error.sqlstate or "")
            if isinstance(error, errors.ConnectionTimeout):
                self._keep_away()
            raise _refusal(error) from None

    def _keep_away(self) -> None:
        self._silent_until_ms = stop_watch_ms() + self._patience.silent_ms

    def _parameters(self, access: Access) -> dict[str, str]:
        """Everything libpq wants to know but the address. Raises SourceError for what is not worth a dial."""
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
            "host": self.listed.host,  # what a certificate is held to; the address is given beside it
            "port": str(self.listed.port),
            "dbname": database,
            "user": username,
            "password": password,
            "sslmode": mode,
            **({"sslrootcert": str(self._authorities)} if verifying else {}),
            "require_auth": _TRUSTED if verifying else _PROVEN_BY_BOTH,
            "connect_timeout": str(self._patience.connect_seconds),
            "client_encoding": "utf8",
            "application_name": "mock-flow-service",
        }

    def _dial(self, parameters: dict[str, str]) -> Connection:
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


class _Text(Loader):
    """Text as it is, whatever bytes a database without an encoding holds."""

    def load(self, data: Buffer) -> str:
        """See psycopg."""
        return bytes(data).decode("utf-8", "replace")


def demand_libpq() -> None:
    """Raise ValueError for a libpq that cannot do what is asked of it."""
    if pq.version() < OLDEST_LIBPQ:
        raise ValueError(f"--live needs libpq 16 or newer. Install it with: {how_to_get('postgres')}")


@cache
def unset_parameters() -> dict[str, str]:
    """Every parameter for which libpq would look into its environment, set to what means nothing."""
    known = {option.keyword.decode(): option for option in pq.Conninfo.get_defaults() if option.envvar}
    del known["service"]  # takes no empty text; PGSERVICE is forgotten when live sources are set up
    return {name: _MEANINGLESS.get(name) or (option.compiled or b"").decode() for name, option in sorted(known.items())}


def sendable(text: str) -> bool:
    """Whether a text reaches a database whole: libpq ends it at a NUL, and a lone surrogate is no UTF-8."""
    with suppress(UnicodeEncodeError):
        return b"\0" not in text.encode()
    return False


def _refusal(error: psycopg.Error) -> SourceError:
    """What becomes of trouble in a session."""
    match error:
        case errors.QueryCanceled() | errors.ConnectionTimeout():
            return SourceError("provider_timeout", "the source did not answer in time")
        case errors.InsufficientPrivilege():
            return refusal("denied")
        case psycopg.OperationalError(sqlstate=None):
            return refusal("unreachable")
    return refusal("broken")


def _begun(parameters: Mapping[str, Any], patience: Patience) -> Connection:
    """A connection with its transaction begun. Raises psycopg.Error."""
    db = Connection.connect(autocommit=True, prepare_threshold=None, **parameters)
    try:
        db.patient_until(stop_watch_ms() + patience.session_ms)
        db.adapters.register_loader("text", _Text)
        db.execute(_BEGIN.format(patience.statement_ms))
        if db.info.parameter_status("server_encoding") == "SQL_ASCII":  # asked for UTF-8, it refuses what is none
            db.execute("SET LOCAL client_encoding = 'SQL_ASCII'")
    except psycopg.Error:
        db.close()
        raise
    return db


def _asked_for_password(trouble: psycopg.Error) -> bool:
    """Whether the server got so far: from then on it is user name, password or database that it minds.

    libpq tells no SQLSTATE of a failed connection, and the server's words are in its own language.
    """
    connection = trouble.pgconn
    return connection is not None and bool(connection.used_password)


def _words(trouble: psycopg.Error, password: str) -> str:
    """The first line of a message, for the operator's log: one line, without the password."""
    line = (str(trouble).strip().splitlines() or [type(trouble).__name__])[0]
    shown = line.replace(password, "***") if len(password) >= _SHORTEST else line
    return "".join(character for character in shown[:400] if character.isprintable())
