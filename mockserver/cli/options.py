"""Options that several commands share, and the settings that result from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from mockserver import config

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
_Command = TypeVar("_Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
platform_option = click.option(
    "--platform", type=click.Choice(["azure", "aws"]), default="azure", show_default=True, help="Select the cloud."
)
ca_folder_option = click.option(
    "--ca-folder", metavar="DIR", help="Keep the certificate authority in this folder; see `mockserver ca`."
)

_COMPARED = (
    click.option("--platform", type=click.Choice(["azure", "aws"]), help="Select the cloud.  [default: azure]"),
    click.option("--strict", is_flag=True, default=None, help="Refuse foreign tokens and unknown members."),
    click.option("--seed", type=int, help="Repeat ids, etags and times on every run."),
    click.option("--sources", metavar="FILE", help="Read the sources behind connections from YAML."),
    click.option(
        "--closed", is_flag=True, default=None, help="Refuse schemas, data sets and mappings not created here."
    ),
    click.option("--quirk", multiple=True, metavar="NAME=VALUE", help="Set a quirk; see `mockserver quirks`."),
    click.option(
        "--sandbox", "sandboxes", multiple=True, help="Accept only these sandboxes; the first is the default."
    ),
)
_EMULATION = (
    *_COMPARED,
    click.option("--state", metavar="FILE|URL", help="Keep records in an SQLite file or in postgresql://…"),
    click.option("--learn", metavar="FILE.har", help="Start with the specs and entities of a recording."),
    click.option("--lake", metavar="DIR", help="Write the rows of runs to this folder."),
    click.option("--faults", metavar="FILE", help="Load faults from YAML; see `mockserver faults`."),
    click.option(
        "--fault-header/--no-fault-header", default=None, help="Obey the header x-mock-fault.  [default: obey]"
    ),
    click.option("--org", "orgs", multiple=True, help="Accept only these organisations."),
    click.option("--api-key", "api_keys", multiple=True, help="Accept only these API keys."),
    click.option(
        "--service-client", "service_clients", multiple=True, help="Treat tokens of this API key as service tokens."
    ),
    ca_folder_option,
)


def comparison_options(command: _Command) -> _Command:
    """Add the options for a new emulator that answers a recording; see `config.COMPARED`."""
    return _with(_COMPARED, command)


def emulation_options(command: _Command) -> _Command:
    """Add the options for the behaviour of the emulator."""
    return _with(_EMULATION, command)


def _with(options: Iterable[Callable[[_Command], _Command]], command: _Command) -> _Command:
    for option in reversed([*options]):
        command = option(command)
    return command


_REPORT = (
    click.option("--report", "folder", type=FOLDER, metavar="DIR", help="Write the report here in every format."),
    click.option("--source", type=FILE, metavar="FILE", help="Let SARIF findings point to this file of the client."),
    click.option("--baseline", type=FILE, help="Accept the findings in this YAML file."),
    click.option("--write-baseline", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                 help="Write a baseline that accepts the current findings."),
    click.option("--level", type=click.Choice(["fail", "warn", "info"], case_sensitive=False), default="warn",
                 show_default=True, help="Fail the client for findings of this level or worse."),
)  # fmt: skip


def report_options(command: _Command) -> _Command:
    """Add the options for reports, which `Reporting.of` reads."""
    return _with(_REPORT, command)


def settings(options: dict[str, Any], *, without: frozenset[str] = frozenset()) -> config.Config:
    """The settings in force, for a command that takes all but a few of them. Raises UsageError."""
    try:
        options["quirk"] = dict(config.parse_pair("--quirk", text) for text in options["quirk"])
        chosen = config.load(options, names=config.ALL - without)
        from mockserver.quirks import Quirks

        Quirks(chosen.quirk)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return chosen
