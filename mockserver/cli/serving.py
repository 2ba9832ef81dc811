"""`mockserver serve`: builds the app, starts the server, says where it is, waits for the end."""

from __future__ import annotations

import ssl
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from mockserver import __version__, intercept
from mockserver.config import Config
from mockserver.exchange import BASE_PATH
from mockserver.server import collector

if TYPE_CHECKING:
    from mockserver.contract import Contract
    from mockserver.emulator import Emulator

WRONG_USE = 2
_SETTLED_SECONDS = 1.0
"""So long after a start there is time for what only refusals need."""


def serve_forever(config: Config, echo: Callable[[str], None]) -> int:
    """Serve until a signal; the exit status. What cannot be started is said in one line."""
    if config.state:
        # A commit gives up the interpreter's lock at each of its steps and must get it back from busier threads.
        # Asked for after half a millisecond instead of five: beside four readers of pages, 61 writes a second, not 49.
        sys.setswitchinterval(0.0005)
    with collector.own_process() as started:
        return _serve(config, echo, started)


def _serve(config: Config, echo: Callable[[str], None], started: Callable[[], None]) -> int:
    from mockserver.emulator import Emulator
    from mockserver.server import Server, make_server, run
    from mockserver.web import build_app, request_log
    from mockserver.web.admin import LARGER_BODIES

    request_log.configure(config.log)
    try:
        emulator = Emulator(config)
    except ValueError as error:
        echo(f"mockserver: {error}")
        return WRONG_USE

    def listening(server: Server) -> None:
        echo(_banner(server.url, config, emulator))
        started()
        _settle(emulator.contract)

    try:
        server = make_server(
            build_app(emulator),
            host=config.host,
            port=config.port,
            kind=config.server,
            max_body=config.max_body,
            larger_bodies=LARGER_BODIES,
            certificate=_tls(config),
        )
        return run(server, listening)
    except OSError as error:
        echo(f"mockserver: {error}")
        return WRONG_USE
    finally:
        emulator.close()


def _settle(contract: Contract) -> None:
    """What is better done once the server answers."""
    later = threading.Timer(_SETTLED_SECONDS, contract.prepare_refusals)
    later.daemon = True
    later.start()


def _tls(config: Config) -> ssl.SSLContext | None:
    if not config.tls:
        return None
    if not intercept.available():
        raise OSError(f"--tls: {intercept.MISSING}")
    from mockserver.intercept.authority import lasting_context

    return lasting_context(intercept.ca_folder(config.ca_folder))


def _banner(url: str, config: Config, emulator: Emulator) -> str:
    admin = f"{url}/_mock/" if config.admin_open else "closed, since others can reach it: set MOCKSERVER_ADMIN_TOKEN"
    lines = [
        f"Mock Flow Service {__version__} is ready  ({config.platform}, records in {emulator.world.store.place})",
        f"  API       {url}{BASE_PATH}      (short form: {url}/connections)",
        f"  Token     {url}/ims/token/v3",
        f"  Contract  {url}/openapi.yaml",
        f"  Admin     {admin}",
    ]
    if config.sources:
        declared = len(emulator.world.sources.declared)
        lines.append(f"  Sources   {config.sources}      ({declared} declared; other connections: built-in shop)")
    for listed in emulator.world.sources.listed:
        lines.append(f"  Live      {listed}      (dialled at {', '.join(listed.addresses)})")
    if config.tls:
        certificate = intercept.ca_folder(config.ca_folder) / intercept.PUBLIC_FILE
        lines.append(f"  Trust     {certificate}      (`mockserver ca show` says how)")
    return "\n".join(lines)
