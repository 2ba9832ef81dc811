"""Help texts: each begins with a verb and says what the command or option does."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mockserver.cli import main
from tests.rows import each

_VERBS = """
    accept call compare connect create delete derive emulate explain fail generate judge keep let list listen load
    manage obey play print read record refuse repeat replay require run select send serve set show start stop test treat
    trust use wait write"""
_LISTED_CHARACTERS = 61
"""What `--help` of a group shows of a command's first sentence in 80 columns, of which click uses 78."""


def _commands(group: click.Group) -> Iterator[click.Command]:
    for command in group.commands.values():
        yield command
        if isinstance(command, click.Group):
            yield from _commands(command)


COMMANDS = list(_commands(main))
OPTIONS = {
    f"{command.name} {param.opts[0]}": param.help or ""
    for command in COMMANDS
    for param in command.params
    if isinstance(param, click.Option) and "-h" not in param.opts
}


@each("command", COMMANDS)
def test_a_command_begins_with_a_verb_and_fits_the_list(command: click.Command) -> None:
    first = (command.help or "").strip().splitlines()[0]
    assert first.split()[0].lower() in _VERBS.split() and first.endswith("."), first
    assert len(first) <= _LISTED_CHARACTERS, f"the list of commands cuts it: {first}"


def test_an_option_begins_with_a_verb() -> None:
    told = {option: text.partition("  [default")[0] for option, text in OPTIONS.items()}
    wrong = [
        f"{option}: {text}" for option, text in told.items() if text.partition(" ")[0].lower() not in _VERBS.split()
    ]
    assert not wrong, "begin with a verb:\n" + "\n".join(wrong)
    assert [f"{option}: {text}" for option, text in told.items() if not text.endswith((".", "…"))] == []
