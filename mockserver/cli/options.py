"""Options that several commands share, and the settings they come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mockserver import config

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
_Command = TypeVar("_Command", bound=Callable[..., Any])

_EMULATION = (
    click.option("--platform", type=click.Choice(["azure", "aws"]), help="Cloud to emulate.  [default: azure]"),
    click.option("--strict", is_flag=True, default=None, help="Only tokens issued here; refuse unknown members."),
    click.option("--seed", type=int, help="Same ids, etags and times on every run."),
    click.option("--state", metavar="FILE|URL", help="Keep records in a SQLite file, or share postgresql://…"),
    click.option("--learn", metavar="FILE.har", help="Begin with the specs and entities that a recording shows."),
    click.option("--sources", metavar="FILE", help="YAML that declares the sources behind connections."),
    click.option("--lake", metavar="DIR", help="Write the rows that runs bring below this folder."),
    click.option("--closed", is_flag=True, default=None, help="Refuse schemas, data sets and mappings from elsewhere."),
    click.option("--faults", metavar="FILE", help="YAML of faults in force from the start; see `mockserver faults`."),
    click.option("--fault-header/--no-fault-header", default=None, help="Obey x-mock-fault.  [default: obey]"),
    click.option("--quirk", multiple=True, metavar="NAME=VALUE", help="Switch a quirk; see `mockserver quirks`."),
    click.option("--sandbox", "sandboxes", multiple=True, help="Known sandbox, the first is the default; any if none."),
    click.option("--org", "orgs", multiple=True, help="Known organisation; any if none."),
    click.option("--api-key", "api_keys", multiple=True, help="Known API key; any if none."),
    click.option(
        "--service-client", "service_clients", multiple=True, help="API key with service tokens; may write specs."
    ),
    click.option("--ca-folder", metavar="DIR", help="Where the certificate authority is kept; see `mockserver ca`."),
)


def emulation_options(command: _Command) -> _Command:
    """Add the options for the behaviour of the emulator."""
    for option in reversed(_EMULATION):
        command = option(command)
    return command


_REPORT = (
    click.option("--report", "folder", type=FOLDER, metavar="DIR", help="Write the report in every form."),
    click.option("--source", type=FILE, metavar="FILE", help="The client's file, to which SARIF findings point."),
    click.option("--baseline", type=FILE, help="YAML of findings that are accepted."),
    click.option("--write-baseline", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                 help="Write a baseline that accepts what is found now."),
    click.option("--level", type=click.Choice(["fail", "warn", "info"], case_sensitive=False), default="warn",
                 show_default=True, help="Findings of this level or worse fail the client."),
)  # fmt: skip


def report_options(command: _Command) -> _Command:
    """What becomes of a report; `Reporting.of` takes them."""
    for option in reversed(_REPORT):
        command = option(command)
    return command


def settings(options: dict[str, Any], *, without: frozenset[str] = frozenset()) -> config.Config:
    """The settings in force, for a command that has all of them but a few. Raises UsageError."""
    try:
        options["quirk"] = dict(config.parse_pair("--quirk", text) for text in options["quirk"])
        chosen = config.load(options, names=config.ALL - without)
        from mockserver.quirks import Quirks

        Quirks(chosen.quirk)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return chosen
