"""`mockserver contract` and a server of ours, both in the process of the tests: starting one takes seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from click.testing import CliRunner, Result

from mockserver.cli import main
from mockserver.clients.program import PrivateServer
from mockserver.web.bridge import wsgi_server


@contextmanager
def ours() -> Iterator[str]:
    """A server of ours on a port of its own; its URL without a path."""
    with PrivateServer() as server:
        yield server.url


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """A WSGI application on a port of its own; its URL without a path.

    By our server, because that of Python's library takes a connection and a thread for each request.
    """
    server = wsgi_server(app)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def contract(*arguments: str, **environment: str) -> Result:
    """The command of users, with standard output and error apart."""
    return CliRunner(env=environment).invoke(main, ["contract", *arguments], catch_exceptions=False)
