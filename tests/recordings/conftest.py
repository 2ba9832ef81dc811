"""The server and the service of the conformance tests, whose clients are recorded."""

from tests.conformance.conftest import ca_folder, no_authority_at_home, running, server, service

__all__ = ["ca_folder", "no_authority_at_home", "running", "server", "service"]
