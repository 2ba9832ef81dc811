"""The server and the service of the conformance tests, whose clients are recorded."""

from tests.conformance.conftest import running, server, service

__all__ = ["running", "server", "service"]
