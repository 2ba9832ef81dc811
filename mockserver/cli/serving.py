"""`mockserver serve`: builds the application, starts the server, prints the banner and waits for a signal."""

from __future__ import annotations

import os
import signal
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from mockserver import __version__, intercept
from mockserver.cli import collector
from mockserver.config import Config
from mockserver.exchange import BASE_PATH

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from mockserver.emulator import Emulator
    from mockserver.intercept.streams import StreamServer
    from mockserver.server import Server
    from mockserver.web.served import Served

WRONG_USE = 2
_ENDING = ("SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP")
"""Signals that stop the server. They need handlers, because process 1 of a container has no default ones."""
_WAKE_SECONDS = 1.0
"""Interval at which the main thread wakes, for platforms where signals do not interrupt waiting."""
_MAX_DESCRIPTORS = 65_536
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Options of `mallopt`."""
_SETTLED_SECONDS = 1.0
"""Seconds after the start at which modules for refusals and pages are imported."""


def serve_forever(config: Config, echo: Callable[[str], None]) -> int:
    """Serve until a signal; returns the exit status. Start-up errors are one line on standard error."""
    # Event loop and commits often release the GIL, and busy threads return it only after this interval. Beside four
    # readers of pages, 0.5 ms allow 61 writes a second, the default of 5 ms 49.
    sys.setswitchinterval(0.0005)
    _return_large_blocks()
    with collector.own_process() as started:
        return _serve(config, echo, started)


def _return_large_blocks() -> None:
    """Let the C library (glibc) return large blocks to the system when they are freed.

    By default it keeps up to 64 MiB of such blocks for each thread, for ever: 250 MiB after 60 clients that read pages
    and exports. Below these sizes, returning takes more time than reading a body.
    """
    import ctypes

    with suppress(AttributeError, OSError, TypeError):
        set_option = ctypes.CDLL(None).mallopt
        set_option(_M_MMAP_THRESHOLD, 2**20)
        set_option(_M_TRIM_THRESHOLD, 2**21)


def _serve(config: Config, echo: Callable[[str], None], started: Callable[[], None]) -> int:
    from mockserver.emulator import Emulator
    from mockserver.web import request_log
    from mockserver.web.served import Served

    request_log.configure(config.log)
    try:
        emulator = Emulator(config)
        learned = _learned(emulator)
    except ValueError as error:
        print(f"mockserver: {error}", file=sys.stderr)
        return WRONG_USE

    def listening(server: Server) -> None:
        echo(banner(server.url, config, emulator, learned))
        started()
        _settle(served)

    served = Served(emulator, log_to=sys.stderr)
    try:
        return run(served.listen(host=config.host, port=config.port, certificate=_tls(config)), listening)
    except OSError as error:
        print(f"mockserver: {error}", file=sys.stderr)
        return WRONG_USE
    finally:
        emulator.close()


def run(server: Server | StreamServer, on_ready: Callable[[Any], None]) -> int:
    """Serve until a signal, then finish open requests; returns the exit status. A second signal stops immediately."""
    stopping = threading.Event()
    raise_descriptors()

    def begin_stop(number: int, frame: FrameType | None) -> None:
        del frame
        signal.signal(number, end_at_once)
        stopping.set()

    def end_at_once(number: int, frame: FrameType | None) -> None:
        os._exit(128 + number)  # the default action, which the kernel withholds from process 1 of a container

    for number in (getattr(signal, name) for name in _ENDING if hasattr(signal, name)):
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, begin_stop)
    server.start()
    on_ready(server)
    while not stopping.wait(_WAKE_SECONDS):
        pass
    server.stop()
    return 0


def raise_descriptors() -> None:
    """Raise the soft limit of open files to the hard limit."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and limit > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def _settle(served: Served) -> None:
    """Do the work that can wait until the server answers."""
    later = threading.Timer(_SETTLED_SECONDS, served.settle)
    later.daemon = True
    later.start()


def _learned(emulator: Emulator) -> list[str]:
    """Lines of the banner on what was learned from a recording."""
    if emulator.config.learn is None:
        return []
    from mockserver.clients import program  # imported here: only needed to learn

    found = program.learned(emulator, os.environ)
    assert found is not None
    head = f"  Learned   {emulator.config.learn}      ({found.summary})"
    return [head, *(f"            {one}" for one in found.lines())]


def _tls(config: Config) -> ssl.SSLContext | None:
    if not config.tls:
        return None
    if not intercept.available():
        raise OSError(f"--tls: {intercept.missing()}")
    from mockserver.intercept.authority import lasting_context

    return lasting_context(intercept.ca_folder(config.ca_folder))


def banner(url: str, config: Config, emulator: Emulator, learned: list[str]) -> str:
    """The text that a server prints at its start: its addresses, the active settings, and what it has learned."""
    console = "closed, since others can reach it: set MOCKSERVER_ADMIN_TOKEN"
    if config.admin_open:
        how = "open in a browser" + ("" if config.admin_token is None else "; its password is the admin token")
        console = f"{url}/_mock/      ({how})"
    lines = [
        f"Mock Flow Service {__version__} is ready  ({config.platform}, records in {emulator.world.store.place})",
        f"  API       {url}{BASE_PATH}      (short form: {url}/connections)",
        f"  Token     {url}/ims/token/v3",
        f"  Contract  {url}/openapi.yaml",
        f"  Console   {console}",
    ]
    if config.sources:
        declared = len(emulator.world.sources.declared)
        lines.append(f"  Sources   {config.sources}      ({declared} declared; other connections: built-in shop)")
    for listed in emulator.world.sources.listed:
        lines.append(f"  Live      {listed}      (connects to {', '.join(listed.addresses)})")
    if config.lake:
        lines.append(f"  Lake      {config.lake}      (rows written by runs)")
    lines += learned
    if config.faults:
        lines.append(f"  Faults    {config.faults}")
    if not emulator.journal.on:
        lines.append("  Journal   off: nothing is recorded or judged")
    if config.tls:
        certificate = intercept.ca_folder(config.ca_folder) / intercept.PUBLIC_FILE
        lines.append(f"  Trust     {certificate}      (`mockserver ca show` says how)")
    return "\n".join(lines)
