"""Commands that run clients keep their certificate authority with the tests."""

from tests.conformance.conftest import ca_folder, no_authority_at_home

__all__ = ["ca_folder", "no_authority_at_home"]
