"""`mockserver env` and `mockserver init`: prints variables for clients and writes files for a new project."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockserver import files
from mockserver.cli.options import FOLDER, settings

if TYPE_CHECKING:
    from mockserver.config import Config

_SERVER_URL = re.compile(r"https?://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (what to call instead of them)

_FORMATS: dict[str, Callable[[str, str], str]] = {
    "sh": lambda name, value: f"export {name}={shlex.quote(value)}",
    "dotenv": lambda name, value: f"{name}={shlex.quote(value)}",
    "github": lambda name, value: f"{name}={value}",
    "powershell": lambda name, value: f"$env:{name} = '{value.replace(chr(39), chr(39) * 2)}'",
    "fish": lambda name, value: f"set -gx {name} {_fish_quote(value)}",
}
"""Format -> the template of a line that sets a variable."""

_STARTER = Path(__file__).parent / "starter"
_FILES = ("mockserver.toml", "sources.yaml")


@click.command()
@click.option("--format", "form", type=click.Choice(list(_FORMATS)), default="sh", show_default=True,
              help="Print for this shell or file.")  # fmt: skip
@click.option("--url", metavar="URL", help="Use the server at this URL.  [default: host and port of the settings]")
def env(form: str, url: str | None) -> None:
    """Print environment variables for clients.

    \b
    eval "$(mockserver env)"                                  in sh, bash, zsh
    mockserver env --format fish | source
    mockserver env --format powershell | Out-String | Invoke-Expression
    mockserver env --format dotenv > .env
    mockserver env --format github >> "$GITHUB_ENV"
    """  # noqa: D301  (click takes \b for "leave these lines as they are")
    config = settings({"quirk": ()})
    if url is not None and not _SERVER_URL.fullmatch(url.removesuffix("/")):
        raise click.UsageError("--url must be scheme, host and port, such as http://127.0.0.1:8080")
    found = {**_credentials(config), **_addresses(url.removesuffix("/") if url else _url(config))}
    for name, value in found.items():
        if not value.isprintable():
            raise click.UsageError(f"{name} holds characters that cannot be printed")
    for name, value in found.items():
        click.echo(_FORMATS[form](name, value))


@click.command()
@click.argument("folder", type=FOLDER, default=".", metavar="[FOLDER]")
def init(folder: Path) -> None:
    """Write commented files for a new project.

    mockserver.toml and sources.yaml are written to FOLDER or the current folder. If one of them exists, nothing is
    written.
    """
    taken = [name for name in _FILES if os.path.lexists(folder / name)]
    if taken:
        names = " and ".join(taken)
        verb = "exists" if len(taken) == 1 else "exist"
        raise click.UsageError(f"{names} already {verb} in {folder}; nothing was written. Name another FOLDER.")
    try:
        files.make_folder(folder)
        for name in _FILES:
            with files.creating(folder / name) as file:
                file.write((_STARTER / name).read_bytes())
            click.echo(f"Wrote {folder / name}")
    except OSError as error:
        raise click.UsageError(f"cannot write {error.filename}: {error.strerror}") from None
    click.echo("Start the server in this folder: mockserver")


def _url(config: Config) -> str:
    """The URL of a server with these settings."""
    if not config.port:
        raise click.UsageError("port 0 is chosen when the server starts: give its address with --url")
    host = _ANYWHERE.get(config.host, config.host)
    return f"{'https' if config.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{config.port}"


def _addresses(url: str) -> dict[str, str]:
    from mockserver.clients import program

    return program.addresses(url, os.environ)


def _credentials(config: Config) -> dict[str, str]:
    """Credentials that the server accepts. Configured secrets are not printed."""
    from mockserver.clients import program

    found: dict[str, Any] = {**program.CREDENTIALS, **program.accepted(config)}
    if config.strict:
        del found["FLOW_SERVICE_TOKEN"]  # only tokens of its token endpoint count
    if config.client_secrets:
        del found["FLOW_SERVICE_CLIENT_ID"], found["FLOW_SERVICE_CLIENT_SECRET"]
    return found


def _fish_quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
