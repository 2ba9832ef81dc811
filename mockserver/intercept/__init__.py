"""Leads unmodified clients of Adobe's hosts to an emulator: its own authority, TLS, and a proxy, all on loopback.

with PrivateServer(config) as server, Interception(server.emulator) as interception:
    run(command, interception.environment(variables(server.url, os.environ)), ...)
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from mockserver.emulator import Emulator

MISSING = "this needs the package cryptography: pip install 'mock-flow-service[intercept]'"


def available() -> bool:
    """Whether certificates can be made: they need the extra `intercept`."""
    return find_spec("cryptography") is not None


def ca_folder(chosen: str | None = None) -> Path:
    """Where the authority lives: the folder of the settings, or this user's state folder."""
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        state = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "mock-flow-service" / "ca"


class Interception:
    """Serves an emulator by Adobe's names, until the block ends."""

    def __init__(self, emulator: Emulator, chosen_ca_folder: str | None = None) -> None:
        """Nothing listens yet."""
        self._emulator = emulator
        self._ca_folder = ca_folder(chosen_ca_folder)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Start. Raises OSError, whose text is fit to show, for whatever is in the way."""
        if not available():
            raise OSError(MISSING)
        with ExitStack() as opened:
            self._start(opened)
            self._open = opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop all parts and delete the files made for this client."""
        self._open.close()

    @property
    def refused(self) -> Mapping[str, int]:
        """Hosts that the client asked the proxy for in vain, and how often."""
        return dict(self._proxy.refused)

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The given environment, turned so that a client reaches us."""
        from mockserver.intercept import environment

        return environment.for_client(environ, self._ports, self._trust)

    def _start(self, opened: ExitStack) -> None:
        from mockserver.intercept import trust
        from mockserver.intercept.authority import Authority
        from mockserver.intercept.environment import Ports
        from mockserver.intercept.front import EmulatedHostsOnly
        from mockserver.intercept.proxy import Proxy
        from mockserver.web import build_app
        from mockserver.web.server import make_server

        authority = Authority.open(self._ca_folder)
        front = EmulatedHostsOnly(build_app(self._emulator))
        limit = self._emulator.config.max_body
        plain = make_server(front, max_body=limit)
        secure = make_server(front, max_body=limit, certificate=authority.server_context())
        self._proxy = Proxy(_port(secure.url), _port(plain.url))
        for part in (plain, secure, self._proxy):
            opened.callback(part.stop)
            part.start()
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="mockserver-")))
        self._trust = trust.write(authority, folder, os.environ)
        self._ports = Ports(self._proxy.port, _port(secure.url), _port(plain.url))


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
