"""The server and the service of the conformance tests: a recording is made from the same clients."""

from tests.conformance.conftest import ca_folder, no_authority_at_home, running, server, service

__all__ = ["ca_folder", "no_authority_at_home", "running", "server", "service"]
