"""`mockserver serve`: builds the app, starts the server, says where it is, waits for the end."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from mockserver import __version__, intercept
from mockserver.config import Config
from mockserver.exchange import BASE_PATH

WRONG_USE = 2


def serve_forever(config: Config, echo: Callable[[str], None]) -> int:
    """Serve until a signal; the exit status. What cannot be started is said in one line."""
    from mockserver.emulator import Emulator
    from mockserver.web import build_app, request_log
    from mockserver.web.admin import LARGER_BODIES
    from mockserver.web.server import make_server, run

    request_log.configure(config.log)
    try:
        emulator = Emulator(config)
    except ValueError as error:
        echo(f"mockserver: {error}")
        return WRONG_USE
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
        return run(server, lambda listening: echo(_banner(listening.url, config, emulator.world.store.place)))
    except OSError as error:
        echo(f"mockserver: {error}")
        return WRONG_USE
    finally:
        emulator.close()


def _tls(config: Config) -> ssl.SSLContext | None:
    if not config.tls:
        return None
    if not intercept.available():
        raise OSError(f"--tls: {intercept.MISSING}")
    from mockserver.intercept.authority import lasting_context

    return lasting_context(intercept.ca_folder(config.ca_folder))


def _banner(url: str, config: Config, place: str) -> str:
    admin = f"{url}/_mock/" if config.admin_open else "closed, since others can reach it: set MOCKSERVER_ADMIN_TOKEN"
    lines = [
        f"Mock Flow Service {__version__} is ready  ({config.platform}, records in {place})",
        f"  API       {url}{BASE_PATH}      (short form: {url}/connections)",
        f"  Token     {url}/ims/token/v3",
        f"  Contract  {url}/openapi.yaml",
        f"  Admin     {admin}",
    ]
    if config.tls:
        certificate = intercept.ca_folder(config.ca_folder) / intercept.PUBLIC_FILE
        lines.append(f"  Trust     {certificate}      (`mockserver ca show` says how)")
    return "\n".join(lines)
