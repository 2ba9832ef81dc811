"""`mockserver record`: records a client and the responses of the real service."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockserver import __version__, config
from mockserver.cli.options import ca_folder_option
from mockserver.cli.reporting import NOTHING_TO_JUDGE, colourful, in_words

if TYPE_CHECKING:
    from mockserver.exchange import Call, Result
    from mockserver.intercept.relay import Relay
    from mockserver.recordings.recorder import Aside, Recorder

_MAX_LISTED = 5
_MAX_PORT = 65_535
_ADOBE = "https://platform.adobe.io"


@click.command("record", context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE.har",
              help="Write the recording to this new file.")  # fmt: skip
@click.option("--upstream", metavar="URL", help="Record this service.  [default: the Adobe host that the client calls]")
@click.option("--listen", metavar="[HOST:]PORT", help="Listen for clients instead of running COMMAND.")
@click.option("--upstream-ca", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help="Trust these CAs (PEM) of --upstream.")  # fmt: skip
@ca_folder_option
def record(
    command: tuple[str, ...], out: Path, upstream: str | None, listen: str | None, upstream_ca: Path | None,
    ca_folder: str | None,
) -> None:  # fmt: skip
    """Record a client and the real service in a HAR file.

    COMMAND is an unmodified client. Bytes pass unchanged, except for a few header fields of requests; only the
    recording is masked. Exit status: that of the client, 1 if an exchange had to be left out because it contains a
    secret, or 3 if no request was made.
    """
    if bool(command) == (listen is not None):
        raise click.UsageError("give a COMMAND to record, or --listen PORT")
    if listen is not None and upstream is None:
        raise click.UsageError("--listen goes with --upstream URL")
    from mockserver.recordings.recorder import Leak

    try:
        recorder = _recorder(out, upstream)
        status, complete = 0, False
        try:
            ended = _through(command, upstream, upstream_ca, ca_folder, recorder) if command else _serve(
                listen or "", upstream or "", upstream_ca, recorder
            )  # fmt: skip
            status, complete = ended, True
        finally:
            recorder.close(complete=complete)
            if not recorder.count:
                out.unlink(missing_ok=True)
    except Leak as leak:
        _tell_hidden(recorder)
        click.echo(f"mockserver: {leak}", err=True)
        sys.exit(1)
    except (OSError, ValueError) as error:
        raise click.UsageError(in_words(error)) from None
    if recorder.unanswered:
        click.echo(f"Note: requests without a response: {recorder.unanswered} of {recorder.count}", err=True)
    if recorder.count:
        _tell_hidden(recorder)
        _tell(out, recorder.count)
    else:
        click.echo(f"{out}: not written, because no request was made", err=True)
        status = status or NOTHING_TO_JUDGE
    sys.exit(status)


def _recorder(out: Path, upstream: str | None) -> Recorder:
    from mockserver.contract import Contract
    from mockserver.recordings.recorder import Recorder
    from mockserver.runtime import PROCESS_KEY
    from mockserver.specs.connectors import Connectors

    contract = Contract.load()
    auth = Connectors.load("azure").auth_place
    return Recorder(out, upstream or _ADOBE, contract, auth, PROCESS_KEY, __version__)


def _relay(upstream: str, upstream_ca: Path | None, recorder: Recorder) -> Relay:
    from mockserver.intercept.relay import Relay

    def seen(call: Call, result: Result, ended_ms: int, whole: bool, aside: Aside) -> None:
        recorder.add(call, result, ended_ms, whole=whole, aside=aside)

    return Relay(seen, upstream, ca_file=str(upstream_ca) if upstream_ca else None)


def _through(
    command: tuple[str, ...], upstream: str | None, upstream_ca: Path | None, ca_folder: str | None, recorder: Recorder
) -> int:
    from mockserver.cli.executing import explain_silence, run_led
    from mockserver.intercept.interception import Interception

    config.forget_secrets()
    relay = _relay(upstream or "", upstream_ca, recorder)
    with Interception(lambda context: relay.server(certificate=context), ca_folder) as interception:
        status = run_led(command, interception, dict(os.environ), "recorded")
    if not recorder.count:
        otherwise = "If not, give it the URL of `record --listen`."
        explain_silence(interception.tunnels, bool(interception.refused), otherwise)
    return status


def _serve(listen: str, upstream: str, upstream_ca: Path | None, recorder: Recorder) -> int:
    from mockserver.cli import serving

    host, _, port = listen.rpartition(":")
    if not (port.isdecimal() and int(port) <= _MAX_PORT):
        raise ValueError(f"--listen takes a port from 0 to {_MAX_PORT}, or HOST:PORT")
    address = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    server = _relay(upstream, upstream_ca, recorder).server(host=address, port=int(port))
    return serving.run(
        server, lambda _: click.echo(f"Recording {upstream} at {server.url}; stop with Ctrl-C", err=True)
    )


def _tell_hidden(recorder: Recorder) -> None:
    """Print the places where a secret was in a text that is otherwise written."""
    places = [f"exchange {number} (from {place})" for number, place in sorted(recorder.hidden.items())]
    if places:
        more = f" and {len(places) - _MAX_LISTED} more" if len(places) > _MAX_LISTED else ""
        shown = ", ".join(places[:_MAX_LISTED])
        click.echo(f"Note: texts that contain a secret were masked: {shown}{more}", err=True)


def _tell(out: Path, count: int) -> None:
    """Print the verdict on the client, from the written file."""
    from mockserver.conformance import evaluate, summary
    from mockserver.contract import Contract
    from mockserver.har import journaling, reading
    from mockserver.specs.connectors import Connectors

    contract = Contract.load()
    try:
        entries = journaling.read(out, contract, Connectors.load("azure"))
    except reading.HarError as error:  # larger than any command reads
        click.echo(f"The client was not judged. {error}", err=True)
    else:
        if entries:
            click.echo(summary(evaluate(entries, contract), colour=colourful(sys.stderr)), nl=False, err=True)
    click.echo(f"{out}: {count} {'exchange' if count == 1 else 'exchanges'}", err=True)
