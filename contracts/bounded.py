"""Connections that read a response within a limit of time and size, head and body together.

The timeout of a socket begins anew with every byte, so a server could otherwise hold up a run for ever.
"""

from __future__ import annotations

import functools
import http.client
import io
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import requests.adapters
import urllib3

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LOOPBACK = ("127.0.0.1", "localhost", "::1")

MAX_BODY = 32 * 2**20
"""Maximum size of a response in bytes."""


class Unusable(http.client.HTTPException):
    """A response that takes too long, is too large, or that clients refuse; the message says which."""


class _Slow(Unusable):
    """A response that takes too long."""


class _Limited(io.RawIOBase):
    """What a server sends to a socket, up to the limits."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket, self._source = sock, sock.makefile("rb", buffering=0)
        self._seconds, self._size = sock.gettimeout(), 0
        self._deadline = time.monotonic() + (self._seconds or 0)

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """Read what has come. Raises Unusable, and TimeoutError if nothing has come at all."""
        try:
            if self._seconds is not None:
                self._socket.settimeout(max(self._deadline - time.monotonic(), 1e-6))
            count = self._source.readinto(buffer)
        except TimeoutError:
            if self._size:
                raise _Slow(f"did not end its response within {self._seconds:g} s") from None
            raise
        self._size += count or 0
        if self._size > MAX_BODY:
            raise Unusable(f"sent more than {MAX_BODY // 2**20} MiB")
        return count

    def close(self) -> None:
        """Give the socket back."""
        self._source.close()
        super().close()


class BoundedResponse(http.client.HTTPResponse):
    """A response that is read within the limits, after any informational ones."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        whole, self.fp = self.fp, io.BufferedReader(_Limited(sock))
        whole.close()

    def begin(self) -> None:
        """Read the head of the final response."""
        self._begin()
        while self.status < 200 and self.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            informational, self.headers = self.status, None  # type: ignore[assignment]
            try:
                self._begin()
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, Unusable) and not isinstance(error, _Slow):
                    raise
                raise Unusable(f"got only the informational status {informational}, no final one") from None

    def _begin(self) -> None:
        try:
            super().begin()
        except http.client.LineTooLong:
            raise Unusable("got a response with a line in its head that is longer than clients accept") from None
        except http.client.HTTPException as error:
            if not str(error).endswith(" headers"):
                raise
            raise Unusable(f"got a response with {str(error).removeprefix('got ')}, which clients refuse") from None


@functools.cache
def _bounded(connection: Any) -> Any:
    return type("BoundedConnection", (connection,), {"response_class": BoundedResponse})


class BoundedAdapter(requests.adapters.HTTPAdapter):
    """An adapter of `requests` whose connections are bounded."""

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> urllib3.HTTPConnectionPool:
        """The pool of a request."""
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        pool.ConnectionCls = _bounded(type(pool).ConnectionCls)
        return pool  # type: ignore[no-any-return]


def bind(session: requests.Session, url: str) -> None:
    """Bound the responses that a session gets over HTTP, and take its proxies and certificates from the environment.

    That happens once: `requests` would search the environment for each request, which costs more than sending it.
    """
    for prefix, adapter in list(session.adapters.items()):
        if type(adapter) is requests.adapters.HTTPAdapter:
            session.mount(prefix, BoundedAdapter())
    if session.trust_env:
        parts = urlsplit(url)
        is_local = parts.hostname in LOOPBACK
        session.trust_env = not is_local or parts.scheme == "https"
        settings = session.merge_environment_settings(url, {}, None, None, None)
        session.proxies, session.verify = {} if is_local else settings["proxies"], settings["verify"]
        session.trust_env = False
