"""Keeps the certificate authority of commands in the tests' folder."""

from tests.conformance.conftest import ca_folder, no_authority_at_home

__all__ = ["ca_folder", "no_authority_at_home"]
