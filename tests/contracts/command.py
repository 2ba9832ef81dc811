"""`mockserver contract` and a server of ours, both in the process of the tests: starting one takes seconds."""

from collections.abc import Iterator
from contextlib import contextmanager

from click.testing import CliRunner, Result

from mockserver.cli import main
from mockserver.clients.program import PrivateServer


@contextmanager
def ours() -> Iterator[str]:
    """A server of ours on a port of its own; its URL without a path."""
    with PrivateServer() as server:
        yield server.url


def contract(*arguments: str, **environment: str) -> Result:
    """The command of users, with standard output and error apart."""
    return CliRunner(env=environment).invoke(main, ["contract", *arguments], catch_exceptions=False)
