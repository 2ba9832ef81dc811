"""Runs a client, a program in any language, against a server of its own.

`PrivateServer` is an emulator on a free local port. `run` starts the command with environment variables that
lead it there, waits, and returns how it ended. The emulator's journal has the client's calls.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from mockserver.clients import signals
from mockserver.config import Config, without_secrets
from mockserver.emulator import Emulator
from mockserver.exchange import BASE_PATH
from mockserver.web.served import Served

if TYPE_CHECKING:
    from mockserver.recordings.learning import Learned

_MAX_OUTPUT = 65_536
"""Characters kept from the end of a client's captured output."""

CREDENTIALS = {
    "FLOW_SERVICE_TOKEN": "mock-token",
    "FLOW_SERVICE_API_KEY": "mock-client",
    "FLOW_SERVICE_ORG": "5C1328435BF324E90A49402A@AdobeOrg",
    "FLOW_SERVICE_SANDBOX": "prod",
    "FLOW_SERVICE_CLIENT_ID": "mock-client",
    "FLOW_SERVICE_CLIENT_SECRET": "mock-secret",
}
"""Credentials for a client that reads them from the environment, where none are set."""


def accepted(config: Config) -> dict[str, str]:
    """Environment variables with the first valid API key, organisation and sandbox of a server."""
    known = {"API_KEY": config.api_keys, "ORG": config.orgs, "SANDBOX": config.sandboxes}
    return {f"FLOW_SERVICE_{name}": values[0] for name, values in known.items() if values}


class PrivateServer:
    """A server for one client, used as `with PrivateServer() as server:`."""

    def __init__(self, config: Config | None = None, environ: Mapping[str, str] | None = None) -> None:
        """`environ`: the client's. Raises ValueError for settings that cannot be used."""
        self.emulator = Emulator(config or Config(log="none"))
        self.learned = learned(self.emulator, environ or {})
        self._server = Served(self.emulator).listen()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return self._server.url

    def __enter__(self) -> PrivateServer:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self.emulator.close()


def learned(emulator: Emulator, environ: Mapping[str, str]) -> Learned | None:
    """The initial state from a recording, if the setting `learn` names one. `environ`: that of the client."""
    if emulator.config.learn is None:
        return None
    from mockserver.recordings import learning  # imported here: only needed to learn

    org = {**CREDENTIALS, **environ}["FLOW_SERVICE_ORG"]
    return learning.start_from(emulator, emulator.config.learn, org)


class NotStarted(OSError):
    """A command cannot be started; `strerror` names it and the reason."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a client ended."""

    status: int | None
    """Its exit status; None if it had to be stopped."""
    output: str
    """The end of its captured output, both streams interleaved; empty if the output was shown."""


def addresses(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that lead a client to a server: its URLs, and no proxy."""
    no_proxy = ",".join(filter(None, (environ.get("NO_PROXY", environ.get("no_proxy", "")), "127.0.0.1,localhost")))
    return {
        "FLOW_SERVICE_URL": f"{url}{BASE_PATH}",
        "FLOW_SERVICE_TOKEN_URL": f"{url}/ims/token/v3",
        "MOCKSERVER_URL": url,
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def variables(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a client that reads its base URL from it: FLOW_SERVICE_URL and related variables."""
    return {**CREDENTIALS, **without_secrets(environ), **addresses(url, environ)}


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    seconds: float | None,
    show: bool,
    foreground: bool = False,
) -> Ending:
    """Run a command to its end, or stop it and its children after `seconds`.

    `show` lets it write to our own streams. In the `foreground` it also receives our signals and
    has no time limit.
    Raises NotStarted.
    """
    if not foreground:
        return _run(command, environment, seconds, show)
    with signals.passed_on() as runs:
        return _run(command, environment, seconds, show, runs)


def _run(
    command: Sequence[str],
    environment: Mapping[str, str],
    seconds: float | None,
    show: bool,
    runs: Callable[[subprocess.Popen[bytes]], None] | None = None,
) -> Ending:
    stream = None if show else subprocess.PIPE
    try:
        process = subprocess.Popen(  # noqa: S603  (the operator's own command, and no shell)
            list(command),
            env=dict(environment),
            stdin=None if show else subprocess.DEVNULL,
            stdout=stream,
            stderr=None if show else subprocess.STDOUT,
            start_new_session=not show,
        )
    except OSError as error:
        there = isinstance(error, FileNotFoundError) and os.path.exists(command[0])
        reason = "the interpreter in its first line does not exist" if there else error.strerror
        raise NotStarted(error.errno, f"cannot start {command[0]!r}: {reason}") from None
    try:
        if runs:
            runs(process)
            signals.wait_for(process)
        output, _ = process.communicate(timeout=seconds)
        return Ending(process.returncode, _text(output))
    except subprocess.TimeoutExpired:
        _stop(process, whole_group=not show)
        output, _ = process.communicate()
        return Ending(None, _text(output))
    except BaseException:
        _stop(process, whole_group=not show)
        process.wait()
        raise


def _stop(process: subprocess.Popen[bytes], *, whole_group: bool) -> None:
    if whole_group and hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _text(output: bytes | None) -> str:
    return (output or b"")[-_MAX_OUTPUT:].decode("utf-8", "replace")
