"""`mockserver exec`: runs an unmodified client against a private server and judges it."""

from __future__ import annotations

import dataclasses
import errno
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from mockserver.cli.options import emulation_options, report_options, settings
from mockserver.cli.reporting import Reporting, in_words
from mockserver.config import LISTENING, forget_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.config import Config
    from mockserver.emulator import Emulator
    from mockserver.intercept.interception import Interception

_LED = "platform.adobe.io, ims-na1.adobelogin.com and dcs.adobedc.net"
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127
"""Exit statuses of shells for commands that cannot be started."""
_ENTRIES, _BYTES = 100_000, 256 * 1_048_576
"""Limits of the journal. They exceed those of a server, because the whole run is judged at its end."""


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@report_options
@emulation_options
def execute(command: tuple[str, ...], **options: Any) -> None:
    """Run an unmodified client and judge it.

    The calls of COMMAND to platform.adobe.io and ims-na1.adobelogin.com reach a private server, because proxy and
    certificate authority are set in its environment. It can reach no other host. Exit status: that of the client,
    unless it is 0; then 1 for findings, 3 if it made no call, and otherwise 0.
    """
    try:
        reporting = Reporting.of(options)
    except ValueError as error:
        raise click.UsageError(in_words(error)) from None
    chosen = settings(options, without=LISTENING)
    forget_secrets()
    try:
        run = privately(command, chosen)
        judged = _judge(run, reporting)
    except (ValueError, OSError) as error:
        raise click.UsageError(in_words(error)) from None
    sys.exit(run.status or judged)


@dataclasses.dataclass(frozen=True, slots=True)
class PrivateRun:
    """A client that has run against a private server."""

    emulator: Emulator
    status: int
    """Exit status of the client."""
    refused: bool
    """Whether it asked for hosts other than Adobe's."""
    tunnels: int
    """Number of its connections to Adobe's hosts."""


def privately(command: tuple[str, ...], config: Config) -> PrivateRun:
    """Run a client against a private server, whose journal keeps the whole run. Raises ValueError and OSError."""
    from mockserver.clients import program
    from mockserver.intercept.interception import of_emulator

    config = dataclasses.replace(config, log="none", journal_entries=_ENTRIES, journal_bytes=_BYTES)
    with program.PrivateServer(config, os.environ) as server:
        if server.learned is not None:
            _say("\n".join([f"learned from {config.learn}: {server.learned.summary}", *server.learned.lines()]))
        with of_emulator(server.emulator) as interception:
            status = run_led(command, interception, program.variables(server.url, os.environ), "emulated")
        return PrivateRun(server.emulator, status, bool(interception.refused), interception.tunnels)


def _judge(run: PrivateRun, reporting: Reporting) -> int:
    """Report on the client; returns the exit status of the judgement."""
    from mockserver.conformance import evaluate

    report = evaluate(run.emulator.journal.entries(), run.emulator.contract)
    judged = reporting.deliver(report, err=True)
    if not report.judged and report.calls:
        _say("It called only the token endpoint, or services that are not emulated.")
    elif not report.judged:
        explain_silence(run.tunnels, run.refused, "If not, let it take its base URL from FLOW_SERVICE_URL.")
    return judged


def run_led(command: tuple[str, ...], interception: Interception, environ: Mapping[str, str], kind: str) -> int:
    """Run a client whose requests to Adobe's hosts are redirected, and print which other hosts it asked for.

    Returns its exit status, or the number of its signal plus 128. `kind`: what Adobe's hosts are, for the message.
    Exits if the command cannot be started.
    """
    from mockserver.clients import program

    try:
        ending = program.run(command, interception.environment(environ), seconds=None, show=True, foreground=True)
    except program.NotStarted as error:
        _say(f"mockserver: {in_words(error)}")
        sys.exit(_NOT_FOUND if error.errno == errno.ENOENT else _NOT_EXECUTABLE)
    for host, count in interception.refused.items():
        _say(f"mockserver: the client asked for {host} {count}x and was refused: only {_LED} are {kind}, on port 443")
    status = ending.status or 0
    return status if status >= 0 else 128 - status


def explain_silence(tunnels: int, refused: bool, otherwise: str) -> None:
    """Print why no request of a client may have arrived. `refused`: it asked for other hosts."""
    if tunnels:
        _say(f"It connected to Adobe's hosts {tunnels}x, but no request to Flow Service arrived.")
        _say("Most likely it does not trust the certificate.")
        _say("The variable SSL_CERT_FILE names a bundle with it; `mockserver ca show` has the options of clients.")
    elif not refused:
        _say(f"Does it honour HTTPS_PROXY? {otherwise}")


def _say(text: str) -> None:
    click.echo(text, err=True)
