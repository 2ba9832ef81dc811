"""Leads unmodified clients of Adobe's hosts to an emulator: TLS and a proxy, both on loopback.

with PrivateServer(config) as server, lead(server, os.environ) as environment:
    run(command, environment, seconds=60, show=True)
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol, Self, TypeAlias
from urllib.parse import urlsplit

from mockserver.clients.program import PrivateServer, variables
from mockserver.emulator import Emulator
from mockserver.intercept import available, ca_folder, missing


class Listening(Protocol):
    """A server in a thread of its own."""

    url: str

    def start(self) -> None:
        """Start serving."""

    def stop(self) -> None:
        """Stop serving."""


Serve: TypeAlias = Callable[[ssl.SSLContext | None], Listening]
"""Creates a server, with TLS if a context is given."""


def of_emulator(emulator: Emulator) -> Interception:
    """Serves an emulator under Adobe's host names."""
    from mockserver.intercept.front import EmulatedHostsOnly
    from mockserver.server import Limits
    from mockserver.web.bridge import wsgi_server
    from mockserver.web.served import Served

    front = EmulatedHostsOnly(Served(emulator))
    limits = Limits(max_body=emulator.config.max_body)
    return Interception(
        lambda context: wsgi_server(front, limits=limits, certificate=context), emulator.config.ca_folder
    )


class Interception:
    """Serves an application under Adobe's host names within a block."""

    def __init__(self, serve: Serve, ca_folder: str | None = None) -> None:
        """Nothing listens yet."""
        self._serve, self._ca_folder = serve, ca_folder
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Start all parts. Raises OSError with a message for users."""
        if not available():
            raise OSError(missing())
        with ExitStack() as opened:
            self._start(opened)
            self._open = opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop all parts and delete the files made for this client."""
        self._open.close()

    @property
    def refused(self) -> Mapping[str, int]:
        """Refused host -> number of requests."""
        return dict(self._proxy.refused)

    @property
    def tunnels(self) -> int:
        """Number of tunnels to Adobe's hosts that the client asked for."""
        return self._proxy.tunnels

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment changed so that a client reaches us."""
        from mockserver.intercept import environment

        return environment.for_client(environ, self._ports, self._trust)

    def _start(self, opened: ExitStack) -> None:
        from mockserver.intercept import trust
        from mockserver.intercept.authority import Authority
        from mockserver.intercept.environment import Ports
        from mockserver.intercept.proxy import Proxy

        authority = Authority.open(ca_folder(self._ca_folder))
        plain = self._serve(None)
        opened.callback(plain.stop)
        secure = self._serve(authority.server_context())
        opened.callback(secure.stop)
        self._proxy = Proxy(_port(secure.url), _port(plain.url))
        opened.callback(self._proxy.stop)
        for part in (plain, secure, self._proxy):
            part.start()
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="mockserver-")))
        self._trust = trust.write(authority, folder, os.environ)
        self._ports = Ports(self._proxy.port, _port(secure.url), _port(plain.url))


@contextmanager
def lead(server: PrivateServer, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment for an unmodified client. Within the block, Adobe's hosts lead to the server."""
    with of_emulator(server.emulator) as interception:
        yield interception.environment(variables(server.url, environ))


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
